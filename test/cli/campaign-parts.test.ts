/** The pieces that put a campaign together from what its workers ran. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { searchLine, shrinkLine } from '../../cli/check-progress.ts';
import { ChunkBoard } from '../../cli/chunk-board.ts';
import { FailureShelf } from '../../cli/failure-shelf.ts';
import type { CampaignPart, CheckJob, FailedScenario } from '../../cli/job.ts';
import { Ledger } from '../../cli/ledger.ts';
import type { Operation } from '../../contract/operation.ts';
import { emptyTally } from '../../properties/tally.ts';
import type { LockstepReport } from '../../properties/verdict.ts';
import { machine } from '../report/failing-report.ts';
import { directoryWith } from './command.ts';

const daemon: Operation = { kind: 'pagedaemon' };

/** A failing run of so many operations. */
const failing = (length: number, property = 'INV-X'): LockstepReport => ({
  scenario: { machine, operations: Array<Operation>(length).fill(daemon) },
  failure: { property, sentence: 's', side: 'candidate', number: length, witnesses: [], differences: [] },
  expected: [],
  actual: [],
});

const failed: FailedScenario = { report: failing(3), index: 0 };

const part = (chunk: number, rest: Partial<CampaignPart> = {}): CampaignPart => {
  const tally = emptyTally(['row'], 2);
  tally.scenarios = 1;
  tally.operations = 10 ** chunk;
  tally.goals[chunk % 2] = 1;
  return { chunk, tally, failed: null, events: [], ...rest };
};

describe('a ledger', () => {
  const entered = (parts: readonly CampaignPart[], close?: number | 'all') => {
    const order: number[] = [];
    const ledger = new Ledger(({ chunk }) => order.push(chunk));
    for (const each of parts) ledger.add(each);
    if (close !== undefined) ledger.close(close === 'all' ? undefined : close);
    return { order, operations: ledger.total.operations, met: ledger.met };
  };

  test('enters parts in the order of their chunks, whenever they come', () => {
    expect(entered([part(2), part(0), part(1)])).toEqual({ order: [0, 1, 2], operations: 111, met: 2 });
    expect(entered([part(2), part(0)])).toEqual({ order: [0], operations: 1, met: 1 });
  });

  test('ends with the first part that failed', () => {
    const parts = [part(2), part(1, { failed }), part(3, { failed }), part(0)];
    expect(entered(parts, 'all')).toMatchObject({ order: [0, 1], operations: 11 });
  });

  test('enters what an interruption left, gaps and all, or what is below a chunk', () => {
    expect(entered([part(3), part(0), part(2)], 'all')).toMatchObject({ order: [0, 2, 3], operations: 1101 });
    expect(entered([part(3), part(0), part(2)], 3)).toMatchObject({ order: [0, 2], operations: 101 });
  });
});

describe('a board', () => {
  test('deals each chunk once, to both ends of the memory', () => {
    const board = new ChunkBoard();
    const other = new ChunkBoard(board.shared);
    expect([board.claim(), other.claim(), board.claim()]).toEqual([0, 1, 2]);
  });

  test('calls chunks after the earliest failure vain, not those before it', () => {
    const board = new ChunkBoard();
    expect(board.isVain(1_000_000)).toBe(false);
    for (const chunk of [7, 4, 9]) board.fails(chunk);
    expect([3, 4, 5].map((chunk) => board.isVain(chunk))).toEqual([false, false, true]);
  });

  test('tells one worker that its failure is the first', () => {
    const board = new ChunkBoard();
    board.decide(1);
    expect([0, 1, 2].map((worker) => board.isFirst(worker, () => false))).toEqual([false, true, false]);
    const none = new ChunkBoard();
    none.decide(null);
    expect(none.isFirst(0, () => false)).toBe(false);
    expect(new ChunkBoard().isFirst(0, () => true)).toBe(false);
  });
});

