import { describe, expect, test } from 'vitest';
import { address, frameNumber } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { alloc, at, bench, insert, read } from './bench-machine.ts';
import {
  cpuRead,
  cpuWrite,
  create,
  done,
  enter,
  LINE,
  none,
  onPmap,
  pageProtect,
  protectPart,
  rejected,
  remove,
  scratch,
  shown,
  space,
  withPmap,
} from './bench-pmap.ts';

/** VM_MAXUSER_ADDRESS: the end of user addresses on this machine. */
const END = 0xefbf_e000;

describe('entering into a user pmap', () => {
  test('PMAP-ENTER-1: the null pmap comes first, then the address, then the frame', () => {
    const machine = withPmap();
    const { run } = machine;
    const before = shown(machine);
    expect(run(enter('null', 0xffff_f000, 99))).toEqual(done);
    expect(run(enter('ghost', 0xffff_f000, 99))).toEqual(rejected('CONV-4'));
    expect(run(enter('a', END, 99))).toEqual(rejected('PMAP-ENTER-1'));
    expect(run(enter('a', at(8), 0))).toEqual(rejected('PMAP-ENTER-1'));
    expect(run(enter('a', 0, 14))).toEqual(rejected('CONV-4'));
    expect(run(enter('a', 0, 2))).toEqual(rejected('PAGE-FREE-1'));
    expect(shown(machine)).toEqual(before);
    expect(run(enter('a', END - 1, 0))).toEqual(done);
    expect(run(enter('a', 0xffc0_0000, 99))).toEqual({ kind: 'panic', text: 'pmap_enter: toobig' });
  });

  test('where the kernel begins lower, user addresses end lower, below the recursive slot', () => {
    const low = { kernelMin: address(0xc000_0000), kernelStart: address(0xc000_8000) };
    const { run } = scratch({ ...low, scratchWindow: null });
    run(create('a'));
    expect(run(enter('a', 0xbfbf_f000, 0))).toEqual(done);
    expect(run(enter('a', 0xbfc0_0000, 0))).toEqual(rejected('PMAP-ENTER-1'));
  });

  test('PMAP-ENTER-2: without READ nothing is mapped, and what was mapped goes with its table', () => {
    const machine = withPmap();
    const { run } = machine;
    expect(run(enter('a', 0, 0, 6))).toEqual(done);
    expect(space(machine, 'a')).toMatchObject({ resident: 0, tables: 0 });
    run(enter('a', 0, 0));
    run(enter('a', 0, 0, 4));
    expect(space(machine, 'a')).toMatchObject({ resident: 0, tables: 0, mappings: [] });
    expect(machine.free()).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 3]);
  });

  test('PMAP-ENTER-3: the same frame again keeps the bits that the processor set', () => {
    const machine = withPmap();
    const { run } = machine;
    run(enter('a', 0, 0));
    run(onPmap('pmap_activate', 'a'));
    run(cpuWrite(0, [1], 'user'));
    run(enter('a', 5, 0, 1, true));
    const kept = { address: 0, frame: 0, writable: false, wired: true, accessed: true, dirty: true };
    expect(space(machine, 'a')).toMatchObject({ resident: 1, wired: 1, mappings: [kept] });
  });

  test('PMAP-ENTER-4: the only mapping of a table changes its frame and the table stays, with no frame free', () => {
    const machine = withPmap();
    const { run, object } = machine;
    run(enter('a', 0, 0));
    run(onPmap('pmap_activate', 'a'));
    run(cpuWrite(0, [1], 'user'));
    run(alloc(8));
    expect(run(enter('a', 0, 1))).toEqual(done);
    expect(object('pte:a').pages).toMatchObject([{ offset: 0, frame: 3, wireCount: 1 }]);
    expect(space(machine, 'a')).toMatchObject({
      resident: 1,
      mappings: [{ frame: 1, accessed: false, dirty: false }],
    });
  });
});

