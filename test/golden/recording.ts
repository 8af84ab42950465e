/** Small traces made for a test: a scenario run on the reference model and written down as the recorder would. */
import type { Snapshot } from '../../contract/snapshot.ts';
import { FirstFreePointers } from '../../golden/first-free.ts';
import { observedInSnapshot } from '../../golden/observed-state.ts';
import { type Replay, type ReplayOptions, replayTrace } from '../../golden/replay.ts';
import type { Trace, TraceRecord } from '../../golden/trace-file.ts';
import {
  type TraceConfig,
  type TraceOperation,
  type TraceState,
  traceOperationSchema,
  traceStateSchema,
} from '../../golden/trace-schema.ts';
import { machineOf, operationOf, resultOf } from '../../golden/translate.ts';
import { bootReference } from '../../model/reference-kernel.ts';

export const P = 4096;
/** VM_MIN_KERNEL_ADDRESS of the machines made here. */
export const VMIN = 0xfe00_0000;
/** First address behind the boot entry, which has two pages. */
export const START = VMIN + 2 * P;
export const MACHINE: TraceConfig = {
  npages: 12,
  vmin: VMIN,
  start: START,
  end: VMIN + 32 * P,
  kentries: 30,
};

/** An operation as a trace writes it: name, then arguments. */
export type Line = readonly [TraceOperation['op'], ...(string | number)[]];

const parse = ([op, ...args]: Line): TraceOperation => traceOperationSchema.parse({ op, args });

/** The trace of a scenario; `config` changes the machine. */
export function record(lines: readonly Line[], config: Partial<TraceConfig> = {}): Trace {
  const machine = { ...MACHINE, ...config };
  const kernel = bootReference(machineOf(machine));
  const boot = asTraceState(kernel.snapshot({ contents: true }));
  const operations = lines.map(parse);
  const records = operations.map((operation, index): TraceRecord => {
    const number = index + 1;
    const called = operationOf(operation);
    if (called === undefined) return { number, operation, result: { ok: true }, state: stateOf() };
    const { outcome, woken, resumed, console } = kernel.apply(called, number);
    const resumedLine = resumed === undefined ? undefined : operations[resumed - 1];
    const resumedOperation = resumedLine === undefined ? undefined : operationOf(resumedLine);
    const result = resultOf(resumedOperation ?? called, outcome);
    const state = outcome.kind === 'panic' ? undefined : stateOf();
    return { number, operation, result, woken, resumed, console, state };
  });
  return { file: 'made.jsonl', config: machine, fromModel: false, boot, records };

  function stateOf(): TraceState {
    return asTraceState(kernel.snapshot({ contents: true }));
  }
}

function asTraceState(snapshot: Snapshot): TraceState {
  const { maps, objects, pmap, ...rest } = observedInSnapshot(snapshot);
  return traceStateSchema.parse({
    ...rest,
    maps: mapValues(maps, (map) => ({
      ...map,
      entries: map.entries.map((entry) => ({ ...entry, cow: 0, needs_copy: 0 })),
    })),
    objects: mapValues(objects, (object) => ({
      ...object,
      pages: object.pages.map((page) => ({
        ...page,
        flags: (['busy', 'wanted', 'active', 'inactive'] as const).filter((flag) => page[flag]),
      })),
    })),
    pmap: pmap.map(({ va, ppn, writable, wired }) => ({ va, ppn, prot: writable ? 7 : 5, wired })),
  });
}

function mapValues<From, To>(values: Readonly<Record<string, From>>, change: (value: From) => To) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}

/** Replays a trace against the model alone. */
export function replayOnModel(trace: Trace, options: Omit<ReplayOptions, 'sides'> = {}): Replay {
  return replayTrace(trace, { sides: [{ name: 'model', module: 'reference' }], ...options });
}

/** Where, and at which deviation, comparing a scenario with a recording of the contract ends: `DEV-1 at 2`, or `end`. */
export function stopOf(lines: readonly Line[], config: Partial<TraceConfig> = {}): string {
  const { stop } = replayOnModel(record(lines, config));
  return stop === null ? 'end' : `${stop.deviation} at ${stop.number}`;
}

/** What the contract answers to the last line. */
export function lastResult(lines: readonly Line[], config: Partial<TraceConfig> = {}): TraceRecord['result'] {
  return record(lines, config).records.at(-1)?.result ?? {};
}

/** Events of a scenario seen by the bookkeeping of first_free: its pointer in `map` at the end. */
export function firstFreeAfter(lines: readonly Line[], map: string): number | 'header' {
  let pointers = new FirstFreePointers();
  replayOnModel(record(lines), {
    watch: (_record, _model, firstFree) => {
      pointers = firstFree;
    },
  });
  return pointers.of(map);
}

/** True when a recording with another result for the last line would be called wrong. */
export function resultBinds(lines: readonly Line[], config: Partial<TraceConfig> = {}): boolean {
  const trace = record(lines, config);
  const records = trace.records.map((one) =>
    one.number === lines.length ? { ...one, result: { made: 'up' } } : one,
  );
  const { stop, failures } = replayOnModel({ ...trace, records });
  if (stop !== null) throw new Error(`the replay stopped at ${stop.deviation}`);
  return failures.length > 0;
}
