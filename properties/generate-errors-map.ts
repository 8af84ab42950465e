/** Deliberate error paths of vm_map.c: every KERN code, from every operation that can return it. */
import { ADDRESS_SPACE_END, bytes, objectOffset, PAGE_SIZE } from '../contract/address.ts';
import type { Operation } from '../contract/operation.ts';
import type { EntrySnapshot, InsertedObject, MapName } from '../contract/vm-map.ts';
import * as call from './generate-calls.ts';
import { type ErrorRecipe, overPlaceholder } from './generate-errors.ts';
import type { Ground } from './generate-ground.ts';
import { properOffset } from './generate-map.ts';
import { isPlaceholder, type Range } from './generate-reading.ts';
import { bounds, clip, someMap } from './generate-recipe.ts';
import { oversize } from './selectors.ts';
import { FREE_ROOM, probe, someEntry } from './selectors-ranges.ts';

interface Place {
  readonly map: MapName;
  readonly range: Range;
}

const isOwn = (entry: EntrySnapshot): boolean => !isPlaceholder(entry);

/** A whole entry above the boot image. */
function ownedPlace(ground: Ground, wanted: (entry: EntrySnapshot) => boolean = isOwn): Place | undefined {
  const map = someMap(ground, 60);
  const entry = someEntry(ground, map, (candidate) => isOwn(candidate) && wanted(candidate));
  if (entry === undefined) return undefined;
  const start = map === 'kernel' ? Math.max(entry.start, ground.machine.kernelStart) : entry.start;
  return start < entry.end ? { map, range: { start, end: entry.end } } : undefined;
}

/** The same place with a bound that is no page boundary. */
function unaligned(ground: Ground): Place | undefined {
  const place = ownedPlace(ground);
  if (place === undefined) return undefined;
  const { start, end } = place.range;
  const slack = ground.draw.between(1, PAGE_SIZE - 1);
  const range = ground.draw.pick<Range>([
    { start: start + slack, end },
    { start, end: end - slack },
    { start: start + slack, end: start + slack },
  ]);
  return { map: place.map, range };
}

/** From the last page before a hole into the hole. */
function intoHole(ground: Ground, wanted: (entry: EntrySnapshot) => boolean): Place | undefined {
  const map = someMap(ground, 60);
  for (const { start } of ground.holes(map)) {
    const before = ground.entryAt(map, start - 1);
    if (before !== undefined && isOwn(before) && wanted(before))
      return { map, range: { start: start - PAGE_SIZE, end: start + PAGE_SIZE } };
  }
  return undefined;
}

/** A range that begins in a hole. */
function fromHole(ground: Ground): Place | undefined {
  const map = someMap(ground, 60);
  const hole = ground.draw.one(ground.holes(map));
  return hole === undefined ? undefined : { map, range: { start: hole.start, end: hole.start + PAGE_SIZE } };
}

/** A range that an insertion must refuse. */
function takenPlace(ground: Ground): Place | undefined {
  const map = someMap(ground, 60);
  const known = ground.known(map);
  const entry = someEntry(ground, map);
  if (known === undefined || entry === undefined) return undefined;
  const { min, max } = known;
  const { start, end } = entry;
  const range = ground.draw.pick<Range>([
    { start, end: start + PAGE_SIZE },
    { start: end - PAGE_SIZE, end: end + PAGE_SIZE },
    { start: start - PAGE_SIZE, end },
    { start: min - PAGE_SIZE, end: min + PAGE_SIZE },
    { start: max - PAGE_SIZE, end: max + PAGE_SIZE },
    { start: end, end },
    { start: end + PAGE_SIZE, end },
    { start: end + 1, end: end + PAGE_SIZE },
    { start: end, end: end + PAGE_SIZE + 1 },
  ]);
  return { map, range };
}

function badInsert(ground: Ground): Operation | undefined {
  const place = takenPlace(ground);
  if (place === undefined) return undefined;
  const object = ground.draw.pick<InsertedObject>(['null', 'anon', 'kernel']);
  const offset = properOffset(ground, object, clip(place.range.start));
  const hole = ground.draw.percent(15) ? FREE_ROOM(ground, place.map) : undefined;
  if (hole !== undefined)
    return call.insert(place.map, 'anon', objectOffset(ground.draw.pick([1, 2048])), hole);
  return call.insert(place.map, object, offset, place.range);
}

function badFind(ground: Ground): Operation | undefined {
  const { draw } = ground;
  const place = takenPlace(ground);
  if (place === undefined) return undefined;
  const { map, range } = place;
  const object = draw.pick<InsertedObject>(['null', 'anon']);
  const here = clip(range.start);
  const size = Math.max(0, range.end - range.start);
  const roomless = Math.ceil(oversize(ground, map) / PAGE_SIZE) * PAGE_SIZE;
  const most = ADDRESS_SPACE_END - PAGE_SIZE;
  const [length, address, findSpace] = draw.pick<[number, number, boolean]>([
    [0, here, true],
    [Math.min(roomless, most), 0, true],
    [most, here, false],
    [size, here, false],
  ]);
  const hole = draw.percent(12) ? FREE_ROOM(ground, map) : undefined;
  if (hole !== undefined) {
    const room = { address: clip(hole.start), length: bytes(hole.end - hole.start) };
    return {
      kind: 'vm_map_find',
      map,
      object: 'anon',
      offset: objectOffset(1),
      ...room,
      findSpace: draw.percent(50),
    };
  }
  const offset = properOffset(ground, object, here);
  return {
    kind: 'vm_map_find',
    map,
    object,
    offset,
    address: clip(address),
    length: bytes(length),
    findSpace,
  };
}