describe('the other operations on a user pmap', () => {
  test('no name, or kernel, means the kernel pmap', () => {
    const { run, kernel } = withPmap();
    run(enter('kernel', at(0), 0));
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ frame: 0 });
    expect(run({ kind: 'pmap_extract', address: at(0) })).toMatchObject({ frame: 0 });
    expect(run({ kind: 'pmap_extract', pmap: 'a', address: at(0) })).toEqual(none);
    run(remove('kernel', at(0), at(1)));
    expect(kernel.cell(`mapping:${at(0)}`)).toBeNull();
    expect(run(enter('kernel', 0, 0))).toEqual({ kind: 'panic', text: 'invalid kernel page directory' });
  });

  test('the null pmap takes any argument, an unknown one none', () => {
    const machine = withPmap();
    const calls = (pmap: string): Operation[] => [
      remove(pmap, 1, 0),
      { kind: 'pmap_protect', pmap, start: address(1), end: address(0), protection: 9 },
      { kind: 'pmap_change_wiring', pmap, address: address(0), wired: true },
      { kind: 'pmap_extract', pmap, address: address(0) },
    ];
    const before = shown(machine);
    expect(calls('null').map(machine.run)).toEqual([done, done, done, none]);
    expect(calls('ghost').map(machine.run)).toEqual(Array(4).fill(rejected('CONV-4')));
    expect(shown(machine)).toEqual(before);
  });

  test('what they demand of a range holds here, too, and beyond the user addresses they find nothing', () => {
    const machine = withPmap();
    const { run, kernel } = machine;
    run(enter('kernel', at(0), 0));
    run(enter('a', END - 4096, 0));
    expect(run(remove('a', 1, 4096))).toEqual(rejected('PMAP-REMOVE-1'));
    expect(run(protectPart(4096, 0, 1))).toEqual(rejected('PMAP-PROT-1'));
    expect(run(protectPart(0, 4096, 8))).toEqual(rejected('PMAP-PROT-1'));
    expect(run({ kind: 'pmap_change_wiring', pmap: 'a', address: at(0), wired: true })).toEqual(done);
    run(protectPart(END, 0xffff_f000, 1));
    expect(run(remove('a', END, 0xffff_f000))).toEqual(done);
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ frame: 0, writable: true, wired: false });
    expect(space(machine, 'a')).toMatchObject({ resident: 1 });
  });

  test('protecting lowers rights only, and wiring is counted and marks as written to when it ends', () => {
    const machine = withPmap();
    const { run } = machine;
    run(enter('a', 0, 0));
    run(enter('a', LINE, 0));
    run(protectPart(0, LINE, 1));
    run(protectPart(0, LINE, 3));
    run({ kind: 'pmap_change_wiring', pmap: 'a', address: address(LINE + 9), wired: true });
    expect(space(machine, 'a')).toMatchObject({
      wired: 1,
      mappings: [
        { address: 0, writable: false, wired: false, dirty: false },
        { address: LINE, writable: true, wired: true, dirty: false },
      ],
    });
    run({ kind: 'pmap_change_wiring', pmap: 'a', address: address(LINE), wired: false });
    expect(space(machine, 'a')).toMatchObject({ wired: 0, mappings: [{}, { wired: false, dirty: true }] });
    expect(run({ kind: 'pmap_extract', pmap: 'a', address: address(LINE + 9) })).toEqual({
      kind: 'frame',
      frame: 0,
      offset: 9,
    });
    expect(run({ kind: 'pmap_extract', pmap: 'a', address: address(4096) })).toEqual(none);
  });
});

