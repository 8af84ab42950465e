/** An arm that is a property of fast-check over `fc.commands`, found, shrunk and replayed by fast-check alone. */
import fc, { type Arbitrary } from 'fast-check';
import type { Scenario } from '../../contract/scenario.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { ALL_INVARIANTS } from '../../properties/invariants/all.ts';
import type { Arm, Catch, Task } from './arm.ts';
import { BudgetSpent, Disagreement, type LivePlan, LiveRun } from './live-run.ts';
import { machinePlans } from './machine-plans.ts';
import type { LiveCommand } from './naive.ts';

/** How long runs are: what `fc.commands` is told. */
export type CommandLimits = Pick<fc.CommandsContraints, 'maxCommands' | 'size'>;

/** Runs that are generated at most; the budget of operations ends the search long before. */
const MOST_RUNS = 10_000_000;

/** The kernel under test of a run, and whether there is room for one more operation. */
export interface Attempt {
  readonly task: Pick<Task, 'candidate' | 'uncounted'>;
  readonly mayGoOn: () => boolean;
}

/** One run; the scenario that failed, or null. */
export function attempt(
  { task, mayGoOn }: Attempt,
  plan: LivePlan,
  commands: Iterable<LiveCommand>,
): Scenario | null {
  let live: LiveRun | undefined;
  try {
    fc.modelRun(() => {
      live = new LiveRun(plan, {
        reference: referenceKernel,
        candidate: task.candidate,
        compare: true,
        invariants: ALL_INVARIANTS,
        fullEvery: 64,
        mayGoOn,
        uncounted: task.uncounted,
      });
      return { model: live, real: live };
    }, commands);
    live?.finish();
    return null;
  } catch (error) {
    if (error instanceof Disagreement) return error.scenario;
    throw error;
  }
}

/**
 * The property that a user of fast-check would write; `run` answers with the scenario where a run fails. `replayPath` is what
 * fast-check prints beside seed and path.
 */
export function propertyOf(
  commands: readonly Arbitrary<LiveCommand>[],
  limits: CommandLimits & { readonly replayPath?: string },
  run: (plan: LivePlan, commands: Iterable<LiveCommand>) => Scenario | null,
) {
  // Commands first, since fast-check shrinks from the left: fewer commands matter more than a smaller machine.
  return fc.property(
    fc.commands([...commands], limits),
    machinePlans(),
    (drawn, plan) => run(plan, drawn) === null,
  );
}

/** An arm over these commands. */
export function commandsArm(
  { name, claim, aside }: Pick<Arm, 'name' | 'claim' | 'aside'>,
  commandsOf: () => Arbitrary<LiveCommand>[],
  limits: CommandLimits,
): Arm {
  return {
    name,
    claim,
    aside,
    shrinksAlike: false,
    find: (task) => {
      const commands = commandsOf();
      const until = task.operations() + task.budget;
      let found: Scenario | null = null;
      const hasRoom = (): boolean => task.operations() < until;
      const property = propertyOf(commands, limits, (plan, drawn) => {
        found = attempt({ task, mayGoOn: hasRoom }, plan, drawn);
        return found;
      });
      const path = searched(property, task.seed);
      if (path === null || found === null) return null;
      const scenario: Scenario = found;
      return { scenario, shrink: () => shrunk({ commands, limits, task, path, scenario }) };
    },
  };
}

/** The path of the first failing run; null where the budget ended before one failed. */
function searched(property: fc.IProperty<unknown>, seed: number): string | null {
  const details = fc.check(property, { seed, numRuns: MOST_RUNS, endOnFailure: true });
  if (details.failed && details.errorInstance instanceof BudgetSpent) return null;
  if (details.errorInstance instanceof Error && details.errorInstance.message !== PROPERTY_IS_FALSE)
    throw details.errorInstance;
  return details.counterexamplePath;
}

/** What fast-check says of a predicate that returned false. */
export const PROPERTY_IS_FALSE = 'Property failed by returning false';

interface Found {
  readonly commands: readonly Arbitrary<LiveCommand>[];
  readonly limits: CommandLimits;
  readonly task: Task;
  readonly path: string;
  readonly scenario: Catch['scenario'];
}

/** fast-check's own shrinking, from the failing run on; after so many runs whatever is left counts as held. */
function shrunk({ commands, limits, task, path, scenario }: Found): Scenario {
  const until = task.runs() + task.shrinkLimit + 1;
  let smallest = scenario;
  const property = propertyOf(commands, limits, (plan, drawn) => {
    if (task.runs() >= until) return null;
    const failing = attempt({ task, mayGoOn: () => true }, plan, drawn);
    // A failure while the machine is set up can shrink into a longer one: the shortest on the way counts.
    if (failing !== null && failing.operations.length <= smallest.operations.length) smallest = failing;
    return failing;
  });
  fc.check(property, { seed: task.seed, path, numRuns: 1 });
  return smallest;
}
