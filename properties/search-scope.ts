/** Which scenarios are searched for one that fails as a shrunk one does: kinds of operations, values, a machine. */

import {
  ADDRESS_SPACE_END,
  address,
  bytes,
  frameNumber,
  objectOffset,
  PAGE_SIZE,
  pages,
  roundPageUnwrapped,
  type VirtualAddress,
} from '../contract/address.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import {
  OPERATION_FIELDS,
  OPERATION_KINDS,
  type Operation,
  type OperationKind,
} from '../contract/operation.ts';
import type { MapName } from '../contract/vm-map.ts';
import { operationsFor } from './explore-alphabet.ts';
import { type AlphabetName, Ground, type Vocabulary } from './explore-ground.ts';
import { bounds } from './generate-recipe.ts';
import { withFields } from './scenarios-rebuild.ts';
import { namesIn, pmapsIn } from './scenarios-trace.ts';
import type { View } from './view.ts';

/** Kinds that may stand in for one, as the shrinker replaces them. */
const STAND_INS: { readonly [Kind in OperationKind]?: readonly OperationKind[] } = {
  kmem_alloc: ['kmem_alloc_pageable'],
  kmem_alloc_wait: ['kmem_alloc_pageable'],
  kmem_malloc: ['kmem_alloc_pageable', 'kmem_alloc'],
  vm_map_insert: ['kmem_alloc_pageable'],
  vm_map_find: ['vm_map_insert', 'kmem_alloc_pageable'],
  kmem_free_wakeup: ['kmem_free'],
  vm_map_remove: ['kmem_free'],
  vm_map_delete: ['kmem_free'],
  checked_read: ['vm_fault'],
  checked_write: ['vm_fault'],
  cpu_read: ['checked_read'],
  cpu_write: ['checked_write'],
  pmap_kenter: ['pmap_enter'],
};

/** Kinds that do what two others do together, or less than one does, or wait for more: they may make a scenario shorter. */
const KIN: { readonly [Kind in OperationKind]?: readonly OperationKind[] } = {
  kmem_alloc_pageable: ['kmem_alloc'],
  kmem_alloc: ['vm_map_pageable', 'vm_map_inherit'],
  vm_map_pageable: ['kmem_alloc'],
  vm_map_create: ['kmem_suballoc', 'vm_map_insert'],
  vm_map_protect: ['vm_map_inherit', 'vm_map_remove'],
  vm_map_inherit: ['vm_map_remove'],
  kmem_free: ['vm_map_inherit'],
};

/** Which scenarios are searched. Plain data, so that its text is its name. */
export interface Scope {
  readonly machine: MachineConfig;
  /** What every scenario begins with. */
  readonly begin: readonly Operation[];
  /** In the order of the contract. */
  readonly kinds: readonly OperationKind[];
  readonly vocabulary: Vocabulary;
  /** Operations as they stand, tried beside those of the vocabulary in every state where their maps are live. */
  readonly besides: readonly Operation[];
  /** True: an operation of a kind among those besides takes rights, flags and objects from there only. */
  readonly ownValues: boolean;
  /** True: also places in the middle of holes, and rights that nobody asks for. */
  readonly odd: boolean;
}

/** Most operations in flight: one that sleeps, one that waits for it, and one that both keep from something. */
const IN_FLIGHT = 3;
/** Pages of the largest allocation that is searched beside small ones. */
const LARGEST = 64;

/** Sizes in whole pages that operations ask for, beside one and two. */
function sizesIn(operations: readonly Operation[]): number[] {
  const sizes = operations.flatMap((operation) => {
    const size = 'size' in operation ? operation.size : 'length' in operation ? operation.length : PAGE_SIZE;
    const pages = roundPageUnwrapped(size) / PAGE_SIZE;
    return pages <= LARGEST ? [pages] : [];
  });
  return [...new Set([1, 2, ...sizes])].sort((one, other) => one - other);
}

const mapsIn = (operations: readonly Operation[]): number =>
  1 + operations.filter(({ kind }) => kind === 'kmem_suballoc' || kind === 'vm_map_create').length;

