/** Goals about answers: every KERN code, every way to get nothing, every place to sleep, every panic. */
import { ADDRESS_SPACE_END, PAGE_SIZE, roundPageUnwrapped } from '../contract/address.ts';
import type { OperationKind } from '../contract/operation.ts';
import { PANIC } from '../contract/outcome.ts';
import { type Goal, largestHole, when } from './goals-goal.ts';
import { PAGE_TAKERS } from './page-takers.ts';

const CODE_NAMES: Readonly<Record<number, string>> = {
  0: 'succeeds',
  1: 'answers INVALID_ADDRESS',
  2: 'answers PROTECTION_FAILURE',
  3: 'answers NO_SPACE',
  4: 'answers INVALID_ARGUMENT',
};

/** Codes that each operation can return in stage 1. */
const KERN_CODES: readonly (readonly [OperationKind, readonly number[]])[] = [
  ['vm_map_insert', [0, 1, 3, 4]],
  ['vm_map_find', [0, 1, 3, 4]],
  ['vm_map_submap', [0, 4]],
  ['vm_map_protect', [0, 2, 4]],
  ['vm_map_inherit', [0, 4]],
  ['vm_map_remove', [0, 4]],
  ['vm_map_delete', [0, 4]],
  ['vm_fault', [0, 1, 2]],
  ['checked_read', [1, 2]],
  ['checked_write', [0, 1, 2]],
];

const kernGoals: readonly Goal[] = KERN_CODES.flatMap(([kind, codes]) =>
  codes.map((code) =>
    when(
      `kern:${kind}:${code}`,
      `${kind} ${CODE_NAMES[code]}.`,
      [kind],
      ({ outcome }) => outcome.kind === 'kern' && outcome.code === code,
    ),
  ),
);

const pageableGoals: readonly Goal[] = [true, false].flatMap((pageable) =>
  [0, 1, 4].map((code) => {
    const verb = pageable ? 'unwire' : 'wire';
    return when(
      `kern:${verb}:${code}`,
      `vm_map_pageable, called to ${verb}, ${CODE_NAMES[code]}.`,
      ['vm_map_pageable'],
      ({ operation, outcome }) =>
        operation.pageable === pageable && outcome.kind === 'kern' && outcome.code === code,
    );
  }),
);

const trapGoals: readonly Goal[] = (['cpu_read', 'cpu_write'] as const).flatMap((kind) =>
  [1, 2].map((code) =>
    when(
      `trap:${kind}:${code}`,
      `${kind} traps because the fault ${CODE_NAMES[code]}.`,
      [kind],
      ({ outcome }) => outcome.kind === 'trap' && outcome.code === code,
    ),
  ),
);

const ALLOCATORS = ['kmem_alloc_pageable', 'kmem_alloc', 'kmem_malloc', 'kmem_alloc_wait'] as const;
const LARGEST_ROUNDABLE = ADDRESS_SPACE_END - PAGE_SIZE;

const noneGoals: readonly Goal[] = ALLOCATORS.flatMap((kind) => [
  when(
    `none:zero:${kind}`,
    `${kind} of zero bytes answers nothing (DEV-1).`,
    [kind],
    ({ operation, outcome }) => outcome.kind === 'none' && operation.size === 0,
  ),
  when(
    `none:overflow:${kind}`,
    `${kind} of a size whose rounding overflows answers nothing.`,
    [kind],
    ({ operation, outcome }) => outcome.kind === 'none' && operation.size > LARGEST_ROUNDABLE,
  ),
  when(
    `none:no-space:${kind}`,
    `${kind} answers nothing because the map has no room.`,
    [kind],
    ({ view, operation, outcome }) => {
      const { size, map } = operation;
      if (outcome.kind !== 'none' || size === 0 || size > LARGEST_ROUNDABLE) return false;
      const target = view.maps.get(map);
      return target !== undefined && largestHole(target) < roundPageUnwrapped(size);
    },
  ),
]);

const PAGES_OBTAINED = [0, 1, 2, 3, 4] as const;

const shortageGoals: readonly Goal[] = PAGES_OBTAINED.map((obtained) =>
  when(
    obtained === 4 ? 'shortage-at-page-5-or-later' : `shortage-at-page-${obtained + 1}`,
    `kmem_malloc without waiting finds no frame for page ${obtained + 1}${obtained === 4 ? ' or a later one' : ''} and gives back what it had.`,
    ['kmem_malloc'],
    ({ view, operation, outcome }) => {
      if (outcome.kind !== 'none' || operation.canWait) return false;
      const target = view.maps.get(operation.map);
      const size = roundPageUnwrapped(operation.size);
      if (target === undefined || size === 0 || largestHole(target) < size) return false;
      const { free } = view.counters;
      return obtained === 4 ? free >= obtained : free === obtained;
    },
  ),
);

const searchGoals: readonly Goal[] = [
  when(
    'findspace-none',
    'vm_map_findspace finds no room.',
    ['vm_map_findspace'],
    ({ outcome, operation }) => outcome.kind === 'none' && operation.length > 0,
  ),
  when(
    'findspace-zero',
    'vm_map_findspace of zero bytes finds nothing (DEV-1).',
    ['vm_map_findspace'],
    ({ outcome, operation }) => outcome.kind === 'none' && operation.length === 0,
  ),
  when(
    'find-hint-honoured',
    'vm_map_find with a search starts at a hint above the first hole and takes room there.',
    ['vm_map_find'],
    ({ view, operation, outcome }) => {
      const target = view.maps.get(operation.map);
      const found = outcome.kind === 'kern' ? outcome.address : undefined;
      return operation.findSpace && target !== undefined && found === operation.address && found > target.min;
    },
  ),
  when(
    'lookup-header',
    'vm_map_lookup_entry answers the header because no entry lies at or below the address.',
    ['vm_map_lookup_entry'],
    ({ outcome }) => outcome.kind === 'entry' && outcome.start === null,
  ),
  ...[true, false].map((value) =>
    when(
      `check-protection-${value}`,
      `vm_map_check_protection answers ${value}.`,
      ['vm_map_check_protection'],
      ({ outcome }) => outcome.kind === 'flag' && outcome.value === value,
    ),
  ),
];

