/** What the model shows: snapshots and single cells, all of it computed from the facts on demand. */
import {
  address as addressOf,
  byteDistance,
  bytes,
  type FrameNumber,
  frameNumber,
  objectOffset,
  PAGE_SIZE,
  type VirtualAddress,
} from '../contract/address.ts';
import type { MappingSnapshot, PmapSnapshot, PvSnapshot } from '../contract/pmap.ts';
import type { SchedSnapshot } from '../contract/sched.ts';
import type { CellName, CellValue, PoolsSnapshot, Snapshot } from '../contract/snapshot.ts';
import type { EntrySnapshot, MapSnapshot, TransitionSnapshot } from '../contract/vm-map.ts';
import type { ObjectSnapshot } from '../contract/vm-object.ts';
import type { CountersSnapshot, PageContents, PageSnapshot } from '../contract/vm-page.ts';
import { mappingAt } from './pmap.ts';
import {
  assert,
  isManaged,
  type ModelState,
  mapNamed,
  type VmMap,
  type VmMapEntry,
  type VmObject,
  type VmPage,
} from './state.ts';
import { staticMapsInUse } from './vm-map-create.ts';
import { mapReferences } from './vm-map-delete.ts';
import { staticEntriesInUse } from './vm-map-entry.ts';
import { objectReferences } from './vm-object.ts';
import { contentsOf } from './vm-page.ts';

function showEntry(entry: VmMapEntry): EntrySnapshot {
  const { start, end, object, submap, offset, protection, maxProtection, inheritance, wiredCount } = entry;
  const backing =
    submap !== null ? { submap: submap.name } : object !== null ? { object: object.name } : null;
  const flags = { copyOnWrite: false, needsCopy: false };
  return { start, end, backing, offset, protection, maxProtection, inheritance, wiredCount, ...flags };
}

function showMap(state: ModelState, map: VmMap): MapSnapshot {
  const size = map.entries.reduce((sum, { start, end }) => sum + byteDistance(start, end), 0);
  return {
    name: map.name,
    min: map.min,
    max: map.max,
    size: bytes(size),
    pageable: map.pageable,
    entryCount: map.entries.length,
    references: mapReferences(state, map),
    locked: false,
    entries: map.entries.map(showEntry),
  };
}

function queueOf({ queues }: ModelState, { frame }: VmPage): PageSnapshot['queue'] {
  if (queues.active.includes(frame)) return 'active';
  return queues.inactive.includes(frame) ? 'inactive' : 'none';
}

function showPage(state: ModelState, page: VmPage): PageSnapshot {
  const { offset, frame, wireCount } = page;
  return { offset, frame, wireCount, busy: false, wanted: false, queue: queueOf(state, page) };
}

function showContents(state: ModelState, page: VmPage): PageSnapshot {
  const shown = { ...showPage(state, page), contents: pageContents(state, page.frame) };
  const { undefinedFill, writes } = contentsOf(state, page.frame);
  return undefinedFill && writes.size < PAGE_SIZE ? { ...shown, undefinedContents: true } : shown;
}

const FNV_BASIS = 0x811c_9dc5;
const FNV_PRIME = 0x0100_0193;

/** The byte that fills a frame, or the FNV-1a hash of its bytes. */
function pageContents(state: ModelState, frame: FrameNumber): PageContents {
  const { fill, writes } = contentsOf(state, frame);
  const first = writes.get(0) ?? fill;
  let uniform = true;
  let hash = FNV_BASIS;
  if ([...writes.values()].every((byte) => byte === fill)) return fill;
  for (let position = 0; position < PAGE_SIZE; position += 1) {
    const byte = writes.get(position) ?? fill;
    if (byte !== first) uniform = false;
    hash = Math.imul(hash ^ byte, FNV_PRIME);
  }
  if (uniform) return first;
  const unsigned = addressOf(hash + 0x1_0000_0000);
  return `fnv:${unsigned.toString(16).padStart(8, '0')}`;
}

function showObject(
  state: ModelState,
  object: VmObject,
  show: (state: ModelState, page: VmPage) => PageSnapshot,
): ObjectSnapshot {
  return {
    name: object.name,
    references: objectReferences(state, object),
    size: object.size,
    shadow: null,
    shadowOffset: objectOffset(0),
    pages: object.pages.map((page) => show(state, page)),
  };
}

function showMapping(state: ModelState, address: VirtualAddress): MappingSnapshot | null {
  const mapping = state.mappings.has(address) ? mappingAt(state, address) : undefined;
  if (mapping === undefined) return null;
  const { frame, writable, wired, accessed, dirty } = mapping;
  return { address, frame, writable, wired, accessed, dirty };
}

