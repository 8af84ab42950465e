/** The observable state as plain data: whole snapshots and single cells (SPEC §13). Nothing here changes the kernel. */
import { type FrameNumber, frameNumber, objectOffset, type VirtualAddress } from '../contract/address.ts';
import {
  NO_SPACES,
  type PmapSnapshot,
  type SpacesSnapshot,
  type UserPmapSnapshot,
} from '../contract/pmap.ts';
import type { CellName, CellValue, PoolsSnapshot, Snapshot } from '../contract/snapshot.ts';
import type { EntrySnapshot, MapSnapshot } from '../contract/vm-map.ts';
import type { ObjectSnapshot } from '../contract/vm-object.ts';
import type { CountersSnapshot, PageSnapshot } from '../contract/vm-page.ts';
import type { Kernel } from './kernel.ts';
import type { VmMapEntry } from './map-entry.ts';
import { QUEUE, type Queue } from './page-queues.ts';
import { transitionSnapshots } from './transitions.ts';
import type { VmMap } from './vm-map.ts';
import type { VmObject } from './vm-object.ts';
import { PAGE_FLAG } from './vm-page.ts';

/** The whole state; `contents` adds the bytes of every resident page. */
export function observe(kernel: Kernel, { contents }: { readonly contents: boolean }): Snapshot {
  return {
    maps: [...kernel.maps.values()].map(observeMap),
    objects: [...kernel.objects.values()].map((object) => observeObject(kernel, object, { contents })),
    queues: {
      free: observeQueue(kernel, QUEUE.free),
      active: observeQueue(kernel, QUEUE.active),
      inactive: observeQueue(kernel, QUEUE.inactive),
    },
    counters: observeCounters(kernel),
    mappings: kernel.pmap.mappings(),
    pmap: observePmap(kernel),
    spaces: observeSpaces(kernel),
    pools: observePools(kernel),
    sched: kernel.sched.snapshot(),
    transitions: transitionSnapshots(kernel),
    pv: observePvLists(kernel),
  };
}

/** The value of one cell. */
export function observeCell<Name extends CellName>(kernel: Kernel, name: Name): CellValue<Name> {
  return cellOf(kernel, name) as CellValue<Name>;
}

function cellOf(kernel: Kernel, name: CellName): CellValue<CellName> {
  switch (name) {
    case 'queue:free':
      return observeQueue(kernel, QUEUE.free);
    case 'queue:active':
      return observeQueue(kernel, QUEUE.active);
    case 'queue:inactive':
      return observeQueue(kernel, QUEUE.inactive);
    case 'counters':
      return observeCounters(kernel);
    case 'pools':
      return observePools(kernel);
    case 'pmap:kernel':
      return observePmap(kernel);
    case 'spaces':
      return observeSpaces(kernel);
    case 'sched':
      return kernel.sched.snapshot();
    case 'transitions':
      return transitionSnapshots(kernel);
    default:
      return namedCell(kernel, name);
  }
}

function namedCell(kernel: Kernel, cell: string): CellValue<CellName> {
  const colon = cell.indexOf(':');
  const name = cell.slice(colon + 1);
  // Kinds differ in the length of their names: comparing numbers is cheaper than cutting out a string.
  switch (colon) {
    case 'map'.length: {
      const map = kernel.maps.get(name);
      return map === undefined ? null : observeMap(map);
    }
    case 'object'.length: {
      const object = kernel.objects.get(name);
      return object === undefined ? null : observeObject(kernel, object, { contents: false });
    }
    case 'mapping'.length:
      return kernel.pmap.mappingAt(Number(name) as VirtualAddress);
    default:
      return observePv(kernel, frameNumber(Number(name)));
  }
}

function observeMap(map: VmMap): MapSnapshot {
  const entries: EntrySnapshot[] = [];
  for (let entry = map.entries.first; entry !== null; entry = entry.next) entries.push(observeEntry(entry));
  return {
    name: map.name,
    min: map.min,
    max: map.max,
    size: map.size,
    pageable: map.pageable,
    entryCount: map.entries.count,
    references: map.references,
    locked: false,
    entries,
  };
}

