/** Finds the trace files that a list of paths stands for. */
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../contract/input-error.ts';

/** Name of the file that tells where the traces beside it stop. */
export const INDEX_NAME = 'index.jsonl';
/** Directories of this name hold recordings of other machines, which differ from the contract on purpose. */
export const LEFT_OUT = 'variants';

/** Files as they are; directories searched recursively, in the order of their names. Throws InputError. */
export function findTraces(paths: readonly string[]): string[] {
  const found = paths.flatMap((path) => (isDirectory(path) ? tracesIn(path) : [path]));
  return [...new Set(found)];
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    throw new InputError(`${path}: no such file or directory; name a trace or a directory of traces`);
  }
}

function tracesIn(directory: string): string[] {
  const found = search(directory);
  if (found.length === 0)
    throw new InputError(
      `${directory}: no *.jsonl or *.jsonl.gz in it; name a trace or a directory of traces`,
    );
  return found;
}

function search(directory: string): string[] {
  return entriesOf(directory).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return entry.name === LEFT_OUT ? [] : search(path);
    const isTrace = /\.jsonl(\.gz)?$/.test(entry.name) && entry.name !== INDEX_NAME;
    return isTrace ? [path] : [];
  });
}

function entriesOf(directory: string): Dirent[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`${directory}: cannot be read (${reason}); check its permissions`);
  }
}
