/** The directory of `--out`: tried before a run begins, made when there is something to keep. */
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InputError } from '../contract/input-error.ts';

/** The flag that names the directory, unless another does. */
const OUT = '--out';

const WHY: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'nothing can be made there',
  ENOSPC: 'no space left',
  ENAMETOOLONG: 'the name is too long',
  ENOTDIR: 'a part of the path is not a directory',
};

/** Why the system refused, in a few words. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return WHY[code] ?? error.message.split(/[\n,]/)[0] ?? error.name;
}

/**
 * Makes the directory and answers which directories are new, the outermost first. One at a time: on some file systems
 * (/proc) `recursive` never returns.
 */
export function makeDirectory(directory: string, flag = OUT): string[] {
  const missing: string[] = [];
  let at = resolve(directory);
  for (; !existsSync(at); at = dirname(at)) missing.unshift(at);
  if (!statSync(at).isDirectory()) {
    const itself = missing.length === 0 ? '' : `${at} `;
    throw new InputError(
      `${flag} ${directory}: ${itself}is not a directory; name one, or a path that is free`,
    );
  }
  for (const path of missing) makeOne(path, flag);
  return missing;
}

/** Another run may make it at the same moment. */
function makeOne(path: string, flag: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (existsSync(path) && statSync(path).isDirectory()) return;
    if (isLink(path))
      throw new InputError(`${flag} ${path}: is a link that leads nowhere; remove it or name a directory`);
    throw error;
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** Takes back what `makeDirectory` made, as far as nothing lies in it. */
export function removeEmpty(made: readonly string[]): void {
  for (const path of made.toReversed()) {
    try {
      rmdirSync(path);
    } catch {
      return;
    }
  }
}

/** Refuses, before a run begins, a directory that cannot take its results; leaves no trace. */
export function checkDirectory(directory: string, flag = OUT): void {
  let made: string[] = [];
  try {
    made = makeDirectory(directory, flag);
    const probe = join(directory, `.vmlockstep-${process.pid}`);
    closeSync(openSync(probe, 'wx'));
    unlinkSync(probe);
  } catch (error) {
    throw unwritable(directory, error, flag);
  } finally {
    removeEmpty(made);
  }
}

/** The line for a directory that refuses a file. */
export const unwritable = (directory: string, error: unknown, flag = OUT): InputError =>
  error instanceof InputError
    ? error
    : new InputError(
        `${flag} ${directory}: cannot be written: ${systemReason(error)}; name a directory that can`,
      );
