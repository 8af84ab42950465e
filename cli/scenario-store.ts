/** Keeps failing scenarios on disk under names that follow from what failed, never over someone else's file. */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileSync } from 'atomically';
import { InputError } from '../contract/input-error.ts';
import { signatureOf } from '../properties/signature.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import type { FoundFailure } from './job.ts';
import { makeDirectory, unwritable } from './out-directory.ts';
import { type Provenance, type StoredScenario, scenarioText } from './scenario-file.ts';
import { keptKernel } from './scenario-kernel.ts';
import { outcomesOf } from './scenario-outcomes.ts';
import { version } from './version.ts';

const fileSafe = (name: string): string => name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 120);

/** Without the lines that say where a scenario comes from and what someone noted: files that differ in these alone are the same. */
const withoutOrigin = (text: string): string => text.replace(/^ {2}"(?:provenance|note)": .*\n/gm, '');

const same = (path: string, text: string): boolean => {
  try {
    return withoutOrigin(readFileSync(path, 'utf8')) === withoutOrigin(text);
  } catch {
    return false;
  }
};

/** Also by a link that leads nowhere: writing would make what it points to. */
function isTaken(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Writes the scenario as DIRECTORY/NAME.scn.json, atomically, and returns the path. Where that file exists with other
 * contents, NAME-2, NAME-3 … is taken instead; one that holds the same already, whatever its note and provenance, is
 * left as it is. Throws InputError when the directory cannot be written.
 */
export function storeScenario(directory: string, name: string, stored: StoredScenario): string {
  const text = scenarioText(stored);
  const base = fileSafe(name);
  try {
    makeDirectory(directory);
    for (let copy = 1; ; copy++) {
      const path = join(directory, `${base}${copy === 1 ? '' : `-${copy}`}.scn.json`);
      if (same(path, text)) return path;
      if (isTaken(path)) continue;
      writeFileSync(path, text);
      return path;
    }
  } catch (error) {
    throw unwritable(directory, error);
  }
}

/** Where a failing scenario was kept, or why it was not. */
export type Kept = Pick<FoundFailure, 'path' | 'storeFault'>;

/** A failure as a scenario file tells it; `kernel`: the one that failed, null for the optimized kernel. */
export function storedFailure(
  report: LockstepReport,
  provenance: Provenance,
  kernel: string | null,
): StoredScenario {
  const { scenario, failure } = report;
  const signature = signatureOf(report);
  const outcomes = outcomesOf(scenario);
  return {
    scenario,
    ...(kernel !== null && { kernel: keptKernel(kernel, process.cwd()) }),
    signature,
    ...(failure !== null && { number: failure.number }),
    provenance,
    ...(outcomes !== null && { outcomes }),
  };
}

/** Where failures go, under which names, and what is said of where they come from. */
export interface FailurePlace {
  readonly out: string;
  readonly seed: number | null;
  /** The command that finds the same again; null: there is none. */
  readonly again: string | null;
  /** How the names begin; absent: property and seed. */
  readonly stem?: string;
  /** The file that it was shrunk from; absent: none. */
  readonly from?: string;
  /** The kernel that failed; null or absent: the optimized one. */
  readonly kernel?: string | null;
}

/** Stores a failing scenario; a directory that refuses it must not hide the failure. */
export function storeFailure(
  { out, seed, again, stem, ...place }: FailurePlace,
  report: LockstepReport,
  suffix: string | null,
): Kept {
  if (report.failure === null) return { path: null, storeFault: null };
  const name = `${stem ?? `${report.failure.property}-${seed}`}${suffix === null ? '' : `.${suffix}`}`;
  try {
    const provenance = { seed, command: again, version: version(), path: place.from ?? null };
    const path = storeScenario(out, name, storedFailure(report, provenance, place.kernel ?? null));
    return { path, storeFault: null };
  } catch (error) {
    if (error instanceof InputError) return { path: null, storeFault: error.message };
    throw error;
  }
}
