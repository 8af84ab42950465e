/** A worker's part of `shrink`: runs the stored scenario, and shrinks it where it fails. */
import type { KernelModule } from '../contract/kernel-memory.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { judged, type SearchOptions } from '../properties/search.ts';
import { confirmed, flakiness } from './confirm.ts';
import { flakyFailure, runCase } from './corpus-job.ts';
import type { ShrinkAnswer, ShrinkJob } from './job.ts';
import { refuseUndeclared } from './replay-job.ts';
import { type ShrinkTies, shrinkTimed } from './shrinking.ts';

/** The run, looking at everything after every step, and what its failure shrinks to. */
export function shrinkStored(
  job: ShrinkJob,
  candidate: KernelModule,
  ties: Omit<ShrinkTies, 'milliseconds'>,
): ShrinkAnswer {
  const { file, scenario, milliseconds } = job;
  refuseUndeclared(file, scenario, candidate);
  const options: SearchOptions = { reference: referenceKernel, candidate, seed: 0, runs: 0, fullEvery: 1 };
  const found = judged(options, scenario);
  const kernel = candidate.declares.name;
  const answer = { verb: 'shrink', kernel, found, stray: null } as const;
  if (found.failure === null) {
    const flaky = flakiness(confirmed(found, () => runCase(scenario, candidate)));
    return { ...answer, shrunk: null, flaky };
  }
  ties.post({ type: 'better', report: found });
  const shrunk = shrinkTimed(found, options, { ...ties, milliseconds });
  // An interrupted run has little time left, and certifies nothing anyway.
  const flaky = ties.recorder.stopRequested() ? null : flakyFailure([found, shrunk.report], candidate);
  return { ...answer, shrunk, flaky };
}
