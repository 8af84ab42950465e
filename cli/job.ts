/** What the main thread asks of its runner threads, and what it hears from them. All plain data. */
import type { MessagePort } from 'node:worker_threads';
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import type { ScenarioVerdict } from '../judge/scenario.ts';
import type { Explanation } from '../properties/explain.ts';
import type { Expansion, Node } from '../properties/explore-node.ts';
import type { GivenScenario, GuardResult } from '../properties/guard.ts';
import type { Shrunk } from '../properties/shrink.ts';
import type { ShrinkProgress } from '../properties/shrinker.ts';
import type { Tally } from '../properties/tally.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import type { ShrinkTale } from '../report/shrinking.ts';
import type { ShownPart } from '../report/state.ts';
import type { GoalRow } from '../report/statistics.ts';
import type { ScenarioEvent } from './events-schema.ts';
import type { ExitStatus } from './exit-status.ts';
import type { Search } from './explore-options.ts';
import type { KernelPlace } from './guard-places.ts';
import type { SpeedResult } from './guard-speed.ts';

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
  /** Most milliseconds to shrink. */
  readonly shrinkMilliseconds: number;
  readonly workload: string;
  /** Command that finds the same again; stored with a failure. */
  readonly again: string;
  /** Which lines of an event stream are wanted; null for none. */
  readonly events: EventWish | null;
}

/** What the scenario lines of an event stream hold. */
export interface EventWish {
  /** True: with the time that each scenario took, which differs from run to run. */
  readonly timing: boolean;
}

/** One stored scenario. */
export interface ReplayJob {
  readonly verb: 'replay';
  readonly kernel: string | null;
  readonly directory: string;
  /** Name of the file, for messages. */
  readonly file: string;
  readonly scenario: Scenario;
  readonly show: readonly ShownPart[];
  /** Number of the operation after which to stop; null: to run to the end. */
  readonly breakAt: number | null;
  /** True where the file tells of a failure: that it does not fail now is worth another look. */
  readonly failsAlready: boolean;
}

/** One stored scenario to shrink. */
export interface ShrinkJob {
  readonly verb: 'shrink';
  readonly kernel: string | null;
  readonly directory: string;
  /** Name of the file, for messages. */
  readonly file: string;
  readonly scenario: Scenario;
  readonly milliseconds: number;
}

/** Stored cases, each on the kernel under test. */
export interface CorpusJob {
  readonly verb: 'corpus';
  readonly kernel: string | null;
  readonly directory: string;
  readonly cases: readonly { readonly file: string; readonly scenario: Scenario }[];
  /** Runs of each case, which must agree; a failure is confirmed in any event. */
  readonly runs: number;
}

/** An exhaustive search; its states come in messages of their own. */
export interface ExploreJob {
  readonly verb: 'explore';
  readonly kernel: string | null;
  readonly directory: string;
  readonly search: Search;
}

/** A comparison of two kernels with each other. */
export interface GuardJob {
  readonly verb: 'guard';
  /** Module of an outside kernel, in TypeScript if one of the two is; null for two trees of this project. */
  readonly kernel: string | null;
  readonly directory: string;
  readonly base: KernelPlace;
  readonly working: KernelPlace;
  /** Directory of recorded traces, whose operations are run too. */
  readonly traces: string;
  /** Scenarios to run before any is generated. */
  readonly given: readonly GivenScenario[];
  readonly seed: number;
  readonly runs: number;
  /** Whether to compare speed and memory. */
  readonly bench: boolean;
}

/** One stored scenario, taken apart. */
export interface ExplainJob {
  readonly verb: 'explain';
  readonly kernel: string | null;
  readonly directory: string;
  /** Name of the file, for messages. */
  readonly file: string;
  readonly scenario: Scenario;
}

/** States whose page tables a guest shall walk. */
export interface MmuJob {
  readonly verb: 'mmu';
  readonly kernel: string | null;
  readonly directory: string;
  /** One stored scenario; null for generated ones. */
  readonly scenario: Scenario | null;
  readonly seed: number;
  /** How many scenarios to generate; one more leads past every combination of bits. */
  readonly runs: number;
  readonly workload: string;
  /** How many threads share the scenarios out. */
  readonly workers: number;
}

export type Job = CheckJob | ReplayJob | CorpusJob | ExploreJob | ShrinkJob | GuardJob | ExplainJob | MmuJob;

/** What a runner thread is started with. */
export interface WorkerData {
  readonly job: Job;
  /** Where it answers. A port of our own: a kernel can do no harm to one that it does not know. */
  readonly port: MessagePort;
  /** Its number among the workers of a campaign, from 0. */
  readonly worker: number;
  /** The ChunkBoard that the workers share. */
  readonly board: SharedArrayBuffer;
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
  /** Why the kernel is flaky: the failure does not come with every run of it. Else null. */
  readonly flaky: string | null;
  /** What its shrinking came to; null where it was not shrunk. */
  readonly tale: ShrinkTale | null;
}

/** How a worker's part of a campaign ended; what it counted has gone in messages of type `part`. */
export interface CheckAnswer {
  readonly verb: 'check';
  readonly kernel: string;
  /** True where it was asked to end before it was done. */
  readonly interrupted: boolean;
  /** Why the kernel is flaky: the failure does not come with every run of it. Else null. */
  readonly flaky: string | null;
  /** The smallest scenario that fails as the first one did; null where this worker did not have the first failure. */
  readonly shrunk: Shrunk | null;
  /** What an outside kernel threw when nobody called it, or null. */
  readonly stray: string | null;
}

