/** What is told of a failing scenario, and that all of it is so. */
import { describe, expect, test } from 'vitest';
import { address, pages } from '../../contract/address.ts';
import type { KernelModule } from '../../contract/kernel-memory.ts';
import type { Operation } from '../../contract/operation.ts';
import { FAULTY_KERNELS } from '../../faults/kernels.ts';
import { loadFaultyKernel } from '../../faults/load.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { explainScenario } from '../../properties/explain.ts';
import { ALL_INVARIANTS } from '../../properties/invariants/all.ts';
import { judgeScenario } from '../../properties/lockstep.ts';
import { smallMachine } from './generated.ts';
import { tampered } from './lockstep-fixtures.ts';

/** The bug of the README: unwiring looks a page up in the page tables, where one without rights is not. */
const candidate = loadFaultyKernel(FAULTY_KERNELS.find(({ name }) => name === 'unwire-needs-pte') ?? null);
const page = (n: number) => address(smallMachine.kernelStart + n * 4096);
const KERNEL = { map: 'kernel' } as const;
const alloc = (count: number): Operation => ({ kind: 'kmem_alloc', ...KERNEL, size: pages(count) });
const protect: Operation = {
  kind: 'vm_map_protect',
  ...KERNEL,
  ...{ start: page(0), end: page(1), protection: 0, setMax: false },
};
const free: Operation = { kind: 'kmem_free', ...KERNEL, address: page(0), size: pages(1) };
const daemon: Operation = { kind: 'pagedaemon' };

const explained = (operations: readonly Operation[], kernel: KernelModule = candidate, more = {}) =>
  explainScenario({
    reference: referenceKernel,
    candidate: kernel,
    scenario: { machine: smallMachine, operations },
    ...more,
  });
const fails = (operations: readonly Operation[]): boolean =>
  judgeScenario(
    { machine: smallMachine, operations },
    { reference: referenceKernel, candidate, compare: true, invariants: ALL_INVARIANTS, fullEvery: 1 },
  ).failure !== null;

describe('operations', () => {
  test('are needed, or are not, and what is behind the failure has no part in it', () => {
    const { needs, behind, report } = explained([alloc(1), daemon, protect, free, daemon, daemon]);
    expect(report.failure?.number).toBe(4);
    expect(behind).toBe(2);
    expect(needs.map(({ number, without }) => [number, without])).toEqual([
      [1, 'holds'],
      [2, 'same'],
      [3, 'holds'],
      [4, 'holds'],
    ]);
  });

  test('that name what another makes go with it', () => {
    const look: Operation = { kind: 'vm_map_lookup_entry', ...KERNEL, address: page(0) };
    const { needs } = explained([alloc(1), look, protect, free]);
    expect(needs[0]).toMatchObject({ number: 1, without: 'holds', other: null, taken: [] });
    expect(needs[0]?.changed?.number).toBe(2);
    expect(needs[0]?.changed?.now).not.toEqual(needs[0]?.changed?.before);
    const submap: Operation = {
      kind: 'kmem_suballoc',
      ...{ name: 'sub0', parent: 'kernel', size: pages(2), pageable: false },
    };
    const inSubmap: Operation = { kind: 'kmem_alloc_pageable', map: 'sub0', size: pages(1) };
    const shifted = [protect, free].map((operation): Operation => {
      if (operation.kind === 'vm_map_protect') return { ...operation, start: page(2), end: page(3) };
      return operation.kind === 'kmem_free' ? { ...operation, address: page(2) } : operation;
    });
    const beside = explained([submap, inSubmap, alloc(1), ...shifted]);
    expect(beside.needs.map(({ without }) => without)).toEqual(['same', 'same', 'holds', 'holds', 'holds']);
    expect(beside.needs[0]?.taken).toEqual([2]);
  });

  test('without which another failure shows name it, in the numbers of the whole', () => {
    // A kernel that shows one page too many as wired after each third operation, and none free after a second one that frees.
    const kernel = tampered({
      step: (step, number, operation) => {
        if (number === 3) return { ...step, outcome: { kind: 'none' } };
        return number === 2 && operation.kind === 'pagedaemon'
          ? { ...step, outcome: { kind: 'done' }, woken: [1] }
          : step;
      },
    });
    const { needs } = explained([alloc(1), alloc(1), daemon], kernel);
    expect(needs.map(({ without }) => without)).toEqual(['other', 'other', 'holds']);
    expect(needs[0]?.other).toMatchObject({ number: 3 });
  });

  test('are as many as there are: each that is needed alone makes the failure go away', () => {
    const operations = [alloc(2), daemon, protect, daemon, free];
    const { needs } = explained(operations);
    for (const { number, without } of needs)
      expect([number, fails(operations.filter((_, i) => i !== number - 1))]).toEqual([
        number,
        without === 'same' || without === 'other',
      ]);
  });
});

test('all of it is the same when it is asked again', () => {
  const text = (): string => JSON.stringify(explained([alloc(1), daemon, protect, free]));
  expect(text()).toBe(text());
});

