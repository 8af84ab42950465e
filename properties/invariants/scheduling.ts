/** Claims about sleeping and waking: no wake-up is lost, none comes from nowhere, nothing survives a return. */
import { isPageAligned, PAGE_SIZE } from '../../contract/address.ts';
import type { SleepEvent } from '../../contract/sched.ts';
import type { ObjectSnapshot } from '../../contract/vm-object.ts';
import { type Invariant, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { hex, span } from './phrase.ts';
import { coveredBytes, requestLength } from './ranges.ts';

/** Operations that slept on `event` before the step and were not its subject. */
const sleptOn = (view: View, matches: (event: SleepEvent) => boolean): number[] =>
  view
    .before('sched')
    .asleep.filter(({ event, operation }) => matches(event) && operation !== view.subjectNumber)
    .map(({ operation }) => operation);

/** Complaints unless the step woke all of `sleepers` (when `wakes`) or none of them. */
function* wrongWakeups(view: View, sleepers: readonly number[], wakes: boolean): Generator<string> {
  const woken = view.step?.woken ?? [];
  const kind = view.subject?.kind ?? 'boot';
  for (const operation of sleepers) {
    if (wakes && !woken.includes(operation)) yield `${kind} did not wake operation ${operation}`;
    if (wakes && !view.sched.runnable.includes(operation))
      yield `operation ${operation} is not runnable after ${kind}`;
    if (!wakes && woken.includes(operation)) yield `${kind} woke operation ${operation}`;
  }
}

const hadSleepers = (view: View): boolean => view.before('sched').asleep.length > 0;

const noLostMapWakeup: Invariant = {
  id: 'INV-SCHED-NOLOSTMAP',
  claim: 'A kmem_free_wakeup makes every sleeper for space in its map runnable, and nothing else does.',
  source: 'vm_kern.c: kmem_alloc_wait, kmem_free_wakeup; KM-WAKE-1, KM-FREE-3, Q-1, DEV-38',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['outcomes'],
  watch: statelessWhere(hadSleepers, function* (view) {
    if (view.step === null) return;
    const freed =
      view.subject?.kind === 'kmem_free_wakeup' && view.step.outcome.kind === 'done'
        ? view.subject.map
        : null;
    const here = `map:${freed}`;
    if (freed !== null)
      yield* wrongWakeups(
        view,
        sleptOn(view, (event) => event === here),
        true,
      );
    const elsewhere = sleptOn(
      view,
      (event) => event.startsWith('map:') && (freed === null || event !== here),
    );
    yield* wrongWakeups(view, elsewhere, false);
  }),
};

const noLostPageWakeup: Invariant = {
  id: 'INV-SCHED-NOLOSTPAGE',
  claim: 'A pass of the page-out daemon wakes everybody who waits for pages, and nothing else does.',
  source: 'vm_pageout.c: vm_pageout; vm_page.h: VM_WAIT; SCHED-5, SCHED-6, Q-20, DEV-38',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['outcomes'],
  watch: statelessWhere(hadSleepers, function* (view) {
    if (view.step === null) return;
    const wakes = view.subject?.kind === 'pagedaemon' && view.step.outcome.kind === 'done';
    yield* wrongWakeups(
      view,
      sleptOn(view, (event) => event === 'pages'),
      wakes,
    );
  }),
};

const hasSleepers = ({ sched }: View): boolean => sched.asleep.length > 0;

const noLostTransitionWakeup: Invariant = {
  id: 'INV-SCHED-NOLOSTTRANS',
  claim: 'Nobody waits for the end of a transition in a map that has none.',
  source: 'vm_map.c: vm_map_pageable; MAP-TRANS-1, DEV-15, DEV-16',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps'],
  looksAt: ['sched', 'transitions'],
  watch: statelessWhere(hasSleepers, function* ({ sched, transitions }) {
    for (const { operation, event } of sched.asleep)
      if (event.startsWith('trans:') && !transitions.some(({ map }) => event === `trans:${map}`))
        yield `operation ${operation} sleeps on ${event}, where nothing is in transition`;
  }),
};

/** The least v_free that the step can have reached; null when it took no frame. */
function leastFree(view: View): number | null {
  const before = view.before('counters').free;
  const refused =
    view.subject?.kind === 'kmem_malloc' && !view.subject.canWait && view.step?.outcome.kind === 'none';
  if (refused) return before > 0 ? 0 : null;
  return view.counters.free < before ? view.counters.free : null;
}

/** On machines without thresholds only sleepers poke. */
const mayPoke = ({ step, machine }: View): boolean =>
  step !== null && (step.daemonPoked === true || step.outcome.kind === 'sleep' || machine.freeMin > 0);

const daemonPoke: Invariant = {
  id: 'INV-SCHED-DAEMON',
  claim:
    'Whoever starts to wait for pages pokes the page-out daemon; others poke it only by taking a frame while few are left.',
  source: 'vm_page.h: VM_WAIT; vm_page.c: vm_page_alloc; SCHED-4, PAGE-ALLOC-1, PAGE-ALLOC-3',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['outcomes', 'pages'],
  watch: statelessWhere(mayPoke, function* (view) {
    const { step, machine } = view;
    if (step === null || step.outcome.kind === 'panic') return;
    const poked = step.daemonPoked === true;
    const kind = view.subject?.kind ?? '';
    if (step.outcome.kind === 'sleep' && step.outcome.event === 'pages') {
      if (!poked) yield `${kind} waits for pages without poking the daemon`;
      return;
    }
    const few = Math.max(machine.freeMin, machine.freeTarget);
    const least = leastFree(view);
    if (poked && (least === null || least >= few))
      yield `${kind} poked the daemon, with ${view.counters.free} frames free and thresholds up to ${few}`;
    // A kmem_malloc(nowait) that failed may never have come to take a frame.
    const took = view.counters.free < view.before('counters').free;
    if (!poked && took && least !== null && least < machine.freeMin)
      yield `${kind} left ${least} frames free, fewer than ${machine.freeMin}, without poking the daemon`;
  }),
};

const isAllocWait = ({ subject }: View): boolean => subject?.kind === 'kmem_alloc_wait';

const retry: Invariant = {
  id: 'INV-SCHED-RETRY',
  claim:
    'A kmem_alloc_wait returns only a range that was free when it took it, or none for a request that its map can never hold.',
  source: 'vm_kern.c: kmem_alloc_wait; KM-WAIT-1, SCHED-8',
  scope: 'R',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps'],
  judges: ['kmem_alloc_wait'],
  watch: statelessWhere(isAllocWait, function* (view) {
    const { subject, step } = view;
    const outcome = step?.outcome;
    if (subject?.kind !== 'kmem_alloc_wait' || outcome === undefined) return;
    const before = view.mapBefore(subject.map);
    const length = requestLength(subject.size);
    if (before === null) return;
    if (outcome.kind === 'none' && length !== null && length <= before.max - before.min)
      yield `${length} bytes fit into map ${subject.map}, the answer was none`;
    if (outcome.kind !== 'address') return;
    const start = outcome.address;
    const end = start + (length ?? 0);
    if (length === null || !isPageAligned(start) || start < before.min || end > before.max)
      yield `${span(start, end)} is not a range of whole pages (${PAGE_SIZE}) in map ${subject.map}`;
    else if (coveredBytes(before.entries, start, end) > 0)
      yield `${span(start, end)} of map ${subject.map} was not free`;
    else if (coveredBytes(view.maps.get(subject.map)?.entries ?? [], start, end) !== length)
      yield `${span(start, end)} of map ${subject.map} was returned but not taken`;
  }),
};

/** What an operation that returned still holds. */
function* heldAfterReturn({ transitions, sched, inFlight, subjectNumber }: View): Generator<string> {
  for (const { operation, map, start, end } of transitions)
    if (operation === subjectNumber) yield `it still holds ${span(start, end)} of map ${map} in transition`;
  if (sched.asleep.some(({ operation }) => operation === subjectNumber)) yield 'it is asleep';
  if (sched.runnable.includes(subjectNumber)) yield 'it is runnable';
  if (inFlight.has(subjectNumber)) yield 'it is in flight';
}

const nothingHeld: Invariant = {
  id: 'INV-SCHED-NOLOCKRET',
  claim: 'No map lock, busy page, transition or place in a wait queue survives the return of an operation.',
  source: 'vm_map.c, vm_fault.c; LOCK-3, LOCK-5, FAULT-9, DEV-3',
  scope: 'R',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps', 'objects', 'pages'],
  watch: statelessWhere(holdsAnything, function* (view) {
    for (const { name, locked } of view.touchedMaps) if (locked) yield `map ${name} is locked`;
    for (const { name, pages } of view.touchedObjects)
      for (const { offset, frame, busy, wanted } of pages)
        if (busy || wanted)
          yield `page ${hex(offset)} of ${name} (frame ${frame}) is ${busy ? 'busy' : 'wanted'}`;
    if (view.step === null) return;
    for (const held of heldAfterReturn(view)) yield `operation ${view.subjectNumber} returned: ${held}`;
  }),
};

/** False after nearly every step: nothing is locked, busy, in transition, waiting or in flight. */
function holdsAnything(view: View): boolean {
  const { sched, inFlight, transitions } = view;
  if (inFlight.size + transitions.length + sched.asleep.length + sched.runnable.length > 0) return true;
  for (const { locked } of view.touchedMaps) if (locked) return true;
  for (const object of view.touchedObjects) if (holdsPages(object)) return true;
  return false;
}

function holdsPages({ pages }: ObjectSnapshot): boolean {
  for (const { busy, wanted } of pages) if (busy || wanted) return true;
  return false;
}

/** Section Scheduling and locks of INVARIANTS.md, as far as operations run one at a time; -REPLAY is a law. */
export const schedulingInvariants: readonly Invariant[] = [
  noLostMapWakeup,
  noLostPageWakeup,
  noLostTransitionWakeup,
  daemonPoke,
  retry,
  nothingHeld,
];