/** A stored scenario as it ran, and shrunk where it failed. */
export interface ShrinkAnswer {
  readonly verb: 'shrink';
  readonly kernel: string;
  readonly found: LockstepReport;
  /** Null where it did not fail. */
  readonly shrunk: Shrunk | null;
  /** Why the kernel is flaky: it does not give one verdict on what failed, or on the file. Else null. */
  readonly flaky: string | null;
  /** What an outside kernel threw when nobody called it, or null. */
  readonly stray: string | null;
}

/** What a worker ran of one chunk: all of it, or what an interruption or a failure let it. */
export interface CampaignPart {
  readonly chunk: number;
  readonly tally: Tally;
  /** The last scenario of the part, where that failed. */
  readonly failed: FailedScenario | null;
  readonly events: readonly ScenarioEvent[];
}

/** A failing scenario as it was found, and its number from 0. */
export interface FailedScenario {
  readonly report: LockstepReport;
  readonly index: number;
}

/** What a replay showed. `states[n]` is the drawn state after operation n (0: at boot); empty without `show`. */
export interface ReplayAnswer {
  readonly verb: 'replay';
  readonly kernel: string;
  readonly report: LockstepReport;
  readonly states: readonly (readonly string[])[];
  /** Why the kernel is flaky, or null. */
  readonly flaky: string | null;
  /** What an outside kernel threw when nobody called it, or null. */
  readonly stray: string | null;
}

/** What became of one stored case. */
export interface CaseResult {
  readonly file: string;
  readonly status: 'passed' | 'failed' | 'flaky' | 'skipped';
  /** Null for a case that was skipped. */
  readonly report: LockstepReport | null;
  /** Why it was skipped or is flaky, or null. */
  readonly why: string | null;
}

/** What became of the stored cases, in their order. */
export interface CorpusAnswer {
  readonly verb: 'corpus';
  readonly kernel: string;
  readonly results: readonly CaseResult[];
  /** What an outside kernel threw when nobody called it, or null. */
  readonly stray: string | null;
}

/** The end of a thread's part of a search; what it found has gone in messages of type `expanded`. */
export interface ExploreAnswer {
  readonly verb: 'explore';
  /** What an outside kernel threw when nobody called it, or null. */
  readonly stray: string | null;
}

/** What a comparison of two kernels came to. */
export interface GuardAnswer {
  readonly verb: 'guard';
  readonly result: GuardResult;
  /** Null where it was not wanted, or would say nothing. */
  readonly speed: SpeedResult | null;
  /** What an outside kernel threw when nobody called it, or null. */
  readonly stray: string | null;
}

/** What is known of one stored scenario. */
export interface ExplainAnswer {
  readonly verb: 'explain';
  readonly kernel: string;
  readonly explanation: Explanation;
  /** Why the kernel is flaky, or null. */
  readonly flaky: string | null;
  /** What an outside kernel threw when nobody called it, or null. */
  readonly stray: string | null;
}

/** The end of a thread's part of the judging; what it saw has gone in messages of type `judged`. */
export interface MmuAnswer {
  readonly verb: 'mmu';
  /** What an outside kernel threw when nobody called it, or null. */
  readonly stray: string | null;
}

/** What became of one scenario, by its number: 0 leads past every combination of bits. */
export interface JudgedScenario {
  readonly index: number;
  readonly verdict: ScenarioVerdict;
  /** Operations before it was shortened; of a scenario that holds, all of them. */
  readonly foundLength: number;
  /** Why the kernel is flaky: it does not differ in every run. Else null. */
  readonly flaky: string | null;
}

export type Answer =
  | CheckAnswer
  | ReplayAnswer
  | ShrinkAnswer
  | CorpusAnswer
  | ExploreAnswer
  | GuardAnswer
  | ExplainAnswer
  | MmuAnswer;

export type JobMessage =
  /** The kernel is loaded and fit to run; in a campaign the goals that it can meet, and a tally of nothing. */
  | {
      readonly type: 'loaded';
      readonly declares: KernelDeclaration;
      readonly goals: readonly Pick<GoalRow, 'id' | 'claim'>[];
      readonly nothing: Tally;
    }
  | { readonly type: 'part'; readonly part: CampaignPart }
  /** This worker runs no more scenarios; with a failure it waits to hear whether that is the first. */
  | { readonly type: 'searched' }
  /** A smaller scenario that fails as the first one did. */
  | { readonly type: 'better'; readonly report: LockstepReport }
  /** How far the shrinking has come; told several times a second. */
  | { readonly type: 'trying'; readonly progress: ShrinkProgress }
  /** The state at boot of a search, or what is wrong with it: the thread waits for states to expand. */
  | { readonly type: 'root'; readonly root: Node | LockstepReport }
  /** What leads away from the states from number `first` on; fewer than were asked for where one failed or the run ends. */
  | { readonly type: 'expanded'; readonly first: number; readonly expansions: readonly Expansion[] }
  /** One more scenario is judged. */
  | { readonly type: 'judged'; readonly judged: JudgedScenario }
  /** A scenario that differs, before anything else is tried with it. */
  | { readonly type: 'differs'; readonly judged: JudgedScenario }
  | { readonly type: 'note'; readonly text: string }
  /** What the thread is doing now. */
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'answer'; readonly answer: Answer }
  /** An InputError: one line and the status that goes with it. */
  | { readonly type: 'refused'; readonly message: string; readonly status: ExitStatus }
  /** A bug of vmlockstep. */
  | { readonly type: 'internal'; readonly message: string; readonly stack: string };
