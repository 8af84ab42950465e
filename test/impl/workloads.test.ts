import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { RECORDED_RUNS } from '../../bench/workloads.ts';

/** Milliseconds: a million steps on a busy machine. */
const SLOWEST_RUN = 180_000;
const root = resolve(import.meta.dirname, '..', '..');

/** What each run returns, measured in a process of its own: under coverage a million steps take five times as long. */
function inOwnProcess(
  runs: readonly { readonly workload: 'A' | 'B'; readonly n: number; readonly steps: number }[],
) {
  const script = `
    import { runWorkload } from './bench/workloads.ts';
    const clock = () => Number(process.hrtime.bigint());
    const runs = ${JSON.stringify(runs)};
    console.log(JSON.stringify(runs.map((run) => runWorkload(run.workload, run, clock))));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { cwd: root, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  return JSON.parse(stdout) as { nanosecondsPerStep: number; checksum: string }[];
}

test(
  'workloads A and B return the addresses that the original C code returned',
  () => {
    const measured = inOwnProcess(RECORDED_RUNS);
    const expected = RECORDED_RUNS.map(({ originalNanosecondsPerStep: _, ...run }) => run);
    expect(measured.map(({ nanosecondsPerStep: _, ...run }) => run)).toEqual(expected);
    expect(measured.every(({ nanosecondsPerStep }) => nanosecondsPerStep > 0)).toBe(true);
    expect(measured).toHaveLength(8);
  },
  SLOWEST_RUN,
);

test('the checksum notices a run of ten steps less', () => {
  const [run] = RECORDED_RUNS.filter(({ n }) => n === 10_000);
  const [shorter] = inOwnProcess([{ workload: 'A', n: 10_000, steps: 19_990 }]);
  expect(shorter?.checksum).toBeTypeOf(typeof run?.checksum);
  expect(shorter?.checksum).not.toBe(run?.checksum);
});
