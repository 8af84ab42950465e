/** Cheap random choices for the generators: everything comes from fast-check's stream, so a seed decides it all. */
import type { Random } from 'fast-check';

/** Items with their relative weights; weight 0 is never drawn. */
export type Weighted<Item> = readonly (readonly [weight: number, item: Item])[];

/** Choices drawn from one stream of random numbers. */
export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A whole number from 0 to `bound` − 1; `bound` must be at least 1. */
  below(bound: number): number {
    return bound <= 1 ? 0 : this.#random.nextInt(0, bound - 1);
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return most <= least ? least : this.#random.nextInt(least, most);
  }

  /** True in `chance` of a hundred cases; fractions of a percent count. */
  percent(chance: number): boolean {
    return this.#random.nextInt(0, 9999) < chance * 100;
  }

  /** One of several fixed items, each as likely as the others. */
  pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0];
  }

  /** One of a list that may be empty. */
  one<Item>(items: readonly Item[]): Item | undefined {
    return items.length === 0 ? undefined : items[this.below(items.length)];
  }

  /** One of a list that may be empty, the last few more often: what is new is what interacts. */
  recent<Item>(items: readonly Item[]): Item | undefined {
    const { length } = items;
    if (length > 4 && this.below(2) === 0) return items[length - 1 - this.below(4)];
    return this.one(items);
  }

  /** One item by weight; undefined when all weights are 0. */
  weighted<Item>(table: Weighted<Item>): Item | undefined {
    let total = 0;
    for (const [weight] of table) total += weight;
    if (total <= 0) return undefined;
    let left = this.#random.nextInt(0, total - 1);
    for (const [weight, item] of table) {
      left -= weight;
      if (left < 0) return item;
    }
    return undefined;
  }
}
