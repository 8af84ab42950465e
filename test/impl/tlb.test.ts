import { expect, test } from 'vitest';
import { address, bytes, PAGE_SIZE } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { rejected } from '../../contract/outcome.ts';
import { at } from './machine.ts';
import { bootWithPmaps, FIRST_MANAGED, FRAME, OTHER } from './spaces.ts';

/** A machine whose pmap `a` is current, maps scratch page 0 at 0x1000, and has read and written there. */
function warm() {
  const machine = bootWithPmaps(['a']);
  machine.enter('a', 0x1000);
  machine.activate('a');
  machine.write(0x1000, [1]);
  return machine;
}

test('an access caches its translation, a write marks it dirty, a second access needs no walk', () => {
  const { tlb, enter, activate, read, write, space } = bootWithPmaps(['a']);
  enter('a', 0x1000);
  activate('a');
  expect(tlb()).toEqual([]);
  const entry = { address: 0x1000, frame: FIRST_MANAGED, user: true, writable: true };
  read(0x1000);
  expect(tlb()).toEqual([{ ...entry, dirty: false }]);
  expect(space('a')?.mappings[0]).toMatchObject({ accessed: true, dirty: false });
  write(0x1ffc, [1, 2, 3, 4]);
  expect(tlb()).toEqual([{ ...entry, dirty: true }]);
  expect(space('a')?.mappings[0]?.dirty).toBe(true);
  read(at(16));
  expect(tlb()[1]).toEqual({
    address: at(16),
    frame: FIRST_MANAGED + 8,
    user: false,
    writable: true,
    dirty: false,
  });
});

test('what fails is not cached and sets no bit', () => {
  const { tlb, enter, activate, read, write, space, pageTables } = bootWithPmaps(['a']);
  enter('a', 0x1000, { protection: 1 });
  activate('a');
  const before = pageTables();
  read(0x2000);
  read(0x2000, { mode: 'user' });
  write(0x1000, [1], 'user');
  read(at(16), { mode: 'user' });
  expect(tlb()).toEqual([]);
  expect(pageTables()).toEqual(before);
  expect(space('a')?.mappings[0]).toMatchObject({ accessed: false, dirty: false });
});

test('a checked access caches too, and goes through what is cached', () => {
  const { tlb, run } = bootWithPmaps([]);
  run({ kind: 'kmem_alloc', map: 'kernel', size: bytes(PAGE_SIZE) });
  run({ kind: 'checked_write', map: 'kernel', address: at(16), byte: 7 });
  expect(tlb()).toEqual([
    { address: at(16), frame: FIRST_MANAGED + 8, user: false, writable: true, dirty: true },
  ]);
  expect(run({ kind: 'checked_read', map: 'kernel', address: at(16) })).toEqual({
    kind: 'bytes',
    bytes: [7],
  });
});

test('a checked access never uses what a user pmap maps', () => {
  const { read, run } = warm();
  expect(read(0x1000)).toEqual({ kind: 'bytes', bytes: [1] });
  expect(run({ kind: 'checked_read', map: 'kernel', address: address(0x1000) })).toEqual({
    kind: 'kern',
    code: 1,
  });
});

const range = { pmap: 'a', start: address(0), end: address(0x2000) } as const;
const entering = { kind: 'pmap_enter', pmap: 'a', address: address(0x1000), wired: false } as const;

const FLUSHING: readonly (readonly [string, Operation])[] = [
  ['pmap_update', { kind: 'pmap_update' }],
  ['pmap_activate', { kind: 'pmap_activate', pmap: 'a' }],
  ['pmap_create', { kind: 'pmap_create', name: 'b', size: bytes(0) }],
  ['pmap_enter of another frame', { ...entering, frame: OTHER, protection: 7 }],
  ['pmap_enter with fewer rights', { ...entering, frame: FRAME, protection: 1 }],
  ['pmap_enter without READ', { ...entering, frame: FRAME, protection: 2 }],
  ['pmap_remove', { kind: 'pmap_remove', ...range }],
  ['pmap_protect', { kind: 'pmap_protect', ...range, protection: 1 }],
  ['pmap_page_protect', { kind: 'pmap_page_protect', frame: FRAME, protection: 1 }],
  ['pmap_page_protect to nothing', { kind: 'pmap_page_protect', frame: FRAME, protection: 0 }],
  ['pmap_clear_modify', { kind: 'pmap_clear_modify', frame: FRAME }],
  ['pmap_clear_reference', { kind: 'pmap_clear_reference', frame: FRAME }],
];

