/** A worker's share of the scenarios whose page tables are judged: every so-manieth, from its own number on. */
import fc from 'fast-check';
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import { GuestPool } from '../judge/guest-pool.ts';
import { CLOSELY, judgeScenario, type ScenarioVerdict } from '../judge/scenario.ts';
import { tightened } from '../judge/tighten.ts';
import { TOUR } from '../judge/tour.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { scenariosOf } from '../properties/search.ts';
import { OwnTurns } from '../properties/turns.ts';
import type { WorkloadName } from '../properties/workloads.ts';
import type { WorkerTies } from './check-job.ts';
import { flakiness, RUNS_TO_CONFIRM } from './confirm.ts';
import type { JudgedScenario, MmuAnswer, MmuJob } from './job.ts';

/** Scenarios that are generated at once: little memory, little done in vain. */
const BLOCK = 64;
/** The state after each so-manieth operation is judged, beginning with another in each scenario. */
const EVERY = 3;
/** Sets the words that are probed in one scenario apart from those of the next. */
const SALT = 1009;

type Ties = Pick<WorkerTies, 'worker' | 'recorder' | 'post' | 'trust'>;

/** Which states of the scenario with that number are judged: all of one that was given, the last one of the tour too. */
const wantedIn =
  ({ scenario, seed }: MmuJob, index: number) =>
  (number: number): boolean =>
    scenario !== null ||
    (number + index + seed) % EVERY === 0 ||
    (index === 0 && number === TOUR.operations.length);

/** Judges scenario after scenario, and tells what became of each. */
export async function judgeShare(job: MmuJob, candidate: KernelModule, ties: Ties): Promise<MmuAnswer> {
  const guests = new GuestPool();
  try {
    for (const { scenario, index } of shareOf(job, candidate, ties.worker)) {
      if (ties.recorder.stopRequested()) break;
      ties.recorder.begins(index + 1, { chunk: 0, operations: 0 });
      const one = await judged(scenario, index, { job, candidate, guests, ties });
      // One that was cut short has not been judged.
      if (one.verdict.report.failure === null && ties.recorder.stopRequested()) break;
      ties.post({ type: 'judged', judged: one });
      ties.trust();
    }
  } finally {
    await guests.end();
  }
  return { verb: 'mmu', stray: null };
}

interface Scene {
  readonly job: MmuJob;
  readonly candidate: KernelModule;
  readonly guests: GuestPool;
  readonly ties: Ties;
}

async function judged(
  scenario: Scenario,
  index: number,
  { job, candidate, guests, ties }: Scene,
): Promise<JudgedScenario> {
  const kernels = { reference: referenceKernel, candidate };
  const shouldStop = (): boolean => ties.recorder.stopRequested();
  const judge = (): Promise<ScenarioVerdict> =>
    judgeScenario(scenario, kernels, guests, {
      wanted: wantedIn(job, index),
      salts: job.scenario === null ? [index * SALT] : CLOSELY,
      shouldStop,
    });
  const verdict = await judge();
  ties.recorder.ran(scenario.operations.length);
  const foundLength = verdict.report.scenario.operations.length;
  const found = { index, verdict, foundLength, flaky: null };
  if (verdict.report.failure === null) return found;
  ties.post({ type: 'differs', judged: found });
  const reports = [verdict.report];
  if (job.kernel !== null) while (reports.length < RUNS_TO_CONFIRM) reports.push((await judge()).report);
  // A judgement that is cut short tells nothing.
  const flaky = shouldStop() ? null : flakiness(reports);
  if (flaky !== null || job.scenario !== null) return { ...found, flaky };
  const report = await tightened(verdict.report, kernels, guests, {
    salt: index * SALT,
    shouldStop,
    onTry: (tried, left) =>
      ties.post({
        type: 'progress',
        text: `shortening: ${left} of ${foundLength} operations, ${tried} tried`,
      }),
  });
  return { ...found, verdict: { ...verdict, report } };
}

/** Number 0 is the tour, or the scenario that was given; the others are generated. */
function* shareOf(
  job: MmuJob,
  candidate: KernelModule,
  worker: number,
): Generator<{ readonly scenario: Scenario; readonly index: number }> {
  const isOwn = (index: number): boolean => index % job.workers === worker;
  if (isOwn(0)) yield { scenario: job.scenario ?? TOUR, index: 0 };
  if (job.scenario !== null) return;
  const generator = scenariosOf({
    reference: referenceKernel,
    candidate,
    seed: job.seed,
    runs: job.runs,
    workload: job.workload as WorkloadName,
  });
  for (let block = 0; block < job.runs; block += BLOCK) {
    const end = Math.min(job.runs, block + BLOCK);
    const own = new OwnTurns(generator, (i) => (i >= block && isOwn(i + 1) ? 'run' : 'skip'));
    const drawn = fc.sample(own, { seed: job.seed, numRuns: end });
    for (const [i, scenario] of drawn.entries()) if (scenario !== null) yield { scenario, index: i + 1 };
  }
}
