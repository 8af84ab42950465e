/** A sparing run, which asks invariants only after the steps that they follow and judges equal states once, misses nothing. */
import { describe, expect, test } from 'vitest';
import type { KernelModule, ReferenceKernel } from '../../contract/kernel-memory.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { FAULTY_KERNELS } from '../../faults/kernels.ts';
import { loadFaultyKernel, loadFaultyReference } from '../../faults/load.ts';
import { FAULTY_REFERENCES } from '../../faults/references.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { ALL_INVARIANTS } from '../../properties/invariants/all.ts';
import { runLockstep } from '../../properties/lockstep.ts';
import type { Failure } from '../../properties/verdict.ts';
import { generated } from './generated.ts';
import { BUSY, claiming, MACHINE, options, tampered } from './lockstep-fixtures.ts';

const FULL_EVERY = 64;

interface Kernels {
  readonly reference?: KernelModule<ReferenceKernel>;
  readonly candidate: KernelModule;
  readonly compare: boolean;
}

/** Failures of a sparing run of each scenario and of a run that asks everything; at most `most` scenarios that fail. */
function verdicts(list: readonly Scenario[], kernels: Kernels, most = 2): [Failure | null, Failure | null][] {
  const pairs: [Failure | null, Failure | null][] = [];
  let failures = 0;
  for (const scenario of list) {
    const run = (sparing: boolean) =>
      runLockstep(scenario, {
        reference: referenceKernel,
        ...kernels,
        invariants: ALL_INVARIANTS,
        fullEvery: FULL_EVERY,
        sparing,
      }).failure;
    const pair: [Failure | null, Failure | null] = [run(true), run(false)];
    pairs.push(pair);
    if (pair.some((failure) => failure !== null)) failures += 1;
    if (failures === most) break;
  }
  return pairs;
}

const sparingOf = (pairs: readonly [Failure | null, Failure | null][]) => pairs.map(([sparing]) => sparing);
const thoroughOf = (pairs: readonly [Failure | null, Failure | null][]) =>
  pairs.map(([, thorough]) => thorough);

describe('a sparing run gives the verdicts of a thorough one', () => {
  const list = generated(6, { seed: 64 });

  test('on the faithful kernel', () => {
    const pairs = verdicts(list, { candidate: optimizedKernel, compare: true });
    expect(sparingOf(pairs)).toEqual(thoroughOf(pairs));
  });
  // A fifth of them, spread over all modules: a thorough run costs five times a sparing one.
  test.each(FAULTY_KERNELS.filter((_, i) => i % 5 === 0).map((fault) => [fault.name, fault] as const))(
    'on %s',
    (_name, fault) => {
      const candidate = loadFaultyKernel(fault);
      for (const compare of [false, true]) {
        const pairs = verdicts(list, { candidate, compare });
        expect(sparingOf(pairs)).toEqual(thoroughOf(pairs));
      }
    },
  );
  test.each(FAULTY_REFERENCES.map((fault) => [fault.name, fault] as const))(
    'on the reference %s',
    (_name, fault) => {
      const reference = loadFaultyReference(fault);
      const pairs = verdicts(list, { reference, candidate: optimizedKernel, compare: true });
      expect(sparingOf(pairs)).toEqual(thoroughOf(pairs));
    },
  );
  test('on a reference and a candidate with the same fault', () => {
    const failing = FAULTY_REFERENCES.flatMap((fault) => {
      const reference = loadFaultyReference(fault);
      const pairs = verdicts(list, { reference, candidate: reference, compare: true });
      expect(sparingOf(pairs)).toEqual(thoroughOf(pairs));
      return sparingOf(pairs).filter((failure) => failure?.witnesses.includes('the reference breaks it too'));
    });
    expect(failing.length).toBeGreaterThan(0);
  });
});

describe('a sparing run asks', () => {
  const scenario = { machine: MACHINE, operations: BUSY };
  /** Numbers of the steps after which an invariant is asked of the candidate. */
  const askedAfter = (followed: Parameters<typeof claiming>[1], sparing: boolean): number[] => {
    const numbers: number[] = [];
    const invariant = claiming((view) => {
      numbers.push(view.number);
      return false;
    }, followed);
    runLockstep(scenario, options(referenceKernel, { invariants: [invariant], fullEvery: 1000, sparing }));
    return numbers;
  };

  test('after boot and after the steps that an invariant follows; of cost F at the end instead', () => {
    const maps = askedAfter({ looksAt: ['map'] }, true);
    expect(maps[0]).toBe(0);
    expect(maps.length).toBeGreaterThan(2);
    expect(maps.length).toBeLessThan(BUSY.length + 1);
    expect(askedAfter({ looksAt: ['map'], cost: 'F' }, true)).toEqual([BUSY.length]);
    expect(askedAfter({}, true)).toEqual([...BUSY.keys(), BUSY.length]);
    expect(askedAfter({ looksAt: ['map'] }, false).length).toBeGreaterThan(2 * BUSY.length);
  });
  test('after steps of the operations that an invariant judges', () => {
    const kinds = new Set(BUSY.slice(0, 3).map(({ kind }) => kind));
    const expected = BUSY.flatMap(({ kind }, i) => (kinds.has(kind) ? [i + 1] : []));
    const asked = askedAfter({ judges: [...kinds] }, true);
    expect(asked).toEqual([0, ...expected]);
  });
  test('both sides about what lies inside the kernels', () => {
    const sides: number[] = [];
    const inside = claiming(
      (view) => {
        sides.push(view.number);
        return false;
      },
      { looksInside: true, cost: 'F' },
    );
    runLockstep(scenario, options(referenceKernel, { invariants: [inside], fullEvery: 1000 }));
    expect(sides).toEqual([BUSY.length, BUSY.length]);
  });
  test('both sides from then on once their ranges in transition differ', () => {
    const other = tampered({
      snapshot: (snapshot, number) =>
        number === 3
          ? {
              ...snapshot,
              transitions: [
                {
                  map: 'kernel',
                  start: MACHINE.kernelMin,
                  end: MACHINE.kernelStart,
                  state: 'wiring',
                  operation: 99,
                },
              ],
            }
          : snapshot,
      touched: (touched) => [...touched, 'transitions'],
    });
    const numbers: number[] = [];
    const invariant = claiming((view) => {
      numbers.push(view.number);
      return false;
    });
    runLockstep(scenario, options(other, { invariants: [invariant], fullEvery: 1000 }));
    expect(numbers.filter((number) => number === 2)).toHaveLength(1);
    expect(numbers.filter((number) => number === 5)).toHaveLength(2);
  });
});
