/** Says how a job that gave no answer ended, and keeps the scenario that was running. */
import { InputError } from '../contract/input-error.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import type { FlightRecorder, Sighting } from './flight-recorder.ts';
import type { Answer } from './job.ts';
import type { Output } from './output.ts';
import { parseScenario } from './scenario-file.ts';
import { storeScenario } from './scenario-store.ts';
import type { JobEnd } from './supervisor.ts';
import { replayCommand } from './verdict-lines.ts';

/** What to say it about. */
export interface JobContext {
  /** The outside kernel, or null for the optimized one. */
  readonly kernel: string | null;
  /** Where to keep the scenario; null where it is kept already. */
  readonly store: { readonly directory: string; readonly name: string; readonly note: string } | null;
  readonly timeout: number;
  readonly out: Output;
}

/** An error that is nobody's fault but ours. */
export class InternalError extends Error {
  override readonly name = 'InternalError';
}

/** The answer, or after a line on stderr the status to end with. */
export function settled(end: JobEnd, context: JobContext): { answer: Answer } | { status: ExitStatus } {
  const { kernel, timeout, out } = context;
  const label = kernel === null ? 'the optimized kernel' : `kernel ${kernel}`;
  switch (end.kind) {
    case 'answered':
      return { answer: end.answer };
    case 'refused':
      throw new InputError(end.message, end.status === EXIT.kernel ? EXIT.kernel : EXIT.usage);
    case 'internal': {
      const error = new InternalError(end.message);
      error.stack = end.stack;
      throw error;
    }
    case 'interrupted':
      out.note('interrupted: stopped at once, nothing had failed so far');
      return { status: EXIT.interrupted };
    case 'hung':
      out.note(
        `error: ${label}: ${placeOf(end.sighting)}: no answer within ${timeout / 1000} s${kept(end.recorder, context)}`,
      );
      return { status: kernel === null ? EXIT.failed : EXIT.kernel };
    case 'died': {
      const sighting = end.recorder.sighting();
      const inKernel = kernel !== null && sighting.call !== 'nothing';
      if (!inKernel) throw new InternalError(`the runner thread died: ${end.reason}`);
      out.note(`error: ${label}: ${placeOf(sighting)}: ${end.reason}${kept(end.recorder, context)}`);
      return { status: EXIT.kernel };
    }
  }
}

function placeOf({ call, number, kind }: Sighting): string {
  if (call === 'load') return 'while loading';
  if (number === 0 || kind === null) return 'boot';
  return call === 'apply' ? `operation ${number} (${kind})` : `operation ${number} (${kind}): ${call}()`;
}

/** Stores what the recorder holds; the words to add to the line. */
function kept(recorder: FlightRecorder, { kernel, store }: JobContext): string {
  const record = recorder.recorded();
  if (store === null || record === null) return '';
  const text = `{"version":1,"machine":${record.machine},"operations":[${record.operations.join(',')}]}`;
  const path = storeScenario(store.directory, store.name, {
    ...parseScenario('flight record', text),
    note: store.note,
  });
  return `; stored: ${replayCommand(path, kernel)}`;
}
