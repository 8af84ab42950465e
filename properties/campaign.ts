/** A campaign: many generated scenarios in lockstep, until one fails; then the search for the smallest that fails alike. */
import fc from 'fast-check';
import type { RuleId } from '../contract/rules.ts';
import type { GoalCount } from './goals.ts';
import { type FailedSearch, judged, Search, type SearchOptions, scenariosOf } from './search.ts';
import type { CampaignStatistics } from './statistics.ts';
import { statisticsOf } from './tally.ts';
import type { LockstepReport } from './verdict.ts';

/** What to run, for how long, and who wants to hear of it. */
export interface CampaignOptions extends Omit<SearchOptions, 'turn'> {
  /** Most scenarios to try while shrinking; 0 leaves a failure as it was found. Absent: 4000. */
  readonly shrinkLimit?: number;
  /** At each smaller scenario that fails alike, while shrinking; `shouldStop` is asked then too. */
  readonly onBetter?: (report: LockstepReport) => void;
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

/** Looks for the smallest scenario that breaks the same property on the same side. */
function shrunkFailure({ report: first, path }: FailedSearch, options: CampaignOptions): CampaignFailure {
  const { shrinkLimit = DEFAULT_SHRINK_LIMIT, shouldStop, onBetter, seed } = options;
  let tries = 0;
  let shrunk = first;
  const mayGoOn = (): boolean => tries < shrinkLimit && shouldStop?.() !== true;
  const property = fc.property(scenariosOf(options, mayGoOn), (scenario) => {
    if (scenario === first.scenario) return false;
    tries += 1;
    const report = judged(options, scenario);
    if (!isAlike(report, first)) return true;
    shrunk = report;
    onBetter?.(report);
    return false;
  });
  if (shrinkLimit === 0) return { first, shrunk, shrinks: 0, path };
  const { numShrinks } = fc.check(property, { seed, numRuns: 1, examples: [[first.scenario]] });
  return { first, shrunk, shrinks: numShrinks, path };
}

const isAlike = ({ failure }: LockstepReport, first: LockstepReport): boolean =>
  failure !== null && failure.property === first.failure?.property && failure.side === first.failure.side;

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
