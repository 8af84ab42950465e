/** From an address to the entry, the page and the transition there; what invariants of pages, wiring and the pmap share. */
import { address, PAGE_SIZE, type VirtualAddress } from '../../contract/address.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import { permits, type VmProt } from '../../contract/protection.ts';
import type { EntrySnapshot, MapName, MapSnapshot } from '../../contract/vm-map.ts';
import type { ObjectName, ObjectSnapshot } from '../../contract/vm-object.ts';
import type { PageSnapshot } from '../../contract/vm-page.ts';
import type { StateView, View } from '../view.ts';
import { offsetAt } from './overlay.ts';

/** True for objects whose pages are wired once without an entry: the scratch pages, and page tables (PMAP-PT-1). */
export const isWiredAlone = (name: string): boolean => name === 'scratch' || name.startsWith('pte:');

/** An entry that stands for memory and not for a submap, with its map. */
export interface Leaf {
  readonly map: MapSnapshot;
  readonly entry: EntrySnapshot;
}

/** The object that backs an entry; undefined for a null object and for a submap. */
export const objectOf = ({ backing }: EntrySnapshot): ObjectName | undefined =>
  backing !== null && 'object' in backing ? backing.object : undefined;
/** True for the placeholder of a submap. */
export const isPlaceholder = ({ backing }: EntrySnapshot): boolean => backing !== null && 'submap' in backing;

/** The entry of a map that contains an address, by bisection. */
export function entryAt({ entries }: MapSnapshot, va: number): EntrySnapshot | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry === undefined || va < entry.start) high = middle;
    else if (va >= entry.end) low = middle + 1;
    else return entry;
  }
  return undefined;
}

/** All leaves over an address: one at most, unless a submap is detached (MAP-DEL-1). */
export function leavesAt(view: StateView, va: number): Leaf[] {
  const leaves: Leaf[] = [];
  for (const map of view.maps.values()) {
    if (va < map.min || va >= map.max) continue;
    const entry = entryAt(map, va);
    if (entry !== undefined && !isPlaceholder(entry)) leaves.push({ map, entry });
  }
  return leaves;
}

/** True when some leaf over the address permits those rights, or there is none. */
export function isPermitted(view: StateView, va: number, rights: VmProt): boolean {
  let leaves = 0;
  for (const map of view.maps.values()) {
    if (va < map.min || va >= map.max) continue;
    const entry = entryAt(map, va);
    if (entry === undefined || isPlaceholder(entry)) continue;
    if (permits(entry.protection, rights)) return true;
    leaves += 1;
  }
  return leaves === 0;
}

/** Answers that `onceFor` keeps; a full look asks for those of a handful of objects many times over. */
const MOST_KEPT = 32;

/** What `make` builds from an immutable snapshot, built once and kept for as long as it is likely to be asked for. */
export function onceFor<Snapshot extends object, Value>(
  make: (snapshot: Snapshot) => Value,
): (snapshot: Snapshot) => Value {
  // No WeakMap: one that is written in every step makes the collection of garbage slow.
  const made = new Map<Snapshot, Value>();
  return (snapshot) => {
    const known = made.get(snapshot);
    if (known !== undefined) return known;
    const value = make(snapshot);
    if (made.size === MOST_KEPT) made.clear();
    made.set(snapshot, value);
    return value;
  };
}

/** Resident pages of an object by offset. */
export const pagesByOffset: (object: ObjectSnapshot) => ReadonlyMap<number, PageSnapshot> = onceFor(
  (object: ObjectSnapshot) => new Map(object.pages.map((page) => [page.offset, page])),
);

/** The resident page that an entry puts at an address, if there is one. */
export function pageAt(view: StateView, entry: EntrySnapshot, va: number): PageSnapshot | undefined {
  const object = view.objects.get(objectOf(entry) ?? '');
  return object && pagesByOffset(object).get(offsetAt(entry, va));
}

/**
 * Pages of a touched object that are new, or that the step moved to another frame, queue or wire count.
 * Surviving pages keep their order (CONV-7); where a kernel breaks that, unchanged pages are among them too.
 */
export function* changedPages(view: View, object: ObjectSnapshot): Generator<PageSnapshot> {
  const before = view.objectBefore(object.name)?.pages ?? [];
  if (before === object.pages) return;
  let i = 0;
  for (const page of object.pages) {
    while (i < before.length && before[i]?.offset !== page.offset) i += 1;
    const was = before[i];
    i += 1;
    const same = was?.frame === page.frame && was.queue === page.queue && was.wireCount === page.wireCount;
    if (!same) yield page;
  }
}

/** True where an operation in flight is filling or wiring that address of the map (MAP-TRANS-0). */
export const inTransition = ({ transitions }: StateView, map: MapName, va: number): boolean =>
  transitions.length > 0 &&
  transitions.some((range) => range.map === map && range.start <= va && va < range.end);

/** True in the range that direct pmap operations play with. */
export const inScratchWindow = ({ scratchWindow }: MachineConfig, va: number): boolean =>
  scratchWindow !== null && scratchWindow.start <= va && va < scratchWindow.end;

/** True for frames that only the harness uses: scratch pages and device frames. */
export const isHarnessFrame = (machine: MachineConfig, frame: number): boolean =>
  frame < machine.scratchPages || frame >= machine.managedPages;

/** A page of an entry. */
export interface EntryPage extends Leaf {
  readonly va: VirtualAddress;
}

/** Several claims ask for the same pages of one state: the last answer is kept. */
let settled: {
  readonly view: View;
  readonly maps: View['maps'];
  readonly number: number;
  readonly pages: readonly EntryPage[];
} | null = null;

/** Every page under a wired entry, apart from ranges in transition and from the scratch window. */
export function settledWiredPages(view: View): readonly EntryPage[] {
  const { maps, number } = view;
  if (settled?.view === view && settled.maps === maps && settled.number === number) return settled.pages;
  const pages: EntryPage[] = [];
  for (const map of maps.values())
    for (const entry of map.entries) {
      if (entry.wiredCount <= 0) continue;
      for (const va of pageAddresses(entry.start, entry.end))
        if (!inTransition(view, map.name, va) && !inScratchWindow(view.machine, va))
          pages.push({ map, entry, va });
    }
  settled = { view, maps, number, pages };
  return pages;
}

/** Page addresses of an aligned range. */
export function pageAddresses(start: number, end: number): readonly VirtualAddress[] {
  const addresses: VirtualAddress[] = [];
  for (let va = start; va < end; va += PAGE_SIZE) addresses.push(address(va));
  return addresses;
}