function showMappings(state: ModelState): MappingSnapshot[] {
  const addresses = [...state.mappings.keys()].sort((a, b) => a - b);
  return addresses.flatMap((address) => showMapping(state, address) ?? []);
}

/** Places where a managed frame is mapped, ascending. */
function pvAddresses(state: ModelState, frame: FrameNumber): VirtualAddress[] {
  if (!isManaged(state, frame)) return [];
  const found: VirtualAddress[] = [];
  state.mappings.forEach((mapping, address) => {
    if (mapping.frame === frame && mapping.readable) found.push(address);
  });
  return found.sort((a, b) => a - b);
}

function showPv(state: ModelState): PvSnapshot[] {
  const frames = new Set([...state.mappings.values()].map(({ frame }) => frame));
  const sorted = [...frames].sort((a, b) => a - b);
  const shown = sorted.map((frame) => ({ frame, addresses: pvAddresses(state, frame) }));
  return shown.filter(({ addresses }) => addresses.length > 0);
}

/** The four page counters; v_wire never forgets a page that was freed while wired. */
function showCounters({ queues, objects, freedWhileWired }: ModelState): CountersSnapshot {
  const { free, active, inactive } = queues;
  let wired = freedWhileWired;
  for (const { pages } of objects) for (const page of pages) if (page.wireCount > 0) wired += 1;
  return { free: free.length, active: active.length, inactive: inactive.length, wired };
}

function showPools(state: ModelState): PoolsSnapshot {
  const { mapEntries, staticMaps } = state.machine;
  return {
    freeEntries: mapEntries === null ? null : mapEntries - staticEntriesInUse(state),
    freeMaps: staticMaps - staticMapsInUse(state),
  };
}

/** pm_count and pm_stats: every map but the kernel's own holds a reference. */
function showPmap(state: ModelState): PmapSnapshot {
  let resident = 0;
  let wired = 0;
  for (const mapping of state.mappings.values()) {
    if (!mapping.readable) continue;
    resident += 1;
    if (mapping.wired) wired += 1;
  }
  const others = state.maps.filter(({ name }) => name !== 'kernel').length;
  return { references: 1 + others, resident, wired };
}

function showSched({ flights }: ModelState): SchedSnapshot {
  const asleep = flights.filter(({ status }) => status === 'asleep');
  const runnable = flights.filter(({ status }) => status === 'runnable');
  return {
    asleep: asleep.map(({ number, event }) => ({ operation: number, event })),
    runnable: runnable.map(({ number }) => number),
  };
}

function showTransitions({ transitions }: ModelState): TransitionSnapshot[] {
  const shown = transitions.map(({ map, start, end, state, operation }) => ({
    map: map.name,
    start,
    end,
    state,
    operation,
  }));
  return shown.sort((a, b) => a.operation - b.operation);
}

/** The whole state. */
export function takeSnapshot(state: ModelState, { contents }: { readonly contents: boolean }): Snapshot {
  const { free, active, inactive } = state.queues;
  const page = contents ? showContents : showPage;
  return {
    maps: state.maps.map((map) => showMap(state, map)),
    objects: state.objects.map((object) => showObject(state, object, page)),
    queues: { free: [...free], active: [...active], inactive: [...inactive] },
    counters: showCounters(state),
    mappings: showMappings(state),
    pmap: showPmap(state),
    pools: showPools(state),
    sched: showSched(state),
    transitions: showTransitions(state),
    pv: showPv(state),
  };
}

/** One cell of the state by its name. */
export function takeCell(state: ModelState, name: CellName): CellValue<CellName> {
  const colon = name.indexOf(':');
  const kind = colon < 0 ? name : name.slice(0, colon);
  const key = name.slice(colon + 1);
  switch (kind) {
    case 'map': {
      const map = mapNamed(state, key);
      return map === undefined ? null : showMap(state, map);
    }
    case 'object': {
      const object = state.objects.find((candidate) => candidate.name === key);
      return object === undefined ? null : showObject(state, object, showPage);
    }
    case 'queue':
      return [...state.queues[key === 'free' ? 'free' : key === 'active' ? 'active' : 'inactive']];
    case 'mapping':
      return showMapping(state, addressOf(Number(key)));
    case 'pv':
      return pvAddresses(state, frameNumber(Number(key)));
    case 'counters':
      return showCounters(state);
    case 'pools':
      return showPools(state);
    case 'pmap':
      return showPmap(state);
    case 'sched':
      return showSched(state);
    default:
      assert(kind === 'transitions', `${name} names a cell`);
      return showTransitions(state);
  }
}
