/** Goals about entries, submaps and rights. */
import { ADDRESS_SPACE_END, PAGE_SIZE, PDE_SPAN, roundPageUnwrapped } from '../contract/address.ts';
import type { OperationKind } from '../contract/operation.ts';
import type { EntrySnapshot, MapName, MapSnapshot } from '../contract/vm-map.ts';
import {
  addressOf,
  entryAt,
  type Goal,
  isAnonymous,
  mapBefore,
  objectName,
  submapName,
  succeeded,
  when,
} from './goals-goal.ts';
import type { View } from './view.ts';

const SPACE_TAKERS = ['kmem_alloc_pageable', 'kmem_alloc', 'kmem_malloc', 'kmem_alloc_wait'] as const;
const NULL_TAKERS = ['kmem_alloc_pageable', 'kmem_alloc_wait'] as const;
const FREES = ['kmem_free', 'kmem_free_wakeup', 'vm_map_remove', 'vm_map_delete'] as const;

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

function freedRange(operation: { readonly kind: string }): { start: number; end: number } | undefined {
  if ('start' in operation && 'end' in operation)
    return typeof operation.start === 'number' && typeof operation.end === 'number'
      ? { start: operation.start, end: operation.end }
      : undefined;
  if (!('address' in operation) || !('size' in operation)) return undefined;
  const { address, size } = operation;
  if (typeof address !== 'number' || typeof size !== 'number' || size === 0) return undefined;
  return { start: address - (address % PAGE_SIZE), end: roundPageUnwrapped(address + size) };
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
    'boots-with-lost-reservation',
    'A machine runs whose boot reservation lay under the boot entry (Q-22).',
    ENTRY_TAKERS,
    ({ view }) => view.machine.reserved.some(({ start }) => start < view.machine.kernelStart),
  ),
];

/** A submap that lived before the step and is gone after it. */
function diedSubmap(view: View): boolean {
  return view.touched.some((cell) => {
    if (!cell.startsWith('map:')) return false;
    const name = cell.slice('map:'.length);
    return !view.maps.has(name) && view.before(`map:${name}`) !== null;
  });
}

const submaps: readonly Goal[] = [
  when(
    'submap-nested',
    'A submap is made inside a submap.',
    ['kmem_suballoc'],
    ({ operation, outcome }) => outcome.kind === 'submap' && operation.parent !== 'kernel',
  ),
  when(
    'mb-below-kmem',
    'mb lies below kmem, so that its offsets wrap (DEV-33).',
    ['kmem_malloc'],
    ({ view, operation, outcome }) => {
      const [mb, kmem] = [view.maps.get('mb'), view.maps.get('kmem')];
      return (
        outcome.kind === 'address' &&
        operation.map === 'mb' &&
        mb !== undefined &&
        kmem !== undefined &&
        mb.min < kmem.min
      );
    },
  ),
  when(
    'submap-in-use-kept',
    'kmem_free over a submap in use is refused and says nothing (DEV-12).',
    ['kmem_free'],
    ({ view, operation, outcome }) => {
      const range = freedRange(operation);
      if (outcome.kind !== 'done' || range === undefined) return false;
      const entries = view.maps.get(operation.map)?.entries ?? [];
      return entries.some(
        (entry) => submapName(entry) !== null && entry.start < range.end && entry.end > range.start,
      );
    },
  ),
  when(
    'submap-removed',
    'The placeholder of an empty submap is freed, and the submap ends.',
    FREES,
    ({ view }) => diedSubmap(view),
    { needs: ['vm_map_deallocate'] },
  ),
  when(
    'map-deallocated',
    'vm_map_deallocate ends a map.',
    ['vm_map_deallocate'],
    ({ view, operation, outcome }) => outcome.kind === 'done' && !view.maps.has(operation.map),
  ),
  when(
    'submap-over-touched',
    'A fault through a parent map lands in a submap.',
    ['vm_fault', 'checked_write', 'cpu_write'],
    ({ view, operation, outcome }) => {
      const at = operation.address;
      if (outcome.kind !== 'done' && !succeeded(outcome)) return false;
      const map = 'map' in operation ? operation.map : 'kernel';
      const entry = entryAt(view.maps.get(map), at);
      return entry !== undefined && submapName(entry) !== null && view.touchedMappings.length > 0;
    },
  ),
  when(
    'map-attached',
    'vm_map_submap attaches a map that vm_map_create made.',
    ['vm_map_submap'],
    ({ outcome }) => succeeded(outcome),
    { needs: ['vm_map_create'] },
  ),
  when(
    'static-map-released',
    'A static map record comes back after kmem made new ones come from the heap (DEV-34).',
    ['vm_map_deallocate', ...FREES],
    ({ view }) => view.maps.has('kmem') && view.pools.freeMaps > view.before('pools').freeMaps,
    { needs: ['kmem_suballoc', 'vm_map_deallocate'] },
  ),
];

