/** Kernels that build wrong tables, and faults of old that leave their mark in them: the guest sees each within a few scenarios. */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { KernelModule } from '../../contract/kernel-memory.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { FAULTY_KERNELS } from '../../faults/kernels.ts';
import { loadFaultyKernel } from '../../faults/load.ts';
import type { FaultPatch } from '../../faults/patch.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { GuestPool } from '../../judge/guest-pool.ts';
import { judgeScenario } from '../../judge/scenario.ts';
import { tightened } from '../../judge/tighten.ts';
import { TOUR } from '../../judge/tour.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { scenarios } from '../../properties/scenarios.ts';
import type { LockstepReport } from '../../properties/verdict.ts';
import { OPERATIONS } from './state.ts';

const guests = new GuestPool();
afterAll(() => guests.end());

/** How many generated scenarios a fault may take. */
const MOST = 40;
const GENERATED = fc.sample(
  scenarios({ reference: referenceKernel, declares: optimizedKernel.declares, workload: 'pmap' }),
  { seed: 1994, numRuns: MOST },
);
const SCENARIOS: readonly Scenario[] = [{ ...TOUR, operations: OPERATIONS }, ...GENERATED];

/** The first scenario in which the guest finds something else than the reference, and what. */
async function firstFailure(candidate: KernelModule, most = MOST): Promise<LockstepReport | null> {
  for (const [i, scenario] of SCENARIOS.slice(0, most + 1).entries()) {
    const wanted = (number: number): boolean => i === 0 || (number + i) % 3 === 0;
    const kernels = { reference: referenceKernel, candidate };
    const { report } = await judgeScenario(scenario, kernels, guests, { wanted, salts: [i] });
    if (report.failure !== null) return report;
  }
  return null;
}

const fault = (name: string, file: string, find: string, replace: string): FaultPatch => ({
  name,
  source: 'a slip where a word of a table is made',
  file,
  find,
  replace,
  caughtBy: [],
});

const PMAP = 'impl/pmap.ts';
const PINIT = 'impl/pmap-pinit.ts';
const TABLES = 'impl/page-tables.ts';
const PAGES = 'impl/page-table-pages.ts';
const COPY_OF_KERNEL =
  'for (const slot of kernel.tables.slots()) tables.setPde(slot, kernel.tables.pde(slot));';
const WORD = 'const pte = pteFor(this.#memory.physical(frame), PG_P | bits | owner | (managed ? 0 : PG_N));';
const wordWith = (text: string, other: string): string => WORD.replace(text, other);

const TABLE_FAULTS: readonly FaultPatch[] = [
  fault('user-pde-without-u', PAGES, 'USER_PDE = PG_P | PG_RW | PG_U', 'USER_PDE = PG_P | PG_RW'),
  fault('user-pde-read-only', PAGES, 'USER_PDE = PG_P | PG_RW | PG_U', 'USER_PDE = PG_P | PG_U'),
  fault('table-outlives-its-ptes', PAGES, '    this.#tables.setPde(slot, 0);\n', ''),
  fault('kernel-slots-not-copied', PINIT, COPY_OF_KERNEL, ''),
  fault(
    'kernel-slots-one-too-high',
    PINIT,
    COPY_OF_KERNEL,
    COPY_OF_KERNEL.replace('setPde(slot,', 'setPde(slot + 1,'),
  ),
  fault(
    'recursive-slot-off-by-one',
    PINIT,
    'tables.setPde(recursiveSlot(config), pteFor(memory.physical(frame)',
    'tables.setPde(recursiveSlot(config) - 1, pteFor(memory.physical(frame)',
  ),
  fault(
    'recursive-slot-of-the-kernel',
    PINIT,
    'tables.setPde(recursiveSlot(config), pteFor(memory.physical(frame), PG_P | PG_RW));',
    'tables.setPde(recursiveSlot(config), kernel.tables.pde(recursiveSlot(config)));',
  ),
  fault(
    'kernel-tables-for-users',
    TABLES,
    'tables.setPde(slot, pteFor(table, PG_P | PG_RW));',
    'tables.setPde(slot, pteFor(table, PG_P | PG_RW | 4));',
  ),
  fault('user-pte-without-u', PMAP, WORD, wordWith('| owner', '')),
  fault('every-pte-for-users', PMAP, WORD, wordWith('| owner', '| PG_U')),
  fault('every-pte-writable', PMAP, WORD, wordWith('| bits', '| bits | PG_RW')),
  fault('no-pte-writable', PMAP, WORD, wordWith('| bits', '| (bits & ~PG_RW)')),
  fault('device-frames-cached', PMAP, WORD, wordWith('(managed ? 0 : PG_N)', '0')),
  fault('same-frame-loses-bits', PMAP, '(old & (PG_A | PG_D))', '(old & PG_A)'),
  fault('access-sets-d-for-a', 'impl/cpu.ts', 'PG_A | PG_D : PG_A)', 'PG_A | PG_D : PG_D)'),
  fault('write-sets-no-d', 'impl/cpu.ts', 'PG_A | PG_D : PG_A)', 'PG_A : PG_A)'),
];

const OLD_FAULTS = ['protect-keeps-write', 'enter-without-read', 'range-removal-stops-at-table'];

test('the correct kernel passes such scenarios', async () => {
  expect(await firstFailure(optimizedKernel, 5)).toBeNull();
});

describe('a kernel with wrong tables fails in the tables', () => {
  const known = OLD_FAULTS.map((name) => FAULTY_KERNELS.find((one) => one.name === name) as FaultPatch);
  test.each([...TABLE_FAULTS, ...known].map((one) => [one.name, one] as const))('%s', async (_, patch) => {
    const report = await firstFailure(loadFaultyKernel(patch));
    expect(report?.failure?.property).toBe('MMU-WALK');
    expect(report?.failure?.differences.map(({ path }) => path).join('\n')).toMatch(/^(kernel|u\d) 0x|^RAM/m);
  });
});

test('what fails is shortened to what it takes, and fails as it did', async () => {
  const candidate = loadFaultyKernel(TABLE_FAULTS[0] ?? null);
  const found = await firstFailure(candidate);
  if (found === null) throw new Error('it must fail');
  const short = await tightened(found, { reference: referenceKernel, candidate }, guests, { salt: 0 });
  expect(short.scenario.operations.map(({ kind }) => kind)).toEqual(['pmap_create', 'pmap_enter']);
  expect(short.failure?.number).toBe(2);
});
