import { expect, test } from 'vitest';
import { address, bytes } from '../../contract/address.ts';
import {
  addressAt,
  alloc,
  allocPageable,
  allocWait,
  at,
  bench,
  free,
  insert,
  malloc,
  pagedaemon,
  protect,
  read,
  resume,
  suballoc,
  unwire,
  wire,
} from './bench-machine.ts';

test('SCHED-2: a wakeup without a sleeper is lost', () => {
  const { run, step } = bench();
  run(suballoc('sub', 1));
  run(allocPageable(1, 'sub'));
  expect(
    step({ kind: 'kmem_free_wakeup', map: 'sub', address: at(9), size: bytes(1) }).woken,
  ).toBeUndefined();
  expect(run(allocWait(1, 'sub'))).toEqual({ kind: 'sleep', event: 'map:sub' });
});

test('SCHED-3, SCHED-4: a page shortage sleeps on pages and pokes the daemon every time', () => {
  const { step } = bench({ managedPages: 1 });
  expect(step(alloc(2))).toEqual({ outcome: { kind: 'sleep', event: 'pages' }, daemonPoked: true });
  expect(step(pagedaemon)).toEqual({ outcome: { kind: 'done' }, woken: [1] });
  expect(step(resume(1))).toEqual({
    outcome: { kind: 'sleep', event: 'pages' },
    resumed: 1,
    daemonPoked: true,
  });
});

test('SCHED-5, SCHED-6: frames that become free wake nobody, a pass of the daemon wakes all', () => {
  const { run, step, kernel } = bench({ managedPages: 2 });
  run(alloc(2));
  run(alloc(1));
  run(alloc(1));
  expect(step(free(0, 2)).woken).toBeUndefined();
  expect(kernel.cell('sched').asleep.map(({ operation }) => operation)).toEqual([2, 3]);
  expect(step(pagedaemon).woken).toEqual([2, 3]);
  expect(kernel.cell('sched')).toEqual({ asleep: [], runnable: [2, 3] });
});

test('SCHED-7: everybody asleep with no frame left is a state like any other', () => {
  const { run, kernel } = bench({ managedPages: 1 });
  run(alloc(2));
  run(alloc(2));
  expect(kernel.cell('counters').free).toBe(0);
  expect(kernel.cell('sched').asleep).toHaveLength(2);
});

test('SCHED-8: woken operations look again in any order they are resumed in', () => {
  const { run } = bench({ managedPages: 2 });
  run(alloc(2));
  run(alloc(1));
  run(alloc(1));
  run(free(1, 1));
  run(pagedaemon);
  expect(run(resume(3))).toEqual(addressAt(3));
  expect(run(resume(2))).toEqual({ kind: 'sleep', event: 'pages' });
});

test('an operation that is asleep, finished or unknown cannot be resumed', () => {
  const { run } = bench({ managedPages: 1 });
  run(alloc(2));
  for (const operation of [1, 2, 77])
    expect(run(resume(operation))).toEqual({ kind: 'rejected', rule: 'SCHED-2' });
});

test('MAP-TRANS-0: the mark is on the range and ends with its owner, who wakes those that waited', () => {
  const { run, step, kernel } = bench({ managedPages: 2 });
  run(insert(10, 11));
  run(wire(10, 11));
  expect(run(alloc(2))).toEqual({ kind: 'sleep', event: 'pages' });
  expect(run(free(0, 2))).toEqual({ kind: 'sleep', event: 'trans:kernel' });
  run(free(10, 1));
  run(pagedaemon);
  expect(step(resume(3))).toEqual({ outcome: addressAt(0), resumed: 3, woken: [4] });
  expect(kernel.cell('transitions')).toEqual([]);
  expect(step(resume(4)).outcome).toEqual({ kind: 'done' });
  expect(kernel.cell('map:kernel')?.size).toBe(0);
});

test('MAP-TRANS-1: filling holds up removal only, wiring also protect, inherit, wire and unwire', () => {
  const waiting = { kind: 'sleep', event: 'trans:kernel' };
  const filling = bench({ managedPages: 1 });
  filling.run(alloc(2));
  expect(filling.run(protect(0, 2, 7))).toEqual({ kind: 'kern', code: 0 });
  expect(filling.run({ kind: 'vm_map_remove', map: 'kernel', start: at(1), end: at(9) })).toEqual(waiting);
  const wiring = bench({ managedPages: 1 });
  wiring.run(insert(0, 4));
  wiring.run(wire(0, 2));
  for (const operation of [
    protect(1, 3, 7),
    wire(0, 1),
    unwire(1, 2),
    free(0, 4),
    { kind: 'vm_map_inherit', map: 'kernel', start: at(1), end: at(2), inheritance: 1 } as const,
  ])
    expect(wiring.run(operation)).toEqual(waiting);
  expect(wiring.run(protect(2, 4, 7))).toEqual({ kind: 'kern', code: 0 });
  expect(wiring.run({ kind: 'vm_map_simplify', map: 'kernel', start: at(2) })).toEqual({ kind: 'done' });
});

test('MAP-TRANS-1: an empty range waits only where it would split an entry of the transition', () => {
  const { run } = bench({ managedPages: 1 });
  run(insert(0, 4));
  run(wire(0, 2));
  expect(run(protect(1, 1, 7))).toEqual({ kind: 'sleep', event: 'trans:kernel' });
  expect(run(protect(0, 0, 7))).toEqual({ kind: 'kern', code: 0 });
  expect(run(protect(3, 3, 7))).toEqual({ kind: 'kern', code: 0 });
});

test('MAP-TRANS-1: an unaligned range waits before it is refused, one that is clamped away does not', () => {
  const { run } = bench({ managedPages: 1 });
  run(insert(0, 4));
  run(wire(0, 2));
  const odd = { ...protect(0, 1, 7), start: address(at(0) + 5) };
  expect(run(odd)).toEqual({ kind: 'sleep', event: 'trans:kernel' });
  expect(run({ ...odd, start: address(at(99) + 5), end: at(99) })).toEqual({
    kind: 'kern',
    code: 0,
  });
});

test('vm_map_delete into a transition is rejected', () => {
  const { run } = bench({ managedPages: 1 });
  run(alloc(2));
  expect(run({ kind: 'vm_map_delete', map: 'kernel', start: at(0), end: at(1) })).toEqual({
    kind: 'rejected',
    rule: 'MAP-TRANS-1',
  });
});

test('faults and accesses ignore a transition', () => {
  const { run } = bench({ managedPages: 1 });
  run(alloc(2));
  expect(run(read(0))).toEqual({ kind: 'bytes', bytes: [0] });
});

test('a nowait allocation never sleeps, and a waiting one sleeps with its block in place', () => {
  const { run, entries } = bench({ managedPages: 1 });
  run(suballoc('kmem', 8));
  expect(run(malloc(2))).toEqual({ kind: 'none' });
  expect(run(malloc(2, true))).toEqual({ kind: 'sleep', event: 'pages' });
  expect(entries('kmem')).toEqual(['0-2 kmem']);
});
