/**
 * Equality of states at level `contract` (SPEC §13): what the state means to a caller, whatever entries, objects and
 * frames carry it. Maps are compared as maximal runs of equal pages, objects up to their names, pages by the
 * (object, offset) they hold instead of their frame.
 */
import { objectOffset } from '../contract/address.ts';
import type { Show } from '../contract/kernel-memory.ts';
import type { MappingSnapshot } from '../contract/pmap.ts';
import type { EntrySnapshot, MapName, MapSnapshot } from '../contract/vm-map.ts';
import type { ObjectName, ObjectSnapshot } from '../contract/vm-object.ts';
import type { PageSnapshot } from '../contract/vm-page.ts';
import { cellDifferences, itemDifferences, wordDifference } from './differences.ts';
import { isBaseObject, type Renaming, sameObjectBacking, startRenaming } from './renaming.ts';
import { sameFrame } from './step-equality.ts';
import type { Difference } from './verdict.ts';
import type { StateView } from './view.ts';
import { ABSENT, backingWord, hex, inheritanceWord, rights } from './wording.ts';

/** A stretch of a map whose pages differ in nothing but their offset. */
interface Run {
  readonly start: number;
  readonly end: number;
  readonly entry: EntrySnapshot;
}

/** The maximal runs of a map's entries, ascending. */
export function maximalRuns(entries: readonly EntrySnapshot[]): Run[] {
  const runs: Run[] = [];
  for (const entry of entries) {
    const last = runs.at(-1);
    if (last !== undefined && continues(last, entry))
      runs[runs.length - 1] = { start: last.start, end: entry.end, entry: last.entry };
    else runs.push({ start: entry.start, end: entry.end, entry });
  }
  return runs;
}

/** Offsets of null objects and submaps mean nothing; those of objects must go on where the run ends. */
function continues({ start, end, entry }: Run, next: EntrySnapshot): boolean {
  return (
    end === next.start &&
    backingWord(entry.backing) === backingWord(next.backing) &&
    (!hasOffset(entry) || objectOffset(entry.offset + (end - start)) === next.offset) &&
    entry.protection === next.protection &&
    entry.maxProtection === next.maxProtection &&
    entry.inheritance === next.inheritance &&
    entry.wiredCount === next.wiredCount &&
    entry.copyOnWrite === next.copyOnWrite &&
    entry.needsCopy === next.needsCopy
  );
}

const hasOffset = ({ backing }: EntrySnapshot): boolean => backing !== null && 'object' in backing;

/** What differs in meaning between two states, in the parts that the candidate shows. */
export function* meaningDifferences(
  expected: StateView,
  actual: StateView,
  shows: ReadonlySet<Show>,
  managedPages: number,
): Generator<Difference> {
  const renaming = startRenaming();
  if (shows.has('maps')) yield* mapsDifferences(expected.maps, actual.maps, renaming);
  else pairByBirth(expected.objects, actual.objects, renaming);
  if (shows.has('objects') || shows.has('pages'))
    yield* objectsDifferences(expected.objects, actual.objects, shows, renaming);
  if (shows.has('pages')) yield* cellDifferences('counters', expected, actual);
  if (shows.has('pmap')) yield* mappingsDifferences(expected, actual, shows, renaming, managedPages);
  yield* cellDifferences('sched', expected, actual);
}

/** Without maps to tell which object is which, the order of their allocation does. */
function pairByBirth(
  expected: ReadonlyMap<ObjectName, ObjectSnapshot>,
  actual: ReadonlyMap<ObjectName, ObjectSnapshot>,
  renaming: Renaming,
): void {
  const anonymous = (objects: ReadonlyMap<ObjectName, ObjectSnapshot>) =>
    [...objects.keys()].filter((name) => !isBaseObject(name));
  const others = anonymous(actual);
  anonymous(expected).forEach((name, i) => {
    const other = others[i];
    if (other !== undefined) renaming.pair(name, other);
  });
}

