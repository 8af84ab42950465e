/** Wiring and unwiring ranges (vm_map_pageable in vm_map.c). */
import { KERN_INVALID_ADDRESS, KERN_INVALID_ARGUMENT, KERN_SUCCESS } from '../contract/outcome.ts';
import { cite, touch } from './bookkeeping.ts';
import { beginTransition, endTransition } from './sched.ts';
import type { Call, KernCode, ModelState, Range, Sleeping, VmMap, VmMapEntry } from './state.ts';
import { faultUnwire, faultWire } from './vm-fault.ts';
import { admit } from './vm-map.ts';
import { clipEnd, clipResidue, clipStart, continues, entriesIn, entryAt, objectOf } from './vm-map-entry.ts';

/** vm_map_pageable: wires a range, or with `pageable` unwires it; a KERN code. */
export function* vmMapPageable(
  state: ModelState,
  call: Call<'vm_map_pageable'>,
  map: VmMap,
): Sleeping<KernCode> {
  const range = yield* admit(state, map, call, ['wiring']);
  if (range === undefined) return KERN_INVALID_ARGUMENT;
  cite(state, 'MAP-PAGE-1');
  if (entryAt(map, range.start) === undefined) return KERN_INVALID_ADDRESS;
  return call.pageable ? unwire(state, map, range) : yield* wire(state, map, range);
}

function unwire(state: ModelState, map: VmMap, range: Range): KernCode {
  cite(state, 'MAP-PAGE-2');
  clipResidue(state, map, range.start);
  const entries = entriesIn(map, range);
  const wiredThroughout = entries.every((entry) => entry.wiredCount > 0 && continues(map, entry, range.end));
  if (!wiredThroughout) return KERN_INVALID_ARGUMENT;
  for (const entry of entries) {
    clipEnd(state, map, entry, range.end);
    entry.wiredCount -= 1;
    touch(state, map);
    if (entry.wiredCount === 0) faultUnwire(state, entry);
  }
  return KERN_SUCCESS;
}

/** Once it succeeds, every page of the range is resident, wired and mapped. */
function* wire(state: ModelState, map: VmMap, range: Range): Sleeping<KernCode> {
  cite(state, 'MAP-PAGE-3');
  const entries = entriesIn(map, range);
  if (entries.length === 0) return KERN_SUCCESS;
  if (entries.some((entry) => entry.submap !== null)) {
    cite(state, 'MAP-SUB-3');
    return KERN_INVALID_ARGUMENT;
  }
  const fresh = raiseWiredCounts(state, map, range);
  if (fresh === undefined) return KERN_INVALID_ARGUMENT;
  cite(state, 'MAP-PAGE-5');
  const transition = beginTransition(state, 'wiring', map, range);
  for (const part of fresh) yield* faultWire(state, map, part, transition);
  endTransition(state, transition);
  return KERN_SUCCESS;
}

/**
 * Pass 1: every entry of the range is wired once more. Answers the ranges that were not wired before, as addresses,
 * since the map is unlocked while they are faulted in. Undefined at a hole, after the counts have been put back;
 * clips and new objects stay in either case.
 */
function raiseWiredCounts(state: ModelState, map: VmMap, range: Range): Range[] | undefined {
  cite(state, 'MAP-PAGE-4');
  const raised: VmMapEntry[] = [];
  for (const found of entriesIn(map, range)) {
    if (found.wiredCount === 0) objectOf(state, map, found);
    const entry = clipStart(state, map, found, range.start);
    clipEnd(state, map, entry, range.end);
    entry.wiredCount += 1;
    raised.push(entry);
    touch(state, map);
    if (continues(map, entry, range.end)) continue;
    for (const undone of raised) undone.wiredCount -= 1;
    return undefined;
  }
  return raised.filter(({ wiredCount }) => wiredCount === 1).map(({ start, end }) => ({ start, end }));
}
