/** `vmlockstep corpus`: the stored cases, listed, added, verified, reduced and rewritten. */
import { unlinkSync } from 'node:fs';
import { writeFileSync } from 'atomically';
import { InputError } from '../contract/input-error.ts';
import { counted, table } from '../report/tables.ts';
import {
  type CorpusDirectory,
  type CorpusReading,
  corpusFiles,
  expectation,
  readableCorpus,
  readCorpus,
} from './corpus-files.ts';
import { fatesOf } from './corpus-min.ts';
import { type CorpusKernelOptions, resultsOn, unanswered } from './corpus-results.ts';
import { STATUS_OF, signatureWord, type VerifiedCase, verifyCase } from './corpus-verify.ts';
import { EXIT, type ExitStatus, strongest, tallyLine } from './exit-status.ts';
import type { Output } from './output.ts';
import { parseScenario, scenarioText, storedVersion } from './scenario-file.ts';
import { outcomesOf, staleness } from './scenario-outcomes.ts';
import { readText } from './scenario-read.ts';
import { SCENARIO_VERSION } from './scenario-schema.ts';

/** `corpus list`: one line a case. */
export function listCorpus(directory: CorpusDirectory, out: Output): ExitStatus {
  const { cases, unreadable } = readableCorpus(directory);
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
  out.line(
    cases.length === 0
      ? `no cases in ${directory.path}; corpus add FILE keeps the first`
      : `${counted(cases.length, 'case')} in ${directory.path}${bad > 0 ? `, ${bad} stale` : ''}`,
  );
  return strongest([...(bad > 0 ? [EXIT.stale] : []), ...tellUnreadable(unreadable, out)]);
}

/** Tells which files are no scenarios, and the statuses that follow. */
function tellUnreadable(unreadable: CorpusReading['unreadable'], out: Output): ExitStatus[] {
  for (const { fault } of unreadable) out.note(`error: ${fault.message}`);
  return unreadable.map(({ fault }) => fault.exitStatus);
}

/** `corpus verify`: every case several times. */
export async function verifyCorpus(
  directory: CorpusDirectory,
  options: CorpusKernelOptions,
  out: Output,
): Promise<ExitStatus> {
  const { cases, unreadable } = readableCorpus(directory);
  if (cases.length + unreadable.length === 0)
    throw new InputError(
      `corpus ${directory.path}: holds no case (*.scn.json), so there is nothing to verify; add one with corpus add`,
    );
  const results = options.kernel === null ? null : await resultsOn(options.kernel, cases, options);
  if (results === null && options.kernel !== null) {
    out.note('interrupted: stopped at once, nothing is known');
    return EXIT.interrupted;
  }
  const verified: VerifiedCase[] = [];
  for (const [i, each] of cases.entries()) {
    out.progress(`case ${i + 1} of ${cases.length}: ${each.file}`);
    verified.push(await verifyCase(each, results === null ? null : (results[i] ?? unanswered(each))));
  }
  out.lines(
    verified.map(({ file, status, why, remedy }) =>
      [`${status.padEnd(7)} ${file}${why === null ? '' : `: ${why}`}`, remedy ?? []].flat().join('; '),
    ),
  );
  const refused = tellUnreadable(unreadable, out);
  const count = (...statuses: readonly VerifiedCase['status'][]): number =>
    verified.filter(({ status }) => statuses.includes(status)).length;
  out.line(tallyLine(count('ok'), count('failed', 'flaky', 'stale') + refused.length, count('skipped')));
  return strongest([...verified.map(({ status }) => STATUS_OF[status]), ...refused]);
}

/** `corpus min`: removes the cases that show nothing of their own, or says which they are. */
export function minimizeCorpus(directory: CorpusDirectory, dryRun: boolean, out: Output): ExitStatus {
  const cases = readCorpus(directory);
  const stale = cases.find(({ stored }) => staleness(stored.scenario, stored.outcomes) !== null);
  if (stale !== undefined)
    throw new InputError(
      `${stale.file}: is stale, so what it shows is unknown; mend it first (corpus verify)`,
    );
  const fates = fatesOf(cases);
  for (const { file, kept, why } of fates) {
    if (!kept && !dryRun) unlinkSync(file);
    out.line(`${kept ? 'kept' : dryRun ? 'would drop' : 'dropped'} ${file}: ${why}`);
  }
  out.line(`${fates.filter(({ kept }) => kept).length} of ${counted(cases.length, 'case')} needed`);
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
