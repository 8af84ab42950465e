/** Runs one stored scenario in lockstep, looking at everything after every step. */
import { InputError } from '../contract/input-error.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { comparableMachine } from '../properties/agreement.ts';
import { indexSnapshot } from '../properties/index-snapshot.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import { runLockstep, type StepObserver } from '../properties/lockstep.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { type DrawnPart, stateLines } from '../report/state.ts';
import { confirmed, flakiness } from './confirm.ts';
import type { ReplayAnswer, ReplayJob } from './job.ts';

/** Longest scenario that is run several times though nothing is wrong. */
const SMALL = 500;

/**
 * The run, and the reference's state after each of its steps where parts of it are to be shown. A verdict that matters
 * or costs little is confirmed by more runs.
 */
export function replay(job: ReplayJob, candidate: KernelModule): ReplayAnswer {
  const { file, show, breakAt } = job;
  refuseUndeclared(file, job.scenario, candidate);
  const scenario = breakAt === null ? job.scenario : upTo(job.scenario, breakAt);
  const run = (): LockstepReport => lockstep(scenario, candidate, []);
  const report = lockstep(scenario, candidate, breakAt === null ? [] : [stopAt(breakAt)]);
  const small = scenario.operations.length <= SMALL && breakAt === null;
  const doubtful = report.failure !== null || job.failsAlready || small;
  return {
    verb: 'replay',
    kernel: candidate.declares.name,
    report,
    states: show.length === 0 ? [] : drawnStates(scenario, report, candidate, show),
    flaky: doubtful ? flakiness(confirmed(report, run)) : null,
    stray: null,
  };
}

/** Everything is looked at after every step. */
const lockstep = (
  scenario: Scenario,
  candidate: KernelModule,
  observers: readonly StepObserver[],
): LockstepReport =>
  runLockstep(scenario, {
    reference: referenceKernel,
    candidate,
    compare: true,
    invariants: ALL_INVARIANTS,
    fullEvery: 1,
    observers,
  });

const upTo = ({ machine, operations }: Scenario, number: number): Scenario => ({
  machine,
  operations: operations.slice(0, number),
});

/** Hands over to a debugger, where one listens (node --inspect), once the operation has run on both kernels. */
function stopAt(number: number): StepObserver {
  let seen = 0;
  return {
    step(_expected, _step, _actual) {
      seen += 1;
      // biome-ignore lint/suspicious/noDebugger: that is what --break-at asks for.
      if (seen === number) debugger;
    },
  };
}

/** Names the file and the place of an operation that this kernel does not know. */
export function refuseUndeclared(file: string, { operations }: Scenario, { declares }: KernelModule): void {
  const at = operations.findIndex(({ kind }) => !declares.operations.includes(kind));
  if (at >= 0)
    throw new InputError(
      `${file}: operations[${at}].kind: kernel ${declares.name} does not declare ${operations[at]?.kind}; remove it or replay on another kernel`,
    );
}

/** The reference once more on its own: at boot and after each step of the report. */
function drawnStates(
  { machine, operations }: Scenario,
  { expected, actual }: LockstepReport,
  { declares }: KernelModule,
  show: readonly DrawnPart[],
): string[][] {
  const kernel = referenceKernel.boot(comparableMachine(machine, declares));
  const drawn = (): string[] => stateLines(indexSnapshot(kernel.snapshot({ contents: true })), show);
  const states = [drawn()];
  expected.forEach((_, i) => {
    const operation = operations[i];
    if (operation === undefined) return;
    const chosen = actual[i]?.outcome;
    if (declares.placement === 'any' && chosen !== undefined) kernel.applyPlaced(operation, i + 1, chosen);
    else kernel.apply(operation, i + 1);
    states.push(drawn());
  });
  return states;
}
