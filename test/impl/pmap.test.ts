import { expect, test } from 'vitest';
import { frameNumber, PAGE_SIZE } from '../../contract/address.ts';
import { PANIC, panic } from '../../contract/outcome.ts';
import { PG_A, PG_D, PG_N, PG_P, PG_RW, PG_W } from '../../contract/pmap.ts';
import { at, bootSmall } from './machine.ts';

const SCRATCH = frameNumber(0);
const OTHER_SCRATCH = frameNumber(1);
const DEVICE = frameNumber(24);

type Machine = ReturnType<typeof bootSmall>;

/** The low bits of the only PTE in the tables. */
const onlyPte = ({ pageTables }: Machine) => {
  const { tables } = pageTables();
  expect(tables).toHaveLength(1);
  return (tables[0]?.word ?? 0) % PAGE_SIZE;
};

const enter = ({ run }: Machine, protection: number, frame = SCRATCH, wired = false) =>
  run({ kind: 'pmap_enter', address: at(8), frame, protection, wired });

test('at boot the directory names itself and one table for each line of the map, and no PTE is set', () => {
  const { directoryFrame, directory, tables } = bootSmall().pageTables();
  expect(directory).toEqual([
    { slot: 959, word: directoryFrame * PAGE_SIZE + (PG_P | PG_RW) },
    { slot: 960, word: (directoryFrame + 1) * PAGE_SIZE + (PG_P | PG_RW) },
  ]);
  expect(tables).toEqual([]);
});

test('a PTE says what the mapping allows: frame, R/W, W, and not cacheable for device frames', () => {
  const machine = bootSmall();
  enter(machine, 3);
  expect(onlyPte(machine)).toBe(PG_P | PG_RW);
  enter(machine, 1, SCRATCH, true);
  expect(onlyPte(machine)).toBe(PG_P | PG_W);
  enter(machine, 7, DEVICE);
  expect(onlyPte(machine)).toBe(PG_P | PG_RW | PG_N);
  const { tables, firstManagedFrame } = machine.pageTables();
  expect(Math.floor((tables[0]?.word ?? 0) / PAGE_SIZE)).toBe(firstManagedFrame + DEVICE);
});

test.each([0, 2, 4, 6])(
  'protection %i, which lacks READ, leaves no PTE, not even an old one',
  (protection) => {
    const machine = bootSmall();
    enter(machine, 7, SCRATCH, true);
    enter(machine, protection);
    expect(machine.pageTables().tables).toEqual([]);
    expect(machine.cell('pmap:kernel')).toMatchObject({ resident: 0, wired: 0 });
    expect(machine.cell('pv:0')).toEqual([]);
  },
);

test('entering the same frame again keeps A and D; another frame starts afresh', () => {
  const machine = bootSmall();
  enter(machine, 7);
  machine.run({ kind: 'cpu_write', address: at(8), bytes: [1] });
  enter(machine, 1);
  expect(onlyPte(machine)).toBe(PG_P | PG_A | PG_D);
  machine.run({ kind: 'pmap_kenter', address: at(8), frame: SCRATCH });
  expect(onlyPte(machine)).toBe(PG_P | PG_RW | PG_W | PG_A | PG_D);
  enter(machine, 7, OTHER_SCRATCH);
  expect(onlyPte(machine)).toBe(PG_P | PG_RW);
  expect([machine.cell('pv:0'), machine.cell('pv:1')]).toEqual([[], [at(8)]]);
});

test('statistics count each mapping once, and wired ones only while W is set', () => {
  const machine = bootSmall();
  enter(machine, 7, SCRATCH, true);
  machine.run({ kind: 'pmap_kenter', address: at(9), frame: SCRATCH });
  machine.run({ kind: 'pmap_kenter', address: at(9), frame: DEVICE });
  expect(machine.cell('pmap:kernel')).toMatchObject({ resident: 2, wired: 2 });
  machine.run({ kind: 'pmap_change_wiring', address: at(9), wired: false });
  machine.run({ kind: 'pmap_change_wiring', address: at(9), wired: false });
  expect(machine.cell('pmap:kernel')).toMatchObject({ resident: 2, wired: 1 });
  machine.run({ kind: 'pmap_remove', start: at(0), end: at(64) });
  expect(machine.cell('pmap:kernel')).toMatchObject({ resident: 0, wired: 0 });
});

