/** What a lockstep run reports: plain data, printed by report/. */

import type { Step } from '../contract/outcome.ts';
import type { Scenario } from '../contract/scenario.ts';

/** One field that differs; `path` as in `maps.kernel.entries[2].wiredCount`, values as the report prints them. */
export interface Difference {
  readonly path: string;
  readonly expected: string;
  readonly actual: string;
}

/** Why a run failed. */
export interface Failure {
  /** An invariant ID; INV-ACC-MODEL when the kernels disagree; KERNEL-THREW when a kernel threw an exception. */
  readonly property: string;
  /** The claim that did not hold. */
  readonly sentence: string;
  /** Whose state broke it. A disagreement is the candidate's. */
  readonly side: 'reference' | 'candidate';
  /** Number of the operation after which it showed; 0: at boot. */
  readonly number: number;
  readonly witnesses: readonly string[];
  /** For a disagreement: only what differs. */
  readonly differences: readonly Difference[];
}

/** The outcome of running one scenario. */
export interface LockstepReport {
  readonly scenario: Scenario;
  readonly failure: Failure | null;
  /** The reference's steps, as many as were run; a failing step is the last one. */
  readonly expected: readonly Step[];
  /** The candidate's. */
  readonly actual: readonly Step[];
}
