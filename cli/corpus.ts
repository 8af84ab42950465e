/** `vmlockstep corpus`: the stored cases, listed, added, verified, reduced and rewritten. */
import { unlinkSync } from 'node:fs';
import { writeFileSync } from 'atomically';
import { InputError } from '../contract/input-error.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import { counted, table } from '../report/tables.ts';
import { RUNS_TO_CONFIRM } from './confirm.ts';
import { additionOf, placeOf, withoutDuplicates } from './corpus-add.ts';
import { type CorpusCase, type CorpusDirectory, corpusFiles, readCorpus } from './corpus-files.ts';
import { superfluous } from './corpus-min.ts';
import { STATUS_OF, signatureWord, type VerifiedCase, verifyCase } from './corpus-verify.ts';
import { EXIT, type ExitStatus, strongest, tallyLine } from './exit-status.ts';
import { faultKernelOrRefuse, isFaultName } from './fault-kernel.ts';
import type { CaseResult } from './job.ts';
import { settled } from './job-end.ts';
import { makeDirectory, systemReason } from './out-directory.ts';
import type { Output } from './output.ts';
import {
  parseScenario,
  readScenario,
  type StoredScenario,
  scenarioText,
  storedVersion,
} from './scenario-file.ts';
import { outcomesOf, staleness } from './scenario-outcomes.ts';
import { readText } from './scenario-read.ts';
import { SCENARIO_VERSION } from './scenario-schema.ts';
import { supervise } from './supervisor.ts';

function expectation({ expect, kernel }: StoredScenario): string {
  return expect === 'fails' ? `fails on ${kernel}` : 'holds';
}

/** `corpus list`: one line a case. */
export function listCorpus(directory: CorpusDirectory, out: Output): ExitStatus {
  const cases = readCorpus(directory);
  const stale = cases.map(({ stored }) => staleness(stored.scenario, stored.outcomes));
  const rows = cases.map(({ file, stored }, i) => [
    file,
    String(stored.scenario.operations.length),
    expectation(stored),
    stored.signature == null ? 'none' : signatureWord(stored.signature),
    stored.outcomes === undefined ? 'unrecorded' : stale[i] === null ? 'current' : 'stale',
  ]);
  if (rows.length > 0)
    out.lines(
      table(
        [
          { heading: 'file' },
          { heading: 'operations', align: 'right' },
          { heading: 'expected' },
          { heading: 'signature' },
          { heading: 'status' },
        ],
        rows,
      ),
    );
  const bad = stale.filter((why) => why !== null).length;
  out.line(`${counted(cases.length, 'case')} in ${directory.path}${bad > 0 ? `, ${bad} stale` : ''}`);
  return bad > 0 ? EXIT.stale : EXIT.passed;
}

/** Which kernel the cases run on, and how it is watched. */
export interface VerifyOptions {
  readonly kernel: string | null;
  readonly kernelTimeout: number;
  readonly bin: URL;
}

/** `corpus verify`: every case several times. */
export async function verifyCorpus(
  directory: CorpusDirectory,
  options: VerifyOptions,
  out: Output,
): Promise<ExitStatus> {
  const cases = readCorpus(directory);
  if (cases.length === 0)
    throw new InputError(
      `corpus ${directory.path}: holds no case (*.scn.json), so there is nothing to verify; add one with corpus add`,
    );
  const results = options.kernel === null ? null : await resultsOn(options.kernel, cases, options);
  const verified: VerifiedCase[] = [];
  for (const [i, each] of cases.entries()) {
    out.progress(`case ${i + 1} of ${cases.length}: ${each.file}`);
    verified.push(await verifyCase(each, results === null ? null : (results[i] ?? unanswered(each))));
  }
  out.lines(
    verified.map(({ file, status, why }) => `${status.padEnd(7)} ${file}${why === null ? '' : `: ${why}`}`),
  );
  const count = (...statuses: readonly VerifiedCase['status'][]): number =>
    verified.filter(({ status }) => statuses.includes(status)).length;
  out.line(tallyLine(count('ok'), count('failed', 'flaky', 'stale'), count('skipped')));
  return strongest(verified.map(({ status }) => STATUS_OF[status]));
}

const unanswered = ({ file }: CorpusCase): CaseResult => ({
  file,
  status: 'skipped',
  report: null,
  why: 'the run ended before it',
});

