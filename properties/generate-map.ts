/** Recipes for the operations of vm_map.c. */
import {
  ADDRESS_SPACE_END,
  bytes,
  type ObjectOffset,
  objectOffset,
  PAGE_SIZE,
  type VirtualAddress,
} from '../contract/address.ts';
import { VM_PROT_ALL } from '../contract/protection.ts';
import type { EntrySnapshot, InsertedObject, MapName, VmMapOperation } from '../contract/vm-map.ts';
import type { Ground } from './generate-ground.ts';
import { isPlaceholder, type Range } from './generate-reading.ts';
import { bounds, clip, type Recipes, someMap } from './generate-recipe.ts';
import { fittingSize } from './selectors.ts';
import {
  ATTRIBUTE_RANGES,
  drawRange,
  FREE_RANGES,
  FREE_ROOM,
  probe,
  seamless,
  toPages,
} from './selectors-ranges.ts';

const LAST_PAGE = ADDRESS_SPACE_END - PAGE_SIZE;

/** Entries of a map that meet a range. */
function entriesIn(ground: Ground, map: MapName, { start, end }: Range): readonly EntrySnapshot[] {
  return (ground.map(map)?.entries ?? []).filter((entry) => entry.start < end && entry.end > start);
}

/** Whole pages of a range of some selector, kept inside the address space and off placeholders. */
function pagesOff(ground: Ground, map: MapName, range: Range | undefined): Range | undefined {
  if (range === undefined) return undefined;
  const { start, end } = toPages(range);
  const cut = { start: Math.min(start, LAST_PAGE), end: Math.min(end, LAST_PAGE) };
  return entriesIn(ground, map, cut).some(isPlaceholder) ? undefined : cut;
}

/** A map where allocations are, most of the time. */
function busyMap(ground: Ground): MapName {
  const held = ground.draw.percent(75) ? ground.allocation() : undefined;
  return held?.map ?? someMap(ground, 60);
}

/** A range for a change of attributes, and its map. */
function attributeRange(ground: Ground): { map: MapName; range: Range } | undefined {
  const map = busyMap(ground);
  const range = pagesOff(ground, map, drawRange(ground, map, ATTRIBUTE_RANGES));
  return range === undefined ? undefined : { map, range };
}

/** Rights that every entry of a range may still be given, as bits. */
function grantable(ground: Ground, map: MapName, range: Range): number {
  return entriesIn(ground, map, range).reduce((all, { maxProtection }) => all & maxProtection, VM_PROT_ALL);
}

/** The offset at which an inserted object aliases nothing: its own place in kernel_object or kmem_object. */
export function properOffset(ground: Ground, object: InsertedObject, start: number): ObjectOffset {
  if (object === 'kernel') return objectOffset(start - ground.machine.kernelMin);
  if (object === 'kmem') return objectOffset(start - (ground.known('kmem')?.min ?? start));
  return objectOffset(0);
}

function someObject(ground: Ground): InsertedObject {
  const object = ground.draw.pick<InsertedObject>(['null', 'null', 'anon', 'kernel', 'kmem']);
  return object === 'kmem' && ground.known('kmem') === undefined ? 'null' : object;
}

/** A loose map and the map that has room for it: one entry without object, unwired, around its bounds. */
function looseMap(ground: Ground): { map: MapName; submap: MapName; range: Range } | undefined {
  for (const { name: submap, standing, parent, min, max } of ground.maps) {
    if (standing === 'attached' || parent !== null) continue;
    for (const { name: map } of ground.usable()) {
      const entry = ground.entryAt(map, min);
      if (entry !== undefined && entry.backing === null && entry.wiredCount === 0 && entry.end >= max)
        return { map, submap, range: { start: min, end: max } };
    }
  }
  return undefined;
}

const isUnwired = ({ wiredCount }: EntrySnapshot): boolean => wiredCount === 0;
const isWired = ({ wiredCount }: EntrySnapshot): boolean => wiredCount > 0;

/** An empty range strictly inside an entry, which must stay whole (DEV-14). */
function insideEntry(ground: Ground, map: MapName): Range | undefined {
  const whole = seamless(ground, map, isUnwired);
  return whole === undefined ? undefined : { start: whole.start + PAGE_SIZE, end: whole.start + PAGE_SIZE };
}

/** A range that wiring accepts, mostly an unwired one, and not much longer than there are free pages. */
function wireable(ground: Ground, map: MapName): Range | undefined {
  const { draw, bias } = ground;
  const spare = draw.percent(bias.shortage) && ground.inFlight() < 5 ? draw.between(1, 2) : 0;
  const most = Math.min(8, ground.freePages() + spare);
  const again = draw.percent(20);
  if (draw.percent(4)) return insideEntry(ground, map);
  return seamless(ground, map, again ? isWired : isUnwired, again ? 16 : most);
}

function removable(ground: Ground): { map: MapName; start: VirtualAddress; end: VirtualAddress } | undefined {
  const map = busyMap(ground);
  const range = pagesOff(ground, map, drawRange(ground, map, FREE_RANGES));
  return range === undefined ? undefined : { map, ...bounds(range) };
}

