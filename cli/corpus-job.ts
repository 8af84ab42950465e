/** Runs stored cases on the kernel under test, in the runner thread. */
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import type { Invariant } from '../properties/invariant.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import { runLockstep } from '../properties/lockstep.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { confirmed, flakiness } from './confirm.ts';
import type { FlightRecorder } from './flight-recorder.ts';
import type { CaseResult, CorpusAnswer, CorpusJob } from './job.ts';

/** One run of a case, looking at everything after every step. */
export const runCase = (
  scenario: Scenario,
  candidate: KernelModule,
  invariants: readonly Invariant[] = ALL_INVARIANTS,
): LockstepReport =>
  runLockstep(scenario, {
    reference: referenceKernel,
    candidate,
    compare: true,
    invariants,
    fullEvery: 1,
  });

/** Why a failure that a campaign found, as found or as shrunk, does not come with every run; null where it does. */
export function flakyFailure(
  found: readonly (LockstepReport | undefined)[],
  candidate: KernelModule,
  invariants?: readonly Invariant[],
): string | null {
  for (const report of new Set(found)) {
    if (report === undefined) continue;
    const run = (): LockstepReport => runCase(report.scenario, candidate, invariants);
    // The campaign looks less often: its own verdict may fall later, and is none to compare with.
    const flaky = flakiness(confirmed(run(), run)) ?? vanished(report, run());
    if (flaky !== null) return flaky;
  }
  return null;
}

const vanished = ({ failure }: LockstepReport, now: LockstepReport): string | null =>
  failure !== null && now.failure === null
    ? `${failure.property} failed after operation ${failure.number} once and then never again`
    : null;

/** Why the kernel cannot run a scenario, or null. */
function whyNot({ operations }: Scenario, { declares }: KernelModule): string | null {
  const foreign = operations.find(({ kind }) => !declares.operations.includes(kind));
  return foreign === undefined ? null : `kernel ${declares.name} does not declare ${foreign.kind}`;
}

/** What becomes of a case on a kernel; a failure, or everything where `runs` is above 1, is run several times. */
export function judgeCase(
  { file, scenario }: { readonly file: string; readonly scenario: Scenario },
  candidate: KernelModule,
  runs: number,
  invariants?: readonly Invariant[],
): CaseResult {
  const why = whyNot(scenario, candidate);
  if (why !== null) return { file, status: 'skipped', report: null, why };
  const run = (): LockstepReport => runCase(scenario, candidate, invariants);
  const report = run();
  const repeat = report.failure !== null || runs > 1;
  const flaky = repeat ? flakiness(confirmed(report, run)) : null;
  if (flaky !== null) return { file, status: 'flaky', report, why: flaky };
  return { file, status: report.failure === null ? 'passed' : 'failed', report, why: null };
}

/** Runs all cases, or those before the run is to end. */
export function runCorpus(
  { cases, runs }: CorpusJob,
  candidate: KernelModule,
  recorder: FlightRecorder,
): CorpusAnswer {
  const results: CaseResult[] = [];
  for (const [i, stored] of cases.entries()) {
    if (recorder.stopRequested()) break;
    // The number tells which case a kernel hung in.
    recorder.begins(i + 1, { chunk: 0, operations: 0 });
    results.push(judgeCase(stored, candidate, runs));
  }
  return { verb: 'corpus', kernel: candidate.declares.name, results, stray: null };
}
