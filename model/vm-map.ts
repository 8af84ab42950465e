/** Address maps: clamping, searching, inserting (vm_map.c). */
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
  type VirtualAddress,
} from '../contract/address.ts';
import {
  allocated,
  flag,
  KERN_INVALID_ADDRESS,
  KERN_INVALID_ARGUMENT,
  KERN_NO_SPACE,
  KERN_SUCCESS,
  kern,
  none,
  type Outcome,
  rejected,
} from '../contract/outcome.ts';
import { permits, VM_INHERIT_COPY, VM_PROT_ALL } from '../contract/protection.ts';
import type {
  InsertedObject,
  VmMapCheckProtection,
  VmMapFind,
  VmMapFindspace,
  VmMapInsert,
  VmMapLookupEntry,
} from '../contract/vm-map.ts';
import { cite, type ModelState, mapNamed, type VmMap, type VmMapEntry, type VmObject } from './state.ts';
import {
  continues,
  defaultEntry,
  entriesIn,
  entryAt,
  entryBefore,
  type Range,
  touchBacking,
  touchMap,
  vmMapEntryCreate,
} from './vm-map-entry.ts';
import { vmObjectAllocate, vmObjectCoalesce, vmObjectDeallocate } from './vm-object.ts';

/** A range cut down to the map; bounds of the argument may exceed 32 bits. An inverted range becomes empty at its end. */
export function clamp(state: ModelState, map: VmMap, start: number, end: number): Range {
  cite(state, 'MAP-CLAMP');
  const top = Math.min(end, map.max);
  const bottom = Math.min(Math.max(start, map.min), top);
  return { start: addressOf(bottom), end: addressOf(top) };
}

/** True when every value is a multiple of the page size. */
export function aligned(state: ModelState, ...values: readonly number[]): boolean {
  const fine = values.every(isPageAligned);
  if (!fine) cite(state, 'MAP-0');
  return fine;
}

/**
 * vm_map_findspace: the lowest page-aligned address from `from` on with `length` free bytes, wherever earlier searches
 * ended. A candidate that is followed may name another place, or none.
 */
export function findspace(
  state: ModelState,
  map: VmMap,
  from: number,
  length: number,
): VirtualAddress | undefined {
  cite(state, 'MAP-SPACE-1');
  const start = roundPageUnwrapped(Math.max(from, map.min));
  if (start > map.max || length === 0) return undefined;
  const { placement } = state;
  if (placement === 'nowhere') return undefined;
  if (placement !== null && placement >= start && isPageAligned(placement) && isFree(map, placement, length))
    return placement;
  let candidate = start;
  for (const entry of map.entries) {
    if (entry.start >= candidate + length) break;
    candidate = Math.max(candidate, entry.end);
  }
  return candidate + length <= map.max ? addressOf(candidate) : undefined;
}

function isFree(map: VmMap, start: number, length: number): boolean {
  const end = start + length;
  if (start < map.min || end > map.max) return false;
  return map.entries.every((entry) => entry.end <= start || entry.start >= end);
}

/** What is to be inserted where. */
export interface Insertion extends Range {
  readonly object: VmObject | null;
  readonly offset: ObjectOffset;
}

