import { expect, test } from 'vitest';
import { address, pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import {
  alloc,
  at,
  bench,
  insert,
  malloc,
  pagedaemon,
  protect,
  resume,
  suballoc,
  unwire,
  wire,
  write,
} from './bench-machine.ts';

const kern = (code: number) => ({ kind: 'kern', code });

test('MAP-PAGE-1: a range that starts in a hole is an invalid address and changes nothing', () => {
  const { run, entries } = bench();
  run(insert(4, 8));
  expect(run(wire(3, 5))).toEqual(kern(1));
  expect(run(unwire(8, 8))).toEqual(kern(1));
  expect(entries()).toEqual(['4-8 null']);
});

test('an unaligned range is refused before the hole at its start is noticed', () => {
  const { run } = bench();
  const range: Operation = {
    kind: 'vm_map_pageable',
    map: 'kernel',
    start: address(at(3) + 1),
    end: at(5),
    pageable: false,
  };
  expect(run(range)).toEqual(kern(4));
});

test('MAP-PAGE-2: unwiring refuses an unwired entry, keeps the split at its start, and lowers no count', () => {
  const { run, entries, entry } = bench();
  run(insert(4, 8));
  run(wire(4, 6));
  expect(run(unwire(5, 8))).toEqual(kern(4));
  expect(entries()).toEqual(['4-5 anon1', '5-6 anon1', '6-8 anon1']);
  expect(entry('kernel', 5).wiredCount).toBe(1);
  expect(run(unwire(5, 6))).toEqual(kern(0));
  expect(entry('kernel', 5).wiredCount).toBe(0);
  expect(entry('kernel', 4).wiredCount).toBe(1);
});

test('unwiring a range with a hole is refused', () => {
  const { run } = bench();
  run(alloc(3));
  run({ kind: 'kmem_free', map: 'kernel', address: at(1), size: pages(1) });
  expect(run(unwire(0, 3))).toEqual(kern(4));
});

test('MAP-PAGE-3, MAP-SUB-3: an empty range is wired at once, a range with a placeholder is refused untouched', () => {
  const { run, entries } = bench();
  run(insert(0, 2, 'kernel'));
  run(suballoc('sub', 2));
  expect(run(wire(1, 1))).toEqual(kern(0));
  expect(run(wire(1, 3))).toEqual(kern(4));
  expect(run(unwire(2, 3))).toEqual(kern(4));
  expect(entries()).toEqual(['0-2 kernel', '2-4 submap sub']);
});

test('MAP-PAGE-4: at a hole the counts come back, the splits and the object of the whole entry stay', () => {
  const { run, entries, entry, object } = bench();
  run(insert(4, 8));
  expect(run(wire(6, 9))).toEqual(kern(4));
  expect(entries()).toEqual(['4-6 anon1', '6-8 anon1']);
  expect(entry('kernel', 6)).toMatchObject({ wiredCount: 0, offset: pages(2) });
  expect(object('anon1').size).toBe(pages(4));
  expect(object('anon1').pages).toEqual([]);
});

test('MAP-PAGE-5, MAP-PAGE-6: every page of the range is faulted in wired, and only once', () => {
  const { run, object, kernel } = bench();
  run(insert(4, 7));
  expect(run(wire(4, 6))).toEqual(kern(0));
  expect(run(wire(4, 6))).toEqual(kern(0));
  expect(object('anon1').pages).toMatchObject([
    { offset: 0, frame: 0, wireCount: 1, queue: 'none' },
    { offset: pages(1), frame: 1, wireCount: 1, queue: 'none' },
  ]);
  expect(kernel.cell(`mapping:${at(5)}`)).toMatchObject({ frame: 1, wired: true, writable: true });
  expect(kernel.cell('counters').wired).toBe(2);
});

test('MAP-PAGE-7: a second wirer of a range waits until the first has its pages', () => {
  const { run, step, object } = bench({ managedPages: 1 });
  run(insert(4, 6));
  expect(run(wire(4, 6))).toEqual({ kind: 'sleep', event: 'pages' });
  const first = 2;
  expect(run(wire(5, 6))).toEqual({ kind: 'sleep', event: 'trans:kernel' });
  run(pagedaemon);
  expect(run(resume(first))).toEqual({ kind: 'sleep', event: 'pages' });
  expect(object('anon1').pages).toMatchObject([{ offset: 0, wireCount: 1 }]);
  expect(step(resume(3)).outcome).toEqual({ kind: 'rejected', rule: 'SCHED-2' });
});

test('unwiring leaves the page mapped, written to, and active', () => {
  const { run, kernel, object } = bench();
  run(insert(4, 5));
  run(wire(4, 5));
  run(unwire(4, 5));
  expect(kernel.cell(`mapping:${at(4)}`)).toMatchObject({ wired: false, dirty: true });
  expect(object('anon1').pages).toMatchObject([{ wireCount: 0, queue: 'active' }]);
  expect(kernel.cell('counters')).toMatchObject({ active: 1, wired: 0 });
});

test('FAULT-UNW-1: a wired page whose mapping was taken away is unwired all the same', () => {
  const { run, object } = bench();
  run(alloc(1));
  run(protect(0, 1, 0));
  expect(run(unwire(0, 1))).toEqual(kern(0));
  expect(object('kernel').pages).toMatchObject([{ wireCount: 0, queue: 'active' }]);
});

test('FAULT-WIRE-1: wiring memory without READ brings its pages in and maps nothing usable', () => {
  const { run, object, kernel } = bench();
  run(insert(4, 6));
  run(protect(4, 6, 0));
  expect(run(wire(4, 6))).toEqual(kern(0));
  expect(object('anon1').pages).toHaveLength(2);
  expect(kernel.cell(`mapping:${at(4)}`)).toBeNull();
  expect(kernel.cell('pmap:kernel')).toMatchObject({ resident: 0, wired: 0 });
});

test('unwiring a nowait page makes it active, and wiring it again counts it', () => {
  const { run, object } = bench();
  run(suballoc('kmem', 8));
  run(malloc(1));
  run(unwire(0, 1, 'kmem'));
  expect(object('kmem').pages).toMatchObject([{ wireCount: 0, queue: 'active' }]);
  run(wire(0, 1, 'kmem'));
  expect(object('kmem').pages).toMatchObject([{ wireCount: 1, queue: 'none' }]);
});

test('a page is written through a mapping that wiring made', () => {
  const { run } = bench();
  run(insert(4, 5));
  run(wire(4, 5));
  expect(run(write(4, 9))).toEqual(kern(0));
  expect(run({ kind: 'checked_read', map: 'kernel', address: at(4) })).toEqual({ kind: 'bytes', bytes: [9] });
});
