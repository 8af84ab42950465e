import { expect, test } from 'vitest';
import { objectOffset, pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { allocPageable, at, bench, free, insert, malloc, read, suballoc, write } from './bench-machine.ts';

test('OBJ-1: serial numbers count every allocation, also of objects that died within their operation', () => {
  const { run, kernel } = bench();
  run(insert(70, 71, 'anon'));
  run(insert(0, 2));
  run(write(0, 1));
  expect(kernel.cell('object:anon1')).toBeNull();
  expect(kernel.cell('object:anon2')).toMatchObject({ references: 1, size: pages(2) });
});

test('OBJ-2: an entry without object is deleted without one', () => {
  const { run, kernel } = bench();
  run(insert(0, 2));
  run(free(0, 2));
  expect(kernel.snapshot({ contents: false }).objects.map(({ name }) => name)).toEqual(['kernel', 'kmem']);
});

test('OBJ-3: an object that dies frees its pages in the order they came', () => {
  const { run, free: freeFrames } = bench({ managedPages: 4 });
  run(insert(0, 3));
  for (const page of [2, 0, 1]) run(write(page, 1));
  run(free(0, 3));
  expect(freeFrames()).toEqual([3, 0, 1, 2]);
});

test('OBJ-4: every entry that names an object is one reference', () => {
  const { run, object } = bench();
  run(insert(0, 4));
  run(write(0, 1));
  run(free(1, 1));
  expect(object('anon1').references).toBe(2);
  run(free(0, 1));
  expect(object('anon1').references).toBe(1);
});

test('OBJ-5: offsets that wrap around 2^32 are removed with their range', () => {
  const { run, object, kernel } = bench();
  run(suballoc('mb', 2));
  run(suballoc('kmem', 4));
  expect(run(malloc(2, false, 'mb'))).toEqual({ kind: 'address', address: at(0) });
  expect(object('kmem').pages.map(({ offset }) => offset)).toEqual([0xffff_e000, 0xffff_f000]);
  run(free(0, 2, 'mb'));
  expect(object('kmem').pages).toEqual([]);
  expect(kernel.cell('counters').free).toBe(12);
});

test('OBJ-5: pages before the range stay', () => {
  const { run, object } = bench();
  run(suballoc('kmem', 4));
  run(malloc(3));
  run(free(1, 2, 'kmem'));
  expect(object('kmem').pages.map(({ offset }) => offset)).toEqual([0]);
});

test('OBJ-6: growing over a freed tail gives fresh zeroes and frees the old page first', () => {
  const { run, kernel, object, entries } = bench();
  run(allocPageable(2));
  run(write(0, 7));
  run(write(1, 7));
  run(free(1, 1));
  expect(kernel.cell('counters').free).toBe(10);
  run(allocPageable(1));
  expect(entries()).toEqual(['0-2 anon1']);
  expect(kernel.cell('counters').free).toBe(11);
  expect(run(read(1))).toEqual({ kind: 'bytes', bytes: [0] });
  expect(object('anon1').size).toBe(pages(2));
});

test('OBJ-6: an object with two entries is not extended', () => {
  const { run, entries } = bench();
  run(allocPageable(3));
  run(write(0, 7));
  run(free(1, 1));
  run(insert(3, 4));
  expect(entries()).toEqual(['0-1 anon1', '2-3 anon1', '3-4 null']);
});

test('a size that does not fit 32 bits is kept modulo 2^32', () => {
  const { run, object } = bench();
  const backwards: Operation = {
    kind: 'vm_map_insert',
    map: 'kernel',
    object: 'anon',
    offset: objectOffset(0xffff_f000),
    start: at(4),
    end: at(5),
  };
  run(backwards);
  run(insert(5, 6));
  expect(object('anon1').size).toBe(pages(1));
});
