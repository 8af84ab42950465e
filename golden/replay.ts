/** Replays one golden trace on the kernels under test, up to where the recording leaves the contract (TRACES §6). */
import { ADDRESS_SPACE_END, address, type VirtualAddress } from '../contract/address.ts';
import type { KernelMemory, KernelModule } from '../contract/kernel-memory.ts';
import type { Operation } from '../contract/operation.ts';
import { done, type Step } from '../contract/outcome.ts';
import { bootReference, type OpenReference } from '../model/reference-kernel.ts';
import { type Answer, answerDifferences, type Difference, type Level, stateDifferences } from './compare.ts';
import { FirstFreePointers } from './first-free.ts';
import { type ObservedState, observedInSnapshot, observedInTrace } from './observed-state.ts';
import type { Trace, TraceRecord } from './trace-file.ts';
import type { IndexEntry } from './trace-index.ts';
import type { TraceOperation } from './trace-schema.ts';
import { machineOf, operationOf, resultOf } from './translate.ts';
import { type DueDeviation, dueDeviations, startOfRange } from './triggers/evaluate.ts';
import { freedEnd } from './triggers/situation.ts';

/** A kernel to be compared with the recording; `reference` is the model that runs in any case. */
export interface Side {
  readonly name: string;
  readonly module: KernelModule | 'reference';
}

/** The first place where one side differs from the recording, or broke. */
export interface Failure {
  readonly side: string;
  /** Record number; 0 is the state after boot. */
  readonly number: number;
  /** Null for the state after boot. */
  readonly operation: TraceOperation | null;
  /** Expected is the recording, actual the kernel. */
  readonly differences: readonly Difference[];
  /** Message and place of an exception that the kernel threw. */
  readonly thrown?: string;
}

/** An index, or a trace of the contract, names a deviation for an operation that the triggers do not, or the reverse. */
export interface Disagreement {
  readonly number: number;
  readonly operation: TraceOperation;
  /** What the file says; null for nothing. */
  readonly recorded: string | null;
  /** What the triggers say, in order of precedence. */
  readonly evaluated: readonly string[];
}

/** What a replay has shown; without the trace's states, which are large. */
export interface Replay {
  readonly file: string;
  /** Operations of the trace, compared or not. */
  readonly operations: number;
  /** True for a trace with `copy`, which belongs to a later stage and is not run at all. */
  readonly skipped: boolean;
  /** Operations compared. */
  readonly compared: number;
  /** Why and before which operation the comparison stopped; null at the end of the trace. */
  readonly stop: { readonly deviation: string; readonly number: number } | null;
  readonly disagreements: readonly Disagreement[];
  /** At most one for each side. */
  readonly failures: readonly Failure[];
}

export interface ReplayOptions {
  readonly sides: readonly Side[];
  /** Where to stop, if an index lies beside the trace; else the triggers decide. */
  readonly indexed?: IndexEntry | undefined;
  readonly level?: Level;
  /** Hears of the model after every operation, before the comparison. */
  readonly watch?: (record: TraceRecord, model: OpenReference, firstFree: FirstFreePointers) => void;
}

const titleOf = ({ file, records }: Trace) => ({ file, operations: records.length });

/** One side in the course of a replay. */
interface Runner {
  readonly side: Side;
  readonly kernel: KernelMemory;
  failure: Failure | null;
}

/** What one record demands of every side; `state` is null where the recording panicked. */
interface Expectation {
  readonly record: TraceRecord;
  readonly skipResult: boolean;
  readonly state: ObservedState | null;
}

/** Replays a trace; one with `copy` is skipped. Throws only on a bug of the model's own bookkeeping. */
export function replayTrace(trace: Trace, options: ReplayOptions): Replay {
  if (trace.records.some(({ operation }) => operation.op === 'copy'))
    return { ...titleOf(trace), skipped: true, compared: 0, stop: null, disagreements: [], failures: [] };
  return new TraceReplay(trace, options).run();
}

class TraceReplay {
  readonly #trace: Trace;
  readonly #options: ReplayOptions;
  readonly #firstFree = new FirstFreePointers();
  readonly #model: OpenReference;
  /** Runs without being compared where the model is not among the sides. */
  readonly #reference: Runner;
  readonly #runners: readonly Runner[];
  readonly #operations: (Operation | undefined)[] = [];
  readonly #disagreements: Disagreement[] = [];

