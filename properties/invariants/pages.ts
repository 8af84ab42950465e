/** Claims about frames: every one is free or owned, on the right queue, and handed out in turn. */

import type { FrameNumber } from '../../contract/address.ts';
import { isPageAligned, PAGE_SIZE } from '../../contract/address.ts';
import type { ObjectSnapshot } from '../../contract/vm-object.ts';
import { type Invariant, stateless, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { touchedPages } from './pages-changes.ts';
import { pageClaims } from './pages-wired.ts';
import { hex } from './phrase.ts';

const conserve: Invariant = {
  id: 'INV-PAGE-CONSERVE',
  claim: 'Every managed frame is either free or a page of an object.',
  source: 'vm_page.c: vm_page_alloc, vm_page_free; PAGE-ALLOC-2, PAGE-FREE-1',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['objects', 'pages'],
  looksAt: ['object', 'counters'],
  watch: statelessWhere(touchedPages, ({ machine, counters, objects }) => {
    let owned = 0;
    for (const object of objects.values()) owned += object.pages.length;
    return counters.free + owned === machine.managedPages
      ? []
      : [`${counters.free} free frames and ${owned} owned ones, of ${machine.managedPages}`];
  }),
};

const QUEUES = ['free', 'active', 'inactive'] as const;

function wiredPages({ pages }: ObjectSnapshot): number {
  let wired = 0;
  for (const { wireCount } of pages) if (wireCount > 0) wired += 1;
  return wired;
}

const counters: Invariant = {
  id: 'INV-PAGE-COUNTERS',
  claim:
    'The three page counters are the lengths of their queues, and v_wire is the number of pages with a wire count (the latter unless memory is aliased).',
  source: 'vm_page.c; SPEC §4, PAGE-WIRE-1 and 2, Q-24',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['objects', 'pages', 'structure'],
  looksAt: ['object', 'counters', 'queue'],
  watch: statelessWhere(touchedPages, ({ counters, queues, objects, aliased }) => {
    const wrong: string[] = [];
    for (const queue of QUEUES)
      if (counters[queue] !== queues[queue].length)
        wrong.push(
          `v_${queue} is ${counters[queue]}, the ${queue} queue holds ${queues[queue].length} frames`,
        );
    if (aliased) return wrong;
    let wired = 0;
    for (const object of objects.values()) wired += wiredPages(object);
    if (counters.wired !== wired) wrong.push(`v_wire is ${counters.wired}, ${wired} pages have a wire count`);
    return wrong;
  }),
};

/** Every place where each frame was found: queues, and `object …` for owned frames on no queue. */
function placesOf(view: View): Map<number, string[]> {
  const places = new Map<number, string[]>();
  const found = (frame: FrameNumber, place: string) => {
    const known = places.get(frame);
    if (known === undefined) places.set(frame, [place]);
    else known.push(place);
  };
  for (const queue of QUEUES) for (const frame of view.queues[queue]) found(frame, queue);
  for (const object of view.objects.values())
    for (const page of object.pages)
      if (page.queue === 'none') found(page.frame, `no queue (${object.name})`);
  return places;
}

const queueExclusive: Invariant = {
  id: 'INV-PAGE-QUEUEEXCL',
  claim:
    'A frame is in exactly one place: FREE, ACTIVE, INACTIVE, or owned and on no queue; its page says which.',
  source: 'vm_page.c; SPEC §4',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['objects', 'pages', 'structure'],
  watch: stateless(function* (view) {
    const places = placesOf(view);
    for (const [frame, where] of places)
      if (where.length > 1) yield `frame ${frame} is in ${where.length} places: ${where.join(', ')}`;
    for (let frame = 0; frame < view.machine.managedPages; frame++)
      if (!places.has(frame)) yield `frame ${frame} is nowhere`;
    for (const { name, pages } of view.objects.values())
      for (const { frame, queue, offset } of pages) {
        const where = places.get(frame)?.[0];
        if (queue !== 'none' && where !== queue)
          yield `page ${hex(offset)} of ${name} says ${queue}, its frame ${frame} is in ${where ?? 'no queue'}`;
      }
  }),
};

const freeBare: Invariant = {
  id: 'INV-PAGE-FREEBARE',
  claim: 'A free frame belongs to no object and is mapped nowhere.',
  source: 'vm_page.c: vm_page_free; PAGE-FREE-1',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['objects', 'pages', 'pmap', 'structure'],
  looksInside: true,
  watch: stateless(function* ({ queues, objects, mappings, pv }) {
    const free = new Set(queues.free);
    for (const { name, pages } of objects.values())
      for (const { frame, offset } of pages)
        if (free.has(frame)) yield `free frame ${frame} is page ${hex(offset)} of ${name}`;
    for (const { frame, address } of mappings.values())
      if (free.has(frame)) yield `free frame ${frame} is mapped at ${hex(address)}`;
    for (const frame of free)
      for (const address of pv.get(frame) ?? [])
        yield `free frame ${frame} is on the pv list for ${hex(address)}`;
  }),
};

const unique: Invariant = {
  id: 'INV-PAGE-UNIQUE',
  claim: 'No object holds two pages at one offset.',
  source: 'vm_page.c: vm_page_insert; DEV-48, KM-ALLOC-3, KM-MALLOC-5',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['objects', 'pages'],
  watch: stateless(function* ({ objects }) {
    for (const { name, pages } of objects.values()) {
      const seen = new Map<number, number>();
      for (const { offset, frame } of pages) {
        const other = seen.get(offset);
        if (other !== undefined) yield `${name} holds frames ${other} and ${frame} at offset ${hex(offset)}`;
        seen.set(offset, frame);
      }
    }
  }),
};

const oneOwner: Invariant = {
  id: 'INV-PAGE-ONEOWNER',
  claim: 'A frame belongs to one object, at one page-aligned offset.',
  source: 'vm_page.c: vm_page_insert; PAGE-INS-1',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['objects', 'pages'],
  watch: stateless(function* ({ objects, machine }) {
    const owners = new Map<number, string>();
    for (const { name, pages } of objects.values())
      for (const { offset, frame } of pages) {
        const owner = owners.get(frame);
        if (owner !== undefined) yield `frame ${frame} belongs to ${owner} and to ${name}`;
        owners.set(frame, name);
        if (!isPageAligned(offset))
          yield `frame ${frame} lies at ${hex(offset)} of ${name}, not a multiple of ${PAGE_SIZE}`;
        if (frame >= machine.managedPages) yield `unmanaged frame ${frame} belongs to ${name}`;
      }
  }),
};

/** True for an allocation that found all of FREE too little and gave everything back: nothing has stayed in the queue. */
const tookAllInVain = ({ subject, step }: View): boolean =>
  subject?.kind === 'kmem_malloc' && !subject.canWait && step?.outcome.kind === 'none';

const movedFrames = (view: View): boolean =>
  view.before('queue:free') !== view.queues.free && !tookAllInVain(view);

const firstInFirstOut: Invariant = {
  id: 'INV-PAGE-FIFO',
  claim:
    'Frames leave FREE at its head and come back at its tail, so that the longest-free frame is taken first.',
  source: 'vm_page.c: vm_page_alloc, vm_page_free; CONV-7, PAGE-ALLOC-2, PAGE-FREE-1',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['pages', 'structure'],
  looksAt: ['queue'],
  watch: statelessWhere(movedFrames, (view) => {
    const before = view.before('queue:free');
    const after = view.queues.free;
    const head = after[0];
    if (head === undefined) return [];
    // What stayed in the queue starts at the frame that is its head now; without it, everything was taken.
    const taken = before.indexOf(head);
    if (taken < 0) {
      const overtaken = before.find((frame) => after.includes(frame));
      return overtaken === undefined
        ? []
        : [`freed frame ${head} stands at the head of FREE, before frame ${overtaken}`];
    }
    for (let i = taken; i < before.length; i++)
      if (before[i] !== after[i - taken])
        return [
          `after ${taken} frames were taken, frame ${before[i]} should be number ${i - taken} of FREE, not ${after[i - taken] ?? 'nothing'}`,
        ];
    return [];
  }),
};

const placeholders: Invariant = {
  id: 'INV-PAGE-FAKE',
  claim: 'Pages without valid contents belong to the kernel objects or to an operation in flight.',
  source: 'vm_page.c; Q-25; asked of the kernel’s own audit',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: [],
  looksInside: true,
  watch: stateless(function* (view) {
    for (const { invariant, witness } of view.audit()) if (invariant === 'INV-PAGE-FAKE') yield witness;
  }),
};

/** Section Pages of INVARIANTS.md, apart from INV-PAGE-ZERO, which needs the shadow memory of cpu.ts. */
export const pageInvariants: readonly Invariant[] = [
  conserve,
  counters,
  queueExclusive,
  freeBare,
  unique,
  oneOwner,
  firstInFirstOut,
  placeholders,
  ...pageClaims,
];