describe('arguments', () => {
  const { freedoms, executions } = explained([alloc(1), protect, free]);
  const freedomOf = (number: number, field: string) =>
    freedoms.find((one) => one.number === number && one.field === field);

  test('have the values with which the scenario fails as before, and those with which it does not', () => {
    expect(freedomOf(2, 'protection')).toEqual({
      ...{ number: 2, field: 'protection', meaning: 'protection', value: 0, freedom: 'some' },
      kept: [0, 2, 4, 6],
      lost: [1, 3, 5, 7],
    });
    expect(freedomOf(2, 'setMax')).toMatchObject({ freedom: 'any', kept: [false, true], lost: [] });
    expect(freedomOf(1, 'size')).toMatchObject({ freedom: 'range', value: 4096 });
    expect(freedomOf(1, 'size')?.kept[0]).toBe(1);
    expect(freedomOf(1, 'size')?.lost).toContain(0);
  });

  test('that name the only map there is are not varied, and each run is counted', () => {
    expect(freedomOf(1, 'map')).toBeUndefined();
    const tried = freedoms.reduce((sum, { kept, lost }) => sum + kept.length + lost.length - 1, 0);
    expect(executions).toBeGreaterThan(3);
    expect(executions).toBeLessThanOrEqual(1 + 3 + tried);
  });

  test('of rights alone are tried as they stand: every value kept fails, every one lost does not', () => {
    for (const protection of [0, 1, 2, 3, 4, 5, 6, 7])
      expect([protection, fails([alloc(1), { ...protect, protection }, free])]).toEqual([
        protection,
        freedomOf(2, 'protection')?.kept.includes(protection),
      ]);
  });
});

describe('states', () => {
  test('are those before and after the failing operation, of both kernels', () => {
    const { states } = explained([alloc(1), protect, free]);
    expect(states?.before?.counters).toMatchObject({ wired: 1 });
    expect(states?.expected?.counters).toMatchObject({ wired: 0 });
    expect(states?.actual?.counters).toMatchObject({ wired: 1 });
    expect(states?.before?.maps.get('kernel')?.entries).toHaveLength(2);
    expect(states?.expected?.maps.get('kernel')?.entries).toHaveLength(1);
  });

  test('are none before a failure at boot, and none of a kernel that throws or shows outcomes only', () => {
    const dark = tampered({
      snapshot: (snapshot) => ({ ...snapshot, counters: { ...snapshot.counters, free: 99 } }),
    });
    const atBoot = explained([alloc(1)], dark);
    expect(atBoot.report.failure?.number).toBe(0);
    expect(atBoot.states?.before).toBeNull();
    expect(atBoot.states?.actual?.counters.free).toBe(99);
    const throwing = tampered({
      step: (step, number) => {
        if (number === 2) throw new Error('no');
        return step;
      },
    });
    expect(explained([alloc(1), daemon], throwing).states).toMatchObject({
      actual: null,
      unseen: 'it threw an exception in that operation',
    });
    const outcomes = tampered({
      declares: { shows: ['outcomes'] },
      step: (step, number) => (number === 2 ? { outcome: { kind: 'none' } } : step),
    });
    expect(explained([alloc(1), daemon], outcomes).states).toMatchObject({
      actual: null,
      unseen: 'it shows outcomes only',
    });
  });
});

describe('rules', () => {
  test('are those that each operation met, a held scenario has nothing else', () => {
    const { rules, report, needs, freedoms, states, executions } = explained(
      [alloc(1), free],
      optimizedKernel,
    );
    expect(report.failure).toBeNull();
    expect(rules).toHaveLength(3);
    expect(rules[0]).toContain('BOOT-5');
    expect(rules[1]).toEqual(expect.arrayContaining(['KM-ALLOC-1', 'MAP-SPACE-1', 'FAULT-WIRE-1']));
    expect(rules[1]).not.toContain('KM-FREE-1');
    expect(rules[2]).toEqual(expect.arrayContaining(['KM-FREE-1', 'MAP-DEL-2', 'PAGE-FREE-1']));
    expect({ needs, freedoms, states, executions }).toEqual({
      ...{ needs: [], freedoms: [], states: null },
      executions: 1,
    });
  });

  test('of an operation that slept count where it goes on', () => {
    const all = smallMachine.managedPages - smallMachine.scratchPages;
    const { rules, report } = explained(
      [alloc(all), alloc(1), free, daemon, { kind: 'resume', operation: 2 }],
      optimizedKernel,
    );
    expect(report.expected.map(({ outcome }) => outcome.kind)).toEqual([
      'address',
      'sleep',
      'done',
      'done',
      'address',
    ]);
    expect(rules[2]).not.toContain('KM-ALLOC-4');
    expect(rules[5]).toContain('KM-ALLOC-4');
  });
});

describe('limits', () => {
  const padded = (count: number) => [
    ...Array.from({ length: count }, () => daemon),
    ...[alloc(1), protect, free],
  ];

  test('leave the arguments of long scenarios alone, and the operations of very long ones, with the reason', () => {
    const long = explained(padded(18));
    expect(long.freedoms).toEqual([]);
    expect(long.needs).toHaveLength(21);
    expect(long.leftOut).toMatch(/more than 20 operations.*shrink it first/);
    const longer = explained(padded(198));
    expect({ needs: longer.needs, freedoms: longer.freedoms }).toEqual({ needs: [], freedoms: [] });
    expect(longer.leftOut).toMatch(/more than 200 operations; shrink it first/);
    expect(explained(padded(1)).leftOut).toBeNull();
  });

  test('stop at once when they are told to, and say so', () => {
    let tries = 0;
    const { leftOut, executions, report } = explained([alloc(1), protect, free], candidate, {
      shouldStop: () => tries >= 3,
      onTry: () => {
        tries += 1;
      },
    });
    expect(report.failure).not.toBeNull();
    expect(executions).toBe(3);
    expect(leftOut).toMatch(/interrupted/);
  });
});
