/** Goals about how entries grow, merge and are cut, and about the bounds of maps and pools. */
import { ADDRESS_SPACE_END, PAGE_SIZE, PDE_SPAN, roundPageUnwrapped } from '../contract/address.ts';
import type { OperationKind } from '../contract/operation.ts';
import type { EntrySnapshot, MapName, MapSnapshot } from '../contract/vm-map.ts';
import {
  addressOf,
  entryAt,
  FREES,
  freedRange,
  type Goal,
  isAnonymous,
  mapBefore,
  objectName,
  succeeded,
  when,
} from './goals-goal.ts';
import type { View } from './view.ts';

const SPACE_TAKERS = ['kmem_alloc_pageable', 'kmem_alloc', 'kmem_malloc', 'kmem_alloc_wait'] as const;
const NULL_TAKERS = ['kmem_alloc_pageable', 'kmem_alloc_wait'] as const;

/** The entry that an allocation grew, where it did not get one of its own. */
function grownEntry(view: View, map: MapName, start: number | undefined): EntrySnapshot | undefined {
  if (start === undefined) return undefined;
  const entry = entryAt(view.maps.get(map), start);
  return entry !== undefined && entry.start < start ? entry : undefined;
}

const coalescing: readonly Goal[] = [
  when(
    'coalesced-null',
    'An allocation grows the entry without object before it.',
    NULL_TAKERS,
    (answered) => {
      const { view, operation, outcome } = answered;
      const grown = grownEntry(view, operation.map, addressOf(outcome));
      return grown?.backing === null && grown.start > view.machine.kernelMin;
    },
  ),
  when('coalesced-anonymous', 'An allocation grows an anonymous object.', NULL_TAKERS, (answered) => {
    const { view, operation, outcome } = answered;
    return isAnonymous(objectName(grownEntry(view, operation.map, addressOf(outcome))));
  }),
  when('coalesced-boot', 'An allocation grows the boot entry (BOOT-7).', NULL_TAKERS, (answered) => {
    const { view, operation, outcome } = answered;
    const grown = grownEntry(view, operation.map, addressOf(outcome));
    return grown !== undefined && grown.start < view.machine.kernelStart && operation.map === 'kernel';
  }),
  when('merged-wired', 'kmem_alloc merges its entry into the one before.', ['kmem_alloc'], (answered) => {
    const { view, operation, outcome } = answered;
    return grownEntry(view, operation.map, addressOf(outcome)) !== undefined;
  }),
  when(
    'merged-mixed',
    'A nowait block merges with one that could wait (KM-MALLOC-7).',
    ['kmem_malloc'],
    (answered) => {
      const { view, operation, outcome } = answered;
      const start = addressOf(outcome);
      const grown = grownEntry(view, operation.map, start);
      const pages = view.objects.get('kmem')?.pages ?? [];
      const base = view.maps.get('kmem')?.min;
      if (start === undefined || grown === undefined || base === undefined) return false;
      const before = pages.find(({ offset }) => offset === grown.offset + (start - grown.start) - PAGE_SIZE);
      return before !== undefined && before.wireCount > 0 !== operation.canWait;
    },
  ),
  when(
    'simplify-merged',
    'vm_map_simplify merges two entries.',
    ['vm_map_simplify'],
    ({ view, operation }) => {
      const before = mapBefore(view, operation.map);
      const now = view.maps.get(operation.map);
      return before !== null && now !== undefined && now.entryCount < before.entryCount;
    },
  ),
];

/** Entries of `before` that the range cuts at its start and at its end. */
function cuts(before: MapSnapshot, start: number, end: number): { start: boolean; end: boolean } {
  const inside = (at: number): boolean => {
    const entry = entryAt(before, at);
    return entry !== undefined && entry.start < at;
  };
  return { start: inside(start), end: inside(end) };
}

const clipGoal = (id: string, claim: string, wanted: { start: boolean; end: boolean }): Goal =>
  when(id, claim, FREES, ({ view, operation, outcome }) => {
    const range = freedRange(operation);
    const before = mapBefore(view, operation.map);
    if (range === undefined || before === null || (outcome.kind !== 'done' && !succeeded(outcome)))
      return false;
    if (before.size === view.maps.get(operation.map)?.size) return false;
    const cut = cuts(before, range.start, range.end);
    return cut.start === wanted.start && cut.end === wanted.end;
  });

