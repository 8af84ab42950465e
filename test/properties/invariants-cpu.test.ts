/** Each claim about what the CPU sees, seen to hold and seen to fail. */
import { describe, test } from 'vitest';
import { address, frameNumber } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { allocated, done, kern, type Outcome } from '../../contract/outcome.ts';
import {
  at,
  entryOf,
  kernelEntry,
  kernelMapOf,
  mappingOf,
  objectOf,
  pageOf,
  size,
  type ViewSpec,
  viewOf,
} from './fixture-view.ts';
import { accepts, rejects } from './judge.ts';

/** Two wired pages of kernel_object at pages 4 and 5. */
const wired = {
  maps: [kernelMapOf([kernelEntry(4, 6)])],
  objects: [objectOf('kernel', [pageOf(4, 0), pageOf(5, 1)]), objectOf('kmem')],
  mappings: [mappingOf(4, 0), mappingOf(5, 1)],
};
const free = { maps: [kernelMapOf()] };

const bytes = (...values: number[]): Outcome => ({ kind: 'bytes', bytes: values });
const trap = (page: number): Outcome => ({ kind: 'trap', code: 1, address: at(page) });
const sleep: Outcome = { kind: 'sleep', event: 'pages' };

const cpuRead = (page: number, length: number): Operation => ({
  kind: 'cpu_read',
  address: at(page),
  length,
});
const read = (page: number, byte: number, state: ViewSpec = wired) =>
  viewOf({
    ...state,
    operation: { kind: 'checked_read', map: 'kernel', address: at(page) },
    outcome: bytes(byte),
  });
const write = (page: number, byte: number, state: ViewSpec = wired, outcome: Outcome = kern(0)) =>
  viewOf({ ...state, operation: { kind: 'checked_write', map: 'kernel', address: at(page), byte }, outcome });
const cpuWrite = (start: number, values: number[], outcome: Outcome, fields: ViewSpec = {}) =>
  viewOf({
    ...wired,
    operation: { kind: 'cpu_write', address: address(start), bytes: values },
    outcome,
    ...fields,
  });

