/** Invariants in a run: when they are asked, whom they blame, what they name; and judging a failure again. */
import { describe, expect, test } from 'vitest';
import { objectOffset, pages } from '../../contract/address.ts';
import type { KernelMemory, KernelModule, ObservableKernel } from '../../contract/kernel-memory.ts';
import type { Operation } from '../../contract/operation.ts';
import { none } from '../../contract/outcome.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import type { Invariant } from '../../properties/invariant.ts';
import { judgeScenario, runLockstep, type StepObserver } from '../../properties/lockstep.ts';
import type { View } from '../../properties/view.ts';
import { at, BUSY, claiming, MACHINE, options, tampered } from './lockstep-fixtures.ts';

const scenario = { machine: MACHINE, operations: BUSY };

/** Numbers at which an invariant is asked, for the reference and the candidate alike. */
const askedAt = (more: Partial<Invariant>, operations: readonly Operation[], fullEvery = 1): number[] => {
  const asked = new Set<number>();
  const invariant = claiming((view) => {
    asked.add(view.number);
    return false;
  }, more);
  const report = runLockstep(
    { machine: MACHINE, operations },
    options(referenceKernel, { invariants: [invariant], fullEvery }),
  );
  expect(report.failure).toBeNull();
  return [...asked];
};

describe('invariants', () => {
  test('name a failure before the disagreement does, and keep its differences', () => {
    const liar = tampered({ step: (step, number) => (number === 4 ? { outcome: none } : step) });
    const refuses = claiming((view) => view.number === 4 && view.step?.outcome.kind === 'none');
    expect(runLockstep(scenario, options(liar, { invariants: [refuses] })).failure).toEqual({
      property: 'INV-TEST',
      sentence: 'The test holds.',
      side: 'candidate',
      number: 4,
      witnesses: ['it does not'],
      differences: [{ path: 'outcome', expected: '0xfe00c000', actual: 'none' }],
    });
  });
  test('broken by the reference alone are the reference’s failure', () => {
    const liar = tampered({ step: (step, number) => (number === 4 ? { outcome: none } : step) });
    const refuses = claiming((view) => view.number === 4 && view.step?.outcome.kind === 'address');
    const { failure } = runLockstep(scenario, options(liar, { invariants: [refuses], compare: false }));
    expect(failure).toMatchObject({ property: 'INV-TEST', side: 'reference', number: 4 });
  });
  test('broken by both say so', () => {
    const never = claiming((view) => view.number === 2);
    const { failure } = runLockstep(scenario, options(referenceKernel, { invariants: [never] }));
    expect(failure).toMatchObject({
      side: 'candidate',
      witnesses: ['it does not', 'the reference breaks it too'],
    });
  });
  test('give a handful of witnesses, not thousands', () => {
    const loud: Invariant = {
      ...claiming(() => true),
      watch: () => ({ violations: () => Array.from({ length: 1000 }, (_, i) => `witness ${i}`) }),
    };
    const { failure } = runLockstep(scenario, options(referenceKernel, { invariants: [loud] }));
    expect(failure?.witnesses).toHaveLength(9);
    expect(failure?.witnesses.at(-1)).toBe('the reference breaks it too');
  });

  const sleeping: Operation[] = [
    { kind: 'kmem_alloc', map: 'kernel', size: pages(10) },
    { kind: 'vm_map_findspace', map: 'kernel', start: at(0), length: pages(1) },
    { kind: 'resume', operation: 7 },
    { kind: 'pagedaemon' },
  ];
  test('of scope A are asked at boot and after every step, also a sleep', () => {
    expect(askedAt({ scope: 'A' }, sleeping)).toEqual([0, 1, 2, 3, 4]);
    expect(askedAt({ scope: 'A*' }, sleeping)).toEqual([0, 1, 2, 3, 4]);
  });
  test('of scope R are asked where an operation returned', () => {
    expect(askedAt({ scope: 'R' }, sleeping)).toEqual([2, 4]);
  });
  test('of scope Q are asked while nothing is in flight', () => {
    expect(askedAt({ scope: 'Q' }, sleeping)).toEqual([0]);
    expect(askedAt({ scope: 'Q' }, sleeping.slice(1, 3))).toEqual([0, 1, 2]);
  });
  test('of cost F are asked every few steps and at the end', () => {
    expect(askedAt({ cost: 'F' }, BUSY, 5)).toEqual([5, 10, 12]);
    expect(askedAt({ cost: 'F' }, BUSY, 100)).toEqual([12]);
    expect(askedAt({ cost: 't' }, BUSY, 5)).toHaveLength(13);
  });
  test('are not asked about a panic, except the one that judges panics', () => {
    const panicking: Operation[] = [{ kind: 'kmem_malloc', map: 'kernel', size: pages(1), canWait: false }];
    expect(askedAt({}, panicking)).toEqual([0]);
    expect(askedAt({ id: 'INV-ACC-PANICTEXT' }, panicking)).toEqual([0, 1]);
  });
  test('marked † are not asked after an aliased insert', () => {
    const foreign: Operation[] = [
      {
        kind: 'vm_map_insert',
        map: 'kernel',
        object: 'kernel',
        offset: objectOffset(0),
        start: at(8),
        end: at(9),
      },
      { kind: 'vm_map_lookup_entry', map: 'kernel', address: at(8) },
    ];
    expect(askedAt({ exemptWhenAliased: true }, foreign)).toEqual([0]);
    expect(askedAt({ exemptWhenAliased: false }, foreign)).toEqual([0, 1, 2]);
  });
  test('are skipped for a kernel that does not show what they look at', () => {
    const refuses = claiming(() => true, { shows: ['maps', 'pmap'] });
    const blind = tampered({ declares: { shows: ['outcomes', 'maps'] } });
    const failureOf = (shows: Invariant['shows']) =>
      runLockstep(scenario, {
        ...options(blind, { invariants: [{ ...refuses, shows }] }),
        reference: { ...referenceKernel, declares: { ...referenceKernel.declares, shows: ['outcomes'] } },
      }).failure;
    expect(failureOf(['maps', 'pmap'])).toBeNull();
    expect(failureOf(['maps'])).toMatchObject({ property: 'INV-TEST', side: 'candidate', number: 0 });
  });
  test('see contents of pages in a full look', () => {
    const seen: unknown[] = [];
    const looks = claiming((view) => {
      seen.push(view.touchedObjects.find(({ name }) => name === 'kernel')?.pages[0]?.contents);
      return false;
    });
    const one = { machine: MACHINE, operations: BUSY.slice(1, 2) };
    runLockstep(one, options(referenceKernel, { invariants: [looks] }));
    expect(seen.at(-1)).toBe(0);
  });
});

