/** One measurement of the shrinker: one failure of one faulty kernel, shrunk. */
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { shrinkFound } from '../properties/campaign.ts';
import type { SearchMemory } from '../properties/certificate.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import { judgeScenario } from '../properties/lockstep.ts';
import { type FailureSignature, signatureOf } from '../properties/signature.ts';
import type { Alikeness } from '../properties/symptoms.ts';
import type { LockstepReport } from '../properties/verdict.ts';

/** What one shrinking came to. */
export interface ShrinkTrial {
  readonly found: FailureSignature | null;
  readonly shrunk: FailureSignature | null;
  /** Operations before and after. */
  readonly foundLength: number;
  readonly length: number;
  readonly scenario: Scenario;
  /** Scenarios run before the first search for a shorter one, and in all without those of the searches. */
  readonly executionsBefore: number;
  readonly executions: number;
  /** Scenarios tried in searches. */
  readonly searched: number;
  readonly certified: boolean;
  /** Why it is not certified; null where it is. */
  readonly reason: string | null;
  /** Signatures of other failures met on the way. */
  readonly others: number;
  /** True where the kernel without the fault holds the result: it is the fault that it shows. */
  readonly sound: boolean;
}

/** What a trial is made on. */
export interface TrialOptions {
  readonly candidate: KernelModule;
  /** Shared by all trials of one kernel. */
  readonly memory: SearchMemory;
  readonly alike: Alikeness;
}

const judged = (scenario: Scenario, candidate: KernelModule, fullEvery: number): LockstepReport =>
  judgeScenario(scenario, {
    ...{ reference: referenceKernel, candidate, compare: true, invariants: ALL_INVARIANTS, fullEvery },
  });

/** Shrinks a failing scenario as `check` does; null where it does not fail. */
export function shrinkTrial(
  scenario: Scenario,
  { candidate, memory, alike }: TrialOptions,
): ShrinkTrial | null {
  const found = judged(scenario, candidate, 64);
  if (found.failure === null) return null;
  const shrunk = shrinkFound(found, {
    reference: referenceKernel,
    candidate,
    seed: 0,
    runs: 0,
    memory,
    alike,
  });
  return {
    found: signatureOf(found),
    shrunk: signatureOf(shrunk.report),
    foundLength: scenario.operations.length,
    length: shrunk.report.scenario.operations.length,
    scenario: shrunk.report.scenario,
    executionsBefore: shrunk.executionsBeforeSearch,
    executions: shrunk.executions,
    searched: shrunk.searched,
    certified: shrunk.certificate.minimal,
    reason: shrunk.certificate.reason,
    others: shrunk.others.length,
    sound: judged(shrunk.report.scenario, optimizedKernel, 1).failure === null,
  };
}
