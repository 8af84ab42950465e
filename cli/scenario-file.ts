/** Scenario files (`*.scn.json`): a machine and its operations by value, read strictly and written in a stable order. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { InputError } from '../contract/input-error.ts';
import { type MachineConfig, machineFaults } from '../contract/machine.ts';
import {
  type FieldMeaning,
  OPERATION_FIELDS,
  OPERATION_KINDS,
  type Operation,
} from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';
import type { Failure } from '../properties/verdict.ts';
import { bracketDepth, repeatedKey, syntaxFault } from './json-keys.ts';
import { quoted, suggestion } from './nearest.ts';
import { fileSchema, firstIssue, MOST_OPERATIONS, OPERATION_SCHEMAS } from './scenario-schema.ts';

/** What a failure is recognized by when a stored scenario runs again. */
export type FailureSignature = Pick<Failure, 'property' | 'sentence' | 'side' | 'number'>;

/** A scenario as stored. */
export interface StoredScenario {
  readonly scenario: Scenario;
  readonly note?: string;
  readonly failure?: FailureSignature;
}

const MOST_BYTES = 16 << 20;
const DEEPEST = 8;
/** Pause before an empty pipe is tried again. */
const MILLISECONDS_TO_WAIT = 10;
const MOST_BRACKETS = 64;

/** Text of a file or pipe of at most 16 MiB; `-` reads standard input. */
function readText(path: string): string {
  if (path === '-') return decoded(path, readBounded(path, 0));
  try {
    // Without waiting for a writer: a pipe that nobody writes to would keep us for ever.
    const descriptor = openSync(path, constants.O_RDONLY + constants.O_NONBLOCK);
    try {
      const status = fstatSync(descriptor);
      if (status.isDirectory())
        throw new InputError(`${path}: is a directory; name one scenario file (*.scn.json)`);
      if (status.size > MOST_BYTES)
        throw new InputError(
          `${path}: holds ${status.size} bytes; a scenario file holds at most ${MOST_BYTES}`,
        );
      return decoded(path, readBounded(path, descriptor));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: cannot be read: ${reason(error)}`);
  }
}

/** Everything up to the end; devices that never end are left at the limit. */
function readBounded(path: string, descriptor: number): Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = Buffer.alloc(65_536);
    const count = readSome(path, descriptor, chunk);
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
    length += count;
    if (length > MOST_BYTES)
      throw new InputError(`${path}: holds more than ${MOST_BYTES} bytes, which no scenario file does`);
  }
}

/** Bytes read; 0 at the end. Waits for a writer that has nothing to say yet. */
function readSome(path: string, descriptor: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, chunk);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw new InputError(`${path}: cannot be read: ${reason(error)}`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, MILLISECONDS_TO_WAIT);
    }
  }
}

const reason = (error: unknown): string =>
  error instanceof Error ? (error.message.split(/[\n,]/)[0] ?? error.name) : String(error);

function decoded(path: string, data: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    throw new InputError(`${path}: is not UTF-8 text; give a scenario file (*.scn.json)`);
  }
}

/** Refuses what JSON allows but no scenario needs: deep nesting and keys that mean something to JavaScript. */
function refuseTraps(path: string, value: unknown, depth: number, at: string): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > DEEPEST) throw new InputError(`${path}: ${at}: is nested too deeply; a scenario is flat`);
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__')
      throw new InputError(
        `${path}: ${at === '' ? key : `${at}.${key}`}: is no field of a scenario; remove it`,
      );
    const inside = Array.isArray(value) ? `${at}[${key}]` : at === '' ? key : `${at}.${key}`;
    refuseTraps(path, inner, depth + 1, inside);
  }
}

function parsed(path: string, text: string): unknown {
  if (text.trim() === '') throw new InputError(`${path}: is empty; a scenario file holds one JSON object`);
  if (bracketDepth(text, MOST_BRACKETS) > MOST_BRACKETS)
    throw new InputError(`${path}: is nested too deeply; a scenario is flat`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${path}: is not JSON (${syntaxFault(text, error)}); the file may be cut short`);
  }
  const twice = repeatedKey(text);
  if (twice !== null)
    throw new InputError(`${path}:${twice.line}: has ${quoted(twice.key)} twice in one object; remove one`);
  return value;
}

