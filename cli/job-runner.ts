/** A runner thread: loads the kernel, does the job, answers. Started by bin/vmlockstep.mjs. */
import { workerData } from 'node:worker_threads';
import { InputError } from '../contract/input-error.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import { emptyTally } from '../properties/tally.ts';
import { Builtins } from './builtins.ts';
import type { WorkerTies } from './check-job.ts';
import { ChunkBoard } from './chunk-board.ts';
import { CALL, FlightRecorder } from './flight-recorder.ts';
import { FlightTape } from './flight-tape.ts';
import type { Answer, Job, JobMessage, WorkerData } from './job.ts';
import { KernelBroke } from './judged-kernel.ts';
import { loadKernelModule } from './kernel-module.ts';
import { generationFault } from './kernel-schema.ts';
import { refuseSignals, StrayErrors } from './stray-errors.ts';
import { watchedKernel } from './watched-kernel.ts';

type Post = (message: JobMessage) => void;

/** What this thread was started with, kept from a kernel that looks for it. */
function takenData(): WorkerData {
  const data: WorkerData = { ...(workerData as WorkerData) };
  for (const name of Object.keys(workerData as object)) Reflect.deleteProperty(workerData as object, name);
  return data;
}

async function candidateOf(job: Job, recorder: FlightRecorder, post: Post): Promise<KernelModule> {
  const { verb, kernel, directory } = job;
  if (job.verb === 'guard') {
    const { loadPlace } = await import('./guard-job.ts');
    return loadPlace(job.working, recorder);
  }
  if (kernel === null) {
    recorder.enter(CALL.load);
    const { optimizedKernel } = await import('../impl/optimized-kernel.ts');
    recorder.leave();
    return watchedKernel(optimizedKernel, recorder);
  }
  recorder.enter(CALL.load);
  const module = await loadKernelModule(kernel, directory, {
    note: (text) => post({ type: 'note', text }),
    failed: () => recorder.leave(),
    boots: () => recorder.enter(CALL.boot),
  });
  recorder.leave();
  const generates = verb === 'check' || (job.verb === 'mmu' && job.scenario === null);
  const fault = generates ? generationFault(module.declares.operations) : null;
  if (fault !== null) throw new KernelBroke(`kernel ${kernel}: ${fault}`);
  return watchedKernel(module, recorder);
}

async function answerOf(
  { job, worker, board, port }: WorkerData,
  candidate: KernelModule,
  { recorder, post, trust }: Pick<WorkerTies, 'recorder' | 'post' | 'trust'>,
): Promise<Answer> {
  switch (job.verb) {
    case 'check': {
      const { checkCampaign } = await import('./check-job.ts');
      return checkCampaign(job, candidate, { worker, board: new ChunkBoard(board), recorder, post, trust });
    }
    case 'corpus': {
      const { runCorpus } = await import('./corpus-job.ts');
      post({ type: 'loaded', declares: candidate.declares, goals: [], nothing: emptyTally([], 0) });
      return runCorpus(job, candidate, recorder);
    }
    case 'explore': {
      const { exploreStates } = await import('./explore-job.ts');
      post({ type: 'loaded', declares: candidate.declares, goals: [], nothing: emptyTally([], 0) });
      return exploreStates(job, candidate, {
        port,
        post,
        trust,
        stopRequested: () => recorder.stopRequested(),
      });
    }
    case 'explain': {
      const { explainStored } = await import('./explain-job.ts');
      post({ type: 'loaded', declares: candidate.declares, goals: [], nothing: emptyTally([], 0) });
      return explainStored(job, candidate, { recorder, post });
    }
    case 'guard': {
      const { guardKernels } = await import('./guard-job.ts');
      post({ type: 'loaded', declares: candidate.declares, goals: [], nothing: emptyTally([], 0) });
      return guardKernels(job, candidate, { recorder, post, trust });
    }
    case 'shrink': {
      const { shrinkStored } = await import('./shrink-job.ts');
      post({ type: 'loaded', declares: candidate.declares, goals: [], nothing: emptyTally([], 0) });
      return shrinkStored(job, candidate, { recorder, post });
    }
    case 'mmu': {
      const { judgeShare } = await import('./mmu-job.ts');
      post({ type: 'loaded', declares: candidate.declares, goals: [], nothing: emptyTally([], 0) });
      return judgeShare(job, candidate, { worker, recorder, post, trust });
    }
    case 'replay': {
      const { replay } = await import('./replay-job.ts');
      post({ type: 'loaded', declares: candidate.declares, goals: [], nothing: emptyTally([], 0) });
      return replay(job, candidate);
    }
  }
}

/** Throws once an outside kernel has replaced built-in objects. */
function trustIn(kernel: string | null): () => void {
  const builtins = kernel === null ? null : new Builtins();
  return () => {
    const name = builtins?.replaced() ?? null;
    if (name !== null)
      throw new KernelBroke(
        `kernel ${kernel}: replaced ${name}; a kernel leaves the objects of the language as they are`,
      );
  };
}

/** What `trust` throws, or null. */
function toldBy(trust: () => void): unknown {
  try {
    trust();
    return null;
  } catch (error) {
    return error;
  }
}

/** Does the job that this thread was started with and posts its answer. */
export async function runJob(): Promise<void> {
  const data = takenData();
  const { job, record, tape, port } = data;
  const post: Post = (message) => port.postMessage(message);
  const recorder = new FlightRecorder(record, tape === null ? null : new FlightTape(tape));
  const strays = job.kernel === null ? null : new StrayErrors();
  if (strays !== null) refuseSignals();
  const trust = trustIn(job.kernel);
  try {
    const candidate = await candidateOf(job, recorder, post);
    trust();
    const answer = await answerOf(data, candidate, { recorder, post, trust });
    const stray = (await strays?.settled()) ?? null;
    trust();
    post({ type: 'answer', answer: { ...answer, stray } });
  } catch (thrown) {
    const error = toldBy(trust) ?? thrown;
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
