/** Ratios of two kernels, with how far they spread. */

/** Working over base: 2 is twice as much. */
export interface Ratio {
  readonly median: number;
  /** Lower and upper quartile. */
  readonly low: number;
  readonly high: number;
}

/** What is called slower: half as much again, and beyond what chance does to the middle half of the rounds. */
const SLOWER = 1.5;
const BEYOND_DOUBT = 1.25;

const quantile = (sorted: readonly number[], share: number): number => {
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return below + (above - below) * (at - Math.floor(at));
};

/** Median and quartiles of the ratios of some rounds. */
export function ratioOf(ratios: readonly number[]): Ratio {
  const sorted = [...ratios].sort((one, other) => one - other);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/** Whether the working kernel takes more, beyond doubt. */
export const isSlower = ({ median, low }: Ratio): boolean => median >= SLOWER && low >= BEYOND_DOUBT;

/** `2.1 (1.9 to 2.3)`. */
export const ratioWord = ({ median, low, high }: Ratio): string =>
  `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
