/**
 * Equality of states at level `bsd` (SPEC §13): every field of every cell, without building anything on the way.
 * What differs, in words, is the business of differences.ts; equality of meaning that of meaning.ts.
 */
import type { MappingSnapshot, PmapSnapshot, SpacesSnapshot, UserPmapSnapshot } from '../contract/pmap.ts';
import type { SchedSnapshot } from '../contract/sched.ts';
import type { CellName, PoolsSnapshot } from '../contract/snapshot.ts';
import type { EntrySnapshot, MapSnapshot, TransitionSnapshot } from '../contract/vm-map.ts';
import type { ObjectSnapshot } from '../contract/vm-object.ts';
import type { CountersSnapshot, PageSnapshot } from '../contract/vm-page.ts';
import {
  addressOfCell,
  cellNames,
  frameOfCell,
  isMapCell,
  isMappingCell,
  isObjectCell,
  isPvCell,
  mapOfCell,
  objectOfCell,
  SINGLE_CELLS,
  type SingleCell,
} from './cells.ts';
import type { StateView } from './view.ts';

const NOWHERE: readonly number[] = [];

/** True when one cell has the same value in two states; page contents are left out. */
export function sameCell(name: CellName, expected: StateView, actual: StateView): boolean {
  if (isMappingCell(name)) {
    const at = addressOfCell(name);
    return sameMapping(expected.mappings.get(at), actual.mappings.get(at));
  }
  if (isObjectCell(name)) {
    const object = objectOfCell(name);
    return sameObject(expected.objects.get(object), actual.objects.get(object));
  }
  if (isMapCell(name)) {
    const map = mapOfCell(name);
    return sameMap(expected.maps.get(map), actual.maps.get(map));
  }
  if (isPvCell(name)) {
    const frame = frameOfCell(name);
    return sameNumbers(expected.pv.get(frame) ?? NOWHERE, actual.pv.get(frame) ?? NOWHERE);
  }
  return sameSingle(name, expected, actual);
}

/** True when two states agree in every cell, contents of pages apart; `transitions` and `pv` only count if `internal`. */
export function sameState(expected: StateView, actual: StateView, internal: boolean): boolean {
  return (
    sameTables(expected.mappings, actual.mappings, sameMapping) &&
    sameTables(expected.maps, actual.maps, sameMap) &&
    sameTables(expected.objects, actual.objects, sameObject) &&
    (!internal || sameTables(expected.pv, actual.pv, sameNumbers)) &&
    SINGLE_CELLS.every((name) => (name === 'transitions' && !internal) || sameSingle(name, expected, actual))
  );
}

/** Cells whose values differ between two states of one kernel, contents apart. */
export function changedCells(old: StateView, fresh: StateView): CellName[] {
  if (sameState(old, fresh, true)) return [];
  const names = new Set([...cellNames(old), ...cellNames(fresh)]);
  return [...names].filter((name) => !sameCell(name, old, fresh));
}

function sameTables<Key, Value>(
  expected: ReadonlyMap<Key, Value>,
  actual: ReadonlyMap<Key, Value>,
  same: (expected: Value, actual: Value) => boolean,
): boolean {
  if (expected.size !== actual.size) return false;
  for (const [key, value] of expected) {
    const other = actual.get(key);
    if (other === undefined || !same(value, other)) return false;
  }
  return true;
}

/** True when two tables have the same keys in the same order. */
export function sameOrder(
  expected: ReadonlyMap<string, unknown>,
  actual: ReadonlyMap<string, unknown>,
): boolean {
  if (expected === actual) return true;
  if (expected.size !== actual.size) return false;
  const others = actual.keys();
  for (const key of expected.keys()) if (key !== others.next().value) return false;
  return true;
}

function sameSingle(name: SingleCell, expected: StateView, actual: StateView): boolean {
  switch (name) {
    case 'queue:free':
      return sameNumbers(expected.queues.free, actual.queues.free);
    case 'queue:active':
      return sameNumbers(expected.queues.active, actual.queues.active);
    case 'queue:inactive':
      return sameNumbers(expected.queues.inactive, actual.queues.inactive);
    case 'counters':
      return sameCounters(expected.counters, actual.counters);
    case 'pools':
      return samePools(expected.pools, actual.pools);
    case 'pmap:kernel':
      return samePmap(expected.pmap, actual.pmap);
    case 'spaces':
      return sameSpaces(expected.spaces, actual.spaces);
    case 'sched':
      return sameSched(expected.sched, actual.sched);
    case 'transitions':
      return sameTransitions(expected.transitions, actual.transitions);
  }
}

/** Element-wise equality of two lists. */
export function sameLists<Item>(
  expected: readonly Item[],
  actual: readonly Item[],
  same: (expected: Item, actual: Item) => boolean,
): boolean {
  if (expected === actual) return true;
  if (expected.length !== actual.length) return false;
  for (let i = 0; i < expected.length; i++) {
    const one = expected[i];
    const other = actual[i];
    if (one === undefined || other === undefined || !(one === other || same(one, other))) return false;
  }
  return true;
}

/** Element-wise equality of two lists of numbers. */
export function sameNumbers(expected: readonly number[], actual: readonly number[]): boolean {
  if (expected === actual) return true;
  if (expected.length !== actual.length) return false;
  for (let i = 0; i < expected.length; i++) if (expected[i] !== actual[i]) return false;
  return true;
}

