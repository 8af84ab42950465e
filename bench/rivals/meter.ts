/** Counts what is run on a kernel under test, whoever runs it: all rivals are measured by the same meter. */
import type { KernelModule } from '../../contract/kernel-memory.ts';
import type { Operation } from '../../contract/operation.ts';

/** A kernel under test with its counts. */
export interface Metered {
  readonly module: KernelModule;
  /** Operations applied. */
  readonly operations: () => number;
  readonly uncounted: () => void;
  /** Machines booted: each run of a scenario boots one. */
  readonly runs: () => number;
}

/** The same kernel, counting; `seen` is told of each operation. */
export function metered(candidate: KernelModule, seen?: (operation: Operation) => void): Metered {
  let operations = 0;
  let runs = 0;
  const boot: KernelModule['boot'] = (machine) => {
    runs += 1;
    const kernel = candidate.boot(machine);
    const apply = kernel.apply.bind(kernel);
    kernel.apply = (operation, number) => {
      operations += 1;
      seen?.(operation);
      return apply(operation, number);
    };
    return kernel;
  };
  return {
    module: { declares: candidate.declares, boot },
    operations: () => operations,
    uncounted: () => {
      operations -= 1;
    },
    runs: () => runs,
  };
}
