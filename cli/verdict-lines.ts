/** What check and replay have in common when a run goes wrong. */
import type { LockstepReport } from '../properties/verdict.ts';

/** An argument as a shell takes it back. */
export const shellWord = (text: string): string =>
  /^[A-Za-z0-9_./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** The command that runs a stored scenario again. */
export const replayCommand = (path: string, kernel: string | null): string =>
  `npx vmlockstep replay ${shellWord(path)}${kernel === null ? '' : ` --kernel ${shellWord(kernel)}`}`;

/**
 * The one line for an outside kernel that threw or handed over a wrong shape; null for any other verdict, which is
 * a failed property and no broken kernel.
 */
export function brokenKernelLine({ failure }: LockstepReport, kernel: string | null): string | null {
  if (kernel === null || failure?.property !== 'KERNEL-THREW' || failure.side !== 'candidate') return null;
  return (failure.witnesses[0] ?? `kernel ${kernel}: threw`).replace(/^InputError: /, '');
}
