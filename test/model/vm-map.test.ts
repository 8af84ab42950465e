import { describe, expect, test } from 'vitest';
import { ADDRESS_SPACE_END, address, bytes, objectOffset, pages } from '../../contract/address.ts';
import type { Operation, OperationOf } from '../../contract/operation.ts';
import { addressAt, at, bench, insert, protect, suballoc, write } from './bench-machine.ts';

const kern = (code: number) => ({ kind: 'kern', code });
const findspace = (start: number, length: number): Operation => ({
  kind: 'vm_map_findspace',
  map: 'kernel',
  start: address(start),
  length: bytes(length),
});
const find = (page: number, count: number, changes: Partial<OperationOf<'vm_map_find'>> = {}): Operation => ({
  kind: 'vm_map_find',
  map: 'kernel',
  object: 'null',
  offset: objectOffset(0),
  address: at(page),
  length: pages(count),
  findSpace: true,
  ...changes,
});
const lookup = (where: number): Operation => ({
  kind: 'vm_map_lookup_entry',
  map: 'kernel',
  address: address(where),
});
const check = (start: number, end: number, protection: number): Operation => ({
  kind: 'vm_map_check_protection',
  map: 'kernel',
  start: at(start),
  end: at(end),
  protection,
});

describe('vm_map_insert', () => {
  test('MAP-0: an unaligned bound or offset is refused before the range is looked at', () => {
    const { run, kernel } = bench();
    const unaligned: Operation = {
      kind: 'vm_map_insert',
      map: 'kernel',
      object: 'null',
      offset: objectOffset(0),
      start: address(at(70) + 1),
      end: at(60),
    };
    expect(run(unaligned)).toEqual(kern(4));
    expect(run({ ...unaligned, start: at(1), end: at(2), offset: objectOffset(1) })).toEqual(kern(4));
    expect(kernel.cell('map:kernel')?.entryCount).toBe(0);
  });

  test('MAP-INSERT-1: a range outside the map, empty or inverted is an invalid address', () => {
    const { run } = bench();
    expect(run(insert(63, 65))).toEqual(kern(1));
    expect(run(insert(4, 4))).toEqual(kern(1));
    expect(run(insert(5, 4))).toEqual(kern(1));
    expect(run(insert(63, 64))).toEqual(kern(0));
  });

  test('MAP-INSERT-2: a range that shares one page with an entry has no space', () => {
    const { run } = bench();
    run(insert(4, 8));
    expect(run(insert(7, 9))).toEqual(kern(3));
    expect(run(insert(2, 5))).toEqual(kern(3));
    expect(run(insert(2, 4))).toEqual(kern(0));
  });

  test('MAP-INSERT-3: a refused insertion keeps no reference, and a refused anonymous object is gone', () => {
    const { run, object, kernel } = bench();
    run(insert(0, 2, 'kernel'));
    expect(object('kernel').references).toBe(2);
    run(insert(1, 3, 'kernel'));
    run(insert(1, 3, 'anon'));
    expect(object('kernel').references).toBe(2);
    expect(kernel.cell('object:anon1')).toBeNull();
    run(insert(4, 5, 'anon'));
    expect(object('anon2').references).toBe(1);
  });

  test('MAP-INSERT-4: a new entry has all rights, is inherited by copy and is not wired', () => {
    const { run, entry } = bench();
    run(insert(4, 6, 'anon'));
    expect(entry('kernel', 4)).toMatchObject({
      protection: 7,
      maxProtection: 7,
      inheritance: 1,
      wiredCount: 0,
    });
  });

  test('MAP-INSERT-5, MAP-INSERT-6: a null range extends a null neighbour below it, but none above', () => {
    const { run, entries, kernel } = bench();
    run(insert(4, 6));
    run(insert(6, 7));
    run(insert(3, 4));
    expect(entries()).toEqual(['3-4 null', '4-7 null']);
    expect(kernel.cell('map:kernel')?.size).toBe(pages(4));
  });

  test('a null range does not extend a neighbour whose protection was changed', () => {
    const { run, entries } = bench();
    run(insert(4, 6));
    run(protect(4, 6, 1));
    run(insert(6, 7));
    expect(entries()).toEqual(['4-6 null', '6-7 null']);
  });

  test('a null range extends an anonymous neighbour that nobody shares', () => {
    const { run, entries, object } = bench();
    run(insert(4, 6));
    run(write(4, 1));
    run(insert(6, 8));
    expect(entries()).toEqual(['4-8 anon1']);
    expect(object('anon1').size).toBe(pages(4));
  });
});

