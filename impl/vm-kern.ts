/**
 * The public operations of kernel memory (vm_kern.c, SPEC §8), on maps that the caller has looked up.
 *
 * Fast because whatever cannot sleep (nowait, frees that meet no transition) runs without a generator.
 */
import {
  advance,
  advanceOffset,
  type ByteCount,
  byteDistance,
  type ObjectOffset,
  objectOffset,
  PAGE_SIZE,
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
  none,
  type Outcome,
  PANIC,
} from '../contract/outcome.ts';
import type { MapName } from '../contract/vm-map.ts';
import { PART } from './change-log.ts';
import type { Kernel } from './kernel.ts';
import { KernelPanic } from './panic.ts';
import type { Continuation } from './sched.ts';
import { beginTransition, endTransition, meetsTransition, settledThen } from './transitions.ts';
import { type VmMap, vmMapCreate, vmMapFindspace, vmMapInsert, vmMapSimplify } from './vm-map.ts';
import { clamp, type Range, vmMapSubmap } from './vm-map-attributes.ts';
import { FREES_DIRECTORY, freesDirectory, vmMapDelete, vmMapRemove } from './vm-map-delete.ts';
import { vmMapWire } from './vm-map-pageable.ts';
import { vmObjectReference } from './vm-object.ts';
import { PAGE_FLAG, vmPageAlloc } from './vm-page.ts';

/** Where a request of `size` bytes fits first, and its rounded length; undefined for none (KM-SIZE-1, DEV-1). */
function findRoom(
  map: VmMap,
  size: ByteCount,
): { readonly start: VirtualAddress; readonly end: VirtualAddress; readonly length: ByteCount } | undefined {
  const length = roundPage(size);
  if (length === undefined || length === 0) return undefined;
  const start = vmMapFindspace(map, map.min, length);
  return start === undefined ? undefined : { start, end: advance(start, length), length };
}

const NO_OBJECT = { object: null, offset: objectOffset(0) } as const;

/** kmem_alloc_pageable (KM-PAGEABLE-1). */
export function kmemAllocPageable(kernel: Kernel, map: VmMap, size: ByteCount): Outcome {
  const room = findRoom(map, size);
  if (room === undefined) return none;
  vmMapInsert(kernel, map, NO_OBJECT, room.start, room.end);
  return allocated(room.start);
}

/** kmem_alloc (KM-ALLOC-1 to 6). The range is reserved before the first page is asked for, and stays so. */
export function kmemAlloc(
  kernel: Kernel,
  map: VmMap,
  size: ByteCount,
  operation: number,
): Outcome | Continuation {
  const room = findRoom(map, size);
  if (room === undefined) return none;
  const { start, end } = room;
  const offset = objectOffset(start - kernel.config.kernelMin);
  vmObjectReference(kernel, kernel.kernelObject);
  vmMapInsert(kernel, map, { object: kernel.kernelObject, offset }, start, end);
  return fillAndWire(kernel, map, { ...room, offset, operation });
}

function* fillAndWire(
  kernel: Kernel,
  map: VmMap,
  {
    start,
    end,
    offset,
    operation,
  }: { start: VirtualAddress; end: VirtualAddress; offset: ObjectOffset; operation: number },
): Continuation {
  const filling = { start, end, state: 'filling', operation } as const;
  beginTransition(kernel, map, filling);
  for (let at = 0; at < byteDistance(start, end); at += PAGE_SIZE)
    while (!fillPage(kernel, advanceOffset(offset, at))) yield kernel.sched.vmWait('Y-KA-MEM');
  endTransition(kernel, map, filling);
  yield* vmMapWire(kernel, map, { start, end, operation, point: 'Y-KA-TRANS' });
  vmMapSimplify(kernel, map, start);
  return allocated(start);
}

