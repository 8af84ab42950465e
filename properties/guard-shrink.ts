/** From a scenario in which two kernels differ to a shortest one in which they differ in the same kind. */
import { address, PAGE_SIZE } from '../contract/address.ts';
import type { OperationKind } from '../contract/operation.ts';
import { choicesIn, type ScopeResult, type SearchMemory, searchScope } from './certificate.ts';
import { COMMON_MACHINES } from './common-machines.ts';
import type { AlphabetName } from './explore-ground.ts';
import { tinyMachine } from './explore-machine.ts';
import type { GuardJudge, Sides } from './guard-judge.ts';
import type { DifferenceKind } from './guard-level.ts';
import { replacements } from './scenarios-replace.ts';
import { ownScope, type Scope, wideScope } from './search-scope.ts';
import { type Judge, Shrinker } from './shrinker.ts';
import type { LockstepReport } from './verdict.ts';

/** How hard to try, and who is told. */
export interface GuardShrinkOptions {
  readonly judge: GuardJudge;
  readonly kind: DifferenceKind;
  /** Most scenarios that the widest search for a shorter one tries; 0: no search. */
  readonly searchMost: number;
  /** For this kind of difference and these kernels alone. */
  readonly memory: SearchMemory;
  readonly shouldStop: () => boolean;
  /** Before each scenario that is run, outside the searches. */
  readonly onTry?: () => void;
}

/** A difference as shrunk, and what is known of shorter scenarios. */
export interface ShrunkDifference {
  readonly report: LockstepReport;
  /** Scenarios run, those of the searches apart. */
  readonly executions: number;
  /** Scenarios tried in the searches. */
  readonly searched: number;
  /** Shorter scenarios tried in searches that came to their end, none of which shows a difference of the kind. */
  readonly shorter: number;
  /** Why it may not be a shortest one; null where every search came to its end. */
  readonly doubt: string | null;
}

/** Operations up to which the first of the scenarios as short is taken, whatever was found first. */
const LONGEST_CANONICAL = 3;
/** Operations of the longest scenarios that are searched with every operation at every place. */
const DEEPEST_FULL = 2;
/** The same for machines beside the one that is searched first. */
const DEEPEST_BESIDE = 3;
/** Scenarios in which one operation stands for two, of those that no search comes to the end of. */
const MOST_REPLACED = 2000;

/** The operations that others can often be replaced by. */
const SIMPLEST: readonly OperationKind[] = ['kmem_alloc_pageable', 'kmem_free', 'kmem_suballoc'];

/** The machine that `explore` is on by default. */
const EXPLORED = tinyMachine({ frames: 4, entries: 6, maps: 2, largest: 3, scratch: false });

/** The same with a boot entry of several pages, which can be clipped and freed at once. */
const BOOTED = {
  ...EXPLORED,
  kernelStart: address(EXPLORED.kernelMin + 3 * PAGE_SIZE),
  kernelMax: address(EXPLORED.kernelMax + 3 * PAGE_SIZE),
};

/** What is searched, how deep at most, and how much of what a search may try it gets. */
interface Field {
  readonly scope: Scope;
  readonly deepest: number;
  readonly share: number;
}

class GuardShrinking {
  readonly #options: GuardShrinkOptions;
  readonly #shrinker: Shrinker;
  readonly #sides: Sides;
  #searched = 0;
  #shorter = 0;
  #doubt: string | null = null;

