/** Every trace of the package against both kernels. One pass serves all claims. */
import { basename, dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findTraces } from '../../golden/find-traces.ts';
import { type Replay, replayTrace, type Side } from '../../golden/replay.ts';
import { stopped, tally } from '../../golden/tally.ts';
import { readTraceFile } from '../../golden/trace-file.ts';
import { indexedName, readTraceIndex } from '../../golden/trace-index.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';

const TRACES = resolve(import.meta.dirname, '../../golden/traces');
const SIDES: readonly Side[] = [
  { name: 'model', module: 'reference' },
  { name: 'impl', module: optimizedKernel },
];

const index = readTraceIndex(join(TRACES, 'index.jsonl'));
const withCopy: string[] = [];
const ofContract: string[] = [];
const wrongPointers: string[] = [];
let rightPointers = 0;

function replay(file: string): Replay {
  const trace = readTraceFile(file);
  if (trace.fromModel) ofContract.push(file);
  if (trace.records.some(({ operation }) => operation.op === 'copy')) withCopy.push(file);
  const indexed = dirname(file) === TRACES ? index.get(indexedName(basename(file))) : undefined;
  return replayTrace(trace, {
    sides: SIDES,
    indexed,
    watch: ({ number, state }, _model, firstFree) => {
      for (const [name, { first_free }] of Object.entries(state?.maps ?? {})) {
        if (first_free === undefined) continue;
        if (firstFree.of(name) === first_free) rightPointers += 1;
        else wrongPointers.push(`${file} operation ${number}: first_free of ${name}`);
      }
    },
  });
}

const replays = findTraces([TRACES]).map(replay);
const isNumbered = ({ file }: Replay): boolean => dirname(file) === TRACES;
const isCow = ({ file }: Replay): boolean => basename(file).startsWith('cow-');

describe('the recorded traces', () => {
  test('neither kernel differs anywhere from what is binding', () => {
    expect(tally(replays).failures).toEqual([]);
  });

  test('the triggers stop where the index stops, and hold where the traces of the contract say so', () => {
    expect(tally(replays).disagreements).toEqual([]);
  });

  test('operations and comparisons are counted as the index counts them', () => {
    const sums = tally(replays.filter((one) => isNumbered(one) && !isCow(one)));
    expect(sums).toMatchObject({ traces: 350, operations: 16_709, compared: 13_859, skipped: 0 });
    const stops = [...index].filter(([file, { stop }]) => stop !== null && !file.startsWith('cow-'));
    expect(stopped(sums)).toBe(stops.length);
  });

  test('traces of the contract bind to their last operation', () => {
    expect(ofContract).toHaveLength(145);
    const cutShort = replays.filter(
      ({ file, compared, operations }) => ofContract.includes(file) && compared < operations,
    );
    expect(cutShort).toEqual([]);
  });

  test('every trace with a copy is skipped, and no other', () => {
    expect(withCopy).toHaveLength(20);
    expect(replays.filter(({ skipped }) => skipped).map(({ file }) => file)).toEqual(withCopy);
  });

  test('first_free follows every recorded pointer as long as the comparison goes on', () => {
    expect(wrongPointers).toEqual([]);
    expect(rightPointers).toBeGreaterThan(30_000);
  });
});
