/** Figures of the shrinker's measurement: by fault, by length, in all. */
import type { MeasuredFault } from './shrink.ts';
import type { ShrinkTrial } from './shrink-trial.ts';

/** What a group of trials comes to. */
export interface ShrinkFigures {
  readonly trials: number;
  /** Share whose result is as long as the minimum. */
  readonly exact: number;
  /** Mean of length over minimum. */
  readonly ratio: number;
  readonly certified: number;
  /** Share whose result the kernel without the fault holds. */
  readonly sound: number;
  /** Share whose signature is that of the failure found. */
  readonly sameSignature: number;
  /** Scenarios run before the first search: median, and what one in ten exceeds. */
  readonly executions: readonly [median: number, most: number];
}

/** Whether the exhaustive search reaches the minimum, or only the shrinking of some seed does. */
export type MinimumSource = 'explore' | 'best seen';

/** One fault's figures. */
export interface FaultFigures extends ShrinkFigures {
  readonly name: string;
  /** The shorter of what the exhaustive search finds on its machines and what any seed came to, on any. */
  readonly minimum: number;
  readonly source: MinimumSource;
  /** Different texts of machine and operations. */
  readonly distinct: number;
  /** Different signatures of the failures found. */
  readonly signatures: number;
}

/** The whole measurement. */
export interface ShrinkSummary {
  readonly faults: readonly FaultFigures[];
  /** By the minimum. */
  readonly lengths: readonly (ShrinkFigures & { readonly minimum: number })[];
  /** By where the minimum comes from. */
  readonly sources: Readonly<Record<MinimumSource, ShrinkFigures & { readonly faults: number }>>;
  readonly total: ShrinkFigures & { readonly faults: number; readonly mostDistinct: number };
}

interface Measured {
  readonly trial: ShrinkTrial;
  readonly minimum: number;
  readonly source: MinimumSource;
}

const share = <Item>(items: readonly Item[], holds: (item: Item) => boolean): number =>
  items.length === 0 ? 1 : items.filter(holds).length / items.length;

/** The value that a share of them does not exceed. */
function quantile(values: readonly number[], of: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * of) - 1)] ?? 0;
}

/** A failure at boot needs no operation at all; one more than that is counted as twice as long. */
const ratioOf = ({ trial, minimum }: Measured): number =>
  minimum === 0 ? trial.length + 1 : trial.length / minimum;

function figuresOf(measured: readonly Measured[]): ShrinkFigures {
  const executions = measured.map(({ trial }) => trial.executionsBefore);
  return {
    trials: measured.length,
    exact: share(measured, ({ trial, minimum }) => trial.length === minimum),
    ratio: measured.reduce((sum, one) => sum + ratioOf(one), 0) / Math.max(1, measured.length),
    certified: share(measured, ({ trial }) => trial.certified),
    sound: share(measured, ({ trial }) => trial.sound),
    sameSignature: share(
      measured,
      ({ trial }) => JSON.stringify(trial.found) === JSON.stringify(trial.shrunk),
    ),
    executions: [quantile(executions, 0.5), quantile(executions, 0.9)],
  };
}

/** However the fields of an object are ordered. */
const canonical = (_: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
    : value;

const distinct = (values: readonly unknown[]): number =>
  new Set(values.map((value) => JSON.stringify(value, canonical))).size;

/** Adds up what was measured. */
export function summaryOf(measured: readonly MeasuredFault[]): ShrinkSummary {
  const all: Measured[] = [];
  const faults = measured.flatMap(({ name, explored, trials }): FaultFigures[] => {
    const shown = Object.values(trials).filter((trial) => trial !== null);
    if (shown.length === 0) return [];
    const minimum = Math.min(...shown.map(({ length }) => length), explored ?? Number.POSITIVE_INFINITY);
    const source = minimum === explored ? 'explore' : 'best seen';
    const own = shown.map((trial) => ({ trial, minimum, source }) as const);
    all.push(...own);
    return [
      {
        name,
        minimum,
        source,
        ...figuresOf(own),
        distinct: distinct(shown.map(({ scenario }) => scenario)),
        signatures: distinct(shown.map(({ found }) => found)),
      },
    ];
  });
  const ofSource = (from: MinimumSource) => ({
    faults: faults.filter(({ source }) => source === from).length,
    ...figuresOf(all.filter(({ source }) => source === from)),
  });
  const minima = [...new Set(all.map(({ minimum }) => minimum))].sort((one, other) => one - other);
  return {
    faults,
    lengths: minima.map((minimum) => ({
      minimum,
      ...figuresOf(all.filter((one) => one.minimum === minimum)),
    })),
    sources: { explore: ofSource('explore'), 'best seen': ofSource('best seen') },
    total: {
      ...figuresOf(all),
      faults: faults.length,
      mostDistinct: Math.max(0, ...faults.map(({ distinct: count }) => count)),
    },
  };
}
