/** Our own arm, whole and with one feature off at a time. */
import fc from 'fast-check';
import type { Scenario } from '../../contract/scenario.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { runCampaign } from '../../properties/campaign.ts';
import type { Feature } from '../../properties/generate-features.ts';
import type { Invariant } from '../../properties/invariant.ts';
import { ALL_INVARIANTS } from '../../properties/invariants/all.ts';
import { runLockstep } from '../../properties/lockstep.ts';
import { scenarios } from '../../properties/scenarios.ts';
import type { WorkloadName } from '../../properties/workloads.ts';
import type { Arm, Task } from './arm.ts';

const MOST_RUNS = 10_000_000;
const NO_INVARIANTS: readonly Invariant[] = [];

/** What is left out. */
interface Less {
  readonly without?: Feature;
  readonly workload?: WorkloadName;
  readonly invariants?: readonly Invariant[];
  readonly compare?: boolean;
}

/** The first generated scenario that fails within the budget, counted up to the failing operation; null for none. */
function found({ candidate, seed, operations, budget }: Task, less: Less): Scenario | null {
  const { without, workload, invariants = ALL_INVARIANTS, compare = true } = less;
  const until = operations() + budget;
  const arbitrary = scenarios({
    reference: referenceKernel,
    declares: candidate.declares,
    ...(without && { without }),
    ...(workload && { workload }),
  });
  let failing: Scenario | null = null;
  const property = fc.property(arbitrary, (scenario) => {
    if (operations() >= until) return false;
    const { failure } = runLockstep(scenario, {
      reference: referenceKernel,
      candidate,
      compare,
      invariants,
      fullEvery: 64,
    });
    if (failure !== null && operations() <= until) failing = scenario;
    return failure === null;
  });
  const { errorInstance } = fc.check(property, { seed, numRuns: MOST_RUNS, endOnFailure: true });
  // A predicate that returns false is no error of its own; whatever else it threw is.
  if (failing === null && errorInstance instanceof Error && operations() < until) throw errorInstance;
  return failing;
}

/** The smallest scenario that our shrinker comes to. */
function shrunk({ candidate, seed, shrinkLimit, runs }: Task, scenario: Scenario, less: Less): Scenario {
  const { invariants = ALL_INVARIANTS, compare = true } = less;
  const until = runs() + shrinkLimit;
  const { failure } = runCampaign({
    reference: referenceKernel,
    candidate,
    seed,
    runs: 1,
    examples: [scenario],
    invariants,
    compare,
    shrinkLimit,
    shouldStop: () => runs() >= until,
  });
  return failure?.shrunk.scenario ?? scenario;
}

const oursWith = (name: string, claim: string, less: Less): Arm => ({
  name,
  claim,
  aside: Object.keys(less).length > 0,
  shrinksAlike: Object.keys(less).length > 0,
  find: (task) => {
    const scenario = found(task, less);
    return scenario && { scenario, shrink: () => shrunk(task, scenario, less) };
  },
});

/** Ours as `check` runs it. */
export const OURS: Arm = oursWith('ours', 'scenarios() and the shrinker of check', {});

/** Ours with one thing left out. */
export const OURS_WITHOUT: readonly Arm[] = [
  oursWith('no-swarm', 'ours, all kinds with fixed weights', { without: 'swarm' }),
  oursWith('no-boundaries', 'ours, sizes and ranges anywhere', { without: 'boundaries' }),
  oursWith('no-gambits', 'ours, no plans of several operations', { without: 'gambits' }),
  oursWith('no-errors', 'ours, no deliberate error paths', { without: 'errors' }),
  oursWith('no-wakes', 'ours, no concern with sleepers', { without: 'wakes' }),
  oursWith('balanced-only', 'ours, one workload', { workload: 'balanced' }),
  oursWith('no-invariants', 'ours, the comparison alone', { invariants: NO_INVARIANTS }),
  oursWith('no-comparison', 'ours, the invariants alone', { compare: false }),
];