test('unwiring sets D, wiring does not, and an absent PTE stays 0', () => {
  const machine = bootSmall();
  enter(machine, 7);
  machine.run({ kind: 'pmap_change_wiring', address: at(8), wired: true });
  expect(onlyPte(machine)).toBe(PG_P | PG_RW | PG_W);
  machine.run({ kind: 'pmap_change_wiring', address: at(8), wired: false });
  expect(onlyPte(machine)).toBe(PG_P | PG_RW | PG_D);
  machine.run({ kind: 'pmap_change_wiring', address: at(9), wired: false });
  expect(machine.pageTables().tables).toHaveLength(1);
});

test('protection of a range or a page is only ever lowered', () => {
  const machine = bootSmall();
  enter(machine, 1);
  machine.run({ kind: 'pmap_enter', address: at(9), frame: SCRATCH, protection: 7, wired: false });
  machine.run({ kind: 'pmap_protect', start: at(0), end: at(64), protection: 7 });
  expect(machine.cell(`mapping:${at(8)}`)?.writable).toBe(false);
  machine.run({ kind: 'pmap_page_protect', frame: SCRATCH, protection: 7 });
  expect(machine.cell(`mapping:${at(9)}`)?.writable).toBe(true);
  machine.run({ kind: 'pmap_protect', start: at(9), end: at(10), protection: 5 });
  expect(machine.cell(`mapping:${at(9)}`)?.writable).toBe(false);
  machine.run({ kind: 'pmap_page_protect', frame: SCRATCH, protection: 0 });
  expect(machine.snapshot({ contents: false }).mappings).toEqual([]);
});

test('a page without WRITE loses R/W in every mapping, with READ or EXECUTE alone', () => {
  for (const protection of [1, 4, 5]) {
    const machine = bootSmall();
    enter(machine, 7);
    machine.run({ kind: 'pmap_enter', address: at(9), frame: SCRATCH, protection: 7, wired: false });
    machine.run({ kind: 'pmap_page_protect', frame: SCRATCH, protection });
    expect(machine.snapshot({ contents: false }).mappings.map(({ writable }) => writable)).toEqual([
      false,
      false,
    ]);
  }
});

test('modified and referenced are the union over all mappings of a page, and false for device frames', () => {
  const machine = bootSmall();
  enter(machine, 7);
  machine.run({ kind: 'pmap_enter', address: at(9), frame: SCRATCH, protection: 7, wired: false });
  machine.run({ kind: 'cpu_write', address: at(9), bytes: [1] });
  const ask = (kind: 'pmap_is_modified' | 'pmap_is_referenced', frame = SCRATCH) =>
    machine.run({ kind, frame });
  expect(ask('pmap_is_modified')).toEqual({ kind: 'flag', value: true });
  machine.run({ kind: 'pmap_clear_modify', frame: SCRATCH });
  expect(ask('pmap_is_modified')).toEqual({ kind: 'flag', value: false });
  expect(ask('pmap_is_referenced')).toEqual({ kind: 'flag', value: true });
  machine.run({ kind: 'pmap_clear_reference', frame: SCRATCH });
  expect(ask('pmap_is_referenced')).toEqual({ kind: 'flag', value: false });
  machine.run({ kind: 'pmap_kenter', address: at(10), frame: DEVICE });
  machine.run({ kind: 'cpu_write', address: at(10), bytes: [1] });
  expect(ask('pmap_is_modified', DEVICE)).toEqual({ kind: 'flag', value: false });
  machine.run({ kind: 'pmap_clear_modify', frame: DEVICE });
  machine.run({ kind: 'pmap_clear_reference', frame: DEVICE });
  machine.run({ kind: 'pmap_page_protect', frame: DEVICE, protection: 0 });
  expect(machine.cell(`mapping:${at(10)}`)).toMatchObject({ accessed: true, dirty: true });
});

