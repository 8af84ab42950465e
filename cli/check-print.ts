/** What `check` prints at its end, and the status that follows. */
import type { OperationKind } from '../contract/operation.ts';
import { KERNEL_KINDS, knowsSpaces } from '../properties/workloads.ts';
import { failureLines } from '../report/failure.ts';
import { INTERRUPTED, lengthWords, type ShrinkTale, shrinkLines } from '../report/shrinking.ts';
import { summaryLines, totalLines } from '../report/statistics.ts';
import { counted } from '../report/tables.ts';
import { checkDocument } from './check-document.ts';
import { type CheckOptions, DEFAULT_WORKLOAD } from './check-options.ts';
import type { CheckResult } from './check-result.ts';
import { DEFAULT_SHRINK_TIME, durationText, kernelFlags, outFlags, shellWord } from './command-text.ts';
import { type CorpusOutcome, corpusCounts } from './corpus-check.ts';
import { DEFAULT_CORPUS } from './corpus-files.ts';
import { EXIT, type ExitStatus, strongest, tallyLine } from './exit-status.ts';
import type { FoundFailure } from './job.ts';
import type { Output } from './output.ts';
import { brokenKernelLine, plainFault, replayCommand, shrinkCommand, strayLine } from './verdict-lines.ts';

/** The command that finds the same, wherever it keeps it; stored with a failure. */
export function checkCommand(options: CheckOptions): string {
  const { seed, runs, milliseconds, shrinkMilliseconds, workload, kernel, kernelTimeout } = options;
  const flags = [`--seed ${seed}`];
  if (runs !== null) flags.push(`--runs ${runs}`);
  if (milliseconds !== null) flags.push(`--time ${durationText(milliseconds)}`);
  if (shrinkMilliseconds !== DEFAULT_SHRINK_TIME)
    flags.push(`--shrink-time ${durationText(shrinkMilliseconds)}`);
  if (workload !== null) flags.push(`--workload ${workload}`);
  flags.push(...kernelFlags(kernel, kernelTimeout), ...corpusFlags(options));
  return `npx vmlockstep check ${flags.join(' ')}`;
}

const corpusFlags = ({ corpus }: CheckOptions): string[] =>
  corpus === null
    ? ['--no-corpus']
    : corpus.path === DEFAULT_CORPUS
      ? []
      : [`--corpus ${shellWord(corpus.path)}`];

/** The command that makes the same run again, with every flag that changes what is found or where it is kept. */
export const againCommand = (options: CheckOptions): string =>
  [checkCommand(options), ...outFlags(options.out)].join(' ');

/** Prints what a finished campaign found, and the status that follows from it. */
export function concluded(
  answer: CheckResult,
  options: CheckOptions,
  { seconds, corpus }: { readonly seconds: number; readonly corpus: CorpusOutcome },
  out: Output,
): ExitStatus {
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
  const status = strongest([
    ...(faulty ? [EXIT.kernel] : statusesOf(answer, binding && gate.length > 0)),
    ...corpus.statuses,
  ]);
  if (options.json)
    out.line(
      JSON.stringify(checkDocument({ ...answer, failure }, options, { gate, status, corpus }), null, 2),
    );
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
      ...(failure === null || failure.flaky === null ? [] : [`flaky: ${failure.flaky}`]),
      tally(answer, corpus),
    ]);
  }
  if (failure !== null && broken !== null) out.note(`error: ${broken}${storedHint(failure, options)}`);
  if (answer.stray !== null) out.note(strayLine(kernel, answer.stray));
  return status;
}

function tally({ scenarios, failure }: CheckResult, corpus: CorpusOutcome): string {
  const { passed, failed, skipped } = corpusCounts(corpus);
  return failure === null
    ? tallyLine(passed + scenarios, failed, skipped)
    : tallyLine(passed + Math.max(0, scenarios - 1), failed + 1, skipped);
}

function statusesOf({ failure, interrupted }: CheckResult, gateClosed: boolean): ExitStatus[] {
  if (failure !== null) return [failure.flaky === null ? EXIT.failed : EXIT.flaky];
  if (interrupted) return [EXIT.interrupted];
  return gateClosed ? [EXIT.gate] : [];
}

/**
 * What a full run promises and this one did not do. `goalsBind` is false for a kernel that knows only some operations:
 * a goal may need more of the others than can be told beforehand.
 */
function gateFaults({ kinds, goals, emptyScenarios, scenarios }: CheckResult, goalsBind: boolean): string[] {
  const spaces = knowsSpaces(new Set(kinds.map(({ name }) => name as OperationKind)));
  return [
    ...(scenarios === 0 ? ['no scenario ran'] : []),
    ...kinds
      .filter(({ name, executed }) => executed === 0 && (spaces || KERNEL_KINDS.has(name as OperationKind)))
      .map(({ name }) => `${name} never ran`),
    ...(goalsBind ? goals : [])
      .filter(({ count }) => count === 0)
      .map(({ id }) => `goal ${id} was never reached`),
    ...(emptyScenarios > 0 ? [`${counted(emptyScenarios, 'scenario')} had no operation`] : []),
  ];
}

const storedHint = ({ path }: FoundFailure, { kernel }: CheckOptions): string =>
  path === null ? '' : `; stored: ${replayCommand(path, kernel)}`;

/** The command that goes on where Ctrl-C ended the shrinking. */
const goingOnLines = (
  { certificate }: ShrinkTale,
  path: string | null,
  { kernel }: CheckOptions,
): string[] =>
  certificate.reason === INTERRUPTED && path !== null
    ? [`interrupted: this is the best so far; this goes on from it: ${shrinkCommand(path, kernel)}`]
    : [];

function contextOf(
  { report, foundLength, path, storeFault, tale, flaky }: FoundFailure,
  { scenarios }: CheckResult,
  options: CheckOptions,
) {
  const lengths = {
    found: foundLength,
    shrunk: report.scenario.operations.length,
    flaky: flaky !== null,
  };
  return {
    origin: `seed ${options.seed}, scenario ${scenarios}, ${lengthWords(lengths)}`,
    again: againCommand(options),
    remarks: tale === null ? [] : [...shrinkLines(tale), ...goingOnLines(tale, path, options)],
    stored: path === null ? `not stored: ${storeFault}` : `stored in ${path}`,
    replay: path === null ? null : replayCommand(path, options.kernel),
  };
}
