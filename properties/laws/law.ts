/** What a law is: a claim about operations that a snapshot alone cannot judge. */
import type { KernelModule, ObservableKernel } from '../../contract/kernel-memory.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';

/** One law, under an ID of INVARIANTS.md where it has one. */
export interface Law {
  readonly id: string;
  /** The claim as an English sentence that could be false. */
  readonly claim: string;
  /** Rule IDs that make it a claim. */
  readonly source: string;
  /**
   * Boots a machine, runs the prefix and tries the law on the state reached; yields witnesses against it.
   * A prefix that panics, or after which the law has nothing to say, yields none. The prefix must not alias
   * objects or detach submaps (†).
   */
  check(
    kernel: KernelModule<ObservableKernel>,
    machine: MachineConfig,
    prefix: readonly Operation[],
  ): string[];
}
