import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { FAULTY_KERNELS } from '../../faults/kernels.ts';
import { loadFaultyKernel } from '../../faults/load.ts';
import { findTraces } from '../../golden/find-traces.ts';
import { replayTrace } from '../../golden/replay.ts';
import { readTraceFile } from '../../golden/trace-file.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';

const VARIANTS = resolve(import.meta.dirname, '../../golden/traces/variants');
const KENTER_UNMANAGED = resolve(VARIANTS, '36-kenter-unmanaged.jsonl.gz');

test('a kenter without pv entry shows at the free after it, and not before', () => {
  const { failures, stop, compared } = replayTrace(readTraceFile(KENTER_UNMANAGED), {
    sides: [
      { name: 'model', module: 'reference' },
      { name: 'impl', module: optimizedKernel },
    ],
  });
  expect(stop).toBeNull();
  expect(compared).toBe(3);
  expect(failures.map(({ side, number, thrown }) => ({ side, number, thrown }))).toEqual([
    { side: 'model', number: 3, thrown: undefined },
    { side: 'impl', number: 3, thrown: undefined },
  ]);
  // The recording keeps two mappings of frames that it has freed.
  expect(failures[0]?.differences.map(({ path }) => path)).toEqual(['state.pmap[0]', 'state.pmap[1]']);
});

test('the faulty kernel whose kenter keeps no pv entry agrees with that recording to its end', () => {
  const fault = FAULTY_KERNELS.find(({ name }) => name === 'kenter-keeps-no-pv');
  if (fault === undefined) throw new Error('the fault is gone');
  const { failures, compared } = replayTrace(readTraceFile(KENTER_UNMANAGED), {
    sides: [{ name: 'faulty', module: loadFaultyKernel(fault) }],
  });
  expect({ failures, compared }).toEqual({ failures: [], compared: 5 });
});

test('a search for traces leaves the variants out, unless it begins in them', () => {
  expect(findTraces([resolve(VARIANTS, '..')]).filter((file) => file.includes('variants'))).toEqual([]);
  expect(findTraces([VARIANTS])).toEqual([KENTER_UNMANAGED]);
});
