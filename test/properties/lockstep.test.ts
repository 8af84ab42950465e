/** The runner: when it stops, what it names, whom it blames. */
import { describe, expect, test } from 'vitest';
import { bytes, pages } from '../../contract/address.ts';
import { InputError } from '../../contract/input-error.ts';
import type { KernelModule } from '../../contract/kernel-memory.ts';
import type { Operation } from '../../contract/operation.ts';
import { done, none } from '../../contract/outcome.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { runLockstep, type StepObserver } from '../../properties/lockstep.ts';
import { at, BUSY, claiming, MACHINE, options, tampered } from './lockstep-fixtures.ts';

const scenario = { machine: MACHINE, operations: BUSY };

describe('the run', () => {
  test('reports every step of both kernels', () => {
    const { failure, expected, actual } = runLockstep(scenario, options(referenceKernel));
    expect(failure).toBeNull();
    expect(expected).toHaveLength(BUSY.length);
    expect(actual).toEqual(expected);
  });
  test('finds model and implementation in agreement', () => {
    expect(runLockstep(scenario, options(optimizedKernel)).failure).toBeNull();
  });
  test('stops at the first disagreement, whose step is the last one reported', () => {
    const liar = tampered({ step: (step, number) => (number === 4 ? { outcome: none } : step) });
    const { failure, expected, actual } = runLockstep(scenario, options(liar));
    expect(failure).toMatchObject({
      property: 'INV-ACC-MODEL',
      side: 'candidate',
      number: 4,
      differences: [{ path: 'outcome', expected: '0xfe00c000', actual: 'none' }],
    });
    expect([expected.length, actual.length]).toEqual([4, 4]);
    expect(actual[3]).toEqual({ outcome: none });
  });
  test('without comparison lets kernels differ', () => {
    const liar = tampered({ step: (step, number) => (number === 4 ? { outcome: none } : step) });
    expect(runLockstep(scenario, options(liar, { compare: false })).failure).toBeNull();
  });
  test('ends with a panic on which both agree', () => {
    const panicking: Operation[] = [{ kind: 'kmem_malloc', map: 'kernel', size: pages(1), canWait: false }];
    const report = runLockstep(
      { machine: MACHINE, operations: [...panicking, ...BUSY] },
      options(referenceKernel),
    );
    expect(report.failure).toBeNull();
    expect(report.actual.map(({ outcome }) => outcome.kind)).toEqual(['panic']);
  });
  test('reports a panic of one kernel alone', () => {
    const liar = tampered({
      step: (step, number) => (number === 2 ? { outcome: { kind: 'panic', text: 'no' } } : step),
    });
    expect(runLockstep(scenario, options(liar)).failure).toMatchObject({
      property: 'INV-ACC-MODEL',
      number: 2,
      differences: [{ path: 'outcome', expected: '0xfe00a000', actual: 'panic "no"' }],
    });
  });
  test('finds kernels that differ at boot', () => {
    const liar = tampered({ snapshot: (shown) => ({ ...shown, counters: { ...shown.counters, free: 5 } }) });
    expect(runLockstep(scenario, options(liar)).failure).toMatchObject({
      number: 0,
      differences: [{ path: 'counters.free', expected: '9', actual: '5' }],
    });
  });
  test('accepts an empty scenario', () => {
    expect(runLockstep({ machine: MACHINE, operations: [] }, options(referenceKernel)).failure).toBeNull();
  });
  test('tells observers of every step, before judging it', () => {
    const seen: string[] = [];
    const observer: StepObserver = {
      step: (expected, { outcome }, actual) =>
        seen.push(`${expected.number} ${outcome.kind} ${actual?.number}`),
    };
    const liar = tampered({ step: (step, number) => (number === 3 ? { outcome: done } : step) });
    runLockstep(scenario, options(liar, { observers: [observer] }));
    expect(seen).toEqual(['1 submap 1', '2 address 2', '3 address 3']);
  });
});

describe('bad input', () => {
  const toy = (declares: Partial<KernelModule['declares']>): KernelModule => ({
    declares: {
      name: 'toy',
      operations: ['kmem_free'],
      shows: ['outcomes'],
      placement: 'first-fit',
      ...declares,
    },
    boot: () => ({ apply: () => ({ outcome: done }) }),
  });
  test('an operation that the candidate does not declare is named with its place', () => {
    const run = () => runLockstep(scenario, options(toy({})));
    expect(run).toThrow(InputError);
    expect(run).toThrow('operations[0].kind: kernel toy does not declare kmem_suballoc');
  });
  test('a kernel that declares parts of the state must have a snapshot', () => {
    const run = () => runLockstep({ machine: MACHINE, operations: [] }, options(toy({ shows: ['maps'] })));
    expect(run).toThrow(InputError);
    expect(run).toThrow('has no snapshot()');
  });
  test('a kernel without snapshots is compared by outcomes alone', () => {
    const free: Operation = { kind: 'kmem_free', map: 'kernel', address: at(9), size: pages(1) };
    const run = (kernel: KernelModule) =>
      runLockstep({ machine: MACHINE, operations: [free] }, options(kernel, { observers: [] })).failure;
    expect(run(toy({}))).toBeNull();
    expect(run({ ...toy({}), boot: () => ({ apply: () => ({ outcome: none }) }) })?.property).toBe(
      'INV-ACC-MODEL',
    );
  });
});

