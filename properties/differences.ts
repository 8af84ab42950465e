/** What differs between two states at level `bsd`, as paths and words; only asked where equality.ts has said no. */
import type { MappingSnapshot, PmapSnapshot, SpacesSnapshot, UserPmapSnapshot } from '../contract/pmap.ts';
import type { SchedSnapshot } from '../contract/sched.ts';
import type { CellName, PoolsSnapshot } from '../contract/snapshot.ts';
import type { EntrySnapshot, MapSnapshot, TransitionSnapshot } from '../contract/vm-map.ts';
import type { ObjectSnapshot } from '../contract/vm-object.ts';
import type { CountersSnapshot, PageSnapshot } from '../contract/vm-page.ts';
import {
  addressOfCell,
  frameOfCell,
  isMapCell,
  isMappingCell,
  isObjectCell,
  isPvCell,
  mapOfCell,
  objectOfCell,
  type SingleCell,
} from './cells.ts';
import type { Difference } from './verdict.ts';
import type { StateView } from './view.ts';
import { ABSENT, backingWord, hex, inheritanceWord, listWord, rights } from './wording.ts';

/** How each field of a shape is put into words; a field added to the shape does not compile without its word. */
export type Wording<Shape> = { readonly [Field in keyof Shape]: (value: Shape[Field]) => string };

const plain = (value: string | number | boolean | null): string => `${value}`;

const MAP_WORDS: Wording<Omit<MapSnapshot, 'entries'>> = {
  name: plain,
  min: hex,
  max: hex,
  size: hex,
  pageable: plain,
  entryCount: plain,
  references: plain,
  locked: plain,
};

const ENTRY_WORDS: Wording<EntrySnapshot> = {
  start: hex,
  end: hex,
  backing: backingWord,
  offset: hex,
  protection: rights,
  maxProtection: rights,
  inheritance: inheritanceWord,
  wiredCount: plain,
  copyOnWrite: plain,
  needsCopy: plain,
};

const OBJECT_WORDS: Wording<Omit<ObjectSnapshot, 'pages'>> = {
  name: plain,
  references: plain,
  size: hex,
  shadow: plain,
  shadowOffset: hex,
};

const PAGE_WORDS: Wording<Omit<PageSnapshot, 'contents' | 'undefinedContents'>> = {
  offset: hex,
  frame: plain,
  wireCount: plain,
  busy: plain,
  wanted: plain,
  queue: plain,
};

const MAPPING_WORDS: Wording<MappingSnapshot> = {
  address: hex,
  frame: plain,
  writable: plain,
  wired: plain,
  accessed: plain,
  dirty: plain,
};

const COUNTER_WORDS: Wording<CountersSnapshot> = {
  free: plain,
  active: plain,
  inactive: plain,
  wired: plain,
};
const POOL_WORDS: Wording<PoolsSnapshot> = { freeEntries: plain, freeMaps: plain };
const PMAP_WORDS: Wording<PmapSnapshot> = { references: plain, resident: plain, wired: plain };
const USER_PMAP_WORDS: Wording<Omit<UserPmapSnapshot, 'mappings'>> = {
  ...PMAP_WORDS,
  name: plain,
  tables: plain,
};
const SCHED_WORDS: Wording<SchedSnapshot> = {
  asleep: (sleepers) => listWord(sleepers.map(({ operation, event }) => `${operation} on ${event},`)),
  runnable: (operations) => listWord(operations),
};

const entryWord = (entry: EntrySnapshot): string =>
  `${hex(entry.start)}-${hex(entry.end)} ${backingWord(entry.backing)}+${hex(entry.offset)} ` +
  `${rights(entry.protection)}/${rights(entry.maxProtection)} ${inheritanceWord(entry.inheritance)} ` +
  `wired ${entry.wiredCount}`;

const pageWord = (page: PageSnapshot): string =>
  `offset ${hex(page.offset)} frame ${page.frame} wire ${page.wireCount} ${page.queue}`;

const mappingWord = (mapping: MappingSnapshot): string =>
  `frame ${mapping.frame}${mapping.writable ? ' writable' : ''}${mapping.wired ? ' wired' : ''}`;

const transitionWord = (range: TransitionSnapshot): string =>
  `${range.map} ${hex(range.start)}-${hex(range.end)} ${range.state} by ${range.operation},`;

