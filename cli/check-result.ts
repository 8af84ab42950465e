/** What a campaign did, put together from the parts of its workers. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { RULES, type RuleId } from '../contract/rules.ts';
import type { KindCount } from '../properties/statistics.ts';
import { statisticsOf, type Tally } from '../properties/tally.ts';
import { KERNEL_KINDS } from '../properties/workloads.ts';
import type { GoalRow, KindRow, ShareRow } from '../report/statistics.ts';
import type { FoundFailure } from './job.ts';

/** Everything that `check` prints. */
export interface CheckResult {
  readonly kernel: string;
  readonly scenarios: number;
  readonly emptyScenarios: number;
  readonly operations: number;
  readonly kinds: readonly KindRow[];
  readonly goals: readonly GoalRow[];
  /** True for a kernel that declares every operation: only then can it be held to every goal. */
  readonly complete: boolean;
  readonly shares: readonly ShareRow[];
  readonly rules: readonly (readonly [RuleId, number])[];
  readonly failure: FoundFailure | null;
  readonly interrupted: boolean;
  /** What an outside kernel threw when nobody called it, or null. */
  readonly stray: string | null;
}

/** The kernel as its thread told of it. */
export interface LoadedKernel {
  readonly declares: KernelDeclaration;
  readonly goals: readonly Pick<GoalRow, 'id' | 'claim'>[];
}

const kindRow = (count: KindCount): KindRow => ({
  name: count.name,
  executed: count.executed,
  succeeded: count.succeeded,
  refused: count.none + count.kern + count.trap + count.rejected,
  slept: count.slept,
  panicked: count.panicked,
});

/** The counts in the rows that are printed; rules in the order of the contract, so that documents compare. */
export function resultOf(
  tally: Tally,
  { declares, goals }: LoadedKernel,
  ended: Pick<CheckResult, 'failure' | 'interrupted' | 'stray'>,
): CheckResult {
  const { scenarios, emptyScenarios, operations, kinds, shares } = statisticsOf(tally);
  return {
    kernel: declares.name,
    scenarios,
    emptyScenarios,
    operations,
    kinds: kinds.map(kindRow),
    goals: goals.map(({ id, claim }, i) => ({ id, claim, count: tally.goals[i] ?? 0 })),
    complete: [...KERNEL_KINDS].every((kind) => declares.operations.includes(kind)),
    shares,
    rules: (Object.keys(RULES) as RuleId[]).map((rule) => [rule, tally.rules.get(rule) ?? 0]),
    ...ended,
  };
}