/** Map operations on ranges that accept them. */
export const MAP_RECIPES: Recipes<VmMapOperation['kind']> = {
  vm_map_create: (ground) => {
    const { draw } = ground;
    if (ground.maps.length >= 8 || ground.pools().freeMaps === 0) return undefined;
    const map = someMap(ground, 80, ({ standing }) => standing === 'attached');
    const range = seamless(ground, map, ({ backing, wiredCount }) => backing === null && wiredCount === 0);
    if (range === undefined || ground.meetsBootRange(range)) return undefined;
    const { start: min, end: max } = bounds(range);
    return { kind: 'vm_map_create', name: ground.freshName('map'), min, max, pageable: draw.percent(35) };
  },
  vm_map_deallocate: (ground) => {
    const spare = ground.maps.filter(
      ({ name, deallocated, standing }) =>
        !deallocated && (standing !== 'loose' || ground.draw.percent(20)) && /^(sub|map)/.test(name),
    );
    const map = ground.draw.one(spare)?.name;
    return map === undefined ? undefined : { kind: 'vm_map_deallocate', map };
  },
  vm_map_insert: (ground) => {
    const map = someMap(ground, 60);
    const range = FREE_ROOM(ground, map);
    if (range === undefined) return undefined;
    const object = someObject(ground);
    return {
      kind: 'vm_map_insert',
      map,
      object,
      offset: properOffset(ground, object, range.start),
      ...bounds(range),
    };
  },
  vm_map_findspace: (ground) => {
    const map = someMap(ground, 60);
    const { draw } = ground;
    const length = fittingSize(ground, map) ?? PAGE_SIZE;
    const room = ground.holes(map).findLast(({ start, end }) => end - start >= length);
    const fitting = draw.percent(50) ? ground.known(map)?.min : room?.start;
    const start = (draw.percent(70) ? fitting : undefined) ?? probe(ground, map);
    return {
      kind: 'vm_map_findspace',
      map,
      start: clip(draw.percent(10) ? 0 : start),
      length: bytes(length),
    };
  },
  vm_map_find: (ground) => {
    const map = someMap(ground, 60);
    const { draw } = ground;
    const range = FREE_ROOM(ground, map);
    if (range === undefined) return undefined;
    const findSpace = draw.percent(60);
    const object = findSpace ? draw.pick<InsertedObject>(['null', 'null', 'anon']) : someObject(ground);
    const hint = findSpace && draw.percent(50) ? (ground.known(map)?.min ?? range.start) : range.start;
    const offset = properOffset(ground, object, range.start);
    const length = bytes(range.end - range.start);
    return { kind: 'vm_map_find', map, object, offset, address: clip(hint), length, findSpace };
  },
  vm_map_lookup_entry: (ground) => {
    const map = someMap(ground, 60);
    return { kind: 'vm_map_lookup_entry', map, address: clip(probe(ground, map)) };
  },
  vm_map_submap: (ground) => {
    const fit = looseMap(ground);
    if (fit === undefined) return undefined;
    return { kind: 'vm_map_submap', map: fit.map, submap: fit.submap, ...bounds(fit.range) };
  },
  vm_map_protect: (ground) => {
    const { draw } = ground;
    const place = attributeRange(ground);
    if (place === undefined) return undefined;
    const { map, range } = place;
    const protection = draw.pick([0, 1, 1, 3, 3, 5, 7, 7, 2]) & grantable(ground, map, range);
    return { kind: 'vm_map_protect', map, ...bounds(range), protection, setMax: draw.percent(20) };
  },
  vm_map_inherit: (ground) => {
    const place = attributeRange(ground);
    if (place === undefined) return undefined;
    return {
      kind: 'vm_map_inherit',
      map: place.map,
      ...bounds(place.range),
      inheritance: ground.draw.below(3),
    };
  },
  vm_map_pageable: (ground) => {
    const { draw } = ground;
    const map = busyMap(ground);
    const pageable = draw.percent(40);
    const range = pageable ? seamless(ground, map, isWired) : wireable(ground, map);
    return range === undefined ? undefined : { kind: 'vm_map_pageable', map, ...bounds(range), pageable };
  },
  vm_map_remove: (ground) => {
    const place = removable(ground);
    return place === undefined ? undefined : { kind: 'vm_map_remove', ...place };
  },
  vm_map_delete: (ground) => {
    const place = removable(ground);
    const known = place === undefined ? undefined : ground.known(place.map);
    if (place === undefined || known === undefined) return undefined;
    const start = Math.max(place.start, known.min);
    const end = Math.max(start, Math.min(place.end, known.max));
    return { kind: 'vm_map_delete', map: place.map, ...bounds({ start, end }) };
  },
  vm_map_check_protection: (ground) => {
    const map = someMap(ground, 60);
    const range = drawRange(ground, map, ATTRIBUTE_RANGES);
    if (range === undefined) return undefined;
    const protection = ground.draw.pick([1, 1, 3, 7, 0, 2, 4, 5]);
    return { kind: 'vm_map_check_protection', map, ...bounds(range), protection };
  },
  vm_map_simplify: (ground) => {
    const map = busyMap(ground);
    const start = ground.draw.one(ground.map(map)?.entries ?? [])?.start ?? probe(ground, map);
    return {
      kind: 'vm_map_simplify',
      map,
      start: clip(ground.draw.percent(85) ? start : probe(ground, map)),
    };
  },
};