function badFindspace(ground: Ground): Operation {
  const { draw } = ground;
  const map = someMap(ground, 60);
  const max = ground.known(map)?.max ?? 0;
  const [start, length] = draw.pick<[number, number]>([
    [probe(ground, map), 0],
    [0, oversize(ground, map)],
    [max + 1, PAGE_SIZE],
    [max, PAGE_SIZE],
    [ADDRESS_SPACE_END - 1, PAGE_SIZE],
  ]);
  return { kind: 'vm_map_findspace', map, start: clip(start), length: bytes(length) };
}

function badSubmap(ground: Ground): Operation | undefined {
  const { draw } = ground;
  const place = draw.percent(50) ? ownedPlace(ground) : overPlaceholder(ground);
  const submap = draw.one(ground.maps)?.name;
  if (place === undefined || submap === undefined) return undefined;
  const { start, end } = place.range;
  const range = draw.pick<Range>([
    place.range,
    { start, end: end + PAGE_SIZE },
    { start: end, end },
    { start: start + 1, end },
  ]);
  const { map } = place;
  const known = ground.known(submap);
  if (known?.standing !== 'attached' && known?.min === range.start && known.max === range.end)
    return undefined;
  return { kind: 'vm_map_submap', map, submap, ...bounds(range) };
}

/** A change of rights that the maximum of an entry forbids. */
function excessiveRights(ground: Ground): Operation | undefined {
  const place = ownedPlace(ground, ({ maxProtection }) => maxProtection !== 7);
  const entry = place === undefined ? undefined : ground.entryAt(place.map, place.range.start);
  if (place === undefined || entry === undefined) return undefined;
  const missing = 7 & ~entry.maxProtection;
  return call.protect(place.map, place.range, missing | ground.draw.below(8));
}

/** Turns a place into an operation on it. */
const at =
  (place: (ground: Ground) => Place | undefined, make: (map: MapName, range: Range) => Operation) =>
  (ground: Ground): Operation | undefined => {
    const found = place(ground);
    return found === undefined ? undefined : make(found.map, found.range);
  };

const isUnwired = ({ wiredCount }: EntrySnapshot): boolean => wiredCount === 0;
const isWired = ({ wiredCount }: EntrySnapshot): boolean => wiredCount > 0;

/** Ways in which map operations are refused. */
export const MAP_ERRORS: readonly ErrorRecipe[] = [
  { kind: 'vm_map_insert', weight: 8, make: badInsert },
  { kind: 'vm_map_find', weight: 10, make: badFind },
  { kind: 'vm_map_findspace', weight: 4, make: badFindspace },
  { kind: 'vm_map_submap', weight: 3, make: badSubmap },
  { kind: 'vm_map_protect', weight: 5, make: excessiveRights },
  {
    kind: 'vm_map_protect',
    weight: 3,
    make: at(overPlaceholder, (map, range) => call.protect(map, range, 1)),
  },
  { kind: 'vm_map_protect', weight: 2, make: at(unaligned, (map, range) => call.protect(map, range, 1)) },
  { kind: 'vm_map_inherit', weight: 2, make: at(unaligned, (map, range) => call.inherit(map, range, 0)) },
  {
    kind: 'vm_map_inherit',
    weight: 3,
    make: (ground) =>
      at(ownedPlace, (map, range) => call.inherit(map, range, ground.draw.pick([3, 4])))(ground),
  },
  { kind: 'vm_map_pageable', weight: 3, make: at(fromHole, call.wire) },
  { kind: 'vm_map_pageable', weight: 2, make: at(fromHole, call.unwire) },
  { kind: 'vm_map_pageable', weight: 3, make: at((ground) => intoHole(ground, isUnwired), call.wire) },
  { kind: 'vm_map_pageable', weight: 3, make: at((ground) => intoHole(ground, isWired), call.unwire) },
  { kind: 'vm_map_pageable', weight: 3, make: at((ground) => ownedPlace(ground, isUnwired), call.unwire) },
  { kind: 'vm_map_pageable', weight: 3, make: at(overPlaceholder, call.wire) },
  { kind: 'vm_map_pageable', weight: 2, make: at(unaligned, call.wire) },
  { kind: 'vm_map_pageable', weight: 1, make: at(unaligned, call.unwire) },
  { kind: 'vm_map_remove', weight: 3, make: at(unaligned, call.remove) },
  { kind: 'vm_map_remove', weight: 4, make: at(overPlaceholder, call.remove) },
  {
    kind: 'vm_map_delete',
    weight: 4,
    make: at(overPlaceholder, (map, range) => ({ kind: 'vm_map_delete', map, ...bounds(range) })),
  },
];
