/**
 * How fast the lockstep is, and what each part of it costs: the same scenarios through every arm, arms interleaved,
 * medians of several rounds. Shared machines are noisy: ratios mean more than absolutes.
 */
import fc from 'fast-check';
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import { runLockstep } from '../properties/lockstep.ts';
import { scenarios } from '../properties/scenarios.ts';

/** One measured way of running the scenarios. */
export interface BenchRow {
  readonly arm: string;
  /** Operations per second on one core: median, least and most over the rounds. */
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** Median over the median of the first arm. */
  readonly ratio: number;
}

const SEED = 1994;
const SCENARIOS = 200;
const ROUNDS = 9;
/** Rounds before the first that counts: a campaign runs long enough for the compiler to have seen all of it. */
const WARM_UP = 8;
/** Every how many-th scenario the slowest arm takes. */
const THINNED = 8;

function runAlone(module: KernelModule, list: readonly Scenario[]): void {
  for (const { machine, operations } of list) {
    const kernel = module.boot(machine);
    operations.forEach((operation, i) => {
      kernel.apply(operation, i + 1);
    });
  }
}

function lockstep(list: readonly Scenario[], fullEvery: number, invariants = ALL_INVARIANTS): void {
  for (const scenario of list) {
    const { failure } = runLockstep(scenario, {
      reference: referenceKernel,
      candidate: optimizedKernel,
      compare: true,
      invariants,
      fullEvery,
    });
    if (failure !== null)
      throw new Error(`the bench met a failure: ${failure.property}: ${failure.witnesses.join('; ')}`);
  }
}

/** One way of running scenarios. */
interface Arm {
  readonly arm: string;
  readonly list: readonly Scenario[];
  readonly run: () => void;
}

const operationsOf = (list: readonly Scenario[]): number =>
  list.reduce((sum, { operations }) => sum + operations.length, 0);

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

/** Runs the bench. `note` is told what is under way. */
export function benchLockstep(note: (text: string) => void): BenchRow[] {
  const arbitrary = scenarios({ reference: referenceKernel });
  const generate = () => fc.sample(arbitrary, { seed: SEED, numRuns: SCENARIOS });
  const all = generate();
  const few = all.filter((_, i) => i % THINNED === 0);
  const arms: readonly Arm[] = [
    { arm: 'lockstep as check runs it (full checks every 64)', list: all, run: () => lockstep(all, 64) },
    { arm: 'lockstep, full checks at every step', list: few, run: () => lockstep(few, 1) },
    { arm: 'lockstep without invariants', list: all, run: () => lockstep(all, 64, []) },
    { arm: 'model alone', list: all, run: () => runAlone(referenceKernel, all) },
    { arm: 'implementation alone', list: all, run: () => runAlone(optimizedKernel, all) },
    { arm: 'generation (steps the model)', list: all, run: generate },
  ];
  const speeds = arms.map((): number[] => []);
  for (let round = 1 - WARM_UP; round <= ROUNDS; round++)
    arms.forEach(({ arm, list, run }, i) => {
      note(round > 0 ? `round ${round} of ${ROUNDS}: ${arm}` : `warming up: ${arm}`);
      const start = process.hrtime.bigint();
      run();
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      if (round > 0) speeds[i]?.push(operationsOf(list) / seconds);
    });
  const base = median(speeds[0] ?? []);
  return arms.map(({ arm }, i) => {
    const values = speeds[i] ?? [];
    return {
      arm,
      median: median(values),
      least: Math.min(...values),
      most: Math.max(...values),
      ratio: median(values) / base,
    };
  });
}
