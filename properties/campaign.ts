/** A campaign: many generated scenarios in lockstep, until one fails; then the search for the smallest that fails alike. */
import type { RuleId } from '../contract/rules.ts';
import type { SearchMemory } from './certificate.ts';
import type { GoalCount } from './goals.ts';
import { ALL_INVARIANTS } from './invariants/all.ts';
import { type FailedSearch, judged, Search, type SearchOptions } from './search.ts';
import { type Shrunk, shrinkScenario } from './shrink.ts';
import type { Judge, ShrinkProgress } from './shrinker.ts';
import type { CampaignStatistics } from './statistics.ts';
import type { Alikeness } from './symptoms.ts';
import { statisticsOf } from './tally.ts';
import type { LockstepReport } from './verdict.ts';

/** What to run, for how long, and who wants to hear of it. */
export interface CampaignOptions extends Omit<SearchOptions, 'turn'> {
  /** Most scenarios to try while shrinking; 0 leaves a failure as it was found. Absent: 4000. */
  readonly shrinkLimit?: number;
  /** What a simpler scenario must have in common with the failure found. Absent: a symptom. */
  readonly alike?: Alikeness;
  /** Most scenarios that one search for shorter ones tries; 0: no search. Absent: 1000. */
  readonly searchLimit?: number;
  /** What searches of the same kernels have learned already. */
  readonly memory?: SearchMemory;
  /** Why `shouldStop` said so, for people; absent: the time was up. */
  readonly stopReason?: () => string;
  /** At each smaller scenario that fails alike, while shrinking; `shouldStop` is asked then too. */
  readonly onBetter?: (report: LockstepReport, progress: ShrinkProgress) => void;
  /** Before each scenario that is run while shrinking. */
  readonly onTry?: (progress: ShrinkProgress) => void;
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
  /** What it took to shrink it and what is known of shorter scenarios; null where it was not to be shrunk. */
  readonly details: Shrunk | null;
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

/** Scenarios up to this length are looked at whole after every step at once, longer ones only when they fail. */
const SHORT = 6;

/** How simpler scenarios are judged: as the campaign judges, with the closest look at short ones. */
const judgeOf =
  (options: CampaignOptions): Judge =>
  (scenario) =>
    judged(scenario.operations.length <= SHORT ? { ...options, fullEvery: 1 } : options, scenario);

/** Shrinks a failure as the campaign that found it would have it judged. */
export function shrinkFound(first: LockstepReport, options: CampaignOptions): Shrunk {
  const { reference, candidate, invariants = ALL_INVARIANTS, compare = true } = options;
  const { shouldStop, stopReason, onBetter, onTry, shrinkLimit, searchLimit, memory, alike } = options;
  return shrinkScenario(first, judgeOf(options), {
    reference,
    candidate,
    invariants,
    ...(shrinkLimit !== undefined && { most: shrinkLimit }),
    // A search compares the kernels; where the campaign does not, its verdicts would not be the campaign's.
    ...(compare ? searchLimit !== undefined && { searchMost: searchLimit } : { searchMost: 0 }),
    ...(memory && { memory }),
    ...(alike && { alike }),
    ...(shouldStop && { shouldStop }),
    ...(stopReason && { stopReason }),
    ...(onBetter && { onBetter }),
    ...(onTry && { onTry }),
  });
}

function shrunkFailure({ report: first, path }: FailedSearch, options: CampaignOptions): CampaignFailure {
  if (options.shrinkLimit === 0) return { first, shrunk: first, shrinks: 0, path, details: null };
  const details = shrinkFound(first, options);
  return { first, shrunk: details.report, shrinks: details.shrinks, path, details };
}

/**
 * Runs a campaign. Statistics, goals and rules count the generated scenarios and the examples, not the shrinking.
 *
 * @throws InputError where the kernel cannot be run as it declares itself.
 */
export function runCampaign(options: CampaignOptions): CampaignResult {
  const search = new Search(options);
  const { failure, interrupted } = search.run();
  const tally = search.take();
  const statistics = statisticsOf(tally);
  const { scenarios: runs, operations, emptyScenarios } = statistics;
  return {
    seed: options.seed,
    runs,
    operations,
    failure: failure === null ? null : shrunkFailure(failure, options),
    statistics,
    goals: search.goals.map(({ id, claim }, i) => ({ id, claim, count: tally.goals[i] ?? 0 })),
    rules: tally.rules,
    interrupted,
    emptyScenarios,
  };
}
