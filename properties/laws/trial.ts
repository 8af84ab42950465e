/** A kernel on which a law is tried: after a prefix, ready for more operations and for looking at its state. */
import type { KernelModule, ObservableKernel } from '../../contract/kernel-memory.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';
import type { Outcome } from '../../contract/outcome.ts';
import type { CellName } from '../../contract/snapshot.ts';
import { cellNames, isCompared } from '../cells.ts';
import { cellDifferences } from '../differences.ts';
import { indexSnapshot } from '../index-snapshot.ts';
import type { Difference } from '../verdict.ts';
import type { StateView } from '../view.ts';

/** A machine in use. */
export class Trial {
  readonly machine: MachineConfig;
  readonly #kernel: ObservableKernel;
  #number = 0;
  #stopped = false;

  constructor(kernel: KernelModule<ObservableKernel>, machine: MachineConfig, prefix: readonly Operation[]) {
    this.machine = machine;
    this.#kernel = kernel.boot(machine);
    for (const operation of prefix) this.apply(operation);
  }

  /** True after a panic: laws say nothing more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  apply(operation: Operation): Outcome {
    this.#number++;
    const { outcome } = this.#kernel.apply(operation, this.#number);
    if (outcome.kind === 'panic') this.#stopped = true;
    return outcome;
  }

  /** The whole state with contents. */
  look(): StateView {
    return indexSnapshot(this.#kernel.snapshot({ contents: true }));
  }
}

/** Differences between two states of one kernel, `except` some cells; nothing that is internal. */
export function* stateDifferences(
  before: StateView,
  after: StateView,
  except: readonly CellName[] = [],
): Generator<Difference> {
  const names = new Set([...cellNames(before), ...cellNames(after)]);
  for (const name of names)
    if (isCompared(name) && !except.includes(name)) yield* cellDifferences(name, before, after);
}

/** Differences as witnesses, each led by what was done. */
export const witnesses = (act: string, differences: Iterable<Difference>): string[] =>
  Array.from(differences, ({ path, expected, actual }) => `${act}: ${path} ${expected} became ${actual}`);
