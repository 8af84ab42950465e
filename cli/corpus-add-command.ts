/** `corpus add`: judges scenario files and keeps them as cases. */
import { writeFileSync } from 'atomically';
import { InputError } from '../contract/input-error.ts';
import { counted } from '../report/tables.ts';
import { additionOf, type Judging, placeOf, withoutDuplicates } from './corpus-add.ts';
import { type CorpusCase, type CorpusDirectory, expectation } from './corpus-files.ts';
import { type CorpusKernelOptions, resultsOn, unanswered } from './corpus-results.ts';
import { EXIT, type ExitStatus, strongest, tallyLine } from './exit-status.ts';
import { faultKernelOrRefuse, isFaultName } from './fault-kernel.ts';
import { makeDirectory, systemReason } from './out-directory.ts';
import type { Output } from './output.ts';
import { readScenario, type StoredScenario, scenarioText } from './scenario-file.ts';

/** Runs the verb: everything is judged before anything is written. */
export async function addToCorpus(
  directory: CorpusDirectory,
  files: readonly string[],
  options: CorpusKernelOptions,
  out: Output,
): Promise<ExitStatus> {
  const cases = files.map((file) => ({ file, stored: readScenario(file) }));
  const judgings = await judgingsOf(cases, options);
  if (judgings === null) {
    out.note('interrupted: nothing was added');
    return EXIT.interrupted;
  }
  const judged = cases.map((each, i) => ({
    file: each.file,
    addition: additionOf(each, judgings[i] ?? null),
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
  out.line(tallyLine(added, additions.length - added, 0));
  return strongest(statuses);
}

/** Who judges each file; null where the run was interrupted. */
async function judgingsOf(
  cases: readonly CorpusCase[],
  options: CorpusKernelOptions,
): Promise<(Judging | null)[] | null> {
  const { kernel: name } = options;
  if (name === null) return cases.map(() => null);
  if (isFaultName(name)) {
    const kernel = await faultKernelOrRefuse(name);
    return cases.map(() => ({ kind: 'fault', name, kernel }));
  }
  const results = await resultsOn(name, cases, options);
  return (
    results && cases.map((each, i) => ({ kind: 'outside', name, result: results[i] ?? unanswered(each) }))
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
