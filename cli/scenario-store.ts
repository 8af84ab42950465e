/** Keeps failing scenarios on disk under names that follow from what failed, never over someone else's file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileSync } from 'atomically';
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
