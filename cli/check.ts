/** `vmlockstep check`: a campaign of generated scenarios, its progress, its verdict and its gate. */
import { failureLines } from '../report/failure.ts';
import { summaryLines, totalLines } from '../report/statistics.ts';
import { counted } from '../report/tables.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import type { CheckAnswer, CheckJob, FoundFailure } from './job.ts';
import { settled } from './job-end.ts';
import { KernelBroke } from './judged-kernel.ts';
import { checkDirectory } from './out-directory.ts';
import type { Output } from './output.ts';
import { supervise } from './supervisor.ts';
import { brokenKernelLine, replayCommand, shellWord } from './verdict-lines.ts';

/** The verb's flags, environment and defaults merged. */
export interface CheckOptions {
  readonly seed: number;
  /** Null: as many as the default run takes, or as the time allows. */
  readonly runs: number | null;
  readonly milliseconds: number | null;
  /** Null: the default mix. */
  readonly workload: string | null;
  readonly kernel: string | null;
  readonly kernelTimeout: number;
  readonly json: boolean;
  readonly requireGoals: boolean;
  readonly out: string;
}

/** Scenarios of a run without --runs and --time: some 120,000 operations. */
export const DEFAULT_RUNS = 1800;
/** Scenarios of a run with --time alone: more than any time allows. */
const UNLIMITED_RUNS = 100_000_000;

/** The mix of all workloads, which is what a run without --workload draws from. */
export const DEFAULT_WORKLOAD = 'default';

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
  const { kernel, kernelTimeout, seed } = options;
  const job = jobOf(options);
  if (!options.json) out.line(`seed ${seed}, workload ${job.workload}, kernel ${kernel ?? 'optimized'}`);
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const end = await supervise(job, {
    bin,
    timeout: kernelTimeout,
    onNote: out.note,
    onProgress: ({ scenarios, operations, goals }) => {
      const time = seconds();
      const speed = Math.round(operations / time).toLocaleString('en-US');
      out.progress(
        `${counted(scenarios, 'scenario')}, ${counted(operations, 'operation')}, ${speed}/s, ` +
          `${counted(goals, 'goal')} reached, ${time.toFixed(0)} s`,
      );
    },
  });
  const result = settled(end, {
    kernel,
    store: { directory: options.out, name: `KERNEL-HUNG-${seed}`, note: `found by ${job.again}` },
    timeout: kernelTimeout,
    out,
  });
  if ('status' in result) return result.status;
  if (result.answer.verb !== 'check') return EXIT.internal;
  return concluded(result.answer, options, seconds(), out);
}

/** Prints what a finished campaign found, and the status that follows from it. */
function concluded(answer: CheckAnswer, options: CheckOptions, seconds: number, out: Output): ExitStatus {
  const { failure } = answer;
  const broken = failure === null ? null : brokenKernelLine(failure.report, options.kernel);
  if (failure !== null && broken !== null) throw new KernelBroke(`${broken}${storedHint(failure, options)}`);
  const gate = gateFaults(answer, answer.complete || options.requireGoals);
  const standard = options.runs === null && options.milliseconds === null && options.workload === null;
  const binding = (standard || options.requireGoals) && failure === null && !answer.interrupted;
  const status = statusOf(answer, binding && gate.length > 0);
  if (options.json) {
    out.line(JSON.stringify(document(answer, options, gate, status), null, 2));
    return status;
  }
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

/** The whole result as one document: fixed key order, nothing that differs from run to run. */
function document(
  answer: CheckAnswer,
  options: CheckOptions,
  gate: readonly string[],
  status: ExitStatus,
): object {
  const { kernel, scenarios, emptyScenarios, operations, kinds, goals, shares, rules, failure } = answer;
  return {
    version: 1,
    verb: 'check',
    kernel,
    seed: options.seed,
    workload: options.workload ?? DEFAULT_WORKLOAD,
    scenarios,
    emptyScenarios,
    operations,
    passed: failure === null ? scenarios : Math.max(0, scenarios - 1),
    failed: failure === null ? 0 : 1,
    interrupted: answer.interrupted,
    exit: status,
    gate,
    kinds,
    goals: goals.map(({ id, count }) => ({ id, count })),
    shares,
    rules: Object.fromEntries(rules),
    failure:
      failure === null
        ? null
        : {
            ...failure.report.failure,
            foundLength: failure.foundLength,
            scenario: failure.report.scenario,
            expected: failure.report.expected,
            actual: failure.report.actual,
            stored: failure.path,
          },
  };
}