test.each(FLUSHING)('%s leaves nothing cached', (_, operation) => {
  const { run, tlb, audit } = warm();
  expect(tlb()).toHaveLength(1);
  expect(run(operation)).toEqual({ kind: 'done' });
  expect(tlb()).toEqual([]);
  expect(audit()).toEqual([]);
});

const KEEPING: readonly (readonly [string, Operation])[] = [
  ['pmap_enter of what is there', { ...entering, frame: FRAME, protection: 7 }],
  ['a fresh pmap_enter', { ...entering, address: address(0x5000), frame: FRAME, protection: 7 }],
  [
    'pmap_remove of nothing',
    { kind: 'pmap_remove', pmap: 'a', start: address(0x2000), end: address(0x8000) },
  ],
  ['pmap_protect with WRITE', { kind: 'pmap_protect', ...range, protection: 3 }],
  ['pmap_change_wiring', { kind: 'pmap_change_wiring', pmap: 'a', address: address(0x1000), wired: false }],
  ['pmap_extract', { kind: 'pmap_extract', pmap: 'a', address: address(0x1000) }],
];

test.each(KEEPING)('%s flushes nothing', (_, operation) => {
  const { run, tlb, audit } = warm();
  run(operation);
  expect(tlb()).toHaveLength(1);
  expect(audit()).toEqual([]);
});

test('after clearing D a write sets it again', () => {
  const { run, write } = warm();
  run({ kind: 'pmap_clear_modify', frame: FRAME });
  write(0x1000, [2]);
  expect(run({ kind: 'pmap_is_modified', frame: FRAME })).toEqual({ kind: 'flag', value: true });
});

test('eviction drops a range and nothing else', () => {
  const { enter, read, run, tlb, snapshot } = warm();
  enter('a', 0x2000);
  enter('a', 0x3000, { frame: OTHER });
  read(0x2ffe, { length: 4 });
  expect(tlb().map((entry) => entry.address)).toEqual([0x1000, 0x2000, 0x3000]);
  const before = snapshot({ contents: true });
  const evict = (start: number, end: number) =>
    run({ kind: 'tlb_evict', start: address(start), end: address(end) });
  expect(evict(0x2000, 0x2000)).toEqual({ kind: 'done' });
  expect(tlb()).toHaveLength(3);
  expect(evict(0x2000, 0x3000)).toEqual({ kind: 'done' });
  expect(tlb().map((entry) => entry.address)).toEqual([0x1000, 0x3000]);
  expect(snapshot({ contents: true })).toEqual(before);
  for (const [start, end] of [
    [1, 0x1000],
    [0, 0xfff],
    [0x2000, 0x1000],
  ] as const)
    expect(evict(start, end)).toEqual(rejected('CPU-4'));
  evict(0, 0xffff_f000);
  expect(tlb()).toEqual([]);
});

test('a page table that goes takes its translations with it, also from the current pmap', () => {
  const { remove, read, tlb, audit } = warm();
  remove('a', 0, 0xefc0_0000);
  expect(read(0x1000)).toEqual({ kind: 'trap', code: 1, address: 0x1000 });
  expect(tlb()).toEqual([]);
  expect(audit()).toEqual([]);
});

test('an operation that sleeps leaves no stale translation behind', () => {
  const { run, enter, activate, write, free, audit, tlb } = bootWithPmaps(['a'], { managedPages: 12 });
  enter('a', 0x1000);
  activate('a');
  run({ kind: 'kmem_alloc_pageable', map: 'kernel', size: bytes(4 * PAGE_SIZE) });
  write(at(17), [1]);
  expect(free()).toEqual([11]);
  // The first byte takes the last page, the second sleeps.
  expect(write(at(19) - 1, [1, 2]).kind).toBe('sleep');
  expect(tlb().map((entry) => entry.address)).toEqual([at(17), at(18)]);
  run({ kind: 'kmem_free', map: 'kernel', address: at(17), size: bytes(4 * PAGE_SIZE) });
  expect(tlb()).toEqual([]);
  run({ kind: 'pagedaemon' });
  expect(run({ kind: 'resume', operation: 6 })).toEqual({ kind: 'trap', code: 1, address: at(19) });
  expect(audit()).toEqual([]);
});