/** Equality of two cells of that class; undefined where there is nothing. */
export function sameMap(expected: MapSnapshot | undefined, actual: MapSnapshot | undefined): boolean {
  if (expected === actual) return true;
  if (expected === undefined || actual === undefined) return false;
  return (
    expected.name === actual.name &&
    expected.min === actual.min &&
    expected.max === actual.max &&
    expected.size === actual.size &&
    expected.pageable === actual.pageable &&
    expected.entryCount === actual.entryCount &&
    expected.references === actual.references &&
    expected.locked === actual.locked &&
    sameLists(expected.entries, actual.entries, sameEntry)
  );
}

/** Equality of two entries in every field. */
export function sameEntry(expected: EntrySnapshot, actual: EntrySnapshot): boolean {
  return (
    expected.start === actual.start &&
    expected.end === actual.end &&
    sameBacking(expected.backing, actual.backing) &&
    expected.offset === actual.offset &&
    expected.protection === actual.protection &&
    expected.maxProtection === actual.maxProtection &&
    expected.inheritance === actual.inheritance &&
    expected.wiredCount === actual.wiredCount &&
    expected.copyOnWrite === actual.copyOnWrite &&
    expected.needsCopy === actual.needsCopy
  );
}

function sameBacking(expected: EntrySnapshot['backing'], actual: EntrySnapshot['backing']): boolean {
  if (expected === null || actual === null) return expected === actual;
  if ('object' in expected) return 'object' in actual && expected.object === actual.object;
  return 'submap' in actual && expected.submap === actual.submap;
}

/** Equality of two cells of that class; undefined where there is nothing. */
export function sameObject(
  expected: ObjectSnapshot | undefined,
  actual: ObjectSnapshot | undefined,
): boolean {
  if (expected === actual) return true;
  if (expected === undefined || actual === undefined) return false;
  return (
    expected.name === actual.name &&
    expected.references === actual.references &&
    expected.size === actual.size &&
    expected.shadow === actual.shadow &&
    expected.shadowOffset === actual.shadowOffset &&
    sameLists(expected.pages, actual.pages, samePage)
  );
}

function samePage(expected: PageSnapshot, actual: PageSnapshot): boolean {
  return (
    expected.offset === actual.offset &&
    expected.frame === actual.frame &&
    expected.wireCount === actual.wireCount &&
    expected.busy === actual.busy &&
    expected.wanted === actual.wanted &&
    expected.queue === actual.queue
  );
}

/** True when two equal lists of objects also hold equal bytes; needs snapshots with contents. */
export function sameContents(expected: StateView, actual: StateView): boolean {
  for (const [name, object] of expected.objects) {
    const other = actual.objects.get(name);
    if (other === undefined) return false;
    for (let i = 0; i < object.pages.length; i++) {
      const contents = object.pages[i]?.contents;
      // A page of page tables shows none: its bytes are its kernel's own business.
      if (contents !== undefined && contents !== other.pages[i]?.contents) return false;
    }
  }
  return true;
}

/** Equality of two cells of that class; undefined where there is nothing. */
export function sameMapping(
  expected: MappingSnapshot | undefined,
  actual: MappingSnapshot | undefined,
): boolean {
  if (expected === actual) return true;
  if (expected === undefined || actual === undefined) return false;
  return (
    expected.address === actual.address &&
    expected.frame === actual.frame &&
    expected.writable === actual.writable &&
    expected.wired === actual.wired &&
    expected.accessed === actual.accessed &&
    expected.dirty === actual.dirty
  );
}

export const sameCounters = (expected: CountersSnapshot, actual: CountersSnapshot): boolean =>
  expected.free === actual.free &&
  expected.active === actual.active &&
  expected.inactive === actual.inactive &&
  expected.wired === actual.wired;

export const samePools = (expected: PoolsSnapshot, actual: PoolsSnapshot): boolean =>
  expected.freeEntries === actual.freeEntries && expected.freeMaps === actual.freeMaps;

export const samePmap = (expected: PmapSnapshot, actual: PmapSnapshot): boolean =>
  expected.references === actual.references &&
  expected.resident === actual.resident &&
  expected.wired === actual.wired;

const sameUserPmap = (expected: UserPmapSnapshot, actual: UserPmapSnapshot): boolean =>
  expected.name === actual.name &&
  samePmap(expected, actual) &&
  expected.tables === actual.tables &&
  sameLists(expected.mappings, actual.mappings, sameMapping);

export const sameSpaces = (expected: SpacesSnapshot, actual: SpacesSnapshot): boolean =>
  expected.current === actual.current && sameLists(expected.pmaps, actual.pmaps, sameUserPmap);

const sameSleeper = (
  expected: SchedSnapshot['asleep'][number],
  actual: SchedSnapshot['asleep'][number],
): boolean => expected.operation === actual.operation && expected.event === actual.event;

export const sameSched = (expected: SchedSnapshot, actual: SchedSnapshot): boolean =>
  sameNumbers(expected.runnable, actual.runnable) && sameLists(expected.asleep, actual.asleep, sameSleeper);

const sameTransition = (expected: TransitionSnapshot, actual: TransitionSnapshot): boolean =>
  expected.map === actual.map &&
  expected.start === actual.start &&
  expected.end === actual.end &&
  expected.state === actual.state &&
  expected.operation === actual.operation;

/** Equality of the ranges in transition; two kernels need not agree on them. */
export const sameTransitions = (
  expected: readonly TransitionSnapshot[],
  actual: readonly TransitionSnapshot[],
): boolean => sameLists(expected, actual, sameTransition);
