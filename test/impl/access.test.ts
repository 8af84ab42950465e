import { expect, test } from 'vitest';
import { bytes as byteCount, objectOffset, PAGE_SIZE, type VirtualAddress } from '../../contract/address.ts';
import { at, bootSmall } from './machine.ts';

const inPage = (page: number, offset: number) => (at(page) + offset) as VirtualAddress;

/** A machine with two pageable pages at the first free address. */
function withTwoPages() {
  const machine = bootSmall();
  machine.run({ kind: 'kmem_alloc_pageable', map: 'kernel', size: byteCount(2 * PAGE_SIZE) });
  return machine;
}

test('a write across two pages faults in both and reads back', () => {
  const { run, cell } = withTwoPages();
  const address = inPage(16, PAGE_SIZE - 2);
  expect(run({ kind: 'cpu_write', address, bytes: [1, 2, 3, 4] })).toEqual({ kind: 'done' });
  expect(run({ kind: 'cpu_read', address, length: 5 })).toEqual({ kind: 'bytes', bytes: [1, 2, 3, 4, 0] });
  expect(cell(`mapping:${at(17)}`)).toMatchObject({ accessed: true, dirty: true });
});

test('a trap on the second page leaves the bytes on the first written', () => {
  const { run } = withTwoPages();
  const address = inPage(17, PAGE_SIZE - 1);
  expect(run({ kind: 'cpu_write', address, bytes: [9, 9] })).toEqual({
    kind: 'trap',
    code: 1,
    address: at(18),
  });
  expect(run({ kind: 'cpu_read', address, length: 1 })).toEqual({ kind: 'bytes', bytes: [9] });
});

test('an access below the kernel map has nowhere to fault', () => {
  const { run } = bootSmall();
  const address = 0x1000 as VirtualAddress;
  expect(run({ kind: 'cpu_read', address, length: 1 })).toEqual({ kind: 'trap', code: 1, address });
});

test('a supervisor write ignores a read-only mapping but not a read-only entry', () => {
  const { run } = withTwoPages();
  run({ kind: 'cpu_read', address: at(16), length: 1 });
  run({
    kind: 'vm_map_protect',
    map: 'kernel',
    start: at(16),
    end: at(18),
    protection: 1,
    setMax: false,
  });
  expect(run({ kind: 'cpu_write', address: at(16), bytes: [7] })).toEqual({ kind: 'done' });
  expect(run({ kind: 'cpu_write', address: at(17), bytes: [7] })).toMatchObject({ kind: 'trap', code: 2 });
  expect(run({ kind: 'checked_write', map: 'kernel', address: at(16), byte: 8 })).toEqual({
    kind: 'kern',
    code: 2,
  });
  expect(run({ kind: 'checked_read', map: 'kernel', address: at(16) })).toEqual({
    kind: 'bytes',
    bytes: [7],
  });
});

test('an access that sleeps on its second page keeps what it did on the first', () => {
  const { run, step, snapshot } = bootSmall({ managedPages: 10 });
  run({ kind: 'kmem_alloc', map: 'kernel', size: byteCount(PAGE_SIZE) });
  run({ kind: 'kmem_alloc_pageable', map: 'kernel', size: byteCount(2 * PAGE_SIZE) });
  const address = inPage(17, PAGE_SIZE - 1);
  expect(step({ kind: 'cpu_write', address, bytes: [5, 6] })).toEqual({
    outcome: { kind: 'sleep', event: 'pages' },
    daemonPoked: true,
  });
  expect(run({ kind: 'cpu_read', address, length: 1 })).toEqual({ kind: 'bytes', bytes: [5] });
  run({ kind: 'cpu_write', address, bytes: [1] });
  run({ kind: 'kmem_free', map: 'kernel', address: at(16), size: byteCount(PAGE_SIZE) });
  expect(snapshot({ contents: false }).sched).toEqual({
    asleep: [{ operation: 3, event: 'pages' }],
    runnable: [],
  });
  expect(step({ kind: 'pagedaemon' })).toEqual({ outcome: { kind: 'done' }, woken: [3] });
  expect(step({ kind: 'resume', operation: 3 })).toEqual({ outcome: { kind: 'done' }, resumed: 3 });
  expect(run({ kind: 'cpu_read', address, length: 2 })).toEqual({ kind: 'bytes', bytes: [1, 6] });
});

test('a checked write raises a read-only mapping when the entry allows it', () => {
  const { run, cell } = withTwoPages();
  run({ kind: 'checked_read', map: 'kernel', address: at(16) });
  run({ kind: 'pmap_protect', start: at(16), end: at(17), protection: 1 });
  expect(cell(`mapping:${at(16)}`)?.writable).toBe(false);
  expect(run({ kind: 'checked_write', map: 'kernel', address: at(16), byte: 3 })).toEqual({
    kind: 'kern',
    code: 0,
  });
  expect(cell(`mapping:${at(16)}`)).toMatchObject({ writable: true, dirty: true });
});

test('a checked access through a map that refuses it answers the code of the fault', () => {
  const { run } = withTwoPages();
  run({ kind: 'vm_map_create', name: 'low', min: at(40), max: at(44), pageable: true });
  run({
    kind: 'vm_map_insert',
    map: 'low',
    object: 'anon',
    offset: objectOffset(0),
    start: at(40),
    end: at(44),
  });
  run({ kind: 'vm_map_protect', map: 'low', start: at(40), end: at(44), protection: 0, setMax: false });
  expect(run({ kind: 'checked_read', map: 'low', address: at(40) })).toEqual({ kind: 'kern', code: 2 });
});

test.each([
  [0xefbf_ffff, 2, 'PMAP-REC-1'],
  [0xf000_0000 - PAGE_SIZE, 16, 'PMAP-REC-1'],
  [0xffff_ffff, 2, 'CPU-7'],
  [0xf000_0000, 0, 'CPU-7'],
  [0xf000_0000, 17, 'CPU-7'],
])('a CPU read at %i of %i bytes breaks an obligation', (address, length, rule) => {
  expect(bootSmall().run({ kind: 'cpu_read', address: address as VirtualAddress, length })).toEqual({
    kind: 'rejected',
    rule,
  });
});

test('a CPU access may touch the recursive window from either side', () => {
  const below = (0xefc0_0000 - 1) as VirtualAddress;
  expect(bootSmall().run({ kind: 'cpu_read', address: below, length: 1 }).kind).toBe('trap');
  expect(bootSmall().run({ kind: 'cpu_write', address: at(0), bytes: [1] }).kind).toBe('done');
});
