/** What several invariants of one jury remember in common, kept once. */
import type { View } from './view.ts';

/** Something that is told of steps. */
export interface Memory {
  observe(view: View): void;
}

/** The memories of one jury: one of each class. */
export class Memories {
  readonly #known = new Map<new () => Memory, Told<Memory>>();

  /** The memory of that class, which all who ask for it share. */
  of<Kind extends Memory>(kind: new () => Kind): Told<Kind> {
    const told = this.#known.get(kind) ?? new Told<Memory>(new kind());
    this.#known.set(kind, told);
    // The table holds under each class its own instance.
    return told as Told<Kind>;
  }
}

/** A memory that is told of each step once, however many pass it on. */
export class Told<Kind extends Memory> {
  readonly memory: Kind;
  #view: View | null = null;
  #number = -1;

  constructor(memory: Kind) {
    this.memory = memory;
  }

  /** Passes the step on, unless somebody else has done so. */
  observe(view: View): void {
    if (view === this.#view && view.number === this.#number) return;
    this.#view = view;
    this.#number = view.number;
    this.memory.observe(view);
  }
}
