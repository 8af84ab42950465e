/** One state of an exhaustive search, and what every operation makes of it. */
import { InputError } from '../contract/input-error.ts';
import type { KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import { OPERATION_KINDS, type Operation, type OperationKind } from '../contract/operation.ts';
import { operationsFor } from './explore-alphabet.ts';
import type { Vocabulary } from './explore-ground.ts';
import { hashOf } from './explore-hash.ts';
import { rankOf, stateText } from './explore-state.ts';
import type { Invariant } from './invariant.ts';
import { KernelThrew } from './kernel-threw.ts';
import { judgeScenario, retakeStep, takeStep } from './lockstep.ts';
import { judge } from './lockstep-judge.ts';
import { boot, type LockstepOptions, type Progress, type Run } from './lockstep-run.ts';
import type { LockstepReport } from './verdict.ts';
import type { View } from './view.ts';

/** What is searched: two kernels on a machine, the operations to try, and what is asserted. */
export interface ExploreSetup {
  readonly reference: KernelModule<ReferenceKernel>;
  readonly candidate: KernelModule;
  readonly invariants: readonly Invariant[];
  readonly machine: MachineConfig;
  readonly vocabulary: Vocabulary;
  /** The only operation kinds to try; default all. */
  readonly kinds?: readonly OperationKind[];
  /**
   * False: brute force. Every sequence runs from boot on, and no two states are taken for one. Slow, but it also sees what
   * a kernel remembers and the reference does not show. Default true.
   */
  readonly merging?: boolean;
  /** What every scenario begins with; the ways of nodes are counted from behind it. Absent: nothing. */
  readonly begin?: readonly Operation[];
  /** What to try in a state; absent: the operations of the vocabulary. */
  readonly choose?: (view: View) => readonly Operation[];
  /** Told of each failure; the search goes on past it. Absent: expanding a state ends at the first failure right behind it. */
  readonly onFailure?: (report: LockstepReport) => void;
}

/** A state, by a shortest way to it. */
export interface Node {
  readonly operations: readonly Operation[];
  /** Hash of the state; equal keys, equal future. */
  readonly key: string;
  /**
   * While an operation sleeps its own progress is part of the state, but shown nowhere. Two such states are the same only
   * where the last states with nothing in flight are, and what changed anything since: this is the hash of that; else ''.
   */
  readonly since: string;
}

/** Where one operation leads. */
export interface Edge {
  readonly operation: Operation;
  /** Null: the machine panicked, and no operation leads on. */
  readonly key: string | null;
  readonly since: string;
}

/** All that leads away from a state, up to a failure right behind it. */
export interface Expansion {
  readonly edges: readonly Edge[];
  /** The operation behind the edges failed. */
  readonly failure: LockstepReport | null;
  /** A failure that takes more operations: some changed nothing that the reference shows, and yet the last one needs them. */
  readonly late: LockstepReport | null;
}

/** Looks between two operations of a way are those of a campaign; the step at its end is looked at whole. */
const NO_FULL_LOOK = Number.POSITIVE_INFINITY;

/** Expands states, each from a machine booted afresh; keeps nothing between two. */
export class Expander {
  readonly #setup: ExploreSetup;
  readonly #options: LockstepOptions;
  readonly #kinds: ReadonlySet<OperationKind>;
  readonly #merges: boolean;
  readonly #begin: readonly Operation[];

  constructor(setup: ExploreSetup) {
    const { reference, candidate, invariants, kinds = OPERATION_KINDS, merging = true, begin = [] } = setup;
    this.#setup = setup;
    this.#options = { reference, candidate, invariants, compare: true, fullEvery: NO_FULL_LOOK };
    const { operations } = candidate.declares;
    this.#kinds = new Set(kinds.filter((kind) => operations.includes(kind)));
    this.#merges = merging;
    this.#begin = begin;
  }

  /** The state at boot and behind what all begin with, or the report of what is wrong with it. */
  root(): Node | LockstepReport {
    const report = this.#judged(this.#begin);
    return report.failure === null
      ? { operations: [], key: hashOf(this.#walk(this.#begin).text()), since: '' }
      : report;
  }

  /** Tries every operation in a state. */
  expand(node: Node): Expansion {
    const way = [...this.#begin, ...node.operations];
    const edges: Edge[] = [];
    const { onFailure } = this.#setup;
    let late: LockstepReport | null = null;
    let walk = this.#walk(way);
    const text = walk.text();
    const ranks = rankOf(walk.view.inFlight.keys());
    for (const operation of this.#choices(walk.view)) {
      if (walk.isChanged) walk = this.#walk(way);
      if (!walk.take(operation)) {
        const failure = this.#failureOf(way, walk.operations);
        onFailure?.(failure);
        if (failure.scenario.operations.length === way.length + 1) {
          if (onFailure === undefined) return { edges, failure, late };
          continue;
        }
        late ??= failure;
        walk = this.#walk(way);
        if (!walk.take(operation)) throw this.#flaky();
      }
      if (walk.panicked) {
        edges.push({ operation, key: null, since: '' });
        continue;
      }
      const next = walk.text();
      const isSame = next === text && !walk.hasSleeperMoved;
      walk.isChanged = !isSame || !this.#merges;
      if (isSame) edges.push({ operation, key: node.key, since: node.since });
      else edges.push({ operation, ...this.#arrival(node, operation, next, walk.view, ranks) });
    }
    return { edges, failure: null, late };
  }

  /** What there is to try behind some operations that hold. */
  choicesAfter(way: readonly Operation[]): readonly Operation[] {
    return this.#choices(this.#walk(way).view);
  }

  #choices(view: View): readonly Operation[] {
    const { vocabulary, choose } = this.#setup;
    return choose?.(view) ?? operationsFor(view, vocabulary, this.#kinds);
  }

  /** Two kernels behind a way that held before. */
  #walk(way: readonly Operation[]): Walk {
    try {
      return new Walk(this.#setup.machine, way, this.#options);
    } catch (error) {
      throw error instanceof KernelThrew ? this.#flaky() : error;
    }
  }

  #flaky(): InputError {
    const { name } = this.#setup.candidate.declares;
    return new InputError(
      `kernel ${name}: answers otherwise when the same operations run again; a kernel follows from its operations alone`,
      4,
    );
  }

  #arrival(node: Node, operation: Operation, text: string, view: View, ranks: ReadonlyMap<number, number>) {
    if (view.inFlight.size === 0) return { key: hashOf(text), since: '' };
    const call =
      operation.kind === 'resume' ? `resume ${ranks.get(operation.operation)}` : JSON.stringify(operation);
    const since = hashOf(`${node.since === '' ? node.key : node.since}\n${call}`);
    return { key: hashOf(`${text}\n${since}`), since };
  }

  /**
   * The report of a failure. Operations that changed nothing the reference shows may have stood between the way and the
   * operation that failed; as few of them as matter stay.
   */
  #failureOf(way: readonly Operation[], taken: readonly Operation[]): LockstepReport {
    const between = taken.slice(way.length, -1);
    const last = taken.slice(-1);
    for (const kept of [[], ...between.map((operation) => [operation])]) {
      const report = this.#judged([...way, ...kept, ...last]);
      if (report.failure !== null) return report;
    }
    const report = this.#judged(taken);
    if (report.failure === null) throw this.#flaky();
    return report;
  }

  #judged(operations: readonly Operation[]): LockstepReport {
    return judgeScenario({ machine: this.#setup.machine, operations }, { ...this.#options, fullEvery: 1 });
  }
}

/** Two kernels on their way from boot. */
class Walk {
  readonly operations: Operation[] = [];
  /** True once an operation behind the given way has changed anything. */
  isChanged = false;
  readonly #run: Run;
  readonly #progress: Progress = { number: 0, expected: [], actual: [] };

  /** Boots and goes a way that is known to hold. */
  constructor(machine: MachineConfig, way: readonly Operation[], options: LockstepOptions) {
    this.#run = boot({ machine, operations: this.operations }, options);
    // Invariants with a memory begin it at boot.
    judge(this.#run, this.#progress, { full: false, scan: false });
    for (const operation of way) {
      this.#note(operation);
      retakeStep(this.#run, operation, this.#progress);
    }
  }

  get view(): View {
    return this.#run.reference.view;
  }

  get panicked(): boolean {
    return this.view.step?.outcome.kind === 'panic';
  }

  /** True where an operation that sleeps went on or fell asleep in the last step. */
  get hasSleeperMoved(): boolean {
    const { step } = this.view;
    return step?.outcome.kind === 'sleep' || step?.resumed !== undefined;
  }

  /** The present state up to renaming; not after a panic. */
  text(): string {
    return stateText(this.view, this.#run.reference.kernel.unshown());
  }

  /** Takes one more step and looks at everything; false where something is wrong. */
  take(operation: Operation): boolean {
    this.isChanged = true;
    this.#note(operation);
    try {
      return takeStep(this.#run, operation, this.#progress, true) === null;
    } catch (error) {
      if (error instanceof KernelThrew) return false;
      throw error;
    }
  }

  #note(operation: Operation): void {
    this.operations.push(operation);
    this.#progress.number++;
  }
}
