/** Kernel memory: allocation and release (vm_kern.c); kmem_malloc has a file of its own. */
import {
  advance,
  type ByteCount,
  byteDistance,
  objectOffset,
  roundPage,
  roundPageUnwrapped,
  truncPage,
  unwrappedEnd,
  type VirtualAddress,
} from '../contract/address.ts';
import {
  allocated,
  done,
  KERN_INVALID_ADDRESS,
  KERN_NO_SPACE,
  KERN_SUCCESS,
  none,
  type Outcome,
  PANIC,
  rejected,
} from '../contract/outcome.ts';
import type {
  KmemAlloc,
  KmemAllocPageable,
  KmemAllocWait,
  KmemFree,
  KmemFreeWakeup,
  KmemSuballoc,
} from '../contract/vm-kern.ts';
import { beginTransition, endTransition, vmWait, wakeup } from './sched.ts';
import {
  assert,
  cite,
  type ModelState,
  mapNamed,
  type Sleeping,
  stopMachine,
  touch,
  type VmMap,
} from './state.ts';
import { pageAddresses } from './vm-fault-wire.ts';
import { findspace, insert, insertNull } from './vm-map.ts';
import { createMap, makeSubmap } from './vm-map-create.ts';
import { remove } from './vm-map-delete.ts';
import { type Range, simplify } from './vm-map-entry.ts';
import { wire } from './vm-map-pageable.ts';
import { vmPageAlloc, vmPageLookup, vmPageZeroFill } from './vm-page.ts';

/** A request in whole pages; undefined where it asks for nothing, or for more than 2^32 bytes once rounded. */
export function requestedLength(state: ModelState, size: ByteCount): ByteCount | undefined {
  const length = roundPage(size);
  if (length !== undefined && length > 0) return length;
  cite(state, 'KM-SIZE-1');
  return undefined;
}

/** The range of `length` bytes from `start` on, which lies below 2^32. */
export const rangeFrom = (start: VirtualAddress, length: ByteCount): Range => ({
  start,
  end: advance(start, length),
});

/** kmem_alloc_pageable: addresses without pages. */
export function kmemAllocPageable(state: ModelState, { map: name, size }: KmemAllocPageable): Outcome {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  const length = requestedLength(state, size);
  if (length === undefined) return none;
  cite(state, 'KM-PAGEABLE-1');
  const start = reserveNull(state, map, length);
  return start === undefined ? none : allocated(start);
}

/** The lowest free range of the map, taken without an object. */
function reserveNull(state: ModelState, map: VmMap, length: ByteCount): VirtualAddress | undefined {
  const start = findspace(state, map, map.min, length);
  if (start === undefined) return undefined;
  const code = insertNull(state, map, rangeFrom(start, length));
  assert(code === KERN_SUCCESS, 'space that was found can be taken');
  return start;
}

/** kmem_alloc: wired memory that reads as zero; keeps its range while it sleeps for pages. */
export function* kmemAlloc(state: ModelState, { map: name, size }: KmemAlloc): Sleeping<Outcome> {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  const length = requestedLength(state, size);
  if (length === undefined) return none;
  cite(state, 'KM-ALLOC-1');
  const start = findspace(state, map, map.min, length);
  if (start === undefined) return none;
  cite(state, 'KM-ALLOC-2');
  const range = rangeFrom(start, length);
  const offset = objectOffset(start - state.machine.kernelMin);
  const code = insert(state, map, { ...range, object: state.kernelObject, offset });
  assert(code === KERN_SUCCESS, 'space that was found can be taken');
  yield* fillWithZeroes(state, map, range);
  cite(state, 'KM-ALLOC-4');
  yield* wire(state, map, range.start, range.end);
  simplify(state, map, start);
  return allocated(start);
}

/** Makes every page of a kernel_object range exist and read as zero, sleeping where there is no frame. */
function* fillWithZeroes(state: ModelState, map: VmMap, range: Range): Sleeping<void> {
  const transition = beginTransition(state, 'filling', map, range);
  for (const address of pageAddresses(range.start, range.end)) {
    cite(state, 'KM-ALLOC-3');
    const offset = objectOffset(address - state.machine.kernelMin);
    transition.position = address;
    touch(state, 'transitions');
    let page =
      vmPageLookup(state, state.kernelObject, offset) ?? vmPageAlloc(state, state.kernelObject, offset);
    while (page === undefined) {
      cite(state, 'KM-ALLOC-6');
      yield* vmWait(state, 'Y-KA-MEM');
      page =
        vmPageLookup(state, state.kernelObject, offset) ?? vmPageAlloc(state, state.kernelObject, offset);
    }
    vmPageZeroFill(state, page);
  }
  endTransition(state, transition);
}

/** kmem_alloc_wait: as kmem_alloc_pageable, but waits for kmem_free_wakeup while there is no room. */
export function* kmemAllocWait(state: ModelState, { map: name, size }: KmemAllocWait): Sleeping<Outcome> {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  const length = requestedLength(state, size);
  if (length === undefined) return none;
  for (;;) {
    cite(state, 'KM-WAIT-1');
    const start = reserveNull(state, map, length);
    if (start !== undefined) return allocated(start);
    if (byteDistance(map.min, map.max) < length) return none;
    yield { point: 'Y-KAW', event: `map:${map.name}` };
  }
}

/** kmem_free: releases whatever lies in the pages that the range touches; refusals go unnoticed. */
export function* kmemFree(state: ModelState, { map: name, address, size }: KmemFree): Sleeping<Outcome> {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  yield* free(state, map, address, size);
  return done;
}

function* free(state: ModelState, map: VmMap, address: VirtualAddress, size: ByteCount): Sleeping<void> {
  cite(state, 'KM-FREE-1');
  if (size === 0) return;
  yield* remove(state, map, truncPage(address), roundPageUnwrapped(unwrappedEnd(address, size)));
}

/** kmem_free_wakeup: kmem_free, after which everybody who waits for room in the map looks again. */
export function* kmemFreeWakeup(state: ModelState, operation: KmemFreeWakeup): Sleeping<Outcome> {
  const map = mapNamed(state, operation.map);
  if (map === undefined) return rejected('CONV-4');
  yield* free(state, map, operation.address, operation.size);
  cite(state, 'KM-WAKE-1');
  wakeup(state, `map:${map.name}`);
  return done;
}

/** kmem_suballoc: a map of its own over a fresh range of another; anything in the way stops the machine. */
export function kmemSuballoc(state: ModelState, operation: KmemSuballoc): Outcome {
  const { name, pageable } = operation;
  const parent = mapNamed(state, operation.parent);
  if (parent === undefined || mapNamed(state, name) !== undefined) return rejected('CONV-4');
  const length = roundPage(operation.size) ?? 0;
  const start = length === 0 ? undefined : findspace(state, parent, parent.min, length);
  if (length === 0 || start === undefined) {
    cite(state, 'KM-SUB-1');
    const code = length === 0 ? KERN_INVALID_ADDRESS : KERN_NO_SPACE;
    state.step.console.push(`kmem_suballoc: bad status return of ${code}.`);
    return stopMachine(PANIC.suballoc);
  }
  const range = rangeFrom(start, length);
  insertNull(state, parent, range);
  cite(state, 'KM-SUB-2');
  const submap = createMap(state, { name, min: range.start, max: range.end, pageable });
  const code = makeSubmap(state, parent, range, submap);
  if (code !== KERN_SUCCESS) stopMachine(PANIC.suballocUnableToChange);
  cite(state, 'KM-SUB-3');
  return { kind: 'submap', map: name, min: range.start, max: range.end };
}
