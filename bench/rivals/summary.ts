/** What the trials come to: by arm, by fault, and the verdict of ours against the expert. */
import { RIVALS } from './arms.ts';
import { type Estimate, ratioWithInterval } from './bootstrap.ts';
import type { Results } from './results.ts';
import type { Trial } from './trial.ts';

/** Faults that take the expert more operations than this, in the median, are hard. */
export const HARD = 1000;

/** The figures of one arm. */
export interface ArmFigures {
  readonly arm: string;
  readonly trials: number;
  /** Share of the trials in which a failure was found. */
  readonly found: number;
  /** Faults that were found with every seed, and with some seed. */
  readonly always: number;
  readonly ever: number;
  readonly faults: number;
  /** Operations to the first failure: median; the budget stands for none found. */
  readonly operations: number;
  readonly shrunk: ShrunkFigures | null;
  /** Operations of this arm over those of ours on the same faults and seeds: geometric mean. */
  readonly againstOurs: Estimate | null;
  /** Seconds to the first failure and for shrinking: medians; they depend on the machine and its other work. */
  readonly seconds: readonly [finding: number, shrinking: number];
}

/** How results of an arm's shrinking look. */
export interface ShrunkFigures {
  /** Mean length, and mean of the length over the shortest that any arm came to on that fault. */
  readonly length: number;
  readonly ratio: number;
  /**
   * How different the results for one fault are, from 0, all equal, to 1, all different: machine and operations, and the
   * kinds of the operations alone. Null where no fault has two results.
   */
  readonly differing: number | null;
  readonly differingKinds: number | null;
  /** Runs and operations while shrinking: medians. */
  readonly runs: number;
  readonly operations: number;
}

/** One fault: medians by arm. */
export interface FaultFigures {
  readonly fault: string;
  /** Operations to the first failure by arm: median; the budget where most seeds found nothing. */
  readonly operations: Readonly<Record<string, number>>;
  /** The expert's operations over ours, over all seeds: geometric mean. */
  readonly ratio: number | null;
}

/** Everything that is shown. */
export interface RivalsSummary {
  readonly budget: number;
  readonly arms: readonly ArmFigures[];
  readonly faults: readonly FaultFigures[];
  /** The expert's operations over ours; null where one of the two is missing. */
  readonly overall: Estimate | null;
  /** The same where the expert's median is above `HARD`, and where ours is. */
  readonly hard: { readonly faults: number; readonly twice: number; readonly ratio: Estimate | null };
  readonly hardForOurs: { readonly faults: number; readonly ratio: Estimate | null };
  /** Faults where ours needs more, the worst first. */
  readonly losses: readonly FaultFigures[];
  /** The expert's seconds over ours; depends on the machine. */
  readonly seconds: Estimate | null;
}

/** The middle value; the mean of the two in the middle where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (upper + lower) / 2;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

function grouped(trials: readonly Trial[], by: (trial: Trial) => string): Map<string, Trial[]> {
  const groups = new Map<string, Trial[]>();
  for (const trial of trials) groups.set(by(trial), [...(groups.get(by(trial)) ?? []), trial]);
  return groups;
}

/** For each fault the ratios of one arm's figure to the other's on the same seeds. */
function ratiosOf(
  trials: readonly Trial[],
  [one, other]: readonly [string, string],
  figure: (trial: Trial) => number,
): Map<string, number[]> {
  const known = new Map(trials.map((trial) => [`${trial.fault} ${trial.seed} ${trial.arm}`, trial]));
  const ratios = new Map<string, number[]>();
  for (const trial of trials.filter(({ arm }) => arm === one)) {
    const paired = known.get(`${trial.fault} ${trial.seed} ${other}`);
    if (paired === undefined) continue;
    ratios.set(trial.fault, [...(ratios.get(trial.fault) ?? []), figure(trial) / figure(paired)]);
  }
  return ratios;
}

/** A failure at boot takes no operation; it counts as one. */
const operationsOf = ({ operations }: Trial): number => Math.max(1, operations);
const secondsOf = ({ seconds }: Trial): number => Math.max(0.001, seconds);

