/** The stored cases at the beginning of `check`: what holds goes on to the campaign, what fails ends the run. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { failureLines } from '../report/failure.ts';
import { counted } from '../report/tables.ts';
import { type CorpusDirectory, readCorpus } from './corpus-files.ts';
import { EXIT, type ExitStatus, strongest, tallyLine } from './exit-status.ts';
import type { CaseResult, CorpusAnswer } from './job.ts';
import { settled } from './job-end.ts';
import type { Output } from './output.ts';
import { outcomesRemedy, staleness } from './scenario-outcomes.ts';
import { supervise } from './supervisor.ts';
import { brokenKernelLine, plainFault, replayCommand, strayLine } from './verdict-lines.ts';

/** One stored case, judged. */
export interface JudgedCase {
  readonly file: string;
  readonly status: CaseResult['status'] | 'stale';
  readonly report: CaseResult['report'];
  /** Why it is stale, flaky or skipped, or null. */
  readonly why: string | null;
}

/** What became of the stored cases. */
export interface CorpusOutcome {
  readonly cases: readonly JudgedCase[];
  /** Statuses that the run ends with at best. */
  readonly statuses: readonly ExitStatus[];
  /** True where the run ends here: a case failed, the kernel could not be run, or somebody interrupted it. */
  readonly ends: boolean;
}

/** What the cases need to run. */
export interface CorpusContext {
  /** Null: without a corpus. */
  readonly corpus: CorpusDirectory | null;
  readonly kernel: string | null;
  readonly kernelTimeout: number;
  readonly bin: URL;
}

/** No cases, nothing said. */
export const NO_CORPUS: CorpusOutcome = { cases: [], statuses: [], ends: false };

/** Counts for the closing line: what is stale or flaky has not passed. */
export function corpusCounts({ cases }: CorpusOutcome): { passed: number; failed: number; skipped: number } {
  const count = (...statuses: readonly JudgedCase['status'][]): number =>
    cases.filter(({ status }) => statuses.includes(status)).length;
  return { passed: count('passed'), failed: count('failed', 'flaky', 'stale'), skipped: count('skipped') };
}

/** Runs the stored cases on the kernel under test and prints what is not as it should be. */
export async function runCorpusFirst(context: CorpusContext, out: Output): Promise<CorpusOutcome> {
  const stored = context.corpus === null ? [] : readCorpus(context.corpus);
  if (stored.length === 0) return NO_CORPUS;
  const { kernel, kernelTimeout: timeout, bin } = context;
  let declares: KernelDeclaration | null = null;
  const stale = new Map(
    stored.flatMap(({ file, stored: { scenario, outcomes } }): [string, string][] => {
      const why = staleness(scenario, outcomes);
      return why === null ? [] : [[file, why]];
    }),
  );
  const cases = stored.map(({ file, stored: { scenario } }) => ({ file, scenario }));
  const end = await supervise(
    { verb: 'corpus', kernel, directory: process.cwd(), cases, runs: 1 },
    {
      bin,
      timeout,
      tape: null,
      onNote: () => undefined,
      onLoaded: (loaded) => {
        declares = loaded;
      },
    },
  );
  const result = settled(end, { kernel, declares, timeout });
  if (result.kind === 'interrupted') {
    out.note('interrupted: stopped at once, nothing had failed so far');
    return { cases: [], statuses: [EXIT.interrupted], ends: true };
  }
  if (result.kind === 'answer') return concluded(result.answer as CorpusAnswer, stale, kernel, out);
  const file = cases[result.fault.scenarios - 1]?.file ?? cases[0]?.file ?? '';
  const hung: CaseResult = { file, status: 'failed', report: result.fault.report, why: null };
  return concluded(
    { verb: 'corpus', kernel: kernel ?? 'optimized', results: [hung], stray: null },
    stale,
    kernel,
    out,
  );
}

/** A case that fails and is stale fails: the kernel disagrees with what the model says now. */
function concluded(
  { results, stray }: CorpusAnswer,
  stale: ReadonlyMap<string, string>,
  kernel: string | null,
  out: Output,
): CorpusOutcome {
  const cases = results.map((result): JudgedCase => {
    const why = stale.get(result.file);
    const plain = result.report && plainFault(result.report, kernel);
    return why !== undefined && result.status !== 'failed' && result.status !== 'flaky'
      ? { file: result.file, status: 'stale', report: null, why }
      : { ...result, report: plain };
  });
  const broken = cases.flatMap(({ report }) => (report && brokenKernelLine(report, kernel)) ?? []);
  const has = (status: JudgedCase['status']): boolean => cases.some((each) => each.status === status);
  const statuses: ExitStatus[] = [
    ...(broken.length > 0 || stray !== null ? [EXIT.kernel] : []),
    ...(has('failed') && broken.length === 0 ? [EXIT.failed] : []),
    ...(has('flaky') ? [EXIT.flaky] : []),
    ...(has('stale') ? [EXIT.stale] : []),
  ];
  out.lines(corpusLines(cases, kernel));
  for (const line of broken) out.note(`error: ${line}`);
  if (stray !== null) out.note(strayLine(kernel, stray));
  return { cases, statuses, ends: has('failed') || stray !== null };
}

/** The first failure in full, the others in a line each, and what else is not as it should be. */
function corpusLines(cases: readonly JudgedCase[], kernel: string | null): string[] {
  const failed = cases.filter(({ status }) => status === 'failed');
  const [first, ...others] = failed;
  return [
    `corpus: ${counted(cases.length, 'stored case')}`,
    ...(first?.report == null
      ? []
      : [
          '',
          ...failureLines(first.report, {
            origin: `stored case ${first.file}`,
            again: null,
            stored: `stored in ${first.file}`,
            replay: replayCommand(first.file, kernel),
          }),
          '',
        ]),
    ...others.map(
      ({ file, report }) => `FAILED ${report?.failure?.property} too: ${replayCommand(file, kernel)}`,
    ),
    ...cases.flatMap(({ file, status, why }) =>
      status === 'flaky'
        ? [`flaky: ${file}: ${why}`]
        : status === 'stale'
          ? [`stale: ${file}: ${why}; ${outcomesRemedy(file)}`]
          : [],
    ),
  ];
}

/** The closing lines of a run that ended with its stored cases, and its status. */
export function endOfCorpus(outcome: CorpusOutcome, json: object | null, out: Output): ExitStatus {
  const { passed, failed, skipped } = corpusCounts(outcome);
  const status = strongest(outcome.statuses);
  if (json !== null)
    out.line(
      JSON.stringify(
        { ...json, passed, failed, skipped, exit: status, corpus: corpusDocument(outcome) },
        null,
        2,
      ),
    );
  else if (outcome.cases.length > 0) out.line(tallyLine(passed, failed, skipped));
  return status;
}

/** The cases as `--json` has them. */
export const corpusDocument = ({ cases }: CorpusOutcome): object[] =>
  cases.map(({ file, status, why, report }) => ({
    file,
    status,
    property: report?.failure?.property ?? null,
    why,
  }));