describe('all mappings of a page', () => {
  /** Frame 0 in the kernel and in two user pmaps, and a device frame beside it. */
  function shared() {
    const machine = withPmap();
    machine.run(create('b'));
    machine.run(enter('kernel', at(0), 0));
    machine.run(enter('a', 0, 0));
    machine.run(enter('a', 4096, 12));
    machine.run(enter('b', LINE, 0));
    return machine;
  }

  test('PMAP-RMALL-1 reaches every pmap', () => {
    const machine = shared();
    const { run, kernel } = machine;
    run(pageProtect(12, 0));
    run(pageProtect(0, 2));
    expect(space(machine, 'a')).toMatchObject({ mappings: [{ writable: true }, { writable: true }] });
    run(pageProtect(0, 1));
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ writable: false });
    expect(space(machine, 'a')).toMatchObject({ mappings: [{ writable: false }, { writable: true }] });
    expect(space(machine, 'b')).toMatchObject({ mappings: [{ writable: false }] });
    run(pageProtect(0, 0));
    expect(kernel.cell(`mapping:${at(0)}`)).toBeNull();
    expect(space(machine, 'a')).toMatchObject({ tables: 1, mappings: [{ frame: 12 }] });
    expect(space(machine, 'b')).toMatchObject({ tables: 0, mappings: [] });
  });

  test('PMAP-BIT-1 asks and clears in every pmap', () => {
    const machine = shared();
    const { run, kernel } = machine;
    const ask = (kind: 'pmap_is_modified' | 'pmap_is_referenced') => run({ kind, frame: frameNumber(0) });
    run(onPmap('pmap_activate', 'b'));
    run(cpuWrite(LINE, [1], 'user'));
    expect(ask('pmap_is_modified')).toEqual({ kind: 'flag', value: true });
    expect(ask('pmap_is_referenced')).toEqual({ kind: 'flag', value: true });
    run({ kind: 'pmap_clear_modify', frame: frameNumber(0) });
    expect(kernel.touched()).toContain('spaces');
    expect(ask('pmap_is_modified')).toEqual({ kind: 'flag', value: false });
    expect(ask('pmap_is_referenced')).toEqual({ kind: 'flag', value: true });
    run({ kind: 'pmap_clear_reference', frame: frameNumber(0) });
    expect(space(machine, 'b')).toMatchObject({ mappings: [{ accessed: false, dirty: false }] });
  });
});

test('PMAP-KSYNC-1, PMAP-ALT-1, FAULT-8: what is faulted in while a user pmap is current, every pmap has', () => {
  const machine = withPmap();
  const { run, kernel } = machine;
  run(create('b'));
  run(insert(20, 21));
  run(onPmap('pmap_activate', 'a'));
  run(cpuWrite(at(20), [9]));
  expect(space(machine, 'a')).toMatchObject({ resident: 0, tables: 0 });
  expect(kernel.cell(`mapping:${at(20)}`)).toMatchObject({ dirty: true });
  run(onPmap('pmap_activate', 'b'));
  expect(run(cpuRead(at(20), 1))).toEqual({ kind: 'bytes', bytes: [9] });
});

test('CPU-4, CPU-5: what the processor drops changes nothing, and a changed mapping is used at once', () => {
  const machine = withPmap();
  const { run } = machine;
  const evict = (start: number, end: number): Operation => ({
    kind: 'tlb_evict',
    start: address(start),
    end: address(end),
  });
  run(enter('a', 0, 0));
  run(onPmap('pmap_activate', 'a'));
  run(cpuWrite(0, [5], 'user'));
  const before = shown(machine);
  expect(run(evict(0, LINE))).toEqual(done);
  expect(run(evict(0, 0))).toEqual(done);
  expect(run(evict(4096, 0))).toEqual(rejected('CPU-4'));
  expect(run(evict(1, 4096))).toEqual(rejected('CPU-4'));
  expect(run(evict(0, 4097))).toEqual(rejected('CPU-4'));
  expect(shown(machine)).toEqual(before);
  run(enter('a', 0, 1));
  expect(run(cpuRead(0, 1, 'user'))).toEqual({ kind: 'bytes', bytes: [0] });
});

test('a machine without user pmaps shows none', () => {
  const machine = bench();
  machine.run(alloc(1));
  machine.run(read(0));
  expect(shown(machine).spaces).toEqual({ current: 'kernel', pmaps: [] });
  expect(machine.run(enter('a', 0, 0))).toEqual(rejected('CONV-4'));
});
