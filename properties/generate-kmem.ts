/** Recipes for the public operations of vm_kern.c. */
import { ADDRESS_SPACE_END, bytes, PAGE_SIZE } from '../contract/address.ts';
import { VM_INHERIT_COPY, VM_PROT_ALL } from '../contract/protection.ts';
import type { VmKernOperation } from '../contract/vm-kern.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { Allocation, Ground } from './generate-ground.ts';
import { objectOf, type Range } from './generate-reading.ts';
import { clip, mallocMap, type Recipes, someMap } from './generate-recipe.ts';
import { firstFit, fittingSize, largestHole, scarceSize } from './selectors.ts';
import { drawRange, FREE_RANGES } from './selectors-ranges.ts';

const MOST_LIVE_MAPS = 8;
const MOST_SLEEPERS = 5;

/** How many pages an allocation that takes frames may ask for now: what is free, and now and then more. */
function affordablePages(ground: Ground): number {
  const { draw, bias } = ground;
  const free = ground.freePages();
  const more = draw.percent(bias.shortage) && ground.inFlight() < MOST_SLEEPERS;
  return more ? free + draw.between(1, 3) : Math.min(8, free);
}

/** A size for an allocation that takes frames; undefined where room or frames are short. */
export function framedSize(ground: Ground, map: MapName): number | undefined {
  const { draw, bias } = ground;
  if (draw.percent(bias.shortage)) {
    const size = scarceSize(ground);
    const sleeps = size > ground.freePages() * PAGE_SIZE;
    if (size <= largestHole(ground, map) && (!sleeps || ground.inFlight() < MOST_SLEEPERS)) return size;
  }
  return fittingSize(ground, map, affordablePages(ground));
}

/** A size one hole too big for a map, so that kmem_alloc_wait has to wait; undefined where the map is too small. */
function waitingSize(ground: Ground, map: MapName): number | undefined {
  const known = ground.known(map);
  if (known === undefined || ground.inFlight() >= MOST_SLEEPERS) return undefined;
  const size = largestHole(ground, map) + PAGE_SIZE * ground.draw.between(1, 2);
  return size <= known.max - known.min ? size : undefined;
}

/** A range to free in some map, as address and size. */
export function freeable(ground: Ground, map: MapName): { address: number; size: number } | undefined {
  const range = drawRange(ground, map, FREE_RANGES);
  return range === undefined ? undefined : addressAndSize(range);
}

function addressAndSize({ start, end }: Range): { address: number; size: number } {
  return { address: start, size: Math.min(ADDRESS_SPACE_END - 1, Math.max(0, end - start)) };
}

/** The placeholder of an empty submap that its creator gave up: taking it away ends the submap. */
function abandonedSubmap(ground: Ground): { map: MapName; address: number; size: number } | undefined {
  const { maps } = ground;
  const found = maps.find(
    ({ standing, deallocated, name }) =>
      standing === 'attached' && deallocated && ground.map(name)?.entryCount === 0,
  );
  if (found === undefined || found.parent === null) return undefined;
  return { map: found.parent, address: found.min, size: found.max - found.min };
}

/** The map to free in: where allocations are. */
function crowdedMap(ground: Ground): MapName {
  const held: Allocation | undefined = ground.allocation();
  return held !== undefined && ground.draw.percent(85) ? held.map : someMap(ground, 60);
}

/** True when kmem_suballoc would panic because its range coalesces into an anonymous object. */
export function suballocPanics(ground: Ground, parent: MapName, size: number): boolean {
  const hole = firstFit(ground, parent, size);
  const before = hole === undefined ? undefined : ground.entryAt(parent, hole.start - 1);
  if (before === undefined) return hole === undefined;
  const object = objectOf(before);
  const attributes =
    before.wiredCount === 0 && before.protection === VM_PROT_ALL && before.maxProtection === VM_PROT_ALL;
  if (object === null || !attributes || before.inheritance !== VM_INHERIT_COPY) return false;
  return ground.object(object)?.references === 1;
}

/** kmem first, then mb, then anything. */
function nextMapName(ground: Ground): MapName {
  if (ground.known('kmem') === undefined && ground.draw.percent(60)) return 'kmem';
  if (ground.known('mb') === undefined && ground.draw.percent(30)) return 'mb';
  return ground.freshName('sub');
}

/** Requests that fit, frees of what is allocated, and now and then more than there is. */
export const KMEM_RECIPES: Recipes<VmKernOperation['kind']> = {
  kmem_alloc_pageable: (ground) => {
    const map = someMap(ground, 70);
    const size = fittingSize(ground, map);
    return size === undefined ? undefined : { kind: 'kmem_alloc_pageable', map, size: bytes(size) };
  },
  kmem_alloc: (ground) => {
    const map = someMap(ground, 60);
    const size = framedSize(ground, map);
    return size === undefined ? undefined : { kind: 'kmem_alloc', map, size: bytes(size) };
  },
  kmem_malloc: (ground) => {
    const map = mallocMap(ground);
    const size = map === undefined ? undefined : framedSize(ground, map);
    if (map === undefined || size === undefined) return undefined;
    const canWait = size > ground.freePages() * PAGE_SIZE || ground.draw.percent(42);
    return { kind: 'kmem_malloc', map, size: bytes(size), canWait };
  },
  kmem_alloc_wait: (ground) => {
    const map = someMap(ground, 15);
    const waits = map !== 'kernel' && ground.draw.percent(ground.bias.sleepers);
    const size = (waits ? waitingSize(ground, map) : undefined) ?? fittingSize(ground, map);
    return size === undefined ? undefined : { kind: 'kmem_alloc_wait', map, size: bytes(size) };
  },
  kmem_free: (ground) => {
    const abandoned = ground.draw.percent(40) ? abandonedSubmap(ground) : undefined;
    const map = abandoned?.map ?? crowdedMap(ground);
    const range = abandoned ?? freeable(ground, map);
    if (range === undefined) return undefined;
    return { kind: 'kmem_free', map, address: clip(range.address), size: bytes(range.size) };
  },
  kmem_free_wakeup: (ground) => {
    const { draw } = ground;
    const sleeper = draw.one(ground.sched().asleep.filter(({ event }) => event.startsWith('map:')));
    const waitedFor = sleeper?.event.slice('map:'.length);
    const map = waitedFor !== undefined && draw.percent(80) ? waitedFor : someMap(ground, 25);
    const range = freeable(ground, map);
    if (range === undefined) return undefined;
    return { kind: 'kmem_free_wakeup', map, address: clip(range.address), size: bytes(range.size) };
  },
  kmem_suballoc: (ground) => {
    const { draw } = ground;
    if (ground.maps.length >= MOST_LIVE_MAPS || ground.pools().freeMaps === 0) return undefined;
    const parent = someMap(ground, 85, ({ standing }) => standing === 'attached');
    const most = Math.min(16, largestHole(ground, parent) / PAGE_SIZE);
    const size = draw.between(1, most) * PAGE_SIZE - draw.pick([0, 0, 0, 1]);
    if (suballocPanics(ground, parent, Math.ceil(size / PAGE_SIZE) * PAGE_SIZE)) return undefined;
    const name = nextMapName(ground);
    return { kind: 'kmem_suballoc', name, parent, size: bytes(size), pageable: draw.percent(35) };
  },
};
