/** What an invariant is: a claim with a source, judged by the witnesses it yields. */
import type { Show } from '../contract/kernel-memory.ts';
import type { OperationKind } from '../contract/operation.ts';
import type { CellClass } from './cells.ts';
import type { Memories } from './memories.ts';
import type { View } from './view.ts';

/**
 * When a claim must hold (INVARIANTS.md): `A` after every step and at every sleep, `R` when an operation returns,
 * `Q` when no operation is in flight, `A*` as A except for the resources of operations in flight.
 */
export type Scope = 'A' | 'R' | 'Q' | 'A*';

/** `1` constant time, `t` in what was touched, `F` a full scan. */
export type Cost = '1' | 't' | 'F';

/** One claim under its ID of INVARIANTS.md. */
export interface Invariant {
  readonly id: string;
  /** The claim as an English sentence that could be false. */
  readonly claim: string;
  /** Rule IDs, BSD functions or papers that make it a claim. */
  readonly source: string;
  readonly scope: Scope;
  readonly cost: Cost;
  /** † in INVARIANTS.md. */
  readonly exemptWhenAliased: boolean;
  /** Parts of the state it looks at; it is skipped for a kernel that does not show them. */
  readonly shows: readonly Show[];
  /**
   * What it follows: changes of cells of the classes `looksAt`, and steps that answer operations of the kinds `judges`.
   * No other step can break it or change what it remembers; it is neither told of one nor asked after it, but where
   * it is of cost F and everything is looked at. With neither list it follows every step.
   */
  readonly looksAt?: readonly CellClass[];
  readonly judges?: readonly OperationKind[];
  /**
   * True if it reads what kernels that agree need not share: audit, raw page tables, pv lists. Any other says
   * the same of both kernels as long as they agree.
   */
  readonly looksInside?: true;
  /** A fresh watch for one kernel in one run; `memories` are those of that kernel's jury. */
  readonly watch: (memories?: Memories) => Watch;
}

/** An invariant at work on one kernel. Its functions are called without `this`. */
export interface Watch {
  /** Told of boot and of every step that the invariant follows, also when `violations` is not asked; for claims that need memory. */
  readonly observe?: (this: void, view: View) => void;
  /** False where the step cannot have broken the claim. Claims that share the function share its answer. */
  readonly mayBreak?: (this: void, view: View) => boolean;
  /**
   * Witnesses against the claim in this state, each a phrase with names and numbers; none: it holds. Called after
   * `observe`, or not at all, or twice: what the watch remembers must not depend on it.
   */
  readonly violations: (this: void, view: View) => Iterable<string>;
}

/** Builds the watch of a claim that needs no memory: one serves all kernels and runs. */
export const stateless = (violations: (view: View) => Iterable<string>): (() => Watch) => {
  const watch = { violations };
  return () => watch;
};

/**
 * Builds the watch of a claim without memory that most steps cannot break: `mayBreak` tells the few that can,
 * and is asked after every one of millions of steps.
 */
export const statelessWhere = (
  mayBreak: (view: View) => boolean,
  violations: (view: View) => Iterable<string>,
): (() => Watch) => {
  const watch = { mayBreak, violations: (view: View) => (mayBreak(view) ? violations(view) : NOTHING) };
  return () => watch;
};

const NOTHING: readonly string[] = [];
