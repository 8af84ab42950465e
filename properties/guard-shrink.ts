/** From a scenario in which two kernels differ to a shortest one in which they differ in the same kind. */
import {
  type ExpansionMemory,
  ownScope,
  type Scope,
  type ScopeResult,
  searchScope,
  wideScope,
} from './certificate.ts';
import type { AlphabetName } from './explore-ground.ts';
import { tinyMachine } from './explore-machine.ts';
import type { GuardJudge, Sides } from './guard-judge.ts';
import type { DifferenceKind } from './guard-level.ts';
import { plainMachines } from './scenarios-slice.ts';
import { type Judge, Shrinker } from './shrinker.ts';
import type { LockstepReport } from './verdict.ts';

/** How hard to try, and who is told. */
export interface GuardShrinkOptions {
  readonly judge: GuardJudge;
  readonly kind: DifferenceKind;
  /** Most scenarios that the searches for a shorter one try; 0: no search. */
  readonly searchMost: number;
  readonly memory: ExpansionMemory;
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

/** The machine that `explore` is on by default, and one with a window for direct pmap operations. */
const TINY = { frames: 4, entries: 6, maps: 2, largest: 3 } as const;
const EXPLORED = tinyMachine({ ...TINY, scratch: false });
const WITH_WINDOW = tinyMachine({ ...TINY, scratch: true });

/** What is searched, and how deep at most. */
interface Field {
  readonly scope: Scope;
  readonly deepest: number;
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
    const wide = (on: Scope['machine'], alphabet: AlphabetName): Scope => {
      const scope = wideScope(candidate, on, alphabet);
      return { ...scope, vocabulary: { ...scope.vocabulary, sizes: [0, 1, 2, 3] } };
    };
    const plain = plainMachines(machine).at(-1) ?? machine;
    return [
      { scope: wide(EXPLORED, 'core'), deepest: Number.POSITIVE_INFINITY },
      { scope: wide(WITH_WINDOW, 'full'), deepest: DEEPEST_FULL },
      { scope: wide(plain, 'core'), deepest: Number.POSITIVE_INFINITY },
      { scope: ownScope(operations, plain), deepest: Number.POSITIVE_INFINITY },
      { scope: ownScope(operations, machine), deepest: Number.POSITIVE_INFINITY },
    ];
  }

  /** Searches everywhere below the present length; false where something shorter, or as short and earlier, was taken. */
  #isShortest(): boolean {
    this.#shorter = 0;
    this.#doubt = null;
    for (const { scope, deepest } of this.#fields()) {
      const depth = Math.min(this.#length - 1, deepest);
      const { found, scenarios, reason } = this.#search(scope, depth);
      if (found !== null && found.scenario.operations.length < this.#length) {
        this.#shrinker.accept(this.#marked(found));
        return false;
      }
      if (reason === null) this.#shorter += scenarios;
      else this.#doubt ??= doubtOf(reason, depth);
    }
    this.#canonical();
    return true;
  }

  /** Among scenarios as short, the first in the order of the search, so that every seed comes to the same. */
  #canonical(): void {
    const length = this.#length;
    if (length === 0 || length > LONGEST_CANONICAL) return;
    for (const { scope, deepest } of this.#fields()) {
      if (deepest < length) continue;
      const { found } = this.#search(scope, length);
      if (found === null || found.scenario.operations.length > length) continue;
      this.#shrinker.accept(this.#marked(found));
      return;
    }
  }

  #search(scope: Scope, depth: number): ScopeResult {
    const { judge, kind, searchMost, memory } = this.#options;
    const result = searchScope(
      scope,
      { ...this.#sides, invariants: [], memory },
      {
        depth: Math.max(0, depth),
        // One search must not leave the others without anything.
        most: Math.ceil((searchMost - this.#searched) / 2),
        isSought: (report) => judge.isSought(report, kind),
        onOther: () => undefined,
        shouldStop: () => this.#shrinker.stopped,
      },
    );
    this.#searched += result.scenarios;
    return result;
  }
}

/** Why a search did not come to its end. */
const doubtOf = (reason: string, depth: number): string =>
  reason.startsWith('another failure')
    ? 'some of the shorter ones differ otherwise before they could differ so'
    : `${reason} in ${depth} operations`;

/** Shrinks by dropping and lowering alone. */
export const reduceDifference = (found: LockstepReport, options: GuardShrinkOptions): LockstepReport =>
  new GuardShrinking(found, options).reduce();

/** Shrinks, then searches for what is shorter still. */
export const shrinkDifference = (found: LockstepReport, options: GuardShrinkOptions): ShrunkDifference =>
  new GuardShrinking(found, options).run();
