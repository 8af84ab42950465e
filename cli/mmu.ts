/** `vmlockstep mmu`: an i386 that is not ours walks the page tables of the kernel under test. */
import { availableParallelism } from 'node:os';
import type { LockstepReport } from '../properties/verdict.ts';
import { failureLines } from '../report/failure.ts';
import { counted } from '../report/tables.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { FailureShelf } from './failure-shelf.ts';
import { tapeFile } from './flight-tape.ts';
import { tellTapes } from './guarded.ts';
import type { MmuJob } from './job.ts';
import { settled } from './job-end.ts';
import { type MmuEnd, type MmuSums, runMmu } from './mmu-crew.ts';
import { LEAST_STATES, MMU_DEFAULTS, type MmuOptions, mmuCommand, mmuFileCommand } from './mmu-options.ts';
import { combinationLines, type MmuResult, missingIn, mmuDocument, mmuTally, sumLines } from './mmu-print.ts';
import { checkDirectory } from './out-directory.ts';
import type { Output } from './output.ts';
import { readScenario, type StoredScenario } from './scenario-file.ts';
import { otherKernelLine } from './scenario-kernel.ts';
import { outcomesRemedy, staleness } from './scenario-outcomes.ts';
import type { Kept } from './scenario-store.ts';
import { brokenKernelLine, plainFault, strayLine } from './verdict-lines.ts';

/** Threads beyond which booting guests takes longer than they save. */
const MOST_WORKERS = 4;
/** Runs shorter than this say nothing in between, in milliseconds. */
const QUIET = 2000;

/** Runs the verb; `bin` is the script that a thread starts with. */
export async function mmuVerb(options: MmuOptions, out: Output, bin: URL): Promise<ExitStatus> {
  const { file, kernel, seed, runs, workload, kernelTimeout: timeout } = options;
  const given = file === null ? null : readScenario(file);
  const scenario = given?.scenario ?? null;
  checkDirectory(options.out);
  const workers = workersOf(options);
  const tapes = Array.from({ length: workers }, (_, worker) =>
    kernel === null ? null : tapeFile(options.out, seed, worker),
  );
  if (kernel !== null)
    tellTapes(
      tapes.flatMap((tape) => tape?.path ?? []),
      kernel,
    );
  const job: MmuJob = {
    verb: 'mmu',
    kernel,
    directory: process.cwd(),
    scenario,
    seed,
    runs,
    workload,
    workers,
  };
  const place = { out: options.out, seed, again: mmuCommand(options), kernel };
  const shelf = file === null ? new FailureShelf(place) : null;
  const began = performance.now();
  let begun = false;
  const seconds = (): number => (performance.now() - began) / 1000;
  const tell = (text: string): void => {
    if (performance.now() - began > QUIET) out.progress(text);
  };
  const end = await runMmu(job, {
    bin,
    timeout,
    tapes: tapes.map((tape) => tape?.path ?? null),
    onNote: out.note,
    onSums: (sums) => {
      if (!options.json && !begun) out.line(headLine(options));
      begun = true;
      tell(progressLine(sums, options, seconds()));
    },
    onProgress: tell,
    onDifference: ({ verdict }) => shelf?.found(verdict.report),
  }).finally(() => {
    for (const tape of tapes) tape?.remove();
  });
  return concluded(end, { options, given, shelf }, out);
}

const workersOf = ({ file, workers, kernel }: MmuOptions): number =>
  file !== null ? 1 : (workers ?? (kernel === null ? Math.min(availableParallelism(), MOST_WORKERS) : 1));

const headLine = ({ file, seed, workload, kernel }: MmuOptions): string =>
  `${file ?? `seed ${seed}, workload ${workload}`}, kernel ${kernel ?? 'optimized'}`;

const progressLine = (
  { scenarios, states, probes }: MmuSums,
  { file, runs }: MmuOptions,
  seconds: number,
): string =>
  `${scenarios} of ${counted(file === null ? runs + 1 : 1, 'scenario')}, ${counted(states.size, 'different state')}, ` +
  `${counted(probes, 'probe')}, ${seconds.toFixed(0)} s`;

interface Circumstances {
  readonly options: MmuOptions;
  /** The file, where one was given. */
  readonly given: StoredScenario | null;
  /** Where failures of generated scenarios are kept. */
  readonly shelf: FailureShelf | null;
}

