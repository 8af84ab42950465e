/** The commands that are printed to be pasted: they do what the one that printed them did. */
import { describe, expect, test } from 'vitest';
import type { CheckOptions } from '../../cli/check-options.ts';
import { againCommand, checkCommand } from '../../cli/check-print.ts';
import { durationText } from '../../cli/command-text.ts';
import { type ExploreOptions, exploreAgain, exploreCommand } from '../../cli/explore-options.ts';
import { durationFlag } from '../../cli/flags.ts';
import { goingOn } from '../../cli/shrink.ts';

test.each([
  [1, '1ms'],
  [1500, '1500ms'],
  [10_000, '10s'],
  [90_000, '90s'],
  [300_000, '5m'],
  [7_200_000, '2h'],
])('%d ms is written %s, and read back', (milliseconds, text) => {
  expect(durationText(milliseconds)).toBe(text);
  expect(durationFlag(text)).toBe(milliseconds);
});

const explore: ExploreOptions = {
  ...{ depth: 4, pages: 4, entries: 6, maps: 2, sizes: [0, 1, 2, 3], alphabet: 'core', workers: null },
  ...{ kernel: null, kernelTimeout: 5000, json: false, out: 'out', fresh: true },
};

describe('explore again', () => {
  test('names where its checkpoint lies, and no flag that begins anew', () => {
    expect(exploreAgain(explore)).toBe('npx vmlockstep explore --depth 4');
    expect(exploreAgain({ ...explore, out: 'my search' })).toBe(
      "npx vmlockstep explore --depth 4 --out 'my search'",
    );
  });

  test('is stored without the place, which belongs to this machine', () => {
    expect(exploreCommand({ ...explore, out: 'elsewhere', kernel: './k.ts', kernelTimeout: 700 })).toBe(
      'npx vmlockstep explore --depth 4 --kernel ./k.ts --kernel-timeout 700ms',
    );
  });
});

const check: CheckOptions = {
  ...{ seed: 7, runs: null, milliseconds: null, shrinkMilliseconds: 10_000, workload: null },
  ...{ kernel: null, kernelTimeout: 5000, json: false, requireGoals: false, out: 'out' },
  ...{ corpus: { path: 'corpus', given: false }, workers: null, events: null },
};

describe('check again', () => {
  test('names the seed alone where nothing else was given', () => {
    expect(againCommand(check)).toBe('npx vmlockstep check --seed 7');
  });

  test.each<[Partial<CheckOptions>, string]>([
    [{ runs: 20 }, '--runs 20'],
    [{ milliseconds: 60_000 }, '--time 1m'],
    [{ shrinkMilliseconds: 2000 }, '--shrink-time 2s'],
    [{ workload: 'balanced' }, '--workload balanced'],
    [{ kernel: './k.ts', kernelTimeout: 2000 }, '--kernel ./k.ts --kernel-timeout 2s'],
    [{ corpus: null }, '--no-corpus'],
    [{ corpus: { path: 'cases', given: true } }, '--corpus cases'],
    [{ out: 'found' }, '--out found'],
  ])('%j adds %s', (given, flags) => {
    expect(againCommand({ ...check, ...given })).toBe(`npx vmlockstep check --seed 7 ${flags}`);
  });

  test('is stored with what decides what is found, and without where it is kept', () => {
    expect(checkCommand({ ...check, corpus: null, out: '/tmp/x' })).toBe(
      'npx vmlockstep check --seed 7 --no-corpus',
    );
  });
});

describe('shrink again', () => {
  const options = { kernel: null, kernelTimeout: 5000, milliseconds: 10_000, out: 'out' };

  test('names the time only where it is not the default', () => {
    expect(goingOn('a b.scn.json', options)).toBe("npx vmlockstep shrink 'a b.scn.json'");
    expect(goingOn('x', { ...options, milliseconds: 60_000, out: 'o', kernel: 'fault:x' })).toBe(
      'npx vmlockstep shrink x --kernel fault:x --time 1m --out o',
    );
  });
});
