import { expect, test } from 'vitest';
import { loadFaultyKernel } from '../faults/load.ts';
import { applyPatch } from '../faults/patch.ts';
import { FAULTY_REFERENCES } from '../faults/references.ts';
import { SOUGHT } from '../faults/sought.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import { faultsAreSeen } from './faults-seen.ts';

test('an anchor that is gone, or stands twice, or changes nothing is refused', () => {
  const fault = { name: 'f', source: 's', file: 'impl/x.ts', find: 'a', replace: 'b', caughtBy: [] };
  expect(applyPatch(fault, 'xay')).toBe('xby');
  expect(() => applyPatch(fault, 'xy')).toThrow('exactly once in impl/x.ts, not 0 times');
  expect(() => applyPatch(fault, 'xaya')).toThrow('not 2 times');
  expect(() => applyPatch({ ...fault, replace: 'a' }, 'xay')).toThrow('equal');
});

test('a fault in a file that the kernel does not import is refused', () => {
  const fault = { name: 'f', source: 's', file: 'model/state.ts', find: 'a', replace: 'b', caughtBy: [] };
  expect(() => loadFaultyKernel(fault)).toThrow('not part of');
});

test('every fault names its own bug, and invariants that exist', () => {
  const kernels = Object.values(SOUGHT).flat();
  const faults = [...kernels, ...FAULTY_REFERENCES];
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
  const ids = new Set(ALL_INVARIANTS.map(({ id }) => id));
  expect(kernels.flatMap(({ caughtBy }) => caughtBy).filter((id) => !ids.has(id))).toEqual([]);
});

faultsAreSeen(5);
