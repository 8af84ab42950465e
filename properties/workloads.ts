/** Named mixes of operations and machines, each for something that a uniform mix reaches too rarely. */
import { OPERATION_KINDS, type OperationKind } from '../contract/operation.ts';
import type { Weighted } from './generate-draw.ts';
import type { Bias } from './generate-ground.ts';
import type { MachineProfile } from './machines.ts';
import { HOSTILE_FAVOURS } from './workloads-hostile.ts';

/** All mixes, in the order in which they are listed. */
export const WORKLOAD_NAMES = [
  'balanced',
  'fragmenting',
  'wiring',
  'page-shortage',
  'entry-exhaustion',
  'submap',
  'protection',
  'top-of-memory',
  'hostile',
  'pmap',
] as const;
/** Name of a mix. */
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

/** Relative weight of each kind; 0 leaves it out. */
export type Weights = { readonly [Kind in OperationKind]: number };

/** A mix of operations with the machines it runs on. */
export interface Workload {
  readonly name: WorkloadName;
  /** What it is for, as a sentence about what it reaches. */
  readonly claim: string;
  /** Relative share in the default mix. */
  readonly share: number;
  readonly weights: Weights;
  readonly machines: Weighted<MachineProfile>;
  /** Share of operations that are deliberate error paths, 0 … 1; fixed before generation. */
  readonly errorShare: number;
  /** Share of operations that only read, 0 … 1; fixed before generation. */
  readonly readShare: number;
  readonly bias: Bias;
  /** Names of gambits it prefers, each at four times its weight. */
  readonly favours: readonly string[];
  /** True: callers alias objects, detach submaps and use the boot entry. */
  readonly hostile: boolean;
}

/** Kinds that change neither maps nor objects nor mappings, faults of a read apart. */
export const READ_ONLY_KINDS: ReadonlySet<OperationKind> = new Set([
  'vm_map_findspace',
  'vm_map_lookup_entry',
  'vm_map_check_protection',
  'checked_read',
  'cpu_read',
  'pmap_extract',
  'pmap_is_modified',
  'pmap_is_referenced',
]);

/** Kinds that hand out address space; a scenario never goes without all of them. */
export const ALLOCATOR_KINDS: readonly OperationKind[] = [
  'kmem_alloc_pageable',
  'kmem_alloc',
  'kmem_malloc',
  'kmem_alloc_wait',
  'vm_map_insert',
  'vm_map_find',
];

const BALANCED: Weights = {
  kmem_alloc_pageable: 12,
  kmem_alloc: 14,
  kmem_malloc: 22,
  kmem_alloc_wait: 5,
  kmem_free: 26,
  kmem_free_wakeup: 5,
  kmem_suballoc: 2,
  vm_map_create: 1,
  vm_map_deallocate: 1,
  vm_map_insert: 4,
  vm_map_findspace: 3,
  vm_map_find: 4,
  vm_map_lookup_entry: 3,
  vm_map_submap: 4,
  vm_map_protect: 6,
  vm_map_inherit: 3,
  vm_map_pageable: 9,
  vm_map_remove: 4,
  vm_map_delete: 2,
  vm_map_check_protection: 3,
  vm_map_simplify: 3,
  vm_page_deactivate: 3,
  vm_fault: 6,
  checked_read: 6,
  checked_write: 8,
  cpu_read: 6,
  cpu_write: 9,
  pmap_create: 0,
  pmap_pinit: 0,
  pmap_reference: 0,
  pmap_destroy: 0,
  pmap_release: 0,
  pmap_activate: 0,
  tlb_evict: 0,
  pmap_enter: 4,
  pmap_kenter: 3,
  pmap_remove: 2,
  pmap_protect: 2,
  pmap_page_protect: 2,
  pmap_change_wiring: 2,
  pmap_extract: 3,
  pmap_is_modified: 2,
  pmap_is_referenced: 2,
  pmap_clear_modify: 1,
  pmap_clear_reference: 1,
  pmap_zero_page: 1,
  pmap_copy_page: 1,
  pmap_update: 1,
  pagedaemon: 2,
  resume: 6,
};

