import { expect, test } from 'vitest';
import { RECORDED_RUNS, runWorkload } from '../../bench/workloads.ts';

/** Milliseconds: a million steps under coverage on a busy machine. */
const SLOWEST_RUN = 180_000;
const clock = () => Number(process.hrtime.bigint());

test.each(RECORDED_RUNS)(
  'workload $workload with n=$n returns the addresses that the original C code returned',
  (run) => {
    const { originalNanosecondsPerStep: _, ...expected } = run;
    const { nanosecondsPerStep, ...actual } = runWorkload(run.workload, run, clock);
    expect(actual).toEqual(expected);
    expect(nanosecondsPerStep).toBeGreaterThan(0);
  },
  SLOWEST_RUN,
);

test('the checksum notices a run of one step less', () => {
  const [run] = RECORDED_RUNS.filter(({ n }) => n === 10_000);
  const { checksum } = runWorkload('A', { n: 10_000, steps: 19_990 }, clock);
  expect(checksum).not.toBe(run?.checksum);
});
