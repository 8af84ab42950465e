/** What the model shows: snapshots and single cells, all of it computed from the facts on demand. */
import type { FrameNumber, VirtualAddress } from '../contract/address.ts';
import { address as addressOf, bytes, frameNumber, objectOffset, PAGE_SIZE } from '../contract/address.ts';
import type {
  MappingSnapshot,
  PmapSnapshot,
  PvSnapshot,
  SpacesSnapshot,
  UserPmapSnapshot,
} from '../contract/pmap.ts';
import type { SchedSnapshot } from '../contract/sched.ts';
import type { CellName, CellValue, PoolsSnapshot, Snapshot } from '../contract/snapshot.ts';
import type { EntrySnapshot, MapSnapshot, TransitionSnapshot } from '../contract/vm-map.ts';
import type { ObjectSnapshot } from '../contract/vm-object.ts';
import type { CountersSnapshot, PageContents, PageSnapshot } from '../contract/vm-page.ts';
import { assert, mapNamed } from './bookkeeping.ts';
import { pmapReferences } from './pmap-create.ts';
import { pvAddresses, tableOf } from './pmap-mapping.ts';
import { holdsTable } from './pmap-table.ts';
import type { ModelState, Pmap, UserPmap, VmMap, VmMapEntry, VmObject, VmPage } from './state.ts';
import { staticMapsInUse } from './vm-map.ts';
import { staticEntriesInUse } from './vm-map-entry.ts';
import { mapReferences } from './vm-map-range.ts';
import { objectReferences } from './vm-object.ts';
import { contentsOf, queueOf } from './vm-page.ts';

function showEntry(entry: VmMapEntry): EntrySnapshot {
  const { start, end, object, submap, offset, protection, maxProtection, inheritance, wiredCount } = entry;
  const ofObject = object === null ? null : { object: object.name };
  const backing = submap === null ? ofObject : { submap: submap.name };
  const flags = { copyOnWrite: false, needsCopy: false };
  return { start, end, backing, offset, protection, maxProtection, inheritance, wiredCount, ...flags };
}

function showMap(state: ModelState, map: VmMap): MapSnapshot {
  const { name, min, max, pageable } = map;
  const entries = map.entries.map(showEntry);
  const size = bytes(entries.reduce((sum, { start, end }) => sum + (end - start), 0));
  const references = mapReferences(state, map);
  return { name, min, max, size, pageable, entryCount: entries.length, references, locked: false, entries };
}

function showPage(state: ModelState, page: VmPage): PageSnapshot {
  const { offset, frame, wireCount } = page;
  return { offset, frame, wireCount, busy: false, wanted: false, queue: queueOf(state, page) };
}

function showPageContents(state: ModelState, page: VmPage): PageSnapshot {
  const { offset, frame, wireCount } = page;
  const queue = queueOf(state, page);
  // The words of page tables name physical frames, of which the model knows none.
  if (holdsTable(state, frame)) return { ...showPage(state, page), undefinedContents: true };
  const contents = showContents(state, frame);
  const shown = { offset, frame, wireCount, busy: false, wanted: false, queue, contents };
  const { undefinedFill, writes } = contentsOf(state, frame);
  return undefinedFill && writes.size < PAGE_SIZE ? { ...shown, undefinedContents: true } : shown;
}

const FNV_BASIS = 0x811c_9dc5;
const FNV_PRIME = 0x0100_0193;

/** The hash after `count` more bytes of one value; zeroes only multiply it. */
function hashedRun(hash: number, byte: number, count: number): number {
  let hashed = hash;
  if (byte !== 0) for (let i = 0; i < count; i++) hashed = Math.imul(hashed ^ byte, FNV_PRIME);
  else
    for (let left = count, power = FNV_PRIME; left > 0; left >>>= 1, power = Math.imul(power, power))
      if (left % 2 === 1) hashed = Math.imul(hashed, power);
  return hashed;
}

/** The byte that fills a frame, or the FNV-1a hash of its bytes. */
function showContents(state: ModelState, frame: FrameNumber): PageContents {
  const { fill, writes } = contentsOf(state, frame);
  if (writes.size === 0) return fill;
  const values = new Set(writes.values());
  if (writes.size < PAGE_SIZE) values.add(fill);
  const [first = fill] = values;
  if (values.size === 1) return first;
  let hash = FNV_BASIS;
  let hashed = 0;
  for (const position of [...ascending(writes.keys()), PAGE_SIZE]) {
    hash = hashedRun(hash, fill, position - hashed);
    hashed = position;
    const written = writes.get(position);
    if (written === undefined) break;
    hash = Math.imul(hash ^ written, FNV_PRIME);
    hashed++;
  }
  return `fnv:${addressOf(hash).toString(16).padStart(8, '0')}`;
}

function showObject(state: ModelState, object: VmObject, show: typeof showPage): ObjectSnapshot {
  const { name, size } = object;
  const pages = object.pages.map((page) => show(state, page));
  const references = objectReferences(state, object);
  return { name, references, size, shadow: null, shadowOffset: objectOffset(0), pages };
}

function showMapping(
  state: ModelState,
  address: VirtualAddress,
  pmap: Pmap = 'kernel',
): MappingSnapshot | null {
  const mapping = tableOf(state, pmap).get(address);
  if (!mapping?.readable) return null;
  const { frame, writable, wired, accessed, dirty } = mapping;
  return { address, frame, writable, wired, accessed, dirty };
}

const ascending = <Value extends number>(values: Iterable<Value>) => [...values].sort((a, b) => a - b);

