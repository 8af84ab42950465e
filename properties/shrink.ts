/** Shrinks a failure and searches for what is shorter still: the whole of what happens to a failing scenario. */

import type { KernelModule } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';
import { choicesIn, type SearchGround, type SearchMemory, searchScope } from './certificate.ts';
import { COMMON_MACHINES } from './common-machines.ts';
import type { Invariant } from './invariant.ts';
import { isSmaller, measure } from './scenarios-measure.ts';
import { replacements, restatements } from './scenarios-replace.ts';
import { kinScope, ownScope, type Scope, wideScope } from './search-scope.ts';
import { type Judge, Shrinker, type ShrinkOptions } from './shrinker.ts';
import { type Likeness, likenessTo } from './symptoms.ts';
import type { LockstepReport } from './verdict.ts';

/** What is known of shorter scenarios. */
export interface Certificate {
  /** True where no shorter scenario of the scope fails. */
  readonly minimal: boolean;
  /** Kinds of operations that were tried. */
  readonly kinds: readonly string[];
  /** Scenarios that were tried, those that lead to one state counted as one. */
  readonly scenarios: number;
  /** Why nothing is known; null for a minimal one. */
  readonly reason: string | null;
}

/** A failure as shrunk. */
export interface Shrunk {
  readonly report: LockstepReport;
  /** Successful simplifications. */
  readonly shrinks: number;
  /** Scenarios run, those of the searches apart. */
  readonly executions: number;
  /** Scenarios run before the first search. */
  readonly executionsBeforeSearch: number;
  /** Scenarios tried in all searches. */
  readonly searched: number;
  readonly certificate: Certificate;
  /** Failures of other sorts that were met on the way, the first of each signature. */
  readonly others: readonly LockstepReport[];
  /** True where shrinking was stopped before it had ended by itself. */
  readonly interrupted: boolean;
}

/** How to shrink and how hard to search. */
export interface ShrinkScenarioOptions extends ShrinkOptions {
  readonly candidate: KernelModule;
  readonly invariants: readonly Invariant[];
  /** Most scenarios that one search tries; 0: no search. Absent: 1000. */
  readonly searchMost?: number;
  /** What other shrinkings of the same kernels have searched. */
  readonly memory?: SearchMemory;
}

const DEFAULT_SEARCH_MOST = 1000;
/** Scenarios longer than this are not searched below: there are too many. */
const LONGEST_SEARCHED = 6;

/** Most scenarios in which one operation stands for two. */
const REPLACEMENTS = 1500;
/** Most scenarios in which one operation stands for another. */
const RESTATEMENTS = 1000;
/** Scenarios up to this length are searched for among all operations at all places that differ. */
const SHORT = 2;
/** The same among operations that are akin to its own. */
const KIN_DEPTH = 3;
/** Operations at the end of a longer one that are searched for. */
const SEARCHED_END = 3;

/** Parts of the budget that the search among the public callers' operations has on the plain machines. */
const CORE_SHARES: ReadonlyMap<MachineConfig | undefined, number> = new Map([
  [COMMON_MACHINES[0], 4],
  [COMMON_MACHINES[1], 2],
]);

/** Those on which the scenario's own operations are searched too: two plain ones, and the one with a range reserved. */
const OWN_MACHINES = COMMON_MACHINES.filter((_, i) => i === 0 || i === 1 || i === 3);

/** Part of the budget that the certificate has: it is what the searches are for. */
const CERTIFICATE_SHARE = 8;

class Shrinking {
  readonly #shrinker: Shrinker;
  readonly #options: ShrinkScenarioOptions;
  readonly #ground: SearchGround;
  readonly #isSought: Likeness;
  readonly #most: number;
  #searched = 0;

  constructor(found: LockstepReport, judge: Judge, options: ShrinkScenarioOptions) {
    const {
      reference,
      candidate,
      invariants,
      memory = new Map(),
      searchMost = DEFAULT_SEARCH_MOST,
    } = options;
    this.#shrinker = new Shrinker(found, judge, { ...options, kinds: candidate.declares.operations });
    this.#options = options;
    this.#ground = { reference, candidate, invariants, memory };
    this.#isSought = likenessTo(found, options.alike ?? 'symptom');
    this.#most = searchMost;
  }