/** The kinds of a scenario and their stand-ins, at every place that differs, with its own values, on a machine. */
export function ownScope(operations: readonly Operation[], machine: MachineConfig): Scope {
  const kinds = new Set(operations.flatMap(({ kind }) => [kind, ...(STAND_INS[kind] ?? [])]));
  return {
    machine,
    begin: [],
    kinds: OPERATION_KINDS.filter((kind) => kinds.has(kind)),
    vocabulary: {
      alphabet: 'full',
      sizes: sizesIn(operations),
      maps: mapsIn(operations),
      inFlight: IN_FLIGHT,
    },
    // A resume names another operation by its number, which means something else elsewhere.
    besides: operations.filter(({ kind }) => kind !== 'resume'),
    ownValues: true,
    odd: false,
  };
}

/** The same with kinds that are akin to its own. */
export function kinScope(operations: readonly Operation[], machine: MachineConfig): Scope {
  const own = ownScope(operations, machine);
  const kinds = new Set([...own.kinds, ...own.kinds.flatMap((kind) => KIN[kind] ?? [])]);
  // An odd range, an empty one for instance, is in no vocabulary.
  const removals = own.besides.flatMap((operation): Operation[] => {
    if (operation.kind !== 'vm_map_protect' && operation.kind !== 'vm_map_inherit') return [];
    const { map, start, end } = operation;
    return [{ kind: 'vm_map_remove', map, start, end }];
  });
  return {
    ...own,
    kinds: OPERATION_KINDS.filter((kind) => kinds.has(kind)),
    besides: [...own.besides, ...removals],
  };
}

/** All kinds that a kernel declares: in core where the public callers use them, in full also at odd places. */
export const wideScope = (
  { declares }: KernelModule,
  machine: MachineConfig,
  alphabet: AlphabetName,
): Scope => ({
  machine,
  begin: [],
  kinds: OPERATION_KINDS.filter((kind) => declares.operations.includes(kind)),
  vocabulary: { alphabet, sizes: alphabet === 'full' ? [1, 2, 3] : [1, 2], maps: 2, inFlight: IN_FLIGHT },
  besides: [],
  ownValues: false,
  odd: alphabet === 'full',
});

/** Meanings of fields whose values may be taken from a scenario. */
const TAKEN: ReadonlySet<string> = new Set(['protection', 'inheritance', 'flag', 'object', 'byte']);

/** The values of each field of each kind among some operations. */
function valuesIn(operations: readonly Operation[]): ReadonlyMap<string, ReadonlySet<unknown>> {
  const values = new Map<string, Set<unknown>>();
  for (const operation of operations)
    for (const [name, value] of takenFields(operation)) {
      const known = values.get(name) ?? new Set();
      values.set(name, known.add(value));
    }
  return values;
}

function takenFields(operation: Operation): [name: string, value: unknown][] {
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(operation));
  return Object.entries(OPERATION_FIELDS[operation.kind])
    .filter(([, meaning]) => TAKEN.has(meaning))
    .map(([name]) => [`${operation.kind}.${name}`, fields.get(name)]);
}

/** What to try in the states of a scope, equal operations once. */
export function choicesOf({ kinds, vocabulary, besides, ownValues, odd }: Scope) {
  const tried = new Set(kinds);
  const empty = besides.filter(isEmptyRange);
  const values = ownValues ? valuesIn(besides) : new Map<string, ReadonlySet<unknown>>();
  const fits = (operation: Operation): boolean =>
    takenFields(operation).every(([name, value]) => values.get(name)?.has(value) ?? true);
  return (view: View): readonly Operation[] => {
    const chosen = operationsFor(view, vocabulary, tried).filter(fits);
    if (odd) chosen.push(...oddOperations(view, vocabulary).filter(({ kind }) => tried.has(kind)));
    chosen.push(...besides.filter((operation) => isLive(operation, view)));
    chosen.push(...empty.flatMap((operation) => atEachBound(operation, view)));
    return [...new Map(chosen.map((operation) => [JSON.stringify(operation), operation])).values()];
  };
}

/** True where the maps and pmaps that an operation names are there. */
const isLive = (operation: Operation, { maps, spaces }: View): boolean =>
  namesIn(operation).every((name) => maps.has(name)) &&
  pmapsIn(operation).every((name) => spaces.pmaps.some((pmap) => pmap.name === name));

