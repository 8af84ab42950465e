/** One sort of command of the expert: its share, what is generated for it, and what that means on the state at hand. */
import fc, { type Arbitrary } from 'fast-check';
import type { Operation } from '../../contract/operation.ts';
import type { Ground } from '../../properties/generate-ground.ts';
import type { LiveRun } from './live-run.ts';
import type { LiveCommand } from './naive.ts';

/** Says which operation is meant on the state at hand; undefined where there is none. */
type Binding<Picks> = (ground: Ground, picks: Picks) => Operation | undefined;

/** A sort of command: an arbitrary with its weight among the others. */
export interface Entry {
  readonly weight: number;
  readonly arbitrary: Arbitrary<LiveCommand>;
}

class LateCommand<Picks> implements LiveCommand {
  readonly #bind: Binding<Picks>;
  readonly #picks: Picks;
  /** What `check` found, for the `run` that follows it. */
  #bound: Operation | undefined;

  constructor(bind: Binding<Picks>, picks: Picks) {
    this.#bind = bind;
    this.#picks = picks;
  }

  check(live: Readonly<LiveRun>): boolean {
    if (live.ended) return false;
    this.#bound = this.#bind(live.ground, this.#picks);
    return this.#bound !== undefined && live.permits(this.#bound);
  }

  run(live: LiveRun): void {
    if (this.#bound !== undefined) live.apply(this.#bound);
  }

  /** What was bound belongs to one run: fast-check clones commands between runs. */
  [fc.cloneMethod](): LateCommand<Picks> {
    return new LateCommand(this.#bind, this.#picks);
  }

  toString(): string {
    return this.#bound === undefined ? JSON.stringify(this.#picks) : JSON.stringify(this.#bound);
  }
}

/** A sort of command whose arguments are found out when it is about to run. */
export const entry = <Picks>(weight: number, picks: Arbitrary<Picks>, bind: Binding<Picks>): Entry => ({
  weight,
  arbitrary: picks.map((picked): LiveCommand => new LateCommand(bind, picked)),
});

/** All sorts of commands in one arbitrary, by weight: `fc.commands` by itself draws its arbitraries uniformly. */
export const weighted = (entries: readonly Entry[]): Arbitrary<LiveCommand> =>
  fc.oneof(...entries.map(({ weight, arbitrary }) => ({ weight, arbitrary })));
