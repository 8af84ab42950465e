/** `vmlockstep check`: a campaign of generated scenarios, its progress, its verdict and its gate. */
import { availableParallelism } from 'node:os';
import { runCheck } from './check-campaign.ts';
import { type CheckOptions, DEFAULT_WORKLOAD } from './check-options.ts';
import { checkCommand, concluded } from './check-print.ts';
import { searchLine, shrinkLine } from './check-progress.ts';
import { type CheckResult, type LoadedKernel, resultOf } from './check-result.ts';
import { endOfCorpus, runCorpusFirst } from './corpus-check.ts';
import { EventStream } from './events.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { type TapeFile, tapeFile } from './flight-tape.ts';
import { tellTapes } from './guarded.ts';
import type { CheckJob } from './job.ts';
import { type KernelFault, settled } from './job-end.ts';
import { checkDirectory } from './out-directory.ts';
import type { Output } from './output.ts';
import { storeFailure } from './scenario-store.ts';
import { replayCommand } from './verdict-lines.ts';

/** Scenarios of a run without --runs and --time: some 120,000 operations. */
export const DEFAULT_RUNS = 1800;
/** Scenarios of a run with --time alone: more than any time allows. */
const UNLIMITED_RUNS = 100_000_000;
/** Workers of a run that does not say; more bring little, since each has to start. */
const MOST_WORKERS = 4;
/** Scenarios that are worth starting one more worker for. */
const RUNS_PER_WORKER = 300;

/** Scenarios asked for; null where only the time limits the run. */
const runsOf = ({ runs, milliseconds }: CheckOptions): number | null =>
  runs ?? (milliseconds === null ? DEFAULT_RUNS : null);

function jobOf(options: CheckOptions): CheckJob {
  const { seed, milliseconds, workload, kernel, out, events } = options;
  return {
    verb: 'check',
    kernel,
    directory: process.cwd(),
    out,
    seed,
    runs: runsOf(options) ?? UNLIMITED_RUNS,
    milliseconds,
    shrinkMilliseconds: options.shrinkMilliseconds,
    workload: workload ?? DEFAULT_WORKLOAD,
    again: checkCommand(options),
    events: events === null ? null : { timing: events.timing },
  };
}

/** The number of workers changes nothing but the time; an outside kernel may not bear several of itself. */
function workersOf(options: CheckOptions): number {
  if (options.workers !== null) return options.workers;
  if (options.kernel !== null) return 1;
  const worth = Math.floor((runsOf(options) ?? UNLIMITED_RUNS) / RUNS_PER_WORKER);
  return Math.max(1, Math.min(availableParallelism(), MOST_WORKERS, worth));
}

/** A tape for each worker with an outside kernel. */
function tapesOf(options: CheckOptions): (TapeFile | null)[] {
  const { kernel, out, seed } = options;
  const tapes = Array.from({ length: workersOf(options) }, (_, worker) =>
    kernel === null ? null : tapeFile(out, seed, worker),
  );
  if (kernel !== null) tellTapes(pathsOf(tapes), kernel);
  return tapes;
}

const pathsOf = (tapes: readonly (TapeFile | null)[]): string[] => tapes.flatMap((tape) => tape?.path ?? []);

