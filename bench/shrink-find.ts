/** What is to be shrunk: for each faulty kernel and each seed the first generated scenario that fails. */
import fc from 'fast-check';
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import { runLockstep } from '../properties/lockstep.ts';
import { scenarios } from '../properties/scenarios.ts';

/** A faulty kernel by its name. */
export interface NamedKernel {
  readonly name: string;
  readonly kernel: KernelModule;
}

/** Scenarios of a seed that are generated at once, for all kernels that have not failed yet. */
const BATCH = 25;

/**
 * The first failing scenario of each kernel among the first `runs` of a seed, as a campaign of that seed finds it. All
 * kernels share the generated scenarios; what no scenario shows is left out.
 */
export function firstFailures(
  kernels: readonly NamedKernel[],
  { seed, runs }: { readonly seed: number; readonly runs: number },
): Map<string, Scenario> {
  const found = new Map<string, Scenario>();
  const arbitrary = scenarios({ reference: referenceKernel });
  const all = fc.sample(arbitrary, { seed, numRuns: Math.min(runs, BATCH) });
  for (let from = 0; from < runs; ) {
    for (const scenario of all.slice(from)) {
      from += 1;
      for (const { name, kernel } of kernels)
        if (!found.has(name) && fails(scenario, kernel)) found.set(name, scenario);
    }
    if (found.size === kernels.length || from >= runs) break;
    // fast-check derives the numbers of run n from the seed and n alone, but hands out only runs from the first on.
    all.push(...fc.sample(arbitrary, { seed, numRuns: Math.min(runs, from * 2) }).slice(from));
  }
  return found;
}

const fails = (scenario: Scenario, candidate: KernelModule): boolean =>
  runLockstep(scenario, {
    reference: referenceKernel,
    candidate,
    compare: true,
    invariants: ALL_INVARIANTS,
    fullEvery: 64,
  }).failure !== null;

/** The first scenario of a seed: another generator shows in it. */
export const firstScenario = (seed: number): Scenario | undefined =>
  fc.sample(scenarios({ reference: referenceKernel }), { seed, numRuns: 1 })[0];
