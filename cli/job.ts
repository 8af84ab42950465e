/** What the main thread asks of the runner thread, and what it hears from it. All plain data. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import type { RuleId } from '../contract/rules.ts';
import type { Scenario } from '../contract/scenario.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import type { DrawnPart } from '../report/state.ts';
import type { GoalRow, KindRow, ShareRow } from '../report/statistics.ts';
import type { ExitStatus } from './exit-status.ts';

/** A campaign of generated scenarios. */
export interface CheckJob {
  readonly verb: 'check';
  /** Module of an outside kernel, as the user named it; null for the optimized kernel. */
  readonly kernel: string | null;
  /** Working directory that names are relative to. */
  readonly directory: string;
  readonly out: string;
  readonly seed: number;
  readonly runs: number;
  /** Most milliseconds to run; null for no limit. */
  readonly milliseconds: number | null;
  readonly workload: string;
  /** Command that finds the same again; stored with a failure. */
  readonly again: string;
}

/** One stored scenario. */
export interface ReplayJob {
  readonly verb: 'replay';
  readonly kernel: string | null;
  readonly directory: string;
  /** Name of the file, for messages. */
  readonly file: string;
  readonly scenario: Scenario;
  readonly show: readonly DrawnPart[];
}

export type Job = CheckJob | ReplayJob;

/** What the runner thread is started with. */
export interface WorkerData {
  readonly job: Job;
  readonly record: SharedArrayBuffer;
  /** File that follows the scenario in progress, so that it outlives the process; null for none. */
  readonly tape: string | null;
}

/** A failing scenario as found and as shrunk. */
export interface FoundFailure {
  readonly report: LockstepReport;
  /** Operations before shrinking. */
  readonly foundLength: number;
  /** Path of the stored scenario, or null. */
  readonly path: string | null;
  /** Why it could not be stored, or null. */
  readonly storeFault: string | null;
}

/** What a campaign did. */
export interface CheckAnswer {
  readonly verb: 'check';
  readonly kernel: string;
  readonly scenarios: number;
  readonly emptyScenarios: number;
  readonly operations: number;
  readonly kinds: readonly KindRow[];
  readonly goals: readonly GoalRow[];
  /** True for a kernel that declares every operation: only then can it be held to every goal. */
  readonly complete: boolean;
  readonly shares: readonly ShareRow[];
  readonly rules: readonly (readonly [RuleId, number])[];
  readonly failure: FoundFailure | null;
  readonly interrupted: boolean;
  /** What an outside kernel threw when nobody called it, or null. */
  readonly stray: string | null;
}

/** What a replay showed. `states[n]` is the drawn state after operation n (0: at boot); empty without `show`. */
export interface ReplayAnswer {
  readonly verb: 'replay';
  readonly kernel: string;
  readonly report: LockstepReport;
  readonly states: readonly (readonly string[])[];
  /** What an outside kernel threw when nobody called it, or null. */
  readonly stray: string | null;
}

export type Answer = CheckAnswer | ReplayAnswer;

export type JobMessage =
  | {
      readonly type: 'progress';
      readonly scenarios: number;
      readonly operations: number;
      readonly goals: number;
    }
  /** The kernel is loaded and fit to run. */
  | { readonly type: 'loaded'; readonly declares: KernelDeclaration }
  /** A scenario failed and is stored at `path`, or could not be; shrinking begins. */
  | { readonly type: 'found'; readonly property: string; readonly path: string | null }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'answer'; readonly answer: Answer }
  /** An InputError: one line and the status that goes with it. */
  | { readonly type: 'refused'; readonly message: string; readonly status: ExitStatus }
  /** A bug of vmlockstep. */
  | { readonly type: 'internal'; readonly message: string; readonly stack: string };