describe('INV-CPU-ISOLATION', () => {
  test('accepts a byte that is read back', () =>
    accepts('INV-CPU-ISOLATION', write(4, 7), write(5, 8), read(4, 7)));
  test('rejects a byte that changed', () =>
    rejects('INV-CPU-ISOLATION', /0xfe004000 reads 0x8, expected 0x7/, write(4, 7), write(5, 8), read(4, 8)));
  test('accepts the old byte after a write that failed', () =>
    accepts('INV-CPU-ISOLATION', write(4, 7), write(4, 8, wired, kern(2)), read(4, 7)));
  test('forgets the bytes of freed memory', () => {
    const freed = viewOf({ ...free, before: wired });
    const again = viewOf({ ...wired, before: free });
    accepts('INV-CPU-ISOLATION', write(4, 7), freed, again, read(4, 0));
  });
  test('accepts and rejects the bytes of a write across pages', () => {
    const crossing = cpuWrite(at(5) - 1, [1, 2], done);
    accepts('INV-CPU-ISOLATION', crossing, viewOf({ ...wired, operation: cpuRead(5, 1), outcome: bytes(2) }));
    const look: Operation = { kind: 'cpu_read', address: address(at(5) - 1), length: 2 };
    rejects(
      'INV-CPU-ISOLATION',
      /0xfe004fff reads 0x0/,
      crossing,
      viewOf({ ...wired, operation: look, outcome: bytes(0, 2) }),
    );
  });
  test('keeps the bytes below the page where a write trapped (CPU-7)', () => {
    const trapped = cpuWrite(at(6) - 1, [1, 2], trap(6));
    const look: Operation = { kind: 'cpu_read', address: address(at(6) - 1), length: 1 };
    accepts('INV-CPU-ISOLATION', trapped, viewOf({ ...wired, operation: look, outcome: bytes(1) }));
    rejects(
      'INV-CPU-ISOLATION',
      /reads 0x0, expected 0x1/,
      trapped,
      viewOf({ ...wired, operation: look, outcome: bytes(0) }),
    );
  });
  test('claims only the last page of a write that slept', () => {
    const slept = cpuWrite(at(5) - 1, [1, 2], sleep, { number: 1 });
    const ended = cpuWrite(at(5) - 1, [1, 2], done, { number: 2, subjectNumber: 1 });
    const look = (low: number, high: number) =>
      viewOf({
        ...wired,
        operation: { kind: 'cpu_read', address: address(at(5) - 1), length: 2 },
        outcome: bytes(low, high),
      });
    accepts('INV-CPU-ISOLATION', slept, ended, look(9, 2));
    rejects('INV-CPU-ISOLATION', /reads 0x9, expected 0x2/, slept, ended, look(1, 9));
  });
  test('follows a scratch frame to every address where it is mapped', () => {
    const machine = { scratchPages: 1, deviceFrames: 1, scratchWindow: { start: at(0), end: at(2) } };
    const aliases = { machine, mappings: [mappingOf(0, 0), mappingOf(1, 0)] };
    const zeroed = viewOf({
      ...aliases,
      operation: { kind: 'pmap_zero_page', frame: frameNumber(0) },
      outcome: done,
    });
    accepts('INV-CPU-ISOLATION', write(0, 7, aliases), read(1, 7, aliases));
    rejects('INV-CPU-ISOLATION', /reads 0x0, expected 0x7/, write(0, 7, aliases), read(1, 0, aliases));
    accepts('INV-CPU-ISOLATION', write(0, 7, aliases), zeroed, read(1, 0, aliases));
    rejects(
      'INV-CPU-ISOLATION',
      /reads 0x7, expected 0x0/,
      write(0, 7, aliases),
      zeroed,
      read(1, 7, aliases),
    );
  });
  test('copies a device frame, which holds 0xa5 at boot', () => {
    const machine = { scratchPages: 1, deviceFrames: 1, scratchWindow: { start: at(0), end: at(2) } };
    const copy: Operation = { kind: 'pmap_copy_page', from: frameNumber(16), to: frameNumber(0) };
    const state = { machine, mappings: [mappingOf(0, 0)] };
    const copied = viewOf({ ...state, operation: copy, outcome: done });
    accepts('INV-CPU-ISOLATION', copied, read(0, 0xa5, state));
    rejects('INV-CPU-ISOLATION', /reads 0x0, expected 0xa5/, copied, read(0, 0, state));
  });
  test('says nothing about unmapped harness addresses', () => {
    const machine = { scratchPages: 1, scratchWindow: { start: at(0), end: at(2) } };
    accepts(
      'INV-CPU-ISOLATION',
      write(1, 7, { machine, mappings: [mappingOf(1, 5)] }),
      read(1, 3, { machine, mappings: [mappingOf(1, 6)] }),
    );
  });
});

describe('INV-PAGE-ZERO', () => {
  const nowait: Operation = { kind: 'kmem_malloc', map: 'kernel', size: size(2), canWait: false };
  const canWait: Operation = { kind: 'kmem_malloc', map: 'kernel', size: size(2), canWait: true };
  const filling = { map: 'kernel', start: at(4), end: at(6), state: 'filling' as const, operation: 1 };
  test('accepts zeroes in memory that was never written', () => accepts('INV-PAGE-ZERO', read(4, 0)));
  test('rejects a stale byte', () =>
    rejects('INV-PAGE-ZERO', /0xfe004000 reads 0xdd, expected 0x0/, read(4, 0xdd)));
  test('rejects the old contents of memory that was freed and allocated again', () =>
    rejects(
      'INV-PAGE-ZERO',
      /reads 0x7, expected 0x0/,
      write(4, 7),
      viewOf({ ...free, before: wired }),
      viewOf({ ...wired, before: free }),
      read(4, 7),
    ));
  test('accepts anything in memory of kmem_malloc(nowait) until it is written', () => {
    const given = viewOf({ ...wired, before: free, operation: nowait, outcome: allocated(at(4)) });
    accepts('INV-PAGE-ZERO', given, read(4, 0xdd));
    rejects('INV-CPU-ISOLATION', /expected 0x1/, given, write(4, 1), read(4, 0xdd));
  });
  test('claims nothing about bytes written into a range that is still being filled', () => {
    const early = write(4, 7, { ...wired, transitions: [filling] });
    accepts('INV-PAGE-ZERO', early, read(4, 0));
    accepts('INV-CPU-ISOLATION', early, read(4, 0));
  });
  test('looks into the pages of an allocation that just returned, where contents are shown', () => {
    const returned = (operation: Operation, contents: number) =>
      viewOf({
        ...wired,
        objects: [objectOf('kernel', [pageOf(4, 0, { contents: 0 }), pageOf(5, 1, { contents })])],
        before: free,
        operation,
        outcome: allocated(at(4)),
      });
    const kmemAlloc: Operation = { kind: 'kmem_alloc', map: 'kernel', size: size(2) };
    accepts('INV-PAGE-ZERO', returned(kmemAlloc, 0));
    accepts('INV-PAGE-ZERO', returned(nowait, 0xdd));
    rejects('INV-PAGE-ZERO', /new page at 0xfe005000 in map kernel holds 221/, returned(kmemAlloc, 0xdd));
    rejects('INV-PAGE-ZERO', /holds 221/, returned(canWait, 0xdd));
  });
});

