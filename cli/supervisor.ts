/** Runs jobs in threads of their own and keeps watch: over endless loops, crashes and Ctrl-C. */
import { setTimeout } from 'node:timers/promises';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { ChunkBoard } from './chunk-board.ts';
import { patience } from './command-text.ts';
import { FlightRecorder, type Sighting, sharedRecord } from './flight-recorder.ts';
import type { Answer, Job, JobMessage, WorkerData } from './job.ts';
import { isLoading } from './job-end.ts';

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

/** A message that is no end. */
export type Telling = Exclude<JobMessage, { type: 'answer' | 'refused' | 'internal' | 'note' }>;

/** What the supervisor needs beside the job. */
export interface Supervision {
  /** The script that the threads start with. */
  readonly bin: URL;
  /** Longest time that one call of the kernel may take, in milliseconds. */
  readonly timeout: number;
  onNote(text: string): void;
  /** `worker`: number of the thread, from 0. */
  onTelling(telling: Telling, worker: number): void;
  onEnd?(end: JobEnd, worker: number): void;
  /** Ctrl-C came for the first time. */
  onInterruption?(): void;
  /** For each thread to start, the file that follows its scenario in progress; null for none. */
  readonly tapes: readonly (string | null)[];
  /** What the threads of a campaign share. */
  readonly board?: ChunkBoard;
}

/** The same for one thread that nothing is heard of but its kernel, and how far it has come. */
export interface SoloSupervision extends Pick<Supervision, 'bin' | 'timeout' | 'onNote'> {
  onLoaded?(declares: KernelDeclaration): void;
  onProgress?(text: string): void;
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

interface Thread {
  readonly number: number;
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly recorder: FlightRecorder;
}

/** The threads of a job that runs, and their ends. */
export interface Supervised {
  readonly recorders: readonly FlightRecorder[];
  /** One for each thread. The threads are gone when the promise settles, or they are stuck. */
  readonly ends: Promise<JobEnd[]>;
  /** Sends a thread more to do, where its job is one that waits for it. */
  tell(worker: number, message: unknown): void;
}

/** Starts the job in as many threads as there are tapes. */
export function supervised(job: Job, supervision: Supervision): Supervised {
  const board = supervision.board ?? new ChunkBoard();
  const threads = supervision.tapes.map((tape, number) =>
    started(job, { bin: supervision.bin, tape, number, board }),
  );
  const recorders = threads.map(({ recorder }) => recorder);
  return {
    recorders,
    ends: endsOf(threads, supervision),
    tell: (worker, message) => threads[worker]?.port.postMessage(message),
  };
}

/** Starts the job in one thread and waits for its end. */
export async function supervise(
  job: Job,
  { tape, onLoaded, onProgress, ...supervision }: SoloSupervision,
): Promise<JobEnd> {
  const { ends } = supervised(job, {
    ...supervision,
    tapes: [tape],
    onTelling: (telling) => {
      if (telling.type === 'loaded') onLoaded?.(telling.declares);
      else if (telling.type === 'progress') onProgress?.(telling.text);
    },
  });
  const [end = { kind: 'interrupted' }] = await ends;
  return end;
}

function started(
  job: Job,
  { bin, tape, number, board }: { bin: URL; tape: string | null; number: number; board: ChunkBoard },
): Thread {
  const record = sharedRecord();
  const { port1: port, port2 } = new MessageChannel();
  const workerData: WorkerData = { job, record, tape, port: port2, worker: number, board: board.shared };
  const worker = new Worker(bin, { workerData, transferList: [port2], stdout: true, stderr: true });
  // What a kernel prints must not mix with the results on stdout.
  worker.stdout.pipe(process.stderr, { end: false });
  worker.stderr.pipe(process.stderr, { end: false });
  return { number, worker, port, recorder: new FlightRecorder(record) };
}

async function endsOf(threads: readonly Thread[], supervision: Supervision): Promise<JobEnd[]> {
  const watch = new AbortController();
  const interrupted = interruption(
    threads.map(({ recorder }) => recorder),
    supervision,
    watch.signal,
  );
  const gone: Promise<boolean>[] = [];
  try {
    return await Promise.all(
      threads.map(async (thread) => {
        const done = new AbortController();
        const end = await Promise.race([
          answer(thread, supervision),
          hang(thread.recorder, supervision.timeout, done.signal),
          interrupted,
        ]);
        done.abort();
        thread.port.close();
        gone.push(ended(thread.worker));
        supervision.onEnd?.(end, thread.number);
        return end;
      }),
    );
  } finally {
    watch.abort();
    stuck ||= (await Promise.all(gone)).includes(false);
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

function answer({ worker, port, recorder, number }: Thread, supervision: Supervision): Promise<JobEnd> {
  return new Promise((settle) => {
    const hear = (message: JobMessage): void => {
      if (message.type === 'note') supervision.onNote(message.text);
      else if (message.type === 'answer') settle({ kind: 'answered', answer: message.answer });
      else if (message.type === 'refused')
        settle({ kind: 'refused', message: message.message, status: message.status, recorder });
      else if (message.type === 'internal')
        settle({ kind: 'internal', message: message.message, stack: message.stack });
      else supervision.onTelling(message, number);
    };
    /** What the thread said before it ended may still be on its way. */
    const died = (reason: string): void => {
      for (let rest = receiveMessageOnPort(port); rest !== undefined; rest = receiveMessageOnPort(port))
        hear(rest.message as JobMessage);
      settle({ kind: 'died', reason, recorder });
    };
    port.on('message', hear);
    worker.on('error', (error: unknown) => {
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      died(reason.split('\n')[0] ?? reason);
    });
    worker.on('exit', (code) => died(endReason(code)));
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
        else if (performance.now() - since > patience(timeout, isLoading(sighting.call)))
          settle({ kind: 'hung', sighting, recorder });
        last = sighting;
      },
      Math.min(250, Math.max(10, timeout / 4)),
    );
    signal.addEventListener('abort', () => clearInterval(timer));
  });
}

/** On the first Ctrl-C asks the run to end and report; settles on the second, or when it takes too long. */
function interruption(
  recorders: readonly FlightRecorder[],
  { onNote, onInterruption }: Supervision,
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
      for (const recorder of recorders) recorder.requestStop();
      onInterruption?.();
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
