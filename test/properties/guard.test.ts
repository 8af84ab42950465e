/** Two kernels compared with each other: what counts as a difference, of which kind, and how short it is told. */
import { describe, expect, test } from 'vitest';
import { address, bytes, frameNumber, objectOffset } from '../../contract/address.ts';
import type { KernelModule } from '../../contract/kernel-memory.ts';
import type { Operation } from '../../contract/operation.ts';
import { allocated, done, none, type Outcome } from '../../contract/outcome.ts';
import { FAULTY_KERNELS } from '../../faults/kernels.ts';
import { loadFaultyKernel } from '../../faults/load.ts';
import type { FaultPatch } from '../../faults/patch.ts';
import { REFACTORINGS } from '../../faults/refactorings.ts';
import { SLIPS, STRUCTURAL_CHANGES } from '../../faults/slips.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { tinyMachine } from '../../properties/explore-machine.ts';
import { type GuardOptions, type GuardResult, runGuard } from '../../properties/guard.ts';
import { GuardJudge } from '../../properties/guard-judge.ts';

const patched = (patches: readonly FaultPatch[], name: string): KernelModule => {
  const patch = patches.find((each) => each.name === name);
  if (patch === undefined) throw new Error(`nothing is called ${name}`);
  return loadFaultyKernel(patch);
};

const guard = (working: KernelModule, more: Partial<GuardOptions> = {}): GuardResult =>
  runGuard({
    model: referenceKernel,
    base: optimizedKernel,
    working,
    given: [],
    seed: 1994,
    runs: 40,
    ...more,
  });

const MACHINE = tinyMachine({ frames: 4, entries: 6, maps: 2, largest: 3, scratch: false });
const START = MACHINE.kernelMin;
const pages = (count: number) => bytes(count * 4096);
const alloc = (count: number): Operation => ({
  kind: 'kmem_alloc_pageable',
  map: 'kernel',
  size: pages(count),
});
const wired = (count: number): Operation => ({ kind: 'kmem_alloc', map: 'kernel', size: pages(count) });
const free = (first: number, count: number): Operation => ({
  kind: 'kmem_free',
  map: 'kernel',
  address: address(START + first * 4096),
  size: pages(count),
});
const insert: Operation = {
  kind: 'vm_map_insert',
  map: 'kernel',
  object: 'anon',
  offset: objectOffset(0),
  start: START,
  end: address(START + 4096),
};
const given = (...operations: Operation[]) => [
  { origin: 'by hand', scenario: { machine: MACHINE, operations } },
];

describe('patched kernels', () => {
  test.each([
    ['free-rounds-end-down', 1, [alloc(2), alloc(1), free(0, 1 + 1 / 4096)]],
    ['page-remove-forgets-mappings', 2, [wired(1), free(0, 1)]],
    ['clamp-forgets-the-minimum', 1, [alloc(1), alloc(1), free(1, 1)]],
  ])('%s differs in meaning, in %i operations and not in fewer', (name, length, operations) => {
    const working = patched([...FAULTY_KERNELS, ...SLIPS], name);
    const { findings } = guard(working, { given: given(...operations), runs: 0, searchMost: 600 });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ kind: 'meaning', doubt: null, origin: 'by hand' });
    expect(findings[0]?.report.scenario.operations).toHaveLength(length);
    expect(findings[0]?.report.failure?.differences.length).toBeGreaterThan(0);
  });

  test.each([
    [0, 'no search was asked for'],
    [60, 'there are more than 30 to try in 1 operation'],
  ])('with a search of %i scenarios a shorter one may exist', (searchMost, doubt) => {
    const operations = [alloc(2), alloc(2), free(0, 1), alloc(1), free(0, 1)];
    const working = patched(FAULTY_KERNELS, 'first-fit-skips-hole-at-min');
    const [finding] = guard(working, { given: given(...operations), runs: 0, searchMost }).findings;
    expect(finding).toMatchObject({ doubt, foundLength: 4 });
    expect(finding?.report.scenario.operations).toHaveLength(2);
  });

  test.each([
    ['objects-numbered-from-two', [insert]],
    ['boot-takes-an-entry-more', [alloc(1)]],
    ['newest-free-frame-first', [wired(2)]],
  ])('%s differs in structure alone', (name, operations) => {
    const working = patched(STRUCTURAL_CHANGES, name);
    const { findings } = guard(working, { given: given(...operations), runs: 2, searchMost: 0 });
    expect(findings.map(({ kind }) => kind)).toEqual(['structure']);
  });

  test.each(REFACTORINGS.map(({ name }) => name))('%s does not differ', (name) => {
    const result = guard(patched(REFACTORINGS, name), { runs: 4 });
    expect(result).toMatchObject({ findings: [], generated: 4 });
  });

  test('both kinds are told where both occur, meaning first, and always the same', () => {
    const working = patched(FAULTY_KERNELS, 'clip-forgets-offset');
    const once = guard(working, { runs: 5, searchMost: 0 });
    expect(once.findings.map(({ kind }) => kind)).toEqual(['meaning', 'structure']);
    expect(guard(working, { runs: 5, searchMost: 0 })).toEqual(once);
  });
});