function* mapsDifferences(
  expected: ReadonlyMap<MapName, MapSnapshot>,
  actual: ReadonlyMap<MapName, MapSnapshot>,
  renaming: Renaming,
): Generator<Difference> {
  for (const [name, map] of expected) {
    const other = actual.get(name);
    if (other === undefined) yield { path: `maps.${name}`, expected: 'live', actual: ABSENT };
    else yield* mapDifferences(map, other, renaming);
  }
  for (const name of actual.keys())
    if (!expected.has(name)) yield { path: `maps.${name}`, expected: ABSENT, actual: 'live' };
}

function* mapDifferences(
  expected: MapSnapshot,
  actual: MapSnapshot,
  renaming: Renaming,
): Generator<Difference> {
  const path = `maps.${expected.name}`;
  yield* wordDifference(`${path}.min`, hex(expected.min), hex(actual.min));
  yield* wordDifference(`${path}.max`, hex(expected.max), hex(actual.max));
  yield* wordDifference(`${path}.size`, hex(expected.size), hex(actual.size));
  yield* wordDifference(`${path}.pageable`, `${expected.pageable}`, `${actual.pageable}`);
  const runs = { expected: maximalRuns(expected.entries), actual: maximalRuns(actual.entries) };
  const word = (run: Run) => `${hex(run.start)}-${hex(run.end)} ${backingWord(run.entry.backing)}`;
  yield* itemDifferences(
    `${path}.runs`,
    runs,
    (run) => run.start,
    word,
    (at, one, other) => runDifferences(at, one, other, renaming),
  );
}

function* runDifferences(
  path: string,
  expected: Run,
  actual: Run,
  renaming: Renaming,
): Generator<Difference> {
  const [one, other] = [expected.entry, actual.entry];
  yield* wordDifference(`${path}.start`, hex(expected.start), hex(actual.start));
  yield* wordDifference(`${path}.end`, hex(expected.end), hex(actual.end));
  if (!sameObjectBacking(one.backing, other.backing, renaming))
    yield { path: `${path}.backing`, expected: backingWord(one.backing), actual: backingWord(other.backing) };
  else if (hasOffset(one)) yield* wordDifference(`${path}.offset`, hex(one.offset), hex(other.offset));
  yield* wordDifference(`${path}.protection`, rights(one.protection), rights(other.protection));
  yield* wordDifference(`${path}.maxProtection`, rights(one.maxProtection), rights(other.maxProtection));
  const [inherited, otherInherited] = [one.inheritance, other.inheritance].map(inheritanceWord);
  yield* wordDifference(`${path}.inheritance`, `${inherited}`, `${otherInherited}`);
  yield* wordDifference(`${path}.wiredCount`, `${one.wiredCount}`, `${other.wiredCount}`);
  yield* wordDifference(`${path}.copyOnWrite`, `${one.copyOnWrite}`, `${other.copyOnWrite}`);
  yield* wordDifference(`${path}.needsCopy`, `${one.needsCopy}`, `${other.needsCopy}`);
}

function* objectsDifferences(
  expected: ReadonlyMap<ObjectName, ObjectSnapshot>,
  actual: ReadonlyMap<ObjectName, ObjectSnapshot>,
  shows: ReadonlySet<Show>,
  renaming: Renaming,
): Generator<Difference> {
  for (const [name, object] of expected) {
    const other = actual.get(renaming.actualOf(name));
    if (other === undefined) yield { path: `objects.${name}`, expected: 'live', actual: ABSENT };
    else yield* objectDifferences(object, other, shows, renaming);
  }
  for (const name of actual.keys())
    if (!expected.has(renaming.expectedOf(name)))
      yield { path: `objects.${name}`, expected: ABSENT, actual: 'live' };
}