/** Little of the map operations, for directories to lie among allocations. */
const PMAP_WEIGHTS: Weights = {
  ...(Object.fromEntries(OPERATION_KINDS.map((kind) => [kind, 0])) as Weights),
  kmem_alloc: 3,
  kmem_malloc: 2,
  kmem_free: 4,
  cpu_read: 30,
  cpu_write: 30,
  pmap_create: 5,
  pmap_pinit: 2,
  pmap_reference: 4,
  pmap_destroy: 3,
  pmap_release: 2,
  pmap_activate: 8,
  tlb_evict: 5,
  pmap_enter: 40,
  pmap_kenter: 8,
  pmap_remove: 14,
  pmap_protect: 10,
  pmap_page_protect: 8,
  pmap_change_wiring: 6,
  pmap_extract: 6,
  pmap_is_modified: 4,
  pmap_is_referenced: 4,
  pmap_clear_modify: 4,
  pmap_clear_reference: 4,
  pmap_zero_page: 1,
  pmap_copy_page: 1,
  pmap_update: 2,
  pagedaemon: 1,
  resume: 4,
};

const BALANCED_BIAS: Bias = { shortage: 8, sleepers: 35, wake: 45, gambit: 30 };

const MIXED_MACHINES: Weighted<MachineProfile> = [
  [300, 'small'],
  [100, 'medium'],
  [80, 'crowded'],
  [2, 'wide'],
  [80, 'mb-below'],
  [60, 'starved'],
  [90, 'static-maps'],
  [40, 'few-entries'],
  [60, 'top'],
  [350, 'random'],
];

const SMALL_MACHINES: Weighted<MachineProfile> = [
  [4, 'small'],
  [1, 'mb-below'],
  [1, 'top'],
  [5, 'random'],
];

const balanced: Workload = {
  name: 'balanced',
  claim: 'Every kind of operation runs, on every kind of machine.',
  share: 21,
  weights: BALANCED,
  machines: MIXED_MACHINES,
  errorShare: 0.1,
  readShare: 0.18,
  bias: BALANCED_BIAS,
  favours: [],
  hostile: false,
};