const clipping: readonly Goal[] = [
  clipGoal('freed-front', 'The front of an entry is freed.', { start: false, end: true }),
  clipGoal('freed-back', 'The back of an entry is freed.', { start: true, end: false }),
  clipGoal('freed-middle', 'A range inside an entry or across several is freed, cutting both ends.', {
    start: true,
    end: true,
  }),
  when(
    'freed-nothing',
    'kmem_free of a range without entries changes nothing.',
    ['kmem_free'],
    (answered) => {
      const { view, operation, outcome } = answered;
      return (
        outcome.kind === 'done' &&
        operation.size > 0 &&
        mapBefore(view, operation.map)?.size === view.maps.get(operation.map)?.size
      );
    },
  ),
  when('freed-several', 'One kmem_free takes several entries away.', ['kmem_free'], ({ view, operation }) => {
    const before = mapBefore(view, operation.map)?.entryCount ?? 0;
    return before - (view.maps.get(operation.map)?.entryCount ?? before) >= 2;
  }),
];

/** Everything that may take a static entry. */
const ENTRY_TAKERS: readonly OperationKind[] = [
  ...SPACE_TAKERS,
  ...FREES,
  'vm_map_insert',
  'vm_map_find',
  'vm_map_inherit',
];

const pools: readonly Goal[] = [
  when(
    'last-entry-taken',
    'The last static map entry is taken.',
    ENTRY_TAKERS,
    ({ view }) => view.pools.freeEntries === 0 && view.before('pools').freeEntries !== 0,
    { shows: ['structure'] },
  ),
  when(
    'works-without-entries',
    'An allocator succeeds while no static entry is left.',
    SPACE_TAKERS,
    ({ view, outcome }) => outcome.kind === 'address' && view.before('pools').freeEntries === 0,
    { shows: ['structure'] },
  ),
  when(
    'last-map-record',
    'The last static map record is taken.',
    ['vm_map_create', 'kmem_suballoc'],
    ({ view, outcome }) =>
      outcome.kind !== 'panic' && view.pools.freeMaps === 0 && view.before('pools').freeMaps > 0,
  ),
];

const lastAddress = ({
  operation,
  outcome,
}: {
  operation: { size: number };
  outcome: Parameters<typeof addressOf>[0];
}) => {
  const start = addressOf(outcome);
  return start === undefined ? undefined : { start, end: start + roundPageUnwrapped(operation.size) };
};

const extremes: readonly Goal[] = [
  when('crosses-line', 'One allocation crosses a 4 MiB line.', SPACE_TAKERS, (answered) => {
    const range = lastAddress(answered);
    return (
      range !== undefined && Math.floor(range.start / PDE_SPAN) !== Math.floor((range.end - 1) / PDE_SPAN)
    );
  }),
  when(
    'wired-across-line',
    'Wired memory crosses a 4 MiB line.',
    ['kmem_alloc', 'kmem_malloc'],
    (answered) => {
      const range = lastAddress(answered);
      return (
        range !== undefined && Math.floor(range.start / PDE_SPAN) !== Math.floor((range.end - 1) / PDE_SPAN)
      );
    },
  ),
  when(
    'kernel-map-full-to-end',
    'An allocation ends with the last page of the kernel map.',
    SPACE_TAKERS,
    (answered) =>
      answered.operation.map === 'kernel' && lastAddress(answered)?.end === answered.view.machine.kernelMax,
  ),
  when(
    'last-page-of-memory',
    'An allocation ends with the last page that an address can name.',
    SPACE_TAKERS,
    (answered) => lastAddress(answered)?.end === ADDRESS_SPACE_END - PAGE_SIZE,
  ),
  when('submap-full', 'A submap is full to its last page.', SPACE_TAKERS, ({ view, operation, outcome }) => {
    const map = view.maps.get(operation.map);
    return (
      outcome.kind === 'address' &&
      operation.map !== 'kernel' &&
      map !== undefined &&
      map.size === map.max - map.min
    );
  }),
  when(
    'hole-below-entry',
    'An allocation takes a hole below an existing entry (DEV-2).',
    SPACE_TAKERS,
    ({ view, operation, outcome }) => {
      const start = addressOf(outcome);
      const last = view.maps.get(operation.map)?.entries.at(-1);
      return start !== undefined && last !== undefined && last.start > start;
    },
  ),
  when(
    'line-crowded',
    'More than 255 pages are mapped in one 4 MiB line.',
    ['kmem_alloc'],
    ({ view, operation, outcome }) => {
      const start = addressOf(outcome);
      if (start === undefined || operation.size < 255 * PAGE_SIZE) return false;
      const line = Math.floor(start / PDE_SPAN);
      let count = 0;
      for (const at of view.mappings.keys()) if (Math.floor(at / PDE_SPAN) === line) count += 1;
      return count > 255;
    },
    { needs: ['kmem_free'], shows: ['pmap'] },
  ),
  when(
    'boots-with-lost-reservation',
    'A machine runs whose boot reservation lay under the boot entry (Q-22).',
    ENTRY_TAKERS,
    ({ view }) => view.machine.reserved.some(({ start }) => start < view.machine.kernelStart),
  ),
];

/** All goals of this file. */
export const MAP_GOALS: readonly Goal[] = [...coalescing, ...clipping, ...pools, ...extremes];