/** A difference where the words differ, else nothing. */
export function* wordDifference(path: string, expected: string, actual: string): Generator<Difference> {
  if (expected !== actual) yield { path, expected, actual };
}

/** Fields of one record that differ; `path` names the record. */
export function* fieldDifferences<Shape>(
  path: string,
  wording: Wording<Shape>,
  expected: Shape,
  actual: Shape,
): Generator<Difference> {
  for (const field of Object.keys(wording) as (keyof Shape & string)[])
    yield* wordDifference(`${path}.${field}`, wording[field](expected[field]), wording[field](actual[field]));
}

/**
 * Pairs two lists for comparison: by position where they have equal length, else by key, so that one missing item
 * does not make every later one differ. Positions are those of the list that has the item, the expected one first.
 */
export function pairItems<Item>(
  expected: readonly Item[],
  actual: readonly Item[],
  keyOf: (item: Item) => number,
): { readonly index: number; readonly expected: Item | undefined; readonly actual: Item | undefined }[] {
  if (expected.length === actual.length)
    return expected.map((item, index) => ({ index, expected: item, actual: actual[index] }));
  const others = new Map(actual.map((item) => [keyOf(item), item]));
  const known = new Set(expected.map(keyOf));
  return [
    ...expected.map((item, index) => ({ index, expected: item, actual: others.get(keyOf(item)) })),
    ...actual.flatMap((item, index) =>
      known.has(keyOf(item)) ? [] : [{ index, expected: undefined, actual: item }],
    ),
  ];
}

/** Differences of two lists of records. */
export function* itemDifferences<Item>(
  path: string,
  lists: { readonly expected: readonly Item[]; readonly actual: readonly Item[] },
  keyOf: (item: Item) => number,
  word: (item: Item) => string,
  compare: (path: string, expected: Item, actual: Item) => Iterable<Difference>,
): Generator<Difference> {
  for (const { index, expected, actual } of pairItems(lists.expected, lists.actual, keyOf)) {
    const at = `${path}[${index}]`;
    if (expected !== undefined && actual !== undefined) yield* compare(at, expected, actual);
    else
      yield {
        path: at,
        expected: expected === undefined ? ABSENT : word(expected),
        actual: actual === undefined ? ABSENT : word(actual),
      };
  }
}

/** Compares two things either of which may be missing. */
function* optionalDifferences<Thing>(
  path: string,
  expected: Thing | undefined,
  actual: Thing | undefined,
  word: (thing: Thing) => string,
  compare: (expected: Thing, actual: Thing) => Iterable<Difference>,
): Generator<Difference> {
  if (expected !== undefined && actual !== undefined) yield* compare(expected, actual);
  else if (expected !== undefined) yield { path, expected: word(expected), actual: ABSENT };
  else if (actual !== undefined) yield { path, expected: ABSENT, actual: word(actual) };
}

function* mapDifferences(expected: MapSnapshot, actual: MapSnapshot): Generator<Difference> {
  const path = `maps.${expected.name}`;
  yield* fieldDifferences(path, MAP_WORDS, expected, actual);
  yield* itemDifferences(
    `${path}.entries`,
    { expected: expected.entries, actual: actual.entries },
    (entry) => entry.start,
    entryWord,
    (at, one, other) => fieldDifferences(at, ENTRY_WORDS, one, other),
  );
}

/** Contents are compared where they are expected. */
function* objectDifferences(expected: ObjectSnapshot, actual: ObjectSnapshot): Generator<Difference> {
  const path = `objects.${expected.name}`;
  yield* fieldDifferences(path, OBJECT_WORDS, expected, actual);
  yield* itemDifferences(
    `${path}.pages`,
    { expected: expected.pages, actual: actual.pages },
    (page) => page.offset,
    pageWord,
    pageDifferences,
  );
}

function* pageDifferences(path: string, expected: PageSnapshot, actual: PageSnapshot): Generator<Difference> {
  yield* fieldDifferences(path, PAGE_WORDS, expected, actual);
  if (expected.contents !== undefined)
    yield* wordDifference(`${path}.contents`, `${expected.contents}`, `${actual.contents ?? ABSENT}`);
}

