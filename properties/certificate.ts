/**
 * The search for a certificate: every scenario shorter than a shrunk one, made of its own kinds of operations and their
 * stand-ins on its own machine. Where none fails, the shrunk one is minimal among them; where one does, it is smaller.
 */

import { PAGE_SIZE, roundPageUnwrapped } from '../contract/address.ts';
import { InputError } from '../contract/input-error.ts';
import type { KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import { OPERATION_KINDS, type Operation, type OperationKind } from '../contract/operation.ts';
import { Exploration } from './explore-atlas.ts';
import type { AlphabetName, Vocabulary } from './explore-ground.ts';
import { type Edge, Expander, type Expansion, type Node } from './explore-node.ts';
import type { Invariant } from './invariant.ts';
import type { LockstepReport } from './verdict.ts';

/** Kinds that may stand in for one, as the shrinker replaces them. */
const STAND_INS: { readonly [Kind in OperationKind]?: readonly OperationKind[] } = {
  kmem_alloc: ['kmem_alloc_pageable'],
  kmem_alloc_wait: ['kmem_alloc_pageable'],
  kmem_malloc: ['kmem_alloc_pageable', 'kmem_alloc'],
  vm_map_find: ['vm_map_insert'],
  kmem_free_wakeup: ['kmem_free'],
  vm_map_remove: ['kmem_free'],
  vm_map_delete: ['kmem_free'],
  cpu_read: ['checked_read'],
  cpu_write: ['checked_write'],
  pmap_kenter: ['pmap_enter'],
};

/** Which scenarios are searched. */
export interface Scope {
  readonly machine: MachineConfig;
  /** In the order of the contract. */
  readonly kinds: readonly OperationKind[];
  readonly vocabulary: Vocabulary;
}

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

/** The kinds of a scenario and their stand-ins, at every place that differs, on a machine. */
export function ownScope(operations: readonly Operation[], machine: MachineConfig): Scope {
  const kinds = new Set(operations.flatMap(({ kind }) => [kind, ...(STAND_INS[kind] ?? [])]));
  return {
    machine,
    kinds: OPERATION_KINDS.filter((kind) => kinds.has(kind)),
    vocabulary: { alphabet: 'full', sizes: sizesIn(operations), maps: mapsIn(operations) },
  };
}

/** All kinds that a kernel declares, where the public callers use them. */
export const wideScope = (
  { declares }: KernelModule,
  machine: MachineConfig,
  alphabet: AlphabetName,
): Scope => ({
  machine,
  kinds: OPERATION_KINDS.filter((kind) => declares.operations.includes(kind)),
  vocabulary: { alphabet, sizes: [1, 2], maps: 2 },
});

/** Where searches keep what leads away from a state, for others of the same kernels. */
export type ExpansionMemory = Map<string, Expansion>;

/** What a search runs on. */
export interface SearchGround {
  readonly reference: KernelModule<ReferenceKernel>;
  readonly candidate: KernelModule;
  readonly invariants: readonly Invariant[];
  readonly memory: ExpansionMemory;
}

/** What a search may cost and whom it tells. */
export interface SearchLimits {
  /** Most operations in a scenario. */
  readonly depth: number;
  /** Most operations tried at the ends of scenarios. */
  readonly most: number;
  readonly isSought: (report: LockstepReport) => boolean;
  readonly onOther: (report: LockstepReport) => void;
  readonly shouldStop: () => boolean;
}

/** What a search came to. */
export interface ScopeResult {
  /** The first failure sought, in the order of the search. */
  readonly found: LockstepReport | null;
  /** Scenarios tried: sequences of operations, those that lead to one and the same state counted as one. */
  readonly scenarios: number;
  /** Null where every scenario was tried, or up to the one found; else why not. */
  readonly reason: string | null;
}

/** Searches a scope, shortest scenarios first. */
export function searchScope(scope: Scope, ground: SearchGround, limits: SearchLimits): ScopeResult {
  try {
    return new ScopeSearch(scope, ground, limits).run();
  } catch (error) {
    if (error instanceof InputError) return { found: null, scenarios: 0, reason: error.message };
    throw error;
  }
}

class ScopeSearch {
  readonly #scope: Scope;
  readonly #ground: SearchGround;
  readonly #limits: SearchLimits;
  #scenarios = 1;
  /** A failure of another sort, behind which not everything was tried. */
  #obstacle: LockstepReport | null = null;

  constructor(scope: Scope, ground: SearchGround, limits: SearchLimits) {
    this.#scope = scope;
    this.#ground = ground;
    this.#limits = limits;
  }

  run(): ScopeResult {
    const { depth, most, shouldStop } = this.#limits;
    const root = this.#expander(this.#scope.kinds).root();
    if ('scenario' in root) {
      if (this.#limits.isSought(root)) return this.#ended(root, null);
      this.#limits.onOther(root);
      return this.#ended(null, `another failure stands in the way: ${nameOf(root)} at boot`);
    }
    const exploration = new Exploration(root);
    for (let node = exploration.next(depth); node !== null; node = exploration.next(depth)) {
      if (shouldStop()) return this.#ended(null, 'the time was up');
      if (this.#scenarios >= most) return this.#ended(null, `there are more than ${most} to try`);
      const { found, edges } = this.#expand(node);
      this.#scenarios += edges.length;
      if (found !== null) return this.#ended(found, null);
      exploration.absorb({ edges, failure: null, late: null });
    }
    return this.#ended(
      null,
      this.#obstacle === null ? null : `another failure stands in the way: ${nameOf(this.#obstacle)}`,
    );
  }

  #ended(found: LockstepReport | null, reason: string | null): ScopeResult {
    return { found, scenarios: this.#scenarios, reason };
  }

  #expander(kinds: readonly OperationKind[]): Expander {
    const { reference, candidate, invariants } = this.#ground;
    const { machine, vocabulary } = this.#scope;
    return new Expander({ reference, candidate, invariants, machine, vocabulary, kinds });
  }

  /** All that leads away from a state; behind a failure of another sort, without its kind of operation. */
  #expand(node: Node): { readonly found: LockstepReport | null; readonly edges: readonly Edge[] } {
    const edges = new Map<string, Edge>();
    let { kinds } = this.#scope;
    for (;;) {
      const { edges: some, failure, late } = this.#remembered(node, kinds);
      for (const edge of some) edges.set(JSON.stringify(edge.operation), edge);
      for (const report of [failure, late]) {
        if (report === null) continue;
        if (this.#limits.isSought(report)) return { found: report, edges: [...edges.values()] };
        this.#limits.onOther(report);
      }
      const last = failure?.scenario.operations.at(-1);
      if (failure === null || last === undefined) return { found: null, edges: [...edges.values()] };
      this.#obstacle ??= failure;
      kinds = kinds.filter((kind) => kind !== last.kind);
    }
  }

  #remembered(node: Node, kinds: readonly OperationKind[]): Expansion {
    const { machine, vocabulary } = this.#scope;
    const name = JSON.stringify([machine, vocabulary, kinds, node.operations]);
    const known = this.#ground.memory.get(name);
    if (known !== undefined) return known;
    const expansion = this.#expander(kinds).expand(node);
    this.#ground.memory.set(name, expansion);
    return expansion;
  }
}

const nameOf = ({ scenario, failure }: LockstepReport): string =>
  `${failure?.property} after ${scenario.operations.map(({ kind }) => kind).join(', ')}`;
