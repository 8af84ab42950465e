import { describe, expect, test } from 'vitest';
import { pages } from '../../contract/address.ts';
import { InputError } from '../../contract/input-error.ts';
import type { KernelModule } from '../../contract/kernel-memory.ts';
import type { Operation } from '../../contract/operation.ts';
import { none, type Outcome } from '../../contract/outcome.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { type CampaignOptions, runCampaign } from '../../properties/campaign.ts';
import type { LockstepReport } from '../../properties/verdict.ts';
import { smallMachine } from './generated.ts';

/** The model with its answers changed. */
const lying = (lie: (operation: Operation, outcome: Outcome) => Outcome): KernelModule => ({
  declares: { ...referenceKernel.declares, name: 'lying' },
  boot: (machine) => {
    const kernel = referenceKernel.boot(machine);
    return {
      ...kernel,
      apply: (operation, number) => {
        const step = kernel.apply(operation, number);
        return { ...step, outcome: lie(operation, step.outcome) };
      },
    };
  },
});

/** Claims to have no room for requests of three pages and more. */
const stingy = lying((operation, outcome) =>
  operation.kind === 'kmem_alloc_pageable' && operation.size > 8192 && outcome.kind === 'address'
    ? none
    : outcome,
);

const run = (options: Partial<CampaignOptions> = {}) =>
  runCampaign({
    reference: referenceKernel,
    candidate: referenceKernel,
    seed: 5,
    runs: 25,
    invariants: [],
    ...options,
  });

describe('a campaign that holds', () => {
  const result = run();

  test('runs all its scenarios, none of them empty', () => {
    expect(result).toMatchObject({ seed: 5, runs: 25, failure: null, interrupted: false, emptyScenarios: 0 });
    expect(result.operations).toBe(result.statistics.operations);
    expect(result.operations).toBeGreaterThan(500);
  });

  test('is the same for the same seed', () => {
    expect(JSON.stringify(run())).toBe(JSON.stringify(result));
    expect([...run().rules]).toEqual([...result.rules]);
  });

  test('counts goals and rules', () => {
    expect(result.goals.filter(({ count }) => count > 0).length).toBeGreaterThan(50);
    expect(result.rules.get('KM-ALLOC-2')).toBeGreaterThan(10);
  });

  test('tells of every scenario before it runs and of its progress after it', () => {
    const told: string[] = [];
    run({
      runs: 3,
      onScenario: (_scenario, index) => told.push(`scenario ${index}`),
      onProgress: ({ runs }) => told.push(`done ${runs}`),
    });
    expect(told).toEqual(['scenario 0', 'done 1', 'scenario 1', 'done 2', 'scenario 2', 'done 3']);
  });

  test('runs given examples first', () => {
    const example: Scenario = {
      machine: smallMachine,
      operations: [{ kind: 'kmem_alloc', map: 'kernel', size: pages(1) }],
    };
    const ran: Scenario[] = [];
    run({ runs: 2, examples: [example], onScenario: (scenario) => ran.push(scenario) });
    expect(ran[0]).toBe(example);
    expect(ran).toHaveLength(2);
  });

  test('ends early when it is told to stop, and says so', () => {
    let asked = 0;
    const result = run({
      shouldStop: () => {
        asked += 1;
        return asked > 4;
      },
    });
    expect(result).toMatchObject({ runs: 4, interrupted: true, failure: null });
  });
});

describe('a campaign that fails', () => {
  const events: string[] = [];
  let first: LockstepReport | null = null;
  const { failure, runs, statistics } = run({
    candidate: stingy,
    onScenario: () => events.push('scenario'),
    onFailure: (report) => {
      first = report;
      events.push('failure');
    },
  });

  test('reports the first failure before it shrinks', () => {
    expect(events.filter((event) => event === 'failure')).toEqual(['failure']);
    expect(events.at(-1)).toBe('failure');
    expect(failure?.first).toBe(first);
  });

  test('shrinks it to the one operation that matters', () => {
    expect(failure?.shrunk.failure?.property).toBe(failure?.first.failure?.property);
    expect(failure?.shrunk.scenario.operations).toEqual([
      { kind: 'kmem_alloc_pageable', map: 'kernel', size: 3 * 4096 },
    ]);
    expect(failure?.shrinks).toBeGreaterThan(0);
  });

  test('counts only what was generated', () => {
    expect(statistics.scenarios).toBe(events.length - 1);
    expect(runs).toBe(statistics.scenarios);
  });

  test('leaves the failure as it was found when shrinking is switched off', () => {
    const asFound = run({ candidate: stingy, shrinkLimit: 0 }).failure;
    expect(asFound?.shrinks).toBe(0);
    expect(asFound?.shrunk).toBe(asFound?.first);
  });

  test('keeps to the limit of tries while shrinking', () => {
    const hurried = run({ candidate: stingy, shrinkLimit: 3 }).failure;
    expect(hurried?.shrinks).toBeLessThanOrEqual(3);
  });
});

test('only a failure of the same property counts while shrinking', () => {
  const twofold = lying((operation, outcome) => {
    if (operation.kind === 'pagedaemon') throw new Error('no daemon');
    return operation.kind === 'kmem_alloc_pageable' && operation.size > 8192 ? none : outcome;
  });
  const { failure } = run({ candidate: twofold });
  expect(failure?.shrunk.failure?.property).toBe(failure?.first.failure?.property);
});

test('a kernel that cannot run as it declares itself is refused with its own message', () => {
  const { declares } = referenceKernel;
  const blind: KernelModule = {
    declares,
    boot: (machine) => ({ apply: referenceKernel.boot(machine).apply }),
  };
  expect(() => run({ candidate: blind })).toThrow(InputError);
});

test('a kernel is only asked for what it declares, also when it places where it likes', () => {
  const placing: KernelModule = {
    declares: {
      name: 'placing',
      operations: ['kmem_alloc_pageable', 'kmem_free'],
      shows: ['outcomes'],
      placement: 'any',
    },
    boot: referenceKernel.boot,
  };
  expect(run({ candidate: placing, runs: 10 })).toMatchObject({ failure: null, runs: 10 });
});
