/** The figures of the shrinker, on trials made up by hand. */
import { describe, expect, test } from 'vitest';
import type { MeasuredFault } from '../../bench/shrink.ts';
import { summaryOf } from '../../bench/shrink-summary.ts';
import type { ShrinkTrial } from '../../bench/shrink-trial.ts';
import { machine } from '../report/failing-report.ts';

const trial = (length: number, frames = 1): ShrinkTrial => ({
  ...{ found: null, shrunk: null, foundLength: 30, length },
  scenario: { machine: { ...machine, managedPages: frames }, operations: [] },
  ...{ executionsBefore: 10 * length, executions: 20 * length, searched: 0 },
  ...{ certified: true, reason: null, others: 0, sound: true },
});

const measured = (name: string, explored: number | null, lengths: readonly number[]): MeasuredFault => ({
  ...{ name, explored },
  trials: Object.fromEntries(lengths.map((length, i) => [i + 1, trial(length)])),
});

describe('the summary of shrunk scenarios', () => {
  test('takes the minimum from what is shortest, and counts only what is exactly as long', () => {
    const { faults, sources, total } = summaryOf([
      measured('reached', 2, [2, 2, 2, 3]),
      measured('shorter-elsewhere', 3, [3, 3, 3, 2]),
      measured('never-reached', 1, [2, 2]),
      measured('too-deep', null, [4, 6]),
    ]);
    const told = faults.map(({ name, minimum, source, exact, ratio }) => [
      ...[name, minimum, source, exact, ratio],
    ]);
    expect(told).toEqual([
      ['reached', 2, 'explore', 0.75, 1.125],
      ['shorter-elsewhere', 2, 'best seen', 0.25, 1.375],
      ['never-reached', 1, 'explore', 0, 2],
      ['too-deep', 4, 'best seen', 0.5, 1.25],
    ]);
    expect(total).toMatchObject({ faults: 4, trials: 12, exact: 5 / 12 });
    expect(total.ratio).toBeCloseTo((4.5 + 5.5 + 4 + 2.5) / 12);
    expect(sources.explore).toMatchObject({ faults: 2, trials: 6, exact: 0.5 });
    expect(sources['best seen']).toMatchObject({ faults: 2, trials: 6, exact: 2 / 6 });
  });

  test('counts each operation of what needs none, different results, and executions at the median and 90 %', () => {
    const trials = { 1: trial(0), 2: trial(0), 3: trial(1), 4: trial(0, 2), 5: null };
    const { faults, lengths, total } = summaryOf([{ name: 'at-boot', explored: 0, trials }]);
    expect(faults).toMatchObject([{ trials: 4, exact: 0.75, ratio: 1.25, distinct: 2, signatures: 1 }]);
    expect(lengths).toMatchObject([{ minimum: 0, trials: 4, executions: [0, 10] }]);
    expect(total.mostDistinct).toBe(2);
  });
});
