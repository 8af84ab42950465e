import { expect, test } from 'vitest';
import { address, bytes, frameNumber, PAGE_SIZE } from '../../contract/address.ts';
import { PANIC, panic, rejected } from '../../contract/outcome.ts';
import { PG_N, PG_P, PG_RW, PG_U, PG_W } from '../../contract/pmap.ts';
import { at } from './machine.ts';
import { bootWithPmaps, DEVICE, FIRST_MANAGED, OTHER, word } from './spaces.ts';

const LINE = 0x40_0000;

test('a new pmap has a directory from kmem_alloc, with the kernel slots, itself and nothing else', () => {
  const { tablesOf, cell, snapshot, space, audit, free } = bootWithPmaps(['a']);
  expect(tablesOf('a')).toEqual({
    pmap: 'a',
    directoryFrame: FIRST_MANAGED + 8,
    directory: [
      { slot: 959, word: word(8, PG_P | PG_RW) },
      { slot: 960, word: word(-1, PG_P | PG_RW) },
    ],
    tables: [],
    holds: [],
    records: [],
  });
  expect(cell(`mapping:${at(16)}`)).toEqual({
    address: at(16),
    frame: 8,
    writable: true,
    wired: true,
    accessed: false,
    dirty: false,
  });
  expect(space('a')).toEqual({ name: 'a', references: 1, resident: 0, wired: 0, tables: 0, mappings: [] });
  expect(cell('spaces').current).toBe('kernel');
  expect(snapshot({ contents: false }).objects.map(({ name }) => name)).toEqual([
    'kernel',
    'kmem',
    'scratch',
    'pte:a',
  ]);
  expect(cell('object:pte:a')).toMatchObject({ references: 1, size: LINE, pages: [] });
  expect(free()[0]).toBe(9);
  expect(audit()).toEqual([]);
});

test('the first mapping of a 4 MiB line takes the head of FREE, and the last one gives it to the tail', () => {
  const { enter, remove, tablesOf, free, cell, space, audit } = bootWithPmaps(['a']);
  enter('a', 0x1000);
  expect(tablesOf('a')?.directory[0]).toEqual({ slot: 0, word: word(9, PG_P | PG_RW | PG_U) });
  expect(tablesOf('a')?.tables).toEqual([{ address: 0x1000, word: word(0, PG_P | PG_RW | PG_U) }]);
  expect(cell('object:pte:a')?.pages).toEqual([
    { offset: 0, frame: 9, wireCount: 1, busy: false, wanted: false, queue: 'none' },
  ]);
  expect(cell('counters')).toMatchObject({ free: 14, active: 0, wired: 10 });
  enter('a', 0x3000, { frame: DEVICE, protection: 1, wired: true });
  enter('a', 3 * LINE, { frame: OTHER, protection: 5 });
  expect(tablesOf('a')?.holds).toEqual([
    { slot: 0, hold: 2 },
    { slot: 3, hold: 1 },
  ]);
  expect(tablesOf('a')?.records).toEqual([
    { address: 0x1000, frame: 0 },
    { address: 3 * LINE, frame: 1 },
  ]);
  expect(tablesOf('a')?.tables.slice(1)).toEqual([
    { address: 0x3000, word: word(DEVICE, PG_P | PG_U | PG_N | PG_W) },
    { address: 3 * LINE, word: word(1, PG_P | PG_U) },
  ]);
  expect(space('a')).toMatchObject({ resident: 3, wired: 1, tables: 2 });
  expect(cell('pmap:kernel')).toMatchObject({ resident: 1, wired: 1 });
  expect([cell('pv:0'), cell('pv:8')]).toEqual([[], [at(16)]]);

  remove('a', 0, 0x2000);
  expect(tablesOf('a')?.holds[0]).toEqual({ slot: 0, hold: 1 });
  expect(free().at(-1)).toBe(23);
  remove('a', 0, 0xefc0_0000);
  expect(free()).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 9, 10]);
  expect(tablesOf('a')?.directory.map(({ slot }) => slot)).toEqual([959, 960]);
  expect(cell('counters')).toMatchObject({ active: 0, wired: 9 });
  expect(space('a')).toMatchObject({ resident: 0, wired: 0, tables: 0 });
  expect(audit()).toEqual([]);
});

test('replacing the only frame of a line keeps its page table, and no READ gives it back', () => {
  const { enter, tablesOf, free, space, audit } = bootWithPmaps(['a']);
  enter('a', 0x1000);
  enter('a', 0x1000, { frame: OTHER });
  expect(tablesOf('a')?.directory[0]?.word).toBe(word(9, PG_P | PG_RW | PG_U));
  expect(tablesOf('a')?.tables).toEqual([{ address: 0x1000, word: word(1, PG_P | PG_RW | PG_U) }]);
  expect(free()).toHaveLength(14);
  enter('a', 0x1000, { protection: 2 });
  expect(free().at(-1)).toBe(9);
  enter('a', 0x1000, { protection: 4 });
  expect(space('a')).toMatchObject({ resident: 0, tables: 0 });
  expect(audit()).toEqual([]);
});

