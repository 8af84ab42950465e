/** Goals about pages, sleepers, mappings and accesses. */
import { PAGE_SIZE } from '../contract/address.ts';
import type { OperationKind } from '../contract/operation.ts';
import type { PageSnapshot } from '../contract/vm-page.ts';
import {
  addressOf,
  entryAt,
  FREES,
  type Goal,
  isAnonymous,
  mapBefore,
  objectName,
  pageOf,
  succeeded,
  when,
} from './goals-goal.ts';
import type { View } from './view.ts';

const FAULTS = ['vm_fault', 'checked_read', 'checked_write', 'cpu_read', 'cpu_write'] as const;

/** The page that a map shows at an address, now. */
function pageAt(view: View, map: string, at: number): PageSnapshot | undefined {
  const entry = entryAt(view.maps.get(map), at);
  const name = objectName(entry);
  if (entry === undefined || name === null) return undefined;
  const offset = entry.offset + pageOf(at) - entry.start;
  return view.objects.get(name)?.pages.find((page) => page.offset === offset);
}

/** Offsets of an object that no entry shows, which are resident nevertheless. */
function hiddenPage(view: View, name: string): boolean {
  const object = view.objects.get(name);
  if (object === undefined || !isAnonymous(name)) return false;
  const shown = [...view.maps.values()].flatMap(({ entries }) =>
    entries.filter((entry) => objectName(entry) === name),
  );
  return object.pages.some(({ offset }) =>
    shown.every((entry) => offset < entry.offset || offset >= entry.offset + entry.end - entry.start),
  );
}

const pages: readonly Goal[] = [
  when(
    'nowait-made-active',
    'A plain fault puts a nowait page on the ACTIVE queue although it is wired (Q-29).',
    FAULTS,
    ({ view, operation }) => {
      if (!('map' in operation)) return false;
      const page = pageAt(view, operation.map, operation.address);
      const entry = entryAt(view.maps.get(operation.map), operation.address);
      return page?.queue === 'active' && entry !== undefined && entry.wiredCount > 0;
    },
    { needs: ['kmem_malloc'] },
  ),
  when(
    'nowait-unwired',
    'A nowait page is unwired: it becomes ACTIVE and its wire count stays 0 (DEV-6).',
    ['vm_map_pageable'],
    ({ view, operation, outcome }) => {
      const before = entryAt(mapBefore(view, operation.map), operation.start);
      const page = pageAt(view, operation.map, operation.start);
      return (
        operation.pageable && succeeded(outcome) && objectName(before) === 'kmem' && page?.queue === 'active'
      );
    },
    { needs: ['kmem_malloc'] },
  ),
  when(
    'page-retained',
    'A page freed out of the middle of anonymous memory stays resident (Q-26).',
    FREES,
    ({ view }) =>
      view.touchedMaps.some(({ name }) => {
        const before = mapBefore(view, name)?.entries ?? [];
        return before.some((entry) => {
          const object = objectName(entry);
          return object !== null && isAnonymous(object) && hiddenPage(view, object);
        });
      }),
  ),
  when(
    'retained-page-dropped',
    'An anonymous object that grows again loses a page it had retained (OBJ-6).',
    ['kmem_alloc_pageable', 'kmem_alloc_wait'],
    ({ view, operation, outcome }) => {
      const start = addressOf(outcome);
      const name = start === undefined ? null : objectName(entryAt(view.maps.get(operation.map), start));
      if (name === null || !isAnonymous(name)) return false;
      const before = view.objectBefore(name)?.pages.length ?? 0;
      return (view.objects.get(name)?.pages.length ?? 0) < before;
    },
  ),
  when(
    'page-deactivated',
    'A page moves to the INACTIVE queue.',
    ['vm_page_deactivate'],
    ({ view }) => view.counters.inactive > view.before('counters').inactive,
  ),
  when(
    'inactive-faulted',
    'A fault takes a page off the INACTIVE queue.',
    FAULTS,
    ({ view }) => view.counters.inactive < view.before('counters').inactive,
    { needs: ['vm_page_deactivate'] },
  ),
  when(
    'inactive-wired',
    'Wiring takes a page off the INACTIVE queue.',
    ['vm_map_pageable'],
    ({ view, operation }) => !operation.pageable && view.counters.inactive < view.before('counters').inactive,
    { needs: ['vm_page_deactivate'] },
  ),
  when(
    'anonymous-object-dies',
    'The last entry of an anonymous object goes and all its pages with it.',
    FREES,
    ({ view }) =>
      view.touched.some(
        (cell) =>
          cell.startsWith('object:anon') &&
          !view.objects.has(cell.slice('object:'.length)) &&
          view.counters.free > view.before('counters').free,
      ),
  ),
];

const ANY_SLEEPER: readonly OperationKind[] = [
  'kmem_alloc',
  'kmem_malloc',
  'kmem_alloc_wait',
  'vm_map_pageable',
  ...FAULTS,
];

