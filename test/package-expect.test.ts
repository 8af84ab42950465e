/** expectLockstep, as a suite outside uses it: what it says of kernels that hold, fail, throw or change their minds. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  ALL_INVARIANTS,
  type ExpectLockstepOptions,
  expectLockstep,
  failureDetails,
  type Invariant,
  type KernelModule,
  LockstepFailure,
  type MakeKernel,
  optimizedKernel,
  type Scenario,
} from 'vmlockstep';
import { readScenario } from '../cli/scenario-file.ts';
import bitmap from '../examples/bitmap.ts';
import buddy from '../examples/buddy.ts';
import toy from '../examples/first-fit.ts';
import { directoryWith } from './cli/command.ts';

const NOWHERE = { corpus: null, out: null } as const;

function failureOf(kernel: MakeKernel, options: ExpectLockstepOptions): LockstepFailure {
  try {
    expectLockstep(kernel, options);
  } catch (error) {
    if (error instanceof LockstepFailure) return error;
    throw error;
  }
  throw new Error('it held');
}

/** The scenario that the buggy bitmap fails on, once it is shrunk. */
const shrunk = failureDetails(failureOf(bitmap, NOWHERE))?.report.scenario as Scenario;

describe('a kernel that holds', () => {
  test.each([toy, buddy])('is told of in numbers: $declares.name', (kernel) => {
    const summary = expectLockstep(kernel, { ...NOWHERE, runs: 12 });
    expect(summary).toMatchObject({
      kernel: kernel.declares.name,
      seed: 1994,
      scenarios: 12,
      interrupted: false,
    });
    expect(summary.operations).toBeGreaterThan(300);
  });

  test('may be made by a function, and does the same every time', () => {
    const options = { ...NOWHERE, runs: 5, seed: 7 };
    expect(expectLockstep(() => toy, options)).toEqual(expectLockstep(toy, options));
  });

  test('is tried with each workload', () => {
    const options = { ...NOWHERE, runs: 3 };
    expect(expectLockstep(toy, { ...options, workload: ['fragmenting', 'top-of-memory'] }).scenarios).toBe(6);
    expect(expectLockstep(toy, { ...options, workload: 'fragmenting' }).scenarios).toBe(3);
  });

  test('is left when the time is over', () => {
    const slow: KernelModule = {
      ...toy,
      boot: (machine) => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
        return toy.boot(machine);
      },
    };
    const { interrupted, scenarios } = expectLockstep(slow, { ...NOWHERE, runs: 1000, timeLimit: 100 });
    expect(interrupted).toBe(true);
    expect(scenarios).toBeLessThan(1000);
  });
});

describe('a kernel that fails', () => {
  test('is told of as check tells it, stored before and after it is shrunk', () => {
    const out = directoryWith();
    const error = failureOf(bitmap, { corpus: null, out, kernel: 'src/bitmap.ts' });
    const stored = join(out, 'INV-ACC-MODEL-1994.scn.json');
    expect(error.name).toBe('AssertionError');
    expect(error.message).toMatch(
      /^FAILED INV-ACC-MODEL after operation 2\n {2}seed 1994, scenario 1, shrunk from \d+ to 2 operations\n/,
    );
    expect(error.message).toContain('  > 2  b = kmem_alloc_pageable(kernel, 0x1000)  → 0xfe001000\n');
    expect(error.message).toMatch(/ expected +actual\n +outcome.address +0xfe001000 +0xfe000000\n/);
    expect(error.message.split('\n').slice(-2)).toEqual([
      `  stored in ${stored}`,
      `  npx vmlockstep replay ${stored} --kernel src/bitmap.ts`,
    ]);
    expect(error.message).toContain(
      'again: npx vmlockstep check --seed 1994 --runs 100 --kernel src/bitmap.ts\n',
    );
    expect(readdirSync(out).sort()).toEqual([
      'INV-ACC-MODEL-1994.scn.json',
      'INV-ACC-MODEL-1994.unshrunk.scn.json',
    ]);
    expect(readScenario(stored).scenario).toEqual(shrunk);
    expect(failureDetails(error)).toMatchObject({ stored, report: { scenario: shrunk } });
    expect(error.stack).not.toContain('public/expect-lockstep.ts');
  });

  test('stays as it was found without shrinking', () => {
    const error = failureOf(bitmap, { ...NOWHERE, shrink: false });
    expect(failureDetails(error)?.report.scenario.operations.length).toBeGreaterThan(20);
    expect(error.message).toContain('not stored: out is null\n');
    expect(error.message).not.toContain('npx vmlockstep replay');
    expect(failureDetails(new Error('another'))).toBeNull();
  });

  test('and throws fails with what it threw', () => {
    const throwing: KernelModule = {
      ...toy,
      boot: (machine) => {
        const kernel = toy.boot(machine);
        return {
          apply: (operation) => {
            if (operation.kind === 'kmem_free') throw new RangeError('no such page');
            return kernel.apply(operation);
          },
        };
      },
    };
    const { message } = failureOf(throwing, { ...NOWHERE, runs: 10 });
    expect(message).toMatch(/^FAILED KERNEL-THREW after operation 1\n/);
    expect(message).toMatch(
      /\nerror: kernel first-fit: operation 1 \(kmem_free\): threw RangeError: no such page \(.*:\d+\)$/,
    );
  });

  test('now and then is called flaky', () => {
    let boots = 0;
    const flaky: KernelModule = {
      ...bitmap,
      boot: (machine) => (++boots % 2 === 1 ? bitmap : toy).boot(machine),
    };
    expect(failureOf(flaky, { ...NOWHERE, runs: 10, shrink: false }).message).toMatch(
      /\nflaky: 3 runs of the same scenario gave /,
    );
  });

  test('by a claim of the suite alone is told without commands that do not know it', () => {
    const claim: Invariant = {
      id: 'MINE',
      claim: 'Nothing is ever allocated.',
      source: 'a test',
      scope: 'A',
      cost: 't',
      exemptWhenAliased: false,
      shows: [],
      watch: () => ({
        *violations(view) {
          if ([...view.maps.values()].some(({ entryCount }) => entryCount > 0)) yield 'something is';
        },
      }),
    };
    const { message } = failureOf(toy, { ...NOWHERE, runs: 5, invariants: [claim] });
    expect(message).toContain('FAILED MINE');
    expect(message).toContain('something is');
    expect(message).not.toContain('npx');
    expect(ALL_INVARIANTS).not.toContain(claim);
  });
});

