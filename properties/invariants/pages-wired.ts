/** Claims that tie wire counts and queues of pages to the entries over them. */
import { objectOffset } from '../../contract/address.ts';
import type { EntrySnapshot, MapName, MapSnapshot } from '../../contract/vm-map.ts';
import type { ObjectName } from '../../contract/vm-object.ts';
import { type Invariant, statelessWhere } from '../invariant.ts';
import type { StateView, View } from '../view.ts';
import { offsetAt } from './overlay.ts';
import { mapChanges, touchedPages } from './pages-changes.ts';
import { changedPages, entryAt, isWiredAlone, objectOf, pageAddresses } from './pages-lookup.ts';
import { hex } from './phrase.ts';
import { rangeHandedOut } from './wiring-history.ts';

const wiredOffQueue: Invariant = {
  id: 'INV-PAGE-WIREDOFFQ',
  claim: 'A page with a wire count is on no queue.',
  source: 'vm_page.c: vm_page_wire; PAGE-WIRE-1, PAGE-ACT-1',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['objects', 'pages'],
  looksAt: ['object'],
  watch: statelessWhere(touchesQueuedWiredPage, function* ({ touchedObjects }) {
    for (const { name, pages } of touchedObjects)
      for (const { offset, frame, wireCount, queue } of pages)
        if (wireCount > 0 && queue !== 'none')
          yield `page ${hex(offset)} of ${name} (frame ${frame}) is wired ${wireCount} times and on the ${queue} queue`;
  }),
};

function touchesQueuedWiredPage({ touchedObjects }: View): boolean {
  for (const { pages } of touchedObjects)
    for (const { wireCount, queue } of pages) if (wireCount > 0 && queue !== 'none') return true;
  return false;
}

/** Wired entries over one object. */
function wiredEntriesOf(view: StateView, object: ObjectName): EntrySnapshot[] {
  const found: EntrySnapshot[] = [];
  for (const { entries } of view.maps.values())
    for (const entry of entries) if (entry.wiredCount > 0 && objectOf(entry) === object) found.push(entry);
  return found;
}

/** True when an entry shows the page at that offset of its object; offsets run modulo 2^32. */
const shows = ({ start, end, offset }: EntrySnapshot, pageOffset: number): boolean =>
  objectOffset(pageOffset - offset) < end - start;

/** Offsets at which direct pmap operations may have confused faults with harness frames. */
function windowOffsets(view: View, object: ObjectName): ReadonlySet<number> {
  const offsets = new Set<number>();
  const window = view.machine.scratchWindow;
  if (window !== null)
    for (const map of view.maps.values())
      for (const va of pageAddresses(Math.max(window.start, map.min), Math.min(window.end, map.max))) {
        const entry = entryAt(map, va);
        if (entry !== undefined && objectOf(entry) === object) offsets.add(offsetAt(entry, va));
      }
  return offsets;
}

/** A 16-bit counter; nothing that is reachable comes near its end (DEV-6, DEV-47). */
const WIRE_COUNT_ALARM = 65000;

const wireRange: Invariant = {
  id: 'INV-PAGE-WIRERANGE',
  claim: 'A wire count lies between 0 and the number of wired entries over the page.',
  source: 'vm_page.c: vm_page_wire, vm_page_unwire; PAGE-WIRE-1 and 2, DEV-6, DEV-47',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps', 'objects', 'pages'],
  looksAt: ['object'],
  watch: statelessWhere(touchedPages, function* (view) {
    for (const object of view.touchedObjects) {
      if (isWiredAlone(object.name)) continue;
      let wired: EntrySnapshot[] | undefined;
      for (const { offset, frame, wireCount } of changedPages(view, object)) {
        if (wireCount === 0) continue;
        wired ??= wiredEntriesOf(view, object.name);
        const most = wired.filter((entry) => shows(entry, offset)).length;
        // An unwiring may meet the page of an alias instead, so that only wrapping can be told then.
        const limit = view.aliased ? WIRE_COUNT_ALARM : Math.min(most, WIRE_COUNT_ALARM);
        if (wireCount >= 0 && wireCount <= limit) continue;
        if (windowOffsets(view, object.name).has(offset)) continue;
        yield `page ${hex(offset)} of ${object.name} (frame ${frame}) is wired ${wireCount} times under ${most} wired entries`;
      }
    }
  }),
};

