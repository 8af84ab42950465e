/** The verb that puts faulty kernels through scenarios: its last line, its document, its status. */
import { expect, test } from 'vitest';
import { directoryWith, vmlockstep } from './command.ts';

const NAMES = ['unwire-needs-pte', 'mappings-counted-in-8-bits'];

test('ends with how many were seen and how many were not, and fails for these', async () => {
  const { status, stdout } = await vmlockstep(directoryWith(), ['faults', ...NAMES, '--runs', '10']);
  expect(stdout).toMatch(/^unwire-needs-pte +INV-PAGE-COUNTERS \(scenario 4, operation 47\) \/ /m);
  expect(stdout).toMatch(/^mappings-counted-in-8-bits +nobody \/ nobody$/m);
  expect(stdout).toMatch(
    /: 1 fell to an invariant alone, 1 with the comparison\n1 passed, 1 failed, 0 skipped\n$/,
  );
  expect(status).toBe(1);
});

test('tells the same as one JSON document, in the same bytes each time', async () => {
  const args = ['faults', ...NAMES, '--runs', '10', '--json'];
  const { status, stdout } = await vmlockstep(directoryWith(), args);
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ version: 1, verb: 'faults', seed: 1994, runs: 10, passed: 1, failed: 1, skipped: 0, exit: 1 },
    faults: [
      { fault: { name: NAMES[0] }, withComparison: { property: 'INV-PAGE-COUNTERS', scenario: 4 } },
      { fault: { name: NAMES[1] }, withoutComparison: null, withComparison: null },
    ],
  });
  expect((await vmlockstep(directoryWith(), args)).stdout).toBe(stdout);
});
