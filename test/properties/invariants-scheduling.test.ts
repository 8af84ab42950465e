/** Each claim about sleeping and waking, seen to hold and seen to fail. */
import { describe, test } from 'vitest';
import type { Operation } from '../../contract/operation.ts';
import { allocated, done, kern, none, type Outcome } from '../../contract/outcome.ts';
import type { SleepEvent } from '../../contract/sched.ts';
import {
  at,
  entryOf,
  kernelMapOf,
  mapOf,
  objectOf,
  pageOf,
  size,
  type ViewSpec,
  viewOf,
} from './fixture-view.ts';
import { accepts, rejects } from './judge.ts';

const asleep = (event: SleepEvent) => ({ sched: { asleep: [{ operation: 1, event }] } });
const runnable = { sched: { runnable: [1] } };
const freeWakeup = (map: string): Operation => ({
  kind: 'kmem_free_wakeup',
  map,
  address: at(8),
  size: size(1),
});
const kmemFree: Operation = { kind: 'kmem_free', map: 'sub', address: at(8), size: size(1) };
const pagedaemon: Operation = { kind: 'pagedaemon' };

/** A step that wakes operation 1 from its sleep on `event`, and one that leaves it asleep. */
const waking = (event: SleepEvent, operation: Operation, fields: ViewSpec = {}) =>
  viewOf({
    before: asleep(event),
    ...runnable,
    operation,
    step: { outcome: done, woken: [1] },
    number: 2,
    ...fields,
  });
const passing = (event: SleepEvent, operation: Operation, outcome: Outcome = done) =>
  viewOf({ before: asleep(event), ...asleep(event), operation, outcome, number: 2 });

describe('INV-SCHED-NOLOSTMAP', () => {
  test('accepts kmem_free_wakeup that wakes the sleepers of its map', () =>
    accepts('INV-SCHED-NOLOSTMAP', waking('map:sub', freeWakeup('sub'))));
  test('accepts sleepers of another map staying asleep', () =>
    accepts('INV-SCHED-NOLOSTMAP', passing('map:sub', freeWakeup('other'))));
  test('accepts kmem_free waking nobody (Q-1)', () =>
    accepts('INV-SCHED-NOLOSTMAP', passing('map:sub', kmemFree)));
  test('accepts a refused call waking nobody', () =>
    accepts(
      'INV-SCHED-NOLOSTMAP',
      passing('map:sub', freeWakeup('sub'), { kind: 'rejected', rule: 'CONV-4' }),
    ));
  test('rejects a sleeper left asleep', () =>
    rejects(
      'INV-SCHED-NOLOSTMAP',
      /kmem_free_wakeup did not wake operation 1/,
      passing('map:sub', freeWakeup('sub')),
    ));
  test('rejects a sleeper reported as woken that is not runnable', () =>
    rejects(
      'INV-SCHED-NOLOSTMAP',
      /operation 1 is not runnable/,
      waking('map:sub', freeWakeup('sub'), asleep('map:sub')),
    ));
  test('rejects a wake-up from elsewhere', () =>
    rejects('INV-SCHED-NOLOSTMAP', /kmem_free woke operation 1/, waking('map:sub', kmemFree)));
});

describe('INV-SCHED-NOLOSTPAGE', () => {
  test('accepts a daemon pass that wakes everybody who waits for pages', () =>
    accepts('INV-SCHED-NOLOSTPAGE', waking('pages', pagedaemon)));
  test('accepts frees that wake nobody (Q-20)', () =>
    accepts('INV-SCHED-NOLOSTPAGE', passing('pages', kmemFree)));
  test('rejects a daemon pass that wakes nobody', () =>
    rejects('INV-SCHED-NOLOSTPAGE', /pagedaemon did not wake/, passing('pages', pagedaemon)));
  test('rejects a free that wakes a page waiter', () =>
    rejects('INV-SCHED-NOLOSTPAGE', /kmem_free woke operation 1/, waking('pages', kmemFree)));
});

describe('INV-SCHED-NOLOSTTRANS', () => {
  const range = { map: 'kernel', start: at(4), end: at(5), state: 'wiring' as const, operation: 3 };
  test('accepts a waiter while something is in transition', () =>
    accepts('INV-SCHED-NOLOSTTRANS', viewOf({ ...asleep('trans:kernel'), transitions: [range] })));
  test('rejects a waiter for nothing, and one for another map', () => {
    rejects('INV-SCHED-NOLOSTTRANS', /operation 1 sleeps on trans:kernel/, viewOf(asleep('trans:kernel')));
    rejects(
      'INV-SCHED-NOLOSTTRANS',
      /sleeps on trans:sub/,
      viewOf({ ...asleep('trans:sub'), transitions: [range] }),
    );
  });
});