/** Puts a zeroed page of kernel_object at `offset`, or reuses the one there (DEV-48); false when no page is free. */
function fillPage(kernel: Kernel, offset: ObjectOffset): boolean {
  const { pages, kernelObject, spaces } = kernel;
  const page = pages.lookup(kernelObject, offset) ?? vmPageAlloc(kernel, kernelObject, offset);
  if (page === undefined) return false;
  // Another map's range can share the page of a directory, which nobody may write (PMAP-PINIT-1).
  if (spaces.isTable(page)) return true;
  pages.zeroFill(page);
  pages.clearFlag(page, PAGE_FLAG.busy);
  return true;
}

/** kmem_malloc on kmem or mb (KM-MALLOC-1 to 7). PRE: map kmem exists. */
export function kmemMalloc(
  kernel: Kernel,
  map: VmMap,
  {
    size,
    canWait,
    operation,
  }: { readonly size: ByteCount; readonly canWait: boolean; readonly operation: number },
): Outcome | Continuation {
  const kmemMap = kernel.maps.get('kmem');
  if (kmemMap === undefined || (map !== kmemMap && map.name !== 'mb'))
    throw new KernelPanic(PANIC.mallocWrongMap);
  const length = roundPage(size);
  if (length === undefined || length === 0) return none;
  const start = vmMapFindspace(map, map.min, length);
  if (start === undefined) {
    if (canWait) throw new KernelPanic(PANIC.mallocMapTooSmall);
    return none;
  }
  const end = advance(start, length);
  const offset = objectOffset(start - kmemMap.min);
  vmObjectReference(kernel, kernel.kmemObject);
  vmMapInsert(kernel, map, { object: kernel.kmemObject, offset }, start, end);
  return canWait
    ? wireAndMerge(kernel, map, { start, end, operation })
    : mallocNowait(kernel, map, { start, length, offset });
}

function* wireAndMerge(
  kernel: Kernel,
  map: VmMap,
  { start, end, operation }: { start: VirtualAddress; end: VirtualAddress; operation: number },
): Continuation {
  yield* vmMapWire(kernel, map, { start, end, operation, point: 'Y-MAP-TRANS' });
  vmMapSimplify(kernel, map, start);
  return allocated(start);
}

/** All pages at once or none, entered directly: not zeroed, not counted as wired pages (KM-MALLOC-5, 6, Q-19). */
function mallocNowait(
  kernel: Kernel,
  map: VmMap,
  { start, length, offset }: { start: VirtualAddress; length: ByteCount; offset: ObjectOffset },
): Outcome {
  const { pages, kmemObject, pmap } = kernel;
  for (let at = 0; at < length; at += PAGE_SIZE) {
    const here = advanceOffset(offset, at);
    const page = pages.lookup(kmemObject, here) ?? vmPageAlloc(kernel, kmemObject, here);
    if (page === undefined) {
      giveBack(kernel, offset, at);
      vmMapDelete(kernel, map, start, advance(start, length));
      return none;
    }
    pages.clearFlag(page, PAGE_FLAG.busy);
  }
  const entry = map.entries.containing(start);
  if (entry === null) throw new Error('the entry just inserted is gone');
  entry.wiredCount = 1;
  for (let at = 0; at < length; at += PAGE_SIZE) {
    const page = pages.lookup(kmemObject, advanceOffset(offset, at));
    if (page !== undefined) pmap.kenter(advance(start, at), page);
  }
  vmMapSimplify(kernel, map, start);
  return allocated(start);
}

/** Frees the pages of the first `length` bytes behind `offset`, last one first. */
function giveBack({ pages, kmemObject, pmap }: Kernel, offset: ObjectOffset, length: number): void {
  for (let at = length - PAGE_SIZE; at >= 0; at -= PAGE_SIZE) {
    const page = pages.lookup(kmemObject, advanceOffset(offset, at));
    if (page === undefined) continue;
    pmap.removeAll(page);
    pages.free(page);
  }
}

