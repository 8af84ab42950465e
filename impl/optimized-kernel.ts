/**
 * The optimized implementation of the 1994 kernel memory system, behind the interface of the contract.
 *
 * The state is in kernel.ts; each BSD module has its file. `apply` does nothing but dispatch: snapshots, cells and
 * audits are built only when asked for.
 */
import type { KernelModule, ObservableKernel } from '../contract/kernel-memory.ts';
import {
  OPERATION_KINDS,
  type Operation,
  type OperationKind,
  type OperationOf,
} from '../contract/operation.ts';
import { type Outcome, type Panic, panic, type Step } from '../contract/outcome.ts';
import type { Calls } from './call.ts';
import { FAULT_CALLS, KERN_CALLS, PAGE_CALLS, SCHED_CALLS } from './kern-calls.ts';
import { bootKernel, type Kernel } from './kernel.ts';
import { MAP_CALLS } from './map-calls.ts';
import { observe, observeCell } from './observation.ts';
import { pageTableSnapshot } from './page-table-snapshot.ts';
import { KernelPanic } from './panic.ts';
import { PMAP_CALLS } from './pmap-calls.ts';
import type { Continuation } from './sched.ts';
import { audit } from './self-check.ts';

const CALLS: Calls<OperationKind> = {
  ...KERN_CALLS,
  ...MAP_CALLS,
  ...PAGE_CALLS,
  ...FAULT_CALLS,
  ...PMAP_CALLS,
  ...SCHED_CALLS,
};

export const optimizedKernel: KernelModule<
  ObservableKernel & Required<Pick<ObservableKernel, 'audit' | 'pageTables' | 'tlb' | 'memoryImage'>>
> = {
  declares: {
    name: 'optimized',
    operations: OPERATION_KINDS,
    shows: ['outcomes', 'maps', 'objects', 'pages', 'pmap', 'structure'],
    placement: 'first-fit',
  },
  boot: (machine) => {
    const kernel = bootKernel(machine);
    let stopped: Panic | undefined;
    return {
      apply: (operation, number) => {
        if (stopped !== undefined) return { outcome: stopped };
        kernel.changes.begin();
        kernel.sched.begin();
        if (kernel.console.length > 0) kernel.console.length = 0;
        const outcome = runToStop(kernel, operation, number);
        if (outcome.kind === 'panic') stopped = outcome;
        return stepOf(kernel, outcome);
      },
      snapshot: (options) => observe(kernel, options),
      cell: (name) => observeCell(kernel, name),
      touched: () => kernel.changes.cells(),
      audit: () => audit(kernel),
      pageTables: () => pageTableSnapshot(kernel),
      tlb: () => kernel.tlb.entries(),
      memoryImage: () => kernel.memory.image(),
    };
  },
};

/** Runs an operation to its end, its first sleep or its panic. */
function runToStop(kernel: Kernel, operation: Operation, number: number): Outcome {
  try {
    const result = call(kernel, operation.kind, operation, number);
    return 'kind' in result ? result : kernel.sched.start(number, operation, result);
  } catch (stop) {
    if (stop instanceof KernelPanic) return panic(stop.text);
    throw stop;
  }
}

function call<Kind extends OperationKind>(
  kernel: Kernel,
  kind: Kind,
  operation: OperationOf<Kind>,
  number: number,
): Outcome | Continuation {
  return CALLS[kind](kernel, operation, number);
}

function stepOf({ sched, console }: Kernel, outcome: Outcome): Step {
  const { resumed, daemonPoked } = sched;
  if (resumed === undefined && !daemonPoked && !sched.hasWoken && console.length === 0) return { outcome };
  const woken = sched.woken();
  return {
    outcome,
    ...(woken.length > 0 ? { woken } : {}),
    ...(resumed !== undefined ? { resumed } : {}),
    ...(console.length > 0 ? { console: [...console] } : {}),
    ...(daemonPoked ? { daemonPoked } : {}),
  };
}
