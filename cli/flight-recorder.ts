/**
 * Shared memory in which the thread that runs a kernel notes what it is about to do, so that the other thread can
 * tell what an endless loop or a crash was doing, and can ask the run to end.
 */

import type { MachineConfig } from '../contract/machine.ts';
import { OPERATION_KINDS, type Operation } from '../contract/operation.ts';
import type { FlightTape } from './flight-tape.ts';

/** What a kernel is being asked for, by the number that the shared memory holds. */
export const CALL = {
  nothing: 0,
  load: 1,
  boot: 2,
  apply: 3,
  snapshot: 4,
  cell: 5,
  touched: 6,
  audit: 7,
  pageTables: 8,
  /** Another kernel than the one under test is loaded, booted, called. */
  baseLoad: 9,
  baseBoot: 10,
  base: 11,
  memoryImage: 12,
  tlb: 13,
} as const;
export type Call = keyof typeof CALL;
export type CallNumber = (typeof CALL)[Call];
const CALL_NAMES = Object.keys(CALL) as readonly Call[];

/** The call in progress in the low bits, a count of calls above them. */
const PULSE = 0;
const PULSE_STEP = 16;
const NUMBER = 1;
const KIND = 2;
const LENGTH = 3;
const STOP = 4;
const SCENARIOS = 5;
const OPERATIONS = 6;
const CHUNK = 7;
const SCENARIOS_RUN = 8;
const OPERATIONS_RUN = 9;
const CONTROL_BYTES = 64;
const RECORD_BYTES = 16 << 20;

const KIND_NUMBERS: ReadonlyMap<string, number> = new Map(OPERATION_KINDS.map((kind, i) => [kind, i]));

/** The shared memory behind a recorder; goes to the worker as it is. */
export const sharedRecord = (): SharedArrayBuffer => new SharedArrayBuffer(CONTROL_BYTES + RECORD_BYTES);

/** What the recorder shows of a run. */
export interface Sighting {
  /** Changes whenever the kernel under test is called or returns. */
  readonly heartbeat: number;
  readonly call: Call;
  /** Number of the operation in progress or last run; 0 before the first. */
  readonly number: number;
  /** Its kind; null before the first. */
  readonly kind: string | null;
}

/** Both ends of the shared memory. */
export class FlightRecorder {
  readonly #control: Int32Array;
  readonly #text: Buffer;
  readonly #tape: FlightTape | null;
  #length = 0;
  #pulse = 0;

  constructor(shared: SharedArrayBuffer, tape: FlightTape | null = null) {
    this.#tape = tape;
    this.#control = new Int32Array(shared, 0, CONTROL_BYTES / 4);
    this.#text = Buffer.from(shared, CONTROL_BYTES);
  }

  /** Notes that the kernel is about to be called. */
  enter(call: CallNumber): void {
    this.#pulse = (this.#pulse + PULSE_STEP) % 0x4000_0000;
    Atomics.store(this.#control, PULSE, this.#pulse + call);
  }

  /** Notes that the kernel has answered. */
  leave(): void {
    Atomics.store(this.#control, PULSE, this.#pulse);
  }

  /** Begins the record of a new machine. */
  boots(machine: MachineConfig): void {
    this.#length = 0;
    Atomics.store(this.#control, NUMBER, 0);
    const text = JSON.stringify(machine);
    this.#append(`${text}\n`);
    this.#tape?.boots(text);
  }

  /** Notes which operation is about to run. */
  meets(operation: Operation, number: number): void {
    Atomics.store(this.#control, NUMBER, number);
    Atomics.store(this.#control, KIND, KIND_NUMBERS.get(operation.kind) ?? 0);
  }

  /** Adds the operation that is about to run to the record. */
  applies(operation: Operation, number: number): void {
    this.meets(operation, number);
    const text = JSON.stringify(operation);
    this.#append(`${text}\n`);
    this.#tape?.applies(text);
  }

  /** A text that does not fit is dropped: the record then ends early, but stays well formed. */
  #append(text: string): void {
    if (this.#length + 3 * text.length > this.#text.length) return;
    this.#length += this.#text.write(text, this.#length, 'utf8');
    Atomics.store(this.#control, LENGTH, this.#length);
  }

  /**
   * Notes that a scenario of a campaign begins: its number from 1, its chunk, and how many operations the scenarios
   * before it in that chunk ran.
   */
  begins(scenario: number, { chunk, operations }: { chunk: number; operations: number }): void {
    Atomics.store(this.#control, SCENARIOS, scenario);
    Atomics.store(this.#control, OPERATIONS, operations);
    Atomics.store(this.#control, CHUNK, chunk);
  }

  /** What `begins` noted last. */
  begun(): { readonly scenarios: number; readonly operations: number; readonly chunk: number } {
    return {
      scenarios: Atomics.load(this.#control, SCENARIOS),
      operations: Atomics.load(this.#control, OPERATIONS),
      chunk: Atomics.load(this.#control, CHUNK),
    };
  }

  /** Notes that this thread ran one more scenario. */
  ran(operations: number): void {
    Atomics.add(this.#control, SCENARIOS_RUN, 1);
    Atomics.add(this.#control, OPERATIONS_RUN, operations);
  }

  /** How many scenarios and operations this thread ran. */
  counted(): { readonly scenarios: number; readonly operations: number } {
    return {
      scenarios: Atomics.load(this.#control, SCENARIOS_RUN),
      operations: Atomics.load(this.#control, OPERATIONS_RUN),
    };
  }

  /** Asks the run to end after the scenario in progress. */
  requestStop(): void {
    Atomics.store(this.#control, STOP, 1);
  }

  /** Whether the run was asked to end. */
  stopRequested(): boolean {
    return Atomics.load(this.#control, STOP) === 1;
  }

  /** What the run is doing now. */
  sighting(): Sighting {
    const number = Atomics.load(this.#control, NUMBER);
    const pulse = Atomics.load(this.#control, PULSE);
    return {
      heartbeat: pulse,
      call: CALL_NAMES[pulse % PULSE_STEP] ?? 'nothing',
      number,
      kind: number === 0 ? null : (OPERATION_KINDS[Atomics.load(this.#control, KIND)] ?? null),
    };
  }

  /** The machine and the operations run on it so far, as JSON texts; null before any machine booted. */
  recorded(): { readonly machine: string; readonly operations: readonly string[] } | null {
    const length = Atomics.load(this.#control, LENGTH);
    const lines = Buffer.from(this.#text.subarray(0, length)).toString('utf8').split('\n').slice(0, -1);
    const [machine, ...operations] = lines;
    return machine === undefined ? null : { machine, operations };
  }
}
