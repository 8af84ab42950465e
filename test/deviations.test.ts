/**
 * Every deviation by example: its minimal sequence gives what the contract says on both kernels, and what 1994 did on a
 * kernel with that behaviour put back, where the lockstep fails.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { KernelModule } from '../contract/kernel-memory.ts';
import { DEVIATION_FAULTS } from '../faults/deviations.ts';
import { FAULTY_KERNELS } from '../faults/kernels.ts';
import { FAULTY_SPACES } from '../faults/kernels-spaces.ts';
import { loadFaultyKernel } from '../faults/load.ts';
import type { FaultPatch } from '../faults/patch.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import { runLockstep } from '../properties/lockstep.ts';
import { ALLOCATION_EXAMPLES } from './deviations/allocation.ts';
import { type Example, MACHINE, runAlone } from './deviations/example.ts';
import { MAPPING_EXAMPLES, WITHOUT_EXAMPLE } from './deviations/mappings.ts';
import { RANGE_EXAMPLES } from './deviations/ranges.ts';
import { SPACE_EXAMPLES } from './deviations/spaces.ts';

const EXAMPLES = [...ALLOCATION_EXAMPLES, ...RANGE_EXAMPLES, ...MAPPING_EXAMPLES, ...SPACE_EXAMPLES];
const FAULTS: readonly FaultPatch[] = [...FAULTY_KERNELS, ...FAULTY_SPACES, ...DEVIATION_FAULTS];

/** Faulty kernels by name; loading one takes longer than running it. */
const loaded = new Map<string, KernelModule>();

function faultyKernel(name: string): KernelModule {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const fault = FAULTS.find((candidate) => candidate.name === name);
  if (fault === undefined) throw new Error(`no fault is called ${name}`);
  const kernel = loadFaultyKernel(fault);
  loaded.set(name, kernel);
  return kernel;
}

const lockstep = ({ machine = MACHINE, operations }: Example, candidate: KernelModule, compare: boolean) =>
  runLockstep(
    { machine, operations },
    { reference: referenceKernel, candidate, compare, invariants: ALL_INVARIANTS, fullEvery: 1 },
  );

const look = ({ machine = MACHINE, operations, look }: Example, kernel: KernelModule): unknown =>
  look(runAlone(kernel, machine, operations));

describe.each(EXAMPLES.map((example) => [example.dev.join(', '), example] as const))(
  'DEV-%s',
  (_dev, example) => {
    test(`${example.symptomIs}: repaired on both kernels`, () => {
      expect(example.contract).not.toEqual(example.symptom);
      expect(look(example, referenceKernel)).toEqual(example.contract);
      expect(look(example, optimizedKernel)).toEqual(example.contract);
      const { failure, expected } = lockstep(example, optimizedKernel, true);
      expect(failure).toBeNull();
      expect(expected).toHaveLength(example.operations.length);
    });

    test(`${example.symptomIs}: as in 1994 on ${example.fault}, and seen`, () => {
      const faulty = faultyKernel(example.fault);
      expect(look(example, faulty)).toEqual(example.symptom);
      expect(lockstep(example, faulty, true).failure).toMatchObject({ side: 'candidate' });
    });
  },
);

test.each(DEVIATION_FAULTS.map((fault) => [fault.name, fault] as const))(
  '%s falls to exactly the invariants that it names',
  (name, { caughtBy }) => {
    const shown = EXAMPLES.filter(({ fault }) => fault === name);
    const seen = shown.map((example) => lockstep(example, faultyKernel(name), false).failure?.property);
    const invariants = new Set(seen.filter((property) => property?.startsWith('INV-')));
    expect([...invariants]).toEqual(caughtBy);
  },
);

test('a fault of several edits is refused for each of them', () => {
  const [fault] = DEVIATION_FAULTS;
  if (fault === undefined) throw new Error('there are no faults');
  const edit = { file: fault.file, find: 'no such text', replace: '' };
  expect(() => loadFaultyKernel({ ...fault, also: [edit] })).toThrow('not 0 times');
  const elsewhere = { ...edit, file: 'model/state.ts' };
  expect(() => loadFaultyKernel({ ...fault, also: [elsewhere] })).toThrow('model/state.ts is not part of');
});

test('a fault has one name, and none of the deviations’ own is idle', () => {
  expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length);
  const used = new Set(EXAMPLES.map(({ fault }) => fault));
  expect(DEVIATION_FAULTS.filter(({ name }) => !used.has(name))).toEqual([]);
});

test('every deviation that the document names has an example, or a reason why it has none', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../docs/deviations.md'), 'utf8');
  const rows = [...text.matchAll(/^\| ((?:PRE-[A-Z0-9-]+|\d+)(?:, \d+)*) \|/gm)];
  const named = rows.flatMap(([, ids = '']) => ids.split(', '));
  const shown = new Set(EXAMPLES.flatMap(({ dev }) => dev));
  const excused = Object.keys(WITHOUT_EXAMPLE);
  expect(excused.filter((id) => shown.has(id))).toEqual([]);
  expect([...shown, ...excused].sort()).toEqual(named.sort());
});