const attributes: readonly Goal[] = [
  when(
    'protect-over-submap',
    'vm_map_protect is refused over a submap, and the map stays usable (DEV-3).',
    ['vm_map_protect'],
    ({ view, operation, outcome }) => {
      if (outcome.kind !== 'kern' || outcome.code !== 4) return false;
      const entries = view.maps.get(operation.map)?.entries ?? [];
      return entries.some(
        (entry) => submapName(entry) !== null && entry.start < operation.end && entry.end > operation.start,
      );
    },
  ),
  when(
    'wire-over-submap',
    'vm_map_pageable refuses to wire over a submap (DEV-13).',
    ['vm_map_pageable'],
    ({ view, operation, outcome }) => {
      if (operation.pageable || outcome.kind !== 'kern' || outcome.code !== 4) return false;
      const entries = view.maps.get(operation.map)?.entries ?? [];
      return entries.some(
        (entry) => submapName(entry) !== null && entry.start < operation.end && entry.end > operation.start,
      );
    },
  ),
  when(
    'wire-empty-range',
    'Wiring an empty range inside an entry changes nothing (DEV-14).',
    ['vm_map_pageable'],
    ({ view, operation, outcome }) => {
      const entry = entryAt(view.maps.get(operation.map), operation.start);
      return (
        !operation.pageable &&
        succeeded(outcome) &&
        operation.start === operation.end &&
        entry !== undefined &&
        entry.start < operation.start
      );
    },
  ),
  when(
    'wired-twice',
    'A range is wired twice (Q-16).',
    ['vm_map_pageable'],
    ({ view, operation, outcome }) =>
      !operation.pageable &&
      succeeded(outcome) &&
      (entryAt(view.maps.get(operation.map), operation.start)?.wiredCount ?? 0) > 1,
  ),
  when('freed-wired-twice', 'Memory wired more than once is freed (Q-6).', FREES, ({ view, operation }) => {
    const range = freedRange(operation);
    const entry = range && entryAt(mapBefore(view, operation.map), range.start);
    return (
      entry !== undefined &&
      entry.wiredCount > 1 &&
      entryAt(view.maps.get(operation.map), entry.start) === undefined
    );
  }),
  when(
    'maximum-lowered',
    'vm_map_protect lowers the maximum for good.',
    ['vm_map_protect'],
    ({ view, operation, outcome }) =>
      operation.setMax &&
      succeeded(outcome) &&
      (entryAt(view.maps.get(operation.map), operation.start)?.maxProtection ?? 7) !== 7,
  ),
  when(
    'residue-clip',
    'A refused operation leaves a clip behind (Q-21).',
    ['vm_map_protect', 'vm_map_pageable'],
    ({ view, operation, outcome }) =>
      outcome.kind === 'kern' &&
      outcome.code === 4 &&
      (view.maps.get(operation.map)?.entryCount ?? 0) > (mapBefore(view, operation.map)?.entryCount ?? 0),
  ),
  when(
    'unaligned-refused',
    'An unaligned bound is refused (DEV-36).',
    ['vm_map_protect', 'vm_map_inherit', 'vm_map_pageable', 'vm_map_remove'],
    ({ operation, outcome }) =>
      outcome.kind === 'kern' &&
      outcome.code === 4 &&
      (operation.start % PAGE_SIZE !== 0 || operation.end % PAGE_SIZE !== 0),
  ),
  when(
    'free-past-memory',
    'kmem_free of a range that reaches past 2^32 frees up to the end of the map (DEV-8).',
    ['kmem_free'],
    ({ view, operation }) =>
      operation.address + operation.size >= ADDRESS_SPACE_END &&
      (view.maps.get(operation.map)?.size ?? 0) < (mapBefore(view, operation.map)?.size ?? 0),
  ),
  when(
    'free-of-nothing',
    'kmem_free of zero bytes inside an entry neither frees nor clips (DEV-37).',
    ['kmem_free'],
    ({ view, operation }) =>
      operation.size === 0 &&
      operation.address % PAGE_SIZE !== 0 &&
      entryAt(view.maps.get(operation.map), operation.address) !== undefined,
  ),
];

export const MAP_GOALS: readonly Goal[] = [
  ...coalescing,
  ...clipping,
  ...pools,
  ...extremes,
  ...submaps,
  ...attributes,
];
