/** What operations on page tables look at, counted: times would depend on the machine. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { address } from '../../contract/address.ts';
import { PhysicalMemory } from '../../impl/physical-memory.ts';
import { bootWithPmaps } from './spaces.ts';

const LINE = 0x40_0000;
const GIBIBYTE = 0x4000_0000;
const LINES = GIBIBYTE / LINE;

afterEach(() => vi.restoreAllMocks());

/** Words of memory that are read or written meanwhile. */
function touchedBy(act: () => void): number {
  const read = vi.spyOn(PhysicalMemory.prototype, 'word');
  const write = vi.spyOn(PhysicalMemory.prototype, 'setWord');
  act();
  const count = read.mock.calls.length + write.mock.calls.length;
  vi.restoreAllMocks();
  return count;
}

describe('1 GiB without page tables, between two lines with one', () => {
  const { run, enter, space } = bootWithPmaps(['a']);
  enter('a', LINE);
  enter('a', 2 * LINE + GIBIBYTE);
  const range = { start: address(2 * LINE), end: address(2 * LINE + GIBIBYTE) };

  test.each([
    ['pmap_remove', { kind: 'pmap_remove', pmap: 'a', ...range } as const],
    ['pmap_protect', { kind: 'pmap_protect', pmap: 'a', ...range, protection: 1 } as const],
  ])('%s looks at each line once at most', (_name, operation) => {
    expect(touchedBy(() => run(operation))).toBeLessThanOrEqual(LINES);
    expect(space('a')?.resident).toBe(2);
  });

  test('a table in the middle is found', () => {
    enter('a', LINE + GIBIBYTE / 2);
    const count = touchedBy(() => run({ kind: 'pmap_remove', pmap: 'a', ...range }));
    expect(count).toBeGreaterThanOrEqual(LINE / 4096);
    expect(count).toBeLessThanOrEqual(LINES + 2 * (LINE / 4096));
    expect(space('a')?.resident).toBe(2);
  });
});

test('a page costs the same, however many others are mapped', () => {
  const costs = [10, 500].map((others) => {
    const { enter, remove } = bootWithPmaps(['a']);
    for (let page = 0; page < others; page++) enter('a', 0x1000 + page * 4096);
    const last = 0x1000 + others * 4096;
    return touchedBy(() => {
      enter('a', last);
      remove('a', 0x1000, 0x2000);
      enter('a', last);
    });
  });
  expect(costs[1]).toBe(costs[0]);
});
