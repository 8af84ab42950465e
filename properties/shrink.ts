/** Shrinks a failure and searches for what is shorter still: the whole of what happens to a failing scenario. */

import type { KernelModule } from '../contract/kernel-memory.ts';
import type { Operation } from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';
import {
  type ExpansionMemory,
  ownScope,
  type Scope,
  type SearchGround,
  searchScope,
  wideScope,
} from './certificate.ts';
import { tinyMachine } from './explore-machine.ts';
import type { Invariant } from './invariant.ts';
import { plainMachines } from './scenarios-slice.ts';
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
  /** Most scenarios that one search tries; 0: no search. Absent: 3000. */
  readonly searchMost?: number;
  /** Expansions that are known from other shrinkings of the same kernels. */
  readonly memory?: ExpansionMemory;
}

const DEFAULT_SEARCH_MOST = 3000;
/** Scenarios longer than this are not searched below: there are too many. */
const LONGEST_SEARCHED = 6;

/** The machine that the exhaustive search is on by default. */
const WITH_WINDOW = tinyMachine({ frames: 4, entries: 6, maps: 2, largest: 3, scratch: true });

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
    this.#shrinker = new Shrinker(found, judge, options);
    this.#options = options;
    this.#ground = { reference, candidate, invariants, memory };
    this.#isSought = likenessTo(found, options.alike ?? 'signature');
    this.#most = searchMost;
  }

  get #operations(): readonly Operation[] {
    return this.#shrinker.best.scenario.operations;
  }

  /** The plain machine with room enough, which all failures that show on it are led to. */
  get #plain(): Scenario['machine'] {
    const { machine } = this.#shrinker.best.scenario;
    return plainMachines(machine).at(-1) ?? machine;
  }

  run(): Shrunk {
    this.#shrinker.reduce();
    const executionsBeforeSearch = this.#shrinker.executions;
    for (const scope of this.#wide())
      while (this.#shorter(scope, this.#operations.length - 1)) this.#shrinker.reduce();
    this.#canonical();
    let certificate = this.#certificate();
    while (certificate === null) {
      this.#shrinker.reduce();
      certificate = this.#certificate();
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

  /** All kinds on the plain machine, and on one whose boot entry is there to be worked on. */
  #wide(): Scope[] {
    return [this.#plain, WITH_WINDOW].map((machine) => wideScope(this.#options.candidate, machine, 'core'));
  }

  #search(scope: Scope, depth: number, most = this.#most) {
    const result = searchScope(scope, this.#ground, {
      depth,
      most,
      isSought: this.#isSought,
      onOther: (report) => this.#shrinker.remember(report),
      shouldStop: () => this.#shrinker.stopped,
    });
    this.#searched += result.scenarios;
    return result;
  }

  /** Takes a shorter scenario of a scope; false where none is found. */
  #shorter(scope: Scope, depth: number): boolean {
    if (depth < 0 || this.#most === 0) return false;
    const { found } = this.#search(scope, depth);
    if (found === null || found.scenario.operations.length >= this.#operations.length) return false;
    this.#shrinker.accept(found);
    return true;
  }

  /** Among scenarios as short, the first in the order of the search, so that all seeds come to the same. */
  #canonical(): void {
    const { length } = this.#operations;
    if (this.#most === 0 || length === 0 || length > LONGEST_SEARCHED) return;
    for (const scope of [...this.#wide(), ownScope(this.#operations, this.#plain)]) {
      const { found } = this.#search(scope, length);
      if (found === null || found.scenario.operations.length > length) continue;
      this.#shrinker.accept(found);
      this.#shrinker.reduce();
      return;
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
    if (this.#shrinker.stopped) return refused(0, 'the time was up');
    if (length > LONGEST_SEARCHED) return refused(0, `it has more than ${LONGEST_SEARCHED} operations`);
    const { found, scenarios, reason } = this.#search(scope, length - 1);
    if (found !== null && found.scenario.operations.length < length) {
      this.#shrinker.accept(found);
      return null;
    }
    return reason === null
      ? { minimal: true, kinds: scope.kinds, scenarios, reason }
      : refused(scenarios, reason);
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
  return `minimal within {${kinds.join(', ')}; small values; this machine}: ${scenarios} shorter scenario${scenarios === 1 ? '' : 's'}, 0 fail`;
}
