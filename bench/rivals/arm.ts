/** What competes: one way of looking for failures with one way of shrinking them. */
import type { KernelModule } from '../../contract/kernel-memory.ts';
import type { Scenario } from '../../contract/scenario.ts';

/** What an arm is given: the kernel under test, metered, and how long it may look. */
export interface Task {
  readonly candidate: KernelModule;
  readonly seed: number;
  /** Operations run so far on the kernel under test, by whoever ran them. */
  readonly operations: () => number;
  /** Takes the last operation back from the count: it was no part of a run. */
  readonly uncounted: () => void;
  /** Operations that may be run before the failure is found. */
  readonly budget: number;
  /** Runs that may be made while shrinking, by anybody's shrinker. */
  readonly shrinkLimit: number;
  /** Runs of the kernel under test so far. */
  readonly runs: () => number;
}

/** A failure as found, which can be shrunk. */
export interface Catch {
  readonly scenario: Scenario;
  /** The smallest scenario that the arm's own shrinker comes to. */
  readonly shrink: () => Scenario;
}

/** A rival. */
export interface Arm {
  readonly name: string;
  /** What it is, in a few words. */
  readonly claim: string;
  /** True for those that the verdict does not depend on: they are run on the first seeds only. */
  readonly aside: boolean;
  /** True for those that shrink as another arm does, which is not measured twice. */
  readonly shrinksAlike: boolean;
  /** Looks for a failure; null where the budget ended first. */
  readonly find: (task: Task) => Catch | null;
}