test('frames by number mean the pages in them', () => {
  const judge = new GuardJudge({
    model: referenceKernel,
    base: optimizedKernel,
    working: patched(FAULTY_KERNELS, 'free-to-the-head'),
  });
  const asked = [0, 1, 2, 3].map(
    (frame): Operation => ({ kind: 'pmap_is_referenced', frame: frameNumber(frame) }),
  );
  const read: Operation = { kind: 'cpu_read', address: START, length: 1 };
  const scenario = { machine: MACHINE, operations: [wired(1), free(0, 1), wired(1), read, ...asked] };
  expect(judge.any(scenario).failure?.number).toBe(2);
  expect(judge.meaning(scenario).failure).toBeNull();
});

/** A kernel of two operations; `allocate` answers the nth allocation. */
const toy = (
  allocate: (n: number) => Outcome,
  placement: 'first-fit' | 'any' = 'first-fit',
): KernelModule => ({
  declares: { name: 'toy', operations: ['kmem_alloc_pageable', 'kmem_free'], shows: ['outcomes'], placement },
  boot: () => {
    let count = 0;
    return {
      apply: ({ kind }) => ({ outcome: kind === 'kmem_free' ? done : allocate(count++) }),
    };
  },
});

const page = (n: number): Outcome => allocated(address(START + n * 4096));
const toys = (base: KernelModule, working: KernelModule) =>
  runGuard({
    model: referenceKernel,
    base,
    working,
    given: given(alloc(1), alloc(1)),
    seed: 1,
    runs: 0,
    searchMost: 0,
  });

describe('kernels that show outcomes alone', () => {
  test('another address is another meaning, unless places are free to choose and as good', () => {
    const elsewhere = (n: number) => page(n === 0 ? 0 : 3);
    expect(toys(toy(page), toy(elsewhere)).findings[0]).toMatchObject({ kind: 'meaning' });
    expect(toys(toy(page, 'any'), toy(elsewhere, 'any')).findings[0]).toMatchObject({ kind: 'structure' });
    const onTop = () => page(0);
    expect(toys(toy(page, 'any'), toy(onTop, 'any')).findings[0]).toMatchObject({ kind: 'meaning' });
  });

  test('one that throws where the other answers differs; where both throw they agree', () => {
    const throws = (): Outcome => {
      throw new RangeError('no more');
    };
    const [finding] = toys(toy(page), toy(throws)).findings;
    expect(finding).toMatchObject({
      kind: 'meaning',
      thrown: { base: null, working: 'RangeError: no more' },
    });
    expect(toys(toy(throws), toy(throws)).findings).toEqual([]);
    expect(toys(toy(throws), toy(page)).findings[0]).toMatchObject({
      thrown: { base: 'RangeError: no more' },
    });
  });

  test('both may be wrong: the model is not asked', () => {
    expect(
      toys(
        toy(() => none),
        toy(() => none),
      ).findings,
    ).toEqual([]);
  });

  test('what one of them does not declare is not compared', () => {
    const base: KernelModule = {
      ...toy(page),
      declares: { ...toy(page).declares, operations: ['kmem_free'] },
    };
    const result = toys(base, toy(page));
    expect(result).toMatchObject({
      given: 0,
      skipped: 1,
      uncompared: ['kmem_alloc_pageable'],
      structural: false,
    });
  });
});

test('a kernel that hides what it touched is compared whole, with a note', () => {
  const silent: KernelModule = {
    declares: optimizedKernel.declares,
    boot: (machine) => ({ ...optimizedKernel.boot(machine), touched: () => [] }),
  };
  const { findings, notes } = guard(silent, { runs: 5 });
  expect(findings).toEqual([]);
  expect(notes.join()).toContain("the working kernel's touched() leaves out cells that change");
});
