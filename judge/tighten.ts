/** The way to a state that differs, without what it does not need. Two kernels and a guest judge each shorter way anew. */
import type { Operation } from '../contract/operation.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import type { GuestPool } from './guest-pool.ts';
import { CLOSELY, type JudgeScope, judgeScenario } from './scenario.ts';
import type { Kernels } from './states.ts';

/** Most scenarios that are tried: less than a minute of work. */
const MOST_TRIES = 400;

/** How it was found, and who wants to hear of it. */
export interface TightenTies {
  readonly salt: number;
  readonly shouldStop?: () => boolean;
  /** `left`: operations of the shortest scenario so far. */
  readonly onTry?: (tried: number, left: number) => void;
}

/**
 * What differs, without its place and numbers: a shorter scenario that shows nothing of the same sort is not taken. Where the
 * guest breaks there is no answer to compare, and that is all.
 */
function sortsOf({ failure }: LockstepReport): Set<string> {
  const sorts = (failure?.differences ?? []).map(({ path, actual }) => {
    const [, , ...what] = path.replace(/, WP .*/, '').split(' ');
    return actual.startsWith('none:') ? 'none' : what.join(' ');
  });
  return new Set(sorts);
}

/**
 * The shortest prefix that fails, then without operations, as long as it fails alike; the scenario itself at the worst. What is
 * left is judged closely, as a stored scenario is. `salt`: what it was found with.
 */
export async function tightened(
  found: LockstepReport,
  kernels: Kernels,
  guests: GuestPool,
  { salt, shouldStop, onTry }: TightenTies,
): Promise<LockstepReport> {
  const sorts = sortsOf(found);
  let tried = 0;
  let best = found;
  const attempt = async (operations: readonly Operation[], scope: JudgeScope): Promise<boolean> => {
    tried++;
    onTry?.(tried, best.scenario.operations.length);
    const { report } = await judgeScenario({ ...found.scenario, operations }, kernels, guests, scope);
    if (![...sortsOf(report)].some((sort) => sorts.has(sort))) return false;
    best = report;
    return true;
  };
  const isOver = (): boolean => tried >= MOST_TRIES || shouldStop?.() === true;
  await attempt(found.scenario.operations, { wanted: () => true, salts: [salt] });
  let size = Math.ceil(best.scenario.operations.length / 2);
  while (size >= 1 && !isOver()) {
    let without = 0;
    for (let end = best.scenario.operations.length; end > 0 && !isOver(); end -= size) {
      const { operations } = best.scenario;
      const shorter = operations.filter((_, i) => i < end - size || i >= end);
      const wanted = (number: number): boolean => number === shorter.length;
      if (await attempt(shorter, { wanted, salts: CLOSELY })) without++;
    }
    if (size > 1 || without === 0) size = Math.floor(size / 2);
  }
  return best;
}
