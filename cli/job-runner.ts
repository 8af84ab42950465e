/** The runner thread: loads the kernel, does the job, answers. Started by bin/vmlockstep.mjs. */
import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../contract/input-error.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import { CALL, FlightRecorder } from './flight-recorder.ts';
import type { Answer, Job, JobMessage, WorkerData } from './job.ts';
import { loadKernelModule } from './kernel-module.ts';
import { watchedKernel } from './watched-kernel.ts';

const post = (message: JobMessage): void => parentPort?.postMessage(message);

async function candidateOf({ kernel, directory }: Job, recorder: FlightRecorder): Promise<KernelModule> {
  if (kernel === null) {
    const { optimizedKernel } = await import('../impl/optimized-kernel.ts');
    return watchedKernel(optimizedKernel, recorder);
  }
  recorder.enter(CALL.load);
  const module = await loadKernelModule(kernel, directory);
  recorder.leave();
  return watchedKernel(module, recorder);
}

async function answerOf(job: Job, candidate: KernelModule, recorder: FlightRecorder): Promise<Answer> {
  switch (job.verb) {
    case 'check': {
      const { checkCampaign } = await import('./check-job.ts');
      return checkCampaign(job, candidate, {
        stopRequested: () => recorder.stopRequested(),
        progress: (progress) => post({ type: 'progress', ...progress }),
      });
    }
    case 'replay': {
      const { replay } = await import('./replay-job.ts');
      return replay(job, candidate);
    }
  }
}

/** Does the job that this thread was started with and posts its answer. */
export async function runJob(): Promise<void> {
  const { job, record } = workerData as WorkerData;
  const recorder = new FlightRecorder(record);
  try {
    const candidate = await candidateOf(job, recorder);
    post({ type: 'answer', answer: await answerOf(job, candidate, recorder) });
  } catch (error) {
    if (error instanceof InputError)
      post({ type: 'refused', message: error.message, status: error.exitStatus });
    else if (error instanceof Error)
      post({ type: 'internal', message: error.message, stack: withCauses(error) });
    else post({ type: 'internal', message: String(error), stack: '' });
  }
}

const withCauses = (error: Error): string =>
  error.cause instanceof Error
    ? `${error.stack ?? error.message}\ncaused by ${withCauses(error.cause)}`
    : (error.stack ?? error.message);
