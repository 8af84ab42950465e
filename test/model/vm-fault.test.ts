import { expect, test } from 'vitest';
import { address, pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import {
  alloc,
  at,
  bench,
  free,
  insert,
  malloc,
  pagedaemon,
  protect,
  read,
  resume,
  suballoc,
  write,
} from './bench-machine.ts';

const kern = (code: number) => ({ kind: 'kern', code });
const fault = (page: number, protection: number, map = 'kernel'): Operation => ({
  kind: 'vm_fault',
  map,
  address: address(at(page) + 123),
  protection,
});

test('FAULT-1, FAULT-9: a fault maps the page around the address and makes it active', () => {
  const { run, kernel } = bench();
  run(insert(0, 1));
  expect(run(fault(0, 1))).toEqual(kern(0));
  expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({
    frame: 0,
    writable: true,
    wired: false,
    accessed: false,
  });
  expect(kernel.cell('queue:active')).toEqual([0]);
});

test('FAULT-2: a hole, a weaker protection and a submap each decide in their own way', () => {
  const { run, kernel } = bench();
  run(suballoc('sub', 4));
  run(insert(1, 2, 'null', 'sub'));
  run(protect(0, 4, 1));
  expect(run(fault(0, 1))).toEqual(kern(1));
  expect(run(fault(1, 3))).toEqual(kern(0));
  expect(kernel.cell('object:anon1')).toMatchObject({ size: pages(1) });
  run({ kind: 'vm_map_protect', map: 'sub', start: at(1), end: at(2), protection: 1, setMax: false });
  expect(run(fault(1, 3))).toEqual(kern(2));
});

test('FAULT-3: a fault on a wired entry maps wired, and a nowait page becomes active nevertheless', () => {
  const { run, kernel } = bench();
  run(suballoc('kmem', 4));
  run(malloc(1));
  run(fault(0, 1, 'kmem'));
  expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ wired: true });
  expect(kernel.cell('queue:active')).toEqual([0]);
});

test('FAULT-4: the first touch gives the whole entry an object', () => {
  const { run, entry } = bench();
  run(insert(4, 8));
  run(fault(6, 1));
  expect(entry('kernel', 4)).toMatchObject({ backing: { object: 'anon1' }, offset: 0, end: at(8) });
});

test('FAULT-6: a resident page keeps its frame and contents', () => {
  const { run, kernel } = bench();
  run(insert(0, 1));
  run(write(0, 9));
  run(protect(0, 1, 0));
  run(protect(0, 1, 7));
  expect(kernel.cell(`mapping:${at(0)}`)).toBeNull();
  expect(run(read(0))).toEqual({ kind: 'bytes', bytes: [9] });
});

test('FAULT-7: without a frame a fault sleeps, leaves its object behind, and starts over when woken', () => {
  const { run, step, kernel } = bench({ managedPages: 1 });
  run(insert(4, 5));
  run(alloc(1));
  expect(step(read(4))).toEqual({ outcome: { kind: 'sleep', event: 'pages' }, daemonPoked: true });
  expect(kernel.cell('object:anon1')).toMatchObject({ references: 1, pages: [] });
  run(pagedaemon);
  expect(run(resume(3))).toEqual({ kind: 'sleep', event: 'pages' });
  run(free(4, 1));
  run(pagedaemon);
  expect(run(resume(3))).toEqual(kern(1));
});

test('FAULT-10: a fault on a correct mapping leaves its bits', () => {
  const { run, kernel } = bench();
  run(insert(0, 1));
  run(write(0, 9));
  run(fault(0, 3));
  expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ accessed: true, dirty: true });
  expect(run(read(0))).toEqual({ kind: 'bytes', bytes: [9] });
});

test('FAULT-5: a map that is emptied under a sleeping fault is not held by it', () => {
  const { run, kernel } = bench({ managedPages: 1 });
  run(alloc(1));
  run(insert(4, 5));
  run(fault(4, 1));
  run(free(4, 1));
  expect(kernel.cell('object:anon1')).toBeNull();
});