function operationAt(path: string, value: unknown, index: number): Operation {
  const at = `${path}: operations[${index}]`;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InputError(`${at}: must be an object with the field "kind"`);
  const kind: unknown = 'kind' in value ? value.kind : undefined;
  if (typeof kind !== 'string')
    throw new InputError(`${at}.kind: must name an operation, such as "kmem_alloc"`);
  const schema = OPERATION_SCHEMAS.get(kind);
  if (schema === undefined)
    throw new InputError(`${at}.kind: unknown operation ${quoted(kind)}${suggestionOf(kind)}`);
  const result = schema.safeParse(value);
  if (!result.success) throw new InputError(`${path}: ${firstIssue(result.error, ['operations', index])}`);
  return result.data as Operation;
}

const suggestionOf = (kind: string): string => {
  const text = suggestion(kind, OPERATION_KINDS);
  return text.length > 80 ? '; `vmlockstep list operations` names them all' : text;
};

/** A scenario from its JSON text; `path` names it in messages. InputError on anything that is not one. */
export function parseScenario(path: string, text: string): StoredScenario {
  const value = parsed(path, text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InputError(`${path}: must hold one JSON object with version, machine and operations`);
  if ('operations' in value && Array.isArray(value.operations) && value.operations.length > MOST_OPERATIONS)
    throw new InputError(
      `${path}: operations: holds ${value.operations.length} operations; at most ${MOST_OPERATIONS} are read`,
    );
  refuseTraps(path, value, 1, '');
  const file = fileSchema.safeParse(value);
  if (!file.success) throw new InputError(`${path}: ${firstIssue(file.error)}`);
  const { note, failure, machine, operations } = file.data;
  const [fault] = machineFaults(machine);
  if (fault !== undefined) throw new InputError(`${path}: ${fault}`);
  return {
    scenario: {
      machine,
      operations: operations.map((operation, i) => operationAt(path, operation, i)),
    },
    ...(note === undefined ? {} : { note }),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Reads a scenario file, or standard input for `-`. InputError names the file and the place in it. */
export const readScenario = (path: string): StoredScenario => parseScenario(path, readText(path));

/** An operation with its kind first and its fields in C argument order. */
function ordered(operation: Operation): Record<string, unknown> {
  const values = new Map(Object.entries(operation));
  const fields = Object.keys(OPERATION_FIELDS[operation.kind] as Readonly<Record<string, FieldMeaning>>);
  return { kind: operation.kind, ...Object.fromEntries(fields.map((field) => [field, values.get(field)])) };
}

/** A machine with its fields in the order of the contract. */
const orderedMachine = (machine: MachineConfig): MachineConfig => ({
  managedPages: machine.managedPages,
  deviceFrames: machine.deviceFrames,
  kernelMin: machine.kernelMin,
  kernelStart: machine.kernelStart,
  kernelMax: machine.kernelMax,
  mapEntries: machine.mapEntries,
  staticMaps: machine.staticMaps,
  kmemObjectSize: machine.kmemObjectSize,
  freeMin: machine.freeMin,
  freeTarget: machine.freeTarget,
  inactiveTarget: machine.inactiveTarget,
  reserved: machine.reserved.map(({ start, length }) => ({ start, length })),
  scratchPages: machine.scratchPages,
  scratchWindow:
    machine.scratchWindow === null
      ? null
      : { start: machine.scratchWindow.start, end: machine.scratchWindow.end },
});

/** The text of a scenario file: one operation a line, keys in a fixed order, so that equal scenarios give equal bytes. */
export function scenarioText({ scenario, note, failure }: StoredScenario): string {
  const lines = ['{', '  "version": 1,'];
  if (note !== undefined) lines.push(`  "note": ${JSON.stringify(note)},`);
  if (failure !== undefined) {
    const { property, sentence, side, number } = failure;
    lines.push(`  "failure": ${JSON.stringify({ property, sentence, side, number })},`);
  }
  lines.push(`  "machine": ${JSON.stringify(orderedMachine(scenario.machine))},`);
  const operations = scenario.operations.map((operation) => `    ${JSON.stringify(ordered(operation))}`);
  lines.push(
    operations.length === 0 ? '  "operations": []' : `  "operations": [\n${operations.join(',\n')}\n  ]`,
  );
  return `${lines.join('\n')}\n}\n`;
}
