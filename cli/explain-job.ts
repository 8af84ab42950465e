/** Explains one stored scenario, in a runner thread. */
import type { KernelModule } from '../contract/kernel-memory.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { explainScenario } from '../properties/explain.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import { judgeScenario } from '../properties/lockstep.ts';
import type { WorkerTies } from './check-job.ts';
import { confirmed, flakiness } from './confirm.ts';
import type { ExplainAnswer, ExplainJob } from './job.ts';
import { refuseUndeclared } from './replay-job.ts';

/** The explanation, and whether the kernel gives the same verdict every time. */
export function explainStored(
  { file, scenario }: ExplainJob,
  candidate: KernelModule,
  { recorder, post }: Pick<WorkerTies, 'recorder' | 'post'>,
): ExplainAnswer {
  refuseUndeclared(file, scenario, candidate);
  let tried = 0;
  const explanation = explainScenario({
    reference: referenceKernel,
    candidate,
    scenario,
    shouldStop: () => recorder.stopRequested(),
    onTry: () => {
      tried += 1;
      if (tried % 100 === 0) post({ type: 'progress', text: `${tried} scenarios run` });
    },
  });
  const run = () =>
    judgeScenario(explanation.report.scenario, {
      ...{ reference: referenceKernel, candidate, compare: true },
      ...{ invariants: ALL_INVARIANTS, fullEvery: 1 },
    });
  return {
    verb: 'explain',
    kernel: candidate.declares.name,
    explanation,
    flaky: flakiness(confirmed(explanation.report, run)),
    stray: null,
  };
}
