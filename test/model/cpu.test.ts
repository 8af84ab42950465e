import { expect, test } from 'vitest';
import { address } from '../../contract/address.ts';
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
  resume,
  suballoc,
  write,
} from './bench-machine.ts';

const cpuRead = (where: number, length: number): Operation => ({
  kind: 'cpu_read',
  address: address(where),
  length,
});
const cpuWrite = (where: number, bytes: number[]): Operation => ({
  kind: 'cpu_write',
  address: address(where),
  bytes,
});

test('CPU-1: an unmapped address of an entry is faulted in, and one without entry traps', () => {
  const { run } = bench();
  run(insert(4, 5));
  expect(run(cpuRead(at(4), 2))).toEqual({ kind: 'bytes', bytes: [0, 0] });
  expect(run(cpuRead(at(5), 1))).toEqual({ kind: 'trap', code: 1, address: at(5) });
});

test('FAULT-TRAP-1: below the kernel there is no map to fault in', () => {
  const { run } = bench();
  expect(run(cpuRead(0xe000_0000, 1))).toEqual({ kind: 'trap', code: 1, address: 0xe000_0000 });
});

test('a write fault needs WRITE in the entry, a read fault READ', () => {
  const { run } = bench();
  run(insert(4, 5));
  run(protect(4, 5, 1));
  expect(run(cpuWrite(at(4), [1]))).toEqual({ kind: 'trap', code: 2, address: at(4) });
  run(protect(4, 5, 0));
  expect(run(cpuRead(at(4), 1))).toEqual({ kind: 'trap', code: 2, address: at(4) });
});

test('CPU-2: the supervisor writes through a read-only mapping, a checked write does not', () => {
  const { run, kernel } = bench();
  run(insert(4, 5));
  run(cpuRead(at(4), 1));
  run(protect(4, 5, 1));
  expect(run(cpuWrite(at(4), [7]))).toEqual({ kind: 'done' });
  expect(run(write(4, 8))).toEqual({ kind: 'kern', code: 2 });
  expect(run(cpuRead(at(4), 1))).toEqual({ kind: 'bytes', bytes: [7] });
  expect(kernel.cell(`mapping:${at(4)}`)).toMatchObject({ writable: false, dirty: true });
});

test('CPU-3: a read leaves the accessed bit, a write the dirty bit too', () => {
  const { run, kernel } = bench();
  run(insert(4, 6));
  run(cpuRead(at(4), 1));
  run(cpuWrite(at(5), [1]));
  expect(kernel.cell(`mapping:${at(4)}`)).toMatchObject({ accessed: true, dirty: false });
  expect(kernel.cell(`mapping:${at(5)}`)).toMatchObject({ accessed: true, dirty: true });
});

test('CPU-7: bytes before a trapping page stay written, and the trap names its first byte', () => {
  const { run } = bench();
  run(insert(4, 5));
  expect(run(cpuWrite(at(5) - 2, [1, 2, 3]))).toEqual({ kind: 'trap', code: 1, address: at(5) });
  expect(run(cpuRead(at(5) - 2, 2))).toEqual({ kind: 'bytes', bytes: [1, 2] });
});

test('an access that sleeps on its second page goes on there', () => {
  const { run } = bench({ managedPages: 2 });
  run(insert(4, 6));
  run(alloc(1));
  expect(run(cpuWrite(at(5) - 1, [1, 2]))).toEqual({ kind: 'sleep', event: 'pages' });
  run(free(0, 1));
  run(pagedaemon);
  expect(run(resume(3))).toEqual({ kind: 'done' });
  expect(run(cpuRead(at(5) - 1, 2))).toEqual({ kind: 'bytes', bytes: [1, 2] });
});

test('bytes that nobody wrote are marked, also in the middle of a read', () => {
  const { run } = bench();
  run(suballoc('kmem', 4));
  run(malloc(1));
  run(cpuWrite(at(0) + 1, [5]));
  expect(run(cpuRead(at(0), 3))).toEqual({ kind: 'bytes', bytes: [0xa5, 5, 0xa5], undefinedBytes: [0, 2] });
});

test('too long an access, one that wraps, and one into the page-table window are rejected', () => {
  const { run } = bench();
  const unfit = { kind: 'rejected', rule: 'CPU-7' };
  expect(run(cpuRead(at(0), 17))).toEqual(unfit);
  expect(run(cpuWrite(at(0), []))).toEqual(unfit);
  expect(run(cpuRead(0xffff_ffff, 2))).toEqual(unfit);
  expect(run(cpuRead(959 * 0x40_0000, 17))).toEqual(unfit);
  const window = { kind: 'rejected', rule: 'PMAP-REC-1' };
  expect(run(cpuRead(959 * 0x40_0000 - 1, 2))).toEqual(window);
  expect(run(cpuWrite(960 * 0x40_0000 - 1, [1]))).toEqual(window);
});

test('a checked access through a foreign map gives up where its faults do not help', () => {
  const { run } = bench();
  run(suballoc('sub', 4));
  expect(run({ kind: 'checked_read', map: 'sub', address: at(9) })).toEqual({ kind: 'kern', code: 1 });
  expect(run({ kind: 'checked_read', map: 'ghost', address: at(9) })).toEqual({
    kind: 'rejected',
    rule: 'CONV-4',
  });
});