/** Runs the verb; `bin` is the script that a thread starts with. */
export async function checkVerb(options: CheckOptions, given: Output, bin: URL): Promise<ExitStatus> {
  checkDirectory(options.out);
  const { kernel, kernelTimeout: timeout, seed } = options;
  const stream = options.events && new EventStream(options.events, given);
  const out = options.events?.file === '-' ? withoutResults(given) : given;
  const corpus = await runCorpusFirst({ ...options, bin }, options.json ? withoutLines(out) : out);
  stream?.corpus(corpus.cases);
  if (corpus.ends)
    return endOfCorpus(
      corpus,
      options.json ? { version: 1, verb: 'check', kernel: kernel ?? 'optimized' } : null,
      out,
    );
  const job = jobOf(options);
  const tapes = tapesOf(options);
  let loaded: LoadedKernel | null = null;
  let found: {
    readonly property: string;
    readonly operations: number;
    now: number;
    tried: number;
    since: number;
  } | null = null;
  let kept = '';
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const campaign = await runCheck(job, {
    bin,
    timeout,
    tapes: tapes.map((tape) => tape?.path ?? null),
    onNote: out.note,
    onLoaded: (kernelLoaded) => {
      loaded = kernelLoaded;
      stream?.run(options, kernelLoaded.declares.name, runsOf(options));
      if (!options.json) out.line(`seed ${seed}, workload ${job.workload}, kernel ${kernel ?? 'optimized'}`);
    },
    onEntered: (part) => stream?.scenarios(part),
    onFirst: (failed, { path }) => {
      const operations = failed.report.scenario.operations.length;
      found = {
        property: failed.report.failure?.property ?? '',
        operations,
        now: operations,
        tried: 0,
        since: seconds(),
      };
      kept = path === null ? 'it is not stored' : `stored: ${replayCommand(path, kernel)}`;
      stream?.failure(failed, path);
    },
    onBetter: ({ scenario }, path) => {
      if (found !== null) found.now = scenario.operations.length;
      if (path !== null) kept = `the smallest so far is stored: ${replayCommand(path, kernel)}`;
      stream?.shrink(scenario.operations.length);
    },
    onTrying: ({ tried }) => {
      if (found !== null) found.tried = tried;
    },
    onTick: (state) => {
      if (state.scenarios === 0) return;
      const context = {
        seconds: seconds(),
        goals: loaded?.goals.length ?? 0,
        runs: runsOf(options),
        milliseconds: options.milliseconds,
      };
      out.progress(
        found === null
          ? searchLine(state, context)
          : shrinkLine(found.property, {
              from: found.operations,
              ...found,
              left: options.shrinkMilliseconds / 1000 - (context.seconds - found.since),
            }),
      );
    },
  }).finally(() => {
    for (const tape of tapes) tape?.remove();
  });
  const { end, tally, failed, shrunk, stray, interrupted } = campaign;
  const result = settled(end, { kernel, declares: declaresOf(loaded), timeout });
  if (result.kind !== 'answer' && failed !== null)
    out.note(`interrupted: ${failed.report.failure?.property} had failed and was being shrunk; ${kept}`);
  if (result.kind === 'interrupted') {
    if (failed === null) out.note('interrupted: stopped at once, nothing had failed so far');
    return failed === null ? EXIT.interrupted : EXIT.failed;
  }
  if (loaded === null) return EXIT.internal;
  const failure = shrunk && {
    report: shrunk.report,
    foundLength: failed?.report.scenario.operations.length ?? 0,
    ...shrunk.kept,
    flaky: shrunk.flaky,
    tale: shrunk.tale,
  };
  const whole = resultOf(tally, loaded, { failure, interrupted, stray });
  const answer = result.kind === 'answer' ? whole : withFault(whole, result.fault, job);
  const status = concluded(answer, options, { seconds: seconds(), corpus }, out);
  stream?.end(answer, status);
  return status;
}

/** TypeScript takes what only callbacks assign for null. */
const declaresOf = (loaded: LoadedKernel | null) => loaded?.declares ?? null;

/** Results nowhere, where stdout is for one document. */
const withoutLines = (out: Output): Output => ({ ...out, line: () => undefined, lines: () => undefined });

/** Results on stderr, where stdout is for events. */
const withoutResults = (out: Output): Output => ({
  ...out,
  line: out.note,
  lines: (texts) => {
    for (const text of texts) out.note(text);
  },
});

/** The fault of a kernel as the failure that its thread could not tell: counts and the failure, no statistics. */
function withFault(whole: CheckResult, fault: KernelFault, job: CheckJob): CheckResult {
  const { report, scenarios } = fault;
  const kept = storeFailure(job, report, null);
  const { length } = report.scenario.operations;
  const shrinking = whole.scenarios >= scenarios;
  return {
    ...whole,
    scenarios: Math.max(whole.scenarios, scenarios),
    emptyScenarios: 0,
    operations: whole.operations + (shrinking ? 0 : fault.operations) + length,
    kinds: [],
    goals: [],
    complete: false,
    shares: [],
    rules: [],
    failure: { report, foundLength: length, ...kept, flaky: null, tale: null },
    interrupted: false,
    stray: null,
  };
}
