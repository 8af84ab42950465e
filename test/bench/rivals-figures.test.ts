/** The figures of the rivals: intervals on known data, ratios and losses on trials made up by hand, kept results. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ARMS } from '../../bench/rivals/arms.ts';
import { meanWithInterval, ratioWithInterval } from '../../bench/rivals/bootstrap.ts';
import { DOCUMENT_MARK, documentOf } from '../../bench/rivals/document.ts';
import { readResults, writeResults } from '../../bench/rivals/results.ts';
import { median, summaryOf } from '../../bench/rivals/summary.ts';
import { verdict } from '../../bench/rivals/table.ts';
import type { Trial } from '../../bench/rivals/trial.ts';
import { benchRivalsCommand } from '../../cli/bench-rivals.ts';

describe('bootstrap', () => {
  test('what never varies has an interval without width', () => {
    expect(meanWithInterval([[3, 3], [3], [3, 3, 3]])).toEqual({ value: 3, low: 3, high: 3 });
    expect(meanWithInterval([])).toBeNull();
    expect(meanWithInterval([[]])).toBeNull();
  });

  test('the interval of a mean is close to that of the normal distribution', () => {
    const groups = Array.from({ length: 100 }, (_, i) => [i]);
    const found = meanWithInterval(groups);
    const error = Math.sqrt(groups.reduce((sum, [value = 0]) => sum + (value - 49.5) ** 2, 0)) / 100;
    expect(found?.value).toBe(49.5);
    expect(found?.low).toBeGreaterThan(49.5 - 2.2 * error);
    expect(found?.low).toBeLessThan(49.5 - 1.7 * error);
    expect(found?.high).toBeGreaterThan(49.5 + 1.7 * error);
    expect(found?.high).toBeLessThan(49.5 + 2.2 * error);
    expect(meanWithInterval(groups)).toEqual(found);
  });

  test('groups count alike, however many values they have', () => {
    expect(meanWithInterval([[0, 0, 0, 0], [10]])?.value).toBe(5);
  });

  test('values within a group vary too', () => {
    const spread = meanWithInterval([Array.from({ length: 20 }, (_, i) => i)]);
    expect((spread?.high ?? 0) - (spread?.low ?? 0)).toBeGreaterThan(3);
  });

  test('ratios have a geometric mean', () => {
    const found = ratioWithInterval([[4], [1 / 4], [8], [1 / 8]]);
    expect(found?.value).toBeCloseTo(1, 10);
    expect((found?.low ?? 0) * (found?.high ?? 0)).toBeCloseTo(1, 0);
  });

  test('a median of an even number lies in the middle', () => {
    expect([median([5, 1, 3]), median([4, 1, 2, 3])]).toEqual([3, 2.5]);
  });
});

const trial = (fault: string, arm: string, seed: number, operations: number, to = 2): Trial => ({
  fault,
  arm,
  seed,
  operations,
  found: operations < 10_000,
  seconds: operations / 1000,
  shrunk:
    operations < 10_000
      ? { from: 20, to, mark: `${fault}${arm}${seed}`, kinds: fault, runs: 10, operations: 50, seconds: 0.1 }
      : null,
});

const TRIALS: readonly Trial[] = [1, 2].flatMap((seed) => [
  trial('easy', 'expert', seed, 100, 3),
  trial('easy', 'ours', seed, 200, 2),
  trial('hard', 'expert', seed, 10_000),
  trial('hard', 'ours', seed, 1000),
]);

describe('summary', () => {
  const summary = summaryOf(
    { budget: 10_000, trials: [...TRIALS] },
    ARMS.map(({ name }) => name),
  );

  test('counts what was found, by fault and by trial', () => {
    expect(
      summary.arms.map(({ arm, found, always, ever, faults }) => [arm, found, always, ever, faults]),
    ).toEqual([
      ['expert', 0.5, 1, 1, 2],
      ['ours', 1, 2, 2, 2],
    ]);
  });

  test('the ratio is the geometric mean over faults, and faults that ours loses are named', () => {
    expect(summary.overall?.value).toBeCloseTo(Math.sqrt(0.5 * 10), 10);
    expect(summary.losses.map(({ fault }) => fault)).toEqual(['easy']);
    expect(summary.hard).toMatchObject({ faults: 1, twice: 1 });
    expect(summary.hard.ratio?.value).toBeCloseTo(10, 10);
    expect(summary.hardForOurs.faults).toBe(0);
  });

  test('results are compared with the shortest, and told apart whole and by kinds', () => {
    const [expert, ours] = summary.arms.map(({ shrunk }) => shrunk);
    expect(expert).toMatchObject({ length: 3, differing: 1, differingKinds: 0, runs: 10 });
    expect(expert?.ratio).toBeCloseTo(4 / 3, 10);
    expect(ours?.ratio).toBe(1);
  });

  test('the verdict says that ours is worse where the whole interval says so', () => {
    const worse = TRIALS.map((one) => (one.arm === 'ours' ? { ...one, operations: 9999 } : one));
    const told = verdict(
      summaryOf({ budget: 10_000, trials: worse.filter(({ fault }) => fault === 'easy') }, []),
    );
    expect(told[0]).toContain('ours is worse');
    expect(verdict(summary)[0]).not.toContain('worse;');
    expect(verdict(summaryOf({ budget: 1, trials: [] }, []))[0]).toContain('no verdict');
  });

  test('the page begins with its mark and names every fault', () => {
    const page = documentOf(summary, 2);
    expect(page.startsWith(DOCUMENT_MARK)).toBe(true);
    expect(page).toContain('| hard |');
    expect(page).toContain('> 10,000');
  });
});

describe('kept results', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vmlockstep-rivals-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const basis = { budget: 10_000, marks: { ours: 'a', expert: 'b' }, patches: { easy: 'p', hard: 'q' } };

  test('trials of an arm or a fault that has changed are not kept, others are', () => {
    const file = join(folder, 'kept.json');
    writeResults(file, { version: 1, ...basis, trials: [...TRIALS] });
    expect(readResults(file, basis).trials).toEqual(TRIALS);
    const changed = readResults(file, { ...basis, marks: { ours: 'x' }, patches: { easy: 'y' } });
    expect(new Set(changed.trials.map(({ fault, arm }) => `${fault} ${arm}`))).toEqual(
      new Set(['hard expert']),
    );
  });

  test('a file of something else, or of another budget, is refused with its name', () => {
    const file = join(folder, 'other.json');
    writeFileSync(file, '{"mine": 1}');
    expect(() => readResults(file, basis)).toThrow(/other\.json: not a result file/);
    writeFileSync(file, 'text');
    expect(() => readResults(file, basis)).toThrow(/other\.json: not JSON/);
    writeResults(file, { version: 1, ...basis, trials: [] });
    expect(() => readResults(file, { ...basis, budget: 5 })).toThrow(/--budget 10000/);
  });

  const FLAGS = {
    seeds: 1,
    faults: ['kenter-keeps-no-pv'],
    arms: ['expert', 'ours'],
    budget: 400,
    json: false,
    all: false,
    time: 60_000,
    workers: 1,
    part: null,
  };

  const run = async (flags: Partial<typeof FLAGS> & { readonly out: string; readonly doc?: string }) => {
    const lines: string[] = [];
    const notes: string[] = [];
    const status = await benchRivalsCommand(
      { ...FLAGS, doc: join(folder, 'page.md'), ...flags },
      {
        line: (text) => lines.push(text),
        lines: (texts) => lines.push(...texts),
        progress: () => undefined,
        note: (text) => notes.push(text),
      },
    );
    return { status, lines, notes };
  };

  test('the command prints its tables, and the second time measures nothing again', async () => {
    const out = join(folder, 'deep', 'bench.json');
    const first = await run({ out });
    expect(first.status).toBe(0);
    expect(first.lines.join('\n')).toMatch(/^expert +1 /m);
    expect(first.lines.join('\n')).toContain('overall, expert over ours');
    const told = JSON.parse(readFileSync(out, 'utf8'));
    told.trials[0].operations = 399;
    writeFileSync(out, JSON.stringify(told));
    expect((await run({ out })).lines.join('\n')).toContain('399');
  });

  test('a run whose time is over says how far it came, and writes no page', async () => {
    const { status, notes } = await run({ out: join(folder, 'short.json'), time: 0 });
    expect(status).toBe(0);
    expect(notes.join()).toContain('0 of 2 trials are done');
  });

  test('unknown names and a page of somebody else are refused', async () => {
    const out = join(folder, 'never.json');
    await expect(run({ out, faults: ['kenter-keeps-no-pw'] })).rejects.toThrow(
      /did you mean 'kenter-keeps-no-pv'/,
    );
    await expect(run({ out, arms: ['ourz'] })).rejects.toThrow(/did you mean 'ours'/);
  });
});
