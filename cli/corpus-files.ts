/** The stored cases of a directory. */
import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../contract/input-error.ts';
import { systemReason } from './out-directory.ts';
import { readScenario, type StoredScenario } from './scenario-file.ts';

/** Where the cases lie, unless `--corpus` says otherwise. */
export const DEFAULT_CORPUS = 'corpus';

/** A case and the file that it came from. */
export interface CorpusCase {
  readonly file: string;
  readonly stored: StoredScenario;
}

/** Which directory is meant; `given` false where nobody named it, so that it may be missing. */
export interface CorpusDirectory {
  readonly path: string;
  readonly given: boolean;
}

/** What a case must do, in words. */
export const expectation = ({ expect, kernel }: StoredScenario): string =>
  expect === 'fails' ? `fails on ${kernel}` : 'holds';

const ENDING = '.scn.json';

/** Entries of a directory by name; InputError where it cannot be read, or does not exist though someone named it. */
function entriesOf({ path, given }: CorpusDirectory): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing && !given && !isThere(path)) return [];
    const reason = missing ? 'there is no such directory' : systemReason(error);
    throw new InputError(`corpus ${path}: ${reason}; name a directory of scenario files (*.scn.json)`);
  }
}

function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Paths of the scenario files in the directory, by name; nothing is followed into other directories. */
export function corpusFiles(directory: CorpusDirectory): string[] {
  return entriesOf(directory)
    .filter((entry) => !entry.isDirectory() && entry.name.endsWith(ENDING))
    .map(({ name }) => join(directory.path, name))
    .sort();
}

/** The cases of a directory, and what is wrong with the files that are no scenarios. */
export interface CorpusReading {
  readonly cases: readonly CorpusCase[];
  /** By name; each fault names its file. */
  readonly unreadable: readonly { readonly file: string; readonly fault: InputError }[];
}

/** All cases of the directory that can be read; InputError where the directory cannot. */
export function readableCorpus(directory: CorpusDirectory): CorpusReading {
  const cases: CorpusCase[] = [];
  const unreadable: { file: string; fault: InputError }[] = [];
  for (const file of corpusFiles(directory))
    try {
      cases.push({ file, stored: readScenario(file) });
    } catch (fault) {
      if (!(fault instanceof InputError)) throw fault;
      unreadable.push({ file, fault });
    }
  return { cases, unreadable };
}

/** All cases of the directory; InputError names the first file that is no scenario. */
export const readCorpus = (directory: CorpusDirectory): CorpusCase[] =>
  corpusFiles(directory).map((file) => ({ file, stored: readScenario(file) }));
