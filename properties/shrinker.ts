/**
 * The shrinker: from a failing scenario to the smallest that fails alike. It tries the candidates of the same families
 * as the arbitrary's `shrink`, but counts what it runs, never runs one text twice, stops when it is told to, and
 * remembers other failures that it comes upon.
 */
import type { KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { OperationKind } from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';
import { bootInstead, dropPairsWithTargets } from './scenarios-boot.ts';
import {
  dropBlocks,
  dropPairs,
  dropWithDependents,
  type Edit,
  type Edits,
  lowerArguments,
  mergeMaps,
  mergeSizes,
  simplifyKinds,
  simplifyNames,
} from './scenarios-edits.ts';
import {
  foldSubmaps,
  foldWiring,
  lowerEverywhere,
  lowerWithOffsets,
  lowerWithOffsetsAndResources,
  lowerWithResources,
  mergeMapsTightly,
  moveMaps,
  simplifyKindsTogether,
  snapRanges,
  sortNeighbours,
  swapPages,
  unfoldWiring,
} from './scenarios-joint.ts';
import { simplifyMachine } from './scenarios-machine.ts';
import { isSmaller, measure } from './scenarios-measure.ts';
import { rebuild } from './scenarios-rebuild.ts';
import { keepSlice, leapToPlainMachine } from './scenarios-slice.ts';
import { type Trace, traceScenario } from './scenarios-trace.ts';
import { signatureOf } from './signature.ts';
import { type Alikeness, isOfBoth, type Likeness, likenessTo } from './symptoms.ts';
import type { LockstepReport } from './verdict.ts';

/** How a scenario is judged: in lockstep, with a failure looked at closely. */
export type Judge = (scenario: Scenario) => LockstepReport;

/** How far shrinking has come. */
export interface ShrinkProgress {
  /** Scenarios run, those of the searches apart. */
  readonly executions: number;
  /** Scenarios tried, those of the searches among them; never fewer than told before. */
  readonly tried: number;
  /** Operations of the smallest so far. */
  readonly operations: number;
}

/** What to shrink with, and for how long. */
export interface ShrinkOptions {
  readonly reference: KernelModule<ReferenceKernel>;
  /** The only kinds that the candidate takes; absent: all. */
  readonly kinds?: readonly OperationKind[];
  /** What a simpler scenario must have in common with the failure found. Absent: a symptom. */
  readonly alike?: Alikeness;
  /** Most scenarios to run before the search for a certificate; absent: 4000. */
  readonly most?: number;
  /** At each smaller scenario that fails alike. */
  readonly onBetter?: (report: LockstepReport, progress: ShrinkProgress) => void;
  /** Before each scenario that is run. */
  readonly onTry?: (progress: ShrinkProgress) => void;
  /** Asked before each scenario; true ends the search with the best so far. */
  readonly shouldStop?: () => boolean;
  /** Why `shouldStop` said so, for people; absent: the time was up. */
  readonly stopReason?: () => string;
}

const DEFAULT_MOST = 4000;
/** Other failures that are remembered, the first of each signature. */
const MOST_OTHERS = 8;

/** A scenario without what follows its failure, and its report. */
export function cutToFailure(report: LockstepReport): LockstepReport {
  const { scenario, failure } = report;
  if (failure === null || failure.number >= scenario.operations.length) return report;
  const operations = scenario.operations.slice(0, failure.number);
  return { ...report, scenario: { machine: scenario.machine, operations } };
}

/** The state of one shrinking. */
export class Shrinker {
  readonly #judge: Judge;
  readonly #options: ShrinkOptions;
  readonly #isAlike: Likeness;
  /** Texts of the scenarios run, with the reports of those that fail alike. */
  readonly #known = new Map<string, LockstepReport | null>();
  readonly #others = new Map<string, LockstepReport>();
  #best: LockstepReport;
  #executions = 0;
  #searched = 0;
  #shrinks = 0;
  #stopped = false;
  #traced: { readonly scenario: Scenario; readonly trace: Trace } | null = null;

  /** `found` must have failed. */
  constructor(found: LockstepReport, judge: Judge, options: ShrinkOptions) {
    this.#judge = judge;
    this.#options = options;
    this.#isAlike = likenessTo(found, options.alike ?? 'symptom');
    this.#best = cutToFailure(found);
    this.#known.set(JSON.stringify(this.#best.scenario), this.#best);
  }

  /** The smallest scenario so far that fails alike. */
  get best(): LockstepReport {
    return this.#best;
  }

  /** Scenarios run. */
  get executions(): number {
    return this.#executions;
  }

  /** Successful simplifications. */
  get shrinks(): number {
    return this.#shrinks;
  }

  /** Failures of other sorts that were met, the first of each signature. */
  get others(): readonly LockstepReport[] {
    return [...this.#others.values()];
  }

  /** True once it was told to stop or has run as many scenarios as it may. */
  get stopped(): boolean {
    if (this.#executions >= (this.#options.most ?? DEFAULT_MOST)) this.#stopped = true;
    this.#stopped ||= this.#options.shouldStop?.() === true;
    return this.#stopped;
  }

  /** Why it has stopped, for people. */
  get stopReason(): string {
    return this.#options.shouldStop?.() === true
      ? (this.#options.stopReason?.() ?? 'the time was up')
      : `${this.#executions} scenarios were run by then`;
  }

  get #progress(): ShrinkProgress {
    const executions = this.#executions;
    return {
      executions,
      tried: executions + this.#searched,
      operations: this.#best.scenario.operations.length,
    };
  }

  /** Tells that it is at work; `searched`: scenarios that searches have tried so far. */
  tell(searched = 0): void {
    this.#searched = Math.max(this.#searched, searched);
    this.#options.onTry?.(this.#progress);
  }

  /** The report of a scenario that fails alike, else null; it is run only once. */
  failsAlike(scenario: Scenario): LockstepReport | null {
    const text = JSON.stringify(scenario);
    const known = this.#known.get(text);
    const { kinds } = this.#options;
    // A simpler kind may be one that the kernel has not.
    if (kinds !== undefined && !scenario.operations.every(({ kind }) => kinds.includes(kind))) return null;
    if (known !== undefined || this.stopped) return known ?? null;
    this.tell();
    this.#executions += 1;
    const report = this.#judge(scenario);
    const alike = this.#isAlike(report);
    if (report.failure !== null && !alike) this.remember(report);
    const verdict = alike ? cutToFailure(report) : null;
    this.#known.set(text, verdict);
    return verdict;
  }

  /** The smallest so far with its operations on another machine; undefined where nothing is left of it there. */
  movedTo(machine: MachineConfig): Scenario | undefined {
    const { items } = this.#trace();
    const same = items.map((item) => ({ item, operation: item.operation }));
    return rebuild(this.#trace(), same, { reference: this.#options.reference, machine, relocate: true });
  }

  /** Takes a smaller scenario that fails alike. */
  accept(report: LockstepReport): void {
    this.#best = report;
    this.#shrinks += 1;
    this.#known.set(JSON.stringify(report.scenario), report);
    this.#options.onBetter?.(report, this.#progress);
  }

  /** Keeps a failure of another sort, if it is the candidate's and the first of its signature. */
  remember(report: LockstepReport): void {
    if (report.failure === null || isOfBoth(report.failure)) return;
    const name = JSON.stringify(signatureOf(report));
    if (this.#others.size < MOST_OTHERS && !this.#others.has(name))
      this.#others.set(name, cutToFailure(report));
  }

  /** Simplifies by all families until a whole round of them brings nothing. */
  reduce(): void {
    if (this.#best.scenario.operations.length > SLICED_ABOVE) this.#leap(keepSlice, true);
    this.#dropByHalves();
    this.#leap(leapToPlainMachine, true);
    let start: LockstepReport | null = null;
    while (start !== this.#best && !this.stopped) {
      start = this.#best;
      for (const relocate of [true, false]) this.#reduceWith(relocate);
    }
  }

  #reduceWith(relocate: boolean): void {
    let before: LockstepReport | null = null;
    while (before !== this.#best && !this.stopped) {
      before = this.#best;
      for (const family of FAMILIES) this.#pass(family, relocate);
    }
  }

  /** Takes the first edit of the family that works. */
  #leap(family: Edits, relocate: boolean): void {
    const edits = family(this.#trace());
    for (const edit of edits) if (this.#try(edit(), relocate)) return;
  }

  /** Blocks left out, from halves down to pairs; a size that has worked is tried again before a smaller one. */
  #dropByHalves(): void {
    let size = Math.floor(this.#best.scenario.operations.length / 2);
    while (size > 1 && !this.stopped) {
      const before = this.#best;
      this.#pass(dropBlocks(size), true);
      const { length } = this.#best.scenario.operations;
      size = Math.min(Math.floor(before === this.#best ? size / 2 : size * 0.75), Math.floor(length / 2));
    }
  }

  /** The smallest scenario with its references laid open; the same object for the same scenario. */
  #trace(): Trace {
    const { scenario } = this.#best;
    if (this.#traced?.scenario !== scenario)
      this.#traced = { scenario, trace: traceScenario(scenario, this.#options.reference) };
    return this.#traced.trace;
  }

  /** All edits of a family, after a success those of the smaller scenario from the same place on. */
  #pass(family: Edits, relocate: boolean): void {
    let edits = family(this.#trace());
    for (let i = 0; i < edits.length && !this.stopped; ) {
      const edit = edits[i]?.();
      if (edit !== undefined && this.#try(edit, relocate)) edits = family(this.#trace());
      else i += 1;
    }
  }

  #try({ items, machine }: Edit, relocate: boolean): boolean {
    const { scenario } = this.#best;
    const { reference } = this.#options;
    const simpler = rebuild(this.#trace(), items, { reference, machine, relocate });
    if (simpler === undefined || !isSmaller(measure(simpler), measure(scenario))) return false;
    const report = this.failsAlike(simpler);
    if (report === null) return false;
    this.accept(report);
    return true;
  }
}

/** Scenarios up to this length are not sliced: dropping their operations one by one is as quick. */
const SLICED_ABOVE = 4;

/** Coarse ones first; each is gone through once in a round. */
const FAMILIES: readonly Edits[] = [
  dropBlocks(1),
  dropWithDependents,
  mergeMaps,
  mergeMapsTightly,
  mergeSizes,
  foldSubmaps,
  foldWiring,
  unfoldWiring,
  bootInstead,
  simplifyKinds,
  moveMaps,
  leapToPlainMachine,
  lowerArguments,
  simplifyMachine,
  simplifyNames,
  simplifyKindsTogether,
  lowerEverywhere,
  lowerWithOffsets,
  snapRanges,
  swapPages,
  dropPairs,
  dropPairsWithTargets,
  lowerWithResources,
  lowerWithOffsetsAndResources,
  sortNeighbours,
];
