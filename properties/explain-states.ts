/** The states around a failing step, and the rules that the reference applied on the way. */
import type { KernelMemory, KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import { RULE_IDS, type RuleId } from '../contract/rules.ts';
import { comparableMachine } from './agreement.ts';
import { indexSnapshot } from './index-snapshot.ts';
import type { LockstepReport } from './verdict.ts';
import type { StateView } from './view.ts';

interface Kernels {
  readonly reference: KernelModule<ReferenceKernel>;
  readonly candidate: KernelModule;
}

/** States with contents; null where a kernel shows none, has stopped, or threw. */
export interface StatesAround {
  /** Before the failing step: of the reference, which the kernel agreed with. Null for a failure at boot. */
  readonly before: StateView | null;
  readonly expected: StateView | null;
  readonly actual: StateView | null;
  /** Why `actual` is null, for people; null where it is not. */
  readonly unseen: string | null;
}

/** The reference on the way of a report, at the places that a kernel which chooses them chose. */
class Retraced {
  readonly kernel: ReferenceKernel;
  readonly #report: LockstepReport;
  readonly #follows: boolean;
  #number = 0;

  constructor(report: LockstepReport, { reference, candidate }: Kernels) {
    this.kernel = reference.boot(comparableMachine(report.scenario.machine, candidate.declares));
    this.#report = report;
    this.#follows = candidate.declares.placement === 'any';
  }

  step(): void {
    const number = ++this.#number;
    const { scenario, actual } = this.#report;
    const operation = scenario.operations[number - 1];
    const chosen = actual[number - 1]?.outcome;
    if (operation === undefined) return;
    if (this.#follows && chosen !== undefined) this.kernel.applyPlaced(operation, number, chosen);
    else this.kernel.apply(operation, number);
  }
}

/** The rules that each step applied, in the order of the specification; `[0]` at boot. */
export function stepRules(report: LockstepReport, kernels: Kernels): RuleId[][] {
  const retraced = new Retraced(report, kernels);
  let before = new Map<RuleId, number>();
  const fresh = (): RuleId[] => {
    const now = new Map(retraced.kernel.rules);
    const applied = RULE_IDS.filter((rule) => (before.get(rule) ?? 0) < (now.get(rule) ?? 0));
    before = now;
    return applied;
  };
  const rules = [fresh()];
  for (let i = 0; i < report.expected.length; i++) {
    retraced.step();
    rules.push(fresh());
  }
  return rules;
}

const stateOf = (kernel: KernelMemory): StateView | null => {
  const snapshot = kernel.snapshot?.({ contents: true });
  return snapshot === undefined ? null : indexSnapshot(snapshot);
};

/** The states before and after the failing step. */
export function statesAround(report: LockstepReport, kernels: Kernels): StatesAround {
  const number = report.failure?.number ?? 0;
  const retraced = new Retraced(report, kernels);
  for (let i = 1; i < number; i++) retraced.step();
  const before = number === 0 ? null : stateOf(retraced.kernel);
  if (number > 0) retraced.step();
  const stopped = report.expected.at(number - 1)?.outcome.kind === 'panic';
  return {
    before,
    expected: stopped && number > 0 ? null : stateOf(retraced.kernel),
    ...actualState(report, kernels),
  };
}

/** The kernel's own state behind its failing step; one that throws on the way shows none. */
function actualState(
  { scenario, failure, actual }: LockstepReport,
  { candidate }: Kernels,
): Pick<StatesAround, 'actual' | 'unseen'> {
  const number = failure?.number ?? 0;
  const none = (unseen: string) => ({ actual: null, unseen });
  const last = actual[number - 1]?.outcome;
  if (last?.kind === 'panic') return none(`it stopped with panic ${last.text}`);
  if (number > 0 && last === undefined) return none('it threw an exception in that operation');
  if (!candidate.declares.shows.some((show) => show !== 'outcomes')) return none('it shows outcomes only');
  try {
    const kernel = candidate.boot(comparableMachine(scenario.machine, candidate.declares));
    for (const [i, operation] of scenario.operations.slice(0, number).entries())
      kernel.apply(operation, i + 1);
    const state = stateOf(kernel);
    return state === null ? none('it has no snapshot()') : { actual: state, unseen: null };
  } catch {
    return none('it threw an exception on the way there or in snapshot()');
  }
}
