import { expect, test } from 'vitest';
import { addressAt, at, bench, insert, malloc, read, suballoc, unwire, write } from './bench-machine.ts';

const none = { kind: 'none' };

const withKmem = (changes = {}) => {
  const machine = bench(changes);
  machine.run(suballoc('kmem', 8));
  return machine;
};

test('KM-MALLOC-1: another map stops the machine even for no size, mb without kmem is rejected', () => {
  const { run } = bench();
  run(suballoc('mb', 2));
  expect(run(malloc(1, false, 'mb'))).toEqual({ kind: 'rejected', rule: 'PRE-KM-MALLOC-1' });
  expect(run(malloc(0, false, 'kernel'))).toEqual({
    kind: 'panic',
    text: 'kern_malloc_alloc: map != {kmem,mb}_map',
  });
});

test('KM-MALLOC-2: no room is nothing for one who may not wait, and the end for one who may', () => {
  const { run } = withKmem();
  expect(run(malloc(9))).toEqual(none);
  expect(run(malloc(0, true))).toEqual(none);
  expect(run(malloc(9, true))).toEqual({ kind: 'panic', text: 'kmem_malloc: map too small' });
});

test('KM-MALLOC-3: offsets count from the start of the kmem map', () => {
  const { run, entry } = bench();
  run(insert(0, 3));
  run(suballoc('kmem', 8));
  run(malloc(1));
  run(malloc(1, true));
  expect(entry('kmem', 3)).toMatchObject({
    start: at(3),
    end: at(5),
    offset: 0,
    backing: { object: 'kmem' },
  });
});

test('KM-MALLOC-4: one who waits gets wired zeroes', () => {
  const { run, object } = withKmem();
  expect(run(malloc(1, true))).toEqual(addressAt(0));
  expect(object('kmem').pages).toMatchObject([{ wireCount: 1 }]);
  expect(run(read(0, 'kmem'))).toEqual({ kind: 'bytes', bytes: [0] });
});

test('KM-MALLOC-5: one frame short, all go back from the highest offset down', () => {
  const { run, free: freeFrames, kernel } = withKmem({ managedPages: 3 });
  expect(run(malloc(4))).toEqual(none);
  expect(freeFrames()).toEqual([2, 1, 0]);
  expect(kernel.cell('map:kmem')).toMatchObject({ size: 0, entryCount: 0 });
});

test('KM-MALLOC-5: a page that was there before goes back in its turn, and loses its other mapping', () => {
  const { run, free: freeFrames, kernel } = withKmem({ managedPages: 3 });
  const alias = insert(40, 41, 'kmem', 'kernel', 4096);
  run(alias);
  run(write(40, 7));
  expect(run(malloc(4))).toEqual(none);
  expect(freeFrames()).toEqual([2, 0, 1]);
  expect(kernel.cell(`mapping:${at(40)}`)).toBeNull();
});

test('KM-MALLOC-6: pages are mapped wired, uncounted, on no queue and not zeroed', () => {
  const { run, object, entry, kernel } = withKmem();
  expect(run(malloc(2))).toEqual(addressAt(0));
  expect(entry('kmem', 0).wiredCount).toBe(1);
  expect(object('kmem').pages).toMatchObject([
    { wireCount: 0, queue: 'none' },
    { wireCount: 0, queue: 'none' },
  ]);
  expect(kernel.cell('counters')).toMatchObject({ free: 10, wired: 0 });
  expect(kernel.cell('pmap:kernel')).toMatchObject({ resident: 2, wired: 2 });
});

test('KM-MALLOC-7: blocks of both kinds merge, and unwiring treats each page as its own', () => {
  const { run, object, entries } = withKmem();
  run(malloc(1));
  run(malloc(1, true));
  expect(entries('kmem')).toEqual(['0-2 kmem']);
  expect(run(unwire(0, 2, 'kmem'))).toEqual({ kind: 'kern', code: 0 });
  expect(object('kmem').pages).toMatchObject([
    { wireCount: 0, queue: 'active' },
    { wireCount: 0, queue: 'active' },
  ]);
});
