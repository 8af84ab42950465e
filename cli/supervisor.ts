/** Runs a job in a thread of its own and keeps watch: over endless loops, crashes and Ctrl-C. */
import { Worker } from 'node:worker_threads';
import { FlightRecorder, type Sighting, sharedRecord } from './flight-recorder.ts';
import type { Answer, Job, JobMessage, WorkerData } from './job.ts';

/** How a job ended. */
export type JobEnd =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'refused'; readonly message: string; readonly status: number }
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
}

/** Time that an interrupted run has to finish its scenario, in milliseconds. */
const GRACE = 10_000;
/** Time within which a second signal is taken for an echo of the first, in milliseconds. */
const ECHO = 300;

/** Starts the job and waits for its end. The thread is gone when the promise settles. */
export async function supervise(job: Job, supervision: Supervision): Promise<JobEnd> {
  const record = sharedRecord();
  const recorder = new FlightRecorder(record);
  const data: WorkerData = { job, record };
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
    await worker.terminate();
  }
}

function answer(worker: Worker, recorder: FlightRecorder, { onProgress }: Supervision): Promise<JobEnd> {
  return new Promise((settle) => {
    worker.on('message', (message: JobMessage) => {
      if (message.type === 'progress') onProgress(message);
      else if (message.type === 'answer') settle({ kind: 'answered', answer: message.answer });
      else if (message.type === 'refused')
        settle({ kind: 'refused', message: message.message, status: message.status });
      else settle({ kind: 'internal', message: message.message, stack: message.stack });
    });
    worker.on('error', (error: unknown) => {
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      settle({ kind: 'died', reason: reason.split('\n')[0] ?? reason, recorder });
    });
    worker.on('exit', (code) => {
      settle({ kind: 'died', reason: `the thread ended with status ${code}`, recorder });
    });
  });
}

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
      timer = setTimeout(() => settle({ kind: 'interrupted' }), GRACE);
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