/** Frames that are mapped somewhere, with the places. */
function showPv(state: ModelState): PvSnapshot[] {
  const frames = new Set([...state.mappings.values()].map(({ frame }) => frame));
  const shown = ascending(frames).map((frame) => ({ frame, addresses: pvAddresses(state, frame) }));
  return shown.filter(({ addresses }) => addresses.length > 0);
}

/** The four page counters; v_wire never forgets a page that was freed while wired. */
function showCounters({ queues, objects, freedWhileWired }: ModelState): CountersSnapshot {
  const { free, active, inactive } = queues;
  let wired = freedWhileWired;
  for (const { pages } of objects) for (const { wireCount } of pages) if (wireCount > 0) wired += 1;
  return { free: free.length, active: active.length, inactive: inactive.length, wired };
}

function showPools(state: ModelState): PoolsSnapshot {
  const { mapEntries, staticMaps } = state.machine;
  const freeEntries = mapEntries === null ? null : mapEntries - staticEntriesInUse(state);
  return { freeEntries, freeMaps: staticMaps - staticMapsInUse(state) };
}

/** What a pmap maps, ascending. */
const showMappings = (state: ModelState, pmap: Pmap): MappingSnapshot[] =>
  ascending(tableOf(state, pmap).keys()).flatMap((address) => showMapping(state, address, pmap) ?? []);

/** pm_count and pm_stats. */
function showPmap(state: ModelState, pmap: Pmap): PmapSnapshot {
  let resident = 0;
  let wired = 0;
  for (const mapping of tableOf(state, pmap).values()) {
    if (!mapping.readable) continue;
    resident += 1;
    if (mapping.wired) wired += 1;
  }
  return { references: pmapReferences(state, pmap), resident, wired };
}

function showUserPmap(state: ModelState, pmap: UserPmap): UserPmapSnapshot {
  const { name, pteObject } = pmap;
  const tables = pteObject.pages.length;
  return { name, ...showPmap(state, pmap), tables, mappings: showMappings(state, pmap) };
}

function showSpaces(state: ModelState): SpacesSnapshot {
  const { activePmap, userPmaps } = state;
  const current = activePmap === 'kernel' ? activePmap : activePmap.name;
  return { current, pmaps: userPmaps.map((pmap) => showUserPmap(state, pmap)) };
}

function showSched({ flights }: ModelState): SchedSnapshot {
  const asleep = flights.filter(({ status }) => status === 'asleep');
  const runnable = flights.filter(({ status }) => status === 'runnable').map(({ number }) => number);
  return { asleep: asleep.map(({ number, event }) => ({ operation: number, event })), runnable };
}

function showTransitions({ transitions }: ModelState): TransitionSnapshot[] {
  const inOrder = transitions.toSorted((a, b) => a.operation - b.operation);
  return inOrder.map(({ map, position: _, ...shown }) => ({ ...shown, map: map.name }));
}

/** The whole state. */
export function takeSnapshot(state: ModelState, { contents }: { readonly contents: boolean }): Snapshot {
  const { free, active, inactive } = state.queues;
  const show = contents ? showPageContents : showPage;
  return {
    maps: state.maps.map((map) => showMap(state, map)),
    objects: state.objects.map((object) => showObject(state, object, show)),
    queues: { free: [...free], active: [...active], inactive: [...inactive] },
    counters: showCounters(state),
    mappings: showMappings(state, 'kernel'),
    pmap: showPmap(state, 'kernel'),
    spaces: showSpaces(state),
    pools: showPools(state),
    sched: showSched(state),
    transitions: showTransitions(state),
    pv: showPv(state),
  };
}

type Show = (state: ModelState, key: string) => CellValue<CellName>;

/** What a cell with a key shows, by the part of its name before the colon; the part behind it is the key. */
const KEYED: { readonly [kind: string]: Show } = {
  map: (state, key) => {
    const map = mapNamed(state, key);
    return map === undefined ? null : showMap(state, map);
  },
  object: (state, key) => {
    const object = state.objects.find(({ name }) => name === key);
    return object === undefined ? null : showObject(state, object, showPage);
  },
  queue: ({ queues }, key) => [...queues[key === 'free' || key === 'active' ? key : 'inactive']],
  mapping: (state, key) => showMapping(state, addressOf(Number(key))),
  pv: (state, key) => pvAddresses(state, frameNumber(Number(key))),
  pmap: (state) => showPmap(state, 'kernel'),
};
/** What a cell shows that exists once. */
const SINGLE: { readonly [name: string]: Show } = {
  counters: showCounters,
  pools: showPools,
  spaces: showSpaces,
  sched: showSched,
  transitions: showTransitions,
};

/** `KEYED` by the length of the kind, in which all differ: no string has to be cut out to tell them apart. */
const BY_LENGTH: Show[] = [];
for (const [kind, show] of Object.entries(KEYED)) BY_LENGTH[kind.length] = show;

/** One cell of the state by its name. */
export function takeCell(state: ModelState, name: CellName): CellValue<CellName> {
  const colon = name.indexOf(':');
  const show = colon < 0 ? SINGLE[name] : BY_LENGTH[colon];
  assert(show !== undefined, `${name} names a cell`);
  return show(state, name.slice(colon + 1));
}

/** Names of the cells that the step under way may have changed; counts follow what is counted. */
export function touchedCells({ touched }: ModelState): CellName[] {
  const names = new Set<CellName>();
  for (const part of touched) {
    if (typeof part === 'string') names.add(part);
    else if ('entries' in part) names.add(`map:${part.name}`).add('pools');
    else names.add(`object:${part.name}`).add('counters');
  }
  return [...names];
}
