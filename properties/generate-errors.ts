/** Deliberate error paths of the allocators and of memory accesses: operations that must be refused in the state at hand. */
import { ADDRESS_SPACE_END, PAGE_SIZE } from '../contract/address.ts';
import type { Operation, OperationKind } from '../contract/operation.ts';
import { VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import type { EntrySnapshot, MapName } from '../contract/vm-map.ts';
import * as call from './generate-calls.ts';
import type { Ground } from './generate-ground.ts';
import { isPlaceholder, type Range } from './generate-reading.ts';
import { clip, mallocMap, someMap } from './generate-recipe.ts';
import { largestHole, oversize, vanishingSize } from './selectors.ts';
import { placeholderRange, someEntry } from './selectors-ranges.ts';

/** One way to be refused, and the kind that is. It yields undefined where the state has no occasion for it. */
export interface ErrorRecipe {
  readonly kind: OperationKind;
  readonly weight: number;
  readonly make: (ground: Ground) => Operation | undefined;
}

const badSize = (ground: Ground, map: MapName): number =>
  ground.draw.percent(50) ? vanishingSize(ground) : oversize(ground, map);

/** Part of a submap's placeholder, or a range around it, in its parent. */
export function overPlaceholder(ground: Ground): { map: MapName; range: Range } | undefined {
  const attached = ground.maps.filter(({ standing, parent }) => standing === 'attached' && parent !== null);
  const map = ground.draw.one(attached)?.parent ?? undefined;
  const range = map === undefined ? undefined : placeholderRange(ground, map);
  return map === undefined || range === undefined ? undefined : { map, range };
}

/** The first byte of a hole, in some map. */
function unallocated(ground: Ground): { map: MapName; at: number } | undefined {
  const map = someMap(ground, 60);
  const hole = ground.draw.one(ground.holes(map));
  return hole === undefined
    ? undefined
    : { map, at: hole.start + ground.draw.pick([0, 0, 1, PAGE_SIZE - 1]) };
}

const isOwn = (entry: EntrySnapshot): boolean => !isPlaceholder(entry);

/** An entry that lacks a right, with the rights to ask of it. */
function forbidden(ground: Ground, map: MapName): { at: number; rights: number } | undefined {
  const entry = someEntry(ground, map, (own) => isOwn(own) && (own.protection & 3) !== 3);
  if (entry === undefined) return undefined;
  const unreadable = (entry.protection & VM_PROT_READ) === 0;
  return { at: entry.start, rights: unreadable ? VM_PROT_READ : VM_PROT_READ | VM_PROT_WRITE };
}

/** A checked access that the entry forbids. */
function forbiddenAccess(ground: Ground): Operation | undefined {
  const map = someMap(ground, 60);
  const place = forbidden(ground, map);
  if (place === undefined) return undefined;
  return place.rights === VM_PROT_READ ? call.read(map, place.at) : call.write(map, place.at, 1);
}

const ALLOCATORS: readonly ErrorRecipe[] = [
  {
    kind: 'kmem_alloc_pageable',
    weight: 8,
    make: (ground) => {
      const map = someMap(ground, 60);
      return call.allocPageable(map, badSize(ground, map));
    },
  },
  {
    kind: 'kmem_alloc',
    weight: 7,
    make: (ground) => {
      const map = someMap(ground, 60);
      return call.allocWired(map, badSize(ground, map));
    },
  },
  {
    kind: 'kmem_malloc',
    weight: 7,
    make: (ground) => {
      const map = mallocMap(ground);
      return map === undefined ? undefined : call.malloc(map, badSize(ground, map), { canWait: false });
    },
  },
  {
    kind: 'kmem_malloc',
    weight: 2,
    make: (ground) => {
      const map = mallocMap(ground);
      return map === undefined ? undefined : call.malloc(map, vanishingSize(ground), { canWait: true });
    },
  },
  {
    kind: 'kmem_malloc',
    weight: 8,
    make: (ground) => {
      const map = mallocMap(ground);
      const size = (ground.freePages() + ground.draw.between(1, 2)) * PAGE_SIZE;
      const fits = map !== undefined && size <= largestHole(ground, map);
      return fits ? call.malloc(map, size, { canWait: false }) : undefined;
    },
  },
  {
    kind: 'kmem_alloc_wait',
    weight: 4,
    make: (ground) => {
      const known = ground.known(someMap(ground, 25));
      if (known === undefined) return undefined;
      const tooBig = known.max - known.min + ground.draw.pick([1, PAGE_SIZE]);
      return call.allocWait(known.name, ground.draw.percent(50) ? tooBig : vanishingSize(ground));
    },
  },
];

const FREES: readonly ErrorRecipe[] = [
  {
    kind: 'kmem_free',
    weight: 4,
    make: (ground) => {
      const held = ground.allocation();
      return held && call.free(held.map, held.address + ground.draw.pick([0, 1, PAGE_SIZE]), 0);
    },
  },
  {
    kind: 'kmem_free',
    weight: 4,
    make: (ground) => {
      const place = overPlaceholder(ground);
      return place && call.free(place.map, place.range.start, place.range.end - place.range.start);
    },
  },
  {
    kind: 'kmem_free_wakeup',
    weight: 2,
    make: (ground) => {
      const place = overPlaceholder(ground);
      if (place === undefined || ground.draw.percent(40)) {
        const held = ground.allocation();
        return held && call.freeWakeup(held.map, held.address + 1, 0);
      }
      return call.freeWakeup(place.map, place.range.start, place.range.end - place.range.start);
    },
  },
];

const ACCESSES: readonly ErrorRecipe[] = [
  {
    kind: 'vm_fault',
    weight: 3,
    make: (ground) => {
      const place = unallocated(ground);
      return place && call.fault(place.map, place.at, ground.draw.pick([VM_PROT_READ, 3]));
    },
  },
  {
    kind: 'vm_fault',
    weight: 4,
    make: (ground) => {
      const map = someMap(ground, 60);
      const place = forbidden(ground, map);
      return place && call.fault(map, place.at, place.rights);
    },
  },
  { kind: 'checked_read', weight: 4, make: forbiddenAccess },
  { kind: 'checked_write', weight: 4, make: forbiddenAccess },
  {
    kind: 'checked_read',
    weight: 2,
    make: (ground) => {
      const place = unallocated(ground);
      return place && call.read(place.map, place.at);
    },
  },
  {
    kind: 'checked_write',
    weight: 2,
    make: (ground) => {
      const place = unallocated(ground);
      return place && call.write(place.map, place.at, 1);
    },
  },
  {
    kind: 'cpu_read',
    weight: 4,
    make: (ground) => {
      const at = trapping(ground);
      return at === undefined ? undefined : { kind: 'cpu_read', address: clip(at), length: 4 };
    },
  },
  {
    kind: 'cpu_write',
    weight: 4,
    make: (ground) => {
      const at = trapping(ground);
      return at === undefined ? undefined : { kind: 'cpu_write', address: clip(at), bytes: [1, 2, 3, 4] };
    },
  },
];

/** Where a 4-byte CPU access must trap: a hole, the edge of one, memory just freed, a forbidden entry, or nowhere at all. */
function trapping(ground: Ground): number | undefined {
  const { draw, machine } = ground;
  const hole = draw.one(ground.holes('kernel'))?.start;
  const place = draw.pick([
    hole,
    hole === undefined ? undefined : hole - 2,
    draw.recent(ground.stale)?.address,
    forbidden(ground, 'kernel')?.at,
    forbidden(ground, 'kernel')?.at,
    machine.kernelMin - PAGE_SIZE,
    machine.kernelMax,
    0,
  ]);
  const fits = place !== undefined && place >= 0 && place + 4 <= ADDRESS_SPACE_END;
  return fits && !(place >= machine.kernelMin && place < machine.kernelStart) ? place : undefined;
}

/** Ways in which allocators, frees and accesses are refused or do nothing. */
export const MEMORY_ERRORS: readonly ErrorRecipe[] = [...ALLOCATORS, ...FREES, ...ACCESSES];