function shrunkFigures(
  trials: readonly Trial[],
  shortest: ReadonlyMap<string, number>,
): ShrunkFigures | null {
  const shrunk = trials.flatMap(({ fault, shrunk: result }) =>
    result === null ? [] : [{ fault, ...result }],
  );
  if (shrunk.length === 0) return null;
  const byFault = grouped(
    trials.filter((trial) => trial.shrunk !== null),
    ({ fault }) => fault,
  );
  const differing = (mark: (trial: Trial) => string | undefined): number | null => {
    const several = [...byFault.values()].filter(({ length }) => length > 1);
    return several.length === 0
      ? null
      : mean(several.map((group) => (new Set(group.map(mark)).size - 1) / (group.length - 1)));
  };
  return {
    length: mean(shrunk.map(({ to }) => to)),
    // Nothing is shorter than a failure at boot, which has no operations: one more counts as twice as long.
    ratio: mean(shrunk.map(({ fault, to }) => (to + 1) / ((shortest.get(fault) ?? to) + 1))),
    differing: differing((trial) => trial.shrunk?.mark),
    differingKinds: differing((trial) => trial.shrunk?.kinds),
    runs: median(shrunk.map(({ runs }) => runs)),
    operations: median(shrunk.map(({ operations }) => operations)),
  };
}

function armFigures(arm: string, all: readonly Trial[], shortest: ReadonlyMap<string, number>): ArmFigures {
  const trials = all.filter((trial) => trial.arm === arm);
  const caught = trials.filter(({ found }) => found);
  const shrunk = trials.flatMap((trial) => trial.shrunk ?? []);
  const byFault = [...grouped(trials, ({ fault }) => fault).values()];
  return {
    arm,
    trials: trials.length,
    found: caught.length / Math.max(1, trials.length),
    always: byFault.filter((group) => group.every(({ found }) => found)).length,
    ever: byFault.filter((group) => group.some(({ found }) => found)).length,
    faults: byFault.length,
    operations: median(trials.map(({ operations }) => operations)),
    shrunk: shrunkFigures(trials, shortest),
    againstOurs: ratioWithInterval([...ratiosOf(all, [arm, RIVALS.ours], operationsOf).values()]),
    seconds: [median(trials.map(({ seconds }) => seconds)), median(shrunk.map(({ seconds }) => seconds))],
  };
}

function faultFigures(fault: string, trials: readonly Trial[], ratios: readonly number[]): FaultFigures {
  const byArm = grouped(trials, ({ arm }) => arm);
  const operations = [...byArm].map(([arm, group]): [string, number] => [
    arm,
    median(group.map((trial) => trial.operations)),
  ]);
  const ratio = ratioWithInterval([ratios]);
  return { fault, operations: Object.fromEntries(operations), ratio: ratio?.value ?? null };
}

/** Adds up what was measured, arms in the order given. */
export function summaryOf(
  { budget, trials }: Pick<Results, 'budget' | 'trials'>,
  arms: readonly string[],
): RivalsSummary {
  const pair = [RIVALS.expert, RIVALS.ours] as const;
  const ratios = ratiosOf(trials, pair, operationsOf);
  const byFault = grouped(trials, ({ fault }) => fault);
  const faults = [...byFault].map(([fault, group]) => faultFigures(fault, group, ratios.get(fault) ?? []));
  const shortest = new Map(
    [...byFault].map(([fault, group]): [string, number] => [
      fault,
      Math.min(...group.flatMap(({ shrunk }) => shrunk?.to ?? [])),
    ]),
  );
  const hardFor = (arm: string) =>
    faults.filter(({ operations, ratio }) => ratio !== null && (operations[arm] ?? 0) > HARD);
  const ratioOver = (some: readonly FaultFigures[]) =>
    ratioWithInterval(some.map(({ fault }) => ratios.get(fault) ?? []));
  const [hard, hardForOurs] = [hardFor(RIVALS.expert), hardFor(RIVALS.ours)];
  return {
    budget,
    arms: arms
      .filter((arm) => trials.some((trial) => trial.arm === arm))
      .map((arm) => armFigures(arm, trials, shortest)),
    faults,
    overall: ratioWithInterval([...ratios.values()]),
    hard: {
      faults: hard.length,
      twice: hard.filter(({ ratio }) => (ratio ?? 0) >= 2).length,
      ratio: ratioOver(hard),
    },
    hardForOurs: { faults: hardForOurs.length, ratio: ratioOver(hardForOurs) },
    losses: faults
      .filter(({ ratio }) => ratio !== null && ratio < 1)
      .sort((one, other) => (one.ratio ?? 1) - (other.ratio ?? 1)),
    seconds: ratioWithInterval([...ratiosOf(trials, pair, secondsOf).values()]),
  };
}