  get #operations(): readonly Operation[] {
    return this.#shrinker.best.scenario.operations;
  }

  run(): Shrunk {
    this.#shrinker.reduce();
    const executionsBeforeSearch = this.#shrinker.executions;
    let certificate = this.#certified();
    for (;;) {
      const before = this.#shrinker.best;
      if (this.#isLedShorter() || this.#isReplaced() || this.#isRestated()) {
        this.#shrinker.reduce();
        certificate = this.#certified();
        continue;
      }
      if (before !== this.#shrinker.best) certificate = this.#certified();
      if (this.#operations.length === before.scenario.operations.length) break;
    }
    const { best, shrinks, executions, others, stopped } = this.#shrinker;
    return {
      report: best,
      shrinks,
      executions,
      executionsBeforeSearch,
      searched: this.#searched,
      certificate,
      others,
      interrupted: stopped,
    };
  }

  /**
   * What is searched so that all seeds come to the same: all kinds on machines that are always the same, then the
   * scenario's own on the plain ones among them.
   */
  #common(length: number): { readonly scope: Scope; readonly depth: number; readonly most: number }[] {
    const { candidate } = this.#options;
    const most = this.#most;
    const wide = (['full', 'core'] as const).flatMap((alphabet) =>
      COMMON_MACHINES.map((machine) => ({
        scope: wideScope(candidate, machine, alphabet),
        depth: alphabet === 'full' ? Math.min(SHORT, length) : length,
        most: alphabet === 'full' ? most : most * (CORE_SHARES.get(machine) ?? 0.5),
      })),
    );
    const own = OWN_MACHINES.map((machine) => ({
      scope: ownScope(this.#operations, machine),
      depth: length,
      most: 2 * most,
    }));
    // At odd places few operations are enough.
    const odd = COMMON_MACHINES.map((machine) => ({
      scope: { ...kinScope(this.#operations, machine), odd: true },
      depth: Math.min(SHORT, length),
      most,
    }));
    const kin = COMMON_MACHINES.filter((_, i) => i === 0 || i === 3).map((machine) => ({
      scope: kinScope(this.#operations, machine),
      depth: Math.min(KIN_DEPTH, length - 1),
      most: 4 * most,
    }));
    // Of long ones a search finds at most those that are very short.
    if (length > LONGEST_SEARCHED) return wide.slice(0, COMMON_MACHINES.length + 1);
    return [...wide, ...odd, ...own, ...(length > 2 ? kin : [])];
  }

  #search(scope: Scope, depth: number, most = this.#most) {
    const result = searchScope(scope, this.#ground, {
      depth,
      most,
      isSought: this.#isSought,
      onOther: (report) => this.#shrinker.remember(report),
      onTry: (scenarios) => this.#shrinker.tell(this.#searched + scenarios),
      shouldStop: () => this.#shrinker.stopped,
    });
    this.#searched += result.scenarios;
    return result;
  }

  /**
   * Takes a shorter scenario, true, or at the end the first as short in the order of the searches, false: whatever was
   * found at first, the searches lead to the same.
   */
  #isLedShorter(): boolean {
    const { length } = this.#operations;
    if (this.#most === 0 || length === 0 || this.#shrinker.stopped) return false;
    let first: LockstepReport | null = null;
    for (const { scope, depth, most } of this.#common(length)) {
      const { found } = this.#search(scope, first === null ? depth : Math.min(depth, length - 1), most);
      if (found === null) continue;
      if (found.scenario.operations.length < length) {
        this.#shrinker.accept(found);
        return true;
      }
      first ??= found;
    }
    first ??= this.#searchedEnd();
    if (first === null) return false;
    this.#shrinker.accept(first);
    this.#shrinker.reduce();
    return this.#operations.length < length;
  }

  /** The first as short that begins alike on the smallest common machine: of a longer one the end can be searched. */
  #searchedEnd(): LockstepReport | null {
    const { length } = this.#operations;
    if (length <= SEARCHED_END || length > LONGEST_SEARCHED) return null;
    const [smallest] = COMMON_MACHINES;
    const moved = smallest && this.#shrinker.movedTo(smallest);
    if (moved === undefined) return null;
    const begin = moved.operations.slice(0, length - SEARCHED_END);
    const scope = { ...kinScope(moved.operations, moved.machine), begin };
    return this.#search(scope, SEARCHED_END, 4 * this.#most).found;
  }

  /** Takes a scenario in which one operation stands for two, on its own machine or on the smallest common one. */
  #isReplaced(): boolean {
    if (this.#most === 0) return false;
    const { scenario } = this.#shrinker.best;
    const [smallest = scenario.machine] = COMMON_MACHINES;
    const moved = this.#shrinker.movedTo(smallest);
    return [ownScope, kinScope].some(
      (scopeOf) =>
        this.#isReplacedIn(scenario, scopeOf) || (moved !== undefined && this.#isReplacedIn(moved, scopeOf)),
    );
  }

  /** Takes a scenario in which a simpler operation stands for another at any place: so different seeds come nearer. */
  #isRestated(): boolean {
    const { scenario } = this.#shrinker.best;
    const choicesAfter = choicesIn(kinScope(scenario.operations, scenario.machine), this.#ground);
    const least = measure(scenario);
    let left = RESTATEMENTS;
    for (const other of restatements(scenario, choicesAfter)) {
      if (left === 0 || this.#shrinker.stopped) return false;
      if (!isSmaller(measure(other), least)) continue;
      left -= 1;
      const report = this.#shrinker.failsAlike(other);
      if (report === null) continue;
      this.#shrinker.accept(report);
      return true;
    }
    return false;
  }

  #isReplacedIn(scenario: Scenario, scopeOf: typeof ownScope): boolean {
    const choicesAfter = choicesIn(scopeOf(scenario.operations, scenario.machine), this.#ground);
    let left = REPLACEMENTS;
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

  /** The certificate of a scenario that nothing of its scope is shorter than. It comes first: time may be short. */
  #certified(): Certificate {
    for (;;) {
      const certificate = this.#certificate();
      if (certificate !== null) return certificate;
      this.#shrinker.reduce();
    }
  }

  /** The certificate; null where a shorter scenario was found instead, and taken. */
  #certificate(): Certificate | null {
    const { length } = this.#operations;
    const scope = ownScope(this.#operations, this.#shrinker.best.scenario.machine);
    const refused = (scenarios: number, reason: string): Certificate => ({
      minimal: false,
      kinds: scope.kinds,
      scenarios,
      reason,
    });
    if (length === 0) return { minimal: true, kinds: [], scenarios: 0, reason: null };
    if (this.#most === 0) return refused(0, 'no search was asked for');
    if (this.#shrinker.stopped) return refused(0, this.#shrinker.stopReason);
    if (length > LONGEST_SEARCHED) return refused(0, `it has more than ${LONGEST_SEARCHED} operations`);
    const { found, scenarios, reason } = this.#search(scope, length - 1, CERTIFICATE_SHARE * this.#most);
    if (found !== null && found.scenario.operations.length < length) {
      this.#shrinker.accept(found);
      return null;
    }
    return reason === null
      ? { minimal: true, kinds: scope.kinds, scenarios, reason }
      : refused(scenarios, this.#shrinker.stopped ? this.#shrinker.stopReason : reason);
  }
}

/**
 * Shrinks a failure to the smallest scenario found that fails alike, and says what is known of shorter ones.
 *
 * `found` must have failed; `judge` tells of any scenario whether and how it fails.
 */
export const shrinkScenario = (found: LockstepReport, judge: Judge, options: ShrinkScenarioOptions): Shrunk =>
  new Shrinking(found, judge, options).run();

/** What a certificate says, in one line. */
export function certificateLine({ minimal, kinds, scenarios, reason }: Certificate): string {
  if (!minimal) return `not certified minimal: ${reason}`;
  if (kinds.length === 0) return 'minimal: no operation is needed';
  return `minimal within {${kinds.join(', ')}; own and small values; this machine}: ${scenarios} shorter scenario${scenarios === 1 ? '' : 's'}, 0 fail`;
}
