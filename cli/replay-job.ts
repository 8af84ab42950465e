/** Runs one stored scenario in lockstep, looking at everything after every step. */
import { InputError } from '../contract/input-error.ts';
import type { KernelMemory, KernelModule } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { comparableMachine } from '../properties/agreement.ts';
import { indexSnapshot } from '../properties/index-snapshot.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import { runLockstep, type StepObserver } from '../properties/lockstep.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { pageTableLines, tlbLines } from '../report/page-tables.ts';
import { DRAWN_PARTS, type DrawnPart, type ShownPart, stateLines } from '../report/state.ts';
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
    states: show.length === 0 ? [] : shownStates(scenario, report, candidate, show),
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

/** At boot and after each step of the report: parts of the reference’s state, then the candidate’s page tables. */
function shownStates(
  scenario: Scenario,
  report: LockstepReport,
  candidate: KernelModule,
  show: readonly ShownPart[],
): string[][] {
  const parts = DRAWN_PARTS.filter((part) => show.includes(part));
  const states = drawnStates(scenario, report, candidate, parts);
  if (!show.includes('tables')) return states;
  const tables = drawnTables(scenario, report, candidate);
  return states.map((lines, i) => [...lines, ...(tables[i] ?? [])]);
}

/** The candidate once more on its own. */
function drawnTables(
  { machine, operations }: Scenario,
  { expected }: LockstepReport,
  { declares, boot }: KernelModule,
): string[][] {
  const states: string[][] = [];
  try {
    const kernel = boot(comparableMachine(machine, declares));
    states.push(tablesOf(kernel, declares.name));
    for (const [i, operation] of operations.slice(0, expected.length).entries()) {
      kernel.apply(operation, i + 1);
      states.push(tablesOf(kernel, declares.name));
    }
  } catch {
    // Told by the report, which ends where this does.
  }
  return states;
}

function tablesOf(kernel: KernelMemory, name: string): string[] {
  const shown = kernel.pageTables?.();
  if (shown === undefined) return [`kernel ${name} shows no page tables`];
  return [...pageTableLines(shown), ...tlbLines(kernel.tlb?.() ?? [], shown.firstManagedFrame)];
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
