/** Claims about wired memory: resident, mapped, counted. */
import { advance } from '../../contract/address.ts';
import { permits, VM_PROT_READ } from '../../contract/protection.ts';
import type { PageSnapshot } from '../../contract/vm-page.ts';
import { type Invariant, stateless, statelessWhere } from '../invariant.ts';
import { Memories } from '../memories.ts';
import type { View } from '../view.ts';
import { offsetAt } from './overlay.ts';
import { changedMaps, mapChanges } from './pages-changes.ts';
import {
  changedPages,
  entryAt,
  inScratchWindow,
  isPlaceholder,
  isWiredAlone,
  leavesAt,
  objectOf,
  pageAddresses,
  pageAt,
  settledWiredPages,
} from './pages-lookup.ts';
import { hex, span } from './phrase.ts';
import type { Range } from './ranges.ts';
import { LostMappings, NOWAIT_KINDS, NowaitPages, rangeHandedOut } from './wiring-history.ts';
import { nest } from './wiring-nest.ts';

const resident: Invariant = {
  id: 'INV-WIRE-RESIDENT',
  claim:
    'Every page under a wired entry is resident, unless an operation in flight is still filling or wiring it.',
  source: 'vm_map.c: vm_map_pageable; vm_fault.c: vm_fault_wire; MAP-PAGE-7, KM-ALLOC-5, DEV-15, DEV-16',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: true,
  shows: ['maps', 'objects', 'pages'],
  watch: stateless(function* (view) {
    for (const { map, entry, va } of settledWiredPages(view))
      if (pageAt(view, entry, va) === undefined)
        yield `${hex(va)} in map ${map.name} is wired ${entry.wiredCount} times but not resident`;
  }),
};

const mapped: Invariant = {
  id: 'INV-WIRE-PTE',
  claim:
    'Every readable page under a wired entry is mapped with W, to the page of its object; only where READ was once taken away may the mapping be missing until the next fault.',
  source: 'vm_fault.c: vm_fault_wire; MAP-PROT-5, FAULT-9, KM-MALLOC-6, DEV-16, DEV-18',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: true,
  shows: ['maps', 'objects', 'pages', 'pmap'],
  looksAt: ['map', 'mapping'],
  watch: (memories = new Memories()) => {
    const told = memories.of(LostMappings);
    const lost = told.memory;
    return {
      observe: (view) => told.observe(view),
      *violations(view) {
        for (const { map, entry, va } of settledWiredPages(view)) {
          if (!permits(entry.protection, VM_PROT_READ)) continue;
          const mapping = view.mappings.get(va);
          const frame = pageAt(view, entry, va)?.frame;
          if (mapping === undefined) {
            if (!lost.has(map.name, va)) yield `${hex(va)} in map ${map.name} is wired but not mapped`;
          } else if (!mapping.wired) yield `${hex(va)} in map ${map.name} is wired, its mapping lacks W`;
          else if (frame !== undefined && mapping.frame !== frame)
            yield `${hex(va)} in map ${map.name} is wired to frame ${frame} but maps frame ${mapping.frame}`;
        }
      },
    };
  },
};

/** Pages of objects by offset, with a number each. */
class Tally {
  readonly #counts = new Map<string, Map<number, number>>();

  add(object: string, offset: number, by: number): void {
    const counts = this.#counts.get(object) ?? new Map<number, number>();
    this.#counts.set(object, counts);
    counts.set(offset, (counts.get(offset) ?? 0) + by);
  }

  at(object: string, offset: number): number {
    return this.#counts.get(object)?.get(offset) ?? 0;
  }
}

/** Adds NaN for every page whose wire count nobody may judge now: in transition, or in the scratch window. */
function excuseUnsettled(view: View, tally: Tally): void {
  const window = view.machine.scratchWindow;
  const excuse = (name: string, start: number, end: number) => {
    const map = view.maps.get(name);
    if (map === undefined) return;
    for (const va of pageAddresses(start, end)) {
      const entry = entryAt(map, va);
      const object = entry && objectOf(entry);
      if (entry !== undefined && object !== undefined) tally.add(object, offsetAt(entry, va), Number.NaN);
    }
  };
  for (const { map, start, end } of view.transitions) excuse(map, start, end);
  if (window !== null) for (const map of view.maps.keys()) excuse(map, window.start, window.end);
}

const count: Invariant = {
  id: 'INV-WIRE-COUNT',
  claim:
    'A page is wired once for each wired entry over it; a page from kmem_malloc(nowait) is not, until its memory has been unwired and wired again.',
  source:
    'vm_page.c: vm_page_wire; vm_kern.c: kmem_malloc; KM-MALLOC-6, KM-MALLOC-7, MAP-PAGE-5, DEV-6, DEV-13',
  scope: 'A*',
  cost: 'F',
  exemptWhenAliased: true,
  shows: ['maps', 'objects', 'pages'],
  looksAt: ['map'],
  judges: NOWAIT_KINDS,
  watch: (memories = new Memories()) => {
    const told = memories.of(NowaitPages);
    const nowait = told.memory;
    return {
      observe: (view) => told.observe(view),
      *violations(view) {
        const expected = new Tally();
        excuseUnsettled(view, expected);
        for (const { map, entry, va } of settledWiredPages(view)) {
          const object = objectOf(entry);
          if (object !== undefined && !nowait.has(map.name, va)) expected.add(object, offsetAt(entry, va), 1);
        }
        for (const { name, pages } of view.objects.values()) {
          if (isWiredAlone(name)) continue;
          for (const { offset, frame, wireCount } of pages) {
            const entries = expected.at(name, offset);
            if (!Number.isNaN(entries) && wireCount !== entries)
              yield `page ${hex(offset)} of ${name} (frame ${frame}) has wire count ${wireCount}, expected ${entries}`;
          }
        }
      },
    };
  },
};

