import { expect, test } from 'vitest';
import { at, insert, pagedaemon, resume } from './bench-machine.ts';
import {
  cpuRead,
  cpuWrite,
  create,
  done,
  enter,
  onPmap,
  rejected,
  scratch,
  shown,
  space,
} from './bench-pmap.ts';

const bytes = (...values: number[]) => ({ kind: 'bytes', bytes: values });
const trap = (code: number, address: number) => ({ kind: 'trap', code, address });

/** Pmap `a`, current, with frame 0 at page 1, writable, and frame 1 at page 2, read-only. */
function userMachine() {
  const machine = scratch();
  machine.run(create('a'));
  machine.run(enter('a', 0x1000, 0));
  machine.run(enter('a', 0x2000, 1, 1));
  machine.run(onPmap('pmap_activate', 'a'));
  return machine;
}

test('CPU-6: an access goes through the pmap that is current, and only that', () => {
  const machine = userMachine();
  const { run, kernel } = machine;
  expect(kernel.cell('spaces').current).toBe('a');
  run(create('b'));
  run(enter('b', 0x1000, 1));
  expect(run(cpuWrite(0x1000, [1], 'user'))).toEqual(done);
  expect(run(onPmap('pmap_activate', 'b'))).toEqual(done);
  expect(kernel.touched()).toEqual(['spaces']);
  expect(run(cpuRead(0x1000, 1))).toEqual(bytes(0));
  run(onPmap('pmap_activate', 'kernel'));
  expect(run(cpuRead(0x1000, 1))).toEqual(trap(1, 0x1000));
  expect(run(cpuRead(0x1000, 1, 'user'))).toEqual(trap(1, 0x1000));
  expect(kernel.cell('spaces').current).toBe('kernel');
});

test('CPU-2: a user writes where his mapping is writable, the supervisor anywhere', () => {
  const { run } = userMachine();
  expect(run(cpuWrite(0x1fff, [1], 'user'))).toEqual(done);
  expect(run(cpuRead(0x2000, 1, 'user'))).toEqual(bytes(0));
  expect(run(cpuWrite(0x2000, [1], 'user'))).toEqual(trap(2, 0x2000));
  expect(run(cpuWrite(0x2000, [2]))).toEqual(done);
  expect(run(cpuRead(0x2000, 1, 'user'))).toEqual(bytes(2));
});

test('a user reaches no mapping of the kernel, and nothing is faulted in for him', () => {
  const machine = userMachine();
  const { run } = machine;
  run(enter('kernel', at(0), 0));
  run(insert(20, 21));
  const before = shown(machine);
  expect(run(cpuRead(at(0) + 3, 1, 'user'))).toEqual(trap(2, at(0) + 3));
  expect(run(cpuRead(at(20), 1, 'user'))).toEqual(trap(1, at(20)));
  expect(run(cpuRead(0x3000, 1, 'user'))).toEqual(trap(1, 0x3000));
  expect(run(cpuRead(0x3000, 1))).toEqual(trap(1, 0x3000));
  expect(shown(machine)).toEqual(before);
  expect(run(cpuRead(at(20), 1))).toEqual(bytes(0));
});

test('what both refuse is refused in either mode', () => {
  const { run } = userMachine();
  expect(run(cpuRead(0x1000, 17, 'user'))).toEqual(rejected('CPU-7'));
  expect(run(cpuWrite(0x1000, [], 'user'))).toEqual(rejected('CPU-7'));
  expect(run(cpuRead(959 * 0x40_0000, 1, 'user'))).toEqual(rejected('PMAP-REC-1'));
});

test('CPU-3, CPU-7: each page is reached in turn, and its own mapping notes that', () => {
  const machine = userMachine();
  const { run } = machine;
  expect(run(cpuWrite(0x1ffe, [1, 2, 3], 'user'))).toEqual(trap(2, 0x2000));
  expect(space(machine, 'a')).toMatchObject({
    mappings: [
      { address: 0x1000, accessed: true, dirty: true },
      { address: 0x2000, accessed: false, dirty: false },
    ],
  });
  expect(run(cpuRead(0x1ffe, 3, 'user'))).toEqual(bytes(1, 2, 0));
  expect(run(cpuRead(0x2fff, 2, 'user'))).toEqual(trap(1, 0x3000));
  expect(space(machine, 'a')).toMatchObject({ mappings: [{}, { accessed: true, dirty: false }] });
});

test('an access that sleeps for a frame gets that of a page table given back', () => {
  const machine = scratch({ managedPages: 4 });
  const { run } = machine;
  run(create('a'));
  run(enter('a', 0, 0));
  run(insert(20, 21));
  expect(run(cpuWrite(at(20), [1]))).toEqual({ kind: 'sleep', event: 'pages' });
  run(onPmap('pmap_activate', 'a'));
  run(pagedaemon);
  expect(run(resume(4))).toEqual({ kind: 'sleep', event: 'pages' });
  run(enter('a', 0, 0, 0));
  run(pagedaemon);
  expect(run(resume(4))).toEqual(done);
  expect(run(cpuRead(at(20), 1))).toEqual(bytes(1));
});
