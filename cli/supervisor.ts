/** Runs a job in a thread of its own and keeps watch: over endless loops, crashes and Ctrl-C. */
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { FlightRecorder, type Sighting, sharedRecord } from './flight-recorder.ts';
import type { Answer, Job, JobMessage, WorkerData } from './job.ts';

/** How a job ended. */
export type JobEnd =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | {
      readonly kind: 'refused';
      readonly message: string;
      readonly status: number;
      readonly recorder: FlightRecorder;
    }
  | { readonly kind: 'internal'; readonly message: string; readonly stack: string }
  /** One call of the kernel took longer than allowed. */
  | { readonly kind: 'hung'; readonly sighting: Sighting; readonly recorder: FlightRecorder }
  /** The thread ended without an answer. */
  | { readonly kind: 'died'; readonly reason: string; readonly recorder: FlightRecorder }
  | { readonly kind: 'interrupted' };

/** What the supervisor needs beside the job. */
export interface Supervision {
  /** The script that the thread starts with. */
  readonly bin: URL;
  /** Longest time that one call of the kernel may take, in milliseconds. */
  readonly timeout: number;
  onProgress(progress: Extract<JobMessage, { type: 'progress' }>): void;
  onNote(text: string): void;
  onLoaded?(declares: KernelDeclaration): void;
  onFound?(property: string, path: string | null): void;
  /** File that follows the scenario in progress; null for none. */
  readonly tape: string | null;
}

/** Whether a thread of this process hangs in a call that cannot be ended from outside, so that it will never exit. */
export const threadIsStuck = (): boolean => stuck;
let stuck = false;

/** Time that an interrupted run has to finish its scenario, in milliseconds. */
const GRACE = 3000;
/** Time that a thread has to end, in milliseconds. */
const TERMINATION = 1000;
/** Time within which a second signal is taken for an echo of the first, in milliseconds. */
const ECHO = 300;

/** Starts the job and waits for its end. The thread is gone when the promise settles, or it is stuck. */
export async function supervise(job: Job, supervision: Supervision): Promise<JobEnd> {
  const record = sharedRecord();
  const recorder = new FlightRecorder(record);
  const data: WorkerData = { job, record, tape: supervision.tape };
  const worker = new Worker(supervision.bin, { workerData: data, stdout: true, stderr: true });
  // What a kernel prints must not mix with the results on stdout.
  worker.stdout.pipe(process.stderr, { end: false });
  worker.stderr.pipe(process.stderr, { end: false });
  const watch = new AbortController();
  try {
    return await Promise.race([
      answer(worker, recorder, supervision),
      hang(recorder, supervision.timeout, watch.signal),
      interruption(recorder, supervision, watch.signal),
    ]);
  } finally {
    watch.abort();
    stuck = !(await ended(worker));
  }
}

/** Ends the thread; false where it does not end in time. */
async function ended(worker: Worker): Promise<boolean> {
  const waiting = new AbortController();
  const options = { signal: waiting.signal };
  const patience = setTimeout(TERMINATION, false, options).catch(() => false);
  const done = await Promise.race([worker.terminate().then(() => true), patience]);
  waiting.abort();
  return done;
}

function answer(worker: Worker, recorder: FlightRecorder, supervision: Supervision): Promise<JobEnd> {
  return new Promise((settle) => {
    worker.on('message', (message: JobMessage | null) => {
      // The kernel shares the thread's port: what is no message of ours is not for us.
      switch (message?.type) {
        case 'progress':
          return supervision.onProgress(message);
        case 'note':
          return supervision.onNote(message.text);
        case 'loaded':
          return supervision.onLoaded?.(message.declares);
        case 'found':
          return supervision.onFound?.(message.property, message.path);
        case 'answer':
          return settle({ kind: 'answered', answer: message.answer });
        case 'refused':
          return settle({ kind: 'refused', message: message.message, status: message.status, recorder });
        case 'internal':
          return settle({ kind: 'internal', message: message.message, stack: message.stack });
      }
    });
    worker.on('error', (error: unknown) => {
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      settle({ kind: 'died', reason: reason.split('\n')[0] ?? reason, recorder });
    });
    worker.on('exit', (code) => {
      settle({ kind: 'died', reason: endReason(code), recorder });
    });
  });
}

/** Node ends a thread with status 13 when it waits for something that can no longer happen. */
const endReason = (code: number): string =>
  code === 13 ? 'waits for a promise that is never settled' : `called process.exit(${code})`;

/** Settles when the recorder has shown the same call for longer than `timeout`. */
function hang(recorder: FlightRecorder, timeout: number, signal: AbortSignal): Promise<JobEnd> {
  return new Promise((settle) => {
    let last = recorder.sighting();
    let since = performance.now();
    const timer = setInterval(
      () => {
        const sighting = recorder.sighting();
        if (sighting.heartbeat !== last.heartbeat || sighting.call === 'nothing') since = performance.now();
        else if (performance.now() - since > timeout) settle({ kind: 'hung', sighting, recorder });
        last = sighting;
      },
      Math.min(250, Math.max(10, timeout / 4)),
    );
    signal.addEventListener('abort', () => clearInterval(timer));
  });
}

/** On the first Ctrl-C asks the run to end and report; settles on the second, or when it takes too long. */
function interruption(
  recorder: FlightRecorder,
  { onNote }: Supervision,
  signal: AbortSignal,
): Promise<JobEnd> {
  return new Promise((settle) => {
    let timer: NodeJS.Timeout | undefined;
    let first = 0;
    const onSignal = (): void => {
      if (timer !== undefined) {
        // The file-writing library sends every signal once more after its own cleaning up.
        if (performance.now() - first < ECHO) return;
        settle({ kind: 'interrupted' });
        return;
      }
      onNote('interrupted: finishing the scenario in progress; once more to stop at once');
      recorder.requestStop();
      first = performance.now();
      timer = globalThis.setTimeout(() => settle({ kind: 'interrupted' }), GRACE);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    });
  });
}
