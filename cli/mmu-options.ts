/** What `mmu` was asked to do. */
import { kernelFlags, outFlags, shellWord } from './command-text.ts';

/** The verb's flags and defaults merged. */
export interface MmuOptions {
  /** A stored scenario whose states are judged; null for generated ones. */
  readonly file: string | null;
  readonly seed: number;
  /** Scenarios to generate. */
  readonly runs: number;
  readonly workload: string;
  /** Null: as many as there are cores, up to four; one for an outside kernel. */
  readonly workers: number | null;
  readonly kernel: string | null;
  readonly kernelTimeout: number;
  readonly json: boolean;
  readonly out: string;
}

export const MMU_DEFAULTS = { runs: 600, workload: 'pmap' } as const;
/** Different states that a run of the default length or longer must have judged. */
export const LEAST_STATES = 2000;

/** The command that judges the same again. */
export function mmuCommand(options: MmuOptions): string {
  const { file, seed, runs, workload, kernel, kernelTimeout, out } = options;
  if (file !== null) return mmuFileCommand(file, options);
  const flags = [`--seed ${seed}`];
  if (runs !== MMU_DEFAULTS.runs) flags.push(`--runs ${runs}`);
  if (workload !== MMU_DEFAULTS.workload) flags.push(`--workload ${workload}`);
  return ['npx vmlockstep mmu', ...flags, ...kernelFlags(kernel, kernelTimeout), ...outFlags(out)].join(' ');
}

/** The command that judges a stored scenario. */
export const mmuFileCommand = (file: string, { kernel, kernelTimeout }: MmuOptions): string =>
  ['npx vmlockstep mmu', shellWord(file), ...kernelFlags(kernel, kernelTimeout)].join(' ');
