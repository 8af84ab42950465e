import { expect, test } from 'vitest';
import { type CampaignSummary, summaryLines } from '../../report/statistics.ts';

const summary: CampaignSummary = {
  kernel: 'optimized',
  seed: 1994,
  workload: 'default',
  scenarios: 2400,
  emptyScenarios: 0,
  operations: 120_345,
  seconds: 12.04,
  kinds: [
    { name: 'kmem_alloc', executed: 12_000, succeeded: 9000, refused: 2000, slept: 999, panicked: 1 },
    { name: 'pagedaemon', executed: 7, succeeded: 7, refused: 0, slept: 0, panicked: 0 },
  ],
  goals: [
    { id: 'page-shortage-1', claim: 'The first page of an allocation is missing.', count: 3 },
    { id: 'submap-full', claim: 'A submap is full to its last page.', count: 0 },
  ],
  shares: [{ name: 'errors', fixed: 0.1, measured: 0.0987 }],
};

test('the closing table names every kind, every missed goal, the shares, the seed and the speed', () => {
  expect(`\n${summaryLines(summary).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    operation   executed  succeeded  refused  slept  panicked
    kmem_alloc    12,000      9,000    2,000    999         1
    pagedaemon         7          7        0      0         0

    goals reached: 1/2
      missed submap-full: A submap is full to its last page.
    errors: 9.9 % measured, 10.0 % fixed
    kernel optimized, seed 1994, workload default
    2,400 scenarios, 120,345 operations, 9,995 operations per second, 12.0 s
    "
  `);
});

test('a single workload is told what it reached, and missed nothing', () => {
  const lines = summaryLines({ ...summary, workload: 'balanced' }).join('\n');
  expect(lines).toContain('goals reached: 1/2\n');
  expect(lines).not.toMatch(/missed/);
});

test('of many missed goals the first twelve are named', () => {
  const goals = Array.from({ length: 30 }, (_, i) => ({ id: `goal-${i}`, claim: 'Something.', count: 0 }));
  const missed = summaryLines({ ...summary, goals }).filter((line) => /missed/.test(line));
  expect(missed).toHaveLength(13);
  expect(missed[11]).toBe('  missed goal-11: Something.');
  expect(missed[12]).toBe('  … and 18 more missed (--json has all)');
  const few = summaryLines({ ...summary, goals: goals.slice(0, 12) });
  expect(few.filter((line) => /missed/.test(line))).toHaveLength(12);
});

test('an untimed summary says nothing about speed', () => {
  expect(summaryLines({ ...summary, seconds: null }).join('\n')).not.toMatch(/second/);
});

test('empty scenarios are counted', () => {
  expect(summaryLines({ ...summary, emptyScenarios: 2 }).at(-1)).toBe('2 empty scenarios');
});
