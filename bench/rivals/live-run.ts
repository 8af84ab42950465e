/**
 * The lockstep one operation at a time, for tools that choose the next operation while the run is under way. Both
 * kernels, the comparison and the invariants are those of `runLockstep`, so that every rival has the same oracle.
 */
import { Random } from 'fast-check';
import type { ReferenceKernel } from '../../contract/kernel-memory.ts';
import type { Operation } from '../../contract/operation.ts';
import type { Step } from '../../contract/outcome.ts';
import type { Scenario } from '../../contract/scenario.ts';
import type { MapName } from '../../contract/vm-map.ts';
import { Draw } from '../../properties/generate-draw.ts';
import { Ground } from '../../properties/generate-ground.ts';
import { isPermitted } from '../../properties/generate-permitted.ts';
import { KernelThrew } from '../../properties/kernel-threw.ts';
import { type LockstepOptions, takeStep } from '../../properties/lockstep.ts';
import { judge } from '../../properties/lockstep-judge.ts';
import { boot, type Finding, type Progress, type Run } from '../../properties/lockstep-run.ts';
import type { MachinePlan } from '../../properties/machines.ts';
import { largestHole } from '../../properties/selectors.ts';

/** Thrown by a command whose operation showed a failure: what fast-check expects of a failing command. */
export class Disagreement extends Error {
  override readonly name = 'Disagreement';
  /** What was run up to the failure. */
  readonly scenario: Scenario;

  constructor({ property }: Finding, scenario: Scenario) {
    super(property);
    this.scenario = scenario;
  }
}

/** Thrown at the start of an operation that the budget has no room for. */
export class BudgetSpent extends Error {
  override readonly name = 'BudgetSpent';
}

/** How a live run is judged, and how many operations it may take. */
export interface LiveOptions extends LockstepOptions {
  /** Asked before each operation; false ends the run with `BudgetSpent`. */
  readonly mayGoOn: () => boolean;
  /** Told of the one operation that is no part of the run, so that nobody counts it. */
  readonly uncounted: () => void;
}

/** A machine, the submaps it starts with, and whether callers on it may be hostile. */
export interface LivePlan extends MachinePlan {
  readonly hostile: boolean;
}

/** Chance that never strikes: the rules of the game ask for it in one place, where the answer is no. */
class NoChance extends Draw {
  override percent(): boolean {
    return false;
  }
}

/** A stream that nobody draws from. */
const SILENT = { clone: () => SILENT, next: () => 0, getState: (): readonly number[] => [] };

const thrown = ({ side, witnesses }: KernelThrew): Finding => ({
  property: 'KERNEL-THREW',
  sentence: 'A kernel throws no exception.',
  ...{ side, witnesses, differences: [] },
});

const NO_BIAS = { shortage: 0, sleepers: 0, wake: 0, gambit: 0 };

/** One run of the lockstep; `ground` is the live state that commands look at. */
export class LiveRun {
  readonly ground: Ground;
  readonly #run: Run;
  readonly #progress: Progress = { number: 0, expected: [], actual: [] };
  readonly #operations: Operation[] = [];
  readonly #options: LiveOptions;
  /** What is wrong, once something is. */
  finding: Finding | null = null;

  constructor({ machine, submaps, hostile }: LivePlan, options: LiveOptions) {
    this.#options = options;
    const scenario: Scenario = { machine, operations: this.#operations };
    try {
      this.#run = boot(scenario, options);
      this.finding = judge(this.#run, this.#progress, { full: false, scan: false });
    } catch (error) {
      throw error instanceof KernelThrew ? new Disagreement(thrown(error), scenario) : error;
    }
    if (this.finding !== null) throw new Disagreement(this.finding, this.scenario);
    this.ground = new Ground(machine, new NoChance(new Random(SILENT)), {
      kernel: this.#stepped(this.#run.reference.kernel),
      follows: null,
      bias: NO_BIAS,
      hostile,
    });
    for (const { name, size, pageable } of submaps) {
      const fits = size <= largestHole(this.ground, 'kernel') && this.ground.pools().freeMaps > 0;
      if (fits && !this.ended)
        this.apply({ kind: 'kmem_suballoc', name: this.#nameOf(name), parent: 'kernel', size, pageable });
    }
  }

  /** What was executed so far, as a scenario that anybody can run again. */
  get scenario(): Scenario {
    return { machine: this.#run.machine, operations: [...this.#operations] };
  }

  /** True after a panic, when the machine answers nothing more. */
  get ended(): boolean {
    return this.ground.panicked;
  }

  /** Whether an operation is within the rules of the game, which all rivals share: caller obligations are kept. */
  permits(operation: Operation): boolean {
    return isPermitted(this.ground, operation);
  }

  /** Applies one operation to both kernels and judges. Throws Disagreement, or BudgetSpent before it begins. */
  apply(operation: Operation): void {
    if (!this.#options.mayGoOn()) throw new BudgetSpent();
    this.ground.step(operation);
    if (this.finding !== null) throw new Disagreement(this.finding, this.scenario);
  }

  /**
   * The full look at the end of a run: after an operation that does nothing, which is no part of the run and is not
   * counted. Which operation is the last one nobody knows before.
   */
  finish(): void {
    if (this.ended || this.#progress.number % this.#options.fullEvery === 0) return;
    this.#take({ kind: 'pmap_update' }, true);
    this.#options.uncounted();
    if (this.finding !== null) throw new Disagreement(this.finding, this.scenario);
  }

  #nameOf(planned: MapName): MapName {
    return planned === 'sub' ? this.ground.freshName('sub') : planned;
  }

  #take(operation: Operation, last: boolean): void {
    this.#progress.number += 1;
    try {
      this.finding = takeStep(this.#run, operation, this.#progress, last);
    } catch (error) {
      if (!(error instanceof KernelThrew)) throw error;
      this.finding = thrown(error);
    }
  }

  /** The reference kernel whose every step is a step of the lockstep. */
  #stepped(kernel: ReferenceKernel): ReferenceKernel {
    return {
      apply: (operation: Operation): Step => {
        this.#operations.push(operation);
        this.#take(operation, false);
        return this.#progress.expected.at(-1) ?? { outcome: { kind: 'none' } };
      },
      applyPlaced: (operation, number, outcome) => kernel.applyPlaced(operation, number, outcome),
      snapshot: (options) => kernel.snapshot(options),
      cell: (name) => kernel.cell(name),
      touched: () => kernel.touched(),
      unshown: () => kernel.unshown(),
      rules: kernel.rules,
    };
  }
}