/** Offsets of an object's pages that an operation in flight is filling or wiring. */
function offsetsInFlight(view: View, object: ObjectName): Set<number> {
  const offsets = new Set<number>();
  for (const { map: name, start, end } of view.transitions) {
    const map = view.maps.get(name);
    if (map !== undefined) for (const va of pageAddresses(start, end)) addOffset(offsets, map, va, object);
  }
  return offsets;
}

function addOffset(offsets: Set<number>, map: MapSnapshot, va: number, object: ObjectName): void {
  const entry = entryAt(map, va);
  if (entry !== undefined && objectOf(entry) === object) offsets.add(offsetAt(entry, va));
}

/** A kmem_alloc that has filled its range and waits for somebody else's transition owns pages that are not wired yet. */
const awaitsItsWiring = ({ inFlight, transitions }: View): boolean => {
  for (const [number, { kind }] of inFlight)
    if (kind === 'kmem_alloc' && !transitions.some(({ operation }) => operation === number)) return true;
  return false;
};

/**
 * Pages that a kmem_alloc filled and never wired: while it waited for somebody else's transition, part of its range
 * was freed, and it ignores that its wiring fails (KM-ALLOC-4).
 */
class UnwiredAllocations {
  readonly #pages = new Map<number, MapName>();

  observe(view: View): void {
    if (this.#pages.size > 0)
      for (const { map, start, end, is } of mapChanges(view))
        if (is === null)
          for (const va of pageAddresses(start, end)) if (this.#pages.get(va) === map) this.#pages.delete(va);
    const range = view.subject?.kind === 'kmem_alloc' ? rangeHandedOut(view) : null;
    const map = range && view.maps.get(range.map);
    if (range === null || map === undefined || map === null) return;
    for (const va of pageAddresses(range.start, range.end))
      if (entryAt(map, va)?.wiredCount === 0) this.#pages.set(va, map.name);
  }

  /** Adds the offsets of those pages that an object holds. */
  addOffsets(view: View, object: ObjectName, offsets: Set<number>): void {
    for (const [va, name] of this.#pages) {
      const map = view.maps.get(name);
      if (map !== undefined) addOffset(offsets, map, va, object);
    }
  }
}

const offQueue: Invariant = {
  id: 'INV-PAGE-OFFQ',
  claim:
    'A page that is on no queue and has no wire count is busy, lies under a wired entry, or belongs to an operation in flight or to a kmem_alloc whose wiring failed.',
  source: 'vm_kern.c: kmem_malloc; KM-ALLOC-3, KM-ALLOC-4, KM-MALLOC-6, FAULT-9, DEV-6',
  scope: 'A*',
  cost: 'F',
  // Under an alias an unwiring may meet another page than the one that its entry holds.
  exemptWhenAliased: true,
  shows: ['maps', 'objects', 'pages'],
  looksAt: ['map'],
  judges: ['kmem_alloc'],
  watch: () => {
    const unwired = new UnwiredAllocations();
    return {
      observe: (view) => unwired.observe(view),
      *violations(view) {
        for (const { name, pages } of view.objects.values()) {
          const lost = pages.filter((page) => page.queue === 'none' && page.wireCount === 0 && !page.busy);
          if (lost.length === 0 || (name === 'kernel' && awaitsItsWiring(view))) continue;
          const owned = offsetsInFlight(view, name);
          unwired.addOffsets(view, name, owned);
          const covered = coverage(wiredEntriesOf(view, name));
          for (const { offset, frame } of lost)
            if (!owned.has(offset) && !covered.has(offset))
              yield `page ${hex(offset)} of ${name} (frame ${frame}) is on no queue, not wired and under no wired entry`;
        }
      },
    };
  },
};

/** Offsets that the entries show. */
function coverage(entries: readonly EntrySnapshot[]): ReadonlySet<number> {
  const covered = new Set<number>();
  for (const entry of entries)
    for (const va of pageAddresses(entry.start, entry.end)) covered.add(offsetAt(entry, va));
  return covered;
}

/** Claims about wire counts and queues; the exact count is INV-WIRE-COUNT. */
export const pageClaims: readonly Invariant[] = [wiredOffQueue, wireRange, offQueue];
