import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseScenario, scenarioText } from '../../cli/scenario-file.ts';
import { address, bytes, objectOffset, pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { scenarios } from '../../properties/scenarios.ts';
import { isSmaller, measure } from '../../properties/scenarios-measure.ts';
import { smallerScenarios } from '../../properties/scenarios-shrink.ts';
import { generated, goalOf, observed, outcomesOf, smallMachine } from './generated.ts';

const arbitrary = scenarios({ reference: referenceKernel });
const page = (n: number) => address(smallMachine.kernelStart + n * 4096);

/** The smallest scenario found that still answers the condition; the given one must. */
function shrunk(scenario: Scenario, holds: (candidate: Scenario) => boolean): Scenario {
  const property = fc.property(arbitrary, (candidate) => !holds(candidate));
  const { counterexample } = fc.check(property, { seed: 1, numRuns: 1, examples: [[scenario]] });
  return counterexample?.[0] ?? scenario;
}

/** True when the scenario meets the goal on the model. */
function meets(id: string): (scenario: Scenario) => boolean {
  return (scenario) => {
    const { at, watch } = goalOf(id);
    const met = watch();
    let seen = false;
    observed(scenario, {
      step: (view) => {
        if (at === 'any' || (view.subject !== null && at.includes(view.subject.kind))) seen ||= met(view);
      },
    });
    return seen;
  };
}

const written = (...operations: Operation[]): Scenario => ({ machine: smallMachine, operations });

describe('every simpler scenario', () => {
  test('is well-formed and strictly smaller', () => {
    for (const scenario of generated(4, { seed: 3 })) {
      const limit = measure(scenario);
      let count = 0;
      for (const { scenario: simpler } of smallerScenarios(scenario, {
        reference: referenceKernel,
        from: 0,
      })) {
        count += 1;
        if (count > 150) break;
        expect(arbitrary.canShrinkWithoutContext(simpler)).toBe(true);
        expect(isSmaller(measure(simpler), limit)).toBe(true);
      }
      expect(count).toBeGreaterThan(20);
    }
  });

  test('is one that a file can hold, also where an object is called as a map is', () => {
    const scenario = written(
      { kind: 'kmem_suballoc', name: 'kmem', parent: 'kernel', size: pages(2), pageable: false },
      {
        kind: 'vm_map_insert',
        ...{ map: 'kernel', object: 'kmem', offset: objectOffset(0), start: page(4), end: page(5) },
      },
      { kind: 'kmem_alloc', map: 'kmem', size: pages(1) },
    );
    const objects = new Set<string>();
    const maps = new Set<string>();
    for (const { scenario: simpler } of smallerScenarios(scenario, { reference: referenceKernel, from: 0 })) {
      expect(parseScenario('made', scenarioText({ scenario: simpler })).scenario).toEqual(simpler);
      for (const operation of simpler.operations) {
        if ('object' in operation) objects.add(operation.object);
        if ('name' in operation) maps.add(operation.name);
      }
    }
    expect([...maps].sort()).toEqual(['kmem', 'sub0']);
    expect(objects).toContain('kmem');
  });

  test('breaks no obligation that the whole one kept, with its addresses moved', () => {
    const scenario = generated(30, { seed: 11, workload: 'submap' }).find(
      ({ operations }) => operations.length > 30,
    );
    const simpler = [...smallerScenarios(scenario ?? written(), { reference: referenceKernel, from: 0 })];
    const rejected = simpler.filter(({ scenario: one }) =>
      outcomesOf(one).some(({ kind }) => kind === 'rejected'),
    );
    expect(rejected).toEqual([]);
  });

  test('is found lazily: the first comes before the rest is made', () => {
    const [scenario] = generated(1, { seed: 3 });
    const first = smallerScenarios(scenario ?? written(), { reference: referenceKernel, from: 0 }).next();
    expect(first.done).toBe(false);
  });
});

describe('shrinking', () => {
  test('of one plain allocation on the plainest machine ends at once', () => {
    const least = shrunk(written({ kind: 'kmem_alloc_pageable', map: 'kernel', size: pages(1) }), () => true);
    expect(shrunk(least, () => true)).toEqual(least);
    expect(least.operations).toEqual([{ kind: 'kmem_alloc_pageable', map: 'kernel', size: 4096 }]);
  });

  test('of a hand-written scenario drops what the failure does not need and moves the addresses of the rest', () => {
    const scenario = written(
      { kind: 'kmem_alloc_pageable', map: 'kernel', size: pages(3) },
      { kind: 'kmem_alloc', map: 'kernel', size: bytes(9000) },
      { kind: 'cpu_write', address: page(3), bytes: [1, 2, 3] },
      { kind: 'kmem_free', map: 'kernel', address: page(3), size: bytes(9000) },
      { kind: 'pagedaemon' },
    );
    const freesItsMemory = (candidate: Scenario): boolean => {
      const outcomes = outcomesOf(candidate);
      return candidate.operations.some(
        (operation, i) =>
          operation.kind === 'kmem_free' &&
          outcomes
            .slice(0, i)
            .some((outcome) => outcome.kind === 'address' && outcome.address === operation.address),
      );
    };
    expect(shrunk(scenario, freesItsMemory).operations).toEqual([
      { kind: 'kmem_alloc_pageable', map: 'kernel', size: 4096 },
      { kind: 'kmem_free', map: 'kernel', address: 0xfe00_0000, size: 4096 },
    ]);
  });

  test('renumbers resumes, and drops a resume with the operation it names', () => {
    const scenario = written(
      { kind: 'kmem_alloc_pageable', map: 'kernel', size: pages(1) },
      { kind: 'pmap_update' },
      { kind: 'kmem_alloc', map: 'kernel', size: pages(9) },
      { kind: 'pmap_update' },
      { kind: 'pagedaemon' },
      { kind: 'resume', operation: 3 },
    );
    expect(shrunk(scenario, meets('woken-in-vain-for-pages')).operations).toEqual([
      { kind: 'kmem_alloc', map: 'kernel', size: 8192 },
      { kind: 'pagedaemon' },
      { kind: 'resume', operation: 1 },
    ]);
  });

  test('drops what worked on a submap together with the submap', () => {
    const scenario = written(
      { kind: 'kmem_suballoc', name: 'sub5', parent: 'kernel', size: pages(4), pageable: true },
      { kind: 'kmem_alloc', map: 'sub5', size: pages(2) },
      { kind: 'kmem_free', map: 'sub5', address: page(0), size: pages(2) },
      { kind: 'pagedaemon' },
    );
    const least = shrunk(scenario, ({ operations }) => operations.some(({ kind }) => kind === 'pagedaemon'));
    expect(least.operations).toEqual([{ kind: 'pagedaemon' }]);
  });

  test('finds the minimum of situations that are known to take so many operations', {
    timeout: 120_000,
  }, () => {
    const known = [
      ['coalesced-boot', 1],
      ['nowait-unwired', 3],
      ['submap-full', 2],
      ['crosses-line', 1],
    ] as const;
    for (const [id, least] of known) {
      const start = generated(300, { seed: 5 }).find(meets(id));
      expect(start, id).toBeDefined();
      expect(shrunk(start ?? written(), meets(id)).operations.length, id).toBe(least);
    }
  });
});

describe('a scenario from outside shrinks only if it is well-formed', () => {
  const good = written({ kind: 'kmem_alloc', map: 'kernel', size: pages(1) });
  const alloc = { kind: 'kmem_alloc', map: 'kernel', size: 4096 };

  test('a good one is accepted', () => {
    expect(arbitrary.canShrinkWithoutContext(good)).toBe(true);
  });

  test.each([
    ['nothing', null],
    ['no operations', { ...good, operations: [] }],
    ['no machine', { operations: good.operations }],
    ['an unsound machine', { ...good, machine: { ...smallMachine, managedPages: 0 } }],
    ['a machine without a field', { ...good, machine: { ...smallMachine, reserved: undefined } }],
    [
      'a half scratch window',
      { ...good, machine: { ...smallMachine, scratchWindow: { start: 0xfe00_0000 } } },
    ],
    ['an unknown kind', { ...good, operations: [{ ...alloc, kind: 'kmem_grow' }] }],
    ['a kind inherited by every object', { ...good, operations: [{ kind: 'toString' }] }],
    ['a missing field', { ...good, operations: [{ kind: 'kmem_alloc', map: 'kernel' }] }],
    ['a field too many', { ...good, operations: [{ ...alloc, colour: 1 }] }],
    ['a size beyond 32 bits', { ...good, operations: [{ ...alloc, size: 2 ** 32 }] }],
    ['a byte beyond 255', { ...good, operations: [{ kind: 'cpu_write', address: 0, bytes: [256] }] }],
  ])('%s is refused', (_what, value) => {
    expect(arbitrary.canShrinkWithoutContext(value)).toBe(false);
  });
});
