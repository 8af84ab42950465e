import { expect, test } from 'vitest';
import { address, bytes, objectOffset, PAGE_SIZE } from '../../contract/address.ts';
import { rejected } from '../../contract/outcome.ts';
import { at } from './machine.ts';
import { bootWithPmaps } from './spaces.ts';

const PAGE = bytes(PAGE_SIZE);
const REFUSED = rejected('PMAP-REL-1');

test('names are taken while their pmap lives, and reserved ones always', () => {
  const { create, run } = bootWithPmaps(['a']);
  for (const name of ['', 'kernel', 'null', 'a']) {
    expect(create(name)).toEqual(rejected('CONV-4'));
    expect(run({ kind: 'pmap_pinit', name })).toEqual(rejected('CONV-4'));
  }
  expect(run({ kind: 'pmap_pinit', name: 'b' })).toEqual({ kind: 'flag', value: true });
  run({ kind: 'pmap_release', pmap: 'a' });
  expect(create('a')).toEqual({ kind: 'done' });
});

test('without room for a directory nothing is created', () => {
  const { run, create, snapshot } = bootWithPmaps([]);
  run({ kind: 'kmem_alloc_pageable', map: 'kernel', size: bytes(48 * PAGE_SIZE) });
  const before = snapshot({ contents: true });
  expect(create('a')).toEqual({ kind: 'none' });
  expect(run({ kind: 'pmap_pinit', name: 'a' })).toEqual({ kind: 'flag', value: false });
  expect(snapshot({ contents: true })).toEqual(before);
});

test('creation sleeps for its page and keeps its name meanwhile', () => {
  const { run, step, create, cell, snapshot, audit } = bootWithPmaps(['a'], { managedPages: 9 });
  expect(step({ kind: 'pmap_pinit', name: 'b' })).toEqual({
    outcome: { kind: 'sleep', event: 'pages' },
    daemonPoked: true,
  });
  expect(create('b')).toEqual(rejected('CONV-4'));
  expect(run({ kind: 'pmap_activate', pmap: 'b' })).toEqual(rejected('CONV-4'));
  expect(cell('spaces').pmaps.map(({ name }) => name)).toEqual(['a']);
  expect(snapshot({ contents: false }).transitions).toEqual([
    { map: 'kernel', start: at(17), end: at(18), state: 'filling', operation: 2 },
  ]);
  // A free that waits for the range must not take the directory that has come to life there.
  expect(run({ kind: 'kmem_free', map: 'kernel', address: at(17), size: PAGE }).kind).toBe('sleep');
  expect(run({ kind: 'vm_map_remove', map: 'kernel', start: at(17), end: at(18) }).kind).toBe('sleep');
  expect(run({ kind: 'pmap_release', pmap: 'a' }).kind).toBe('done');
  run({ kind: 'pagedaemon' });
  expect(step({ kind: 'resume', operation: 2 })).toEqual({
    outcome: { kind: 'flag', value: true },
    woken: [5, 6],
    resumed: 2,
  });
  expect(run({ kind: 'resume', operation: 5 })).toEqual(REFUSED);
  expect(run({ kind: 'resume', operation: 6 })).toEqual(REFUSED);
  expect(cell('spaces').pmaps.map(({ name }) => name)).toEqual(['b']);
  expect(audit()).toEqual([]);
});

test('references count, and the last destroy releases', () => {
  const { run, space, cell, free, snapshot } = bootWithPmaps(['a']);
  run({ kind: 'pmap_reference', pmap: 'a' });
  expect(space('a')?.references).toBe(2);
  run({ kind: 'pmap_destroy', pmap: 'a' });
  expect(space('a')?.references).toBe(1);
  expect(run({ kind: 'pmap_destroy', pmap: 'a' })).toEqual({ kind: 'done' });
  expect(cell('spaces')).toEqual({ current: 'kernel', pmaps: [] });
  expect(cell('object:pte:a')).toBeNull();
  expect(free().at(-1)).toBe(8);
  expect(snapshot({ contents: false }).maps[0]?.entryCount).toBe(1);
});

test('pm_count stops at 32767', () => {
  const { run, space } = bootWithPmaps(['a']);
  for (let count = 1; count < 32767; count++) run({ kind: 'pmap_reference', pmap: 'a' });
  expect(run({ kind: 'pmap_reference', pmap: 'a' })).toEqual(rejected('PMAP-REF-1'));
  expect(space('a')?.references).toBe(32767);
});

test('of the kernel pmap only what pmap_reference gave can be destroyed', () => {
  const { run, cell } = bootWithPmaps([]);
  run({ kind: 'vm_map_create', name: 'm', min: at(0), max: at(1), pageable: true });
  expect(run({ kind: 'pmap_destroy', pmap: 'kernel' })).toEqual(rejected('PMAP-REF-1'));
  run({ kind: 'pmap_reference', pmap: 'kernel' });
  expect(cell('pmap:kernel')?.references).toBe(3);
  expect(run({ kind: 'pmap_destroy', pmap: 'kernel' })).toEqual({ kind: 'done' });
  expect(run({ kind: 'pmap_destroy', pmap: 'kernel' })).toEqual(rejected('PMAP-REF-1'));
  expect(cell('pmap:kernel')?.references).toBe(2);
});

