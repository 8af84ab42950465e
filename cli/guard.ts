/** `vmlockstep guard`: two kernels compared with each other, in a thread that is watched, once or at every save. */
import { InputError } from '../contract/input-error.ts';
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import type { GivenScenario } from '../properties/guard.ts';
import { failureLines } from '../report/failure.ts';
import { EXIT, type ExitStatus, strongest, tallyLine } from './exit-status.ts';
import { packageTraces } from './golden.ts';
import { type GuardOptions, guardCommand } from './guard-options.ts';
import { findPlaces, Interrupted, type Places } from './guard-places.ts';
import { type GuardOutcome, guardDocument, guardText, headLine } from './guard-print.ts';
import { corpusScenarios } from './guard-sources.ts';
import { keptFindings, makeUnseen } from './guard-store.ts';
import { atEverySave } from './guard-watch.ts';
import type { GuardAnswer, GuardJob } from './job.ts';
import { type JobContext, MENDS, placeOf, settled } from './job-end.ts';
import { checkDirectory } from './out-directory.ts';
import type { Output } from './output.ts';
import { storeFailure } from './scenario-store.ts';
import { type JobEnd, supervise } from './supervisor.ts';
import { replayCommand, strayLine } from './verdict-lines.ts';

/** Runs the verb; `bin` is the script that a thread starts with. */
export async function guardVerb(options: GuardOptions, out: Output, bin: URL): Promise<ExitStatus> {
  checkDirectory(options.out);
  const given = options.corpus === null ? [] : corpusScenarios(options.corpus);
  try {
    const places = await findPlaces(options, process.cwd(), out.note);
    try {
      for (const note of places.notes) out.note(`note: ${note}`);
      if (!options.json) out.line(headLine(places));
      const once = () => compared(places, given, options, out, bin);
      return options.watch ? await atEverySave(places.working.file, once, out) : await once();
    } finally {
      places.remove();
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    out.note('interrupted: nothing was compared');
    return EXIT.interrupted;
  }
}

const TYPESCRIPT = /\.[cm]?ts$/;

/** One comparison, printed. */
async function compared(
  places: Places,
  given: readonly GivenScenario[],
  options: GuardOptions,
  out: Output,
  bin: URL,
): Promise<ExitStatus> {
  const { base, working } = places;
  const { seed, runs, bench, kernelTimeout: timeout } = options;
  const files = [working.file, base.file];
  const job: GuardJob = {
    verb: 'guard',
    kernel: working.own ? null : (files.find((file) => TYPESCRIPT.test(file)) ?? working.file),
    directory: process.cwd(),
    base,
    working,
    traces: packageTraces(),
    given,
    seed,
    runs,
    bench,
  };
  let declares: KernelDeclaration | null = null;
  const end = await supervise(job, {
    bin,
    timeout,
    tape: null,
    onNote: out.note,
    onLoaded: (loaded) => {
      declares = loaded;
    },
    onProgress: (text) => out.progress(`guard: ${text}`),
  });
  const context = { kernel: working.own ? null : working.label, declares, timeout };
  return concluded(end, context, { places, options, out });
}

interface Surroundings {
  readonly places: Places;
  readonly options: GuardOptions;
  readonly out: Output;
}

/** What the thread's end means. */
function concluded(end: JobEnd, context: JobContext, { places, options, out }: Surroundings): ExitStatus {
  refuseBadKernels(end, places, context.timeout);
  const ended = settled(end, context);
  if (ended.kind === 'interrupted') {
    out.note('interrupted: stopped at once, nothing had differed so far');
    return EXIT.interrupted;
  }
  if (ended.kind === 'fault') {
    const { report } = ended.fault;
    const again = guardCommand(options);
    const origin = `the working kernel gave no answer where ${places.base.label} did`;
    makeUnseen(options.out);
    const { path, storeFault } = storeFailure(
      { out: options.out, seed: options.seed, again },
      report,
      'guard',
    );
    const kept = {
      stored: path === null ? `not stored: ${storeFault}` : `stored in ${path}`,
      replay: path === null ? null : replayCommand(path, options.kernel),
    };
    out.lines(['', ...failureLines(report, { origin, again, ...kept }), tallyLine(0, 1, 0)]);
    if (context.kernel === null) return EXIT.failed;
    out.note(`error: ${report.failure?.witnesses[0]}`);
    return EXIT.kernel;
  }
  return ended.answer.verb === 'guard' ? told(ended.answer, { places, options, out }) : EXIT.internal;
}

/** What keeps two kernels from being compared at all, in one line: bad input, or a kernel that hangs or dies too early. */
function refuseBadKernels(end: JobEnd, { base, working }: Places, timeout: number): void {
  if (end.kind === 'refused' && end.recorder.recorded() === null) throw new InputError(end.message);
  if (end.kind === 'refused' && end.recorder.sighting().number === 0) throw new InputError(end.message);
  if (end.kind !== 'hung' && end.kind !== 'died') return;
  const sighting = end.kind === 'hung' ? end.sighting : end.recorder.sighting();
  const what =
    end.kind === 'hung'
      ? `no answer within ${timeout / 1000} s; ${MENDS['KERNEL-HUNG']}`
      : `${end.reason}; ${MENDS['KERNEL-DIED']}`;
  const ofBase = ['baseLoad', 'baseBoot', 'base'].includes(sighting.call);
  // A kernel that runs already is told with the scenario that it was in.
  if (!ofBase && end.recorder.recorded() !== null) return;
  if (!ofBase && sighting.call === 'nothing') return;
  const { label } = ofBase ? base : working;
  throw new InputError(`${label}: ${placeOf(sighting)}: ${what}`, EXIT.kernel);
}

/** Prints a comparison that came to its end. */
function told({ result, speed, stray }: GuardAnswer, { places, options, out }: Surroundings): ExitStatus {
  if (result.given + result.generated === 0 && !result.interrupted)
    throw new InputError(
      `guard: ${places.working.label} and ${places.base.label} have no scenario that both can run; declare operations that both know`,
    );
  const kinds = result.findings.map(({ kind }) => kind);
  const failed =
    kinds.includes('meaning') ||
    (options.structure && kinds.includes('structure')) ||
    (options.failOnSlower && speed !== null && speed.slower.length > 0);
  const status = strongest([
    ...(stray !== null ? [EXIT.kernel] : []),
    ...(failed ? [EXIT.failed] : []),
    ...(result.interrupted ? [EXIT.interrupted] : []),
  ]);
  const outcome: GuardOutcome = { result, kept: keptFindings(result, options), speed, status };
  if (options.json) out.line(JSON.stringify(guardDocument(outcome, places, options), null, 2));
  else out.lines(guardText(outcome, places, options));
  if (stray !== null) out.note(strayLine(places.working.label, stray));
  return status;
}
