/** What was measured so far, kept on disk after every few trials so that a run can be interrupted and gone on with. */
import { existsSync, readFileSync } from 'node:fs';
import { writeFileSync } from 'atomically';
import { z } from 'zod';
import { InputError } from '../../contract/input-error.ts';
import { type Trial, TrialSchema } from './trial.ts';

const VERSION = 1;

const ResultsSchema = z.strictObject({
  version: z.literal(VERSION),
  budget: z.int().min(1),
  /** By arm: stands for what the arm does, as far as a few runs show it. */
  marks: z.record(z.string(), z.string()),
  /** By fault: stands for its patch. */
  patches: z.record(z.string(), z.string()),
  trials: z.array(TrialSchema),
});

/** What a result file holds. */
export type Results = z.infer<typeof ResultsSchema>;

/** What the trials in a file must have been measured with to count. */
export type Basis = Pick<Results, 'budget' | 'marks' | 'patches'>;

/**
 * The trials of a file that are still true: of the same arms and faults as they are now.
 *
 * @throws InputError where the file is no result file, or one of another budget.
 */
export function readResults(file: string, basis: Basis): Results {
  if (!existsSync(file)) return { version: VERSION, ...basis, trials: [] };
  const found = ResultsSchema.safeParse(parsed(file));
  if (!found.success) {
    const [issue] = found.error.issues;
    throw new InputError(
      `--out ${file}: not a result file of bench rivals (${issue?.path.join('.')}: ${issue?.message}); name another file`,
    );
  }
  const { budget, marks, patches, trials } = found.data;
  if (budget !== basis.budget)
    throw new InputError(
      `--out ${file}: was measured with --budget ${budget}; give that, or name another file with --out`,
    );
  const current = trials.filter(
    ({ arm, fault }) =>
      marks[arm] === (basis.marks[arm] ?? marks[arm]) &&
      patches[fault] === (basis.patches[fault] ?? patches[fault]),
  );
  return {
    version: VERSION,
    budget,
    marks: { ...marks, ...basis.marks },
    patches: { ...patches, ...basis.patches },
    trials: current,
  };
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new InputError(`--out ${file}: not JSON; name another file, or one that bench rivals wrote`);
  }
}

/** Writes the file whole or not at all. */
export function writeResults(file: string, results: Results): void {
  writeFileSync(file, `${JSON.stringify(results)}\n`);
}

/** The trial of an arm on a fault with a seed, if it was run. */
export const trialOf = (
  trials: readonly Trial[],
  key: Pick<Trial, 'fault' | 'arm' | 'seed'>,
): Trial | undefined =>
  trials.find(({ fault, arm, seed }) => fault === key.fault && arm === key.arm && seed === key.seed);
