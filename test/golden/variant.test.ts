import { resolve } from 'node:path';
import { expect, test } from 'vitest';
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

test('a search for traces leaves the variants out, unless it begins in them', () => {
  expect(findTraces([resolve(VARIANTS, '..')]).filter((file) => file.includes('variants'))).toEqual([]);
  expect(findTraces([VARIANTS])).toEqual([KENTER_UNMANAGED]);
});