const TRANSITION_SLEEPERS: readonly OperationKind[] = [
  'kmem_free',
  'kmem_free_wakeup',
  'vm_map_remove',
  'vm_map_protect',
  'vm_map_inherit',
  'vm_map_pageable',
];

const sleepGoals: readonly Goal[] = [
  ...PAGE_TAKERS.map((kind) =>
    when(
      `sleep:pages:${kind}`,
      `${kind} sleeps because no frame is free.`,
      [kind],
      ({ outcome }) => outcome.kind === 'sleep' && outcome.event === 'pages',
    ),
  ),
  ...TRANSITION_SLEEPERS.map((kind) =>
    when(
      `sleep:transition:${kind}`,
      `${kind} waits for another operation to finish with its range (DEV-15, DEV-16).`,
      [kind],
      ({ outcome }) => outcome.kind === 'sleep' && outcome.event.startsWith('trans:'),
    ),
  ),
  when(
    'sleep:space:kmem_alloc_wait',
    'kmem_alloc_wait sleeps because the map has no room.',
    ['kmem_alloc_wait'],
    ({ outcome }) => outcome.kind === 'sleep',
  ),
];

/** Panics that generated scenarios must reach, with the kinds that can raise them. */
const REACHABLE_PANICS: readonly (readonly [string, string, readonly OperationKind[]])[] = [
  ['wrong-map', PANIC.mallocWrongMap, ['kmem_malloc']],
  ['map-too-small', PANIC.mallocMapTooSmall, ['kmem_malloc']],
  ['suballoc', PANIC.suballoc, ['kmem_suballoc']],
  ['unable-to-change-range', PANIC.suballocUnableToChange, ['kmem_suballoc']],
  ['out-of-maps', PANIC.outOfMaps, ['vm_map_create', 'kmem_suballoc']],
  ['enter-too-big', PANIC.enterTooBig, ['pmap_enter', 'pmap_kenter']],
  ['no-page-table-page', PANIC.noPageTablePage, ['pmap_enter']],
  ['invalid-page-directory', PANIC.invalidPageDirectory, ['pmap_enter', 'pmap_kenter']],
];

/** Panic texts of SPEC §12 that no scenario of stage 1 can produce, and why. */
export const UNREACHABLE_PANICS: readonly { readonly text: string; readonly reason: string }[] = [
  {
    text: PANIC.pageAlreadyInserted,
    reason:
      'pages enter an object only at allocation, fresh from the free queue and only where none is resident',
  },
  {
    text: PANIC.pageAlreadyActive,
    reason: 'a fault takes the page off its queue before it activates it, and nothing else activates pages',
  },
  {
    text: 'kmem_malloc: entry not found or misaligned',
    reason: 'kmem_malloc holds the map lock from the insertion of the entry to its use',
  },
  {
    text: 'kmem_suballoc: cannot create submap',
    reason: 'map records come from the host heap, or the static pool panics first',
  },
  {
    text: 'vm_fault: active, inactive or !busy after main loop',
    reason: 'nobody else can put a busy page on a queue while operations run one at a time',
  },
  {
    text: 'vm_page_unhold: hold count < 0!!!',
    reason: 'a page table is held once for each valid word, and let go only as a word goes',
  },
];

/** Other answers of the contract that no scenario of stage 1 can produce, and why. */
export const UNREACHABLE_ANSWERS: readonly { readonly answer: string; readonly reason: string }[] = [
  {
    answer: 'code 100 of checked_read and checked_write',
    reason:
      'a fault that succeeds enters every right of the entry, and those include the right that was asked for; only copy-on-write entries differ',
  },
];

const panicGoals: readonly Goal[] = [
  ...REACHABLE_PANICS.map(([slug, text, kinds]) =>
    when(
      `panic:${slug}`,
      `The machine stops with "${text}".`,
      kinds,
      ({ outcome }) => outcome.kind === 'panic' && outcome.text === text,
      slug.startsWith('enter') || slug.startsWith('invalid') || slug.startsWith('out')
        ? {}
        : { needs: slug.startsWith('no-page') ? ['pmap_create', ...kinds] : kinds },
    ),
  ),
  {
    id: 'panic:out-of-map-entries',
    claim: `The machine stops with "${PANIC.outOfMapEntries}".`,
    needs: [],
    shows: ['structure'],
    at: 'any',
    watch: () => (view) =>
      view.step?.outcome.kind === 'panic' && view.step.outcome.text === PANIC.outOfMapEntries,
  },
  when(
    'panic:unwire-not-in-pmap',
    `The machine stops with "${PANIC.unwireNotInPmap}" after its caller aliased an object.`,
    ['vm_map_pageable', 'kmem_free', 'kmem_free_wakeup', 'vm_map_remove', 'vm_map_delete'],
    ({ outcome }) => outcome.kind === 'panic' && outcome.text === PANIC.unwireNotInPmap,
    { needs: ['vm_map_insert'] },
  ),
];

/** All goals of this file. */
export const OUTCOME_GOALS: readonly Goal[] = [
  ...kernGoals,
  ...pageableGoals,
  ...trapGoals,
  ...noneGoals,
  ...shortageGoals,
  ...searchGoals,
  ...sleepGoals,
  ...panicGoals,
];
