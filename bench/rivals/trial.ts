/** One trial: one arm on one faulty kernel with one seed. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { KernelModule } from '../../contract/kernel-memory.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { ALL_INVARIANTS } from '../../properties/invariants/all.ts';
import { runLockstep } from '../../properties/lockstep.ts';
import type { Arm } from './arm.ts';
import { metered } from './meter.ts';

const count = z.int().min(0);

/** How a failure was shrunk. */
export const ShrunkSchema = z.strictObject({
  /** Operations of the scenario as found and as shrunk, up to the failing one. */
  from: count,
  to: count,
  /** Stands for machine and operations of the result: equal results have equal marks. */
  mark: z.string(),
  /** Stands for the kinds of its operations alone. */
  kinds: z.string(),
  /** Runs and operations on the kernel under test, while shrinking. */
  runs: count,
  operations: count,
  seconds: z.number().min(0),
});

/** What one trial came to. */
export const TrialSchema = z.strictObject({
  fault: z.string(),
  arm: z.string(),
  /** Number of the seed, from 1. */
  seed: count,
  found: z.boolean(),
  /** Operations on the kernel under test up to the failing one; the budget where none failed. */
  operations: count,
  /** Time to find it or to spend the budget. */
  seconds: z.number().min(0),
  /** Null where nothing was found, or this arm's shrinking is not measured. */
  shrunk: ShrunkSchema.nullable(),
});

/** One trial. */
export type Trial = z.infer<typeof TrialSchema>;

/** What is measured of a trial. */
export type Measured = Omit<Trial, 'fault' | 'arm' | 'seed'>;

/** How trials are run. */
export interface TrialLimits {
  /** Operations until the failure is found. */
  readonly budget: number;
  /** Runs while shrinking; 0: failures stay as they were found. */
  readonly shrinkLimit: number;
  /** A clock in seconds. */
  readonly now: () => number;
}

const markOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12);

/** The scenario cut after the failing operation, as all arms are judged. */
function upToFailure(scenario: Scenario, candidate: KernelModule): Scenario {
  const { failure } = runLockstep(scenario, {
    reference: referenceKernel,
    candidate,
    compare: true,
    invariants: ALL_INVARIANTS,
    fullEvery: scenario.operations.length <= SHORT ? 1 : 64,
  });
  if (failure === null) throw new Error('a scenario that an arm calls failing does not fail');
  return { ...scenario, operations: scenario.operations.slice(0, failure.number) };
}

/** Scenarios up to this length are looked at whole after each step. */
const SHORT = 64;

/** Runs one trial. */
export function runTrial(arm: Arm, candidate: KernelModule, seed: number, limits: TrialLimits): Measured {
  const { budget, shrinkLimit, now } = limits;
  const meter = metered(candidate);
  const begun = now();
  const { operations, runs, uncounted } = meter;
  const caught = arm.find({
    candidate: meter.module,
    seed,
    operations,
    runs,
    uncounted,
    budget,
    shrinkLimit,
  });
  const seconds = now() - begun;
  if (caught === null) return { found: false, operations: budget, seconds, shrunk: null };
  const before = { operations: operations(), runs: runs() };
  if (shrinkLimit === 0) return { found: true, operations: before.operations, seconds, shrunk: null };
  const shrinking = now();
  const result = caught.shrink();
  const took = now() - shrinking;
  const smallest = upToFailure(result, candidate);
  return {
    found: true,
    operations: before.operations,
    seconds,
    shrunk: {
      from: upToFailure(caught.scenario, candidate).operations.length,
      to: smallest.operations.length,
      mark: markOf(smallest),
      kinds: markOf(smallest.operations.map(({ kind }) => kind)),
      runs: runs() - before.runs,
      operations: operations() - before.operations,
      seconds: took,
    },
  };
}
