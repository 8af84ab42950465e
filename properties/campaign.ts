/** A campaign: many generated scenarios in lockstep, until one fails; then the search for the smallest that fails alike. */
import fc from 'fast-check';
import type { KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { RuleId } from '../contract/rules.ts';
import type { Scenario } from '../contract/scenario.ts';
import { type GoalCount, GoalCounter, reachableGoals } from './goals.ts';
import type { Invariant } from './invariant.ts';
import { ALL_INVARIANTS } from './invariants/all.ts';
import { judgeScenario, type LockstepOptions } from './lockstep.ts';
import { scenarios } from './scenarios.ts';
import { type CampaignStatistics, StatisticsCounter } from './statistics.ts';
import type { LockstepReport } from './verdict.ts';
import type { WorkloadName } from './workloads.ts';

/** What to run, for how long, and who wants to hear of it. */
export interface CampaignOptions {
  readonly reference: KernelModule<ReferenceKernel>;
  readonly candidate: KernelModule;
  /** Seed of the generator, a 32-bit integer: the same seed and options give the same campaign. */
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
  /** Most scenarios to try while shrinking; 0 leaves a failure as it was found. Absent: 4000. */
  readonly shrinkLimit?: number;
  /** Before each scenario runs; `index` counts from 0. */
  readonly onScenario?: (scenario: Scenario, index: number) => void;
  /** At the first failure, before shrinking starts. */
  readonly onFailure?: (report: LockstepReport) => void;
  /** After each scenario that held. */
  readonly onProgress?: (progress: CampaignProgress) => void;
  /** Asked before each scenario, also while shrinking; true ends the campaign with what it has. */
  readonly shouldStop?: () => boolean;
}

/** How far a campaign has come. */
export interface CampaignProgress {
  readonly runs: number;
  readonly operations: number;
  readonly goalsReached: number;
}

/** A failure as found and as shrunk. */
export interface CampaignFailure {
  readonly first: LockstepReport;
  /** The smallest scenario that fails alike; `first` itself where nothing smaller did. */
  readonly shrunk: LockstepReport;
  /** Successful simplifications. */
  readonly shrinks: number;
  /** fast-check's path of the failing run, for `path` of fc.check with the same seed. */
  readonly path: string | null;
}

/** What a campaign did and found. */
export interface CampaignResult {
  readonly seed: number;
  /** Scenarios run, the failing one included. */
  readonly runs: number;
  readonly operations: number;
  readonly failure: CampaignFailure | null;
  readonly statistics: CampaignStatistics;
  /** Goals that this kernel can meet, and in how many scenarios each was met. */
  readonly goals: readonly GoalCount[];
  /** How often the reference exercised each rule. */
  readonly rules: ReadonlyMap<RuleId, number>;
  /** True when the time limit or `shouldStop` ended it before all runs were done. */
  readonly interrupted: boolean;
  readonly emptyScenarios: number;
}

const DEFAULT_SHRINK_LIMIT = 4000;
const DEFAULT_FULL_EVERY = 64;

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

  addTo(rules: Map<RuleId, number>): void {
    for (const [rule, count] of this.#booted?.rules ?? []) rules.set(rule, (rules.get(rule) ?? 0) + count);
  }
}

class Campaign {
  readonly #options: CampaignOptions;
  readonly #goals: GoalCounter;
  readonly #statistics: StatisticsCounter;
  readonly #reference: RememberedReference;
  readonly #rules = new Map<RuleId, number>();
  #first: LockstepReport | null = null;
  #stopped = false;
  /** What a run threw: an unusable kernel, or a bug of ours. */
  #thrown: { readonly error: unknown } | null = null;

  constructor(options: CampaignOptions) {
    const { declares } = options.candidate;
    this.#options = options;
    this.#goals = new GoalCounter(reachableGoals(declares));
    this.#statistics = new StatisticsCounter(declares.operations);
    this.#reference = new RememberedReference(options.reference);
  }

  #judge(scenario: Scenario, observers: LockstepOptions['observers']): LockstepReport {
    const {
      candidate,
      compare = true,
      invariants = ALL_INVARIANTS,
      fullEvery = DEFAULT_FULL_EVERY,
    } = this.#options;
    const reference = this.#reference.module;
    return judgeScenario(scenario, {
      reference,
      candidate,
      compare,
      invariants,
      fullEvery,
      ...(observers && { observers }),
    });
  }

  /** Judges one generated scenario; true when it held. */
  #holds(scenario: Scenario): boolean {
    const { onScenario, onFailure, onProgress, shouldStop } = this.#options;
    if (shouldStop?.() === true) {
      this.#stopped = true;
      return false;
    }
    onScenario?.(scenario, this.#statistics.scenarios);
    this.#goals.begin();
    this.#reference.reset();
    const report = this.#judge(scenario, [this.#goals, this.#statistics]);
    this.#statistics.finished(scenario, report.expected.length);
    this.#reference.addTo(this.#rules);
    if (report.failure !== null) {
      this.#first = report;
      onFailure?.(report);
      return false;
    }
    const { scenarios: runs, operations } = this.#statistics;
    onProgress?.({ runs, operations, goalsReached: this.#goals.reached });
    return true;
  }

  run(): CampaignResult {
    const { seed, runs, examples = [], timeLimit } = this.#options;
    const property = fc.property(this.#scenarios(), (scenario) => {
      try {
        return this.#holds(scenario);
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
    const failure = this.#first === null ? null : this.#shrink(this.#first, details.counterexamplePath);
    return this.#result(failure, details.interrupted || this.#stopped);
  }

  #scenarios(shrinksLeft: () => boolean = () => true): fc.Arbitrary<Scenario> {
    const { reference, candidate, workload, machine, length } = this.#options;
    return scenarios({
      reference,
      declares: candidate.declares,
      keepShrinking: shrinksLeft,
      ...(candidate.declares.placement === 'any' && { follows: candidate }),
      ...(workload !== undefined && { workload }),
      ...(machine !== undefined && { machine }),
      ...(length !== undefined && { length }),
    });
  }

  /** Looks for the smallest scenario that breaks the same property on the same side. */
  #shrink(first: LockstepReport, path: string | null): CampaignFailure {
    const { shrinkLimit = DEFAULT_SHRINK_LIMIT, shouldStop, seed } = this.#options;
    let tries = 0;
    let shrunk = first;
    const mayGoOn = (): boolean => tries < shrinkLimit && shouldStop?.() !== true;
    const property = fc.property(this.#scenarios(mayGoOn), (scenario) => {
      if (scenario === first.scenario) return false;
      tries += 1;
      const report = this.#judge(scenario, undefined);
      if (!isAlike(report, first)) return true;
      shrunk = report;
      return false;
    });
    if (shrinkLimit === 0) return { first, shrunk, shrinks: 0, path };
    const { numShrinks } = fc.check(property, { seed, numRuns: 1, examples: [[first.scenario]] });
    return { first, shrunk, shrinks: numShrinks, path };
  }

  #result(failure: CampaignFailure | null, interrupted: boolean): CampaignResult {
    const statistics = this.#statistics.result();
    const { scenarios: runs, operations, emptyScenarios } = statistics;
    const goals = this.#goals.counts();
    const { seed } = this.#options;
    return {
      seed,
      runs,
      operations,
      failure,
      statistics,
      goals,
      rules: this.#rules,
      interrupted,
      emptyScenarios,
    };
  }
}

const isAlike = ({ failure }: LockstepReport, first: LockstepReport): boolean =>
  failure !== null && failure.property === first.failure?.property && failure.side === first.failure.side;

/**
 * Runs a campaign. Statistics, goals and rules count the generated scenarios and the examples, not the shrinking.
 *
 * @throws InputError where the kernel cannot be run as it declares itself.
 */
export function runCampaign(options: CampaignOptions): CampaignResult {
  return new Campaign(options).run();
}
