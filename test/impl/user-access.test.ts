import { expect, test } from 'vitest';
import { address, bytes, objectOffset, PAGE_SIZE } from '../../contract/address.ts';
import { at } from './machine.ts';
import { bootWithPmaps, OTHER } from './spaces.ts';

const REFUSES = 2;
const NOTHING = 1;
const trap = (code: number, va: number) => ({ kind: 'trap', code, address: va });

/** Pmap `a` is current: read-only at 0x1000, writable at 0x2000, nothing at 0x3000. */
function user() {
  const machine = bootWithPmaps(['a', 'b']);
  machine.enter('a', 0x1000, { protection: 1 });
  machine.enter('a', 0x2000, { frame: OTHER, protection: 3 });
  machine.enter('b', 0x3000, { frame: OTHER });
  machine.activate('a');
  return machine;
}

test('user mode reads what it may, and traps tell a refusal from nothing', () => {
  const { read, write } = user();
  expect(read(0x1ffe, { mode: 'user', length: 4 })).toEqual({ kind: 'bytes', bytes: [0, 0, 0, 0] });
  expect(write(0x1000, [1], 'user')).toEqual(trap(REFUSES, 0x1000));
  expect(read(0x3000, { mode: 'user' })).toEqual(trap(NOTHING, 0x3000));
  expect(read(4 * 0x40_0000, { mode: 'user' })).toEqual(trap(NOTHING, 4 * 0x40_0000));
  expect(read(at(16), { mode: 'user' })).toEqual(trap(REFUSES, at(16)));
  expect(write(at(16), [1], 'user')).toEqual(trap(REFUSES, at(16)));
  expect(read(at(40), { mode: 'user' })).toEqual(trap(NOTHING, at(40)));
  expect(read(0xffff_fff0, { mode: 'user' })).toEqual(trap(NOTHING, 0xffff_fff0));
});

test('user mode never faults anything in', () => {
  const { run, read, snapshot } = user();
  run({ kind: 'kmem_alloc_pageable', map: 'kernel', size: bytes(PAGE_SIZE) });
  const before = snapshot({ contents: true });
  expect(read(at(18), { mode: 'user' })).toEqual(trap(NOTHING, at(18)));
  expect(snapshot({ contents: true })).toEqual(before);
});

test('bytes before the page that traps stay written', () => {
  const { read, write } = user();
  expect(write(0x2fff, [8, 9], 'user')).toEqual(trap(NOTHING, 0x3000));
  expect(read(0x2ffe, { mode: 'user', length: 2 })).toEqual({ kind: 'bytes', bytes: [0, 8] });
});

test('the supervisor ignores R/W and U/S, and traps below the kernel map where nothing is mapped', () => {
  const { read, write, space } = user();
  expect(write(0x1ffe, [1, 2, 3])).toEqual({ kind: 'done' });
  expect(read(0x1ffe, { length: 3 })).toEqual({ kind: 'bytes', bytes: [1, 2, 3] });
  expect(space('a')?.mappings.map(({ dirty }) => dirty)).toEqual([true, true]);
  expect(write(0x2fff, [1, 2])).toEqual(trap(NOTHING, 0x3000));
  expect(read(0xefbf_ffff)).toEqual(trap(NOTHING, 0xefbf_ffff));
});

test('a dirty translation that the supervisor left is no leave for the user', () => {
  const { read, write } = user();
  write(0x1000, [1]);
  read(at(16));
  expect(write(0x1000, [2], 'user')).toEqual(trap(REFUSES, 0x1000));
  expect(read(at(16), { mode: 'user' })).toEqual(trap(REFUSES, at(16)));
  expect(read(0x1000, { mode: 'user' })).toEqual({ kind: 'bytes', bytes: [1] });
});

test('kernel memory is the same in every pmap, and is faulted in through any of them', () => {
  const { run, read, write, activate, audit } = user();
  run({ kind: 'kmem_alloc_pageable', map: 'kernel', size: bytes(2 * PAGE_SIZE) });
  expect(write(at(19) - 1, [5, 6])).toEqual({ kind: 'done' });
  activate('b');
  expect(read(at(19) - 1, { length: 2 })).toEqual({ kind: 'bytes', bytes: [5, 6] });
  expect(read(0x1000)).toEqual(trap(NOTHING, 0x1000));
  expect(read(0x3000)).toEqual({ kind: 'bytes', bytes: [0] });
  activate('kernel');
  expect(read(0x3000, { mode: 'user' })).toEqual(trap(NOTHING, 0x3000));
  expect(run({ kind: 'checked_read', map: 'kernel', address: at(18) }).kind).toBe('bytes');
  expect(audit()).toEqual([]);
});

test('mapping a page in two pmaps shares its bytes', () => {
  const { write, read, activate, cell } = user();
  write(0x2004, [7], 'user');
  activate('b');
  expect(read(0x3004, { mode: 'user' })).toEqual({ kind: 'bytes', bytes: [7] });
  expect(cell('spaces').current).toBe('b');
});

test('a user access announces that its pmap changed', () => {
  const { read, touched } = user();
  read(0x1000, { mode: 'user' });
  expect(touched()).toEqual(['spaces']);
  read(0x1000, { mode: 'user' });
  expect(touched()).toEqual([]);
});

test('below the kernel map a map of its own helps no CPU access', () => {
  const { run, read } = user();
  run({ kind: 'vm_map_create', name: 'm', min: address(0x3000), max: address(0x5000), pageable: true });
  run({
    kind: 'vm_map_insert',
    map: 'm',
    object: 'null',
    offset: objectOffset(0),
    start: address(0x3000),
    end: address(0x4000),
  });
  expect(read(0x3000)).toEqual(trap(NOTHING, 0x3000));
});
