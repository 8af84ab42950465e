/** Goals about what changed while an operation slept, about thresholds, and about reasons to refuse a submap. */
import { PAGE_SIZE } from '../contract/address.ts';
import type { OperationOf } from '../contract/operation.ts';
import type { Outcome } from '../contract/outcome.ts';
import { permits, VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import type { EntrySnapshot } from '../contract/vm-map.ts';
import {
  entryAt,
  FREES,
  freedRange,
  type Goal,
  mapBefore,
  objectName,
  submapName,
  succeeded,
  when,
} from './goals-goal.ts';
import type { View } from './view.ts';

const FAULTS = ['vm_fault', 'checked_read', 'checked_write', 'cpu_read', 'cpu_write'] as const;
const ASLEEP = { needs: ['resume', 'pagedaemon'] } as const;

const isResumed = ({ operation }: View): boolean => operation?.kind === 'resume';
const codeOf = (outcome: Outcome): number | null =>
  outcome.kind === 'kern' || outcome.kind === 'trap' ? outcome.code : null;

/** The entry that an access names, in the map that it names; those of the CPU name kernel_map. */
function accessed(view: View, operation: OperationOf<(typeof FAULTS)[number]>): EntrySnapshot | undefined {
  return entryAt(view.maps.get('map' in operation ? operation.map : 'kernel'), operation.address);
}

const woken: readonly Goal[] = [
  when(
    'fault-woken-over-hole',
    'A fault slept for a frame while its memory was freed, and is refused (FAULT-2).',
    FAULTS,
    ({ view, outcome }) => isResumed(view) && codeOf(outcome) === 1,
    ASLEEP,
  ),
  when(
    'fault-woken-without-rights',
    'A fault slept for a frame while its memory lost the right it asked for, and is refused.',
    FAULTS,
    ({ view, outcome }) => isResumed(view) && codeOf(outcome) === 2,
    ASLEEP,
  ),
  when(
    'fault-woken-to-page',
    'A fault slept for a frame, and somebody else put the page there meanwhile (FAULT-6).',
    FAULTS,
    ({ view, outcome }) =>
      isResumed(view) &&
      (outcome.kind === 'bytes' || outcome.kind === 'done' || succeeded(outcome)) &&
      view.counters.free === view.before('counters').free,
    ASLEEP,
  ),
  {
    id: 'fault-woken-into-submap',
    claim:
      'A fault slept for a frame while a submap took the place of its memory, and goes on in there (FAULT-7).',
    needs: ['resume', 'pagedaemon', 'vm_map_submap'],
    at: FAULTS,
    watch: () => {
      const direct = new Set<number>();
      return (view) => {
        const { subject, subjectNumber, step } = view;
        if (subject === null || step === null) return false;
        const access = FAULTS.find((kind) => kind === subject.kind);
        if (access === undefined || !('address' in subject)) return false;
        const entry = accessed(view, subject as OperationOf<(typeof FAULTS)[number]>);
        const through = entry !== undefined && submapName(entry) !== null;
        if (!isResumed(view) && step.outcome.kind === 'sleep' && !through) direct.add(subjectNumber);
        return isResumed(view) && through && direct.has(subjectNumber);
      };
    },
  },
  when(
    'owner-waits-for-wiring',
    'kmem_alloc has filled its range and waits, because somebody else is wiring part of it (Y-KA-TRANS).',
    ['kmem_alloc'],
    ({ outcome }) => outcome.kind === 'sleep' && outcome.event.startsWith('trans:'),
    { needs: ['vm_map_pageable', 'resume'] },
  ),
  when(
    'late-wakeup',
    'kmem_free_wakeup waited for a range in transition, and wakes those who wait for space only then (KM-WAKE-1).',
    ['kmem_free_wakeup'],
    ({ view, outcome }) => isResumed(view) && outcome.kind === 'done' && view.step?.woken !== undefined,
    { needs: ['kmem_alloc_wait', 'resume', 'pagedaemon', 'kmem_alloc'] },
  ),
  when(
    'woken-waiter-keeps-submap',
    'An empty submap stays, because a waiter for its space was woken and has not run yet (MAP-DEL-1).',
    FREES,
    ({ view, operation }) => {
      const range = freedRange(operation);
      const entries = view.maps.get(operation.map)?.entries ?? [];
      const kept = entries.find((entry) => {
        const name = submapName(entry);
        if (name === null || range === undefined || entry.start < range.start || entry.end > range.end)
          return false;
        return view.maps.get(name)?.entryCount === 0 && waits(view, name);
      });
      return kept !== undefined;
    },
    { needs: ['kmem_alloc_wait', 'kmem_free_wakeup'] },
  ),
  when(
    'empty-range-in-transition',
    'An empty range between two entries of a range in transition disturbs nobody (MAP-TRANS-1).',
    ['vm_map_pageable', 'vm_map_protect', 'vm_map_inherit', 'vm_map_remove'],
    ({ view, operation, outcome }) =>
      outcome.kind === 'kern' &&
      operation.start === operation.end &&
      view.transitions.some(
        ({ map, start, end }) => map === operation.map && start < operation.start && operation.start < end,
      ),
  ),
  when(
    'empty-range-at-transition-end',
    'An empty range cuts an entry exactly where a range in transition ends, and does not wait for it (MAP-TRANS-1).',
    ['vm_map_remove'],
    ({ view, operation, outcome }) => {
      const { map, start, end } = operation;
      if (!succeeded(outcome) || start !== end) return false;
      const cut = entryAt(mapBefore(view, map), start);
      if (cut === undefined || cut.start === start) return false;
      return view.transitions.some((range) => range.map === map && range.end === start);
    },
    { needs: ['kmem_alloc', 'vm_map_simplify', 'pagedaemon', 'resume'] },
  ),
];

/** True when an operation woken from the space of a map has not run since. */
function waits(view: View, map: string): boolean {
  return view.sched.runnable.some((number) => {
    const operation = view.inFlight.get(number);
    return operation?.kind === 'kmem_alloc_wait' && operation.map === map;
  });
}

/** Free frames after an allocation of one page that did not poke the daemon, or did. */
const takenOne = (view: View): boolean =>
  view.step?.outcome.kind !== 'sleep' && view.counters.free === view.before('counters').free - 1;

const threshold = (id: string, claim: string, met: (view: View) => boolean): Goal => ({
  id,
  claim,
  needs: [],
  at: ['kmem_alloc', 'kmem_malloc', 'vm_fault', 'checked_write', 'cpu_write', 'checked_read', 'cpu_read'],
  watch: () => (view) => takenOne(view) && met(view),
});

const thresholds: readonly Goal[] = [
  threshold(
    'inactive-at-target',
    'Frames are below their target and exactly as many pages are inactive as wanted: nobody calls the daemon (PAGE-ALLOC-3).',
    ({ counters, machine, step }) =>
      counters.free >= machine.freeMin &&
      counters.free < machine.freeTarget &&
      counters.inactive === machine.inactiveTarget &&
      machine.inactiveTarget > 0 &&
      step?.daemonPoked !== true,
  ),
  threshold(
    'free-at-target',
    'Exactly as many frames are left as wanted, and too few pages are inactive.',
    ({ counters, machine }) =>
      counters.free === machine.freeTarget && counters.inactive < machine.inactiveTarget,
  ),
  threshold(
    'free-at-minimum',
    'Exactly the minimum of frames is left, and enough pages are inactive.',
    ({ counters, machine }) =>
      counters.free === machine.freeMin && machine.freeMin > 0 && counters.inactive >= machine.inactiveTarget,
  ),
];

/** vm_map_submap refused over an entry that would do, for one reason alone. */
const submapRefused = (
  id: string,
  claim: string,
  met: (view: View, operation: OperationOf<'vm_map_submap'>, entry: EntrySnapshot) => boolean,
): Goal =>
  when(
    id,
    claim,
    ['vm_map_submap'],
    ({ view, operation, outcome }) => {
      const entry = entryAt(view.maps.get(operation.map), operation.start);
      const submap = view.maps.get(operation.submap);
      if (codeOf(outcome) !== 4 || entry === undefined || submap === undefined) return false;
      if (submap.min !== operation.start || submap.max !== operation.end) return false;
      return met(view, operation, entry);
    },
    { needs: ['vm_map_create'] },
  );

const submaps: readonly Goal[] = [
  submapRefused(
    'submap-of-itself',
    'A map is refused as its own submap (MAP-SUB-1).',
    (_view, { map, submap, end }, entry) => map === submap && entry.backing === null && entry.end >= end,
  ),
  submapRefused(
    'submap-over-object',
    'A map that fits is refused because the range has an object.',
    (_view, { end }, entry) => objectName(entry) !== null && entry.end >= end,
  ),
  submapRefused(
    'submap-over-cut',
    'A map that fits is refused because two entries cover the range.',
    (_view, { end }, entry) => entry.backing === null && entry.end < end,
  ),
  {
    id: 'submap-attached-again',
    claim: 'A submap that lost its place is attached once more (MAP-DEL-1).',
    needs: ['vm_map_submap', 'vm_map_create'],
    at: ['vm_map_submap'],
    watch: () => {
      const attached = new Set<string>();
      return ({ subject, step }) => {
        if (subject?.kind !== 'vm_map_submap' || step === null || !succeeded(step.outcome)) return false;
        const again = attached.has(subject.submap);
        attached.add(subject.submap);
        return again;
      };
    },
  },
  when(
    'loose-map-dies',
    'vm_map_deallocate ends a map that nobody could reach, with memory in it (MAP-CREATE-2).',
    ['vm_map_deallocate'],
    ({ view, operation }) =>
      !view.maps.has(operation.map) && (mapBefore(view, operation.map)?.entryCount ?? 0) > 0,
    { needs: ['vm_map_create', 'kmem_alloc_pageable'] },
  ),
];

const rights: readonly Goal[] = [
  when(
    'write-without-read',
    'Memory that may be written and not read refuses a write, which needs both (DEV-19).',
    ['checked_write', 'cpu_write'],
    ({ view, operation, outcome }) => {
      const rightsOf = accessed(view, operation)?.protection ?? 0;
      return codeOf(outcome) === 2 && permits(rightsOf, VM_PROT_WRITE) && !permits(rightsOf, VM_PROT_READ);
    },
    { needs: ['vm_map_protect'] },
  ),
  when(
    'device-frame-over-wired',
    'A wired page of the scratch window is unwired while a device frame is mapped in its place (FAULT-UNW-1).',
    ['vm_map_pageable'],
    ({ view, operation, outcome }) => {
      if (!operation.pageable || !succeeded(outcome)) return false;
      for (let page = operation.start as number; page < operation.end; page += PAGE_SIZE)
        if ((view.mappings.get(page)?.frame ?? 0) >= view.machine.managedPages) return true;
      return false;
    },
    { needs: ['pmap_enter', 'pmap_kenter'], shows: ['pmap'] },
  ),
];

/** All goals of this file. */
export const ASLEEP_GOALS: readonly Goal[] = [...woken, ...thresholds, ...submaps, ...rights];