describe('INV-SCHED-DAEMON', () => {
  const kmemAlloc: Operation = { kind: 'kmem_alloc', map: 'kernel', size: size(1) };
  const nowait: Operation = { kind: 'kmem_malloc', map: 'kmem', size: size(1), canWait: false };
  const step = (operation: Operation, outcome: Outcome, poked: boolean, fields: ViewSpec = {}) =>
    viewOf({ operation, step: { outcome, ...(poked ? { daemonPoked: true as const } : {}) }, ...fields });
  const waits: Outcome = { kind: 'sleep', event: 'pages' };
  const oneTaken = { before: { counters: { free: 5 } }, counters: { free: 4 } };
  test('accepts a page waiter that pokes, and others that do not', () => {
    accepts('INV-SCHED-DAEMON', step(kmemAlloc, waits, true));
    accepts('INV-SCHED-DAEMON', step(kmemAlloc, allocated(at(4)), false, oneTaken));
    accepts(
      'INV-SCHED-DAEMON',
      step(nowait, none, false, { before: { counters: { free: 0 } }, counters: { free: 0 } }),
    );
  });
  test('accepts and demands a poke when few frames are left (PAGE-ALLOC-3)', () => {
    const machine = { freeMin: 5 };
    accepts('INV-SCHED-DAEMON', step(kmemAlloc, allocated(at(4)), true, { machine, ...oneTaken }));
    rejects(
      'INV-SCHED-DAEMON',
      /left 4 frames free, fewer than 5/,
      step(kmemAlloc, allocated(at(4)), false, { machine, ...oneTaken }),
    );
  });
  test('accepts the poke of a kmem_malloc(nowait) that took the last frame and gave it back', () => {
    const full = { machine: { freeMin: 1 }, before: { counters: { free: 2 } }, counters: { free: 2 } };
    accepts('INV-SCHED-DAEMON', step(nowait, none, true, full));
  });
  test('rejects a page waiter that does not poke', () =>
    rejects('INV-SCHED-DAEMON', /without poking/, step(kmemAlloc, waits, false)));
  test('rejects a poke by a failed kmem_malloc(nowait)', () =>
    rejects(
      'INV-SCHED-DAEMON',
      /kmem_malloc poked the daemon/,
      step(nowait, none, true, { before: { counters: { free: 0 } }, counters: { free: 0 } }),
    ));
  test('rejects a poke while frames are plenty', () =>
    rejects(
      'INV-SCHED-DAEMON',
      /poked the daemon, with 4 frames free and thresholds up to 2/,
      step(kmemAlloc, allocated(at(4)), true, { machine: { freeTarget: 2 }, ...oneTaken }),
    ));
});

describe('INV-SCHED-RETRY', () => {
  const wait = (count: number): Operation => ({ kind: 'kmem_alloc_wait', map: 'kernel', size: size(count) });
  const taken = [kernelMapOf([entryOf(4, 6)])];
  const before = { maps: [kernelMapOf()] };
  test('accepts a free range, and none for more than the map', () => {
    accepts(
      'INV-SCHED-RETRY',
      viewOf({ maps: taken, before, operation: wait(2), outcome: allocated(at(4)) }),
    );
    accepts('INV-SCHED-RETRY', viewOf({ before, operation: wait(65), outcome: none }));
    accepts('INV-SCHED-RETRY', viewOf({ before, operation: wait(0), outcome: none }));
  });
  test('rejects a range that was not free', () =>
    rejects(
      'INV-SCHED-RETRY',
      /was not free/,
      viewOf({ maps: taken, before: { maps: taken }, operation: wait(2), outcome: allocated(at(5)) }),
    ));
  test('rejects a range that nobody took', () =>
    rejects(
      'INV-SCHED-RETRY',
      /was returned but not taken/,
      viewOf({ before, operation: wait(2), outcome: allocated(at(4)) }),
    ));
  test('rejects a range outside the map, and one that is no whole page', () => {
    rejects(
      'INV-SCHED-RETRY',
      /is not a range/,
      viewOf({ before, operation: wait(2), outcome: allocated(at(63)) }),
    );
    rejects(
      'INV-SCHED-RETRY',
      /is not a range/,
      viewOf({ before, operation: wait(2), outcome: allocated(at(4.5)) }),
    );
  });
  test('rejects none for a request that fits the map', () =>
    rejects('INV-SCHED-RETRY', /fit into map kernel/, viewOf({ before, operation: wait(2), outcome: none })));
});

describe('INV-SCHED-NOLOCKRET', () => {
  const operation: Operation = {
    kind: 'vm_map_protect',
    map: 'kernel',
    start: at(0),
    end: at(1),
    protection: 1,
    setMax: false,
  };
  const returned = (fields: ViewSpec) => viewOf({ operation, outcome: kern(4), ...fields });
  test('accepts an operation that left nothing held', () => accepts('INV-SCHED-NOLOCKRET', returned({})));
  test('rejects a locked map (DEV-3)', () =>
    rejects(
      'INV-SCHED-NOLOCKRET',
      /map kernel is locked/,
      returned({ maps: [kernelMapOf([], { locked: true })] }),
    ));
  test.each([{ busy: true }, { wanted: true }])('rejects a page left %o', (flags) =>
    rejects(
      'INV-SCHED-NOLOCKRET',
      /page 0x4000 of kernel/,
      returned({ objects: [objectOf('kernel', [pageOf(4, 0, flags)])] }),
    ),
  );
  test('rejects a transition, a sleep, a wake-up and an operation in flight that outlive the return', () => {
    rejects(
      'INV-SCHED-NOLOCKRET',
      /in transition/,
      returned({
        transitions: [{ map: 'kernel', start: at(4), end: at(5), state: 'filling', operation: 1 }],
      }),
    );
    rejects('INV-SCHED-NOLOCKRET', /it is asleep/, returned(asleep('pages')));
    rejects('INV-SCHED-NOLOCKRET', /it is runnable/, returned(runnable));
    rejects('INV-SCHED-NOLOCKRET', /it is in flight/, returned({ inFlight: [[1, operation]] }));
  });
  test('says nothing about other operations in flight', () =>
    accepts(
      'INV-SCHED-NOLOCKRET',
      returned({
        maps: [kernelMapOf(), mapOf('sub', [])],
        sched: { asleep: [{ operation: 7, event: 'pages' }] },
      }),
    ));
});
