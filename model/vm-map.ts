/** Address maps: creating, searching, inserting, looking up (vm_map.c); vm-map-range.ts has what works on ranges. */
import type { ByteCount, ObjectOffset } from '../contract/address.ts';
import {
  ADDRESS_SPACE_END,
  address as addressOf,
  advance,
  byteDistance,
  bytes,
  isPageAligned,
  objectOffset,
  roundPageUnwrapped,
  unwrappedEnd,
} from '../contract/address.ts';
import {
  allocated,
  done,
  KERN_INVALID_ADDRESS,
  KERN_INVALID_ARGUMENT,
  KERN_NO_SPACE,
  KERN_SUCCESS,
  none,
  type Outcome,
  PANIC,
  rejected,
} from '../contract/outcome.ts';
import { permits, VM_INHERIT_COPY, VM_PROT_ALL } from '../contract/protection.ts';
import type { InsertedObject } from '../contract/vm-map.ts';
import { cite, mapNamed, stopMachine, touch } from './bookkeeping.ts';
import type { Call, KernCode, ModelState, Range, Rule, VmMap, VmMapEntry, VmObject } from './state.ts';
import {
  clip,
  continues,
  entriesIn,
  entryAt,
  entryBefore,
  offsetAt,
  vmMapEntryCreate,
} from './vm-map-entry.ts';
import { vmObjectAllocate, vmObjectCoalesce, vmObjectDeallocate } from './vm-object.ts';

/** True when every value is a multiple of the page size. */
export const aligned = (state: ModelState, ...values: readonly number[]): boolean =>
  values.every(isPageAligned) || cite(state, 'MAP-0', false);

/**
 * vm_map_findspace: the `length` free bytes at the lowest page-aligned address from `from` on, wherever earlier searches
 * ended. A candidate that is followed may name another place, or none.
 */
export function findspace(state: ModelState, map: VmMap, from: number, length: number): Range | undefined {
  cite(state, 'MAP-SPACE-1');
  const lowest = roundPageUnwrapped(Math.max(from, map.min));
  const { placement } = state;
  if (lowest > map.max || length === 0 || placement === 'nowhere') return undefined;
  const followed = placement !== null && placement >= lowest && isPageAligned(placement);
  const placed = followed ? firstFit(map, placement, length) : undefined;
  return placed?.start === placement ? placed : firstFit(map, lowest, length);
}

function firstFit(map: VmMap, from: number, length: number): Range | undefined {
  let candidate = from;
  for (const entry of map.entries) {
    if (entry.start >= candidate + length) break;
    candidate = Math.max(candidate, entry.end);
  }
  const end = candidate + length;
  return end <= map.max ? { start: addressOf(candidate), end: addressOf(end) } : undefined;
}

/** The answer of a search or an allocator. */
export const startOf = (range: Range | undefined): Outcome => (range ? allocated(range.start) : none);

/** vm_map_insert: a KERN code. On success the entry owns the caller's reference to the object, if there is one. */
export function insert(
  state: ModelState,
  map: VmMap,
  range: Range,
  object: VmObject | null = null,
  offset: ObjectOffset = objectOffset(0),
): KernCode {
  const { start, end } = range;
  if (!aligned(state, start, end, offset)) return KERN_INVALID_ARGUMENT;
  if (start < map.min || end > map.max || start >= end)
    return cite(state, 'MAP-INSERT-1', KERN_INVALID_ADDRESS);
  if (entriesIn(map, range).length > 0) return cite(state, 'MAP-INSERT-2', KERN_NO_SPACE);
  const previous = entryBefore(map, start);
  const predecessor = previous === undefined ? null : { start: previous.start, end: previous.end };
  const coalesced = object === null && coalesceWith(state, previous, range);
  if (!coalesced) {
    cite(state, 'MAP-INSERT-3');
    cite(state, 'MAP-INSERT-4');
    const attributes = { protection: VM_PROT_ALL, maxProtection: VM_PROT_ALL, inheritance: VM_INHERIT_COPY };
    const entry = { start, end, object, submap: null, offset, ...attributes, wiredCount: 0 };
    vmMapEntryCreate(state, map, entry);
  }
  cite(state, 'MAP-INSERT-6');
  touch(state, map);
  state.onMapEvent?.({ kind: 'insert', map: map.name, start, end, coalesced, predecessor });
  return KERN_SUCCESS;
}

/** Lets the entry before a null range grow over it, where it is still as an insertion made it and owns its object alone. */
function coalesceWith(state: ModelState, previous: VmMapEntry | undefined, { start, end }: Range): boolean {
  if (previous === undefined || previous.end !== start || previous.submap !== null) return false;
  const untouched =
    previous.inheritance === VM_INHERIT_COPY &&
    previous.protection === VM_PROT_ALL &&
    previous.maxProtection === VM_PROT_ALL &&
    previous.wiredCount === 0;
  if (!untouched) return false;
  const { object } = previous;
  const more = byteDistance(start, end);
  if (object !== null && !vmObjectCoalesce(state, object, offsetAt(previous, start), more)) return false;
  previous.end = end;
  return cite(state, 'MAP-INSERT-5', true);
}

/** Takes the reference, or makes the fresh object, that an insertion hands over. */
function objectFor(state: ModelState, kind: InsertedObject, size: ByteCount): VmObject | null {
  if (kind === 'anon') return vmObjectAllocate(state, size);
  return { null: null, kernel: state.kernelObject, kmem: state.kmemObject }[kind];
}

