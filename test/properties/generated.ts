/** Generated scenarios for tests, and what the reference answers to them. */
import * as fc from 'fast-check';
import { address, bytes } from '../../contract/address.ts';
import { type MachineConfig, TRACE_KMEM_OBJECT_SIZE } from '../../contract/machine.ts';
import type { Outcome } from '../../contract/outcome.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { GOALS } from '../../properties/goals.ts';
import type { Goal } from '../../properties/goals-goal.ts';
import { runLockstep, type StepObserver } from '../../properties/lockstep.ts';
import { type ScenarioOptions, scenarios } from '../../properties/scenarios.ts';

/** Scenarios from a seed; the reference is the model. */
export function generated(
  count: number,
  { seed = 1994, ...options }: Partial<ScenarioOptions> & { seed?: number } = {},
): Scenario[] {
  return fc.sample(scenarios({ reference: referenceKernel, ...options }), { numRuns: count, seed });
}

/** The reference's outcomes, one for each operation. */
export function outcomesOf({ machine, operations }: Scenario): Outcome[] {
  const kernel = referenceKernel.boot(machine);
  return operations.map((operation, i) => kernel.apply(operation, i + 1).outcome);
}

/** Runs a scenario on the model alone and tells an observer. */
export function observed(scenario: Scenario, ...observers: StepObserver[]): void {
  runLockstep(scenario, {
    reference: referenceKernel,
    candidate: referenceKernel,
    compare: false,
    invariants: [],
    fullEvery: 1_000_000,
    observers,
  });
}

/** The goal of that ID. */
export function goalOf(id: string): Goal {
  const goal = GOALS.find((candidate) => candidate.id === id);
  if (goal === undefined) throw new Error(`no goal is called ${id}`);
  return goal;
}

/** A small machine: frames, a boot entry of two pages, sixteen pages behind it. */
export const smallMachine: MachineConfig = {
  managedPages: 8,
  deviceFrames: 0,
  kernelMin: address(0xfe00_0000),
  kernelStart: address(0xfe00_2000),
  kernelMax: address(0xfe01_2000),
  mapEntries: 24,
  staticMaps: 10,
  kmemObjectSize: bytes(TRACE_KMEM_OBJECT_SIZE),
  freeMin: 0,
  freeTarget: 0,
  inactiveTarget: 0,
  reserved: [],
  scratchPages: 0,
  scratchWindow: null,
};
