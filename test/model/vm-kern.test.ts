import { describe, expect, test } from 'vitest';
import { address, bytes, pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import {
  addressAt,
  alloc,
  allocPageable,
  allocWait,
  at,
  bench,
  free,
  insert,
  pagedaemon,
  read,
  resume,
  suballoc,
  wire,
  write,
} from './bench-machine.ts';

const none = { kind: 'none' };
const sized = (kind: 'kmem_alloc' | 'kmem_alloc_pageable' | 'kmem_alloc_wait', size: number): Operation => ({
  kind,
  map: 'kernel',
  size: bytes(size),
});
const freeBytes = (
  start: number,
  size: number,
  kind: 'kmem_free' | 'kmem_free_wakeup' = 'kmem_free',
): Operation => ({
  kind,
  map: 'kernel',
  address: address(start),
  size: bytes(size),
});

describe('allocation', () => {
  test('KM-SIZE-1: nothing, and more than rounding can hold, are refused without a trace', () => {
    const { run, object, kernel } = bench();
    for (const kind of ['kmem_alloc', 'kmem_alloc_pageable', 'kmem_alloc_wait'] as const)
      for (const size of [0, 0xffff_f001, 0xffff_ffff]) expect(run(sized(kind, size))).toEqual(none);
    expect(object('kernel').references).toBe(1);
    expect(kernel.cell('map:kernel')?.size).toBe(0);
  });

  test('KM-PAGEABLE-1: a pageable allocation has no pages until it is touched', () => {
    const { run, kernel } = bench();
    expect(run(sized('kmem_alloc_pageable', 4097))).toEqual(addressAt(0));
    expect(kernel.cell('map:kernel')).toMatchObject({ size: pages(2), entryCount: 1 });
    expect(kernel.cell('counters').free).toBe(12);
    expect(run(read(1))).toEqual({ kind: 'bytes', bytes: [0] });
    expect(kernel.cell('counters').free).toBe(11);
  });

  test('KM-ALLOC-1: without room nothing changes', () => {
    const { run, object } = bench();
    run(insert(0, 63));
    expect(run(alloc(2))).toEqual(none);
    expect(object('kernel').references).toBe(1);
  });

  test('KM-ALLOC-2, KM-ALLOC-4, KM-ALLOC-5: offsets follow addresses, and all pages are wired, mapped and zero', () => {
    const { run, entry, object, kernel } = bench();
    run(insert(0, 2));
    expect(run(alloc(2))).toEqual(addressAt(2));
    expect(entry('kernel', 2)).toMatchObject({ offset: pages(2), wiredCount: 1 });
    expect(object('kernel').pages).toMatchObject([
      { offset: pages(2), frame: 0, wireCount: 1 },
      { offset: pages(3), frame: 1, wireCount: 1 },
    ]);
    expect(kernel.cell('pmap:kernel')).toMatchObject({ resident: 2, wired: 2 });
    expect(run(read(3))).toEqual({ kind: 'bytes', bytes: [0] });
  });

  test('KM-ALLOC-3: a page that a fault brought in meanwhile is used, not doubled', () => {
    const { run, object } = bench({ managedPages: 2 });
    run(insert(20, 21, 'kmem'));
    run(write(20, 1));
    expect(run(alloc(2))).toEqual({ kind: 'sleep', event: 'pages' });
    expect(run(read(1))).toEqual({ kind: 'sleep', event: 'pages' });
    run(free(20, 1));
    run(pagedaemon);
    expect(run(resume(4))).toEqual({ kind: 'bytes', bytes: [0] });
    expect(run(resume(3))).toEqual(addressAt(0));
    expect(object('kernel').pages).toMatchObject([
      { offset: 0, wireCount: 1 },
      { offset: pages(1), wireCount: 1, queue: 'none' },
    ]);
  });

  test('an allocation that is filled waits for somebody else who wires its range', () => {
    const { run, step, entry } = bench({ managedPages: 2 });
    run(insert(20, 21, 'kmem'));
    run(write(20, 1));
    run(alloc(2));
    expect(run(wire(0, 2))).toEqual({ kind: 'sleep', event: 'pages' });
    run(free(20, 1));
    run(pagedaemon);
    expect(run(resume(3))).toEqual({ kind: 'sleep', event: 'trans:kernel' });
    expect(step(resume(4))).toEqual({ outcome: { kind: 'kern', code: 0 }, resumed: 4, woken: [3] });
    expect(run(resume(3))).toEqual(addressAt(0));
    expect(entry('kernel', 0)).toMatchObject({ wiredCount: 2, end: at(2) });
  });

  test('KM-ALLOC-6: a sleeping allocation keeps its range, and what would disturb it waits', () => {
    const { run, kernel, entries } = bench({ managedPages: 1 });
    expect(run(alloc(2))).toEqual({ kind: 'sleep', event: 'pages' });
    expect(entries()).toEqual(['0-2 kernel']);
    expect(kernel.snapshot({ contents: false }).transitions).toEqual([
      { map: 'kernel', start: at(0), end: at(2), state: 'filling', operation: 1 },
    ]);
    expect(run(free(0, 2))).toEqual({ kind: 'sleep', event: 'trans:kernel' });
    expect(run(alloc(1))).toEqual({ kind: 'sleep', event: 'pages' });
    expect(entries()).toEqual(['0-2 kernel', '2-3 kernel']);
  });

  test('the place of the next page is kept for replayers', () => {
    const { run, kernel } = bench({ managedPages: 1 });
    run(alloc(3));
    expect(kernel.state.transitions[0]?.position).toBe(at(1));
  });
});

describe('kmem_alloc_wait', () => {
  test('KM-WAIT-1: it sleeps until room is announced, and refuses at once what the map can never hold', () => {
    const { run, step } = bench();
    run(suballoc('sub', 4));
    expect(run(allocWait(5, 'sub'))).toEqual(none);
    run(allocPageable(4, 'sub'));
    expect(run(allocWait(2, 'sub'))).toEqual({ kind: 'sleep', event: 'map:sub' });
    expect(step(free(0, 4, 'sub')).woken).toBeUndefined();
    expect(run(allocWait(1, 'sub'))).toEqual(addressAt(0));
    expect(step({ kind: 'kmem_free_wakeup', map: 'sub', address: at(8), size: bytes(0) }).woken).toEqual([4]);
    expect(run(resume(4))).toEqual(addressAt(1));
  });

  test('KM-WAIT-2: a woken sleeper that still finds no room sleeps again', () => {
    const { run } = bench();
    run(suballoc('sub', 4));
    run(allocPageable(1, 'sub'));
    run(allocWait(4, 'sub'));
    run({ kind: 'kmem_free_wakeup', map: 'sub', address: at(2), size: pages(1) });
    expect(run(resume(3))).toEqual({ kind: 'sleep', event: 'map:sub' });
  });

  test('KM-WAKE-1: a wakeup wakes everybody, in the order their operations started', () => {
    const { run, step } = bench();
    run(suballoc('sub', 4));
    run(allocPageable(4, 'sub'));
    run(allocWait(4, 'sub'));
    run(allocWait(1, 'sub'));
    expect(step({ kind: 'kmem_free_wakeup', map: 'sub', address: at(0), size: pages(1) })).toEqual({
      outcome: { kind: 'done' },
      woken: [3, 4],
    });
    expect(run(resume(4))).toEqual(addressAt(0));
    expect(run(resume(3))).toEqual({ kind: 'sleep', event: 'map:sub' });
  });
});

describe('kmem_free', () => {
  test('KM-FREE-1: every page that the bytes touch goes, and no byte means no page', () => {
    const { run, entries } = bench();
    run(alloc(4));
    run(freeBytes(at(1) + 1, 0));
    expect(entries()).toEqual(['0-4 kernel']);
    run(freeBytes(at(2) - 1, 2));
    expect(entries()).toEqual(['0-1 kernel', '3-4 kernel']);
  });

  test('KM-FREE-1: a range beyond 2^32 frees up to the end of the map', () => {
    const { run, entries } = bench();
    run(alloc(4));
    run(freeBytes(at(2), 0xffff_ffff));
    expect(entries()).toEqual(['0-2 kernel']);
  });

  test('KM-FREE-2, KM-FREE-4: across holes and parts of allocations, pages return in the order they came', () => {
    const { run, kernel, free: freeFrames, entries } = bench({ managedPages: 5 });
    run(alloc(2));
    run(insert(4, 5, 'anon'));
    run(alloc(2));
    run(free(1, 2));
    expect(entries()).toEqual(['0-1 kernel', '3-4 kernel', '4-5 anon1']);
    expect(freeFrames()).toEqual([4, 1, 2]);
    expect(kernel.cell(`mapping:${at(1)}`)).toBeNull();
  });

  test('KM-FREE-3: a plain free wakes nobody who waits for room', () => {
    const { run, step } = bench();
    run(suballoc('sub', 1));
    run(allocPageable(1, 'sub'));
    run(allocWait(1, 'sub'));
    expect(step(free(0, 1, 'sub'))).toEqual({ outcome: { kind: 'done' } });
  });

  test('a refusal over a submap in use is silent', () => {
    const { run, entries } = bench();
    run(suballoc('sub', 2));
    run(allocPageable(1, 'sub'));
    expect(run(free(0, 2))).toEqual({ kind: 'done' });
    expect(entries()).toEqual(['0-2 submap sub']);
  });
});

describe('kmem_suballoc', () => {
  test('KM-SUB-1: no size and no room print their codes and stop the machine', () => {
    const bad = (size: number) =>
      bench().step({ kind: 'kmem_suballoc', name: 's', parent: 'kernel', size: bytes(size), pageable: true });
    const stopped = { kind: 'panic', text: 'kmem_suballoc' };
    expect(bad(0)).toEqual({ outcome: stopped, console: ['kmem_suballoc: bad status return of 1.'] });
    expect(bad(0xffff_f001)).toEqual({
      outcome: stopped,
      console: ['kmem_suballoc: bad status return of 1.'],
    });
    expect(bad(pages(65))).toEqual({ outcome: stopped, console: ['kmem_suballoc: bad status return of 3.'] });
  });

  test('KM-SUB-2: a submap has two references, and is cut out of the null entry it grew', () => {
    const { run, kernel, entry } = bench();
    run(insert(0, 2));
    expect(run(suballoc('sub', 4))).toEqual({ kind: 'submap', map: 'sub', min: at(2), max: at(6) });
    expect(kernel.cell('map:sub')).toMatchObject({ references: 2, size: 0, entryCount: 0 });
    expect(entry('kernel', 2)).toMatchObject({ offset: pages(2), backing: { submap: 'sub' } });
  });

  test('KM-SUB-2: a neighbour with an object that takes the range in stops the machine', () => {
    const { run } = bench();
    run(insert(0, 1));
    run(write(0, 1));
    expect(run(suballoc('sub', 2))).toEqual({
      kind: 'panic',
      text: 'kmem_suballoc: unable to change range to submap',
    });
  });

  test('KM-SUB-3: the parent counts the placeholder in its size', () => {
    const { run, kernel, entries } = bench();
    run(suballoc('sub', 4));
    expect(entries()).toEqual(['0-4 submap sub']);
    expect(kernel.cell('map:kernel')?.size).toBe(pages(4));
  });

  test('an unknown parent, and then a live name, are rejected', () => {
    const { run } = bench();
    run(suballoc('sub', 4));
    expect(run(suballoc('sub', 1, 'ghost'))).toEqual({ kind: 'rejected', rule: 'CONV-4' });
    expect(run(suballoc('sub', 1))).toEqual({ kind: 'rejected', rule: 'KM-SUB-2' });
  });
});
