/** Intervals by resampling: what the figures might have been with other faults and other seeds. */
import fc, { Arbitrary, type Random, Stream, Value } from 'fast-check';

/** An estimate with its 95 % interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 4000;
/** Seed of the resampling: the same figures give the same interval. */
const SEED = 1994;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** One resampled mean: groups are drawn with replacement, then values within each. */
class ResampledMean extends Arbitrary<number> {
  readonly #groups: readonly (readonly number[])[];

  constructor(groups: readonly (readonly number[])[]) {
    super();
    this.#groups = groups;
  }

  override generate(mrng: Random): Value<number> {
    const pick = <Item>(items: readonly Item[]): Item => items[mrng.nextInt(0, items.length - 1)] as Item;
    const drawn = this.#groups.map(() => {
      const group = pick(this.#groups);
      return mean(group.map(() => pick(group)));
    });
    return new Value(mean(drawn), undefined);
  }

  override canShrinkWithoutContext(_value: unknown): _value is number {
    return false;
  }

  override shrink(): Stream<Value<number>> {
    return Stream.nil();
  }
}

/**
 * The mean over groups of the means of each group, with the 95 % percentile interval of a bootstrap in two stages. Null
 * where there is nothing to take the mean of.
 */
export function meanWithInterval(groups: readonly (readonly number[])[]): Estimate | null {
  const filled = groups.filter(({ length }) => length > 0);
  if (filled.length === 0) return null;
  const means = fc.sample(new ResampledMean(filled), { seed: SEED, numRuns: RESAMPLES });
  const sorted = means.sort((one, other) => one - other);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { value: mean(filled.map(mean)), low: at(0.025), high: at(0.975) };
}

/** The same of ratios: geometric means. */
export function ratioWithInterval(groups: readonly (readonly number[])[]): Estimate | null {
  const found = meanWithInterval(groups.map((group) => group.map(Math.log)));
  return found && { value: Math.exp(found.value), low: Math.exp(found.low), high: Math.exp(found.high) };
}
