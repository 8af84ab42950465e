/** Stored cases on an outside kernel, in a thread that is watched. */
import { InputError } from '../contract/input-error.ts';
import { RUNS_TO_CONFIRM } from './confirm.ts';
import type { CorpusCase } from './corpus-files.ts';
import { EXIT } from './exit-status.ts';
import type { CaseResult } from './job.ts';
import { settled } from './job-end.ts';
import { supervise } from './supervisor.ts';

/** Which kernel the cases run on, and how it is watched. */
export interface CorpusKernelOptions {
  readonly kernel: string | null;
  /** Longest time that one call may take, in milliseconds. */
  readonly kernelTimeout: number;
  readonly bin: URL;
}

/** The result of a case that the run did not come to. */
export const unanswered = ({ file }: CorpusCase): CaseResult => ({
  file,
  status: 'skipped',
  report: null,
  why: 'the run ended before it',
});

/**
 * The cases on an outside kernel, each several times. Throws InputError, with the status of a broken kernel, where it
 * gives no answer. Null where the run was interrupted.
 */
export async function resultsOn(
  kernel: string,
  cases: readonly CorpusCase[],
  { kernelTimeout: timeout, bin }: Omit<CorpusKernelOptions, 'kernel'>,
): Promise<readonly CaseResult[] | null> {
  const end = await supervise(
    {
      verb: 'corpus',
      kernel,
      directory: process.cwd(),
      cases: cases.map(({ file, stored: { scenario } }) => ({ file, scenario })),
      runs: RUNS_TO_CONFIRM,
    },
    { bin, timeout, tape: null, onNote: () => undefined },
  );
  const result = settled(end, { kernel, declares: null, timeout });
  if (result.kind === 'answer' && result.answer.verb === 'corpus') return result.answer.results;
  if (result.kind !== 'fault') return null;
  const file = cases[result.fault.scenarios - 1]?.file ?? '';
  throw new InputError(`${file}: ${result.fault.report.failure?.witnesses[0] ?? 'no answer'}`, EXIT.kernel);
}
