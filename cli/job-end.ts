/** What a job came to: its answer, or the failure that is made of a kernel that hung, died or threw. */
import { InputError } from '../contract/input-error.ts';
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import type { Step } from '../contract/outcome.ts';
import type { Scenario } from '../contract/scenario.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { comparableMachine } from '../properties/agreement.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { patience } from './command-text.ts';
import { EXIT } from './exit-status.ts';
import type { Call, FlightRecorder, Sighting } from './flight-recorder.ts';
import type { Answer } from './job.ts';
import { parseScenario } from './scenario-file.ts';
import type { JobEnd } from './supervisor.ts';

/** What to say it about. */
export interface JobContext {
  /** The outside kernel, or null for the optimized one. */
  readonly kernel: string | null;
  /** What it declared; null where it never came so far. */
  readonly declares: KernelDeclaration | null;
  /** Longest time that a call may take, in milliseconds. */
  readonly timeout: number;
}

/** An error that is nobody's fault but ours. */
export class InternalError extends Error {
  override readonly name = 'InternalError';
}

/** A kernel that gave no answer while a scenario ran: a failure like any other, but for how it was seen. */
export interface KernelFault {
  readonly report: LockstepReport;
  /** Number of the scenario in its campaign, its chunk, and the operations of those before it in that chunk. */
  readonly scenarios: number;
  readonly operations: number;
  readonly chunk: number;
}

export type Settled =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'fault'; readonly fault: KernelFault }
  | { readonly kind: 'interrupted' };

const SENTENCES = {
  'KERNEL-HUNG': 'A kernel answers every call within the time that --kernel-timeout allows.',
  'KERNEL-DIED': 'A kernel leaves the thread and the process that it runs in alone.',
  'KERNEL-THREW': 'A kernel answers every operation; it throws no exception.',
} as const;
type FaultName = keyof typeof SENTENCES;

/** What to do about it. */
export const MENDS: Readonly<Record<FaultName, string>> = {
  'KERNEL-HUNG': 'mend it, or allow more with --kernel-timeout',
  'KERNEL-DIED': 'a kernel waits for nothing and leaves its process alone',
  'KERNEL-THREW': 'a kernel throws nothing',
};

/** The answer or the fault. Throws InputError where no scenario ran, and InternalError for bugs of ours. */
export function settled(end: JobEnd, context: JobContext): Settled {
  const { kernel, timeout } = context;
  const label = kernel === null ? 'the optimized kernel' : `kernel ${kernel}`;
  switch (end.kind) {
    case 'answered':
      return { kind: 'answer', answer: end.answer };
    case 'refused': {
      const status = end.status === EXIT.kernel ? EXIT.kernel : EXIT.usage;
      const running = status === EXIT.kernel && end.recorder.sighting().number > 0;
      if (!running) throw new InputError(end.message, status);
      return faultOf('KERNEL-THREW', end.message, end.recorder.sighting(), end.recorder, context);
    }
    case 'internal': {
      const error = new InternalError(end.message);
      error.stack = end.stack;
      throw error;
    }
    case 'interrupted':
      return { kind: 'interrupted' };
    case 'hung': {
      const allowed = patience(timeout, isLoading(end.sighting.call));
      const line = `${label}: ${placeOf(end.sighting)}: no answer within ${allowed / 1000} s`;
      return faultOf('KERNEL-HUNG', line, end.sighting, end.recorder, context);
    }
    case 'died': {
      const sighting = end.recorder.sighting();
      if (sighting.call === 'nothing') throw new InternalError(`the runner thread died: ${end.reason}`);
      const line = `${label}: ${placeOf(sighting)}: ${end.reason}`;
      return faultOf('KERNEL-DIED', line, sighting, end.recorder, context);
    }
  }
}

/** Whether a call is the import of a module. */
export const isLoading = (call: Call): boolean => call === 'load' || call === 'baseLoad';

/** Where in its run a kernel is. */
export function placeOf({ call, number, kind }: Sighting): string {
  if (isLoading(call)) return 'while loading';
  if (call === 'baseBoot' || number === 0 || kind === null) return 'boot';
  return call === 'apply' || call === 'base'
    ? `operation ${number} (${kind})`
    : `operation ${number} (${kind}): ${call}()`;
}

/** The fault as a report of the scenario in the recorder; while loading there is none, and the line is all. */
function faultOf(
  property: FaultName,
  line: string,
  sighting: Sighting,
  recorder: FlightRecorder,
  { kernel, declares }: JobContext,
): Settled {
  const record = recorder.recorded();
  if (record === null)
    throw kernel === null
      ? new InternalError(line)
      : new InputError(`${line}; ${MENDS[property]}`, EXIT.kernel);
  const text = `{"version":1,"machine":${record.machine},"operations":[${record.operations.join(',')}]}`;
  const { scenario } = parseScenario('flight record', text);
  const answered = sighting.call === 'apply' || property === 'KERNEL-THREW' ? 1 : 0;
  const expected = expectedSteps(scenario, scenario.operations.length - answered, declares);
  const failure = {
    property,
    sentence: SENTENCES[property],
    side: 'candidate',
    number: sighting.number,
    witnesses: [line],
    differences: [],
  } as const;
  return {
    kind: 'fault',
    fault: { report: { scenario, failure, expected, actual: [] }, ...recorder.begun() },
  };
}

/** The model's steps up to the fault; none where it would have to follow the choices of a kernel that is gone. */
function expectedSteps(
  { machine, operations }: Scenario,
  count: number,
  declares: KernelDeclaration | null,
): Step[] {
  if (declares?.placement === 'any') return [];
  const kernel = referenceKernel.boot(declares === null ? machine : comparableMachine(machine, declares));
  return operations.slice(0, count).map((operation, i) => kernel.apply(operation, i + 1));
}
