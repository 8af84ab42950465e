/** Kernel memory: allocation and release (vm_kern.c). */
import type { ByteCount, ObjectOffset, VirtualAddress } from '../contract/address.ts';
import { objectOffset, roundPage, roundPageUnwrapped, truncPage, unwrappedEnd } from '../contract/address.ts';
import type { Outcome } from '../contract/outcome.ts';
import { done, KERN_INVALID_ADDRESS, KERN_NO_SPACE, none, PANIC, rejected } from '../contract/outcome.ts';
import { assert, cite, mapNamed, stopMachine, touch } from './bookkeeping.ts';
import { pmapKenter, pmapRemoveAll } from './pmap.ts';
import { beginTransition, endTransition, vmWait, wakeup } from './sched.ts';
import type { ModelState, Range, Rule, Sleeping, VmMap, VmObject, VmPage } from './state.ts';
import { pageAddresses } from './vm-fault.ts';
import { createMap, findspace, insert, makeSubmap, startOf } from './vm-map.ts';
import { entryAt, vmMapSimplify } from './vm-map-entry.ts';
import { deleteRange, vmMapPageable, vmMapRemove } from './vm-map-range.ts';
import { vmPageAlloc, vmPageFree, vmPageLookup, vmPageZeroFill } from './vm-page.ts';

/** A request in whole pages; 0 where it asks for nothing, or for more than 2^32 bytes once rounded. */
function requestedLength(state: ModelState, size: ByteCount): number {
  const length = roundPage(size) ?? 0;
  return length === 0 ? cite(state, 'KM-SIZE-1', 0) : length;
}

/** The lowest free range of the map, taken without an object. */
function reserve(state: ModelState, map: VmMap, length: number): Range | undefined {
  const range = findspace(state, map, map.min, length);
  if (range !== undefined) insert(state, map, range);
  return range;
}

/** kmem_alloc_pageable: addresses without pages. */
export const kmemAllocPageable: Rule<'kmem_alloc_pageable'> = (state, { size }, map) => {
  const length = requestedLength(state, size);
  if (length === 0) return none;
  cite(state, 'KM-PAGEABLE-1');
  return startOf(reserve(state, map, length));
};

/** kmem_alloc: wired memory that reads as zero; keeps its range while it sleeps for pages. */
export const kmemAlloc: Rule<'kmem_alloc', Sleeping<Outcome>> = function* (state, { size }, map) {
  const length = requestedLength(state, size);
  if (length === 0) return none;
  cite(state, 'KM-ALLOC-1');
  const range = findspace(state, map, map.min, length);
  if (range === undefined) return none;
  cite(state, 'KM-ALLOC-2');
  insert(state, map, range, state.kernelObject, objectOffset(range.start - state.machine.kernelMin));
  yield* fillWithZeroes(state, map, range);
  cite(state, 'KM-ALLOC-4');
  yield* vmMapPageable(state, { ...range, pageable: false }, map);
  vmMapSimplify(state, range, map);
  return startOf(range);
};

/** Makes every page of a kernel_object range exist and read as zero, sleeping where there is no frame. */
function* fillWithZeroes(state: ModelState, map: VmMap, range: Range): Sleeping<void> {
  const { kernelObject, machine } = state;
  const filling = beginTransition(state, 'filling', map, range);
  for (const address of pageAddresses(range)) {
    cite(state, 'KM-ALLOC-3');
    filling.position = address;
    const offset = objectOffset(address - machine.kernelMin);
    let page = pageAt(state, kernelObject, offset);
    while (page === undefined) {
      cite(state, 'KM-ALLOC-6');
      yield* vmWait(state, 'Y-KA-MEM');
      page = pageAt(state, kernelObject, offset);
    }
    vmPageZeroFill(state, page);
  }
  endTransition(state, filling);
}

/** The resident page, else a fresh one; undefined when no frame is free (DEV-48). */
const pageAt = (state: ModelState, object: VmObject, offset: ObjectOffset): VmPage | undefined =>
  vmPageLookup(state, object, offset) ?? vmPageAlloc(state, object, offset);

