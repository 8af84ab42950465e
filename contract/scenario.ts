/** A scenario by value: one machine and the operations run on it. */
import type { MachineConfig } from './machine.ts';
import type { Operation } from './operation.ts';

export interface Scenario {
  readonly machine: MachineConfig;
  /** Operation number n is operations[n − 1]. */
  readonly operations: readonly Operation[];
}
