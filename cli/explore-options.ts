/** What `explore` was asked to do, and the search that follows from it. */
import type { MachineConfig } from '../contract/machine.ts';
import type { AlphabetName, Vocabulary } from '../properties/explore-ground.ts';
import { tinyMachine } from '../properties/explore-machine.ts';
import { kernelFlags, outFlags } from './command-text.ts';

/** The verb's flags and defaults merged. */
export interface ExploreOptions {
  /** Most operations in a sequence. */
  readonly depth: number;
  readonly pages: number;
  readonly entries: number;
  readonly maps: number;
  /** Sizes of allocations in pages, ascending. */
  readonly sizes: readonly number[];
  readonly alphabet: AlphabetName;
  /** Null: as many as there are cores. */
  readonly workers: number | null;
  readonly kernel: string | null;
  readonly kernelTimeout: number;
  readonly json: boolean;
  readonly out: string;
  /** True: whatever an earlier run left is not gone on with. */
  readonly fresh: boolean;
}

/** What is searched: nothing else, the code of both kernels apart, has a bearing on the result. */
export interface Search {
  readonly kernel: string | null;
  readonly machine: MachineConfig;
  readonly vocabulary: Vocabulary;
}

export const DEFAULTS = { depth: 5, pages: 4, entries: 6, maps: 2, sizes: '0..3', alphabet: 'core' } as const;

/** The search that the options describe, however deep it goes. */
export function searchOf({ kernel, pages, entries, maps, sizes, alphabet }: ExploreOptions): Search {
  const largest = Math.max(...sizes);
  return {
    kernel,
    machine: tinyMachine({ frames: pages, entries, maps, largest, scratch: alphabet === 'full' }),
    vocabulary: { alphabet, sizes, maps },
  };
}

/** The command that finds the same, wherever it keeps it; stored with a failure. */
export function exploreCommand(options: ExploreOptions): string {
  const { depth, pages, entries, maps, sizes, alphabet, kernel, kernelTimeout } = options;
  const flags = [`--depth ${depth}`];
  if (pages !== DEFAULTS.pages) flags.push(`--pages ${pages}`);
  if (entries !== DEFAULTS.entries) flags.push(`--entries ${entries}`);
  if (maps !== DEFAULTS.maps) flags.push(`--maps ${maps}`);
  if (sizes.join() !== '0,1,2,3') flags.push(`--sizes ${sizes.join()}`);
  if (alphabet !== DEFAULTS.alphabet) flags.push(`--alphabet ${alphabet}`);
  flags.push(...kernelFlags(kernel, kernelTimeout));
  return `npx vmlockstep explore ${flags.join(' ')}`;
}

/** The command that makes the same search again, or goes on with it: its checkpoint lies below `--out`. */
export const exploreAgain = (options: ExploreOptions): string =>
  [exploreCommand(options), ...outFlags(options.out)].join(' ');
