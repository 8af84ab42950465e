/** The invariants at work on one kernel in one run: which of them apply, when each is asked, and the first that is broken. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import type { CellClasses } from './cells.ts';
import type { Invariant, Watch } from './invariant.ts';
import { KernelThrew } from './kernel-threw.ts';
import { Memories } from './memories.ts';
import { ALIASED, type Panel, panelOf, QUIET, RETURNED, SCANNED, type Seat } from './panel.ts';
import type { View } from './view.ts';

/** An invariant that does not hold, with at most a handful of witnesses. */
export interface Violation {
  readonly invariant: Invariant;
  readonly witnesses: readonly string[];
}

/** Which invariants to ask: of those of constant cost and cost t always the ones that the step can have broken; of those of cost F none, or all. */
export type Extent = 'touched' | 'everything';

const MOST_WITNESSES = 8;

/** Invariants in their order, for one kernel. */
export class Jury {
  readonly #panel: Panel;
  /** The two sides of the watch at each seat, as functions: objects of many shapes are slow to ask millions of times. */
  readonly #violations: readonly Watch['violations'][];
  readonly #observe: readonly Watch['observe'][];
  /** Classes of cells that the last step changed. */
  #touched: CellClasses = 0;
  /** Classes of cells that changed since an operation returned: claims of scope R have waited for the next return. */
  #waiting: CellClasses = 0;
  #hasReturned = false;
  /** What each gate of the panel says of the last step; undefined: not asked yet. */
  readonly #opened: (boolean | undefined)[];

  /** `sparing`: invariants are told of, and asked after, only the steps that they follow. */
  constructor(invariants: readonly Invariant[], declares: KernelDeclaration, sparing: boolean) {
    this.#panel = panelOf(invariants, declares, sparing);
    const memories = new Memories();
    const watches = this.#panel.seats.map(({ invariant }) => invariant.watch(memories));
    this.#violations = watches.map(({ violations }) => violations);
    this.#observe = watches.map(({ observe }) => observe);
    this.#opened = this.#panel.gates.map(() => undefined);
  }

  /** Tells the jury, and every invariant with a memory, of a step that changed cells of some classes. */
  observe(view: View, touched: CellClasses): void {
    this.#touched = touched;
    this.#waiting = this.#hasReturned ? touched : this.#waiting | touched;
    this.#hasReturned = returns(view);
    this.#opened.fill(undefined);
    for (const seat of this.#panel.toTell(view.subject, touched)) {
      try {
        this.#observe[seat.index]?.(view);
      } catch (error) {
        throw blameInvariant(seat, error);
      }
    }
  }

  /** The first invariant that this state breaks, of those asked. */
  firstViolation(view: View, extent: Extent): Violation | null {
    const seats = this.#toAsk(view, extent);
    let at = 0;
    try {
      // One handler for all seats, and nothing built for a claim that holds: this is asked millions of times.
      for (; at < seats.length; at++) {
        const seat = seats[at] as Seat;
        if (seat.gate !== null && !this.#isOpen(seat.gate, view)) continue;
        const found = this.#violations[seat.index]?.(view) ?? NOTHING;
        if (found === NOTHING || (Array.isArray(found) && found.length === 0)) continue;
        const witnesses = witnessesOf(found);
        if (witnesses !== null) return { invariant: seat.invariant, witnesses };
      }
    } catch (error) {
      throw blameInvariant(seats[at] as Seat, error);
    }
    return null;
  }

  #toAsk(view: View, extent: Extent): readonly Seat[] {
    if (view.step?.outcome.kind === 'panic') return this.#panel.judgesOfPanics;
    const circumstances =
      (this.#hasReturned ? RETURNED : 0) |
      (view.inFlight.size === 0 ? QUIET : 0) |
      (view.aliased ? ALIASED : 0) |
      (extent === 'everything' ? SCANNED : 0);
    return this.#panel.toAsk(view.subject, this.#touched, this.#waiting, circumstances);
  }

  #isOpen(gate: number, view: View): boolean {
    this.#opened[gate] ??= this.#panel.gates[gate]?.(view) ?? true;
    return this.#opened[gate];
  }
}

/** True when the step answers its subject for good. */
function returns({ step }: View): boolean {
  const outcome = step?.outcome.kind;
  return outcome !== undefined && outcome !== 'sleep' && outcome !== 'rejected';
}

const NOTHING: readonly string[] = [];

function witnessesOf(found: Iterable<string>): string[] | null {
  let witnesses: string[] | null = null;
  for (const witness of found) {
    witnesses ??= [];
    witnesses.push(witness);
    if (witnesses.length === MOST_WITNESSES) break;
  }
  return witnesses;
}

/** An exception inside an invariant is a bug of that invariant, unless a kernel threw while it was asked. */
function blameInvariant({ invariant }: Seat, error: unknown): Error {
  if (error instanceof KernelThrew) return error;
  return new Error(`${invariant.id} could not be evaluated`, { cause: error });
}
