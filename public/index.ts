/**
 * The package `vmlockstep`: what a test suite of one's own needs. Kernels and their vocabulary come from
 * `vmlockstep/contract`. `expectLockstep` is one assertion with everything in it; the parts are for suites that
 * have fast-check already:
 *
 * @example
 * ```ts
 * import fc from 'fast-check';
 * import { ALL_INVARIANTS, failureText, judgeScenario, referenceKernel, scenarios } from 'vmlockstep';
 *
 * fc.assert(
 *   fc.property(scenarios({ reference: referenceKernel, declares: mine.declares }), (scenario) => {
 *     const report = judgeScenario(scenario, {
 *       reference: referenceKernel,
 *       candidate: mine,
 *       compare: true,
 *       invariants: ALL_INVARIANTS,
 *       fullEvery: 64,
 *     });
 *     if (report.failure !== null) throw new Error(failureText(report));
 *   }),
 * );
 * ```
 */
import type { LockstepReport } from '../properties/verdict.ts';
import { failureLines } from '../report/failure.ts';

export type {
  KernelDeclaration,
  KernelMemory,
  KernelModule,
  ReferenceKernel,
} from '../contract/kernel-memory.ts';
export type { Scenario } from '../contract/scenario.ts';
export { optimizedKernel } from '../impl/optimized-kernel.ts';
export { referenceKernel } from '../model/reference-kernel.ts';
export { type CampaignOptions, type CampaignResult, runCampaign } from '../properties/campaign.ts';
export { GOALS } from '../properties/goals.ts';
export type { Goal } from '../properties/goals-goal.ts';
export type { Invariant, Watch } from '../properties/invariant.ts';
export { ALL_INVARIANTS, invariantById } from '../properties/invariants/all.ts';
export { LAWS, type Law } from '../properties/laws.ts';
export {
  judgeScenario,
  type LockstepOptions,
  runLockstep,
  type StepObserver,
} from '../properties/lockstep.ts';
export { type ScenarioOptions, scenarios } from '../properties/scenarios.ts';
/** A failed report as the command line prints it: the program, expected beside actual, the property's sentence. */
export const failureText = (report: LockstepReport): string =>
  failureLines(report, {
    origin: 'found by scenarios()',
    again: null,
    stored: 'not stored',
    replay: null,
  }).join('\n');
export type { Difference, Failure, LockstepReport } from '../properties/verdict.ts';
export type { StateView, View } from '../properties/view.ts';
export { WORKLOADS, type WorkloadName } from '../properties/workloads.ts';
export { expectLockstep, type LockstepSummary } from './expect-lockstep.ts';
export type { ExpectLockstepOptions, MakeKernel } from './expect-options.ts';
export { type FailureDetails, failureDetails, LockstepFailure } from './lockstep-failure.ts';
