/** `vmlockstep check`: a campaign of generated scenarios, its progress, its verdict and its gate. */

import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { failureLines } from '../report/failure.ts';
import { summaryLines, totalLines } from '../report/statistics.ts';
import { counted } from '../report/tables.ts';
import { checkDocument } from './check-document.ts';
import { type CheckOptions, DEFAULT_WORKLOAD } from './check-options.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { tapeFile } from './flight-tape.ts';
import { tellTape } from './guarded.ts';
import type { CheckAnswer, CheckJob, FoundFailure } from './job.ts';
import { type KernelFault, settled } from './job-end.ts';
import { checkDirectory } from './out-directory.ts';
import type { Output } from './output.ts';
import { storeFailure } from './scenario-store.ts';
import { supervise } from './supervisor.ts';
import { brokenKernelLine, plainFault, replayCommand, shellWord, strayLine } from './verdict-lines.ts';

/** Scenarios of a run without --runs and --time: some 120,000 operations. */
export const DEFAULT_RUNS = 1800;
/** Scenarios of a run with --time alone: more than any time allows. */
const UNLIMITED_RUNS = 100_000_000;

/** The flags that make the same run again. */
function againCommand({ seed, runs, milliseconds, workload, kernel }: CheckOptions): string {
  const flags = [`--seed ${seed}`];
  if (runs !== null) flags.push(`--runs ${runs}`);
  if (milliseconds !== null) flags.push(`--time ${milliseconds}ms`);
  if (workload !== null) flags.push(`--workload ${workload}`);
  if (kernel !== null) flags.push(`--kernel ${shellWord(kernel)}`);
  return `npx vmlockstep check ${flags.join(' ')}`;
}

function jobOf(options: CheckOptions): CheckJob {
  const { seed, runs, milliseconds, workload, kernel, out } = options;
  return {
    verb: 'check',
    kernel,
    directory: process.cwd(),
    out,
    seed,
    runs: runs ?? (milliseconds === null ? DEFAULT_RUNS : UNLIMITED_RUNS),
    milliseconds,
    workload: workload ?? DEFAULT_WORKLOAD,
    again: againCommand(options),
  };
}

/** Runs the verb; `bin` is the script that a thread starts with. */
export async function checkVerb(options: CheckOptions, out: Output, bin: URL): Promise<ExitStatus> {
  checkDirectory(options.out);
  const { kernel, kernelTimeout: timeout, seed } = options;
  const job = jobOf(options);
  const tape = kernel === null ? null : tapeFile(options.out, seed);
  if (tape !== null) tellTape(tape.path, kernel);
  let declares: KernelDeclaration | null = null;
  let found: string | null = null;
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const end = await supervise(job, {
    bin,
    timeout,
    tape: tape?.path ?? null,
    onNote: out.note,
    onLoaded: (loaded) => {
      declares = loaded;
      if (!options.json) out.line(`seed ${seed}, workload ${job.workload}, kernel ${kernel ?? 'optimized'}`);
    },
    onFound: (property, path) => {
      found = `${property} had failed and was being shrunk; ${path === null ? 'it is not stored' : `stored: ${replayCommand(path, kernel)}`}`;
    },
    onProgress: ({ scenarios, operations, goals }) => {
      const time = seconds();
      const speed = Math.round(operations / time).toLocaleString('en-US');
      out.progress(
        `${counted(scenarios, 'scenario')}, ${counted(operations, 'operation')}, ${speed}/s, ` +
          `${counted(goals, 'goal')} reached, ${time.toFixed(0)} s`,
      );
    },
  }).finally(() => tape?.remove());
  const result = settled(end, { kernel, declares, timeout });
  if (result.kind !== 'answer' && found !== null) out.note(`interrupted: ${found}`);
  if (result.kind === 'interrupted') {
    if (found === null) out.note('interrupted: stopped at once, nothing had failed so far');
    return found === null ? EXIT.interrupted : EXIT.failed;
  }
  const answer = result.kind === 'answer' ? result.answer : answerOfFault(result.fault, job, declares);
  if (answer.verb !== 'check') return EXIT.internal;
  return concluded(answer, options, seconds(), out);
}