describe('stored cases', () => {
  test('run first, and the first that fails is told as it is', () => {
    const out = directoryWith();
    failureOf(bitmap, { corpus: null, out });
    const corpus = directoryWith();
    copyFileSync(join(out, 'INV-ACC-MODEL-1994.scn.json'), join(corpus, 'a.scn.json'));
    const { message } = failureOf(bitmap, { corpus, out, runs: 0, kernel: 'b.ts' });
    const file = join(corpus, 'a.scn.json');
    expect(message).toMatch(/^FAILED INV-ACC-MODEL after operation 2\n/);
    expect(message).toContain(`\n  stored case ${file}\n`);
    expect(message).toContain(`\n  npx vmlockstep replay ${file} --kernel b.ts`);
    expect(expectLockstep(toy, { corpus, runs: 0 })).toMatchObject({
      scenarios: 1,
      skipped: 0,
      operations: 0,
    });
  });

  test('are skipped where the kernel does not declare their operations', () => {
    const corpus = join(import.meta.dirname, '..', 'corpus');
    expect(expectLockstep(toy, { corpus, runs: 0 }).skipped).toBe(readdirSync(corpus).length);
  });

  test('that no longer mean what they meant are no success', () => {
    const out = directoryWith();
    failureOf(bitmap, { corpus: null, out });
    const text = readFileSync(join(out, 'INV-ACC-MODEL-1994.scn.json'), 'utf8');
    const corpus = directoryWith({ 'a.scn.json': text.replace('"0xfe001000"\n  ]', '"none"\n  ]') });
    expect(() => expectLockstep(toy, { corpus, runs: 0 })).toThrow(/^stale: .*a\.scn\.json: operations\[1\]/);
  });

  test('are looked for in vain only where they were named', () => {
    const corpus = join(directoryWith(), 'none');
    expect(() => expectLockstep(toy, { corpus, runs: 0 })).toThrow('there is no such directory');
    expect(existsSync(corpus)).toBe(false);
  });
});

describe('given scenarios', () => {
  test('are all that runs, and are not shrunk', () => {
    const scenario: Scenario = { ...shrunk, operations: [...shrunk.operations, ...shrunk.operations] };
    expect(expectLockstep(toy, { scenarios: [shrunk, scenario] })).toMatchObject({
      scenarios: 2,
      operations: 0,
    });
    const out = directoryWith();
    const { message } = failureOf(bitmap, { scenarios: [scenario], out });
    expect(message).toContain('\n  scenarios[0] of the test\n');
    expect(message).toContain(
      `npx vmlockstep replay ${join(out, 'INV-ACC-MODEL-1994.scn.json')} --kernel FILE`,
    );
    expect(readScenario(join(out, 'INV-ACC-MODEL-1994.scn.json')).scenario.operations).toHaveLength(4);
  });

  test('must be scenarios that the kernel can run', () => {
    const operations = [{ kind: 'kmem_aloc', map: 'kernel', size: 1 }];
    const broken = { ...shrunk, operations } as unknown as Scenario;
    expect(() => expectLockstep(toy, { scenarios: [broken] })).toThrow(
      'expectLockstep: options.scenarios[0]: operations[0].kind: unknown operation "kmem_aloc"',
    );
    const foreign = { ...shrunk, operations: [{ kind: 'pagedaemon' }] } as unknown as Scenario;
    expect(() => expectLockstep(toy, { scenarios: [foreign] })).toThrow(
      'expectLockstep: options.scenarios[0]: kernel first-fit does not declare pagedaemon; leave it out',
    );
    expect(() => expectLockstep(optimizedKernel, { scenarios: [null as unknown as Scenario] })).toThrow(
      'options.scenarios[0]: must be an object with machine and operations',
    );
  });
});

test('nothing is written where all is well', () => {
  const directory = directoryWith();
  const out = join(directory, 'out');
  expectLockstep(toy, { corpus: null, out, runs: 3 });
  expect(existsSync(out)).toBe(false);
  mkdirSync(out);
  writeFileSync(join(out, 'INV-ACC-MODEL-1994.scn.json'), 'mine');
  const { message } = failureOf(bitmap, { corpus: null, out });
  expect(message).toContain('INV-ACC-MODEL-1994-2.scn.json');
  expect(readFileSync(join(out, 'INV-ACC-MODEL-1994.scn.json'), 'utf8')).toBe('mine');
});
