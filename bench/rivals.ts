/**
 * The rivals in one measurement: the same faulty kernels, the same oracle, the same seeds, arms interleaved. Seeds come
 * outermost, so that an interrupted run has all faults.
 */
import { createHash } from 'node:crypto';
import { FAULTY_KERNELS } from '../faults/kernels.ts';
import { loadFaultyKernel } from '../faults/load.ts';
import { editsOf } from '../faults/patch.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import type { Arm } from './rivals/arm.ts';
import { metered } from './rivals/meter.ts';
import { type Basis, type Results, readResults, trialOf, writeResults } from './rivals/results.ts';
import { runTrial } from './rivals/trial.ts';

/** What to measure. */
export interface RivalsOptions {
  readonly arms: readonly Arm[];
  /** Names of faulty kernels. */
  readonly faults: readonly string[];
  /** Seeds for each fault. */
  readonly seeds: number;
  /** Operations until a failure is found. */
  readonly budget: number;
  /** Where results are kept; null: nowhere. */
  readonly file: string | null;
  /** A clock in seconds. */
  readonly now: () => number;
  readonly onProgress: (text: string) => void;
  /** Asked before each trial; true ends the measurement with what it has. */
  readonly shouldStop: () => boolean | Promise<boolean>;
}

/** Seeds that arms aside are run on. */
export const SEEDS_ASIDE = 2;
/** Runs while shrinking: as `check` allows. */
const SHRINK_LIMIT = 4000;
/** Operations that an arm is recognized by. */
const MARK_BUDGET = 300;
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

function basisOf({ arms, faults, budget }: RivalsOptions): Basis {
  return {
    budget,
    marks: Object.fromEntries(arms.map((arm) => [arm.name, markOf(arm)])),
    patches: Object.fromEntries(
      FAULTY_KERNELS.filter(({ name }) => faults.includes(name)).map((fault) => [
        fault.name,
        short(JSON.stringify(editsOf(fault).map(({ file, find, replace }) => [file, find, replace]))),
      ]),
    ),
  };
}

/** One trial that is to be run. */
interface Due {
  readonly fault: string;
  readonly seed: number;
  readonly arm: Arm;
}

/** All trials in their order; which arm goes first changes from fault to fault. */
export function trialsDue({ arms, faults, seeds }: Pick<RivalsOptions, 'arms' | 'faults' | 'seeds'>): Due[] {
  const all: Due[] = [];
  for (let seed = 1; seed <= seeds; seed++)
    for (const [i, fault] of faults.entries()) {
      const present = arms.filter(({ aside }) => !aside || seed <= SEEDS_ASIDE);
      const turn = (i + seed) % Math.max(1, present.length);
      for (const arm of [...present.slice(turn), ...present.slice(0, turn)]) all.push({ fault, seed, arm });
    }
  return all;
}

/** Runs what is missing in the file, and returns all that was asked for. */
export async function benchRivals(options: RivalsOptions): Promise<Results & { readonly missing: number }> {
  const { file, now, onProgress, shouldStop, budget } = options;
  const basis = basisOf(options);
  const kept = file === null ? { version: 1 as const, ...basis, trials: [] } : readResults(file, basis);
  const due = trialsDue(options);
  const left = due.filter(
    ({ fault, seed, arm }) => trialOf(kept.trials, { fault, seed, arm: arm.name }) === undefined,
  );
  let written = now();
  const keep = (): void => {
    if (file !== null) writeResults(file, kept);
    written = now();
  };
  const kernels = new Map<string, ReturnType<typeof loadFaultyKernel>>();
  let done = 0;
  for (const { fault, seed, arm } of left) {
    if (await shouldStop()) break;
    onProgress(
      `trial ${due.length - left.length + done + 1} of ${due.length}: ${fault}, seed ${seed}, ${arm.name}`,
    );
    const kernel = kernels.get(fault) ?? loadFaultyKernel(patchOf(fault));
    kernels.set(fault, kernel);
    const trial = runTrial(arm, kernel, seedOf(fault, seed), { budget, shrinkLimit: SHRINK_LIMIT, now });
    kept.trials.push({ fault, arm: arm.name, seed, ...trial });
    done += 1;
    if (now() - written > SECONDS_UNWRITTEN) keep();
  }
  if (done > 0) keep();
  const wanted = new Set(due.map(({ fault, seed, arm }) => `${fault} ${seed} ${arm.name}`));
  const trials = kept.trials.filter(({ fault, seed, arm }) => wanted.has(`${fault} ${seed} ${arm}`));
  return { ...kept, trials, missing: left.length - done };
}

function patchOf(name: string) {
  const found = FAULTY_KERNELS.find((fault) => fault.name === name);
  if (found === undefined) throw new Error(`no faulty kernel is called ${name}`);
  return found;
}