describe('a shelf', () => {
  const jobIn = (out: string): CheckJob => ({
    verb: 'check',
    kernel: null,
    directory: '.',
    out,
    seed: 5,
    runs: 1,
    milliseconds: null,
    shrinkMilliseconds: 10_000,
    workload: 'default',
    again: 'again',
    events: null,
  });

  test('keeps the earliest failure under the name that it would have had alone', () => {
    const [alone, raced] = [directoryWith(), directoryWith()];
    new FailureShelf(jobIn(alone)).found(failing(3));
    const shelf = new FailureShelf(jobIn(raced));
    expect(shelf.found(failing(9)).path).toBe(join(raced, 'INV-X-5.unshrunk.scn.json'));
    expect(shelf.found(failing(3)).path).toBe(join(raced, 'INV-X-5.unshrunk.scn.json'));
    expect(readdirSync(raced)).toEqual(readdirSync(alone));
    expect(shelf.found(failing(2, 'INV-Y')).path).toBe(join(raced, 'INV-Y-5.unshrunk.scn.json'));
    expect(readdirSync(raced)).toEqual(['INV-Y-5.unshrunk.scn.json']);
  });

  test('keeps the best so far in one file, until the result takes its place', () => {
    const directory = directoryWith();
    const shelf = new FailureShelf(jobIn(directory));
    for (const length of [9, 5, 4])
      expect(shelf.better(failing(length))).toBe(join(directory, 'INV-X-5.shrinking.scn.json'));
    expect(readdirSync(directory)).toEqual(['INV-X-5.shrinking.scn.json']);
    shelf.shrunk(failing(4));
    expect(readdirSync(directory)).toEqual(['INV-X-5.scn.json']);
  });

  test('minds nobody who tidies up meanwhile', () => {
    const directory = directoryWith();
    const shelf = new FailureShelf(jobIn(directory));
    shelf.better(failing(9));
    shelf.found(failing(9));
    rmSync(directory, { recursive: true });
    expect(shelf.better(failing(8))).toBe(join(directory, 'INV-X-5.shrinking.scn.json'));
    shelf.found(failing(7));
    shelf.shrunk(failing(8));
    expect(readdirSync(directory).sort()).toEqual(['INV-X-5.scn.json', 'INV-X-5.unshrunk.scn.json']);
  });

  test('touches no file that was there before', () => {
    const directory = directoryWith();
    const names = ['INV-X-5.unshrunk.scn.json', 'INV-X-5.shrinking.scn.json', 'INV-X-5.scn.json'];
    for (const name of names) writeFileSync(join(directory, name), 'precious');
    const shelf = new FailureShelf(jobIn(directory));
    for (const length of [9, 8]) shelf.found(failing(length));
    for (const length of [7, 6]) shelf.better(failing(length));
    shelf.shrunk(failing(6));
    expect(readdirSync(directory).sort()).toEqual(
      [...names, 'INV-X-5-2.scn.json', 'INV-X-5.unshrunk-2.scn.json'].sort(),
    );
    const again = new FailureShelf(jobIn(directory));
    again.found(failing(8));
    again.found(failing(7));
    expect(readdirSync(directory)).toContain('INV-X-5.unshrunk-2.scn.json');
  });
});

describe('the line of a running campaign', () => {
  const state = { scenarios: 500, operations: 30_000, goals: 200 };
  const context = { seconds: 10, goals: 207, runs: 1800, milliseconds: null };

  test('tells the time left by the scenarios, by the time, and by what comes first', () => {
    const line = '500 scenarios, 30,000 operations, 3,000/s, 200/207 goals reached, 10 s';
    expect(searchLine(state, context)).toBe(`${line}, 26 s left`);
    expect(searchLine(state, { ...context, runs: null, milliseconds: 300_000 })).toBe(`${line}, 5 min left`);
    expect(searchLine(state, { ...context, milliseconds: 15_000 })).toBe(`${line}, 5 s left`);
    expect(searchLine(state, { ...context, runs: null })).toBe(line);
    expect(searchLine({ ...state, scenarios: 3 }, context)).not.toContain('left');
  });

  test('tells how small a failure has become', () => {
    expect(shrinkLine('INV-X', { from: 94, now: 12, tried: 310, left: 3.4 })).toBe(
      'shrinking INV-X: 12 of 94 operations, 310 scenarios tried, at most 4 s left',
    );
  });
});
