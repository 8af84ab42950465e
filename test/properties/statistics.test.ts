import { describe, expect, test } from 'vitest';
import { bytes, pages } from '../../contract/address.ts';
import { OPERATION_KINDS, type Operation } from '../../contract/operation.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { StatisticsCounter } from '../../properties/statistics.ts';
import { generated, observed, smallMachine } from './generated.ts';

const written = (...operations: Operation[]): Scenario => ({ machine: smallMachine, operations });

/** The counts after these scenarios, as rows that ran. */
function counted(...list: Scenario[]) {
  const counter = new StatisticsCounter(OPERATION_KINDS);
  for (const scenario of list) {
    observed(scenario, counter);
    counter.finished(scenario, scenario.operations.length);
  }
  const result = counter.result();
  return { ...result, ran: result.kinds.filter(({ executed }) => executed > 0) };
}

const kmem: Operation = {
  kind: 'kmem_suballoc',
  name: 'kmem',
  parent: 'kernel',
  size: pages(4),
  pageable: false,
};

describe('statistics', () => {
  test('tell each way to end apart', () => {
    const { ran } = counted(
      written(
        { kind: 'kmem_alloc', map: 'kernel', size: pages(1) },
        { kind: 'kmem_alloc', map: 'kernel', size: bytes(0) },
        { kind: 'kmem_alloc', map: 'kernel', size: pages(8) },
        { kind: 'vm_fault', map: 'kernel', address: smallMachine.kernelMax, protection: 1 },
        { kind: 'cpu_read', address: smallMachine.kernelMax, length: 1 },
        { kind: 'resume', operation: 1 },
        { kind: 'kmem_suballoc', name: 'sub0', parent: 'kernel', size: bytes(0), pageable: false },
      ),
    );
    const none = { succeeded: 0, none: 0, kern: 0, trap: 0, rejected: 0, slept: 0, panicked: 0, executed: 1 };
    expect(ran).toEqual([
      { ...none, name: 'kmem_alloc', executed: 3, succeeded: 1, none: 1, slept: 1 },
      { ...none, name: 'kmem_suballoc', panicked: 1 },
      { ...none, name: 'vm_fault', kern: 1 },
      { ...none, name: 'cpu_read', trap: 1 },
      { ...none, name: 'resume', rejected: 1 },
    ]);
  });

  test('split operations whose flag makes them another operation', () => {
    const range = { start: smallMachine.kernelStart, end: smallMachine.kernelMax } as const;
    const { ran } = counted(
      written(
        kmem,
        { kind: 'kmem_malloc', map: 'kmem', size: pages(1), canWait: true },
        { kind: 'kmem_malloc', map: 'kmem', size: pages(1), canWait: false },
        { kind: 'vm_map_pageable', map: 'kernel', ...range, pageable: true },
        { kind: 'vm_map_pageable', map: 'kernel', ...range, pageable: false },
      ),
    );
    expect(ran.map(({ name, executed }) => `${name} ${executed}`)).toEqual([
      'kmem_malloc nowait 1',
      'kmem_malloc canwait 1',
      'kmem_suballoc 1',
      'vm_map_pageable wire 1',
      'vm_map_pageable unwire 1',
    ]);
  });

  test('have a row for every declared kind, also for those that never ran', () => {
    const { kinds, ran } = counted(written(kmem));
    expect(kinds).toHaveLength(OPERATION_KINDS.length + 2);
    expect(ran).toHaveLength(1);
  });

  test('count scenarios, their operations and the empty ones', () => {
    const counter = new StatisticsCounter(OPERATION_KINDS);
    observed(written(kmem), counter);
    counter.finished(written(kmem), 1);
    counter.finished(written(kmem), 0);
    expect(counter.result()).toMatchObject({ scenarios: 2, emptyScenarios: 1, operations: 1 });
  });

  test('measure the shares of generated operations near the fixed ones, and ignore other scenarios', () => {
    const { shares } = counted(...generated(60, { workload: 'protection' }));
    const [errors, reads] = shares;
    expect(errors).toMatchObject({ name: 'error paths', fixed: expect.closeTo(0.12, 6) });
    expect(reads).toMatchObject({ name: 'read-only', fixed: expect.closeTo(0.22, 6) });
    expect(errors?.measured).toBeCloseTo(0.12, 1);
    expect(reads?.measured).toBeCloseTo(0.22, 1);
    expect(counted(written(kmem)).shares.map(({ measured }) => measured)).toEqual([0, 0]);
  });
});
