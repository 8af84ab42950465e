/** A worker's part of `shrink`: runs the stored scenario, and shrinks it where it fails. */
import type { KernelModule } from '../contract/kernel-memory.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { judged, type SearchOptions } from '../properties/search.ts';
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
  if (found.failure === null) return { verb: 'shrink', kernel, found, shrunk: null, stray: null };
  ties.post({ type: 'better', report: found });
  return {
    verb: 'shrink',
    kernel,
    found,
    shrunk: shrinkTimed(found, options, { ...ties, milliseconds }),
    stray: null,
  };
}