test('a line that needs a page table while none is free panics; without READ it needs none', () => {
  const { enter, run, pageTables, cell, step } = bootWithPmaps(['a'], { managedPages: 9 });
  expect(cell('queue:free')).toEqual([]);
  expect(enter('a', 0x1000, { protection: 0, frame: frameNumber(0) })).toEqual({ kind: 'done' });
  const before = pageTables();
  const last = step({
    kind: 'pmap_enter',
    pmap: 'a',
    address: address(0x1000),
    frame: frameNumber(0),
    protection: 7,
    wired: false,
  });
  expect(last.outcome).toEqual(panic(PANIC.noPageTablePage));
  expect(pageTables()).toEqual(before);
  expect(run({ kind: 'pmap_update' })).toEqual(panic(PANIC.noPageTablePage));
});

test('taking a page table pokes the daemon as any allocation does', () => {
  const { step } = bootWithPmaps(['a'], { freeMin: 15 });
  const enter = {
    kind: 'pmap_enter',
    pmap: 'a',
    address: address(0),
    frame: frameNumber(0),
    protection: 1,
    wired: false,
  } as const;
  expect(step(enter).daemonPoked).toBe(true);
  expect(step({ ...enter, address: address(0x5000) }).daemonPoked).toBeUndefined();
});

test('a removal over a gibibyte of emptiness looks at tables, not at pages', () => {
  const { enter, remove, space, free, audit } = bootWithPmaps(['a']);
  enter('a', 0);
  enter('a', 0x4000_0000);
  const start = performance.now();
  for (let i = 0; i < 200; i++) remove('a', PAGE_SIZE, 0x4000_0000);
  // 52 million pages: page by page this takes far longer than a second.
  expect(performance.now() - start).toBeLessThan(1000);
  expect(space('a')).toMatchObject({ resident: 2, tables: 2 });
  remove('a', 0, 0xefbf_f000);
  expect(free().slice(-2)).toEqual([9, 10]);
  expect(audit()).toEqual([]);
});

test('protecting, wiring and extracting go to the pmap that is named', () => {
  const { enter, run, space } = bootWithPmaps(['a', 'b']);
  enter('a', 0x1000, { wired: true });
  enter('b', 0x1000, { frame: OTHER });
  run({ kind: 'pmap_protect', pmap: 'a', start: address(0), end: address(0x2000), protection: 1 });
  run({ kind: 'pmap_change_wiring', pmap: 'a', address: address(0x1004), wired: false });
  expect(space('a')).toMatchObject({
    wired: 0,
    mappings: [{ address: 0x1000, frame: 0, writable: false, wired: false, accessed: false, dirty: true }],
  });
  expect(space('b')?.mappings[0]).toMatchObject({ frame: 1, writable: true, dirty: false });
  const extract = (pmap: string) => run({ kind: 'pmap_extract', pmap, address: address(0x1004) });
  expect(extract('b')).toEqual({ kind: 'frame', frame: 1, offset: 4 });
  expect(extract('kernel')).toEqual({ kind: 'none' });
  run({ kind: 'pmap_protect', pmap: 'b', start: address(0), end: address(0x2000), protection: 0 });
  expect(extract('b')).toEqual({ kind: 'none' });
  expect(space('b')?.tables).toBe(0);
  // The kernel's own addresses are out of a user pmap's reach.
  expect(run({ kind: 'pmap_extract', pmap: 'a', address: at(16) })).toEqual({ kind: 'none' });
  run({ kind: 'pmap_remove', pmap: 'a', start: at(0), end: at(64) });
  expect(run({ kind: 'pmap_extract', address: at(16) })).toMatchObject({ frame: 8 });
});

