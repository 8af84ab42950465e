import { describe, expect, test } from 'vitest';
import { address } from '../../contract/address.ts';
import type { OperationOf } from '../../contract/operation.ts';
import { alloc, at, bench, insert, protect, read, suballoc, write } from './bench-machine.ts';

const kern = (code: number) => ({ kind: 'kern', code });
const inherit = (start: number, end: number, inheritance: number): OperationOf<'vm_map_inherit'> => ({
  kind: 'vm_map_inherit',
  map: 'kernel',
  start: at(start),
  end: at(end),
  inheritance,
});

describe('vm_map_protect', () => {
  test('MAP-PROT-1: an unaligned range is refused before it is split, unknown rights are rejected', () => {
    const { run, entries } = bench();
    run(insert(4, 8));
    expect(run({ ...protect(5, 6, 1), end: address(at(6) + 1) })).toEqual(kern(4));
    expect(run(protect(5, 6, 8))).toEqual({ kind: 'rejected', rule: 'MAP-PROT-1' });
    expect(entries()).toEqual(['4-8 null']);
  });

  test('MAP-PROT-2: the first offender decides, nothing changes but the split at the start, holes do not matter', () => {
    const { run, entries, entry } = bench();
    run(insert(0, 2));
    run(protect(0, 2, 1, true));
    run(insert(3, 5));
    run(insert(5, 6, 'kernel'));
    run(suballoc('sub', 4));
    expect(entries()).toEqual(['0-2 null', '3-5 null', '5-6 kernel', '6-10 submap sub']);
    expect(run(protect(1, 10, 3))).toEqual(kern(2));
    expect(entry('kernel', 1).start).toBe(at(1));
    expect(run(protect(4, 10, 1))).toEqual(kern(4));
    expect(entry('kernel', 4)).toMatchObject({ start: at(4), protection: 7 });
    expect(run(protect(1, 5, 1))).toEqual(kern(0));
  });

  test('MAP-PROT-3: lowering the maximum intersects the rights, setting them replaces them', () => {
    const { run, entry } = bench();
    run(insert(0, 1));
    run(protect(0, 1, 3));
    run(protect(0, 1, 5, true));
    expect(entry('kernel', 0)).toMatchObject({ protection: 1, maxProtection: 5 });
    run(protect(0, 1, 5));
    expect(entry('kernel', 0)).toMatchObject({ protection: 5, maxProtection: 5 });
    expect(run(protect(0, 1, 7))).toEqual(kern(2));
  });

  test('MAP-PROT-4: mappings lose WRITE at once and get it back only by a fault', () => {
    const { run, kernel } = bench();
    run(insert(0, 1));
    run(write(0, 5));
    run(protect(0, 1, 1));
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ writable: false });
    expect(run(write(0, 6))).toEqual(kern(2));
    run(protect(0, 1, 7));
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ writable: false });
    expect(run(write(0, 6))).toEqual(kern(0));
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ writable: true });
  });

  test('MAP-PROT-5: wired memory without READ is unmapped but stays wired, and a fault maps it wired again', () => {
    const { run, kernel, object } = bench();
    run(alloc(1));
    run(protect(0, 1, 0));
    expect(kernel.cell(`mapping:${at(0)}`)).toBeNull();
    expect(object('kernel').pages).toMatchObject([{ wireCount: 1 }]);
    expect(run(read(0))).toEqual(kern(2));
    run(protect(0, 1, 1));
    expect(run(read(0))).toEqual({ kind: 'bytes', bytes: [0] });
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ wired: true, writable: false });
  });
});

test('MAP-INH-1: an unknown inheritance is refused first, a known one set across holes and placeholders', () => {
  const { run, entries, entry } = bench();
  run(suballoc('sub', 2));
  run(insert(4, 8));
  expect(run({ ...inherit(5, 6, 3), end: address(at(6) + 1) })).toEqual(kern(4));
  expect(run(inherit(1, 6, 2))).toEqual(kern(0));
  expect(entries()).toEqual(['0-1 submap sub', '1-2 submap sub', '4-6 null', '6-8 null']);
  expect([0, 1, 4, 6].map((page) => entry('kernel', page).inheritance)).toEqual([1, 2, 2, 1]);
});