/** The fault of a kernel as the answer that its thread could not give: counts and the failure, no statistics. */
function answerOfFault(
  { report, scenarios, operations }: KernelFault,
  job: CheckJob,
  declares: KernelDeclaration | null,
): CheckAnswer {
  const kept = storeFailure(job, report, null);
  return {
    verb: 'check',
    kernel: declares?.name ?? 'optimized',
    scenarios,
    emptyScenarios: 0,
    operations: operations + report.scenario.operations.length,
    kinds: [],
    goals: [],
    complete: false,
    shares: [],
    rules: [],
    failure: { report, foundLength: report.scenario.operations.length, ...kept },
    interrupted: false,
    stray: null,
  };
}

/** Prints what a finished campaign found, and the status that follows from it. */
function concluded(answer: CheckAnswer, options: CheckOptions, seconds: number, out: Output): ExitStatus {
  const { kernel } = options;
  const failure = answer.failure && {
    ...answer.failure,
    report: plainFault(answer.failure.report, kernel),
  };
  const broken = failure === null ? null : brokenKernelLine(failure.report, kernel);
  // A run that stopped at a failure promises nothing.
  const gate = failure === null ? gateFaults(answer, answer.complete || options.requireGoals) : [];
  const standard = options.runs === null && options.milliseconds === null && options.workload === null;
  const binding = (standard || options.requireGoals) && failure === null && !answer.interrupted;
  const faulty = broken !== null || answer.stray !== null;
  const status = faulty ? EXIT.kernel : statusOf(answer, binding && gate.length > 0);
  if (options.json)
    out.line(JSON.stringify(checkDocument({ ...answer, failure }, options, gate, status), null, 2));
  else {
    const summary = {
      ...answer,
      seed: options.seed,
      workload: options.workload ?? DEFAULT_WORKLOAD,
      seconds,
    };
    out.lines([
      '',
      ...(failure === null
        ? summaryLines(summary)
        : [...failureLines(failure.report, contextOf(failure, answer, options)), '', ...totalLines(summary)]),
      ...(answer.interrupted ? ['interrupted: what follows counts the scenarios up to then'] : []),
      ...(binding ? gate.map((line) => `gate: ${line}`) : []),
      tally(answer),
    ]);
  }
  if (failure !== null && broken !== null) out.note(`error: ${broken}${storedHint(failure, options)}`);
  if (answer.stray !== null) out.note(strayLine(kernel, answer.stray));
  return status;
}

const tally = ({ scenarios, failure }: CheckAnswer): string =>
  failure === null ? `${scenarios} passed, 0 failed` : `${Math.max(0, scenarios - 1)} passed, 1 failed`;

function statusOf({ failure, interrupted }: CheckAnswer, gateClosed: boolean): ExitStatus {
  if (failure !== null) return EXIT.failed;
  if (interrupted) return EXIT.interrupted;
  return gateClosed ? EXIT.gate : EXIT.passed;
}

/**
 * What a full run promises and this one did not do. `goalsBind` is false for a kernel that knows only some operations:
 * a goal may need more of the others than can be told beforehand.
 */
function gateFaults({ kinds, goals, emptyScenarios, scenarios }: CheckAnswer, goalsBind: boolean): string[] {
  return [
    ...(scenarios === 0 ? ['no scenario ran'] : []),
    ...kinds.filter(({ executed }) => executed === 0).map(({ name }) => `${name} never ran`),
    ...(goalsBind ? goals : [])
      .filter(({ count }) => count === 0)
      .map(({ id }) => `goal ${id} was never reached`),
    ...(emptyScenarios > 0 ? [`${counted(emptyScenarios, 'scenario')} had no operation`] : []),
  ];
}

const storedHint = ({ path }: FoundFailure, { kernel }: CheckOptions): string =>
  path === null ? '' : `; stored: ${replayCommand(path, kernel)}`;

function contextOf(
  { report, foundLength, path, storeFault }: FoundFailure,
  { scenarios }: CheckAnswer,
  options: CheckOptions,
) {
  const length = report.scenario.operations.length;
  return {
    origin: `seed ${options.seed}, scenario ${scenarios}, ${
      length < foundLength ? `shrunk from ${foundLength} to ${length}` : length
    } operation${length === 1 ? '' : 's'}`,
    again: againCommand(options),
    stored: path === null ? `not stored: ${storeFault}` : `stored in ${path}`,
    replay: path === null ? null : replayCommand(path, options.kernel),
  };
}