/** Prints what the run came to, and the status that follows from it. */
function concluded(end: MmuEnd, { options, given, shelf }: Circumstances, out: Output): ExitStatus {
  const { kernel, json } = options;
  const { sums, interrupted, stray } = end;
  const found = foundBy(end, options);
  if (found === 'interrupted') {
    out.note('interrupted: stopped at once, nothing had failed so far');
    return EXIT.interrupted;
  }
  const report = found === null ? null : plainFault(found.report, kernel);
  const kept = report === null ? null : stored(report, options, shelf);
  const stale = given === null ? null : staleness(given.scenario, given.outcomes);
  const result: MmuResult = {
    kernel: end.declares?.name ?? 'optimized',
    sums,
    passed: sums.scenarios - (end.failed === null ? 0 : 1),
    failure: report,
    interrupted: interrupted && report === null,
    stored: kept?.path ?? null,
    flaky: end.failed?.flaky ?? null,
    stale,
    unmet: report === null && !interrupted ? unmetBy(sums, options) : [],
  };
  const broken = report === null ? null : brokenKernelLine(report, kernel);
  const status = statusOf(result, broken !== null || stray !== null);
  if (json) out.line(JSON.stringify(mmuDocument(result, options, status), null, 2));
  else
    out.lines([
      ...(report === null || found === null
        ? []
        : [...failureLines(report, contextOf(found, kept, options)), '']),
      ...(report === null ? [...sumLines(result), ''] : []),
      ...(report === null && options.file === null ? combinationLines(result) : []),
      ...(result.interrupted ? [`interrupted; the same from the beginning: ${mmuCommand(options)}`] : []),
      ...(result.flaky === null ? [] : [`flaky: ${result.flaky}`]),
      ...(stale === null ? [] : [`stale: ${options.file}: ${stale}; ${outcomesRemedy(options.file ?? '')}`]),
      mmuTally(result),
    ]);
  const other = given === null || report !== null ? null : otherKernelLine(given, kernel);
  if (other !== null) out.note(other);
  if (broken !== null) out.note(`error: ${broken}`);
  if (stray !== null) out.note(strayLine(kernel, stray));
  return status;
}

/** What failed, and where it comes from. */
interface Found {
  readonly report: LockstepReport;
  /** Number of the scenario; 0 leads past all combinations. */
  readonly index: number;
  /** Operations before it was shortened. */
  readonly foundLength: number;
}

/** The difference that was found, or the fault of a kernel that gave no answer. */
function foundBy(
  { failed, fault, declares }: MmuEnd,
  { kernel, kernelTimeout: timeout }: MmuOptions,
): Found | 'interrupted' | null {
  if (failed !== null)
    return { report: failed.verdict.report, index: failed.index, foundLength: failed.foundLength };
  if (fault === null) return null;
  const result = settled(fault, { kernel, declares, timeout });
  if (result.kind === 'answer') return null;
  if (result.kind === 'interrupted') return 'interrupted';
  const { report, scenarios } = result.fault;
  return { report, index: scenarios - 1, foundLength: report.scenario.operations.length };
}

function unmetBy(sums: MmuSums, { file, runs }: MmuOptions): string[] {
  if (file !== null) return [];
  const missing = missingIn(sums).map((name) => `never seen: ${name}`);
  const few = runs >= MMU_DEFAULTS.runs && sums.states.size < LEAST_STATES;
  return few
    ? [...missing, `only ${counted(sums.states.size, 'different state')}, not ${LEAST_STATES}`]
    : missing;
}

function statusOf({ failure, interrupted, unmet, flaky, stale }: MmuResult, faulty: boolean): ExitStatus {
  if (faulty) return EXIT.kernel;
  if (failure !== null) return flaky === null ? EXIT.failed : EXIT.flaky;
  if (interrupted) return EXIT.interrupted;
  if (stale !== null) return EXIT.stale;
  return unmet.length > 0 ? EXIT.gate : EXIT.passed;
}

/** Of a stored scenario the file is there already. */
const stored = (report: LockstepReport, { file }: MmuOptions, shelf: FailureShelf | null): Kept =>
  shelf?.shrunk(report) ?? { path: file, storeFault: null };

function contextOf({ report, index, foundLength }: Found, kept: Kept | null, options: MmuOptions) {
  const { path = null, storeFault = null } = kept ?? {};
  const { file, seed } = options;
  const { length } = report.scenario.operations;
  const from =
    length === foundLength ? '' : `, shortened from ${foundLength} to ${counted(length, 'operation')}`;
  const which = index === 0 ? 'the tour of all combinations' : `scenario ${index}`;
  return {
    origin: file ?? `seed ${seed}, ${which}${from}`,
    again: file === null ? mmuCommand(options) : null,
    stored: path === null ? `not stored: ${storeFault}` : `stored in ${path}`,
    replay: path === null ? null : mmuFileCommand(path, options),
  };
}
