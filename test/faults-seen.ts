/** Each faulty kernel and reference, or every so manyth of them, is seen, by whom it should be. */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { faultScenarios, firstSight } from '../cli/faults.ts';
import type { Scenario } from '../contract/scenario.ts';
import { loadFaultyKernel, loadFaultyReference } from '../faults/load.ts';
import { FAULTY_REFERENCES } from '../faults/references.ts';
import { SOUGHT, type SoughtWith } from '../faults/sought.ts';
import { replayTrace } from '../golden/replay.ts';
import { readTraceFile } from '../golden/trace-file.ts';

const SEED = 1994;
const MOST_SCENARIOS = 300;

/** Describes the claim for each fault whose place in the list is a multiple of `each`. */
export function faultsAreSeen(each: number): void {
  describe.each(Object.keys(SOUGHT) as SoughtWith[])('faulty kernels sought with workload %s', (workload) => {
    let list: Scenario[] = [];
    beforeAll(() => {
      list = faultScenarios(SEED, MOST_SCENARIOS, workload);
    });

    test('the faithful copy, loaded the same way, is seen by nobody', () => {
      expect(firstSight(loadFaultyKernel(null), list.slice(0, 40), true)).toBeNull();
    });

    test.each(SOUGHT[workload].filter((_, i) => i % each === 0).map((fault) => [fault.name, fault] as const))(
      '%s is seen',
      (_name, fault) => {
        const candidate = loadFaultyKernel(fault);
        // What an invariant sees alone, the comparison cannot miss: it only ever ends a scenario earlier.
        if (fault.caughtBy.length > 0)
          expect(fault.caughtBy).toContain(firstSight(candidate, list, false)?.property);
        else expect(firstSight(candidate, list, true)).not.toBeNull();
      },
    );

    test('at least twenty fall to a named invariant alone', () => {
      expect(SOUGHT[workload].length).toBeGreaterThanOrEqual(25);
      const named = SOUGHT[workload].filter(({ caughtBy }) => caughtBy.length > 0);
      expect(named.length).toBeGreaterThanOrEqual(20);
    });
  });

  describe('faulty references', () => {
    const folder = resolve(import.meta.dirname, '../golden/traces');
    const traces = readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl.gz') && !name.startsWith('cow'))
      .sort()
      .map((name) => join(folder, name));

    test.each(
      FAULTY_REFERENCES.filter((_, i) => i % each === 0).map((fault) => [fault.name, fault] as const),
    )('%s is caught by a golden trace', (_name, fault) => {
      const module = loadFaultyReference(fault);
      const caught = traces.find((path) => {
        const { failures } = replayTrace(readTraceFile(path), { sides: [{ name: 'faulty model', module }] });
        return failures.length > 0;
      });
      expect(caught).toBeDefined();
    });

    test('there are at least ten', () => {
      expect(FAULTY_REFERENCES.length).toBeGreaterThanOrEqual(10);
    });
  });
}