describe('INV-CPU-WIREDNOFAULT', () => {
  const access = (page: number, outcome: Outcome, state: ViewSpec = wired) =>
    viewOf({ ...state, operation: cpuRead(page, 4), outcome });
  test('accepts an access to wired memory that succeeds', () =>
    accepts('INV-CPU-WIREDNOFAULT', access(4, bytes(0, 0, 0, 0))));
  test('accepts a trap outside wired memory', () => {
    accepts('INV-CPU-WIREDNOFAULT', access(6, trap(6)));
    accepts(
      'INV-CPU-WIREDNOFAULT',
      access(4, trap(4), { maps: [kernelMapOf([entryOf(4, 6, { protection: 0 })])] }),
    );
  });
  test('accepts a trap where a direct pmap operation may have taken the mapping', () => {
    const maps = [kernelMapOf([], { entries: [kernelEntry(0, 4)] })];
    accepts(
      'INV-CPU-WIREDNOFAULT',
      access(1, trap(1), { maps, machine: { scratchWindow: { start: at(0), end: at(2) } } }),
    );
    rejects('INV-CPU-WIREDNOFAULT', /trapped/, access(1, trap(1), { maps }));
  });
  test('accepts a trap of user code, which may not touch the kernel’s addresses', () =>
    accepts(
      'INV-CPU-WIREDNOFAULT',
      viewOf({
        ...wired,
        operation: { kind: 'cpu_read', mode: 'user', address: at(4), length: 4 },
        outcome: trap(4),
      }),
    ));
  test('rejects a trap on wired memory', () =>
    rejects(
      'INV-CPU-WIREDNOFAULT',
      /0xfe004000 is wired and readable, cpu_read trapped with 1/,
      access(4, trap(4)),
    ));
  test('rejects an access to wired memory that sleeps', () =>
    rejects('INV-CPU-WIREDNOFAULT', /cpu_read sleeps on pages/, access(4, sleep)));
  test('accepts the trap of a write after READ was taken away and given back alone', () => {
    const noRead = { ...wired, maps: [kernelMapOf([kernelEntry(4, 6, { protection: 0 })])], mappings: [] };
    const readOnly = { ...wired, maps: [kernelMapOf([kernelEntry(4, 6, { protection: 1 })])], mappings: [] };
    accepts(
      'INV-CPU-WIREDNOFAULT',
      viewOf({ ...noRead, before: wired }),
      viewOf({ ...readOnly, before: noRead }),
      cpuWrite(at(4), [1], trap(4), readOnly),
    );
  });
  test('accepts the trap of a write that slept until its memory was wired read-only, and no other trap', () => {
    const readOnly = { ...wired, maps: [kernelMapOf([kernelEntry(4, 6, { protection: 1 })])] };
    const subject: Operation = { kind: 'cpu_write', address: at(4), bytes: [1] };
    const resumed = (state: ViewSpec) =>
      viewOf({
        ...state,
        operation: { kind: 'resume', operation: 3 },
        subject,
        subjectNumber: 3,
        outcome: trap(4),
      });
    accepts('INV-CPU-WIREDNOFAULT', resumed(readOnly));
    rejects('INV-CPU-WIREDNOFAULT', /cpu_write trapped/, resumed(wired));
    rejects('INV-CPU-WIREDNOFAULT', /cpu_write trapped/, cpuWrite(at(4), [1], trap(4), readOnly));
  });
  test('accepts a sleep for a range that an operation in flight is still wiring', () =>
    accepts(
      'INV-CPU-WIREDNOFAULT',
      access(4, sleep, {
        ...wired,
        transitions: [{ map: 'kernel', start: at(4), end: at(6), state: 'wiring', operation: 1 }],
      }),
    ));
});
