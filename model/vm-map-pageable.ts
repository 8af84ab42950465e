/** Wiring and unwiring ranges (vm_map_pageable in vm_map.c). */
import { byteDistance, objectOffset } from '../contract/address.ts';
import {
  KERN_INVALID_ADDRESS,
  KERN_INVALID_ARGUMENT,
  KERN_SUCCESS,
  kern,
  type Outcome,
  rejected,
} from '../contract/outcome.ts';
import type { VmMapPageable } from '../contract/vm-map.ts';
import { beginTransition, endTransition, waitForTransitions } from './sched.ts';
import { cite, type ModelState, mapNamed, type Sleeping, type VmMap, type VmMapEntry } from './state.ts';
import { faultUnwire, faultWire } from './vm-fault-wire.ts';
import { aligned, clamp } from './vm-map.ts';
import {
  clipEnd,
  clipResidue,
  clipStart,
  continues,
  entriesIn,
  entryAt,
  type Range,
  touchBacking,
  touchMap,
} from './vm-map-entry.ts';
import { vmObjectAllocate } from './vm-object.ts';

/** vm_map_pageable as an operation. */
export function* vmMapPageable(state: ModelState, operation: VmMapPageable): Sleeping<Outcome> {
  const map = mapNamed(state, operation.map);
  if (map === undefined) return rejected('CONV-4');
  const { start, end } = operation;
  return kern(yield* operation.pageable ? unwire(state, map, start, end) : wire(state, map, start, end));
}

/** What both directions check first: the range they may work on, or a KERN code. */
function* admit(state: ModelState, map: VmMap, start: number, end: number): Sleeping<Range | number> {
  const range = clamp(state, map, start, end);
  yield* waitForTransitions(state, map, range, ['wiring']);
  if (!aligned(state, range.start, range.end)) return KERN_INVALID_ARGUMENT;
  cite(state, 'MAP-PAGE-1');
  return entryAt(map, range.start) === undefined ? KERN_INVALID_ADDRESS : range;
}

function* unwire(state: ModelState, map: VmMap, start: number, end: number): Sleeping<number> {
  const range = yield* admit(state, map, start, end);
  if (typeof range === 'number') return range;
  cite(state, 'MAP-PAGE-2');
  clipResidue(state, map, range.start);
  const entries = entriesIn(map, range);
  const wiredThroughout = entries.every((entry) => entry.wiredCount > 0 && continues(map, entry, range.end));
  if (!wiredThroughout) return KERN_INVALID_ARGUMENT;
  for (const entry of entries) {
    clipEnd(state, map, entry, range.end);
    entry.wiredCount -= 1;
    touchMap(state, map);
    if (entry.wiredCount === 0) faultUnwire(state, entry);
  }
  return KERN_SUCCESS;
}

/** vm_map_pageable(…, FALSE): a KERN code, once every page of the range is resident, wired and mapped. */
export function* wire(state: ModelState, map: VmMap, start: number, end: number): Sleeping<number> {
  const range = yield* admit(state, map, start, end);
  if (typeof range === 'number') return range;
  cite(state, 'MAP-PAGE-3');
  const entries = entriesIn(map, range);
  if (entries.length === 0) return KERN_SUCCESS;
  if (entries.some((entry) => entry.submap !== null)) {
    cite(state, 'MAP-SUB-3');
    return KERN_INVALID_ARGUMENT;
  }
  const fresh = raiseWiredCounts(state, map, range);
  if (fresh === undefined) return KERN_INVALID_ARGUMENT;
  yield* wirePages(state, map, range, fresh);
  return KERN_SUCCESS;
}

/**
 * Pass 1: every entry of the range is wired once more. Answers the ranges that were not wired before, as addresses;
 * undefined at a hole, after the counts have been put back. Clips and new objects stay in either case.
 */
function raiseWiredCounts(state: ModelState, map: VmMap, range: Range): Range[] | undefined {
  cite(state, 'MAP-PAGE-4');
  const raised: VmMapEntry[] = [];
  const fresh: Range[] = [];
  for (const found of entriesIn(map, range)) {
    giveObject(state, map, found);
    const entry = clipStart(state, map, found, range.start);
    clipEnd(state, map, entry, range.end);
    entry.wiredCount += 1;
    raised.push(entry);
    if (entry.wiredCount === 1) fresh.push({ start: entry.start, end: entry.end });
    touchMap(state, map);
    if (continues(map, entry, range.end)) continue;
    for (const undone of raised) undone.wiredCount -= 1;
    return undefined;
  }
  return fresh;
}

/** An entry that is about to be wired gets an object of its whole length, also for the parts beyond the range. */
function giveObject(state: ModelState, map: VmMap, entry: VmMapEntry): void {
  if (entry.wiredCount > 0 || entry.object !== null) return;
  entry.object = vmObjectAllocate(state, byteDistance(entry.start, entry.end));
  entry.offset = objectOffset(0);
  touchMap(state, map);
  touchBacking(state, entry);
}

/** Pass 2, with the map unlocked: faults every page in that was not wired before. */
function* wirePages(state: ModelState, map: VmMap, range: Range, fresh: readonly Range[]): Sleeping<void> {
  cite(state, 'MAP-PAGE-5');
  const transition = beginTransition(state, 'wiring', map, range);
  for (const part of fresh) yield* faultWire(state, map, part, transition);
  endTransition(state, transition);
}
