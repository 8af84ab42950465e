/** Entries of a map: finding, creating, splitting and merging them (vm_map.c). */
import { advanceOffset, type ObjectOffset, type VirtualAddress } from '../contract/address.ts';
import { done, type Outcome, PANIC, rejected } from '../contract/outcome.ts';
import { VM_INHERIT_COPY, VM_PROT_ALL } from '../contract/protection.ts';
import type { VmMapSimplify } from '../contract/vm-map.ts';
import {
  assert,
  cite,
  type ModelState,
  mapNamed,
  stopMachine,
  touch,
  type VmMap,
  type VmMapEntry,
  type VmObject,
} from './state.ts';
import { vmObjectDeallocate } from './vm-object.ts';

/** A range of a map whose bounds lie in [min, max] of it, or empty. */
export interface Range {
  readonly start: VirtualAddress;
  /** Exclusive. */
  readonly end: VirtualAddress;
}

/** vm_map_lookup_entry: the entry that contains an address. */
export function entryAt(map: VmMap, address: VirtualAddress): VmMapEntry | undefined {
  return map.entries.find((entry) => entry.start <= address && address < entry.end);
}

/** The last entry that ends at or below an address; undefined: the header. */
export function entryBefore(map: VmMap, address: VirtualAddress): VmMapEntry | undefined {
  return map.entries.findLast((entry) => entry.end <= address);
}

/** Entries that share an address with a non-empty range; none for an empty one. */
export function entriesIn(map: VmMap, { start, end }: Range): VmMapEntry[] {
  if (start >= end) return [];
  return map.entries.filter((entry) => entry.start < end && entry.end > start);
}

/** True when the range beyond `entry` goes on, up to `end`, with an entry that starts where this one ends. */
export function continues(map: VmMap, entry: VmMapEntry, end: VirtualAddress): boolean {
  return entry.end >= end || map.entries.some((next) => next.start === entry.end);
}

export function touchMap(state: ModelState, map: VmMap): void {
  touch(state, `map:${map.name}`);
}

/** Notes that what an entry names may have gained or lost a reference. */
export function touchBacking(state: ModelState, { object, submap }: VmMapEntry): void {
  if (object !== null) touch(state, `object:${object.name}`);
  if (submap !== null) touchMap(state, submap);
}

/** Static entries in use, over all maps that draw on the pool. */
export function staticEntriesInUse(state: ModelState): number {
  let used = 0;
  for (const map of state.maps) if (!map.pageable) used += map.entries.length;
  return used;
}

/** vm_map_entry_create: takes an entry from the map's source, or stops the machine when the static pool is empty. */
export function vmMapEntryCreate(state: ModelState, map: VmMap): void {
  cite(state, 'MAP-ENTRY-1');
  touch(state, 'pools');
  const { mapEntries } = state.machine;
  if (map.pageable || mapEntries === null) return;
  if (staticEntriesInUse(state) >= mapEntries) stopMachine(PANIC.outOfMapEntries);
}

/** A new entry with every attribute at its default. */
export function defaultEntry(
  { start, end }: Range,
  object: VmObject | null,
  offset: ObjectOffset,
): VmMapEntry {
  return {
    start,
    end,
    object,
    submap: null,
    offset,
    protection: VM_PROT_ALL,
    maxProtection: VM_PROT_ALL,
    inheritance: VM_INHERIT_COPY,
    wiredCount: 0,
  };
}

/** Splits an entry at an address strictly inside it; both halves keep every attribute. Answers the back half. */
function split(state: ModelState, map: VmMap, entry: VmMapEntry, at: VirtualAddress): VmMapEntry {
  cite(state, 'MAP-CLIP-3');
  vmMapEntryCreate(state, map);
  cite(state, 'MAP-CLIP-1');
  if (entry.submap !== null) cite(state, 'MAP-CLIP-2');
  const back = { ...entry, start: at, offset: advanceOffset(entry.offset, at - entry.start) };
  entry.end = at;
  map.entries.splice(map.entries.indexOf(entry) + 1, 0, back);
  touchMap(state, map);
  touchBacking(state, entry);
  state.onMapEvent?.({ kind: 'clip', map: map.name, frontStart: entry.start, at });
  return back;
}

/** vm_map_clip_start: cuts off what lies below `start`; answers the entry that begins there or above. */
export function clipStart(
  state: ModelState,
  map: VmMap,
  entry: VmMapEntry,
  start: VirtualAddress,
): VmMapEntry {
  return entry.start < start ? split(state, map, entry, start) : entry;
}

/** vm_map_clip_end: cuts off what lies at `end` and above; `entry` keeps the front. */
export function clipEnd(state: ModelState, map: VmMap, entry: VmMapEntry, end: VirtualAddress): void {
  if (end < entry.end) split(state, map, entry, end);
}

/**
 * The clip at the start of a range that protect, inherit, unwire and delete make before they look any further, so that it
 * stays when they refuse or find nothing to do, and also where the range is empty.
 */
export function clipResidue(state: ModelState, map: VmMap, start: VirtualAddress): void {
  const entry = entryAt(map, start);
  if (entry === undefined || entry.start === start) return;
  cite(state, 'MAP-CLIP-4');
  clipStart(state, map, entry, start);
}

/** True when `next` goes on where `entry` ends and nothing tells them apart. */
function seamless(entry: VmMapEntry, next: VmMapEntry): boolean {
  return (
    entry.end === next.start &&
    entry.submap === null &&
    next.submap === null &&
    entry.object === next.object &&
    advanceOffset(entry.offset, entry.end - entry.start) === next.offset &&
    entry.inheritance === next.inheritance &&
    entry.protection === next.protection &&
    entry.maxProtection === next.maxProtection &&
    entry.wiredCount === next.wiredCount
  );
}

/** vm_map_simplify: merges the entry that starts at `start` into its predecessor, where the seam does not show. */
export function simplify(state: ModelState, map: VmMap, start: VirtualAddress): void {
  const entry = entryAt(map, start);
  const previous = entryBefore(map, start);
  if (entry === undefined || previous === undefined || entry.start !== start) return;
  if (!seamless(previous, entry)) return;
  cite(state, 'MAP-SIMPL-1');
  previous.end = entry.end;
  unlink(state, map, entry);
  vmObjectDeallocate(state, entry.object);
  state.onMapEvent?.({ kind: 'simplify', map: map.name, absorbed: start, absorber: previous.start });
}

/** Takes an entry out of its map and gives it back to where it came from. */
export function unlink(state: ModelState, map: VmMap, entry: VmMapEntry): void {
  const at = map.entries.indexOf(entry);
  assert(at >= 0, 'an unlinked entry is in its map');
  map.entries.splice(at, 1);
  touchMap(state, map);
  touch(state, 'pools');
}

/** vm_map_simplify as an operation. */
export function vmMapSimplify(state: ModelState, { map: name, start }: VmMapSimplify): Outcome {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  simplify(state, map, start);
  return done;
}