/** What is wrong with a page that kmem_malloc(nowait) gave out; undefined: nothing. */
function nowaitFault(
  view: View,
  va: number,
  { wireCount, queue }: PageSnapshot,
  { map, faulted }: { readonly map: string; readonly faulted: boolean },
): string | undefined {
  const holder = map === 'kmem' || map === 'mb' ? view.maps.get(map) : undefined;
  const entry = holder && entryAt(holder, va);
  if (entry === undefined || entry.wiredCount === 0 || objectOf(entry) !== 'kmem')
    return `is under no wired entry of kmem_object in map ${map}`;
  if (wireCount !== 0) return `has wire count ${wireCount}`;
  return queue !== 'none' && !faulted ? `is on the ${queue} queue though nobody faulted on it` : undefined;
}

const nowaitPages: Invariant = {
  id: 'INV-WIRE-NOWAIT',
  claim:
    'A page from kmem_malloc(nowait) keeps wire count 0 under a wired entry of kmem or mb, and is on no queue unless a fault put it there.',
  source: 'vm_kern.c: kmem_malloc; KM-MALLOC-6, Q-29, DEV-6',
  scope: 'A',
  cost: 't',
  // Through an alias the same page can be wired or freed under another address.
  exemptWhenAliased: true,
  shows: ['maps', 'objects', 'pages'],
  looksAt: ['map', 'object'],
  judges: NOWAIT_KINDS,
  watch: (memories = new Memories()) => {
    const told = memories.of(NowaitPages);
    const nowait = told.memory;
    return {
      observe: (view) => told.observe(view),
      violations: (view) => (nowait.isEmpty ? [] : misheldNowaitPages(view, nowait)),
    };
  },
};

function* misheldNowaitPages(view: View, nowait: NowaitPages): Generator<string> {
  const kmem = view.touchedObjects.find(({ name }) => name === 'kmem');
  const base = view.maps.get('kmem')?.min;
  if (kmem === undefined || base === undefined) return;
  for (const page of changedPages(view, kmem)) {
    const va = advance(base, page.offset);
    const known = nowait.at(va);
    const fault = known && nowaitFault(view, va, page, known);
    if (fault !== undefined) yield `the nowait page at ${hex(va)} (frame ${page.frame}) ${fault}`;
  }
}

/** Ranges whose wired count the step was entitled to change. */
function entitled(view: View): Range[] {
  const ranges: Range[] = view.transitions.filter(({ operation }) => operation === view.subjectNumber);
  const handedOut = rangeHandedOut(view);
  if (handedOut !== null) ranges.push(handedOut);
  if (view.subject?.kind === 'vm_map_pageable') ranges.push(view.subject);
  return ranges;
}

const split: Invariant = {
  id: 'INV-WIRE-SPLIT',
  claim:
    'Splitting and merging entries keeps the wired count of every address; only wiring, unwiring and the allocation that owns it change it.',
  source: 'vm_map.c: vm_map_clip_start, vm_map_simplify; MAP-CLIP-1, MAP-SIMPL-1',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps', 'structure'],
  looksAt: ['map'],
  watch: statelessWhere(changedMaps, (view) => {
    const wrong: string[] = [];
    for (const { map, start, end, was, is } of mapChanges(view)) {
      if (was === null || is === null || was.wiredCount === is.wiredCount || isPlaceholder(is)) continue;
      if (!entitled(view).some((range) => range.map === map && range.start <= start && end <= range.end))
        wrong.push(
          `${span(start, end)} in map ${map}: wired count ${was.wiredCount} became ${is.wiredCount}`,
        );
    }
    return wrong;
  }),
};

const unwired: Invariant = {
  id: 'INV-WIRE-UNWIRED',
  claim: 'A mapping with W lies under a wired entry.',
  source: 'vm_fault.c: vm_fault_unwire; FAULT-UNW-1, PMAP-WIRE-1',
  scope: 'A*',
  cost: 'F',
  exemptWhenAliased: true,
  shows: ['maps', 'pmap'],
  watch: stateless(function* (view) {
    for (const { address, frame, wired } of view.mappings.values()) {
      if (!wired || inScratchWindow(view.machine, address)) continue;
      if (!leavesAt(view, address).some(({ entry }) => entry.wiredCount > 0))
        yield `${hex(address)} is mapped to frame ${frame} with W, under no wired entry`;
    }
  }),
};

/** Section Wiring of INVARIANTS.md; INV-WIRE-NORECLAIM needs a page-out daemon that reclaims. */
export const wiringInvariants: readonly Invariant[] = [
  resident,
  mapped,
  count,
  nowaitPages,
  split,
  nest,
  unwired,
];
