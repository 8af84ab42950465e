import { describe, expect, test } from 'vitest';
import { address, frameNumber } from '../../contract/address.ts';
import type { Operation, OperationOf } from '../../contract/operation.ts';
import { alloc, at, bench, read } from './bench-machine.ts';

/** Frames 0 and 1 are scratch pages, 12 and 13 device frames; pages 0 to 7 are the scratch window. */
const scratch = () =>
  bench({ scratchPages: 2, kernelStart: at(8), scratchWindow: { start: at(0), end: at(8) } });

const enter = (page: number, frame: number, protection = 3, wired = false): OperationOf<'pmap_enter'> => ({
  kind: 'pmap_enter',
  address: at(page),
  frame: frameNumber(frame),
  protection,
  wired,
});
const kenter = (page: number, frame: number): OperationOf<'pmap_kenter'> => ({
  kind: 'pmap_kenter',
  address: at(page),
  frame: frameNumber(frame),
});
const byFrame = (
  kind:
    | 'pmap_is_modified'
    | 'pmap_is_referenced'
    | 'pmap_clear_modify'
    | 'pmap_clear_reference'
    | 'pmap_zero_page',
  frame: number,
): Operation => ({ kind, frame: frameNumber(frame) });
const poke = (page: number, byte = 1): Operation => ({ kind: 'cpu_write', address: at(page), bytes: [byte] });
const done = { kind: 'done' };
const flag = (value: boolean) => ({ kind: 'flag', value });

describe('entering', () => {
  test('PMAP-ENTER-1: above the kernel, and where no page table is, the machine stops before the frame is looked at', () => {
    const top = { ...enter(0, 99), address: address(0xffbf_f000) };
    expect(scratch().run(top)).toEqual({ kind: 'panic', text: 'invalid kernel page directory' });
    const above = { ...enter(0, 99), address: address(0xffc0_0000) };
    expect(scratch().run(above)).toEqual({ kind: 'panic', text: 'pmap_enter: toobig' });
    const below = { ...kenter(0, 99), address: address(0xe000_0000) };
    expect(scratch().run(below)).toEqual({ kind: 'panic', text: 'invalid kernel page directory' });
  });

  test('frames that do not exist, and pages that others own, are rejected', () => {
    const { run } = scratch();
    expect(run(enter(0, 14))).toEqual({ kind: 'rejected', rule: 'CONV-4' });
    expect(run(enter(0, 2))).toEqual({ kind: 'rejected', rule: 'PAGE-FREE-1' });
    expect(run(kenter(0, 2))).toEqual({ kind: 'rejected', rule: 'PAGE-FREE-1' });
    expect(run(enter(0, 13))).toEqual(done);
  });

  test('PMAP-ENTER-2: without READ there is no mapping to be seen', () => {
    const { run, kernel } = scratch();
    run(enter(0, 0, 6));
    expect(kernel.cell(`mapping:${at(0)}`)).toBeNull();
    expect(kernel.cell('pmap:kernel').resident).toBe(0);
    expect(kernel.state.mappings.size).toBe(1);
    run({ kind: 'pmap_protect', start: at(0), end: at(1), protection: 0 });
    expect(kernel.state.mappings.size).toBe(0);
  });

  test('PMAP-ENTER-3: the same frame again keeps the bits that the processor set', () => {
    const { run, kernel } = scratch();
    run(enter(0, 0));
    run(poke(0));
    run(enter(0, 0, 1, true));
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({
      writable: false,
      wired: true,
      accessed: true,
      dirty: true,
    });
  });

  test('PMAP-ENTER-4: another frame starts with clean bits', () => {
    const { run, kernel } = scratch();
    run(enter(0, 0));
    run(poke(0));
    run(enter(0, 1));
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ frame: 1, accessed: false, dirty: false });
    expect(run(byFrame('pmap_is_modified', 0))).toEqual(flag(false));
    expect(kernel.cell('pv:0')).toEqual([]);
  });

  test('PMAP-ENTER-5, PMAP-ENTER-6: a fresh mapping is listed for a managed frame and counted for any', () => {
    const { run, kernel } = scratch();
    run({ ...enter(1, 0, 3, true), address: address(at(1) + 5) });
    run(enter(3, 0));
    run(enter(4, 12));
    expect(kernel.cell('pv:0')).toEqual([at(1), at(3)]);
    expect(kernel.cell('pv:12')).toEqual([]);
    expect(kernel.cell('pmap:kernel')).toEqual({ references: 1, resident: 3, wired: 1 });
  });

  test('PMAP-KENTER-1: a direct mapping is writable and wired, and the wire count of its page stays', () => {
    const { run, kernel, object } = scratch();
    run(kenter(0, 1));
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ frame: 1, writable: true, wired: true });
    expect(kernel.cell('pmap:kernel').wired).toBe(1);
    expect(object('scratch').pages[1]?.wireCount).toBe(1);
  });
});

