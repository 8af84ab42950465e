/** The invariants at work on one kernel in one run: which of them apply, when each is asked, and the first that is broken. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import type { OperationKind } from '../contract/operation.ts';
import { type CellClasses, cellClasses, EVERY_CELL } from './cells.ts';
import type { Invariant, Watch } from './invariant.ts';
import { KernelThrew } from './kernel-threw.ts';
import type { View } from './view.ts';

/** An invariant that does not hold, with at most a handful of witnesses. */
export interface Violation {
  readonly invariant: Invariant;
  readonly witnesses: readonly string[];
}

/**
 * Which invariants to ask: those of constant cost and cost t that the step can have broken; all, whatever the step did;
 * or of all only those that look inside the kernel.
 */
export type Extent = 'touched' | 'everything' | 'inside';

interface Juror {
  readonly invariant: Invariant;
  readonly watch: Watch;
  /** `looksAt` and `judges` of the invariant; THE_STEP where it names neither. */
  readonly looksAt: CellClasses;
  readonly judges: readonly OperationKind[];
}

const MOST_WITNESSES = 8;
const NO_KINDS: readonly OperationKind[] = [];
/** Stands for the step itself among the classes of what changed: invariants that name nothing look at it. */
const THE_STEP: CellClasses = EVERY_CELL + 1;
/** The one claim about the panic itself; every other says nothing once the machine has stopped (CONV-4). */
const JUDGE_OF_PANICS = 'INV-ACC-PANICTEXT';

/** Invariants in their order, for one kernel. */
export class Jury {
  readonly #asked: { readonly [Each in Extent]: readonly Juror[] };
  readonly #observers: readonly Juror[];
  /** Classes of cells that the last step changed. */
  #touched: CellClasses = THE_STEP;
  /** Classes of cells that changed since an operation returned: claims of scope R have waited for the next return. */
  #waiting: CellClasses = THE_STEP;
  #hasReturned = false;

  /** `sparing`: invariants are told of, and asked after, only the steps that they follow. */
  constructor(invariants: readonly Invariant[], { shows }: KernelDeclaration, sparing: boolean) {
    const everything = invariants
      .filter(
        (invariant) => shows.includes('structure') || invariant.shows.every((show) => shows.includes(show)),
      )
      .map((invariant) => jurorOf(invariant, sparing));
    this.#asked = {
      everything,
      touched: everything.filter(({ invariant }) => invariant.cost !== 'F'),
      inside: everything.filter(({ invariant }) => invariant.looksInside === true),
    };
    this.#observers = everything.filter(({ watch }) => watch.observe !== undefined);
  }

  /** Tells the jury, and every invariant with a memory, of a step that changed cells of some classes. */
  observe(view: View, touched: CellClasses): void {
    this.#touched = touched | THE_STEP;
    this.#waiting = this.#hasReturned ? this.#touched : this.#waiting | this.#touched;
    this.#hasReturned = returns(view);
    for (const juror of this.#observers) {
      if (!follows(juror, view, this.#touched)) continue;
      try {
        juror.watch.observe?.(view);
      } catch (error) {
        throw blameInvariant(juror, error);
      }
    }
  }

  /** The first invariant that this state breaks, of those asked. */
  firstViolation(view: View, extent: Extent): Violation | null {
    const panicked = view.step?.outcome.kind === 'panic';
    for (const juror of this.#asked[extent]) {
      const changed = juror.invariant.scope === 'R' ? this.#waiting : this.#touched;
      if (
        panicked ? juror.invariant.id !== JUDGE_OF_PANICS : !isAsked(juror.invariant, view, this.#hasReturned)
      )
        continue;
      if (extent === 'touched' && !panicked && !follows(juror, view, changed)) continue;
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

/** True when a step that changed cells of those classes concerns the invariant; boot concerns all. */
const follows = ({ looksAt, judges }: Juror, { subject }: View, changed: CellClasses): boolean =>
  (looksAt & changed) !== 0 || subject === null || judges.includes(subject.kind);

function jurorOf(invariant: Invariant, sparing: boolean): Juror {
  const { looksAt, judges } = invariant;
  const watch = invariant.watch();
  if (!sparing || (looksAt === undefined && judges === undefined))
    return { invariant, watch, looksAt: THE_STEP, judges: NO_KINDS };
  return { invariant, watch, looksAt: cellClasses(looksAt ?? []), judges: judges ?? NO_KINDS };
}

/** True when the step answers its subject for good. */
function returns({ step }: View): boolean {
  const outcome = step?.outcome.kind;
  return outcome !== undefined && outcome !== 'sleep' && outcome !== 'rejected';
}

/** Whether a claim is to be judged after this step (INVARIANTS.md: scope, †). */
function isAsked(invariant: Invariant, view: View, hasReturned: boolean): boolean {
  if (invariant.exemptWhenAliased && view.aliased) return false;
  if (invariant.scope === 'Q') return view.inFlight.size === 0;
  return invariant.scope !== 'R' || hasReturned;
}

function witnessesOf(watch: Watch, view: View): string[] | null {
  const found = watch.violations(view);
  if (Array.isArray(found) && found.length === 0) return null;
  let witnesses: string[] | null = null;
  for (const witness of found) {
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