/** kmem_malloc, for callers that may be interrupt handlers: those must not wait, and get pages as they are. */
export const kmemMalloc: Rule<'kmem_malloc', Sleeping<Outcome>> = function* (state, { size, canWait }, map) {
  cite(state, 'KM-MALLOC-1');
  if (map.name !== 'kmem' && map.name !== 'mb') return stopMachine(PANIC.mallocWrongMap);
  const kmem = mapNamed(state, 'kmem');
  if (kmem === undefined) return rejected('PRE-KM-MALLOC-1');
  const length = requestedLength(state, size);
  if (length === 0) return none;
  const range = findspace(state, map, 0, length);
  if (range === undefined) {
    cite(state, 'KM-MALLOC-2');
    return canWait ? stopMachine(PANIC.mallocMapTooSmall) : none;
  }
  cite(state, 'KM-MALLOC-3');
  const offset = objectOffset(range.start - kmem.min);
  insert(state, map, range, state.kmemObject, offset);
  if (canWait) {
    cite(state, 'KM-MALLOC-4');
    yield* vmMapPageable(state, { ...range, pageable: false }, map);
  } else {
    const pages = pagesAtOnce(state, range, offset);
    if (pages === undefined) deleteRange(state, map, range);
    if (pages === undefined) return none;
    wireAtOnce(state, map, range, pages);
  }
  vmMapSimplify(state, range, map);
  return startOf(range);
};

type Placed = { readonly address: VirtualAddress; readonly page: VmPage };

/** The pages of a kmem_object range, contents as they are; undefined, and none of them left, when one cannot be had. */
function pagesAtOnce(state: ModelState, range: Range, offset: ObjectOffset): Placed[] | undefined {
  cite(state, 'KM-MALLOC-5');
  const pages: Placed[] = [];
  for (const address of pageAddresses(range)) {
    const page = pageAt(state, state.kmemObject, objectOffset(offset + (address - range.start)));
    if (page === undefined) return takeBack(state, pages);
    pages.push({ address, page });
  }
  return pages;
}

/** Order only: the frames go back to FREE from the highest offset down, with resident pages among them. */
function takeBack(state: ModelState, pages: readonly Placed[]): undefined {
  for (const { page } of pages.toReversed()) {
    pmapRemoveAll(state, page.frame);
    vmPageFree(state, page);
  }
}

/** Marks a range wired and maps its pages directly; their wire counts stay as they are. */
function wireAtOnce(state: ModelState, map: VmMap, range: Range, pages: readonly Placed[]): void {
  cite(state, 'KM-MALLOC-6');
  const entry = entryAt(map, range.start);
  assert(entry?.start === range.start && entry.end === range.end, 'a block has an entry of its own');
  entry.wiredCount = 1;
  touch(state, map);
  for (const { address, page } of pages) pmapKenter(state, { address, frame: page.frame });
}

/** kmem_alloc_wait: as kmem_alloc_pageable, but waits for kmem_free_wakeup while there is no room. */
export const kmemAllocWait: Rule<'kmem_alloc_wait', Sleeping<Outcome>> = function* (state, { size }, map) {
  const length = requestedLength(state, size);
  if (length === 0) return none;
  for (;;) {
    cite(state, 'KM-WAIT-1');
    const range = reserve(state, map, length);
    if (range !== undefined || map.max - map.min < length) return startOf(range);
    yield { point: 'Y-KAW', event: `map:${map.name}` };
  }
};

/** kmem_free: releases whatever lies in the pages that the range touches; what the map refuses goes unnoticed. */
export const kmemFree: Rule<'kmem_free', Sleeping<Outcome>> = function* (state, { address, size }, map) {
  cite(state, 'KM-FREE-1');
  const end = roundPageUnwrapped(unwrappedEnd(address, size));
  if (size === 0) return done;
  const removed = yield* vmMapRemove(state, { start: truncPage(address), end }, map);
  return typeof removed === 'number' ? done : removed;
};

/** kmem_free_wakeup: kmem_free, after which everybody who waits for room in the map looks again. */
export const kmemFreeWakeup: Rule<'kmem_free_wakeup', Sleeping<Outcome>> = function* (state, call, map) {
  const freed = yield* kmemFree(state, call, map);
  if (freed.kind === 'rejected') return freed;
  cite(state, 'KM-WAKE-1');
  wakeup(state, `map:${map.name}`);
  return done;
};

/** kmem_suballoc: a map of its own over a fresh range of another; anything in the way stops the machine. */
export const kmemSuballoc: Rule<'kmem_suballoc'> = (state, { name, size, pageable }, parent) => {
  if (mapNamed(state, name) !== undefined) return rejected('KM-SUB-2');
  const length = roundPage(size) ?? 0;
  const range = reserve(state, parent, length);
  if (range === undefined) {
    cite(state, 'KM-SUB-1');
    const code = length === 0 ? KERN_INVALID_ADDRESS : KERN_NO_SPACE;
    state.step.console.push(`kmem_suballoc: bad status return of ${code}.`);
    return stopMachine(PANIC.suballoc);
  }
  cite(state, 'KM-SUB-2');
  const { start: min, end: max } = range;
  const submap = createMap(state, { name, min, max, pageable });
  if (makeSubmap(state, parent, range, submap) > 0) stopMachine(PANIC.suballocUnableToChange);
  return cite(state, 'KM-SUB-3', { kind: 'submap', map: name, min, max });
};
