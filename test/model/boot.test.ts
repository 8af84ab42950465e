import { expect, test } from 'vitest';
import { pages } from '../../contract/address.ts';
import { addressAt, alloc, allocPageable, at, bench, free, wire } from './bench-machine.ts';

test('BOOT-1, BOOT-2: a fresh machine has all frames free in order, one map and nothing else', () => {
  const { kernel } = bench({ managedPages: 4 });
  const { maps, queues, counters, mappings, sched, pools } = kernel.snapshot({ contents: true });
  expect(maps.map(({ name }) => name)).toEqual(['kernel']);
  expect(queues).toEqual({ free: [0, 1, 2, 3], active: [], inactive: [] });
  expect(counters).toEqual({ free: 4, active: 0, inactive: 0, wired: 0 });
  expect(mappings).toEqual([]);
  expect(sched).toEqual({ asleep: [], runnable: [] });
  expect(pools).toEqual({ freeEntries: 40, freeMaps: 9 });
});

test('BOOT-3: the two base objects are there, as long as the map and as configured', () => {
  const { object } = bench();
  expect(object('kernel')).toMatchObject({ references: 1, size: pages(64), pages: [] });
  expect(object('kmem')).toMatchObject({ references: 1, size: 2359296, pages: [] });
});

test('BOOT-4, PMAP-BOOT-1: no boot mapping is counted', () => {
  expect(bench().kernel.cell('pmap:kernel')).toEqual({ references: 1, resident: 0, wired: 0 });
});

test('BOOT-5, KM-INIT-1: the boot entry covers the image, and without an image there is none', () => {
  expect(bench({ kernelStart: at(3) }).entries()).toEqual(['0-3 null']);
  const empty = bench();
  expect(empty.entries()).toEqual([]);
  expect(empty.run(alloc(1))).toEqual(addressAt(0));
});

test('BOOT-6: a reservation over a taken range costs a reference, any other takes an entry', () => {
  const { object, entries } = bench({
    kernelStart: at(4),
    reserved: [
      { start: at(2), length: pages(4) },
      { start: at(6), length: pages(2) },
    ],
  });
  expect(entries()).toEqual(['0-4 null', '6-8 kernel']);
  expect(object('kernel').references).toBe(3);
});

test('BOOT-7: the boot entry grows over a null range, and may be wired and freed', () => {
  const { run, entries } = bench({ kernelStart: at(2) });
  run(allocPageable(2));
  expect(entries()).toEqual(['0-4 null']);
  expect(run(wire(0, 1))).toEqual({ kind: 'kern', code: 0 });
  run(free(0, 64));
  expect(entries()).toEqual([]);
});

test('scratch pages are the first frames, wired and zero, in an object of their own', () => {
  const { kernel, free: freeFrames } = bench({ managedPages: 4, scratchPages: 2 });
  const shown = kernel.snapshot({ contents: true }).objects[2];
  expect(shown).toMatchObject({ name: 'scratch', references: 1, size: pages(2) });
  expect(shown?.pages).toMatchObject([
    { offset: 0, frame: 0, wireCount: 1, contents: 0 },
    { offset: pages(1), frame: 1, wireCount: 1, contents: 0 },
  ]);
  expect(freeFrames()).toEqual([2, 3]);
  expect(kernel.cell('counters').wired).toBe(2);
});
