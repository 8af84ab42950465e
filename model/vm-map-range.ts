/** What works on a whole range of a map: attributes, wiring, deletion (vm_map.c). */
import { address as addressOf, byteDistance, isPageAligned, objectOffset } from '../contract/address.ts';
import {
  done,
  KERN_INVALID_ADDRESS,
  KERN_INVALID_ARGUMENT,
  KERN_PROTECTION_FAILURE,
  KERN_SUCCESS,
  type Rejected,
  rejected,
} from '../contract/outcome.ts';
import { permits, VM_INHERIT_NONE, VM_PROT_ALL, VM_PROT_READ } from '../contract/protection.ts';
import { cite, touch } from './bookkeeping.ts';
import { pmapProtect, pmapRemove } from './pmap.ts';
import { directoryOffset } from './pmap-table.ts';
import { beginTransition, endTransition, inTransition, type Kinds } from './sched.ts';
import type {
  Answer,
  Call,
  KernCode,
  ModelState,
  Range,
  Rule,
  Sleeping,
  VmMap,
  VmMapEntry,
} from './state.ts';
import { faultUnwire, faultWire } from './vm-fault.ts';
import { aligned, isReservedName } from './vm-map.ts';
import {
  clip,
  clipResidue,
  continues,
  entriesIn,
  entryAt,
  entryBefore,
  objectOf,
  offsetAt,
  unlink,
} from './vm-map-entry.ts';
import { vmObjectDeallocate, vmObjectPageRemove } from './vm-object.ts';

/** Bounds as a caller gives them: in any order, and beyond 32 bits where he added up. */
type Bounds = { readonly start: number; readonly end: number };

/** The part of the bounds that lies in the map; empty where they are reversed. */
function clamped(map: VmMap, bounds: Bounds): Range {
  const top = Math.min(bounds.end, map.max);
  const bottom = Math.min(Math.max(bounds.start, map.min), top);
  return { start: addressOf(bottom), end: addressOf(top) };
}

/**
 * What range operations begin with: the bounds cut down to the map (inverted ones are empty at their end), once they meet
 * no other operation's transition of these kinds; undefined if unaligned. The map is unlocked during a sleep.
 */
function* admit(state: ModelState, map: VmMap, bounds: Bounds, kinds: Kinds): Sleeping<Range | undefined> {
  cite(state, 'MAP-CLAMP');
  const range = clamped(map, bounds);
  while (inTransition(state, map, range, kinds)) {
    cite(state, 'MAP-TRANS-1');
    yield { point: 'Y-MAP-TRANS', event: `trans:${map.name}` };
  }
  return aligned(state, range.start, range.end) ? range : undefined;
}

/** vm_map_protect: once nobody is wiring a part of the range. */
export const vmMapProtect: Rule<'vm_map_protect', Sleeping<Answer>> = function* (state, call, map) {
  const { protection } = call;
  if (!permits(VM_PROT_ALL, protection)) return rejected('MAP-PROT-1');
  cite(state, 'MAP-PROT-1');
  const range = yield* admit(state, map, call, ['wiring']);
  if (range === undefined) return KERN_INVALID_ARGUMENT;
  clipResidue(state, map, range.start);
  cite(state, 'MAP-PROT-2');
  for (const { submap, maxProtection } of entriesIn(map, range)) {
    if (submap !== null) return KERN_INVALID_ARGUMENT;
    if (!permits(maxProtection, protection)) return KERN_PROTECTION_FAILURE;
  }
  for (const entry of entriesIn(map, range)) {
    clip(state, map, entry, range);
    changeProtection(state, entry, call);
    touch(state, map);
  }
  return KERN_SUCCESS;
};

function changeProtection(state: ModelState, entry: VmMapEntry, call: Call<'vm_map_protect'>): void {
  cite(state, 'MAP-PROT-3');
  const old = entry.protection;
  entry.protection = call.setMax ? call.protection & old : call.protection;
  if (call.setMax) entry.maxProtection = call.protection;
  if (entry.protection === old) return;
  cite(state, 'MAP-PROT-4');
  if (entry.wiredCount > 0 && !permits(entry.protection, VM_PROT_READ)) cite(state, 'MAP-PROT-5');
  pmapProtect(state, entry);
}

