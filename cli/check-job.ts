/** Runs a campaign in the runner thread; a failing scenario is on disk before its shrinking starts. */
import { InputError } from '../contract/input-error.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import { OPERATION_KINDS } from '../contract/operation.ts';
import { RULES, type RuleId } from '../contract/rules.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { type CampaignResult, runCampaign } from '../properties/campaign.ts';
import type { KindCount } from '../properties/statistics.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { WORKLOAD_NAMES, type WorkloadName } from '../properties/workloads.ts';
import type { KindRow } from '../report/statistics.ts';
import type { CheckAnswer, CheckJob, FoundFailure } from './job.ts';
import { storeScenario } from './scenario-store.ts';

/** The campaign's ties to the main thread. */
export interface CampaignTies {
  stopRequested(): boolean;
  progress(state: { readonly scenarios: number; readonly operations: number; readonly goals: number }): void;
}

const MILLISECONDS_BETWEEN_PROGRESS = 100;

/** Runs the campaign to its end, its failure or its interruption. */
export function checkCampaign(job: CheckJob, candidate: KernelModule, ties: CampaignTies): CheckAnswer {
  let next = 0;
  const result = runCampaign({
    reference: referenceKernel,
    candidate,
    seed: job.seed,
    runs: job.runs,
    workload: workloadNamed(job.workload),
    ...(job.milliseconds === null ? {} : { timeLimit: job.milliseconds }),
    shouldStop: () => ties.stopRequested(),
    onFailure: (report) => {
      store(job, report, 'unshrunk');
    },
    onProgress: ({ runs, operations, goalsReached }) => {
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
    ...store(job, shrunk, null),
  };
}

/** Stores a failing scenario; a directory that refuses it must not hide the failure. */
function store(
  { out, seed, again }: CheckJob,
  { scenario, failure }: LockstepReport,
  suffix: string | null,
): { path: string | null; storeFault: string | null } {
  if (failure === null) return { path: null, storeFault: null };
  const { property, sentence, side, number } = failure;
  const name = `${property}-${seed}${suffix === null ? '' : `.${suffix}`}`;
  try {
    const path = storeScenario(out, name, {
      scenario,
      note: `found by ${again}`,
      failure: { property, sentence, side, number },
    });
    return { path, storeFault: null };
  } catch (error) {
    if (error instanceof InputError) return { path: null, storeFault: error.message };
    throw error;
  }
}
