/** What a part of a campaign counted, as plain data: parts add up to the whole, in whatever way it was cut. */
import type { RuleId } from '../contract/rules.ts';
import type { CampaignStatistics, KindCount } from './statistics.ts';

type Counts = { -readonly [Field in Exclude<keyof KindCount, 'name'>]: KindCount[Field] };

/** Whole numbers only, shares too: sums of fractions would depend on the cut. */
export interface Tally {
  scenarios: number;
  emptyScenarios: number;
  operations: number;
  /** Operations whose intent is known, and how many of these were meant as errors and as reads. */
  intended: number;
  errors: number;
  reads: number;
  /** What the workloads had fixed, in operations times SHARE_UNITS. */
  fixedErrors: number;
  fixedReads: number;
  readonly rows: Map<string, Counts>;
  /** In how many scenarios each goal was met, in the order of the goals that the kernel can meet. */
  readonly goals: number[];
  readonly rules: Map<RuleId, number>;
}

/** Parts of an operation in which fixed shares are counted. */
export const SHARE_UNITS = 10_000;

const emptyCounts = (): Counts => ({
  executed: 0,
  succeeded: 0,
  none: 0,
  kern: 0,
  trap: 0,
  rejected: 0,
  slept: 0,
  panicked: 0,
});

/** Nothing counted yet; the named rows are there even if they stay empty. */
export const emptyTally = (names: readonly string[], goals: number): Tally => ({
  scenarios: 0,
  emptyScenarios: 0,
  operations: 0,
  intended: 0,
  errors: 0,
  reads: 0,
  fixedErrors: 0,
  fixedReads: 0,
  rows: new Map(names.map((name) => [name, emptyCounts()])),
  goals: Array<number>(goals).fill(0),
  rules: new Map(),
});

/** The row of that name, made where there is none. */
export function rowOf({ rows }: Tally, name: string): Counts {
  const row = rows.get(name) ?? emptyCounts();
  rows.set(name, row);
  return row;
}

const SUMS = [
  'scenarios',
  'emptyScenarios',
  'operations',
  'intended',
  'errors',
  'reads',
  'fixedErrors',
  'fixedReads',
] as const;

/** Adds what another part counted. */
export function addTally(into: Tally, part: Tally): void {
  for (const name of SUMS) into[name] += part[name];
  for (const [name, counts] of part.rows) {
    const row = rowOf(into, name);
    for (const field of Object.keys(counts) as (keyof Counts)[]) row[field] += counts[field];
  }
  for (const [i, count] of part.goals.entries()) into.goals[i] = (into.goals[i] ?? 0) + count;
  for (const [rule, count] of part.rules) into.rules.set(rule, (into.rules.get(rule) ?? 0) + count);
}

/** How many goals have been met at least once. */
export const goalsReached = ({ goals }: Tally): number => goals.filter((count) => count > 0).length;

/** The counts in the words of a report. */
export function statisticsOf(tally: Tally): CampaignStatistics {
  const { scenarios, emptyScenarios, operations, intended, rows } = tally;
  const share = (count: number): number => (intended === 0 ? 0 : count / intended);
  return {
    scenarios,
    emptyScenarios,
    operations,
    kinds: [...rows].map(([name, counts]) => ({ name, ...counts })),
    shares: [
      {
        name: 'error paths',
        fixed: share(tally.fixedErrors / SHARE_UNITS),
        measured: share(tally.errors),
      },
      { name: 'read-only', fixed: share(tally.fixedReads / SHARE_UNITS), measured: share(tally.reads) },
    ],
  };
}
