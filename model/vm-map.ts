/** Address maps: what range operations begin with, searching, inserting, looking up (vm_map.c). */
import {
  ADDRESS_SPACE_END,
  address as addressOf,
  type ByteCount,
  byteDistance,
  bytes,
  isPageAligned,
  type ObjectOffset,
  objectOffset,
  roundPageUnwrapped,
  unwrappedEnd,
} from '../contract/address.ts';
import {
  allocated,
  KERN_INVALID_ADDRESS,
  KERN_INVALID_ARGUMENT,
  KERN_NO_SPACE,
  KERN_SUCCESS,
  none,
  type Outcome,
} from '../contract/outcome.ts';
import { permits, VM_INHERIT_COPY, VM_PROT_ALL } from '../contract/protection.ts';
import type { InsertedObject } from '../contract/vm-map.ts';
import { cite, touch } from './bookkeeping.ts';
import { inTransition } from './sched.ts';
import type {
  Answer,
  Call,
  KernCode,
  ModelState,
  Range,
  Sleeping,
  Transition,
  VmMap,
  VmMapEntry,
  VmObject,
} from './state.ts';
import { continues, entriesIn, entryAt, entryBefore, offsetAt, vmMapEntryCreate } from './vm-map-entry.ts';
import { vmObjectAllocate, vmObjectCoalesce, vmObjectDeallocate } from './vm-object.ts';

/**
 * What protect, inherit, pageable and remove begin with: their range cut down to the map, once it meets no other
 * operation's transition of these kinds; undefined where it is unaligned. Bounds of the argument may exceed 32 bits, and
 * an inverted range becomes empty at its end. The map is unlocked while the operation sleeps.
 */
export function* admit(
  state: ModelState,
  map: VmMap,
  { start, end }: { readonly start: number; readonly end: number },
  kinds: readonly Transition['state'][],
): Sleeping<Range | undefined> {
  cite(state, 'MAP-CLAMP');
  const top = Math.min(end, map.max);
  const bottom = Math.min(Math.max(start, map.min), top);
  const range = { start: addressOf(bottom), end: addressOf(top) };
  while (inTransition(state, map, range, kinds)) {
    cite(state, 'MAP-TRANS-1');
    yield { point: 'Y-MAP-TRANS', event: `trans:${map.name}` };
  }
  return aligned(state, range.start, range.end) ? range : undefined;
}

/** True when every value is a multiple of the page size. */
export function aligned(state: ModelState, ...values: readonly number[]): boolean {
  const fine = values.every(isPageAligned);
  if (!fine) cite(state, 'MAP-0');
  return fine;
}

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
export const startOf = (range: Range | undefined): Outcome =>
  range === undefined ? none : allocated(range.start);

/**
 * vm_map_insert: a KERN code. On success the entry owns the caller's reference to the object, else the caller still does.
 * Without an object, as vm_map_insert(NULL, 0).
 */
export function insert(
  state: ModelState,
  map: VmMap,
  { start, end }: Range,
  object: VmObject | null = null,
  offset: ObjectOffset = objectOffset(0),
): KernCode {
  if (!aligned(state, start, end, offset)) return KERN_INVALID_ARGUMENT;
  if (start < map.min || end > map.max || start >= end) {
    cite(state, 'MAP-INSERT-1');
    return KERN_INVALID_ADDRESS;
  }
  if (entriesIn(map, { start, end }).length > 0) {
    cite(state, 'MAP-INSERT-2');
    return KERN_NO_SPACE;
  }
  const previous = entryBefore(map, start);
  const predecessor = previous === undefined ? null : { start: previous.start, end: previous.end };
  const coalesced = object === null && coalesceWith(state, previous, { start, end });
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
  if (!vmObjectCoalesce(state, previous.object, offsetAt(previous, start), byteDistance(start, end)))
    return false;
  cite(state, 'MAP-INSERT-5');
  previous.end = end;
  return true;
}

/** Takes the reference, or makes the fresh object, that an insertion hands over. */
function objectFor(state: ModelState, kind: InsertedObject, size: ByteCount): VmObject | null {
  switch (kind) {
    case 'null':
      return null;
    case 'kernel':
      return state.kernelObject;
    case 'kmem':
      return state.kmemObject;
    case 'anon':
      return vmObjectAllocate(state, size);
  }
}

/** vm_map_insert as an operation. */
export function vmMapInsert(state: ModelState, call: Call<'vm_map_insert'>, map: VmMap): KernCode {
  const size = bytes(objectOffset(call.end - call.start));
  const object = objectFor(state, call.object, size);
  const code = insert(state, map, call, object, call.offset);
  if (code !== KERN_SUCCESS) vmObjectDeallocate(state, object);
  return code;
}

/** vm_map_findspace as an operation. */
export function vmMapFindspace(state: ModelState, call: Call<'vm_map_findspace'>, map: VmMap): Outcome {
  return startOf(findspace(state, map, call.start, call.length));
}

/** vm_map_find: where the range went, or a KERN code. */
export function vmMapFind(state: ModelState, call: Call<'vm_map_find'>, map: VmMap): Answer {
  const object = objectFor(state, call.object, call.length);
  const range = rangeToTake(state, call, map);
  const code = typeof range === 'number' ? range : insert(state, map, range, object, call.offset);
  if (typeof range !== 'number' && code === KERN_SUCCESS) return { kind: 'kern', code, address: range.start };
  vmObjectDeallocate(state, object);
  return code;
}

function rangeToTake(state: ModelState, call: Call<'vm_map_find'>, map: VmMap): Range | KernCode {
  const { address, length } = call;
  if (!aligned(state, address, length, call.offset)) return KERN_INVALID_ARGUMENT;
  cite(state, 'MAP-FIND-1');
  if (length === 0) return KERN_INVALID_ADDRESS;
  if (call.findSpace) return findspace(state, map, address, length) ?? KERN_NO_SPACE;
  const end = unwrappedEnd(address, length);
  return end < ADDRESS_SPACE_END ? { start: address, end: addressOf(end) } : KERN_INVALID_ADDRESS;
}

/** vm_map_lookup_entry as an operation. */
export function vmMapLookupEntry(
  state: ModelState,
  { address }: Call<'vm_map_lookup_entry'>,
  map: VmMap,
): Outcome {
  cite(state, 'MAP-LOOKUP-1');
  const found = entryAt(map, address);
  const entry = found ?? entryBefore(map, address);
  return { kind: 'entry', found: found !== undefined, start: entry?.start ?? null };
}

/** vm_map_check_protection: is the range one run of entries that all grant the protection? */
export function vmMapCheckProtection(
  state: ModelState,
  call: Call<'vm_map_check_protection'>,
  map: VmMap,
): boolean {
  cite(state, 'MAP-CHK-1');
  if (entryAt(map, call.start) === undefined) return false;
  return entriesIn(map, call).every(
    (entry) => permits(entry.protection, call.protection) && continues(map, entry, call.end),
  );
}
