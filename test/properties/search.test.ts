import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Scenario } from '../../contract/scenario.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { scenarios } from '../../properties/scenarios.ts';
import { Search, type SearchOptions } from '../../properties/search.ts';
import { addTally, emptyTally, statisticsOf, type Tally } from '../../properties/tally.ts';
import type { Turn } from '../../properties/turns.ts';

const RUNS = 30;
const options: SearchOptions = {
  reference: referenceKernel,
  candidate: referenceKernel,
  seed: 11,
  runs: RUNS,
  invariants: [],
};

/** Runs the scenarios of the residue class, in parts of five, and hands over what each part counted. */
function searched(searches: number, own: number): { ran: Map<number, Scenario>; parts: Tally[] } {
  const ran = new Map<number, Scenario>();
  const parts: Tally[] = [];
  const search = new Search({
    ...options,
    turn: (index): Turn => (index % searches === own ? 'run' : 'skip'),
    onScenario: (scenario, index) => ran.set(index, scenario),
    onReport: () => {
      if (ran.size % 5 === 0) parts.push(search.take());
    },
  });
  expect(search.run()).toEqual({ failure: null, interrupted: false });
  parts.push(search.take());
  return { ran, parts };
}

const summed = (parts: readonly Tally[]): Tally => {
  const sum = emptyTally([], 0);
  for (const part of parts) addTally(sum, part);
  return sum;
};

/** Sorted, since rows that never ran may come in any order. */
const plain = (tally: Tally): string =>
  JSON.stringify({ ...statisticsOf(tally), goals: tally.goals, rules: [...tally.rules].sort() });

describe('scenarios dealt out among searches', () => {
  const whole = searched(1, 0);
  const dealt = [0, 1, 2].map((own) => searched(3, own));

  test('are the scenarios of one search, each run once', () => {
    const all = new Map(dealt.flatMap(({ ran }) => [...ran]));
    expect(all.size).toBe(RUNS);
    for (const [index, scenario] of whole.ran) expect(all.get(index)).toEqual(scenario);
  });

  test('count the same, however they are cut', () => {
    expect(plain(summed(dealt.flatMap(({ parts }) => parts)))).toBe(plain(summed(whole.parts)));
    expect(summed(whole.parts).scenarios).toBe(RUNS);
  });

  test('are what fast-check makes of the same seed with the index as path', () => {
    const [again] = fc.sample(scenarios({ reference: referenceKernel, declares: referenceKernel.declares }), {
      seed: 11,
      path: '17',
      numRuns: 1,
    });
    expect(again).toEqual(whole.ran.get(17));
  });
});

test('a search ends at the first index that is past its end', () => {
  const asked: number[] = [];
  const search = new Search({
    ...options,
    turn: (index): Turn => {
      asked.push(index);
      return index < 2 ? 'run' : 'end';
    },
  });
  expect(search.run()).toEqual({ failure: null, interrupted: false });
  expect(search.take().scenarios).toBe(2);
  expect(asked).toEqual([0, 1, 2]);
});