/** Whether the step at hand is a resume, and where its operation sleeps now. */
const resleeps = (view: View): string | undefined =>
  view.operation?.kind === 'resume' && view.step?.outcome.kind === 'sleep'
    ? view.step.outcome.event
    : undefined;

/** Numbers of the operations that were asleep for pages before the step. */
const wasAsleep = (view: View, event: string): readonly number[] =>
  view
    .before('sched')
    .asleep.filter((sleeper) => sleeper.event.startsWith(event))
    .map(({ operation }) => operation);

const sleepers: readonly Goal[] = [
  when(
    'woken-in-vain-for-pages',
    'An operation woken by the daemon finds no frame and sleeps again.',
    ANY_SLEEPER,
    ({ view }) => resleeps(view) === 'pages',
    { needs: ['resume', 'pagedaemon'] },
  ),
  when(
    'woken-in-vain-for-space',
    'A waiter for space is woken, finds too little and sleeps again (SCHED-8).',
    ['kmem_alloc_wait'],
    ({ view }) => resleeps(view)?.startsWith('map:') === true,
    { needs: ['resume'] },
  ),
  when(
    'space-waiter-served',
    'A waiter for space is woken and gets its range.',
    ['kmem_alloc_wait'],
    ({ view, outcome }) => view.operation?.kind === 'resume' && outcome.kind === 'address',
    { needs: ['resume'] },
  ),
  when(
    'page-waiter-served',
    'An operation that slept for frames finishes.',
    ['kmem_alloc', 'kmem_malloc', 'vm_map_pageable'],
    ({ view, outcome }) =>
      view.operation?.kind === 'resume' && (outcome.kind === 'address' || succeeded(outcome)),
    { needs: ['resume', 'pagedaemon'] },
  ),
  when(
    'several-woken',
    'One kmem_free_wakeup wakes several waiters (Q-2).',
    ['kmem_free_wakeup'],
    ({ view }) => (view.step?.woken?.length ?? 0) > 1,
  ),
  when(
    'wakeup-of-nobody',
    'kmem_free_wakeup frees memory and nobody waited.',
    ['kmem_free_wakeup'],
    ({ view, outcome }) => outcome.kind === 'done' && view.step?.woken === undefined,
  ),
  when(
    'plain-free-wakes-nobody',
    'kmem_free makes room in a map and its waiters sleep on (Q-1).',
    ['kmem_free'],
    ({ view, operation, outcome }) =>
      outcome.kind === 'done' &&
      wasAsleep(view, `map:${operation.map}`).length > 0 &&
      (view.maps.get(operation.map)?.size ?? 0) < (mapBefore(view, operation.map)?.size ?? 0),
  ),
  when(
    'frames-wake-nobody',
    'Frames become free while operations sleep for them, and they sleep on (Q-20).',
    FREES,
    ({ view }) => wasAsleep(view, 'pages').length > 0 && view.counters.free > view.before('counters').free,
  ),
  {
    id: 'transition-waiter-woken',
    claim: 'An operation that waited for a range in transition becomes runnable when its owner is done.',
    needs: ['resume'],
    at: 'any',
    watch: () => (view) => {
      const woken = view.step?.woken;
      if (woken === undefined) return false;
      const waited = wasAsleep(view, 'trans:');
      return woken.some((operation) => waited.includes(operation));
    },
  },
  {
    id: 'page-deadlock',
    claim: 'Everybody sleeps for frames, none is free, and the daemon has been asked in vain (SCHED-7).',
    needs: ['resume', 'pagedaemon'],
    at: 'any',
    watch: () => (view) =>
      resleeps(view) === 'pages' && view.counters.free === 0 && view.sched.runnable.length === 0,
  },
  {
    id: 'daemon-poked-by-threshold',
    claim: 'An allocation that succeeds pokes the daemon because few frames are left (PAGE-ALLOC-3).',
    needs: [],
    at: 'any',
    watch: () => (view) => view.step?.daemonPoked === true && view.step.outcome.kind !== 'sleep',
  },
  when(
    'filled-by-a-fault',
    'kmem_alloc goes on and finds a page resident that a fault put into its range (DEV-48).',
    ['kmem_alloc'],
    ({ view, operation, outcome }) => {
      if (view.operation?.kind !== 'resume' || outcome.kind !== 'address') return false;
      const size = Math.ceil(operation.size / PAGE_SIZE);
      const before = view.before('counters').free;
      const own = view.before('object:kernel')?.pages ?? [];
      const base = outcome.address - view.machine.kernelMin;
      const resident = own.filter(({ offset }) => offset >= base && offset < base + size * PAGE_SIZE);
      return resident.some(({ queue }) => queue === 'active') && view.counters.free <= before;
    },
    { needs: ['vm_fault', 'resume', 'pagedaemon'] },
  ),
];

/** All goals of this file. */
export const PAGE_GOALS: readonly Goal[] = [...pages, ...sleepers];
