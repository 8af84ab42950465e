import { describe, expect, test } from 'vitest';
import { address, PAGE_SIZE } from '../../contract/address.ts';
import { InputError } from '../../contract/input-error.ts';
import type { KernelModule } from '../../contract/kernel-memory.ts';
import { machineFaults } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';
import { allocated, done, none, type Outcome } from '../../contract/outcome.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { intentsOf, scenarios, workloadOf } from '../../properties/scenarios.ts';
import { generated, outcomesOf, smallMachine } from './generated.ts';

const MANY = generated(150);

describe('generated scenarios', () => {
  test('are the same for the same seed, byte for byte', () => {
    expect(JSON.stringify(generated(20, { seed: 7 }))).toBe(JSON.stringify(generated(20, { seed: 7 })));
  });

  test('differ for another seed', () => {
    expect(JSON.stringify(generated(5, { seed: 7 }))).not.toBe(JSON.stringify(generated(5, { seed: 8 })));
  });

  test('are plain values on sound machines, never empty, and survive a trip through JSON', () => {
    const arbitrary = scenarios({ reference: referenceKernel });
    for (const scenario of MANY) {
      expect(machineFaults(scenario.machine)).toEqual([]);
      expect(scenario.operations.length).toBeGreaterThan(0);
      const copy: unknown = JSON.parse(JSON.stringify(scenario));
      expect(copy).toEqual(scenario);
      expect(arbitrary.canShrinkWithoutContext(copy)).toBe(true);
    }
  });

  test('break no caller obligation, hostile resumes apart', () => {
    const rejected = MANY.flatMap((scenario) =>
      outcomesOf(scenario).flatMap((outcome, i) =>
        outcome.kind === 'rejected'
          ? [{ workload: workloadOf(scenario), kind: scenario.operations[i]?.kind }]
          : [],
      ),
    );
    expect(rejected.filter(({ workload, kind }) => workload !== 'hostile' || kind !== 'resume')).toEqual([]);
  });

  test('end with the operation that stops the machine', () => {
    const stopped = MANY.map(outcomesOf).filter((outcomes) => outcomes.some(({ kind }) => kind === 'panic'));
    expect(stopped.length).toBeGreaterThan(10);
    expect(
      stopped.filter((outcomes) => outcomes.findIndex(({ kind }) => kind === 'panic') < outcomes.length - 1),
    ).toEqual([]);
  });

  test('have some dozens of operations on average and remember why each was made', () => {
    const operations = MANY.reduce((sum, scenario) => sum + scenario.operations.length, 0);
    expect(operations / MANY.length).toBeGreaterThan(40);
    expect(operations / MANY.length).toBeLessThan(90);
    for (const scenario of MANY) expect(intentsOf(scenario)).toHaveLength(scenario.operations.length);
  });

  test('succeed where no error was intended, nine times out of ten', () => {
    let ordinary = 0;
    let refused = 0;
    for (const scenario of MANY) {
      const intents = intentsOf(scenario) ?? [];
      outcomesOf(scenario).forEach((outcome, i) => {
        if (intents[i] !== 'ordinary') return;
        ordinary += 1;
        if (
          outcome.kind === 'none' ||
          outcome.kind === 'trap' ||
          (outcome.kind === 'kern' && outcome.code !== 0)
        )
          refused += 1;
      });
    }
    expect(refused / ordinary).toBeLessThan(0.1);
  });

  test('name only operations that the kernel declares', () => {
    const operations: readonly Operation['kind'][] = ['kmem_alloc_pageable', 'kmem_free'];
    const declares = { name: 'toy', operations, shows: ['outcomes'], placement: 'first-fit' } as const;
    const kinds = new Set(
      generated(30, { declares }).flatMap((scenario) => scenario.operations.map(({ kind }) => kind)),
    );
    expect([...kinds].toSorted()).toEqual(['kmem_alloc_pageable', 'kmem_free']);
  });

  test('give kernels that hide their structure an unlimited entry pool', () => {
    const declares = { ...referenceKernel.declares, shows: ['outcomes', 'maps'] } as const;
    expect(generated(20, { declares }).every(({ machine }) => machine.mapEntries === null)).toBe(true);
    expect(MANY.some(({ machine }) => machine.mapEntries === null)).toBe(false);
  });

  test('keep to a given machine and length', () => {
    const list = generated(30, { machine: smallMachine, length: { min: 4, max: 9 } });
    expect(list.every(({ machine }) => machine === smallMachine)).toBe(true);
    expect(Math.max(...list.map(({ operations }) => operations.length))).toBeLessThanOrEqual(9);
  });

  test('need a length that starts at one and a kernel that declares something', () => {
    expect(() => generated(1, { length: { min: 0, max: 3 } })).toThrow(InputError);
    const declares = { ...referenceKernel.declares, operations: [] };
    expect(() => generated(1, { declares })).toThrow(/declares no operations/);
  });
});

/** Hands out pageable memory from the top of the kernel map downwards and never takes any back. */
const topDown: KernelModule = {
  declares: {
    name: 'top-down',
    operations: ['kmem_alloc_pageable', 'kmem_free'],
    shows: ['outcomes'],
    placement: 'any',
  },
  boot: ({ kernelMax, kernelStart }) => {
    let top: number = kernelMax;
    return {
      apply: (operation) => {
        let outcome: Outcome = done;
        if (operation.kind === 'kmem_alloc_pageable') {
          const size = Math.ceil(operation.size / PAGE_SIZE) * PAGE_SIZE;
          const fits = size > 0 && top - size >= kernelStart;
          if (fits) top -= size;
          outcome = fits ? allocated(address(top)) : none;
        }
        return { outcome };
      },
    };
  },
};

test('addresses follow the choices of a kernel that places where it likes', () => {
  const { declares } = topDown;
  const frees = generated(40, { declares, follows: topDown, machine: smallMachine }).flatMap(
    ({ operations }) =>
      operations.flatMap((operation) => (operation.kind === 'kmem_free' ? [operation.address] : [])),
  );
  const upper = (smallMachine.kernelStart + smallMachine.kernelMax) / 2;
  expect(frees.length).toBeGreaterThan(50);
  expect(frees.filter((freed) => freed >= upper).length / frees.length).toBeGreaterThan(0.4);
});
