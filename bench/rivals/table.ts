/** The measurement as tables: rows of text, which a terminal and a document lay out each in its way. */
import { ARMS, RIVALS } from './arms.ts';
import type { Estimate } from './bootstrap.ts';
import { type ArmFigures, type FaultFigures, HARD, type RivalsSummary } from './summary.ts';

/** A heading and whether its column holds numbers. */
export interface Heading {
  readonly heading: string;
  readonly align: 'left' | 'right';
}

/** Headings and rows. */
export interface Grid {
  readonly headings: readonly Heading[];
  readonly rows: readonly (readonly string[])[];
}

const words = (heading: string): Heading => ({ heading, align: 'left' });
const numbers = (...headings: readonly string[]): Heading[] =>
  headings.map((heading) => ({ heading, align: 'right' }));

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;
const ratio = (value: number): string => (value >= 100 ? whole(value) : value.toPrecision(3));

/** An estimate with its interval. */
export const interval = (estimate: Estimate | null): string =>
  estimate === null ? '–' : `${ratio(estimate.value)} (${ratio(estimate.low)} … ${ratio(estimate.high)})`;

/** Operations; nothing was found within the budget where they reach it. */
const operations = (value: number | undefined, budget: number): string =>
  value === undefined ? '–' : value >= budget ? `> ${whole(budget)}` : whole(value);

/** How soon each arm finds faults. */
export const findingGrid = ({ arms, budget }: RivalsSummary): Grid => ({
  headings: [
    words('arm'),
    ...numbers(
      'trials',
      'found',
      'faults always',
      'ever',
      'of',
      'operations p50',
      'over ours',
      'seconds p50 (noisy)',
    ),
  ],
  rows: arms.map((figures: ArmFigures) => [
    figures.arm,
    whole(figures.trials),
    percent(figures.found),
    whole(figures.always),
    whole(figures.ever),
    whole(figures.faults),
    operations(figures.operations, budget),
    figures.arm === RIVALS.ours ? '1' : interval(figures.againstOurs),
    figures.seconds[0].toFixed(2),
  ]),
});

/** How short and how alike the results of each arm are, and what they take. */
export const shrinkingGrid = ({ arms }: RivalsSummary): Grid => ({
  headings: [
    words('arm'),
    ...numbers(
      'length',
      'over shortest',
      'differing',
      'in kinds',
      'runs p50',
      'operations p50',
      'seconds p50 (noisy)',
    ),
  ],
  rows: arms.flatMap(({ arm, shrunk, seconds }) =>
    shrunk === null
      ? []
      : [
          [
            arm,
            shrunk.length.toFixed(2),
            shrunk.ratio.toFixed(2),
            shrunk.differing === null ? '–' : percent(shrunk.differing),
            shrunk.differingKinds === null ? '–' : percent(shrunk.differingKinds),
            whole(shrunk.runs),
            whole(shrunk.operations),
            seconds[1].toFixed(2),
          ],
        ],
  ),
});

/** Medians of the arms on each fault; only arms that take part in the whole. */
export function faultGrid({ arms, budget }: RivalsSummary, faults: readonly FaultFigures[]): Grid {
  const shown = arms.map(({ arm }) => arm);
  return {
    headings: [words('fault'), ...numbers(...shown, 'expert over ours')],
    rows: faults.map((fault) => [
      fault.fault,
      ...shown.map((arm) => operations(fault.operations[arm], budget)),
      fault.ratio === null ? '–' : ratio(fault.ratio),
    ]),
  };
}

/** What each arm is. */
export const claims = (summary: RivalsSummary): (readonly [arm: string, claim: string])[] =>
  summary.arms.map(({ arm }) => [arm, ARMS.find(({ name }) => name === arm)?.claim ?? '']);

const standing = ({ low, high }: Estimate): string =>
  low > 1 ? 'ours is better' : high >= 1 ? 'ours is not worse' : 'ours is worse';

/** The verdict of ours against the expert, in sentences. */
export function verdict({ overall, hard, hardForOurs, losses, faults, seconds }: RivalsSummary): string[] {
  if (overall === null) return ['no verdict: it takes both the expert and ours on one fault and seed'];
  const compared = faults.filter((fault) => fault.ratio !== null).length;
  return [
    `overall, expert over ours in operations to the first failure: ${interval(overall)}; ${standing(overall)}`,
    hard.ratio === null
      ? `faults that take the expert more than ${whole(HARD)} operations: none`
      : `${hard.faults} faults that take the expert more than ${whole(HARD)} operations: ${interval(hard.ratio)}; twice or more on ${hard.twice}`,
    hardForOurs.ratio === null
      ? `faults that take ours more than ${whole(HARD)} operations: none`
      : `${hardForOurs.faults} faults that take ours more than ${whole(HARD)} operations: ${interval(hardForOurs.ratio)}`,
    `losses: on ${losses.length} of ${compared} faults ours needs more operations than the expert`,
    `in seconds (noisy): ${interval(seconds)}`,
  ];
}
