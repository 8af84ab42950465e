/** What `guard` was asked to do. */

import { shellWord } from './command-text.ts';
import type { CorpusDirectory } from './corpus-files.ts';
import type { PlaceFlags } from './guard-places.ts';

/** The verb's flags and defaults merged. */
export interface GuardOptions extends PlaceFlags {
  readonly kernelTimeout: number;
  readonly seed: number;
  /** Scenarios to generate. */
  readonly runs: number;
  /** Stored cases to run first; null: none. */
  readonly corpus: CorpusDirectory | null;
  readonly out: string;
  readonly json: boolean;
  readonly watch: boolean;
  readonly bench: boolean;
  /** Whether a difference in structure alone counts as a failure. */
  readonly structure: boolean;
  /** Whether being slower counts as a failure. */
  readonly failOnSlower: boolean;
}

export const DEFAULT_RUNS = 1000;

/** The flags that make the same comparison again. */
export function guardCommand({ base, kernel, build, seed, runs, structure }: GuardOptions): string {
  const flags = [`--base ${shellWord(base)}`];
  if (kernel !== null) flags.push(`--kernel ${shellWord(kernel)}`);
  if (build !== null) flags.push(`--build ${shellWord(build)}`);
  flags.push(`--seed ${seed}`);
  if (runs !== DEFAULT_RUNS) flags.push(`--runs ${runs}`);
  if (structure) flags.push('--structure');
  return `npx vmlockstep guard ${flags.join(' ')}`;
}