/** All mixes by name. */
export const WORKLOADS: { readonly [Name in WorkloadName]: Workload } = {
  balanced,
  fragmenting: {
    ...balanced,
    name: 'fragmenting',
    claim: 'Maps are cut into many small entries and holes, which allocators must find, fill and merge.',
    share: 12,
    weights: {
      ...BALANCED,
      kmem_alloc_pageable: 34,
      kmem_free: 40,
      vm_map_insert: 8,
      vm_map_find: 8,
      vm_map_simplify: 8,
      vm_map_remove: 10,
      vm_map_findspace: 8,
    },
    machines: [[1, 'medium'], ...SMALL_MACHINES],
    bias: { ...BALANCED_BIAS, gambit: 40 },
    favours: ['comb', 'retained-page', 'hole-at-minimum', 'nearly-alike', 'regrown'],
  },
  wiring: {
    ...balanced,
    name: 'wiring',
    claim:
      'Ranges are wired, wired again, unwired, protected and freed while wired, nowait pages among them.',
    share: 12,
    weights: { ...BALANCED, vm_map_pageable: 40, vm_map_protect: 10, vm_fault: 12, vm_page_deactivate: 8 },
    machines: SMALL_MACHINES,
    favours: ['nowait-block', 'mixed-neighbours', 'wired-without-rights', 'wired-unevenly', 'wiring-asleep'],
  },
  'page-shortage': {
    ...balanced,
    name: 'page-shortage',
    claim: 'Frames run out: operations sleep, are woken in vain, roll back, or meet ranges in transition.',
    share: 14,
    weights: { ...BALANCED, kmem_alloc: 26, kmem_malloc: 30, pagedaemon: 6, vm_map_pageable: 12 },
    machines: [
      [5, 'starved'],
      [2, 'small'],
      [3, 'random'],
    ],
    errorShare: 0.12,
    readShare: 0.12,
    bias: { shortage: 40, sleepers: 50, wake: 55, gambit: 35 },
    favours: [
      'short-nowait',
      'starved-owner',
      'filled-by-fault',
      'changed-while-asleep',
      'wiring-asleep',
      'at-threshold',
    ],
  },
  'entry-exhaustion': {
    ...balanced,
    name: 'entry-exhaustion',
    claim: 'The static pool of map entries runs empty, and clipping stops the machine.',
    share: 6,
    weights: { ...BALANCED, kmem_alloc_pageable: 30, vm_map_insert: 12, kmem_free: 30, vm_map_inherit: 12 },
    machines: [
      [6, 'few-entries'],
      [1, 'static-maps'],
    ],
    bias: { ...BALANCED_BIAS, gambit: 40 },
    favours: ['interior-frees', 'many-maps', 'comb'],
  },
  submap: {
    ...balanced,
    name: 'submap',
    claim: 'Submaps are made, nested, filled to the last page, waited for, emptied and taken away.',
    share: 10,
    weights: {
      ...BALANCED,
      kmem_suballoc: 8,
      vm_map_create: 6,
      vm_map_submap: 12,
      vm_map_deallocate: 5,
      kmem_alloc_wait: 18,
      kmem_free_wakeup: 16,
    },
    machines: [
      [3, 'small'],
      [2, 'static-maps'],
      [2, 'mb-below'],
      [4, 'random'],
    ],
    bias: { ...BALANCED_BIAS, sleepers: 60, gambit: 40 },
    favours: [
      'submap-life',
      'attached-map',
      'space-waiter',
      'abandoned-submap',
      'nearly-submap',
      'map-in-itself',
    ],
  },
  protection: {
    ...balanced,
    name: 'protection',
    claim: 'Rights and inheritance change over parts of ranges, and accesses meet what is left of them.',
    share: 8,
    weights: {
      ...BALANCED,
      vm_map_protect: 40,
      vm_map_inherit: 12,
      vm_map_check_protection: 10,
      checked_write: 16,
      cpu_write: 14,
      vm_fault: 14,
      pmap_protect: 6,
      pmap_page_protect: 5,
    },
    machines: SMALL_MACHINES,
    errorShare: 0.12,
    readShare: 0.22,
    favours: [
      'wired-without-rights',
      'rights-and-back',
      'trapping-access',
      'lowered-maximum',
      'every-right',
      'refused-late',
    ],
  },
  'top-of-memory': {
    ...balanced,
    name: 'top-of-memory',
    claim: 'The kernel map ends with the last page that an address can name, and requests reach past it.',
    share: 4,
    weights: { ...BALANCED, kmem_alloc_pageable: 24, vm_map_insert: 10, vm_map_findspace: 10 },
    machines: [[1, 'top']],
    errorShare: 0.15,
    favours: ['reuse', 'comb'],
  },
  hostile: {
    ...balanced,
    name: 'hostile',
    claim:
      'Callers alias objects, detach submaps and use the boot entry, and the rules still decide every outcome.',
    share: 12,
    weights: { ...BALANCED, vm_map_insert: 14, kmem_suballoc: 5, vm_map_pageable: 16 },
    machines: SMALL_MACHINES,
    errorShare: 0.12,
    bias: { ...BALANCED_BIAS, gambit: 45 },
    favours: HOSTILE_FAVOURS,
    hostile: true,
  },
  pmap: {
    ...balanced,
    name: 'pmap',
    claim:
      'User pmaps come and go, share frames, and lose and refill page tables; the processor uses all of them.',
    share: 9,
    weights: PMAP_WEIGHTS,
    machines: [[1, 'mmu']],
    errorShare: 0.06,
    readShare: 0.2,
    bias: { shortage: 10, sleepers: 0, wake: 60, gambit: 0 },
  },
};

/** Kinds that need no other address space than the kernel's: those that a workload apart from `pmap` runs. */
export const KERNEL_KINDS: ReadonlySet<OperationKind> = new Set(
  OPERATION_KINDS.filter((kind) =>
    Object.values(WORKLOADS).some(({ name, weights }) => name !== 'pmap' && weights[kind] > 0),
  ),
);

/** Whether a kernel of these kinds can be asked about address spaces beside its own. */
export const knowsSpaces = (kinds: ReadonlySet<OperationKind>): boolean =>
  (kinds.has('pmap_create') || kinds.has('pmap_pinit')) && kinds.has('pmap_enter');
