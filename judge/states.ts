/** The states that a scenario leads through, on the reference and on the kernel under test side by side. */
import { createHash } from 'node:crypto';
import { InputError } from '../contract/input-error.ts';
import type { KernelMemory, KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Step } from '../contract/outcome.ts';
import type { PageTableSnapshot } from '../contract/pmap.ts';
import type { Scenario } from '../contract/scenario.ts';
import { sameStep, stepDifferences } from '../properties/step-equality.ts';
import type { Difference } from '../properties/verdict.ts';
import { checkImage, type JudgedState, registersOf } from './state.ts';

/** Both sides. */
export interface Kernels {
  readonly reference: KernelModule<ReferenceKernel>;
  readonly candidate: KernelModule;
}

/** A state on the way. */
export interface StateOnTheWay {
  /** Number of the operation that led here; 0: none yet. */
  readonly number: number;
  readonly state: JudgedState;
  readonly tables: PageTableSnapshot;
  /** The same for the same words in the same frames. */
  readonly hash: string;
  /** What the kernels answered differently, after which nothing more can be compared. */
  readonly outcome: readonly Difference[];
  /** The reference's steps so far. */
  readonly steps: readonly Step[];
}

type TabledKernel = KernelMemory & Required<Pick<KernelMemory, 'pageTables' | 'memoryImage'>>;

const hasTables = (kernel: KernelMemory): kernel is TabledKernel =>
  kernel.pageTables !== undefined && kernel.memoryImage !== undefined;

/**
 * Runs the scenario and shows the state after each operation that `wanted` names, at boot as number 0, up to the first panic.
 *
 * @throws InputError where the kernel has no page tables to judge, or hands over RAM that cannot hold them.
 */
export function* statesOf(
  { machine, operations }: Scenario,
  { reference, candidate }: Kernels,
  wanted: (number: number) => boolean,
): Generator<StateOnTheWay> {
  const { name, shows } = candidate.declares;
  if (!shows.includes('structure'))
    throw new InputError(`kernel ${name}: mmu compares frames; a kernel that shows 'structure' is needed`);
  const model = reference.boot(machine);
  const kernel = candidate.boot(structuredClone(machine));
  if (!hasTables(kernel))
    throw new InputError(
      `kernel ${name}: mmu needs pageTables() and memoryImage(); add both (contract/kernel-memory.ts)`,
    );
  const steps: Step[] = [];
  const shown = (number: number, outcome: readonly Difference[]): StateOnTheWay => {
    const tables = kernel.pageTables();
    const state = stateOf(machine, model, kernel, tables);
    checkImage(state, `kernel ${name}: operation ${number}`);
    return { number, state, tables, hash: hashOf(tables), outcome, steps: [...steps] };
  };
  if (wanted(0)) yield shown(0, []);
  const comparison = { level: 'bsd', managedPages: machine.managedPages } as const;
  for (const [i, operation] of operations.entries()) {
    const number = i + 1;
    const expected = model.apply(operation, number);
    const actual = kernel.apply(operation, number);
    steps.push(expected);
    if (!sameStep(expected, actual, comparison)) {
      yield shown(number, [...stepDifferences(expected, actual, comparison)]);
      return;
    }
    if (expected.outcome.kind === 'panic') return;
    if (wanted(number)) yield shown(number, []);
  }
}

function stateOf(
  machine: MachineConfig,
  model: ReferenceKernel,
  kernel: TabledKernel,
  tables: PageTableSnapshot,
): JudgedState {
  const { mappings, spaces, objects } = model.snapshot({ contents: false });
  return {
    machine,
    image: kernel.memoryImage(),
    registers: registersOf(tables),
    reference: { mappings, spaces, objects },
  };
}

function hashOf({ directoryFrame, firstManagedFrame, directory, tables, spaces }: PageTableSnapshot): string {
  const words = {
    directoryFrame,
    firstManagedFrame,
    directory,
    tables,
    spaces: spaces.map((space) => [space.directoryFrame, space.directory, space.tables]),
  };
  return createHash('sha1').update(JSON.stringify(words)).digest('base64');
}