function observeEntry(entry: VmMapEntry): EntrySnapshot {
  const { start, end, object, submap, offset, protection, maxProtection, inheritance, wiredCount } = entry;
  const backing =
    submap !== null ? { submap: submap.name } : object !== null ? { object: object.name } : null;
  return {
    start,
    end,
    backing,
    offset,
    protection,
    maxProtection,
    inheritance,
    wiredCount,
    copyOnWrite: false,
    needsCopy: false,
  };
}

function observeObject(
  kernel: Kernel,
  object: VmObject,
  { contents }: { readonly contents: boolean },
): ObjectSnapshot {
  const pages: PageSnapshot[] = [];
  for (let page = object.firstPage; page !== undefined; page = kernel.pages.nextInObject(page)) {
    pages.push(contents ? observePageContents(kernel, page) : observePage(kernel, page));
  }
  const { name, references, size } = object;
  return { name, references, size, shadow: null, shadowOffset: objectOffset(0), pages };
}

const QUEUE_NAMES = {
  [QUEUE.none]: 'none',
  [QUEUE.free]: 'none',
  [QUEUE.active]: 'active',
  [QUEUE.inactive]: 'inactive',
} as const;

function observePage({ pages }: Kernel, frame: FrameNumber): PageSnapshot {
  return {
    offset: pages.offsetOf(frame),
    frame,
    wireCount: pages.wireCountOf(frame),
    busy: pages.hasFlag(frame, PAGE_FLAG.busy),
    wanted: pages.hasFlag(frame, PAGE_FLAG.wanted),
    queue: QUEUE_NAMES[pages.queues.queueOf(frame)],
  };
}

function observePageContents({ pages, memory }: Kernel, frame: FrameNumber): PageSnapshot {
  return {
    offset: pages.offsetOf(frame),
    frame,
    wireCount: pages.wireCountOf(frame),
    busy: pages.hasFlag(frame, PAGE_FLAG.busy),
    wanted: pages.hasFlag(frame, PAGE_FLAG.wanted),
    queue: QUEUE_NAMES[pages.queues.queueOf(frame)],
    contents: memory.contents(frame),
  };
}

function observeQueue({ pages }: Kernel, queue: Queue): FrameNumber[] {
  return pages.queues.list(queue);
}

function observeCounters({ pages }: Kernel): CountersSnapshot {
  return {
    free: pages.queues.count(QUEUE.free),
    active: pages.queues.count(QUEUE.active),
    inactive: pages.queues.count(QUEUE.inactive),
    wired: pages.wired,
  };
}

function observePools({ freeEntries, freeMaps }: Kernel): PoolsSnapshot {
  return { freeEntries, freeMaps };
}

function observePmap({ pmap: { references, resident, wired } }: Kernel): PmapSnapshot {
  return { references, resident, wired };
}

function observeSpaces({ spaces: { current, live } }: Kernel): SpacesSnapshot {
  if (live.size === 0) return NO_SPACES;
  const pmaps: UserPmapSnapshot[] = [];
  for (const [name, pmap] of live) {
    const { references, resident, wired } = pmap;
    const tables = pmap.user?.pageTablePages.object.residentCount ?? 0;
    pmaps.push({ name, references, resident, wired, tables, mappings: pmap.mappings() });
  }
  return { current, pmaps };
}

function observePv({ pv, pmap }: Kernel, frame: FrameNumber): VirtualAddress[] {
  return pmap.isManaged(frame) ? pv.addresses(frame).sort((a, b) => a - b) : [];
}

function observePvLists(kernel: Kernel): Snapshot['pv'] {
  const lists = [];
  for (let frame = 0; frame < kernel.config.managedPages; frame++) {
    const addresses = observePv(kernel, frameNumber(frame));
    if (addresses.length > 0) lists.push({ frame: frameNumber(frame), addresses });
  }
  return lists;
}