  constructor(found: LockstepReport, options: GuardShrinkOptions) {
    const { judge, kind, shouldStop, onTry } = options;
    this.#options = options;
    this.#sides = judge.sides(kind);
    const judged: Judge = (scenario) =>
      this.#marked(kind === 'meaning' ? judge.meaning(scenario) : judge.structure(scenario));
    this.#shrinker = new Shrinker(this.#marked(found), judged, {
      reference: this.#sides.reference,
      alike: 'symptom',
      shouldStop,
      ...(onTry && { onTry }),
    });
  }

  /** Every difference of the kind is as good as another: they all get one name, and nothing else is compared. */
  #marked(report: LockstepReport): LockstepReport {
    const { failure } = report;
    if (failure === null) return report;
    const property = `DIFFERENT-${this.#options.kind}`;
    return { ...report, failure: { ...failure, property, side: 'candidate', differences: [] } };
  }

  get #length(): number {
    return this.#shrinker.best.scenario.operations.length;
  }

  /** Without the searches. */
  reduce(): LockstepReport {
    this.#shrinker.reduce();
    return this.#shrinker.best;
  }

  run(): ShrunkDifference {
    this.reduce();
    if (this.#options.searchMost === 0) this.#doubt = 'no search was asked for';
    else while (!this.#isShortest()) this.reduce();
    const { best, executions } = this.#shrinker;
    return {
      report: best,
      executions,
      searched: this.#searched,
      shorter: this.#shorter,
      doubt: this.#shrinker.stopped ? 'the search was stopped' : this.#doubt,
    };
  }

  #fields(): Field[] {
    const { machine, operations } = this.#shrinker.best.scenario;
    const { candidate } = this.#sides;
    const wide = (on: Scope['machine'], alphabet: AlphabetName) => wideScope(candidate, on, alphabet);
    const explored = wide(EXPLORED, 'core');
    const vocabulary = { ...explored.vocabulary, sizes: [0, 1, 2, 3] };
    const deepest = Number.POSITIVE_INFINITY;
    return [
      { scope: { ...explored, vocabulary }, deepest, share: 1 },
      ...COMMON_MACHINES.slice(-1).map((on) => ({
        scope: wide(on, 'full'),
        deepest: DEEPEST_FULL,
        share: 1 / 2,
      })),
      ...[BOOTED, ...COMMON_MACHINES.slice(0, 1)].map((on) => ({
        scope: wide(on, 'core'),
        deepest: DEEPEST_BESIDE,
        share: 1 / 2,
      })),
      { scope: this.#nearby(), deepest, share: 1 },
      ...[EXPLORED, machine].map((on) => ({ scope: ownScope(operations, on), deepest, share: 1 })),
    ];
  }

  /** The scenario's own kinds at every place, with what makes and frees ranges in the simplest way, one page each. */
  #nearby(): Scope {
    const { kinds, ...own } = ownScope(this.#shrinker.best.scenario.operations, EXPLORED);
    const { operations } = this.#options.judge.declares;
    return {
      ...own,
      kinds: operations.filter((kind) => kinds.includes(kind) || SIMPLEST.includes(kind)),
      vocabulary: { ...own.vocabulary, sizes: [1], maps: 2 },
      besides: [],
      ownValues: false,
    };
  }

  /** Searches everywhere below the present length; false where something shorter, or as short and earlier, was taken. */
  #isShortest(): boolean {
    this.#shorter = 0;
    this.#doubt = null;
    for (const field of this.#fields()) {
      const depth = Math.min(this.#length - 1, field.deepest);
      const { found, scenarios, reason } = this.#search(field, depth);
      if (found !== null && found.scenario.operations.length < this.#length) {
        this.#shrinker.accept(this.#marked(found));
        return false;
      }
      if (reason === null) this.#shorter += scenarios;
      else this.#doubt ??= doubtOf(reason, depth);
    }
    if (this.#doubt !== null && this.#isReplaced()) return false;
    this.#canonical();
    return true;
  }

  /** Takes a scenario in which one operation stands for two. */
  #isReplaced(): boolean {
    const { scenario } = this.#shrinker.best;
    const ground = { ...this.#sides, invariants: [], memory: this.#options.memory };
    const choicesAfter = choicesIn(ownScope(scenario.operations, scenario.machine), ground);
    let left = MOST_REPLACED;
    for (const shorter of replacements(scenario, choicesAfter)) {
      if (left === 0 || this.#shrinker.stopped) return false;
      left -= 1;
      const report = this.#shrinker.failsAlike(shorter);
      if (report === null) continue;
      this.#shrinker.accept(report);
      return true;
    }
    return false;
  }

  /** Among scenarios as short, the first in the order of the search, so that every seed comes to the same. */
  #canonical(): void {
    const length = this.#length;
    if (length === 0 || length > LONGEST_CANONICAL) return;
    for (const field of this.#fields()) {
      if (field.deepest < length) continue;
      const { found } = this.#search(field, length);
      if (found === null || found.scenario.operations.length > length) continue;
      this.#shrinker.accept(this.#marked(found));
      return;
    }
  }

  #search({ scope, share }: Field, depth: number): ScopeResult {
    const { judge, kind, searchMost, memory, onTry } = this.#options;
    const result = searchScope(
      scope,
      { ...this.#sides, invariants: [], memory },
      {
        depth: Math.max(0, depth),
        most: Math.ceil(searchMost * share),
        isSought: (report) => judge.isSought(report, kind),
        onOther: () => undefined,
        onTry: () => onTry?.(),
        shouldStop: () => this.#shrinker.stopped,
      },
    );
    this.#searched += result.scenarios;
    return result;
  }
}

/** Why a search did not come to its end. */
const doubtOf = (reason: string, depth: number): string =>
  `${reason} in ${depth} operation${depth === 1 ? '' : 's'}`;

/** Shrinks by dropping and lowering alone. */
export const reduceDifference = (found: LockstepReport, options: GuardShrinkOptions): LockstepReport =>
  new GuardShrinking(found, options).reduce();

/** Shrinks, then searches for what is shorter still. */
export const shrinkDifference = (found: LockstepReport, options: GuardShrinkOptions): ShrunkDifference =>
  new GuardShrinking(found, options).run();
