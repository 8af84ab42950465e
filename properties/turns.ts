/** Scenarios of one seed dealt out among several searches: each sees the indices of all and makes only its own. */
import { Arbitrary, type Random, type Stream, Value } from 'fast-check';

/** Whether the scenario of an index is this search's own, another's, or past the end. */
export type Turn = 'run' | 'skip' | 'end';

/**
 * The arbitrary without the values of others: those are null, cost next to nothing, and leave the random numbers of
 * all further values as they were. fast-check derives the numbers of run n from the seed and n alone.
 */
export class OwnTurns<Item> extends Arbitrary<Item | null> {
  readonly #items: Arbitrary<Item>;
  readonly #turn: (index: number) => Turn;
  #next = 0;
  #ended = false;

  /** `turn` is asked once for each index, in rising order from 0, up to the first `end`. */
  constructor(items: Arbitrary<Item>, turn: (index: number) => Turn) {
    super();
    this.#items = items;
    this.#turn = turn;
  }

  /** Index of the value generated last. */
  get index(): number {
    return this.#next - 1;
  }

  /** Whether `turn` has said `end`. */
  get ended(): boolean {
    return this.#ended;
  }

  override generate(mrng: Random, biasFactor: number | undefined): Value<Item | null> {
    const turn = this.#ended ? 'end' : this.#turn(this.#next);
    this.#next += 1;
    if (turn === 'run') return this.#items.generate(mrng, biasFactor);
    this.#ended = turn === 'end';
    return new Value(null, undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is Item {
    return this.#items.canShrinkWithoutContext(value);
  }

  override shrink(value: Item | null, context: unknown): Stream<Value<Item | null>> {
    return value === null
      ? this.#items.shrink(value as never, context).take(0)
      : this.#items.shrink(value, context);
  }
}
