/** Runs a campaign in the runner thread; a failing scenario is on disk before its shrinking starts. */
import type { KernelModule } from '../contract/kernel-memory.ts';
import { OPERATION_KINDS } from '../contract/operation.ts';
import { RULES, type RuleId } from '../contract/rules.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { type CampaignResult, runCampaign } from '../properties/campaign.ts';
import type { KindCount } from '../properties/statistics.ts';
import { WORKLOAD_NAMES, type WorkloadName } from '../properties/workloads.ts';
import type { KindRow } from '../report/statistics.ts';
import type { CheckAnswer, CheckJob, FoundFailure } from './job.ts';
import { storeFailure } from './scenario-store.ts';

/** The campaign's ties to the main thread. */
export interface CampaignTies {
  stopRequested(): boolean;
  /** A scenario begins: its number, and the operations that those before it ran. */
  begins(scenario: number, operations: number): void;
  /** A scenario failed and was stored at `path`. */
  found(property: string, path: string | null): void;
  progress(state: { readonly scenarios: number; readonly operations: number; readonly goals: number }): void;
}

const MILLISECONDS_BETWEEN_PROGRESS = 100;

/** Runs the campaign to its end, its failure or its interruption. */
export function checkCampaign(job: CheckJob, candidate: KernelModule, ties: CampaignTies): CheckAnswer {
  let next = 0;
  let finished = 0;
  const result = runCampaign({
    reference: referenceKernel,
    candidate,
    seed: job.seed,
    runs: job.runs,
    workload: workloadNamed(job.workload),
    ...(job.milliseconds === null ? {} : { timeLimit: job.milliseconds }),
    shouldStop: () => ties.stopRequested(),
    onFailure: (report) => {
      const { path } = storeFailure(job, report, 'unshrunk');
      ties.found(report.failure?.property ?? '', path);
    },
    onScenario: (_, index) => ties.begins(index + 1, finished),
    onProgress: ({ runs, operations, goalsReached }) => {
      finished = operations;
      if (performance.now() < next) return;
      next = performance.now() + MILLISECONDS_BETWEEN_PROGRESS;
      ties.progress({ scenarios: runs, operations, goals: goalsReached });
    },
  });
  return {
    verb: 'check',
    kernel: candidate.declares.name,
    scenarios: result.runs,
    emptyScenarios: result.emptyScenarios,
    operations: result.operations,
    kinds: result.statistics.kinds.map(kindRow),
    goals: result.goals.map(({ id, claim, count }) => ({ id, claim, count })),
    complete: OPERATION_KINDS.every((kind) => candidate.declares.operations.includes(kind)),
    shares: result.statistics.shares,
    rules: ruleCounts(result),
    failure: found(job, result),
    interrupted: result.interrupted && ties.stopRequested(),
    stray: null,
  };
}

function workloadNamed(name: string): WorkloadName | 'default' {
  const known = WORKLOAD_NAMES.find((workload) => workload === name);
  return known ?? 'default';
}

const kindRow = (count: KindCount): KindRow => ({
  name: count.name,
  executed: count.executed,
  succeeded: count.succeeded,
  refused: count.none + count.kern + count.trap + count.rejected,
  slept: count.slept,
  panicked: count.panicked,
});

/** Every rule in the order of the contract, so that documents compare. */
const ruleCounts = ({ rules }: CampaignResult): [RuleId, number][] =>
  (Object.keys(RULES) as RuleId[]).map((rule) => [rule, rules.get(rule) ?? 0]);

function found(job: CheckJob, { failure }: CampaignResult): FoundFailure | null {
  if (failure === null) return null;
  const { first, shrunk } = failure;
  return {
    report: shrunk,
    foundLength: first.scenario.operations.length,
    ...storeFailure(job, shrunk, null),
  };
}
