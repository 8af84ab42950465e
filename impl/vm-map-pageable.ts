/**
 * Wiring and unwiring of ranges (vm_map_pageable, vm_fault_wire, vm_fault_unwire).
 *
 * Ranges still to be wired are kept as addresses across a sleep, never as entries: others may clip or merge those.
 */
import {
  advance,
  advanceOffset,
  byteDistance,
  isPageAligned,
  objectOffset,
  PAGE_SIZE,
  type VirtualAddress,
} from '../contract/address.ts';
import { KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT, KERN_SUCCESS, PANIC } from '../contract/outcome.ts';
import type { Kernel } from './kernel.ts';
import type { VmMapEntry } from './map-entry.ts';
import { KernelPanic } from './panic.ts';
import type { Continuation } from './sched.ts';
import { beginTransition, endTransition, meetsTransition } from './transitions.ts';
import { vmFaultWire } from './vm-fault.ts';
import { type VmMap, vmMapClipEnd, vmMapClipStart } from './vm-map.ts';
import { clamp, type Range } from './vm-map-attributes.ts';
import { vmObjectAllocate } from './vm-object.ts';

/** Does the range […, end) break off behind `entry`, before its end? */
function breaksOff(entry: VmMapEntry, end: VirtualAddress): boolean {
  return entry.end < end && (entry.next === null || entry.next.start > entry.end);
}

/** vm_map_pageable(…, TRUE) on a clamped, settled range (MAP-PAGE-1, 2): SUCCESS, INVALID_ARGUMENT or INVALID_ADDRESS. */
export function vmMapUnwire(kernel: Kernel, map: VmMap, { start, end }: Range): number {
  if (!isPageAligned(start) || !isPageAligned(end)) return KERN_INVALID_ARGUMENT;
  const containing = map.entries.containing(start);
  if (containing === null) return KERN_INVALID_ADDRESS;
  const first = vmMapClipStart(kernel, map, containing, start);
  for (let entry: VmMapEntry | null = first; entry !== null && entry.start < end; entry = entry.next)
    if (entry.wiredCount === 0 || breaksOff(entry, end)) return KERN_INVALID_ARGUMENT;
  for (let entry: VmMapEntry | null = first; entry !== null && entry.start < end; entry = entry.next) {
    vmMapClipEnd(kernel, map, entry, end);
    entry.wiredCount--;
    kernel.changes.map(map);
    if (entry.wiredCount === 0) vmFaultUnwire(kernel, entry);
  }
  return KERN_SUCCESS;
}

/**
 * vm_map_pageable(…, FALSE) (MAP-PAGE-1, 3 to 7): SUCCESS, INVALID_ARGUMENT or INVALID_ADDRESS. Sleeps while the range
 * meets one that another operation is wiring, and for pages.
 */
export function* vmMapWire(
  kernel: Kernel,
  map: VmMap,
  range: Range & { readonly operation: number; readonly point: 'Y-MAP-TRANS' | 'Y-KA-TRANS' },
): Continuation<number> {
  const { start, end } = clamp(map, range.start, range.end);
  while (meetsTransition(map, start, end, 'wiring')) yield { point: range.point, event: map.settled };
  if (!isPageAligned(start) || !isPageAligned(end)) return KERN_INVALID_ARGUMENT;
  const first = map.entries.containing(start);
  if (first === null) return KERN_INVALID_ADDRESS;
  if (start === end) return KERN_SUCCESS;
  if (meetsSubmap(map, first, end)) return KERN_INVALID_ARGUMENT;
  const toWire = raiseWiredCounts(kernel, map, first, { start, end });
  if (toWire === undefined) return KERN_INVALID_ARGUMENT;

  const transition = { start, end, state: 'wiring', operation: range.operation } as const;
  beginTransition(kernel, map, transition);
  for (const piece of toWire) yield* vmFaultWire(kernel, map, piece);
  endTransition(kernel, map, transition);
  return KERN_SUCCESS;
}

function meetsSubmap(map: VmMap, first: VmMapEntry, end: VirtualAddress): boolean {
  if (map.submapEntries === 0) return false;
  for (let entry: VmMapEntry | null = first; entry !== null && entry.start < end; entry = entry.next)
    if (entry.submap !== null) return true;
  return false;
}

/**
 * Pass 1 of wiring: counts every entry of the range once more, giving those without an object one that spans the
 * entry as it was before clipping. Returns the pieces that were not wired before, or undefined at a hole: then the
 * counts are taken back, but clips and objects stay (MAP-PAGE-4, Q-21).
 */
function raiseWiredCounts(
  kernel: Kernel,
  map: VmMap,
  first: VmMapEntry,
  { start, end }: Range,
): Range[] | undefined {
  const newlyWired: Range[] = [];
  const raised: VmMapEntry[] = [];
  kernel.changes.map(map);
  for (let at: VmMapEntry | null = first; at !== null && at.start < end; at = at.next) {
    if (at.wiredCount === 0 && at.object === null) {
      at.object = vmObjectAllocate(kernel, byteDistance(at.start, at.end));
      at.offset = objectOffset(0);
    }
    at = vmMapClipStart(kernel, map, at, start);
    vmMapClipEnd(kernel, map, at, end);
    at.wiredCount++;
    raised.push(at);
    if (at.wiredCount === 1) newlyWired.push({ start: at.start, end: at.end });
    if (breaksOff(at, end)) {
      for (const entry of raised) entry.wiredCount--;
      return undefined;
    }
  }
  return newlyWired;
}

/** vm_fault_unwire: unwires the pages of an entry, mapped or not (FAULT-UNW-1, DEV-18). */
export function vmFaultUnwire(kernel: Kernel, entry: VmMapEntry): void {
  for (let va = entry.start; va < entry.end; va = advance(va, PAGE_SIZE)) {
    const mapped = kernel.pmap.extract(va);
    if (mapped !== undefined) kernel.pmap.changeWiring(va, { wired: false });
    const managed = mapped !== undefined && kernel.pmap.isManaged(mapped);
    kernel.pages.unwire(managed ? mapped : residentPage(kernel, entry, va));
  }
}

function residentPage({ pages }: Kernel, { object, offset, start }: VmMapEntry, va: VirtualAddress) {
  const page =
    object === null ? undefined : pages.lookup(object, advanceOffset(offset, byteDistance(start, va)));
  if (page === undefined) throw new KernelPanic(PANIC.unwireNotInPmap);
  return page;
}