function* objectDifferences(
  expected: ObjectSnapshot,
  actual: ObjectSnapshot,
  shows: ReadonlySet<Show>,
  renaming: Renaming,
): Generator<Difference> {
  const path = `objects.${expected.name}`;
  if (shows.has('objects')) {
    yield* wordDifference(`${path}.size`, hex(expected.size), hex(actual.size));
    const shadow = expected.shadow === null ? null : renaming.actualOf(expected.shadow);
    yield* wordDifference(`${path}.shadow`, `${shadow}`, `${actual.shadow}`);
    yield* wordDifference(`${path}.shadowOffset`, hex(expected.shadowOffset), hex(actual.shadowOffset));
  }
  if (!shows.has('pages')) return;
  const others = new Map(actual.pages.map((page) => [page.offset, page]));
  for (const page of expected.pages) {
    const at = `${path}.pages[${hex(page.offset)}]`;
    const other = others.get(page.offset);
    others.delete(page.offset);
    if (other === undefined) yield { path: at, expected: 'resident', actual: ABSENT };
    else yield* pageDifferences(at, page, other);
  }
  for (const offset of others.keys())
    yield { path: `${path}.pages[${hex(offset)}]`, expected: ABSENT, actual: 'resident' };
}

/** Undefined bytes of the reference equal anything (DC-9). */
function* pageDifferences(path: string, expected: PageSnapshot, actual: PageSnapshot): Generator<Difference> {
  yield* wordDifference(`${path}.wireCount`, `${expected.wireCount}`, `${actual.wireCount}`);
  yield* wordDifference(`${path}.queue`, expected.queue, actual.queue);
  yield* wordDifference(`${path}.busy`, `${expected.busy}`, `${actual.busy}`);
  yield* wordDifference(`${path}.wanted`, `${expected.wanted}`, `${actual.wanted}`);
  const known = expected.contents !== undefined && actual.contents !== undefined;
  if (known && expected.undefinedContents === undefined)
    yield* wordDifference(`${path}.contents`, `${expected.contents}`, `${actual.contents}`);
}

/** Which page each frame holds, in words; objects under the names that the candidate knows. */
function pageIdentities(
  objects: ReadonlyMap<ObjectName, ObjectSnapshot>,
  nameOf: (object: ObjectName) => ObjectName,
): Map<number, string> {
  const identities = new Map<number, string>();
  for (const [name, { pages }] of objects)
    for (const page of pages) identities.set(page.frame, `${nameOf(name)}+${hex(page.offset)}`);
  return identities;
}

function* mappingsDifferences(
  expected: StateView,
  actual: StateView,
  shows: ReadonlySet<Show>,
  renaming: Renaming,
  managedPages: number,
): Generator<Difference> {
  const identified = shows.has('pages') && shows.has('maps');
  const pages = pageIdentities(expected.objects, (name) => renaming.actualOf(name));
  const others = pageIdentities(actual.objects, (name) => name);
  const word = (mapping: MappingSnapshot, identities: ReadonlyMap<number, string>) =>
    mapping.frame < managedPages
      ? (identities.get(mapping.frame) ?? 'a free frame')
      : `device frame ${mapping.frame}`;
  for (const [at, mapping] of expected.mappings) {
    const path = `mappings.${hex(at)}`;
    const other = actual.mappings.get(at);
    if (other === undefined) {
      yield { path, expected: word(mapping, pages), actual: ABSENT };
      continue;
    }
    if (identified) yield* wordDifference(`${path}.page`, word(mapping, pages), word(other, others));
    else if (!sameFrame(mapping.frame, other.frame, { level: 'contract', managedPages }))
      yield { path: `${path}.frame`, expected: `${mapping.frame}`, actual: `${other.frame}` };
    yield* wordDifference(`${path}.writable`, `${mapping.writable}`, `${other.writable}`);
    yield* wordDifference(`${path}.wired`, `${mapping.wired}`, `${other.wired}`);
  }
  for (const [at, other] of actual.mappings)
    if (!expected.mappings.has(at))
      yield { path: `mappings.${hex(at)}`, expected: ABSENT, actual: word(other, others) };
}
