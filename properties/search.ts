/** The search for a scenario that fails: generates, runs in lockstep and counts, up to the first failure. */
import fc from 'fast-check';
import type { KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Scenario } from '../contract/scenario.ts';
import { GoalCounter, reachableGoals } from './goals.ts';
import type { Goal } from './goals-goal.ts';
import type { Invariant } from './invariant.ts';
import { ALL_INVARIANTS } from './invariants/all.ts';
import { judgeScenario, type LockstepOptions } from './lockstep.ts';
import { scenarios } from './scenarios.ts';
import { StatisticsCounter } from './statistics.ts';
import type { Tally } from './tally.ts';
import { OwnTurns, type Turn } from './turns.ts';
import type { LockstepReport } from './verdict.ts';
import type { WorkloadName } from './workloads.ts';

/** What to run, for how long, and who wants to hear of it. */
export interface SearchOptions {
  readonly reference: KernelModule<ReferenceKernel>;
  readonly candidate: KernelModule;
  /** Seed of the generator, a 32-bit integer: the same seed and options give the same scenarios. */
  readonly seed: number;
  /** Scenarios to generate. */
  readonly runs: number;
  /** Absent: all of them. */
  readonly invariants?: readonly Invariant[];
  /** False: only invariants judge. Absent: the kernels must agree too. */
  readonly compare?: boolean;
  /** Steps between two full looks; absent: 64. */
  readonly fullEvery?: number;
  /** Absent: the default mix of all workloads. */
  readonly workload?: WorkloadName | 'default';
  /** Always this machine. */
  readonly machine?: MachineConfig;
  readonly length?: { readonly min: number; readonly max: number };
  /** Run first, before anything is generated. */
  readonly examples?: readonly Scenario[];
  /** Most milliseconds for the generated runs; absent: no limit. */
  readonly timeLimit?: number;
  /** Which of the generated scenarios are this search's own; absent: all of them. */
  readonly turn?: (index: number) => Turn;
  /** Before each scenario runs; `index` counts from 0 and over those of other searches too. */
  readonly onScenario?: (scenario: Scenario, index: number) => void;
  /** After each scenario, held or not. */
  readonly onReport?: (report: LockstepReport, index: number) => void;
  /** At the first failure. */
  readonly onFailure?: (report: LockstepReport) => void;
  /** After each scenario that held. */
  readonly onProgress?: (progress: CampaignProgress) => void;
  /** Asked before each scenario; true ends the search with what it has. */
  readonly shouldStop?: () => boolean;
}

/** How far a search has come, since its counts were last taken away. */
export interface CampaignProgress {
  readonly runs: number;
  readonly operations: number;
  readonly goalsReached: number;
}

/** How a search ended. */
export interface SearchEnd {
  readonly failure: FailedSearch | null;
  /** True when the time limit or `shouldStop` ended it before all runs were done. */
  readonly interrupted: boolean;
}

/** The failing scenario as it was found. */
export interface FailedSearch {
  readonly report: LockstepReport;
  /** Number of the scenario, from 0 and over those of other searches too. */
  readonly index: number;
  /** fast-check's path of the failing run, for `path` of fc.check with the same seed. */
  readonly path: string | null;
}

const DEFAULT_FULL_EVERY = 64;

/** The verdict on one scenario as the options ask for it. */
export function judged(
  { reference, candidate, compare = true, invariants = ALL_INVARIANTS, fullEvery }: SearchOptions,
  scenario: Scenario,
  observers?: LockstepOptions['observers'],
): LockstepReport {
  return judgeScenario(scenario, {
    reference,
    candidate,
    compare,
    invariants,
    fullEvery: fullEvery ?? DEFAULT_FULL_EVERY,
    ...(observers && { observers }),
  });
}

/** The generator as the options ask for it. */
export function scenariosOf(
  { reference, candidate, workload, machine, length }: SearchOptions,
  keepShrinking?: () => boolean,
): fc.Arbitrary<Scenario> {
  return scenarios({
    reference,
    declares: candidate.declares,
    ...(keepShrinking && { keepShrinking }),
    ...(candidate.declares.placement === 'any' && { follows: candidate }),
    ...(workload !== undefined && { workload }),
    ...(machine !== undefined && { machine }),
    ...(length !== undefined && { length }),
  });
}

