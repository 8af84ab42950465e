/** Keeps failing scenarios on disk under names that follow from what failed, never over someone else's file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileSync } from 'atomically';
import { InputError } from '../contract/input-error.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import type { CheckJob, FoundFailure } from './job.ts';
import { makeDirectory, unwritable } from './out-directory.ts';
import { type StoredScenario, scenarioText } from './scenario-file.ts';

const fileSafe = (name: string): string => name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 120);

const same = (path: string, text: string): boolean => {
  try {
    return readFileSync(path, 'utf8') === text;
  } catch {
    return false;
  }
};

/**
 * Writes the scenario as DIRECTORY/NAME.scn.json, atomically, and returns the path. Where that file exists with other
 * contents, NAME-2, NAME-3 … is taken instead. Throws InputError when the directory cannot be written.
 */
export function storeScenario(directory: string, name: string, stored: StoredScenario): string {
  const text = scenarioText(stored);
  const base = fileSafe(name);
  try {
    makeDirectory(directory);
    for (let copy = 1; ; copy++) {
      const path = join(directory, `${base}${copy === 1 ? '' : `-${copy}`}.scn.json`);
      if (same(path, text)) return path;
      if (existsSync(path)) continue;
      writeFileSync(path, text);
      return path;
    }
  } catch (error) {
    throw unwritable(directory, error);
  }
}

/** Where a failing scenario was kept, or why it was not. */
export type Kept = Pick<FoundFailure, 'path' | 'storeFault'>;

/** Stores a failing scenario; a directory that refuses it must not hide the failure. */
export function storeFailure(
  { out, seed, again }: Pick<CheckJob, 'out' | 'seed' | 'again'>,
  { scenario, failure }: LockstepReport,
  suffix: string | null,
): Kept {
  if (failure === null) return { path: null, storeFault: null };
  const { property, sentence, side, number } = failure;
  const name = `${property}-${seed}${suffix === null ? '' : `.${suffix}`}`;
  try {
    const path = storeScenario(out, name, {
      scenario,
      note: `found by ${again}`,
      failure: { property, sentence, side, number },
    });
    return { path, storeFault: null };
  } catch (error) {
    if (error instanceof InputError) return { path: null, storeFault: error.message };
    throw error;
  }
}
