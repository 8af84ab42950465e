/**
 * The search for what is shorter than a shrunk scenario: all scenarios of a scope, shortest first, those that lead to one
 * state taken for one. Behind a failure nothing is tried: whatever begins like it fails like it.
 */
import { InputError } from '../contract/input-error.ts';
import type { KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { Operation } from '../contract/operation.ts';
import { Exploration } from './explore-atlas.ts';
import { Expander, type Node } from './explore-node.ts';
import type { Invariant } from './invariant.ts';
import { choicesOf, type Scope } from './search-scope.ts';
import type { LockstepReport } from './verdict.ts';

/** What searches of the same kernels have tried already, by the text of their scope. */
export type SearchMemory = Map<string, ScopeSearch>;

/** What a search runs on. */
export interface SearchGround {
  readonly reference: KernelModule<ReferenceKernel>;
  readonly candidate: KernelModule;
  readonly invariants: readonly Invariant[];
  /** Changes what searches cost, not what they find. */
  readonly memory: SearchMemory;
}

/** What a search may cost and whom it tells. */
export interface SearchLimits {
  /** Most operations in a scenario behind those that all begin with. */
  readonly depth: number;
  /** A state is gone on from only while fewer scenarios than this were tried. */
  readonly most: number;
  readonly isSought: (report: LockstepReport) => boolean;
  readonly onOther: (report: LockstepReport) => void;
  /** Before each state that is gone on from, with the scenarios tried so far. */
  readonly onTry: (scenarios: number) => void;
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
  const name = JSON.stringify(scope);
  const search = ground.memory.get(name) ?? new ScopeSearch(scope, ground);
  ground.memory.set(name, search);
  try {
    return search.first(limits);
  } catch (error) {
    if (error instanceof InputError) return { found: null, scenarios: 0, reason: error.message };
    throw error;
  }
}

/** What there is to try in a scope behind some operations; nothing where they do not run. */
export function choicesIn(
  scope: Scope,
  { reference, candidate, invariants }: SearchGround,
): (way: readonly Operation[]) => readonly Operation[] {
  const { machine, vocabulary } = scope;
  const expander = new Expander({
    ...{ reference, candidate, invariants, machine, vocabulary },
    choose: choicesOf(scope),
  });
  return (way) => {
    try {
      return expander.choicesAfter(way);
    } catch (error) {
      if (error instanceof InputError) return [];
      throw error;
    }
  };
}

/** A failure that a search came upon. */
interface Sighting {
  readonly report: LockstepReport;
  /** Scenarios tried when the state that it lies behind was gone on from, and up to the failure. */
  readonly before: number;
  readonly scenarios: number;
}

/** One scope as far as it has been searched. */
export class ScopeSearch {
  readonly #expander: Expander;
  readonly #sightings: Sighting[] = [];
  readonly #exploration: Exploration | null;
  /** By depth: scenarios tried when all of that many operations were, and when the last state was gone on from. */
  readonly #levels: { readonly scenarios: number; readonly before: number }[] = [];
  /** Operations that all begin with. */
  readonly #begun: number;
  #scenarios = 1;
  #before = 0;
  #failed: LockstepReport[] = [];

  constructor(scope: Scope, { reference, candidate, invariants }: SearchGround) {
    const { machine, vocabulary, begin } = scope;
    this.#begun = begin.length;
    const onFailure = (report: LockstepReport): void => {
      this.#failed.push(report);
    };
    this.#expander = new Expander({
      ...{ reference, candidate, invariants, machine, vocabulary, begin, onFailure },
      choose: choicesOf(scope),
    });
    const root = this.#expander.root();
    this.#exploration = 'scenario' in root ? null : new Exploration(root);
    if ('scenario' in root) this.#sightings.push({ report: root, before: 0, scenarios: 1 });
    this.#levels.push({ scenarios: 1, before: 0 });
  }

  /** The first failure that is sought, within the limits. */
  first(limits: SearchLimits): ScopeResult {
    const { depth, most, isSought, onOther, onTry, shouldStop } = limits;
    for (let i = 0; ; ) {
      for (const { report, before, scenarios } of this.#sightings.slice(i)) {
        i += 1;
        if (before >= most || report.scenario.operations.length - this.#begun > depth) continue;
        if (isSought(report)) return { found: report, scenarios, reason: null };
        onOther(report);
      }
      const level = this.#levels[depth];
      const ended = level ?? { scenarios: this.#scenarios, before: this.#scenarios };
      if (ended.before >= most)
        return { found: null, scenarios: most, reason: `there are more than ${most} to try` };
      if (level !== undefined) return { found: null, scenarios: level.scenarios, reason: null };
      if (shouldStop()) return { found: null, scenarios: this.#scenarios, reason: 'the time was up' };
      onTry(this.#scenarios);
      this.#goOn();
    }
  }

  /** Goes on from one more state, or notes that no scenario is left that is longer. */
  #goOn(): void {
    const depth = this.#levels.length;
    const node = this.#exploration?.next(depth) ?? null;
    if (node === null) this.#levels.push({ scenarios: this.#scenarios, before: this.#before });
    else this.#expand(node);
  }

  #expand(node: Node): void {
    const before = this.#scenarios;
    this.#failed = [];
    const { edges } = this.#expander.expand(node);
    this.#exploration?.absorb({ edges, failure: null, late: null });
    this.#scenarios += edges.length + this.#failed.length;
    this.#before = before;
    for (const report of this.#failed) this.#sightings.push({ report, before, scenarios: this.#scenarios });
  }
}
