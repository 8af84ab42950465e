/** Which invariants follow which steps, worked out once for all runs with the same invariants. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { OPERATION_KINDS, type Operation, type OperationKind } from '../contract/operation.ts';
import { CELL_CLASSES, type CellClasses, cellClasses } from './cells.ts';
import type { Invariant, Scope } from './invariant.ts';
import type { View } from './view.ts';

/** An invariant at its place in the order, with what every step asks of it: all seats are objects of one shape. */
export interface Seat {
  readonly index: number;
  readonly invariant: Invariant;
  readonly scope: Scope;
  readonly exemptWhenAliased: boolean;
  /** `looksAt` and `judges` of the invariant; null where it follows every step. */
  readonly follows: { readonly looksAt: CellClasses; readonly judges: readonly OperationKind[] } | null;
  /** Number of its `mayBreak` among those of the panel; null where it has none. */
  readonly gate: number | null;
}

/** What bears upon whether a claim is due after a step, beside what the step did: the sum of the bits that apply. */
export type Circumstances = number;
/** The step answered its subject for good. */
export const RETURNED = 1;
/** No operation is in flight. */
export const QUIET = 2;
/** Two mappings share memory (INVARIANTS.md: †). */
export const ALIASED = 4;
/** Everything is looked at. */
export const SCANNED = 8;
const SORTS_OF_CIRCUMSTANCES = 16;

/** The one claim about the panic itself; every other says nothing once the machine has stopped (CONV-4). */
const JUDGE_OF_PANICS = 'INV-ACC-PANICTEXT';

/** Whether a claim is due (INVARIANTS.md: scope, †). */
function isAsked({ scope, exemptWhenAliased }: Seat, circumstances: Circumstances): boolean {
  if (exemptWhenAliased && circumstances & ALIASED) return false;
  if (scope === 'Q') return (circumstances & QUIET) !== 0;
  return scope !== 'R' || (circumstances & RETURNED) !== 0;
}

/** Tells whether a step can have broken a claim. */
export type Gate = (view: View) => boolean;

/** Bits that a set of cell classes takes. */
const CLASS_BITS = CELL_CLASSES.length;
const KIND_NUMBER: ReadonlyMap<string, number> = new Map(OPERATION_KINDS.map((kind, i) => [kind, i + 1]));

/** The invariants that apply to one sort of kernel, in their order. */
export class Panel {
  readonly seats: readonly Seat[];
  /** Those that are asked of a panic. */
  readonly judgesOfPanics: readonly Seat[];
  /** Each `mayBreak` of the invariants once. */
  readonly gates: readonly Gate[];
  readonly #remembering: readonly Seat[];
  /** Steps are many, sorts of steps are few: the seats of a sort are looked for once. */
  readonly #told = new Map<number, readonly Seat[]>();
  readonly #asked: readonly Map<number, readonly Seat[]>[];

  constructor(seats: readonly Seat[], gates: readonly Gate[]) {
    this.seats = seats;
    this.gates = gates;
    this.#remembering = seats.filter(({ invariant }) => invariant.watch().observe !== undefined);
    this.judgesOfPanics = seats.filter(({ invariant }) => invariant.id === JUDGE_OF_PANICS);
    this.#asked = Array.from({ length: SORTS_OF_CIRCUMSTANCES }, () => new Map());
  }

  /** Those with a memory that must hear of a step that answered `subject` and changed cells of some classes. */
  toTell(subject: Operation | null, touched: CellClasses): readonly Seat[] {
    const sort = sortOf(subject, touched);
    let seats = this.#told.get(sort);
    if (seats === undefined) {
      seats = this.#remembering.filter((seat) => concerns(seat, subject, touched));
      this.#told.set(sort, seats);
    }
    return seats;
  }

  /**
   * Those that such a step can have broken; where everything is looked at, also all of cost F, whatever the step did.
   * `waiting`: the classes of cells that changed since the last return, for claims of scope R; counts only if the step
   * returned.
   */
  toAsk(
    subject: Operation | null,
    touched: CellClasses,
    waiting: CellClasses,
    circumstances: Circumstances,
  ): readonly Seat[] {
    const since = circumstances & RETURNED ? waiting : touched;
    const table = this.#asked[circumstances];
    const sort = (sortOf(subject, touched) << CLASS_BITS) | since;
    let seats = table?.get(sort);
    if (seats === undefined) {
      const scanned = (circumstances & SCANNED) !== 0;
      seats = this.seats.filter(
        (seat) =>
          isAsked(seat, circumstances) &&
          (seat.invariant.cost === 'F'
            ? scanned
            : concerns(seat, subject, seat.scope === 'R' ? since : touched)),
      );
      table?.set(sort, seats);
    }
    return seats;
  }
}

/** One number for each kind of subject and set of classes; kinds beyond those known share the last. */
const sortOf = (subject: Operation | null, touched: CellClasses): number =>
  ((subject === null ? 0 : (KIND_NUMBER.get(subject.kind) ?? KIND_NUMBER.size + 1)) << CLASS_BITS) | touched;

/** True when a step that changed cells of those classes concerns the invariant; boot concerns all. */
const concerns = ({ follows }: Seat, subject: Operation | null, changed: CellClasses): boolean =>
  follows === null ||
  subject === null ||
  (follows.looksAt & changed) !== 0 ||
  follows.judges.includes(subject.kind);

const known = new WeakMap<readonly Invariant[], Map<string, Panel>>();

/** The panel of some invariants for a kernel that shows what it declares. */
export function panelOf(
  invariants: readonly Invariant[],
  { shows }: KernelDeclaration,
  sparing: boolean,
): Panel {
  const panels = known.get(invariants) ?? new Map<string, Panel>();
  known.set(invariants, panels);
  const sort = `${sparing} ${shows.join(' ')}`;
  const panel = panels.get(sort) ?? newPanel(invariants, shows, sparing);
  panels.set(sort, panel);
  return panel;
}

function newPanel(
  invariants: readonly Invariant[],
  shows: KernelDeclaration['shows'],
  sparing: boolean,
): Panel {
  const applicable = invariants.filter(
    (invariant) => shows.includes('structure') || invariant.shows.every((show) => shows.includes(show)),
  );
  const gates: Gate[] = [];
  const gateOf = (invariant: Invariant): number | null => {
    const { mayBreak } = invariant.watch();
    if (mayBreak === undefined) return null;
    if (!gates.includes(mayBreak)) gates.push(mayBreak);
    return gates.indexOf(mayBreak);
  };
  const seats = applicable.map((invariant, index) => {
    const { looksAt, judges } = invariant;
    const everyStep = !sparing || (looksAt === undefined && judges === undefined);
    const follows = everyStep ? null : { looksAt: cellClasses(looksAt ?? []), judges: judges ?? [] };
    const { scope, exemptWhenAliased } = invariant;
    const gate = sparing ? gateOf(invariant) : null;
    return { index, invariant, scope, exemptWhenAliased, follows, gate };
  });
  return new Panel(seats, gates);
}