const ON_RANGES: ReadonlySet<OperationKind> = new Set([
  'vm_map_protect',
  'vm_map_inherit',
  'vm_map_pageable',
  'vm_map_remove',
  'vm_map_delete',
]);

const isEmptyRange = (operation: Operation): boolean =>
  ON_RANGES.has(operation.kind) &&
  'start' in operation &&
  'end' in operation &&
  operation.start === operation.end;

/** An operation on an empty range where each entry begins and, where it has more than one page, at its second. */
const atEachBound = (operation: Operation, view: View): Operation[] =>
  [...view.maps.values()].flatMap(({ name, entries }) =>
    entries
      .flatMap(({ start, end }) => (end - start > PAGE_SIZE ? [start, start + PAGE_SIZE] : [start]))
      .map((at) =>
        withFields(
          operation,
          new Map<string, unknown>([
            ['map', name],
            ['start', at],
            ['end', at],
          ]),
        ),
      ),
  );

/** What the vocabulary of an exhaustive search leaves out: the second page of a hole, limits, rights that nobody asks for. */
function oddOperations(view: View, vocabulary: Vocabulary): Operation[] {
  const ground = new Ground(view, vocabulary);
  const inHoles = ground.maps.flatMap((map) =>
    ground
      .holes(map)
      .filter(({ start, end }) => end - start > PAGE_SIZE)
      .slice(0, 2)
      .flatMap(({ start: hole }): Operation[] => {
        const { start, end } = bounds({ start: hole + PAGE_SIZE, end: hole + 2 * PAGE_SIZE });
        const common = { map: map.name, object: 'null' as const, offset: objectOffset(0) };
        return [
          { kind: 'vm_map_insert', ...common, start, end },
          { kind: 'vm_map_find', ...common, address: start, length: pages(1), findSpace: true },
        ];
      }),
  );
  // Sizes at their limits: as large as the last hole, one page more, up to the very end of the address space.
  const limits = ground.maps.flatMap((map): Operation[] => {
    const hole = ground.holes(map).at(-1);
    const fitting =
      hole === undefined ? [] : [bytes(hole.end - hole.start), bytes(hole.end - hole.start + PAGE_SIZE)];
    const [start] = ground.places(map);
    return [
      ...fitting.map((size): Operation => ({ kind: 'kmem_alloc_pageable', map: map.name, size })),
      ...(start === undefined ? [] : [freeToTheEnd(map.name, start)]),
      ...(hole === undefined ? [findAnywhere(map.name)] : []),
      { kind: 'kmem_alloc_wait', map: map.name, size: bytes(map.max - map.min) },
      ...(start === undefined ? [] : [freePageAndWake(map.name, start)]),
      // At an offset of its own that no address of the map stands for.
      ...ground
        .holes(map)
        .slice(0, 1)
        .map(({ start: at }) => insertAtFront(map.name, at)),
    ];
  });
  const entered = ground.window.flatMap((place) =>
    ground.frames.flatMap((frame) =>
      [0, 2].map(
        (protection): Operation => ({
          kind: 'pmap_enter',
          ...{ address: place, frame: frameNumber(frame), protection, wired: false },
        }),
      ),
    ),
  );
  return [...inHoles, ...limits, ...entered];
}

/** Where there is no hole, there is none to name. */
const findAnywhere = (map: MapName): Operation => ({
  kind: 'vm_map_find',
  ...{ map, object: 'null', offset: objectOffset(0), address: address(0), length: pages(1), findSpace: true },
});

const freePageAndWake = (map: MapName, start: VirtualAddress): Operation => ({
  ...{ kind: 'kmem_free_wakeup', map, address: start, size: pages(1) },
});

const insertAtFront = (map: MapName, at: number): Operation => ({
  kind: 'vm_map_insert',
  ...{ map, object: 'kernel', offset: objectOffset(0) },
  ...bounds({ start: at, end: at + PAGE_SIZE }),
});

const freeToTheEnd = (map: string, start: VirtualAddress): Operation => ({
  ...{ kind: 'kmem_free', map, address: start, size: bytes(ADDRESS_SPACE_END - start) },
});
