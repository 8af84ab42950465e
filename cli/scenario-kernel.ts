/** Which kernel a stored scenario failed on, and what to say where another one holds it. */
import { isAbsolute, relative, sep } from 'node:path';
import { kernelFlags } from './command-text.ts';
import type { StoredScenario } from './scenario-file.ts';

const KERNEL_FLAG = /(?:^|\s)--kernel[ =](?:'((?:[^']|'\\'')*)'|(\S+))/;

/** The kernel that a command names, or null. */
function kernelOfCommand(command: string): string | null {
  const [, quoted, plain] = KERNEL_FLAG.exec(command) ?? [];
  return quoted?.replaceAll("'\\''", "'") ?? plain ?? null;
}

/**
 * The kernel on which a file says that its scenario failed; null where it tells of no failure, or of one of the
 * optimized kernel. Files without the field `kernel` are judged by the command that found them.
 */
export function kernelThatFailed({ kernel, signature, provenance }: StoredScenario): string | null {
  if (kernel !== undefined) return kernel;
  return signature == null || provenance?.command == null ? null : kernelOfCommand(provenance.command);
}

/** A kernel as a scenario file keeps it: as it was given, but a path below the working directory relative to that. */
export function keptKernel(kernel: string, directory: string): string {
  if (!isAbsolute(kernel)) return kernel;
  const path = relative(directory, kernel);
  return path.startsWith('..') || isAbsolute(path) ? kernel : `./${path.split(sep).join('/')}`;
}

const plainPath = (kernel: string): string => kernel.replace(/^(?:\.\/)+/, '');

/** The line for a scenario that held although another kernel failed on it; null where there is nothing to say. */
export function otherKernelLine(stored: StoredScenario, kernel: string | null): string | null {
  const failed = kernelThatFailed(stored);
  if (failed === null || (kernel !== null && plainPath(kernel) === plainPath(failed))) return null;
  return `the file was failed by kernel ${failed}; ${kernel === null ? 'add' : 'give'} ${kernelFlags(failed).join(' ')}`;
}
