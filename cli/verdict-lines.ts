/** What check and replay have in common when a run goes wrong. */
import type { LockstepReport } from '../properties/verdict.ts';
import { kernelFlags, shellWord } from './command-text.ts';

/** The command that runs a stored scenario again. */
export const replayCommand = (path: string, kernel: string | null): string =>
  ['npx vmlockstep replay', shellWord(path), ...kernelFlags(kernel)].join(' ');

/** The command that shrinks a stored scenario further. */
export const shrinkCommand = (path: string, kernel: string | null): string =>
  ['npx vmlockstep shrink', shellWord(path), ...kernelFlags(kernel)].join(' ');

/** Failures that are no broken claim but a kernel that could not be run. */
const KERNEL_FAULTS: ReadonlySet<string> = new Set(['KERNEL-THREW', 'KERNEL-HUNG', 'KERNEL-DIED']);

/** The report with the words of an outside kernel's fault as that kernel's author should read them. */
export function plainFault(report: LockstepReport, kernel: string | null): LockstepReport {
  const { failure } = report;
  if (kernel === null || failure === null || !isKernelFault(report)) return report;
  const [line = `kernel ${kernel}: threw`] = failure.witnesses;
  return { ...report, failure: { ...failure, witnesses: [line.replace(/^InputError: /, '')] } };
}

const isKernelFault = ({ failure }: LockstepReport): boolean =>
  failure !== null && failure.side === 'candidate' && KERNEL_FAULTS.has(failure.property);

/**
 * The one line for an outside kernel that threw, hung or handed over a wrong shape; null for any other verdict, which
 * is a failed property and no broken kernel.
 */
export const brokenKernelLine = (report: LockstepReport, kernel: string | null): string | null =>
  kernel !== null && isKernelFault(report)
    ? (plainFault(report, kernel).failure?.witnesses[0] ?? `kernel ${kernel}: threw`)
    : null;

/** The line for what an outside kernel threw from a timer or a promise. */
export const strayLine = (kernel: string | null, stray: string): string =>
  `error: kernel ${kernel}: outside of any call, from a timer or a promise: threw ${stray}`;
