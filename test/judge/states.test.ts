/** The way through a scenario: which kernels can be judged, where it ends, and what is told where the answers differ. */
import { afterAll, describe, expect, test } from 'vitest';
import { address } from '../../contract/address.ts';
import type { KernelMemory, KernelModule } from '../../contract/kernel-memory.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { COMBINATIONS, combinationsIn } from '../../judge/combinations.ts';
import { GuestPool } from '../../judge/guest-pool.ts';
import { judgeScenario } from '../../judge/scenario.ts';
import { statesOf } from '../../judge/states.ts';
import { TOUR } from '../../judge/tour.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { OPERATIONS } from './state.ts';

const guests = new GuestPool();
afterAll(() => guests.end());

const scenario: Scenario = { ...TOUR, operations: OPERATIONS };
const changed = (change: (kernel: KernelMemory) => KernelMemory): KernelModule => ({
  declares: { ...optimizedKernel.declares, name: 'changed' },
  boot: (machine) => change(optimizedKernel.boot(machine)),
});
const numbersOf = (candidate: KernelModule, given = scenario): number[] =>
  [...statesOf(given, { reference: referenceKernel, candidate }, () => true)].map(({ number }) => number);

describe('kernels that cannot be judged are refused in one line', () => {
  const { declares } = optimizedKernel;
  test.each<readonly [string, KernelModule, RegExp]>([
    [
      'frames out of sight',
      { ...optimizedKernel, declares: { ...declares, name: 'toy', shows: ['outcomes', 'pmap'] } },
      /^kernel toy: mmu compares frames; a kernel that shows 'structure' is needed$/,
    ],
    [
      'no RAM',
      changed(({ apply, pageTables }) => ({ apply, ...(pageTables && { pageTables }) })),
      /^kernel changed: mmu needs pageTables\(\) and memoryImage\(\); add both/,
    ],
    [
      'no tables',
      changed(({ apply, memoryImage }) => ({ apply, ...(memoryImage && { memoryImage }) })),
      /^kernel changed: mmu needs pageTables\(\) and memoryImage\(\); add both/,
    ],
    [
      'half a frame',
      changed((kernel) => ({
        ...kernel,
        memoryImage: () => ({ firstFrame: 256, bytes: new Uint8Array(2048) }),
      })),
      /^kernel changed: operation 0: memoryImage\(\): 2048 bytes are not whole frames of 4096; return/,
    ],
  ])('%s', (_, candidate, text) => expect(() => numbersOf(candidate)).toThrow(text));
});

test('each operation leads to a state, boot is number 0', () => {
  expect(numbersOf(optimizedKernel)).toEqual(Array.from({ length: OPERATIONS.length + 1 }, (_, i) => i));
});

test('a panic is the end: nothing is judged after it', () => {
  const panics = { ...OPERATIONS[2], pmap: 'kernel', address: 0xffff_f000 } as (typeof OPERATIONS)[number];
  const operations = [...OPERATIONS.slice(0, 2), panics, ...OPERATIONS];
  expect(numbersOf(optimizedKernel, { ...scenario, operations })).toEqual([0, 1, 2]);
});

test('kernels that answer differently are told so, and the scenario ends there', async () => {
  const candidate = changed((kernel) => ({
    ...kernel,
    apply: (operation, number) =>
      number === 4
        ? { ...kernel.apply(operation, number), outcome: { kind: 'none' } }
        : kernel.apply(operation, number),
  }));
  const kernels = { reference: referenceKernel, candidate };
  const { report } = await judgeScenario(scenario, kernels, guests, { wanted: () => false, salts: [0] });
  expect(report.failure?.number).toBe(4);
  expect(report.failure?.differences).toEqual([{ path: 'outcome', expected: 'done', actual: 'none' }]);
  expect(report.failure?.witnesses).toEqual([
    'the kernels answer differently: npx vmlockstep replay shows it too',
  ]);
});

test('the tour leads past every combination of bits, and no other comes up', () => {
  const seen = new Set<string>();
  for (const { tables } of statesOf(
    TOUR,
    { reference: referenceKernel, candidate: optimizedKernel },
    () => true,
  ))
    for (const combination of combinationsIn(tables, TOUR.machine)) seen.add(combination);
  expect(COMBINATIONS).toHaveLength(72);
  expect([...seen].sort()).toEqual([...COMBINATIONS].sort());
});

test('a combination that no pmap produces is none of them', () => {
  const [first] = statesOf(
    scenario,
    { reference: referenceKernel, candidate: optimizedKernel },
    (number) => number === OPERATIONS.length,
  );
  if (first === undefined) throw new Error('there is a state');
  const tables = { ...first.tables, tables: [{ address: address(0xfe00_0000), word: 0x10_6005 }] };
  const seen = combinationsIn(tables, TOUR.machine);
  expect([...seen].filter((one) => !COMBINATIONS.includes(one))).toEqual([
    'PTE of the kernel, managed frame: P U',
  ]);
});
