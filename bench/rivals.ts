/**
 * The rivals in one measurement: the same faulty kernels, the same oracle, the same seeds, arms interleaved. Seeds come
 * outermost, so that an interrupted run has all faults.
 */
import { createHash } from 'node:crypto';
import { FAULTY_KERNELS } from '../faults/kernels.ts';
import { loadFaultyKernel } from '../faults/load.ts';
import { editsOf, type FaultPatch } from '../faults/patch.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import type { Arm } from './rivals/arm.ts';
import { metered } from './rivals/meter.ts';
import type { Basis } from './rivals/results.ts';
import { runTrial, type Trial } from './rivals/trial.ts';

/** What to measure. */
export interface RivalsOptions {
  readonly arms: readonly Arm[];
  /** Names of faulty kernels. */
  readonly faults: readonly string[];
  /** Seeds for each fault. */
  readonly seeds: number;
  /** Operations until a failure is found. */
  readonly budget: number;
}

/** How a measurement is watched. */
export interface RivalsTies {
  /** A clock in seconds. */
  readonly now: () => number;
  readonly onProgress: (text: string) => void;
  /** Every few seconds with all trials so far, and at the end. */
  readonly onTrials: (trials: readonly Trial[]) => void;
  /** Asked before each trial; true ends the measurement with what it has. */
  readonly shouldStop: () => Promise<boolean>;
}

/** Seeds that arms aside are run on. */
export const SEEDS_ASIDE = 2;
/** Seeds whose failures are shrunk. */
export const SEEDS_SHRUNK = 3;
/** Runs while shrinking, by anybody's shrinker. */
export const SHRINK_LIMIT = 2000;
/** Operations that an arm is recognized by. */
const MARK_BUDGET = 200;
/** Seconds between two writings of the results. */
const SECONDS_UNWRITTEN = 5;

const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** The seed of a trial: every fault has seeds of its own, so that the luck of one seed does not reach all faults. */
export const seedOf = (fault: string, seed: number): number =>
  Number.parseInt(short(`${fault} ${seed}`).slice(0, 8), 16) & 0x7fff_ffff;

/** Stands for what an arm does: the operations it runs on the faithful kernel. */
export function markOf(arm: Arm): string {
  const seen: string[] = [];
  const { module, operations, runs, uncounted } = metered(optimizedKernel, (operation) =>
    seen.push(JSON.stringify(operation)),
  );
  const budget = MARK_BUDGET;
  arm.find({ candidate: module, seed: 1, operations, runs, uncounted, budget, shrinkLimit: 0 });
  return short(seen.join('\n'));
}

/** What kept trials must have been measured with to count. */
export const basisOf = ({ arms, faults, budget }: Omit<RivalsOptions, 'seeds'>): Basis => ({
  budget,
  marks: Object.fromEntries(arms.map((arm) => [arm.name, markOf(arm)])),
  patches: Object.fromEntries(
    faults.map((name) => [
      name,
      short(JSON.stringify(editsOf(patchOf(name)).map(({ file, find, replace }) => [file, find, replace]))),
    ]),
  ),
});

function patchOf(name: string): FaultPatch {
  const found = FAULTY_KERNELS.find((fault) => fault.name === name);
  if (found === undefined) throw new Error(`no faulty kernel is called ${name}`);
  return found;
}

/** One trial that is to be run. */
export interface Due {
  readonly fault: string;
  readonly seed: number;
  readonly arm: Arm;
}

/** All trials in their order; which arm goes first changes from fault to fault. */
export function trialsDue({ arms, faults, seeds }: Omit<RivalsOptions, 'budget'>): Due[] {
  const all: Due[] = [];
  for (let seed = 1; seed <= seeds; seed++)
    for (const [i, fault] of faults.entries()) {
      const present = arms.filter(({ aside }) => !aside || seed <= SEEDS_ASIDE);
      const turn = (i + seed) % Math.max(1, present.length);
      for (const arm of [...present.slice(turn), ...present.slice(0, turn)]) all.push({ fault, seed, arm });
    }
  return all;
}

/** Runs the trials, one after the other, and returns those that were run. */
export async function measure(due: readonly Due[], budget: number, ties: RivalsTies): Promise<Trial[]> {
  const { now, onProgress, onTrials, shouldStop } = ties;
  const trials: Trial[] = [];
  const kernels = new Map<string, ReturnType<typeof loadFaultyKernel>>();
  let told = now();
  for (const { fault, seed, arm } of due) {
    if (await shouldStop()) break;
    onProgress(`trial ${trials.length + 1} of ${due.length}: ${fault}, seed ${seed}, ${arm.name}`);
    const kernel = kernels.get(fault) ?? loadFaultyKernel(patchOf(fault));
    kernels.set(fault, kernel);
    const shrinkLimit = arm.shrinksAlike || seed > SEEDS_SHRUNK ? 0 : SHRINK_LIMIT;
    const measured = runTrial(arm, kernel, seedOf(fault, seed), { budget, shrinkLimit, now });
    trials.push({ fault, arm: arm.name, seed, ...measured });
    if (now() - told < SECONDS_UNWRITTEN) continue;
    onTrials(trials);
    told = now();
  }
  onTrials(trials);
  return trials;
}
