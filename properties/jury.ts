/** The invariants at work on one kernel in one run: which of them apply, when each is asked, and the first that is broken. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import type { Invariant, Watch } from './invariant.ts';
import { KernelThrew } from './kernel-threw.ts';
import type { View } from './view.ts';

/** An invariant that does not hold, with at most a handful of witnesses. */
export interface Violation {
  readonly invariant: Invariant;
  readonly witnesses: readonly string[];
}

interface Juror {
  readonly invariant: Invariant;
  readonly watch: Watch;
}

const MOST_WITNESSES = 8;
/** The one claim about the panic itself; every other says nothing once the machine has stopped (CONV-4). */
const JUDGE_OF_PANICS = 'INV-ACC-PANICTEXT';

/** Invariants in their order, for one kernel. */
export class Jury {
  readonly #jurors: readonly Juror[];
  readonly #observers: readonly Juror[];

  constructor(invariants: readonly Invariant[], declares: KernelDeclaration) {
    const shown = new Set(declares.shows);
    const applies = ({ shows }: Invariant) =>
      shown.has('structure') || shows.every((show) => shown.has(show));
    this.#jurors = invariants.filter(applies).map((invariant) => ({ invariant, watch: invariant.watch() }));
    this.#observers = this.#jurors.filter(({ watch }) => watch.observe !== undefined);
  }

  /** Tells every invariant with a memory of a step. */
  observe(view: View): void {
    for (const juror of this.#observers) {
      try {
        juror.watch.observe?.(view);
      } catch (error) {
        throw blameInvariant(juror, error);
      }
    }
  }

  /** The first invariant that this state breaks; `full` asks also those that scan everything. */
  firstViolation(view: View, full: boolean): Violation | null {
    for (const juror of this.#jurors) {
      if (!isAsked(juror.invariant, view, full)) continue;
      try {
        const witnesses = witnessesOf(juror.watch, view);
        if (witnesses !== null) return { invariant: juror.invariant, witnesses };
      } catch (error) {
        throw blameInvariant(juror, error);
      }
    }
    return null;
  }
}

/** Whether a claim is to be judged after this step (INVARIANTS.md: scope, cost, †). */
function isAsked(invariant: Invariant, view: View, full: boolean): boolean {
  const outcome = view.step?.outcome.kind;
  if (outcome === 'panic') return invariant.id === JUDGE_OF_PANICS;
  if (invariant.cost === 'F' && !full) return false;
  if (invariant.exemptWhenAliased && view.aliased) return false;
  if (invariant.scope === 'Q') return view.inFlight.size === 0;
  if (invariant.scope === 'R') return outcome !== undefined && outcome !== 'sleep' && outcome !== 'rejected';
  return true;
}

function witnessesOf(watch: Watch, view: View): string[] | null {
  let witnesses: string[] | null = null;
  for (const witness of watch.violations(view)) {
    witnesses ??= [];
    witnesses.push(witness);
    if (witnesses.length === MOST_WITNESSES) break;
  }
  return witnesses;
}

/** An exception inside an invariant is a bug of that invariant, unless a kernel threw while it was asked. */
function blameInvariant({ invariant }: Juror, error: unknown): Error {
  if (error instanceof KernelThrew) return error;
  return new Error(`${invariant.id} could not be evaluated`, { cause: error });
}