/** A reference module that remembers the first kernel it booted since `reset`, to read its rule counts. */
class RememberedReference {
  readonly module: KernelModule<ReferenceKernel>;
  #booted: ReferenceKernel | null = null;

  constructor(reference: KernelModule<ReferenceKernel>) {
    this.module = {
      declares: reference.declares,
      boot: (machine) => {
        const kernel = reference.boot(machine);
        this.#booted ??= kernel;
        return kernel;
      },
    };
  }

  reset(): void {
    this.#booted = null;
  }

  addTo({ rules }: Tally): void {
    for (const [rule, count] of this.#booted?.rules ?? []) rules.set(rule, (rules.get(rule) ?? 0) + count);
  }
}

/** One search; what it counts can be taken away part by part. */
export class Search {
  readonly #options: SearchOptions;
  readonly #judging: SearchOptions;
  readonly #reachable: readonly Goal[];
  readonly #reference: RememberedReference;
  #statistics: StatisticsCounter;
  #goals: GoalCounter;
  #failed: Omit<FailedSearch, 'path'> | null = null;
  #stopped = false;
  /** What a run threw: an unusable kernel, or a bug of ours. */
  #thrown: { readonly error: unknown } | null = null;

  constructor(options: SearchOptions) {
    const { declares } = options.candidate;
    this.#options = options;
    this.#reachable = reachableGoals(declares);
    this.#statistics = new StatisticsCounter(declares.operations);
    this.#goals = new GoalCounter(this.#reachable);
    this.#reference = new RememberedReference(options.reference);
    this.#judging = { ...options, reference: this.#reference.module };
  }

  /** The goals that the kernel can meet, in the order in which tallies count them. */
  get goals(): readonly Goal[] {
    return this.#reachable;
  }

  /** What was counted since the last call. */
  take(): Tally {
    const { tally } = this.#statistics;
    for (const [i, { count }] of this.#goals.counts().entries()) tally.goals[i] = count;
    this.#statistics = new StatisticsCounter(this.#options.candidate.declares.operations);
    this.#goals = new GoalCounter(this.#reachable);
    return tally;
  }

  /** Runs to the end, to the first failure or to the interruption. Throws what the kernel under test throws at boot. */
  run(): SearchEnd {
    const { seed, runs, examples = [], timeLimit, turn = () => 'run' } = this.#options;
    const own = new OwnTurns(scenariosOf(this.#options), turn);
    let given = 0;
    const property = fc.property(own, (scenario) => {
      if (scenario === null) return !own.ended;
      const index = given < examples.length ? given : examples.length + own.index;
      given += 1;
      try {
        return this.#holds(scenario, index);
      } catch (error) {
        this.#thrown = { error };
        return false;
      }
    });
    const details = fc.check(property, {
      seed,
      numRuns: runs,
      examples: examples.map((scenario): [Scenario] => [scenario]),
      endOnFailure: true,
      ...(timeLimit !== undefined && { interruptAfterTimeLimit: timeLimit }),
    });
    if (this.#thrown !== null) throw this.#thrown.error;
    return {
      failure: this.#failed && { ...this.#failed, path: details.counterexamplePath },
      interrupted: details.interrupted || this.#stopped,
    };
  }

  /** Judges one generated scenario; true when it held. */
  #holds(scenario: Scenario, index: number): boolean {
    const { onScenario, onReport, onFailure, onProgress, shouldStop } = this.#options;
    if (shouldStop?.() === true) {
      this.#stopped = true;
      return false;
    }
    onScenario?.(scenario, index);
    this.#goals.begin();
    this.#reference.reset();
    const report = judged(this.#judging, scenario, [this.#goals, this.#statistics]);
    this.#statistics.finished(scenario, report.expected.length);
    this.#reference.addTo(this.#statistics.tally);
    if (report.failure !== null) {
      this.#failed = { report, index };
      onReport?.(report, index);
      onFailure?.(report);
      return false;
    }
    const { scenarios: runs, operations } = this.#statistics.tally;
    onProgress?.({ runs, operations, goalsReached: this.#goals.reached });
    onReport?.(report, index);
    return true;
  }
}