/** Differences of one cell between two states. */
export function* cellDifferences(
  name: CellName,
  expected: StateView,
  actual: StateView,
): Generator<Difference> {
  if (isMapCell(name)) {
    const map = mapOfCell(name);
    const [one, other] = [expected.maps.get(map), actual.maps.get(map)];
    yield* optionalDifferences(`maps.${map}`, one, other, () => 'live', mapDifferences);
  } else if (isObjectCell(name)) {
    const object = objectOfCell(name);
    const [one, other] = [expected.objects.get(object), actual.objects.get(object)];
    yield* optionalDifferences(`objects.${object}`, one, other, () => 'live', objectDifferences);
  } else if (isMappingCell(name)) {
    const at = addressOfCell(name);
    const path = `mappings.${hex(at)}`;
    const [one, other] = [expected.mappings.get(at), actual.mappings.get(at)];
    yield* optionalDifferences(path, one, other, mappingWord, (old, fresh) =>
      fieldDifferences(path, MAPPING_WORDS, old, fresh),
    );
  } else if (isPvCell(name)) {
    const frame = frameOfCell(name);
    const words = (state: StateView) => listWord((state.pv.get(frame) ?? []).map(hex));
    yield* wordDifference(`pv.${frame}`, words(expected), words(actual));
  } else yield* singleDifferences(name, expected, actual);
}

function* singleDifferences(name: SingleCell, expected: StateView, actual: StateView): Generator<Difference> {
  switch (name) {
    case 'queue:free':
      return yield* queueDifference('queues.free', expected.queues.free, actual.queues.free);
    case 'queue:active':
      return yield* queueDifference('queues.active', expected.queues.active, actual.queues.active);
    case 'queue:inactive':
      return yield* queueDifference('queues.inactive', expected.queues.inactive, actual.queues.inactive);
    case 'counters':
      return yield* fieldDifferences('counters', COUNTER_WORDS, expected.counters, actual.counters);
    case 'pools':
      return yield* fieldDifferences('pools', POOL_WORDS, expected.pools, actual.pools);
    case 'pmap:kernel':
      return yield* fieldDifferences('pmap', PMAP_WORDS, expected.pmap, actual.pmap);
    case 'spaces':
      return yield* spacesDifferences(expected.spaces, actual.spaces);
    case 'sched':
      return yield* fieldDifferences('sched', SCHED_WORDS, expected.sched, actual.sched);
    case 'transitions': {
      const words = (state: StateView) => listWord(state.transitions.map(transitionWord));
      return yield* wordDifference('transitions', words(expected), words(actual));
    }
  }
}

/** Of the pmaps field by field, as far as both sides have one of the name. */
function* spacesDifferences(expected: SpacesSnapshot, actual: SpacesSnapshot): Generator<Difference> {
  yield* wordDifference('spaces.current', expected.current, actual.current);
  const names = ({ pmaps }: SpacesSnapshot) => pmaps.map(({ name }) => name);
  yield* wordDifference('spaces.pmaps', listWord(names(expected)), listWord(names(actual)));
  for (const one of expected.pmaps) {
    const other = actual.pmaps.find(({ name }) => name === one.name);
    if (other === undefined) continue;
    const path = `spaces.${one.name}`;
    yield* fieldDifferences(path, USER_PMAP_WORDS, one, other);
    yield* userMappingDifferences(path, one, other);
  }
}

function* userMappingDifferences(
  path: string,
  expected: UserPmapSnapshot,
  actual: UserPmapSnapshot,
): Generator<Difference> {
  const [ones, others] = [expected, actual].map(
    ({ mappings }) => new Map(mappings.map((mapping) => [mapping.address, mapping])),
  );
  const addresses = new Set([...(ones?.keys() ?? []), ...(others?.keys() ?? [])]);
  for (const address of [...addresses].sort((one, other) => one - other)) {
    const at = `${path}.mappings.${hex(address)}`;
    yield* optionalDifferences(at, ones?.get(address), others?.get(address), mappingWord, (old, fresh) =>
      fieldDifferences(at, MAPPING_WORDS, old, fresh),
    );
  }
}

const queueDifference = (path: string, expected: readonly number[], actual: readonly number[]) =>
  wordDifference(path, listWord(expected, actual), listWord(actual, expected));