describe('taking away', () => {
  test('PMAP-REMOVE-1: exactly the range loses its mappings', () => {
    const { run, kernel } = scratch();
    for (const page of [0, 1, 2]) run(enter(page, 0));
    expect(run({ kind: 'pmap_remove', start: at(1), end: at(2) })).toEqual(done);
    expect(kernel.cell('pv:0')).toEqual([at(0), at(2)]);
    expect(run({ kind: 'pmap_remove', start: at(2), end: at(1) })).toEqual({
      kind: 'rejected',
      rule: 'PMAP-REMOVE-1',
    });
  });

  test('PMAP-RMALL-1: a page loses all mappings or all writability, with WRITE nothing, and a device frame nothing', () => {
    const { run, kernel } = scratch();
    run(enter(0, 0));
    run(enter(1, 0));
    run(enter(2, 12));
    const pageProtect = (frame: number, protection: number): Operation => ({
      kind: 'pmap_page_protect',
      frame: frameNumber(frame),
      protection,
    });
    run(pageProtect(0, 2));
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ writable: true });
    run(pageProtect(0, 4));
    expect(kernel.cell(`mapping:${at(1)}`)).toMatchObject({ writable: false });
    run(pageProtect(0, 0));
    run(pageProtect(12, 0));
    expect(kernel.cell('pmap:kernel').resident).toBe(1);
  });

  test('PMAP-PROT-1: a range loses WRITE without WRITE, everything without READ, and gains nothing', () => {
    const { run, kernel } = scratch();
    run(enter(0, 0));
    const protect = (protection: number): Operation => ({
      kind: 'pmap_protect',
      start: at(0),
      end: at(1),
      protection,
    });
    run(protect(1));
    run(protect(3));
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ writable: false });
    run(protect(6));
    expect(kernel.cell(`mapping:${at(0)}`)).toBeNull();
    expect(run(protect(8))).toEqual({ kind: 'rejected', rule: 'PMAP-PROT-1' });
  });

  test('PMAP-WIRE-1: unwiring counts down and marks as written to, and ignores what is not mapped', () => {
    const { run, kernel } = scratch();
    run(kenter(0, 0));
    run({ kind: 'pmap_change_wiring', address: at(0), wired: false });
    expect(kernel.cell(`mapping:${at(0)}`)).toMatchObject({ wired: false, dirty: true });
    expect(kernel.cell('pmap:kernel').wired).toBe(0);
    expect(run({ kind: 'pmap_change_wiring', address: at(5), wired: true })).toEqual(done);
    expect(kernel.cell('pmap:kernel').resident).toBe(1);
  });
});

describe('asking', () => {
  test('PMAP-EXTR-1: a mapped address is answered by its frame and byte, any other by nothing', () => {
    const { run } = scratch();
    run(enter(0, 1));
    expect(run({ kind: 'pmap_extract', address: address(at(0) + 7) })).toEqual({
      kind: 'frame',
      frame: 1,
      offset: 7,
    });
    expect(run({ kind: 'pmap_extract', address: address(at(1) + 7) })).toEqual({ kind: 'none' });
  });

  test('PMAP-BIT-1: a page is modified if any mapping says so, and clearing clears every one', () => {
    const { run } = scratch();
    run(enter(0, 0));
    run(enter(1, 0));
    run(poke(1));
    expect(run(byFrame('pmap_is_modified', 0))).toEqual(flag(true));
    expect(run(byFrame('pmap_is_referenced', 0))).toEqual(flag(true));
    run(byFrame('pmap_clear_modify', 0));
    expect(run(byFrame('pmap_is_modified', 0))).toEqual(flag(false));
    expect(run(byFrame('pmap_is_referenced', 0))).toEqual(flag(true));
    run(byFrame('pmap_clear_reference', 0));
    expect(run(byFrame('pmap_is_referenced', 0))).toEqual(flag(false));
  });

  test('a device frame is never modified, and a frame that does not exist is rejected', () => {
    const { run } = scratch();
    run(enter(0, 12));
    run(poke(0));
    expect(run(byFrame('pmap_is_modified', 12))).toEqual(flag(false));
    expect(run(byFrame('pmap_clear_modify', 12))).toEqual(done);
    expect(run(byFrame('pmap_is_modified', 14))).toEqual({ kind: 'rejected', rule: 'CONV-4' });
  });
});

test('PMAP-ZERO-1: zeroing and copying change contents and no mapping, and only of frames the harness owns', () => {
  const { run, kernel } = scratch();
  run(enter(0, 0));
  run(enter(1, 12));
  run(poke(0, 7));
  run({ kind: 'pmap_copy_page', from: frameNumber(0), to: frameNumber(12) });
  expect(run({ kind: 'cpu_read', address: at(1), length: 2 })).toEqual({ kind: 'bytes', bytes: [7, 0] });
  run(byFrame('pmap_zero_page', 12));
  expect(run({ kind: 'cpu_read', address: at(1), length: 1 })).toEqual({ kind: 'bytes', bytes: [0] });
  expect(run(byFrame('pmap_zero_page', 3))).toEqual({ kind: 'rejected', rule: 'PMAP-ZERO-1' });
  expect(kernel.cell('pmap:kernel').resident).toBe(2);
});

test('PMAP-UPD-1: an update changes nothing', () => {
  const { run, kernel } = scratch();
  run(alloc(1));
  run(read(8));
  const before = kernel.snapshot({ contents: true });
  expect(run({ kind: 'pmap_update' })).toEqual(done);
  expect(kernel.snapshot({ contents: true })).toEqual(before);
});