/** vm_map_inherit: once nobody is wiring a part of the range. */
export const vmMapInherit: Rule<'vm_map_inherit', Sleeping<KernCode>> = function* (state, call, map) {
  cite(state, 'MAP-INH-1');
  const { inheritance } = call;
  if (inheritance < 0 || inheritance > VM_INHERIT_NONE) return KERN_INVALID_ARGUMENT;
  const range = yield* admit(state, map, call, ['wiring']);
  if (range === undefined) return KERN_INVALID_ARGUMENT;
  clipResidue(state, map, range.start);
  for (const entry of entriesIn(map, range)) {
    clip(state, map, entry, range);
    entry.inheritance = inheritance;
    touch(state, map);
  }
  return KERN_SUCCESS;
};

/** vm_map_pageable: wires a range, or with `pageable` unwires it. */
export const vmMapPageable: Rule<'vm_map_pageable', Sleeping<KernCode>> = function* (state, call, map) {
  const range = yield* admit(state, map, call, ['wiring']);
  if (range === undefined) return KERN_INVALID_ARGUMENT;
  cite(state, 'MAP-PAGE-1');
  if (entryAt(map, range.start) === undefined) return KERN_INVALID_ADDRESS;
  return call.pageable ? unwire(state, map, range) : yield* wire(state, map, range);
};