/** vm_map_insert as an operation. */
export const vmMapInsert: Rule<'vm_map_insert'> = (state, call, map) => {
  const object = objectFor(state, call.object, bytes(objectOffset(call.end - call.start)));
  const code = insert(state, map, call, object, call.offset);
  if (code !== KERN_SUCCESS) vmObjectDeallocate(state, object);
  return code;
};

/** vm_map_findspace as an operation. */
export const vmMapFindspace: Rule<'vm_map_findspace'> = (state, { start, length }, map) =>
  startOf(findspace(state, map, start, length));

/** vm_map_find: where the range went, or a KERN code. */
export const vmMapFind: Rule<'vm_map_find'> = (state, call, map) => {
  const object = objectFor(state, call.object, call.length);
  const range = rangeToTake(state, call, map);
  const code = typeof range === 'number' ? range : insert(state, map, range, object, call.offset);
  if (typeof range !== 'number' && code === KERN_SUCCESS) return { kind: 'kern', code, address: range.start };
  vmObjectDeallocate(state, object);
  return code;
};

function rangeToTake(state: ModelState, call: Call<'vm_map_find'>, map: VmMap): Range | KernCode {
  const { address: start, length } = call;
  if (!aligned(state, start, length, call.offset)) return KERN_INVALID_ARGUMENT;
  cite(state, 'MAP-FIND-1');
  if (length === 0) return KERN_INVALID_ADDRESS;
  if (call.findSpace) return findspace(state, map, start, length) ?? KERN_NO_SPACE;
  const fits = unwrappedEnd(start, length) < ADDRESS_SPACE_END;
  return fits ? { start, end: advance(start, length) } : KERN_INVALID_ADDRESS;
}

/** vm_map_lookup_entry as an operation. */
export const vmMapLookupEntry: Rule<'vm_map_lookup_entry'> = (state, { address }, map) => {
  cite(state, 'MAP-LOOKUP-1');
  const found = entryAt(map, address);
  const entry = found ?? entryBefore(map, address);
  return { kind: 'entry', found: found !== undefined, start: entry?.start ?? null };
};

/** vm_map_check_protection: is the range one run of entries that all grant the protection? */
export const vmMapCheckProtection: Rule<'vm_map_check_protection'> = (state, call, map) => {
  cite(state, 'MAP-CHK-1');
  const grants = (entry: VmMapEntry) =>
    (entry.submap !== null || permits(entry.protection, call.protection)) && continues(map, entry, call.end);
  return entryAt(map, call.start) !== undefined && entriesIn(map, call).every(grants);
};

/** Names of the maps that the kernel itself keeps. */
export const isReservedName = (name: string): boolean => ['kernel', 'kmem', 'mb'].includes(name);
/** Static map records in use. */
export const staticMapsInUse = ({ maps }: ModelState) => maps.filter((map) => map.staticRecord).length;

/** vm_map_create: an empty map, or a stopped machine when it needs a static record and none is left. */
export function createMap(state: ModelState, { name, min, max, pageable }: Call<'vm_map_create'>): VmMap {
  cite(state, 'MAP-CREATE-1');
  const staticRecord = mapNamed(state, 'kmem') === undefined;
  if (staticRecord && staticMapsInUse(state) >= state.machine.staticMaps) stopMachine(PANIC.outOfMaps);
  const map: VmMap = { name, min, max, pageable, staticRecord, creatorReference: true, entries: [] };
  state.maps.push(map);
  touch(state, map, 'pmap:kernel');
  return map;
}

/** vm_map_create as an operation. */
export const vmMapCreate: Rule<'vm_map_create'> = (state, call) => {
  const { name, min, max } = call;
  const taken = isReservedName(name) || mapNamed(state, name) !== undefined;
  if (taken || !isPageAligned(min) || !isPageAligned(max) || min > max) return rejected('MAP-CREATE-1');
  createMap(state, call);
  return done;
};

const parentsOf = ({ maps }: ModelState, map: VmMap): VmMap[] =>
  maps.filter(({ entries }) => entries.some(({ submap }) => submap === map));
/** True when `map` is `ancestor` or lies in it, at whatever depth. */
const liesIn = (state: ModelState, map: VmMap, ancestor: VmMap): boolean =>
  map === ancestor || parentsOf(state, map).some((parent) => liesIn(state, parent, ancestor));

/** vm_map_submap: turns a part of an object-less entry into the placeholder of a map with exactly its bounds. */
export function makeSubmap(state: ModelState, map: VmMap, range: Range, submap: VmMap): KernCode {
  const { start, end } = range;
  if (!aligned(state, start, end)) return KERN_INVALID_ARGUMENT;
  const entry = entryAt(map, start);
  const blank = entry?.object === null && entry.submap === null && entry.wiredCount === 0;
  const inside = entry !== undefined && start < end && end <= entry.end;
  const fits = submap.min === start && submap.max === end;
  const orphan = parentsOf(state, submap).length === 0 && !liesIn(state, map, submap);
  if (!blank || !inside || !fits || !orphan) return cite(state, 'MAP-SUB-1', KERN_INVALID_ARGUMENT);
  cite(state, 'MAP-SUB-2');
  clip(state, map, entry, range).submap = submap;
  touch(state, map, submap);
  return KERN_SUCCESS;
}

/** vm_map_submap as an operation. */
export const vmMapSubmap: Rule<'vm_map_submap'> = (state, call, map) => {
  const submap = mapNamed(state, call.submap);
  return submap === undefined ? rejected('CONV-4') : makeSubmap(state, map, call, submap);
};
