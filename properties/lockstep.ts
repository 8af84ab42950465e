/**
 * Runs one scenario on the reference model and on another kernel at once, and stops where they disagree
 * or where either breaks an invariant. Knows nothing of how scenarios are made.
 */
import { InputError } from '../contract/input-error.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { Operation } from '../contract/operation.ts';
import type { Step } from '../contract/outcome.ts';
import type { Scenario } from '../contract/scenario.ts';
import { blamed, KernelThrew, type Side } from './kernel-threw.ts';
import { judge, tellJuries } from './lockstep-judge.ts';
import {
  boot,
  choosesPlaces,
  type Finding,
  follow,
  type LockstepOptions,
  type Progress,
  type Run,
} from './lockstep-run.ts';
import type { LockstepReport } from './verdict.ts';

export type { LockstepOptions, StepObserver } from './lockstep-run.ts';

/**
 * Runs a scenario until something is wrong, the machine panics, or it ends.
 *
 * @throws InputError where the scenario needs an operation that the candidate does not declare.
 */
export function runLockstep(scenario: Scenario, options: LockstepOptions): LockstepReport {
  refuseWhatCannotRun(scenario, options.candidate);
  const progress: Progress = { number: 0, expected: [], actual: [] };
  const finding = play(scenario, options, progress);
  const failure = finding === null ? null : { ...finding, number: progress.number };
  return { scenario, failure, expected: progress.expected, actual: progress.actual };
}

/**
 * Runs a scenario as `runLockstep` does; a failure is looked at again with a full look after every step,
 * so that it is reported at the earliest step where it shows and under the invariant that tells most.
 */
export function judgeScenario(scenario: Scenario, options: LockstepOptions): LockstepReport {
  const report = runLockstep(scenario, options);
  if (report.failure === null || options.fullEvery === 1) return report;
  const { observers: _, ...unobserved } = options;
  const closer = runLockstep(scenario, { ...unobserved, fullEvery: 1 });
  const earlier = closer.failure !== null && closer.failure.number <= report.failure.number;
  return earlier ? closer : report;
}

function refuseWhatCannotRun({ operations }: Scenario, { declares }: KernelModule): void {
  const known = new Set<string>(declares.operations);
  const at = operations.findIndex(({ kind }) => !known.has(kind));
  if (at >= 0)
    throw new InputError(
      `operations[${at}].kind: kernel ${declares.name} does not declare ${operations[at]?.kind}; leave it out`,
    );
}

function play(scenario: Scenario, options: LockstepOptions, progress: Progress): Finding | null {
  try {
    const run = boot(scenario, options);
    const thorough = options.fullEvery === 1;
    const atBoot = judge(run, progress, { full: thorough, scan: thorough });
    if (atBoot !== null) return atBoot;
    for (const operation of scenario.operations) {
      progress.number++;
      const finding = takeStep(run, operation, progress, progress.number === scenario.operations.length);
      if (finding !== null || progress.actual.at(-1)?.outcome.kind === 'panic') return finding;
    }
    return null;
  } catch (error) {
    if (!(error instanceof KernelThrew)) throw error;
    const { side, witnesses } = error;
    return {
      property: 'KERNEL-THREW',
      sentence: 'A kernel answers every operation; it throws no exception.',
      side,
      witnesses,
      differences: [],
    };
  }
}

/** Applies the next operation to both kernels and judges what came of it; `last`: looks at everything. */
export function takeStep(run: Run, operation: Operation, progress: Progress, last: boolean): Finding | null {
  const { reference, visible, options } = run;
  const [expected, actual] = advanceBoth(run, operation, progress);
  const panicked = expected.outcome.kind === 'panic' || actual.outcome.kind === 'panic';
  const full = !panicked && (last || progress.number % options.fullEvery === 0);
  for (const observer of options.observers ?? [])
    observer.step(reference.view, expected, visible?.view ?? null);
  return judge(run, progress, { full, scan: full });
}

/** Takes a step that is known to hold: invariants with a memory are told of it, and nobody is asked. */
export function retakeStep(run: Run, operation: Operation, progress: Progress): void {
  advanceBoth(run, operation, progress);
  tellJuries(run);
}

function advanceBoth(run: Run, operation: Operation, progress: Progress): [Step, Step] {
  const { reference, visible } = run;
  const { number } = progress;
  const [expected, actual] = applyBoth(run, operation, progress);
  reference.view.advance(operation, number, expected);
  visible?.view.advance(operation, number, actual, run.united ? reference.view : null);
  return [expected, actual];
}

/** A candidate that chooses addresses itself goes first, and the reference follows its choice. */
function applyBoth(run: Run, operation: Operation, { number, expected, actual }: Progress): [Step, Step] {
  const { reference, candidate, options } = run;
  let side: Side = 'candidate';
  try {
    if (choosesPlaces(options)) {
      const chosen = candidate.apply(operation, number);
      actual.push(chosen);
      side = 'reference';
      const followed = follow(reference.kernel, operation, number, options, chosen);
      expected.push(followed);
      return [followed, chosen];
    }
    side = 'reference';
    const wanted = reference.kernel.apply(operation, number);
    expected.push(wanted);
    side = 'candidate';
    const answered = candidate.apply(operation, number);
    actual.push(answered);
    return [wanted, answered];
  } catch (error) {
    throw blamed(side, error);
  }
}
