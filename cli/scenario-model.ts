/** Scenario files ask the reference model what handles stand for and what the operations answer. Bounded in time. */
import { InputError } from '../contract/input-error.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { Step } from '../contract/outcome.ts';
import type { Scenario } from '../contract/scenario.ts';
import { referenceKernel } from '../model/reference-kernel.ts';

/** Largest machine that handles are resolved on, in managed frames: the model scans them one by one. */
const MOST_FRAMES = 4096;
/** Longest scenario whose answers are kept. */
export const MOST_ANSWERS = 2000;
/** Time for all operations of a file together. */
const MILLISECONDS = 10_000;

/** The model in the middle of a scenario. */
export interface ModelRun {
  /** Applies operations[index]. */
  apply(operation: Operation, index: number): Step;
}

/** Boots the model for the file at `path`; InputError on a machine or operations that would take too long. */
export function modelRun(path: string, machine: MachineConfig): ModelRun {
  if (machine.managedPages > MOST_FRAMES)
    throw new InputError(
      `${path}: machine.managedPages: handles are resolved on machines of at most ${MOST_FRAMES} frames; ` +
        'write numbers, or a smaller machine',
    );
  const kernel = referenceKernel.boot(machine);
  const end = performance.now() + MILLISECONDS;
  return {
    apply: (operation, index) => {
      if (performance.now() > end)
        throw new InputError(
          `${path}: operations[${index}]: the model took more than ${MILLISECONDS / 1000} s to come here, ` +
            'which is too long to resolve handles; write numbers, or a smaller machine',
        );
      return kernel.apply(operation, index + 1);
    },
  };
}

/**
 * What the model alone answers; null for a scenario that is too large for that, or where the model throws, which must
 * not keep the scenario that shows it from being stored.
 */
export function modelSteps({ machine, operations }: Scenario): Step[] | null {
  if (operations.length > MOST_ANSWERS) return null;
  try {
    const model = modelRun('scenario', machine);
    return operations.map((operation, i) => model.apply(operation, i));
  } catch {
    return null;
  }
}