test('extract tells frame and offset, or nothing', () => {
  const machine = bootSmall();
  enter(machine, 1);
  expect(machine.run({ kind: 'pmap_extract', address: (at(8) + 5) as ReturnType<typeof at> })).toEqual({
    kind: 'frame',
    frame: SCRATCH,
    offset: 5,
  });
  expect(machine.run({ kind: 'pmap_extract', address: at(9) })).toEqual({ kind: 'none' });
  expect(machine.run({ kind: 'pmap_extract', address: 0xeffb_f000 as ReturnType<typeof at> })).toEqual({
    kind: 'none',
  });
});

test('entering too high, or where no page table is, panics before the frame is looked at', () => {
  const nowhere = 0xdead as typeof SCRATCH;
  const enterAt = (address: number) =>
    bootSmall().run({
      kind: 'pmap_enter',
      address: address as ReturnType<typeof at>,
      frame: nowhere,
      protection: 7,
      wired: false,
    });
  expect(enterAt(0xffc0_0000)).toEqual(panic(PANIC.enterTooBig));
  expect(enterAt(0xffbf_f000)).toEqual(panic(PANIC.invalidPageDirectory));
  expect(enterAt(0xffbf_f001)).toEqual(panic(PANIC.invalidPageDirectory));
  expect(enterAt(0xefc0_0000)).toEqual(panic(PANIC.invalidPageDirectory));
  expect(enterAt(at(8))).toEqual({ kind: 'rejected', rule: 'CONV-4' });
});

test('only frames that the harness owns may be entered, zeroed or copied', () => {
  const machine = bootSmall();
  const alien = frameNumber(8);
  expect(enter(machine, 7, alien)).toEqual({ kind: 'rejected', rule: 'PAGE-FREE-1' });
  expect(machine.run({ kind: 'pmap_zero_page', frame: alien })).toEqual({
    kind: 'rejected',
    rule: 'PMAP-ZERO-1',
  });
  for (const [from, to] of [
    [alien, SCRATCH],
    [SCRATCH, alien],
  ] as const)
    expect(machine.run({ kind: 'pmap_copy_page', from, to })).toEqual({
      kind: 'rejected',
      rule: 'PMAP-ZERO-1',
    });
  expect(machine.touched()).toEqual([]);
});

test('zeroing and copying frames changes their contents and no mapping', () => {
  const machine = bootSmall();
  machine.run({ kind: 'pmap_kenter', address: at(8), frame: DEVICE });
  machine.run({ kind: 'pmap_copy_page', from: DEVICE, to: SCRATCH });
  const scratch = () => machine.snapshot({ contents: true }).objects.find(({ name }) => name === 'scratch');
  expect(scratch()?.pages[0]?.contents).toBe(0xa5);
  machine.run({ kind: 'pmap_zero_page', frame: SCRATCH });
  expect(scratch()?.pages[0]?.contents).toBe(0);
  expect(machine.run({ kind: 'pmap_update' })).toEqual({ kind: 'done' });
  expect(machine.snapshot({ contents: false }).mappings).toHaveLength(1);
});

test('range operations across 4 MiB lines visit every mapped page and skip the empty lines', () => {
  const far = (0xf000_0000 + 3 * 0x40_0000) as ReturnType<typeof at>;
  const machine = bootSmall({
    kernelStart: far,
    kernelMax: (far + PAGE_SIZE) as typeof far,
    scratchWindow: null,
  });
  const last = (far - PAGE_SIZE) as typeof far;
  for (const address of [at(1), last, far]) machine.run({ kind: 'pmap_kenter', address, frame: SCRATCH });
  machine.run({ kind: 'pmap_remove', start: at(0), end: far });
  expect(machine.snapshot({ contents: false }).mappings.map(({ address }) => address)).toEqual([far]);
  expect(machine.audit()).toEqual([]);
});

test('ranges with unaligned or crossed bounds are rejected', () => {
  const { run } = bootSmall();
  const crooked = (at(8) + 1) as ReturnType<typeof at>;
  for (const [start, end] of [
    [crooked, at(9)],
    [at(8), crooked],
    [at(9), at(8)],
  ] as const) {
    expect(run({ kind: 'pmap_remove', start, end }).kind).toBe('rejected');
    expect(run({ kind: 'pmap_protect', start, end, protection: 1 }).kind).toBe('rejected');
  }
  expect(run({ kind: 'pmap_protect', start: at(8), end: at(9), protection: 8 }).kind).toBe('rejected');
});