function unwire(state: ModelState, map: VmMap, range: Range): KernCode {
  cite(state, 'MAP-PAGE-2');
  clipResidue(state, map, range.start);
  const entries = entriesIn(map, range);
  if (!entries.every((entry) => entry.wiredCount > 0 && continues(map, entry, range.end)))
    return KERN_INVALID_ARGUMENT;
  for (const entry of entries) {
    clip(state, map, entry, range);
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
  if (entries.some(({ submap }) => submap !== null)) return cite(state, 'MAP-SUB-3', KERN_INVALID_ARGUMENT);
  const fresh = raiseWiredCounts(state, map, range);
  if (fresh === undefined) return KERN_INVALID_ARGUMENT;
  cite(state, 'MAP-PAGE-5');
  const transition = beginTransition(state, 'wiring', map, range);
  for (const part of fresh) yield* faultWire(state, map, part, transition);
  endTransition(state, transition);
  return KERN_SUCCESS;
}

/**
 * Pass 1: wires every entry of the range once more and answers the ranges not wired before, as addresses, since the map is
 * unlocked afterwards. Undefined at a hole, with the counts put back; clips and new objects stay either way.
 */
function raiseWiredCounts(state: ModelState, map: VmMap, range: Range): Range[] | undefined {
  cite(state, 'MAP-PAGE-4');
  const raised: VmMapEntry[] = [];
  for (const found of entriesIn(map, range)) {
    if (found.wiredCount === 0) objectOf(state, map, found);
    const entry = clip(state, map, found, range);
    entry.wiredCount += 1;
    raised.push(entry);
    touch(state, map);
    if (continues(map, entry, range.end)) continue;
    for (const undone of raised) undone.wiredCount -= 1;
    return undefined;
  }
  return raised.filter(({ wiredCount }) => wiredCount === 1).map(({ start, end }) => ({ start, end }));
}

/** The number of references to a map: its creator's, and every entry of every map that names it. */
export function mapReferences({ maps }: ModelState, map: VmMap): number {
  let references = map.creatorReference ? 1 : 0;
  for (const { entries } of maps) for (const { submap } of entries) if (submap === map) references += 1;
  return references;
}

/** True when somebody sleeps for space in the map, or was woken from that and has not run yet. */
const isAwaited = ({ flights }: ModelState, { name }: VmMap): boolean =>
  flights.some(({ status, event }) => status !== 'running' && event === `map:${name}`);

/** True when the range meets a submap that it does not cover or that is in use: then nothing of it may be deleted. */
function cutsSubmap(state: ModelState, map: VmMap, range: Range): boolean {
  return entriesIn(map, range).some(({ submap }) => {
    if (submap === null) return false;
    const covered = range.start <= submap.min && submap.max <= range.end;
    return !covered || submap.entries.length > 0 || isAwaited(state, submap);
  });
}

/** True when deleting the range would free the page of a live pmap's directory, through whatever entry. */
function freesDirectory(state: ModelState, map: VmMap, range: Range): boolean {
  const offsets = state.userPmaps.map((pmap) => directoryOffset(state, pmap));
  const doomed = entriesIn(map, range).filter(({ object }) => object === state.kernelObject);
  return doomed.some((entry) => {
    const start = Math.max(entry.start, range.start);
    const length = Math.min(entry.end, range.end) - start;
    const first = offsetAt(entry, addressOf(start));
    return offsets.some((offset) => objectOffset(offset - first) < length);
  });
}

/** vm_map_delete, with the map locked: a KERN code. Holes are skipped, and there may be nothing else; no live directory, though. */
export function deleteRange(state: ModelState, map: VmMap, range: Range): KernCode | Rejected {
  if (cutsSubmap(state, map, range)) return cite(state, 'MAP-DEL-1', KERN_INVALID_ARGUMENT);
  if (freesDirectory(state, map, range)) return rejected('PMAP-REL-1');
  clipResidue(state, map, range.start);
  const predecessor = entryBefore(map, range.start)?.start ?? null;
  state.onMapEvent?.({ kind: 'delete', map: map.name, start: range.start, predecessor });
  const doomed = entriesIn(map, range);
  if (doomed.length === 0) cite(state, 'MAP-DEL-3');
  for (const entry of doomed) {
    clip(state, map, entry, range);
    deleteEntry(state, map, entry);
  }
  return KERN_SUCCESS;
}

function deleteEntry(state: ModelState, map: VmMap, entry: VmMapEntry): void {
  cite(state, 'MAP-DEL-2');
  if (entry.wiredCount > 0) faultUnwire(state, entry);
  const { object, submap } = entry;
  if (object !== null && (object === state.kernelObject || object === state.kmemObject))
    vmObjectPageRemove(state, object, entry.offset, byteDistance(entry.start, entry.end));
  else {
    if (object !== null) cite(state, 'OBJ-7');
    pmapRemove(state, entry);
  }
  unlink(state, map, entry);
  if (submap === null) vmObjectDeallocate(state, object);
  else dropMapReference(state, submap);
}

/** vm_map_remove: a KERN code, once nobody is filling or wiring a part of the range. */
export function* vmMapRemove(state: ModelState, bounds: Bounds, map: VmMap): Sleeping<KernCode | Rejected> {
  // What may not be freed is refused before anybody is waited for, and again where it came to be while others were.
  const asked = clamped(map, bounds);
  const refusedAnyway =
    !isPageAligned(asked.start) || !isPageAligned(asked.end) || cutsSubmap(state, map, asked);
  if (!refusedAnyway && freesDirectory(state, map, asked)) return rejected('PMAP-REL-1');
  const range = yield* admit(state, map, bounds, ['filling', 'wiring']);
  cite(state, 'MAP-DEL-4');
  return range === undefined ? KERN_INVALID_ARGUMENT : deleteRange(state, map, range);
}

/** vm_map_delete as an operation, for a caller that holds the lock and has looked at the range. */
export const vmMapDelete: Rule<'vm_map_delete'> = (state, range, map) => {
  const { start, end } = range;
  if (!isPageAligned(start) || !isPageAligned(end)) return rejected('MAP-0');
  if (start < map.min || start > end || end > map.max) return rejected('MAP-CLAMP');
  const disturbs = inTransition(state, map, range, ['filling', 'wiring']);
  return disturbs ? rejected('MAP-TRANS-1') : deleteRange(state, map, range);
};

const wholeOf = ({ min, max }: VmMap): Range => ({ start: min, end: max });

/** What happens after a reference to a map has gone: the last one takes everything in it along. */
function dropMapReference(state: ModelState, map: VmMap): void {
  touch(state, map);
  if (mapReferences(state, map) > 0) return;
  deleteRange(state, map, wholeOf(map));
  state.maps.splice(state.maps.indexOf(map), 1);
  touch(state, 'pmap:kernel');
}

/** vm_map_deallocate: the creator gives the map up. */
export const vmMapDeallocate: Rule<'vm_map_deallocate'> = (state, _, map) => {
  if (!mayGiveUp(state, map)) return rejected('MAP-CREATE-2');
  const last = mapReferences(state, map) === 1;
  if (last && freesDirectory(state, map, wholeOf(map))) return rejected('PMAP-REL-1');
  map.creatorReference = false;
  dropMapReference(state, map);
  return cite(state, 'MAP-CREATE-2', done);
};

/** A creator gives a map up once, with nothing under way in it and no submap in use that would lose its parent. */
function mayGiveUp(state: ModelState, map: VmMap): boolean {
  if (isReservedName(map.name) || !map.creatorReference) return false;
  if (state.flights.some(({ operation }) => 'map' in operation && operation.map === map.name)) return false;
  const last = mapReferences(state, map) === 1;
  return !(last && cutsSubmap(state, map, wholeOf(map)));
}