describe('a kernel that throws', () => {
  const fail = (): never => {
    throw new RangeError('lost my way');
  };
  const blame = (candidate: KernelModule) => runLockstep(scenario, options(candidate)).failure;
  test('in an operation is blamed with message and place', () => {
    const failure = blame(tampered({ step: (step, number) => (number === 3 ? fail() : step) }));
    expect(failure).toMatchObject({
      property: 'KERNEL-THREW',
      side: 'candidate',
      number: 3,
      differences: [],
    });
    expect(failure?.witnesses).toEqual([
      'RangeError: lost my way',
      expect.stringMatching(/^at fail .*lockstep\.test\.ts/),
    ]);
  });
  test('at boot is blamed at number 0', () => {
    const failure = blame({ ...referenceKernel, boot: fail });
    expect(failure).toMatchObject({ property: 'KERNEL-THREW', number: 0 });
  });
  test('while it shows its state is blamed', () => {
    const failure = blame(tampered({ touched: (touched, number) => (number === 2 ? fail() : touched) }));
    expect(failure).toMatchObject({ property: 'KERNEL-THREW', side: 'candidate', number: 2 });
  });
  test('something that is no error is still reported', () => {
    const failure = blame({
      ...referenceKernel,
      boot() {
        throw 'a string';
      },
    });
    expect(failure?.witnesses).toEqual(['threw a string']);
  });
  test('as the reference is blamed as the reference', () => {
    const { failure } = runLockstep(scenario, {
      ...options(referenceKernel),
      reference: { ...referenceKernel, boot: fail },
    });
    expect(failure).toMatchObject({ property: 'KERNEL-THREW', side: 'reference' });
  });
  test('an exception of an invariant is nobody’s failure but a bug of that invariant', () => {
    const run = () => runLockstep(scenario, options(referenceKernel, { invariants: [claiming(fail)] }));
    expect(run).toThrow('INV-TEST could not be evaluated');
  });
});

describe('touched()', () => {
  test.each([
    'map:kernel',
    'object:anon1',
    'queue:free',
    'counters',
    'mapping:4261462016',
    'sched',
    'transitions',
  ] as const)('that leaves out %s is found by the next full look', (cell) => {
    const liar = tampered({ touched: (touched) => touched.filter((name) => name !== cell) });
    const { failure } = runLockstep(scenario, options(liar, { compare: false }));
    expect(failure).toMatchObject({ property: 'INV-AUDIT', side: 'candidate' });
    expect(failure?.witnesses).toContainEqual(`${cell} changed but was not named`);
    expect(failure?.differences).not.toEqual([]);
  });
  test('may name more than what changed, and twice', () => {
    const generous = tampered({
      touched: (touched) => [...touched, ...touched, 'counters', 'map:kernel', 'map:nobody'],
    });
    expect(runLockstep(scenario, options(generous)).failure).toBeNull();
  });
  test('is not needed: whole snapshots do as well', () => {
    const whole: KernelModule = {
      declares: referenceKernel.declares,
      boot(machine) {
        const kernel = referenceKernel.boot(machine);
        return {
          apply: (operation, number) => kernel.apply(operation, number),
          snapshot: (wanted) => kernel.snapshot(wanted),
        };
      },
    };
    expect(runLockstep(scenario, options(whole)).failure).toBeNull();
  });
});

describe('a candidate that places freely', () => {
  /** A pageable allocator that takes the highest free range instead of the lowest, never freeing. */
  const topDown: KernelModule = {
    declares: {
      name: 'top-down',
      operations: ['kmem_alloc_pageable'],
      shows: ['outcomes'],
      placement: 'any',
    },
    boot({ kernelMax }) {
      let top = kernelMax;
      return {
        apply(operation) {
          if (operation.kind !== 'kmem_alloc_pageable') return { outcome: done };
          top = at((top - at(0)) / 4096 - Math.ceil(operation.size / 4096));
          return { outcome: { kind: 'address', address: top } };
        },
      };
    },
  };
  const allocations: Operation[] = [1, 5000, 1].map((size) => ({
    kind: 'kmem_alloc_pageable',
    map: 'kernel',
    size: bytes(size),
  }));
  test('is followed by the reference', () => {
    const { failure, expected } = runLockstep(
      { machine: MACHINE, operations: allocations },
      options(topDown),
    );
    expect(failure).toBeNull();
    expect(expected.map(({ outcome }) => outcome)).toEqual(
      [63, 61, 60].map((page) => ({ kind: 'address', address: at(page) })),
    );
  });
  test('is not followed to an illegal place', () => {
    const lost: KernelModule = {
      ...topDown,
      boot: () => ({ apply: () => ({ outcome: { kind: 'address', address: at(0) } }) }),
    };
    const { failure } = runLockstep({ machine: MACHINE, operations: allocations }, options(lost));
    expect(failure).toMatchObject({ property: 'INV-ACC-MODEL', number: 1 });
  });
  test('fails as a first-fit kernel', () => {
    const claims = { ...topDown, declares: { ...topDown.declares, placement: 'first-fit' as const } };
    const { failure } = runLockstep({ machine: MACHINE, operations: allocations }, options(claims));
    expect(failure?.differences).toEqual([
      { path: 'outcome.address', expected: '0xfe002000', actual: '0xfe03f000' },
    ]);
  });
});