describe('vm_map_findspace', () => {
  test('MAP-SPACE-1: the first hole that is long enough wins, wherever allocations were made last', () => {
    const { run } = bench();
    run(insert(2, 4));
    run(insert(8, 9));
    expect(run(findspace(0, pages(2)))).toEqual(addressAt(0));
    expect(run(findspace(0, pages(4)))).toEqual(addressAt(4));
    expect(run(findspace(0, pages(2) + 1))).toEqual(addressAt(4));
    expect(run(findspace(at(3), pages(1)))).toEqual(addressAt(4));
    expect(run(findspace(at(4) + 1, pages(1)))).toEqual(addressAt(5));
  });

  test('a hole at the end fits exactly, and one byte more does not', () => {
    const { run } = bench();
    expect(run(findspace(at(60), pages(4)))).toEqual(addressAt(60));
    expect(run(findspace(at(60), pages(4) + 1))).toEqual({ kind: 'none' });
    expect(run(findspace(at(64), pages(1)))).toEqual({ kind: 'none' });
    expect(run(findspace(at(64) + 1, pages(1)))).toEqual({ kind: 'none' });
    expect(run(findspace(ADDRESS_SPACE_END - 1, 0xffff_ffff))).toEqual({ kind: 'none' });
    expect(run(findspace(0, 0))).toEqual({ kind: 'none' });
  });
});

describe('vm_map_find', () => {
  test('MAP-FIND-1: no length is an invalid address, an exact place is taken or refused as insert says', () => {
    const { run, entries } = bench();
    expect(run(find(4, 0))).toEqual(kern(1));
    expect(run(find(4, 2, { findSpace: false }))).toEqual({ kind: 'kern', code: 0, address: at(4) });
    expect(run(find(5, 2, { findSpace: false }))).toEqual(kern(3));
    expect(run(find(63, 2, { findSpace: false }))).toEqual(kern(1));
    expect(run(find(4, 2))).toEqual({ kind: 'kern', code: 0, address: at(6) });
    expect(entries()).toEqual(['4-8 null']);
  });

  test('a sum beyond 2^32 is an invalid address, and no room above the hint is no space', () => {
    const { run } = bench();
    expect(run(find(4, 0, { length: bytes(0xffff_f000), findSpace: false }))).toEqual(kern(1));
    expect(run(find(60, 5))).toEqual(kern(3));
    expect(run(find(4, 1, { address: address(at(4) + 4) }))).toEqual(kern(4));
  });

  test('an anonymous object is used up even when the search is refused', () => {
    const { run, kernel } = bench();
    run(find(60, 5, { object: 'anon' }));
    run(find(60, 4, { object: 'anon' }));
    expect(kernel.cell('object:anon1')).toBeNull();
    expect(kernel.cell('object:anon2')?.size).toBe(pages(4));
  });
});

test('MAP-LOOKUP-1: an address is answered by the entry around it, or by the one before', () => {
  const { run } = bench();
  run(insert(4, 6));
  expect(run(lookup(at(4)))).toEqual({ kind: 'entry', found: true, start: at(4) });
  expect(run(lookup(at(6) - 1))).toEqual({ kind: 'entry', found: true, start: at(4) });
  expect(run(lookup(at(6)))).toEqual({ kind: 'entry', found: false, start: at(4) });
  expect(run(lookup(at(4) - 1))).toEqual({ kind: 'entry', found: false, start: null });
});

test('MAP-CHK-1: a hole or one weaker entry fails the check, an empty range only asks where it starts', () => {
  const { run } = bench();
  run(insert(4, 6, 'anon'));
  run(insert(6, 8, 'anon'));
  run(protect(6, 7, 1));
  expect(run(check(4, 6, 7))).toEqual({ kind: 'flag', value: true });
  expect(run(check(4, 8, 1))).toEqual({ kind: 'flag', value: true });
  expect(run(check(4, 8, 3))).toEqual({ kind: 'flag', value: false });
  expect(run(check(4, 9, 1))).toEqual({ kind: 'flag', value: false });
  expect(run(check(3, 5, 1))).toEqual({ kind: 'flag', value: false });
  expect(run(check(6, 6, 7))).toEqual({ kind: 'flag', value: true });
  expect(run(check(5, 2, 7))).toEqual({ kind: 'flag', value: true });
  expect(run(check(9, 9, 0))).toEqual({ kind: 'flag', value: false });
});

test('a placeholder passes a check for all rights', () => {
  const { run } = bench();
  run(suballoc('sub', 4));
  expect(run(check(0, 4, 7))).toEqual({ kind: 'flag', value: true });
});

test('MAP-CLAMP: a range is cut to the map before its alignment counts, an inverted one is empty', () => {
  const { run, entry } = bench();
  run(insert(0, 2));
  const low: Operation = {
    kind: 'vm_map_protect',
    map: 'kernel',
    start: address(at(0) - 5),
    end: at(2),
    protection: 1,
    setMax: false,
  };
  expect(run(low)).toEqual(kern(0));
  expect(entry('kernel', 0).protection).toBe(1);
  expect(run({ ...low, start: at(1), end: at(0), protection: 7 })).toEqual(kern(0));
  expect(entry('kernel', 0).protection).toBe(1);
});