  constructor(trace: Trace, options: ReplayOptions) {
    this.#trace = trace;
    this.#options = options;
    const machine = machineOf(trace.config);
    this.#model = bootReference(machine, { onMapEvent: (event) => this.#firstFree.note(event) });
    this.#runners = options.sides.map((side) => ({
      side,
      kernel: side.module === 'reference' ? this.#model : side.module.boot(machine),
      failure: null,
    }));
    this.#reference = this.#runners.find(({ side }) => side.module === 'reference') ?? {
      side: { name: 'model', module: 'reference' },
      kernel: this.#model,
      failure: null,
    };
  }

  run(): Replay {
    const { records } = this.#trace;
    const boot = observedInTrace(this.#trace.boot);
    for (const runner of this.#runners) this.#guard(runner, 0, () => this.#compareState(runner, 0, boot));
    let compared = 0;
    for (const record of records) {
      if (!this.#goesOn()) break;
      const operation = operationOf(record.operation);
      this.#operations.push(operation);
      const due = this.#due(record, operation);
      const stop = this.#stopBefore(record, due);
      if (stop !== null) return this.#finish(compared, { deviation: stop, number: record.number });
      compared += 1;
      this.#step(record, operation, !this.#trace.fromModel && due.length > 0);
    }
    return this.#finish(compared, null);
  }

  #goesOn(): boolean {
    if (this.#reference.failure?.thrown !== undefined) return false;
    return this.#runners.some(({ failure }) => failure === null);
  }

  #finish(compared: number, stop: Replay['stop']): Replay {
    const failures = [...this.#runners, this.#reference].flatMap(({ failure }) => failure ?? []);
    return {
      ...titleOf(this.#trace),
      skipped: false,
      compared,
      stop,
      disagreements: this.#disagreements,
      failures: [...new Set(failures)],
    };
  }

  #due({ number }: TraceRecord, operation: Operation | undefined): DueDeviation[] {
    if (operation === undefined) return [];
    return dueDeviations(this.#model.state, this.#firstFree, operation, number);
  }

  /** The deviation at which the comparison ends before this record; null when it goes on. */
  #stopBefore(record: TraceRecord, due: readonly DueDeviation[]): string | null {
    if (this.#trace.fromModel) {
      this.#agree(record, record.dev ?? null, due);
      return null;
    }
    const stopping = due.filter(({ scope }) => scope === 'stop');
    const { indexed } = this.#options;
    if (indexed === undefined) return stopping[0]?.deviation ?? null;
    const recorded = indexed.stop?.number === record.number ? indexed.stop.deviation : null;
    this.#agree(record, recorded, stopping);
    return recorded;
  }

  /** Where several triggers hold, a file names one of them, and any one will do. */
  #agree({ number, operation }: TraceRecord, recorded: string | null, due: readonly DueDeviation[]): void {
    const evaluated = due.map(({ deviation }) => deviation);
    const agreed = recorded === null ? due.length === 0 : evaluated.some((name) => name === recorded);
    if (!agreed) this.#disagreements.push({ number, operation, recorded, evaluated });
  }

  /** Runs one operation on every side and compares what each answers and what each has become. */
  #step(record: TraceRecord, operation: Operation | undefined, skipResult: boolean): void {
    if (operation !== undefined) this.#prepareFirstFree(operation, record.number);
    const expected: Expectation = {
      record,
      skipResult,
      state: record.state === undefined ? null : observedInTrace(record.state),
    };
    const others = this.#runners.filter((runner) => runner !== this.#reference);
    for (const runner of [this.#reference, ...others]) {
      if (runner.failure !== null && runner !== this.#reference) continue;
      this.#guard(runner, record.number, () => this.#stepOn(runner, operation, expected));
    }
  }

  #prepareFirstFree(operation: Operation, number: number): void {
    this.#firstFree.begin(startOfRange(this.#model.state, this.#firstFree, operation, number));
    const emptyDeletion = emptyDeletionOf(operation);
    if (emptyDeletion === null) return;
    const map = this.#model.state.maps.find(({ name }) => name === emptyDeletion.map);
    if (map !== undefined) this.#firstFree.noteEmptyDeletion(map, emptyDeletion.at);
  }

  #stepOn(
    runner: Runner,
    operation: Operation | undefined,
    { record, skipResult, state }: Expectation,
  ): Difference[] {
    const step: Step =
      operation === undefined ? { outcome: done } : runner.kernel.apply(operation, record.number);
    if (runner === this.#reference) this.#options.watch?.(record, this.#model, this.#firstFree);
    if (runner.failure !== null || !this.#runners.includes(runner)) return [];
    const found = answerDifferences(record, this.#answerOf(step, operation), { skipResult });
    if (state === null || step.outcome.kind === 'panic') return found;
    return [...found, ...this.#compareState(runner, record.number, state)];
  }

  #answerOf({ outcome, woken, resumed, console }: Step, operation: Operation | undefined): Answer {
    const resumedOperation = resumed === undefined ? undefined : this.#operations[resumed - 1];
    const called = resumedOperation ?? operation;
    return {
      result: called === undefined ? { ok: true } : resultOf(called, outcome),
      woken,
      resumed,
      console,
    };
  }

  #compareState(runner: Runner, number: number, expected: ObservedState): Difference[] {
    const snapshot = runner.kernel.snapshot?.({ contents: true });
    if (snapshot === undefined)
      throw new Error(`${runner.side.name} shows no state after operation ${number}`);
    return stateDifferences(expected, observedInSnapshot(snapshot), this.#options.level ?? 'bsd');
  }

  /** Turns differences, and an exception of the kernel, into the runner's failure. */
  #guard(runner: Runner, number: number, compare: () => Difference[]): void {
    const operation = this.#trace.records[number - 1]?.operation ?? null;
    const place = { side: runner.side.name, number, operation };
    try {
      const differences = compare();
      if (differences.length > 0) runner.failure ??= { ...place, differences };
    } catch (error) {
      runner.failure = { ...place, differences: [], thrown: describe(error) };
    }
  }
}

/** Where 1994 deleted nothing in a map, on behalf of a kmem_free that does nothing in the contract (DEV-8, DEV-37). */
function emptyDeletionOf(operation: Operation): { readonly map: string; readonly at: VirtualAddress } | null {
  if (operation.kind !== 'kmem_free' && operation.kind !== 'kmem_free_wakeup') return null;
  const { map, address: at, size } = operation;
  if (size === 0) return { map, at };
  const end = freedEnd(operation);
  return end < ADDRESS_SPACE_END ? null : { map, at: address(end) };
}

/** Message and innermost place of an exception. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = error.stack?.split('\n').find((line) => line.trim().startsWith('at '));
  return place === undefined ? error.message : `${error.message} (${place.trim()})`;
}