/** kmem_alloc_wait: sleeps on the map's space while there is no room but could be (KM-WAIT-1, 2). */
export function kmemAllocWait(kernel: Kernel, map: VmMap, size: ByteCount): Outcome | Continuation {
  const outcome = tryAllocWait(kernel, map, size);
  return outcome ?? retryAllocWait(kernel, map, size);
}

function* retryAllocWait(kernel: Kernel, map: VmMap, size: ByteCount): Continuation {
  for (;;) {
    yield { point: 'Y-KAW', event: map.space };
    const outcome = tryAllocWait(kernel, map, size);
    if (outcome !== undefined) return outcome;
  }
}

/** One round of kmem_alloc_wait; undefined: sleep and try again. */
function tryAllocWait(kernel: Kernel, map: VmMap, size: ByteCount): Outcome | undefined {
  const outcome = kmemAllocPageable(kernel, map, size);
  if (outcome.kind === 'address') return outcome;
  const length = roundPage(size);
  if (length === undefined || length === 0 || byteDistance(map.min, map.max) < length) return none;
  return undefined;
}

/**
 * kmem_free: never tells whether it freed anything (KM-FREE-1 to 4). Rejected where it would free the directory of a live pmap,
 * before it waits and when it has waited (PMAP-REL-1).
 */
export function kmemFree(
  kernel: Kernel,
  map: VmMap,
  address: VirtualAddress,
  size: ByteCount,
): Outcome | Continuation {
  if (size === 0) return done;
  const range = clamp(map, truncPage(address), roundPageUnwrapped(unwrappedEnd(address, size)));
  if (freesDirectory(kernel, map, range)) return FREES_DIRECTORY;
  if (meetsTransition(map, range.start, range.end, 'any'))
    return settledThen(map, range, 'any', () => freeRange(kernel, map, range));
  return freeRange(kernel, map, range);
}

function freeRange(kernel: Kernel, map: VmMap, range: Range): Outcome {
  if (freesDirectory(kernel, map, range)) return FREES_DIRECTORY;
  vmMapRemove(kernel, map, range);
  return done;
}

/** kmem_free_wakeup: kmem_free, then wakes all who wait for space in the map, come what may (KM-WAKE-1). */
export function kmemFreeWakeup(
  kernel: Kernel,
  map: VmMap,
  address: VirtualAddress,
  size: ByteCount,
): Outcome | Continuation {
  const freed = kmemFree(kernel, map, address, size);
  if (!('kind' in freed)) return thenWakeup(kernel, map, freed);
  if (freed.kind === 'rejected') return freed;
  kernel.sched.wakeup(map.space);
  return freed;
}

function* thenWakeup(kernel: Kernel, map: VmMap, body: Continuation): Continuation {
  const outcome = yield* body;
  if (outcome.kind !== 'rejected') kernel.sched.wakeup(map.space);
  return outcome;
}

/** kmem_suballoc (KM-SUB-1 to 3). PRE: no live map has that name. */
export function kmemSuballoc(
  kernel: Kernel,
  parent: VmMap,
  { name, size, pageable }: { readonly name: MapName; readonly size: ByteCount; readonly pageable: boolean },
): Outcome {
  const room = findRoom(parent, size);
  if (room === undefined) {
    const code = (roundPage(size) ?? 0) === 0 ? KERN_INVALID_ADDRESS : KERN_NO_SPACE;
    kernel.console.push(`kmem_suballoc: bad status return of ${code}.`);
    throw new KernelPanic(PANIC.suballoc);
  }
  vmMapInsert(kernel, parent, NO_OBJECT, room.start, room.end);
  kernel.pmap.references++;
  kernel.changes.part(PART.pmap);
  const map = vmMapCreate(kernel, name, { min: room.start, max: room.end, pageable });
  if (vmMapSubmap(kernel, parent, room, map) !== 0) throw new KernelPanic(PANIC.suballocUnableToChange);
  return { kind: 'submap', map: name, min: map.min, max: map.max };
}
