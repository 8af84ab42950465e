/** What `check` was asked to do. */
import type { CorpusDirectory } from './corpus-files.ts';
import type { EventOptions } from './events.ts';

/** The verb's flags, environment and defaults merged. */
export interface CheckOptions {
  readonly seed: number;
  /** Null: as many as the default run takes, or as the time allows. */
  readonly runs: number | null;
  readonly milliseconds: number | null;
  /** Most milliseconds to shrink a failure. */
  readonly shrinkMilliseconds: number;
  /** Null: the default mix. */
  readonly workload: string | null;
  readonly kernel: string | null;
  readonly kernelTimeout: number;
  readonly json: boolean;
  readonly requireGoals: boolean;
  readonly out: string;
  /** Stored cases to run first; null: none. */
  readonly corpus: CorpusDirectory | null;
  /** Null: as many as the machine has cores, within limits. */
  readonly workers: number | null;
  /** Null: no event stream. */
  readonly events: EventOptions | null;
}

/** The mix of all workloads, which is what a run without --workload draws from. */
export const DEFAULT_WORKLOAD = 'default';