test('the kernel pmap, the current one and one with mappings are not released', () => {
  const { run, enter, remove, activate } = bootWithPmaps(['a']);
  const release = (pmap: string) => run({ kind: 'pmap_release', pmap });
  expect(release('kernel')).toEqual(REFUSED);
  activate('a');
  expect(release('a')).toEqual(REFUSED);
  expect(run({ kind: 'pmap_destroy', pmap: 'a' })).toEqual(REFUSED);
  activate('kernel');
  enter('a', 0x1000);
  expect(release('a')).toEqual(REFUSED);
  remove('a', 0, 0x2000);
  run({ kind: 'pmap_reference', pmap: 'a' });
  expect(release('a')).toEqual({ kind: 'done' });
});

test('whatever would free the page of a live directory is refused before it does anything', () => {
  const { run, step, snapshot } = bootWithPmaps([]);
  run({ kind: 'kmem_alloc_pageable', map: 'kernel', size: PAGE });
  run({ kind: 'pmap_create', name: 'a', size: bytes(0) });
  run({ kind: 'vm_map_create', name: 'm', min: at(16), max: at(20), pageable: true });
  // The same page of kernel_object through another map and at another address.
  const offset = objectOffset(16 * PAGE_SIZE);
  run({ kind: 'vm_map_insert', map: 'm', object: 'kernel', offset, start: at(18), end: at(20) });
  run({ kind: 'vm_map_deallocate', map: 'none' });
  const before = snapshot({ contents: true });
  const free = { map: 'kernel', address: at(16), size: bytes(2 * PAGE_SIZE) } as const;
  expect(run({ kind: 'kmem_free', ...free })).toEqual(REFUSED);
  expect(step({ kind: 'kmem_free_wakeup', ...free })).toEqual({ outcome: REFUSED });
  expect(run({ kind: 'vm_map_remove', map: 'kernel', start: at(0), end: at(64) })).toEqual(REFUSED);
  expect(run({ kind: 'vm_map_delete', map: 'kernel', start: at(17), end: at(18) })).toEqual(REFUSED);
  expect(run({ kind: 'vm_map_deallocate', map: 'm' })).toEqual(REFUSED);
  expect(run({ kind: 'vm_map_delete', map: 'm', start: at(19), end: at(20) })).toEqual(REFUSED);
  expect(snapshot({ contents: true })).toEqual(before);
  // What is refused anyway, or covers other offsets, keeps its own answer.
  const crooked = address(at(17) + 1);
  expect(run({ kind: 'vm_map_remove', map: 'kernel', start: crooked, end: at(18) })).toEqual({
    kind: 'kern',
    code: 4,
  });
  expect(run({ kind: 'vm_map_delete', map: 'm', start: at(18), end: at(19) })).toEqual({
    kind: 'kern',
    code: 0,
  });
  run({ kind: 'pmap_release', pmap: 'a' });
  expect(run({ kind: 'vm_map_deallocate', map: 'm' })).toEqual({ kind: 'done' });
});

test('a write that reaches a directory is refused, a read and a second filling are not', () => {
  const { run, read, write, tablesOf, cell, audit } = bootWithPmaps(['a']);
  const refused = rejected('PMAP-PINIT-1');
  const before = tablesOf('a');
  expect(write(at(16), [1])).toEqual(refused);
  expect(run({ kind: 'checked_write', map: 'kernel', address: at(16), byte: 1 })).toEqual(refused);
  expect(cell(`mapping:${at(16)}`)).toMatchObject({ accessed: false, dirty: false });
  expect(read(at(16), { length: 4 })).toEqual({ kind: 'bytes', bytes: [0, 0, 0, 0] });
  // Even through a cached translation that says dirty.
  run({ kind: 'pmap_change_wiring', address: at(16), wired: false });
  run({ kind: 'pmap_update' });
  read(at(16));
  expect(write(at(16), [1])).toEqual(refused);
  run({ kind: 'pmap_remove', start: at(16), end: at(17) });
  expect(run({ kind: 'checked_write', map: 'kernel', address: at(16), byte: 1 })).toEqual(refused);
  expect(tablesOf('a')).toEqual(before);

  run({ kind: 'vm_map_create', name: 'm', min: at(16), max: at(20), pageable: true });
  expect(run({ kind: 'kmem_alloc', map: 'm', size: PAGE })).toEqual({ kind: 'address', address: at(16) });
  expect(tablesOf('a')).toEqual(before);
  expect(audit()).toEqual([]);
});

test('a write that runs into a directory writes nothing, and a user’s traps at its first byte', () => {
  const { run, write, read } = bootWithPmaps([]);
  run({ kind: 'kmem_alloc', map: 'kernel', size: PAGE });
  run({ kind: 'pmap_create', name: 'a', size: bytes(0) });
  expect(write(at(17) - 1, [7, 8])).toEqual(rejected('PMAP-PINIT-1'));
  expect(read(at(17) - 1)).toEqual({ kind: 'bytes', bytes: [0] });
  expect(write(at(17) - 1, [7, 8], 'user')).toMatchObject({ kind: 'trap', address: at(17) - 1 });
});

test('a release that meets a transition waits as kmem_free does, with the pmap already gone', () => {
  const { run, cell, create } = bootWithPmaps(['a'], { managedPages: 9 });
  run({
    kind: 'vm_map_insert',
    map: 'kernel',
    object: 'null',
    offset: objectOffset(0),
    start: at(17),
    end: at(18),
  });
  expect(
    run({ kind: 'vm_map_pageable', map: 'kernel', start: at(16), end: at(18), pageable: false }).kind,
  ).toBe('sleep');
  expect(run({ kind: 'pmap_release', pmap: 'a' })).toEqual({ kind: 'sleep', event: 'trans:kernel' });
  expect(cell('spaces').pmaps).toEqual([]);
  expect(create('a').kind).toBe('sleep');
});
