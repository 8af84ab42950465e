/** What a trigger looks at: the model's state before an operation, and the operation as if it were called now. */
import {
  ADDRESS_SPACE_END,
  address,
  byteDistance,
  type ObjectOffset,
  objectOffset,
  PAGE_SIZE,
  roundPageUnwrapped,
  truncPage,
  type VirtualAddress,
} from '../../contract/address.ts';
import type { Operation, OperationOf } from '../../contract/operation.ts';
import type { ModelState, Transition, VmMap, VmMapEntry, VmObject } from '../../model/state.ts';
import type { FirstFreePointers } from '../first-free.ts';

/** `stop`: the recorded machine may differ from here on. `result`: only this one result may differ. */
export type Scope = 'stop' | 'result';

/** The deviations that operations of stage 1 can meet, as an index of traces names them. */
export type DeviationName =
  | 'DEV-1'
  | 'DEV-2'
  | 'DEV-3'
  | 'DEV-6'
  | 'DEV-8'
  | 'DEV-12'
  | 'DEV-13'
  | 'DEV-14'
  | 'DEV-15'
  | 'DEV-18'
  | 'DEV-33'
  | 'DEV-36'
  | 'DEV-37'
  | 'DEV-48'
  | 'PRE-KM-MALLOC-1';

export interface Situation<Called extends Operation = Operation> {
  readonly state: ModelState;
  readonly firstFree: FirstFreePointers;
  /** For a resumed operation: that operation, not the `resume`. */
  readonly operation: Called;
  /** Number of the operation; its own ranges in transition do not disturb it. */
  readonly number: number;
}

/** The scope in which a deviation is due, or null when it is not. */
export type Trigger = (situation: Situation) => Scope | null;

/** [start, end) of a map. */
export interface MapRange {
  readonly map: VmMap;
  readonly start: VirtualAddress;
  /** Exclusive. */
  readonly end: VirtualAddress;
}

export const isEmpty = ({ start, end }: MapRange): boolean => start >= end;

export function mapOf(state: ModelState, name: string): VmMap | undefined {
  return state.maps.find((map) => map.name === name);
}

/** MAP-CLAMP; bounds may reach 2^33. */
export function clamped(map: VmMap, start: number, end: number): MapRange {
  const top = Math.min(end, map.max);
  const bottom = Math.min(Math.max(start, map.min), top);
  return { map, start: address(bottom), end: address(top) };
}

export function entryAt(map: VmMap, va: VirtualAddress): VmMapEntry | undefined {
  return map.entries.find(({ start, end }) => start <= va && va < end);
}

/** The entry that ends exactly at an address. */
export function entryEndingAt(map: VmMap, va: VirtualAddress): VmMapEntry | undefined {
  return map.entries.find(({ end }) => end === va);
}

export function isStrictlyInside(
  va: VirtualAddress,
  { start, end }: { readonly start: VirtualAddress; readonly end: VirtualAddress },
): boolean {
  return start < va && va < end;
}

export function overlaps(
  a: { readonly start: VirtualAddress; readonly end: VirtualAddress },
  b: { readonly start: VirtualAddress; readonly end: VirtualAddress },
): boolean {
  return a.start < b.end && b.start < a.end;
}

/** Entries that share an address with a non-empty range; none for an empty one. */
export function entriesIn(range: MapRange): VmMapEntry[] {
  if (isEmpty(range)) return [];
  return range.map.entries.filter((entry) => overlaps(entry, range));
}

/** Transitions of a map that belong to other operations. */
export function foreignTransitions(
  { state, number }: Situation,
  map: VmMap,
  kinds: readonly Transition['state'][],
): Transition[] {
  return state.transitions.filter(
    (transition) =>
      transition.map === map && transition.operation !== number && kinds.includes(transition.state),
  );
}

/** Lowest address ≥ `from` with `length` free bytes below the map's end; undefined when there is none. */
export function firstFit(map: VmMap, from: VirtualAddress, length: number): VirtualAddress | undefined {
  let candidate: number = from;
  for (const entry of map.entries) {
    if (entry.end <= candidate) continue;
    if (entry.start >= candidate + length) break;
    candidate = entry.end;
  }
  return candidate + length <= map.max ? address(candidate) : undefined;
}

/** Bytes that a requested size takes; 0 where it is zero or rounds beyond 32 bits. */
export function roundedSize(size: number): number {
  return roundPageUnwrapped(size) % ADDRESS_SPACE_END;
}

/** The range that kmem_free and kmem_free_wakeup work on, or the one of vm_map_remove; null for other operations. */
export function rangeToRemove({ state, operation }: Situation): MapRange | null {
  switch (operation.kind) {
    case 'kmem_free':
    case 'kmem_free_wakeup': {
      const map = mapOf(state, operation.map);
      if (map === undefined || operation.size === 0) return null;
      return clamped(map, truncPage(operation.address), freedEnd(operation));
    }
    case 'vm_map_remove': {
      const map = mapOf(state, operation.map);
      return map === undefined ? null : clamped(map, operation.start, operation.end);
    }
    default:
      return null;
  }
}

/** End of what kmem_free frees, rounded up in 33 bits (KM-FREE-1). */
export function freedEnd(operation: OperationOf<'kmem_free' | 'kmem_free_wakeup'>): number {
  return roundPageUnwrapped(operation.address + operation.size);
}

/** The clamped range of protect, inherit, wire and unwire; null for other operations. */
export function rangeToChange({ state, operation }: Situation): MapRange | null {
  switch (operation.kind) {
    case 'vm_map_protect':
    case 'vm_map_inherit':
    case 'vm_map_pageable': {
      const map = mapOf(state, operation.map);
      return map === undefined ? null : clamped(map, operation.start, operation.end);
    }
    default:
      return null;
  }
}

/** True for a submap that has entries, or sleepers for its space, or that reaches outside the range (MAP-DEL-1). */
export function forbidsRemoval({ state }: Situation, range: MapRange, submap: VmMap): boolean {
  const covered = range.start <= submap.min && submap.max <= range.end;
  const awaited = state.flights.some(
    ({ event, status }) => status !== 'running' && event === `map:${submap.name}`,
  );
  return !covered || submap.entries.length > 0 || awaited;
}

/** The part of an entry inside a range, with the object offset where it begins. */
export interface Piece {
  readonly entry: VmMapEntry;
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
  readonly offset: ObjectOffset;
  readonly length: number;
}

export function piecesIn(range: MapRange): Piece[] {
  return entriesIn(range).map((entry) => {
    const start = entry.start < range.start ? range.start : entry.start;
    const end = entry.end < range.end ? entry.end : range.end;
    const offset = objectOffset(entry.offset + byteDistance(entry.start, start));
    return { entry, start, end, offset, length: byteDistance(start, end) };
  });
}

/** Pages of an object at [offset, offset + length), modulo 2^32. */
export function residentPages(object: VmObject, offset: ObjectOffset, length: number) {
  return object.pages.filter((page) => objectOffset(page.offset - offset) < length);
}

/** The page addresses of a piece, ascending. */
export function pagesOf({ start, length }: Piece): VirtualAddress[] {
  return Array.from({ length: length / PAGE_SIZE }, (_, page) => address(start + page * PAGE_SIZE));
}

/** True for the objects whose pages go with the entries that name them: kernel_object and kmem_object. */
export function freesPages(state: ModelState, object: VmObject | null): object is VmObject {
  return object !== null && (object === state.kernelObject || object === state.kmemObject);
}
