/**
 * Bounded-exhaustive search: every operation of a small vocabulary in every state of a small machine, breadth first, so
 * that no failure has fewer operations than the first one found.
 */
import { Exploration, type LevelCounts } from './explore-atlas.ts';
import { Expander, type ExploreSetup } from './explore-node.ts';
import type { LockstepReport } from './verdict.ts';

export type { LevelCounts } from './explore-atlas.ts';
export type { ExploreSetup } from './explore-node.ts';

/** How far to search. */
export interface ExploreOptions extends ExploreSetup {
  /** Most operations in a sequence. */
  readonly depth: number;
  /** Most states to expand, so that a caller's patience ends somewhere; default no limit. */
  readonly mostStates?: number;
}

/** What a search came to. */
export interface ExploreResult {
  /** Counts by depth; the last level is not complete where something failed or `mostStates` was reached. */
  readonly levels: readonly LevelCounts[];
  /** A shortest failing sequence; null where there is none. */
  readonly failure: LockstepReport | null;
  /** True where every sequence up to `depth`, or up to the failure, was tried. */
  readonly complete: boolean;
  /** Keys of all states, in the order in which they were reached. */
  readonly states: readonly string[];
}

/** Searches level by level, in this thread. */
export function exploreLevels(options: ExploreOptions): ExploreResult {
  const { depth, mostStates = Number.POSITIVE_INFINITY, merging = true } = options;
  const expander = new Expander(options);
  const root = expander.root();
  if ('scenario' in root) return { levels: [], failure: root, complete: true, states: [] };
  const exploration = new Exploration(root, { merging });
  for (let expanded = 0; expanded < mostStates; expanded++) {
    const node = exploration.next(depth);
    if (node === null) break;
    exploration.absorb(expander.expand(node));
  }
  const { levels, keys } = exploration;
  return {
    levels,
    failure: exploration.failure ?? exploration.late,
    complete: exploration.next(depth) === null,
    states: keys,
  };
}

/**
 * A shortest sequence of the vocabulary that fails on a candidate, or null where none up to `depth` does (or none was found
 * within `mostStates`). Its length is the yardstick for shrinking: no shorter sequence of this vocabulary fails on this
 * machine, as long as what the candidate remembers follows from what the reference shows; without `merging`, in any case.
 */
export const shortestFailure = (
  candidate: ExploreOptions['candidate'],
  options: Omit<ExploreOptions, 'candidate'>,
): LockstepReport | null => exploreLevels({ ...options, candidate }).failure;