describe('what a kernel tells on request', () => {
  const asking = (asked: (view: View) => unknown, kernel: Partial<ObservableKernel & KernelMemory>) => {
    const answers: unknown[] = [];
    const claim = claiming((view) => {
      answers.push(asked(view), asked(view));
      return false;
    });
    const candidate: KernelModule = {
      ...referenceKernel,
      boot: (machine) => Object.assign(tampered({}).boot(machine), kernel),
    };
    const { failure } = runLockstep(
      { machine: MACHINE, operations: [] },
      options(candidate, { invariants: [claim] }),
    );
    return { failure, answers };
  };
  test('is asked once a step', () => {
    let calls = 0;
    const audit = () => [{ invariant: 'INV-AUDIT', witness: `call ${++calls}` }];
    const tables = { directoryFrame: 1, firstManagedFrame: 2, directory: [], tables: [], spaces: [] };
    expect(asking((view) => view.audit()[0]?.witness, { audit }).answers.slice(0, 2)).toEqual([
      'call 1',
      'call 1',
    ]);
    expect(asking((view) => view.pageTables(), { pageTables: () => tables }).answers[0]).toBe(tables);
  });
  test('may be nothing', () => {
    expect(asking((view) => view.pageTables(), {}).answers[0]).toBeNull();
    expect(asking((view) => view.audit().length, {}).answers[0]).toBe(0);
  });
  test('and an exception then is the kernel’s, not the invariant’s', () => {
    const fail = () => {
      throw new Error('no audit today');
    };
    expect(asking((view) => view.audit(), { audit: fail }).failure).toMatchObject({
      property: 'KERNEL-THREW',
      side: 'candidate',
    });
  });
  test('an invariant that cannot remember a step is named', () => {
    const forgetful: Invariant = {
      ...claiming(() => false),
      watch: () => ({
        observe: () => {
          throw new Error('full');
        },
        violations: () => [],
      }),
    };
    const run = () => runLockstep(scenario, options(referenceKernel, { invariants: [forgetful] }));
    expect(run).toThrow('INV-TEST could not be evaluated');
  });
});

describe('judging again', () => {
  const late = tampered({
    snapshot: (shown, number) =>
      number >= 5
        ? {
            ...shown,
            objects: shown.objects.map((object) => ({
              ...object,
              pages: object.pages.map((page) =>
                page.contents === undefined ? page : { ...page, contents: 0x77 },
              ),
            })),
          }
        : shown,
  });
  test('finds the earliest step of what only a full look shows', () => {
    expect(runLockstep(scenario, options(late, { fullEvery: 100 })).failure?.number).toBe(BUSY.length);
    expect(judgeScenario(scenario, options(late, { fullEvery: 100 })).failure?.number).toBe(5);
  });
  test('does not tell observers twice', () => {
    const seen: number[] = [];
    const observer: StepObserver = { step: ({ number }) => seen.push(number) };
    judgeScenario(scenario, options(late, { fullEvery: 100, observers: [observer] }));
    expect(seen).toEqual(BUSY.map((_, i) => i + 1));
  });
  test('keeps the first report of a failure that does not come again', () => {
    let boots = 0;
    const moody: KernelModule = {
      declares: referenceKernel.declares,
      boot: (machine) => (boots++ === 0 ? late : referenceKernel).boot(machine),
    };
    const { failure } = judgeScenario(scenario, options(moody, { fullEvery: 100 }));
    expect(failure?.number).toBe(BUSY.length);
  });
  test('leaves a run that holds alone', () => {
    expect(judgeScenario(scenario, options(referenceKernel, { fullEvery: 7 })).failure).toBeNull();
  });
});