/** The cases on an outside kernel, in a thread that is watched. */
async function resultsOn(
  kernel: string,
  cases: readonly CorpusCase[],
  { kernelTimeout: timeout, bin }: VerifyOptions,
): Promise<readonly CaseResult[]> {
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
  if (result.kind !== 'fault') throw new InputError('corpus verify: was interrupted');
  const file = cases[result.fault.scenarios - 1]?.file ?? '';
  throw new InputError(`${file}: ${result.fault.report.failure?.witnesses[0] ?? 'no answer'}`, EXIT.kernel);
}

/** `corpus add`: everything is judged before anything is written. */
export async function addToCorpus(
  directory: CorpusDirectory,
  files: readonly string[],
  kernel: string | null,
  out: Output,
): Promise<ExitStatus> {
  const fault = kernel === null ? null : { name: kernel, kernel: await kernelToFail(kernel) };
  const judged = files.map((file) => ({
    file,
    addition: additionOf({ file, stored: readScenario(file) }, fault),
  }));
  const additions = withoutDuplicates(judged, directory);
  const statuses: ExitStatus[] = [];
  let added = 0;
  for (const { file, addition } of additions) {
    if (addition.kind === 'refused') {
      statuses.push(addition.status);
      out.note(`error: ${addition.why}`);
      continue;
    }
    const path = placeOf(directory, addition.name);
    writeCase(directory, path, addition.stored);
    added += 1;
    out.line(`added ${file} as ${path}: ${expectation(addition.stored)}`);
    if (addition.note !== null) out.note(addition.note);
  }
  out.line(`${counted(added, 'case')} added, ${additions.length - added} refused`);
  return strongest(statuses);
}

function kernelToFail(kernel: string): Promise<KernelModule> {
  if (isFaultName(kernel)) return faultKernelOrRefuse(kernel);
  throw new InputError(
    `--kernel ${kernel}: a case fails on one of our own faults, such as fault:unwire-needs-pte; without --kernel it is to hold on every kernel`,
  );
}

function writeCase({ path: directory }: CorpusDirectory, path: string, stored: StoredScenario): void {
  try {
    makeDirectory(directory);
    writeFileSync(path, scenarioText(stored));
  } catch (error) {
    throw error instanceof InputError
      ? new InputError(error.message.replace('--out', 'corpus'))
      : new InputError(`${path}: cannot be written: ${systemReason(error)}; name a directory that can`);
  }
}

/** `corpus min`: removes the cases that show nothing of their own, or says which they are. */
export function minimizeCorpus(directory: CorpusDirectory, dryRun: boolean, out: Output): ExitStatus {
  const cases = readCorpus(directory);
  const stale = cases.find(({ stored }) => staleness(stored.scenario, stored.outcomes) !== null);
  if (stale !== undefined)
    throw new InputError(
      `${stale.file}: is stale, so what it shows is unknown; mend it first (corpus verify)`,
    );
  const dropped = superfluous(cases);
  for (const { file } of dropped) {
    if (!dryRun) unlinkSync(file);
    out.line(`${dryRun ? 'would drop' : 'dropped'} ${file}: others show all that it shows`);
  }
  out.line(`${cases.length - dropped.length} of ${counted(cases.length, 'case')} needed`);
  return EXIT.passed;
}

/** `corpus migrate`: rewrites files of older versions, and adds what the model answers where nobody wrote it down. */
export function migrateCorpus(
  directory: CorpusDirectory,
  files: readonly string[],
  dryRun: boolean,
  out: Output,
): ExitStatus {
  const paths = files.length > 0 ? files : corpusFiles(directory);
  // All are read before any is written: a file that is refused leaves the others as they are.
  const old = paths.flatMap((file) => {
    const text = readText(file);
    const stored = parseScenario(file, text);
    const from = storedVersion(file, text);
    return from === SCENARIO_VERSION && stored.outcomes !== undefined ? [] : [{ file, stored, from }];
  });
  for (const { file, stored, from } of old) {
    const outcomes = stored.outcomes ?? outcomesOf(stored.scenario);
    const current = { ...stored, ...(outcomes !== null && { outcomes }) };
    if (!dryRun) writeFileSync(file, scenarioText(current));
    const what = from === SCENARIO_VERSION ? 'outcomes recorded' : `version ${from} to ${SCENARIO_VERSION}`;
    out.line(`${dryRun ? 'would rewrite' : 'rewrote'} ${file}: ${what}`);
  }
  out.line(`${old.length} of ${counted(paths.length, 'file')} ${dryRun ? 'to rewrite' : 'rewritten'}`);
  return EXIT.passed;
}