test('what is done to a frame reaches all pmaps, and their empty tables go back by age and slot', () => {
  const { enter, run, space, free, cell, audit } = bootWithPmaps(['a', 'b']);
  enter('b', 0x1000);
  enter('a', 2 * LINE);
  enter('a', LINE);
  enter('a', 3 * LINE);
  run({ kind: 'pmap_kenter', address: at(8), frame: frameNumber(0) });
  const ask = (kind: 'pmap_is_modified' | 'pmap_is_referenced') => run({ kind, frame: frameNumber(0) });
  run({ kind: 'pmap_activate', pmap: 'b' });
  run({ kind: 'cpu_write', address: address(0x1000), bytes: [1] });
  run({ kind: 'pmap_activate', pmap: 'kernel' });
  expect(ask('pmap_is_modified')).toEqual({ kind: 'flag', value: true });
  run({ kind: 'pmap_clear_modify', frame: frameNumber(0) });
  expect(ask('pmap_is_modified')).toEqual({ kind: 'flag', value: false });
  expect(ask('pmap_is_referenced')).toEqual({ kind: 'flag', value: true });
  run({ kind: 'pmap_clear_reference', frame: frameNumber(0) });
  expect(ask('pmap_is_referenced')).toEqual({ kind: 'flag', value: false });
  run({ kind: 'pmap_page_protect', frame: frameNumber(0), protection: 5 });
  for (const name of ['a', 'b']) expect(space(name)?.mappings.some(({ writable }) => writable)).toBe(false);
  run({ kind: 'pmap_page_protect', frame: frameNumber(0), protection: 0 });
  expect([space('a')?.resident, space('b')?.resident, cell('pv:0')]).toEqual([0, 0, []]);
  // b took frame 10, a then 11 (slot 2), 12 (slot 1) and 13 (slot 3).
  expect(free().slice(-4)).toEqual([12, 11, 13, 10]);
  expect(audit()).toEqual([]);
});

test('the order of refusals: null, name, too high, reach, frame', () => {
  const { enter } = bootWithPmaps(['a']);
  const nowhere = frameNumber(0xdead);
  expect(enter('null', 0xffff_f000, { frame: nowhere })).toEqual({ kind: 'done' });
  expect(enter('b', 0x1000)).toEqual(rejected('CONV-4'));
  expect(enter('a', 0xefbf_e000, { frame: nowhere })).toEqual(rejected('PMAP-ENTER-1'));
  expect(enter('a', 0xf000_0000)).toEqual(rejected('PMAP-ENTER-1'));
  expect(enter('a', 0xefbf_dfff, { frame: nowhere })).toEqual(rejected('CONV-4'));
  expect(enter('a', 0xefbf_dfff, { frame: frameNumber(8) })).toEqual(rejected('PAGE-FREE-1'));
  expect(enter('a', 0xefbf_dfff)).toEqual({ kind: 'done' });
  expect(enter('a', 0xffc0_0000, { frame: nowhere })).toEqual(panic(PANIC.enterTooBig));
});

test('nothing happens to the null pmap, and an unknown one is refused', () => {
  const { run, snapshot } = bootWithPmaps([]);
  const before = snapshot({ contents: true });
  const crooked = address(1);
  const on = (pmap: string) => [
    run({ kind: 'pmap_reference', pmap }),
    run({ kind: 'pmap_destroy', pmap }),
    run({ kind: 'pmap_release', pmap }),
    run({ kind: 'pmap_remove', pmap, start: crooked, end: crooked }),
    run({ kind: 'pmap_protect', pmap, start: crooked, end: crooked, protection: 8 as 0 }),
    run({ kind: 'pmap_change_wiring', pmap, address: crooked, wired: true }),
  ];
  expect(new Set(on('null').map(({ kind }) => kind))).toEqual(new Set(['done']));
  for (const outcome of on('a')) expect(outcome).toEqual(rejected('CONV-4'));
  expect(run({ kind: 'pmap_extract', pmap: 'null', address: crooked })).toEqual({ kind: 'none' });
  expect(run({ kind: 'pmap_activate', pmap: 'null' })).toEqual(rejected('CONV-4'));
  expect(run({ kind: 'pmap_activate', pmap: 'a' })).toEqual(rejected('CONV-4'));
  expect(snapshot({ contents: true })).toEqual(before);
});

test('pages of a kernel map that begins low leave less to users', () => {
  const low = address(8 * LINE);
  const { enter, tablesOf, audit } = bootWithPmaps(['a'], {
    kernelMin: low,
    kernelStart: address(low + 16 * PAGE_SIZE),
    kernelMax: address(low + 2 * LINE),
    scratchWindow: null,
  });
  expect(enter('a', low)).toEqual(rejected('PMAP-ENTER-1'));
  expect(enter('a', low - 1)).toEqual({ kind: 'done' });
  expect(tablesOf('a')?.directory.map(({ slot }) => slot)).toEqual([7, 8, 9, 959]);
  expect(audit()).toEqual([]);
});

test('size other than 0 creates nothing', () => {
  const { run, snapshot } = bootWithPmaps([]);
  const before = snapshot({ contents: true });
  expect(run({ kind: 'pmap_create', name: 'a', size: bytes(1) })).toEqual({ kind: 'none' });
  expect(snapshot({ contents: true })).toEqual(before);
});
