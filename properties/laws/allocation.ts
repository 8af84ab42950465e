/** Laws of single allocations: what is given back is back, what failed left nothing. */

import { type ByteCount, bytes, pages } from '../../contract/address.ts';
import type { Show } from '../../contract/kernel-memory.ts';
import type { Operation } from '../../contract/operation.ts';
import { NO_SPACES } from '../../contract/pmap.ts';
import { meaningDifferences } from '../meaning.ts';
import type { StateView } from '../view.ts';
import { outcomeWord } from '../wording.ts';
import type { Law } from './law.ts';
import { stateDifferences, Trial, witnesses } from './trial.ts';

type Allocation = Extract<
  Operation,
  { kind: 'kmem_alloc' | 'kmem_alloc_pageable' | 'kmem_malloc' | 'kmem_alloc_wait' }
>;

/** Every allocator that can be called now, for one size. */
function allocations(state: StateView, size: ByteCount): Allocation[] {
  const own: Allocation[] = [
    { kind: 'kmem_alloc_pageable', map: 'kernel', size },
    { kind: 'kmem_alloc', map: 'kernel', size },
    { kind: 'kmem_alloc_wait', map: 'kernel', size },
  ];
  if (!state.maps.has('kmem')) return own;
  return [
    ...own,
    { kind: 'kmem_malloc', map: 'kmem', size, canWait: false },
    { kind: 'kmem_malloc', map: 'kmem', size, canWait: true },
  ];
}

const act = (operation: Allocation): string =>
  `${operation.kind}(${operation.map}, ${operation.size}${'canWait' in operation ? `, ${operation.canWait}` : ''})`;

const EVERYTHING: readonly Show[] = ['maps', 'objects', 'pages', 'pmap'];

/** Room and pages for the taking: then no allocator sleeps or panics for want of them. */
function isAffordable(trial: Trial, { map, size }: Allocation, state: StateView): boolean {
  const min = state.maps.get(map)?.min;
  if (min === undefined || pages(state.counters.free) < size) return false;
  return trial.apply({ kind: 'vm_map_findspace', map, start: min, length: size }).kind === 'address';
}

/** True where a fresh range without pages grows an anonymous object, which forgets pages of an earlier owner (Q-26). */
function growsAnonymous(state: StateView, { kind, map }: Allocation, at: number): boolean {
  if (kind !== 'kmem_alloc_pageable' && kind !== 'kmem_alloc_wait') return false;
  const previous = state.maps.get(map)?.entries.find(({ end }) => end === at)?.backing ?? null;
  return previous !== null && 'object' in previous && previous.object.startsWith('anon');
}

export const allocateThenFreeRestores: Law = {
  id: 'INV-ACC-ALLOCFREE',
  claim: 'Freeing what was just allocated restores every map, object, mapping and counter.',
  source: 'KM-ALLOC-2, KM-MALLOC-6, KM-PAGEABLE-1, KM-FREE-2',
  check(module, machine, prefix) {
    const trial = new Trial(module, machine, prefix);
    if (trial.stopped) return [];
    for (const size of [pages(1), bytes(pages(2) + 1)])
      for (const operation of allocations(trial.look(), size)) {
        const before = trial.look();
        if (!isAffordable(trial, { ...operation, size: roundedUp(operation.size) }, before)) continue;
        const outcome = trial.apply(operation);
        if (trial.stopped) return [];
        if (outcome.kind !== 'address')
          return [`${act(operation)} had room but answered ${outcomeWord(outcome)}`];
        trial.apply({ kind: 'kmem_free', map: operation.map, address: outcome.address, size });
        if (trial.stopped) return [`kmem_free after ${act(operation)} panicked`];
        const after = trial.look();
        const shows = growsAnonymous(before, operation, outcome.address) ? ['maps' as const] : EVERYTHING;
        const found = witnesses(act(operation), restoration(before, after, shows, machine.managedPages));
        if (found.length > 0) return found;
      }
    return [];
  },
};

const roundedUp = (size: ByteCount): ByteCount => pages(Math.ceil(size / pages(1)));

function* restoration(
  before: StateView,
  after: StateView,
  shows: readonly Show[],
  managedPages: number,
): ReturnType<typeof meaningDifferences> {
  // An allocation that ends may wake those who wait for the end of a transition: no difference.
  yield* meaningDifferences(before, { ...after, sched: before.sched }, new Set(shows), managedPages);
  if (shows.includes('pmap'))
    yield* stateDifferences({ ...NOTHING, pmap: before.pmap }, { ...NOTHING, pmap: after.pmap });
}

/** A state in which nothing is, to compare two others in one part only. */
const NOTHING: StateView = {
  maps: new Map(),
  objects: new Map(),
  mappings: new Map(),
  pv: new Map(),
  queues: { free: [], active: [], inactive: [] },
  counters: { free: 0, active: 0, inactive: 0, wired: 0 },
  pools: { freeEntries: null, freeMaps: 0 },
  pmap: { references: 1, resident: 0, wired: 0 },
  spaces: NO_SPACES,
  sched: { asleep: [], runnable: [] },
  transitions: [],
};

/** Nothing, and two sizes whose rounding does not fit 32 bits (KM-SIZE-1). */
const HOLLOW_SIZES: readonly ByteCount[] = [bytes(0), bytes(0xffff_f001), bytes(0xffff_ffff)];

export const zeroSizeChangesNothing: Law = {
  id: 'INV-ACC-SIZEZERO',
  claim: 'A request of no bytes, or of more than an address can count, is refused and changes nothing.',
  source: 'KM-SIZE-1, KM-FREE-1, MAP-SPACE-1',
  check(module, machine, prefix) {
    const trial = new Trial(module, machine, prefix);
    if (trial.stopped) return [];
    const before = trial.look();
    const found: string[] = [];
    for (const size of HOLLOW_SIZES)
      for (const operation of allocations(before, size)) {
        const outcome = trial.apply(operation);
        if (outcome.kind !== 'none') found.push(`${act(operation)} answered ${outcomeWord(outcome)}`);
      }
    for (const { start } of before.maps.get('kernel')?.entries ?? [])
      trial.apply({ kind: 'kmem_free', map: 'kernel', address: start, size: bytes(0) });
    return [...found, ...witnesses('size zero', stateDifferences(before, trial.look()))];
  },
};

export const failedNowaitRollsBack: Law = {
  id: 'INV-ACC-KMEMROLLBACK',
  claim: 'A kmem_malloc that must not wait and finds too few pages changes only the order of the free queue.',
  source: 'KM-MALLOC-5',
  check(module, machine, prefix) {
    const trial = new Trial(module, machine, prefix);
    const before = trial.look();
    if (trial.stopped || !before.maps.has('kmem')) return [];
    const size = pages(before.counters.free + 1);
    const outcome = trial.apply({ kind: 'kmem_malloc', map: 'kmem', size, canWait: false });
    if (trial.stopped) return [];
    if (outcome.kind !== 'none')
      return [`${before.counters.free} free pages gave ${size} bytes: ${outcomeWord(outcome)}`];
    const after = trial.look();
    const [had, has] = [before.queues.free, after.queues.free].map((queue) =>
      queue.toSorted((one, other) => one - other).join(' '),
    );
    const lost = had === has ? [] : [`free frames ${had} became ${has}`];
    return [...lost, ...witnesses('failed kmem_malloc', stateDifferences(before, after, ['queue:free']))];
  },
};
