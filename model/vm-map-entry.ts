/** Entries of a map: finding, creating, splitting and merging them (vm_map.c). */
import type { ObjectOffset, VirtualAddress } from '../contract/address.ts';
import { advanceOffset, byteDistance, objectOffset } from '../contract/address.ts';
import { done, PANIC } from '../contract/outcome.ts';
import { cite, stopMachine, touch } from './bookkeeping.ts';
import type { ModelState, Range, Rule, VmMap, VmMapEntry, VmObject } from './state.ts';
import { vmObjectAllocate, vmObjectDeallocate } from './vm-object.ts';

/** vm_map_lookup_entry: the entry that contains an address. */
export const entryAt = ({ entries }: VmMap, address: VirtualAddress): VmMapEntry | undefined =>
  entries.find((entry) => entry.start <= address && address < entry.end);
/** The last entry that ends at or below an address; undefined: the header. */
export const entryBefore = ({ entries }: VmMap, address: VirtualAddress): VmMapEntry | undefined =>
  entries.findLast((entry) => entry.end <= address);
/** Entries that share an address with a non-empty range; none for an empty one. */
export const entriesIn = ({ entries }: VmMap, { start, end }: Range): VmMapEntry[] =>
  start < end ? entries.filter((entry) => entry.start < end && entry.end > start) : [];
/** True when the range beyond `entry` goes on, up to `end`, with an entry that starts where this one ends. */
export const continues = ({ entries }: VmMap, entry: VmMapEntry, end: VirtualAddress): boolean =>
  entry.end >= end || entries.some((next) => next.start === entry.end);
/** Offset in an entry's object of an address in the entry, or of its end. */
export const offsetAt = (entry: VmMapEntry, address: VirtualAddress): ObjectOffset =>
  advanceOffset(entry.offset, byteDistance(entry.start, address));
/** Static entries in use, over all maps that draw on the pool. */
export const staticEntriesInUse = ({ maps }: ModelState): number =>
  maps.reduce((used, map) => (map.pageable ? used : used + map.entries.length), 0);

/** vm_map_entry_create: puts an entry into its map, or stops the machine when the static pool is empty. */
export function vmMapEntryCreate(state: ModelState, map: VmMap, entry: VmMapEntry): void {
  cite(state, 'MAP-ENTRY-1');
  const available = map.pageable ? null : state.machine.mapEntries;
  if (available !== null && staticEntriesInUse(state) >= available) stopMachine(PANIC.outOfMapEntries);
  const next = map.entries.findIndex(({ start }) => start > entry.start);
  map.entries.splice(next < 0 ? map.entries.length : next, 0, entry);
  touch(state, map, entry.object, entry.submap);
}

/** Takes an entry out of its map. */
export function unlink(state: ModelState, map: VmMap, entry: VmMapEntry): void {
  map.entries.splice(map.entries.indexOf(entry), 1);
  touch(state, map);
}

/** The object behind an entry; one without gets a fresh object of its whole length. */
export function objectOf(state: ModelState, map: VmMap, entry: VmMapEntry): VmObject {
  if (entry.object !== null) return entry.object;
  entry.object = vmObjectAllocate(state, byteDistance(entry.start, entry.end));
  entry.offset = objectOffset(0);
  touch(state, map);
  return entry.object;
}

/** Splits an entry at an address strictly inside it; both halves keep every attribute. Answers the back half. */
function split(state: ModelState, map: VmMap, entry: VmMapEntry, at: VirtualAddress): VmMapEntry {
  cite(state, 'MAP-CLIP-1');
  if (entry.submap !== null) cite(state, 'MAP-CLIP-2');
  cite(state, 'MAP-CLIP-3');
  const back = { ...entry, start: at, offset: offsetAt(entry, at) };
  vmMapEntryCreate(state, map, back);
  entry.end = at;
  state.onMapEvent?.({ kind: 'clip', map: map.name, frontStart: entry.start, at });
  return back;
}

/** vm_map_clip_start and vm_map_clip_end: cuts off what lies outside the range; answers what lies inside. */
export function clip(state: ModelState, map: VmMap, entry: VmMapEntry, { start, end }: Range): VmMapEntry {
  const inside = entry.start < start ? split(state, map, entry, start) : entry;
  if (end < inside.end) split(state, map, inside, end);
  return inside;
}

/** The clip at a range's start by protect, inherit, unwire and delete; it stays when they then refuse or do nothing. */
export function clipResidue(state: ModelState, map: VmMap, start: VirtualAddress): void {
  const entry = entryAt(map, start);
  if (entry === undefined || entry.start === start) return;
  cite(state, 'MAP-CLIP-4');
  split(state, map, entry, start);
}

/** True when `next` goes on where `entry` ends and nothing tells them apart. */
const seamless = (entry: VmMapEntry, next: VmMapEntry): boolean =>
  entry.end === next.start &&
  entry.submap === null &&
  next.submap === null &&
  entry.object === next.object &&
  offsetAt(entry, entry.end) === next.offset &&
  entry.inheritance === next.inheritance &&
  entry.protection === next.protection &&
  entry.maxProtection === next.maxProtection &&
  entry.wiredCount === next.wiredCount;

/** vm_map_simplify: merges the entry that starts at `start` into its predecessor, where the seam does not show. */
export const vmMapSimplify: Rule<'vm_map_simplify'> = (state, { start }, map) => {
  const entry = entryAt(map, start);
  const previous = entryBefore(map, start);
  if (entry?.start !== start || previous === undefined || !seamless(previous, entry)) return done;
  cite(state, 'MAP-SIMPL-1');
  previous.end = entry.end;
  unlink(state, map, entry);
  vmObjectDeallocate(state, entry.object);
  state.onMapEvent?.({ kind: 'simplify', map: map.name, absorbed: start, absorber: previous.start });
  return done;
};