/** vm_map_insert: a KERN code. On success the entry owns the caller's object reference, else the caller still does. */
export function insert(state: ModelState, map: VmMap, insertion: Insertion): number {
  const { start, end, object, offset } = insertion;
  if (!aligned(state, start, end, offset)) return KERN_INVALID_ARGUMENT;
  if (start < map.min || end > map.max || start >= end) {
    cite(state, 'MAP-INSERT-1');
    return KERN_INVALID_ADDRESS;
  }
  if (entriesIn(map, insertion).length > 0) {
    cite(state, 'MAP-INSERT-2');
    return KERN_NO_SPACE;
  }
  const previous = entryBefore(map, start);
  const predecessor = previous === undefined ? null : { start: previous.start, end: previous.end };
  const coalesced = object === null && coalesceWith(state, previous, insertion);
  if (!coalesced) {
    cite(state, 'MAP-INSERT-4');
    vmMapEntryCreate(state, map);
    const entry = defaultEntry(insertion, object, offset);
    map.entries.splice(previous === undefined ? 0 : map.entries.indexOf(previous) + 1, 0, entry);
    cite(state, 'MAP-INSERT-3');
    touchBacking(state, entry);
  }
  cite(state, 'MAP-INSERT-6');
  touchMap(state, map);
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
  const length = byteDistance(previous.start, previous.end);
  const extension = { offset: previous.offset, length, more: byteDistance(start, end) };
  if (!vmObjectCoalesce(state, previous.object, extension)) return false;
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
export function vmMapInsert(state: ModelState, operation: VmMapInsert): Outcome {
  const map = mapNamed(state, operation.map);
  if (map === undefined) return rejected('CONV-4');
  const { start, end, offset } = operation;
  const size = bytes((end - start + ADDRESS_SPACE_END) % ADDRESS_SPACE_END);
  const object = objectFor(state, operation.object, size);
  const code = insert(state, map, { start, end, object, offset });
  if (code !== KERN_SUCCESS) vmObjectDeallocate(state, object);
  return kern(code);
}

/** vm_map_findspace as an operation. */
export function vmMapFindspace(state: ModelState, { map: name, start, length }: VmMapFindspace): Outcome {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  const found = findspace(state, map, start, length);
  return found === undefined ? none : allocated(found);
}

/** vm_map_find as an operation. */
export function vmMapFind(state: ModelState, operation: VmMapFind): Outcome {
  const map = mapNamed(state, operation.map);
  if (map === undefined) return rejected('CONV-4');
  const object = objectFor(state, operation.object, operation.length);
  const found = find(state, map, object, operation);
  if (typeof found !== 'number') return { kind: 'kern', code: KERN_SUCCESS, address: found.start };
  vmObjectDeallocate(state, object);
  return kern(found);
}

/** vm_map_find: where the range went, or a KERN code. */
export function find(
  state: ModelState,
  map: VmMap,
  object: VmObject | null,
  request: Pick<VmMapFind, 'offset' | 'address' | 'length' | 'findSpace'>,
): Range | number {
  const { offset, length } = request;
  if (!aligned(state, request.address, length, offset)) return KERN_INVALID_ARGUMENT;
  cite(state, 'MAP-FIND-1');
  if (length === 0) return KERN_INVALID_ADDRESS;
  const start = request.findSpace ? findspace(state, map, request.address, length) : request.address;
  if (start === undefined) return KERN_NO_SPACE;
  const end = unwrappedEnd(start, length);
  if (end >= ADDRESS_SPACE_END) return KERN_INVALID_ADDRESS;
  const range = { start, end: addressOf(end) };
  const code = insert(state, map, { ...range, object, offset });
  return code === KERN_SUCCESS ? range : code;
}

/** Inserts a range without an object, as vm_map_insert(NULL, 0) does. */
export function insertNull(state: ModelState, map: VmMap, range: Range): number {
  return insert(state, map, { ...range, object: null, offset: objectOffset(0) });
}

/** vm_map_lookup_entry as an operation. */
export function vmMapLookupEntry(state: ModelState, { map: name, address }: VmMapLookupEntry): Outcome {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  cite(state, 'MAP-LOOKUP-1');
  const found = entryAt(map, address);
  const entry = found ?? entryBefore(map, address);
  return { kind: 'entry', found: found !== undefined, start: entry?.start ?? null };
}

/** vm_map_check_protection as an operation: is [start, end) one run of entries that all grant `protection`? */
export function vmMapCheckProtection(state: ModelState, operation: VmMapCheckProtection): Outcome {
  const map = mapNamed(state, operation.map);
  if (map === undefined) return rejected('CONV-4');
  cite(state, 'MAP-CHK-1');
  const { start, end, protection } = operation;
  const first = entryAt(map, start);
  if (first === undefined) return flag(false);
  return flag(
    entriesIn(map, { start, end }).every(
      (entry) => permits(entry.protection, protection) && continues(map, entry, end),
    ),
  );
}
