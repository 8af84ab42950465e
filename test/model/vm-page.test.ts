import { expect, test } from 'vitest';
import { objectOffset, pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import {
  alloc,
  at,
  bench,
  free,
  insert,
  malloc,
  read,
  suballoc,
  unwire,
  wire,
  write,
} from './bench-machine.ts';

const deactivate = (page: number): Operation => ({
  kind: 'vm_page_deactivate',
  map: 'kernel',
  address: at(page),
});

test('PAGE-ALLOC-1: a failed allocation that does not wait leaves the daemon alone', () => {
  const { run, step } = bench({ managedPages: 2, freeMin: 0 });
  run(suballoc('kmem', 8));
  expect(step(malloc(3))).toEqual({ outcome: { kind: 'none' } });
});

test('PAGE-ALLOC-2, PAGE-INS-1: frames are handed out in the order they became free, each to one page', () => {
  const { run, object, free: freeFrames } = bench({ managedPages: 4 });
  run(alloc(2));
  run(free(0, 1));
  run(alloc(1));
  expect(freeFrames()).toEqual([3, 0]);
  expect(object('kernel').pages.map(({ frame }) => frame)).toEqual([1, 2]);
});

test('PAGE-ALLOC-3: the daemon is poked below free_min, and below free_target only with too few inactive pages', () => {
  const low = bench({ managedPages: 4, freeMin: 3 });
  expect(low.step(alloc(1)).daemonPoked).toBeUndefined();
  expect(low.step(alloc(1)).daemonPoked).toBe(true);
  const target = bench({ managedPages: 4, freeTarget: 4, inactiveTarget: 1 });
  expect(target.step(alloc(1)).daemonPoked).toBe(true);
  target.run(insert(10, 11));
  target.run(write(10, 1));
  target.run(deactivate(10));
  expect(target.step(alloc(1)).daemonPoked).toBeUndefined();
});

test('PAGE-LOOKUP-1: the second fault on an offset finds the page of the first', () => {
  const { run, object } = bench();
  run(insert(0, 1, 'anon'));
  run(write(0, 1));
  run({ kind: 'vm_fault', map: 'kernel', address: at(0), protection: 1 });
  expect(object('anon1').pages).toHaveLength(1);
});

test('PAGE-FREE-1: a page freed while wired stays in the wired count for ever', () => {
  const { run, kernel } = bench();
  run(alloc(1));
  const alias: Operation = {
    kind: 'vm_map_insert',
    map: 'kernel',
    object: 'kernel',
    offset: objectOffset(0),
    start: at(4),
    end: at(5),
  };
  run(alias);
  run(free(4, 1));
  expect(kernel.cell('counters')).toMatchObject({ free: 12, wired: 1 });
});

test('a freed frame reads as freed until it is given out zeroed', () => {
  const { run, kernel } = bench({ managedPages: 1 });
  run(suballoc('kmem', 4));
  run(malloc(1));
  expect(run(read(0, 'kmem'))).toEqual({ kind: 'bytes', bytes: [0xa5], undefinedBytes: [0] });
  run(free(0, 1, 'kmem'));
  run(malloc(1));
  expect(run(read(0, 'kmem'))).toEqual({ kind: 'bytes', bytes: [0xdd], undefinedBytes: [0] });
  expect(kernel.snapshot({ contents: true }).objects[1]?.pages).toMatchObject([
    { contents: 0xdd, undefinedContents: true },
  ]);
});

test('PAGE-WIRE-1: the first wiring takes a page off ACTIVE', () => {
  const { run, kernel, object } = bench();
  run(insert(0, 1));
  run(write(0, 1));
  expect(kernel.cell('queue:active')).toEqual([0]);
  run(wire(0, 1));
  expect(kernel.cell('queue:active')).toEqual([]);
  expect(object('anon1').pages).toMatchObject([{ wireCount: 1 }]);
});

test('PAGE-WIRE-2: an inactive nowait page stays where it is when it is unwired', () => {
  const { run, object, kernel } = bench();
  run(suballoc('kmem', 4));
  run(malloc(1));
  run({ kind: 'vm_fault', map: 'kmem', address: at(0), protection: 1 });
  run(deactivate(0));
  expect(kernel.cell('queue:inactive')).toEqual([0]);
  run(unwire(0, 1, 'kmem'));
  expect(object('kmem').pages).toMatchObject([{ queue: 'inactive', wireCount: 0 }]);
  expect(kernel.cell('counters')).toMatchObject({ active: 0, inactive: 1, wired: 0 });
});

test('PAGE-ACT-1: a fault moves a page to the tail of ACTIVE, a wired one to no queue', () => {
  const { run, kernel } = bench();
  run(insert(0, 2));
  run(write(0, 1));
  run(write(1, 1));
  run({ kind: 'vm_fault', map: 'kernel', address: at(0), protection: 1 });
  expect(kernel.cell('queue:active')).toEqual([1, 0]);
  run(alloc(1));
  run({ kind: 'vm_fault', map: 'kernel', address: at(2), protection: 1 });
  expect(kernel.cell('queue:active')).toEqual([1, 0]);
});

test('PAGE-ACT-2: deactivation clears the reference bit and moves to INACTIVE, but only from ACTIVE', () => {
  const { run, kernel } = bench();
  run(insert(0, 1));
  run(write(0, 1));
  expect(run(deactivate(0))).toEqual({ kind: 'flag', value: true });
  expect(kernel.cell('queue:inactive')).toEqual([0]);
  expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ accessed: false, dirty: true });
  run(read(0));
  expect(run(deactivate(0))).toEqual({ kind: 'flag', value: true });
  expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ accessed: true });
  expect(run(deactivate(9))).toEqual({ kind: 'flag', value: false });
});

test('PAGE-FILL-1: memory that was written before its frame was freed reads as zero', () => {
  const { run } = bench({ managedPages: 1 });
  run(alloc(1));
  run(write(0, 9));
  run(free(0, 1));
  run(alloc(1));
  expect(run(read(0))).toEqual({ kind: 'bytes', bytes: [0] });
});

test('contents that are not uniform are shown by their FNV-1a hash', () => {
  const { run, kernel } = bench();
  run(alloc(1));
  run({ kind: 'cpu_write', address: at(0), bytes: [1] });
  const [page] = kernel.snapshot({ contents: true }).objects[0]?.pages ?? [];
  let hash = 0x811c9dc5;
  for (let position = 0; position < pages(1); position += 1)
    hash = Math.imul(hash ^ (position === 0 ? 1 : 0), 0x01000193) >>> 0;
  expect(page?.contents).toBe(`fnv:${hash.toString(16).padStart(8, '0')}`);
});
