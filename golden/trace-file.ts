/** Reads golden trace files, plain or gzipped, and refuses everything that is not one (TRACES §1). */
import { readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { z } from 'zod';
import { InputError } from '../contract/input-error.ts';
import { machineFaults } from '../contract/machine.ts';
import {
  bootRecordSchema,
  TRACE_OPERATIONS,
  type TraceConfig,
  type TraceOperation,
  type TraceResult,
  type TraceState,
  traceHeaderSchema,
  traceOperationSchema,
  traceRecordSchema,
} from './trace-schema.ts';
import { machineOf } from './translate.ts';

/** Largest file, and largest decompressed text, that is read: 256 MiB. */
export const LARGEST_TRACE = 256 * 1024 * 1024;
/** Most records a trace may have. */
export const MOST_RECORDS = 1_000_000;

/** One operation of a trace and what the recording machine answered. */
export interface TraceRecord {
  /** Position in the trace, from 1; `resume` and `woken` name operations by it. */
  readonly number: number;
  readonly operation: TraceOperation;
  readonly result: TraceResult;
  readonly woken?: readonly number[] | undefined;
  readonly resumed?: number | undefined;
  readonly console?: readonly string[] | undefined;
  /** In traces of the contract: the deviation whose trigger held before the operation. */
  readonly dev?: string | undefined;
  /** Absent where the operation panicked: such states mean nothing. */
  readonly state?: TraceState | undefined;
}

export interface Trace {
  /** The path as the caller named it. */
  readonly file: string;
  readonly config: TraceConfig;
  /** True when the file shows the contract throughout, recorded from a model and not from the C code. */
  readonly fromModel: boolean;
  readonly boot: TraceState;
  readonly records: readonly TraceRecord[];
}

/** Reads one trace. Throws InputError naming the file, the line, what is wrong and the mend. */
export function readTraceFile(file: string): Trace {
  return parseTrace(file, readText(file));
}

/** Text of a plain or gzipped file, at most LARGEST_TRACE bytes of it. Throws InputError. */
export function readText(file: string): string {
  const bytes = readBytes(file);
  return decoded(file, file.endsWith('.gz') ? unzipped(file, bytes) : bytes);
}

function unzipped(file: string, bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: LARGEST_TRACE });
  } catch (error) {
    throw new InputError(`${file}: ${gzipProblem(error)}; restore the file from its source`);
  }
}

/** A byte that is no text would silently become another name. */
function decoded(file: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new InputError(`${file}: is not UTF-8 text; restore the file from its source`);
  }
}

function readBytes(file: string): Buffer {
  try {
    const status = statSync(file);
    if (status.isCharacterDevice() || status.isBlockDevice() || status.isFIFO() || status.isSocket())
      throw new InputError(`${file}: is a device or a pipe; name a trace or a directory of traces`);
    if (status.size <= LARGEST_TRACE) return readFileSync(file);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${file}: cannot be read (${errorCode(error)}); check the path and its permissions`);
  }
  throw new InputError(`${file}: larger than ${LARGEST_TRACE} bytes; no trace is that large, check the path`);
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function gzipProblem(error: unknown): string {
  switch (errorCode(error)) {
    case 'Z_BUF_ERROR':
      return 'gzip data is truncated';
    case 'ERR_BUFFER_TOO_LARGE':
      return `decompresses to more than ${LARGEST_TRACE} bytes`;
    default:
      return `gzip data is corrupt (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** Parses the text of a trace; `file` is for messages. Throws InputError. */
export function parseTrace(file: string, text: string): Trace {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new InputError(`${file}: is empty; a trace has at least the record of op 0`);
  if (lines.length > MOST_RECORDS)
    throw new InputError(
      `${file}:${MOST_RECORDS + 1}: more than ${MOST_RECORDS} lines; split the recording into several traces`,
    );
  const at = (index: number): Place => ({ file, line: index + 1 });
  const first = parseLine(at(0), lines[0] ?? '');
  const header = 'op' in first ? undefined : checked(traceHeaderSchema, first, at(0), NOT_A_TRACE);
  const bootIndex = header === undefined ? 0 : 1;
  const boot = readBoot(lines, bootIndex, at(bootIndex));
  if (header !== undefined) sameMachine(header.config, boot.config, at(bootIndex));
  const faults = machineFaults(machineOf(boot.config));
  if (faults[0] !== undefined) throw problem(at(bootIndex), faults[0], 'record a machine that can boot');
  const records = lines
    .slice(bootIndex + 1)
    .map((line, index) => readRecord(line, index + 1, at(bootIndex + 1 + index)));
  if (header !== undefined) complete(header.nops, records, at(lines.length));
  return { file, config: boot.config, fromModel: header?.origin === 'model', boot: boot.state, records };
}

interface Place {
  readonly file: string;
  readonly line: number;
}

const NOT_A_TRACE = 'the first line of a trace is its header or the record of op 0';
const RECORD_AGAIN = 'record the trace again';

function problem({ file, line }: Place, what: string, mend: string): InputError {
  return new InputError(`${file}:${line}: ${what.replaceAll('\n', ' ')}; ${mend}`);
}

/** One line as a JSON object without forbidden names. */
function parseLine(place: Place, line: string): object {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw problem(place, 'not a complete JSON value', 'restore the file from its source');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw problem(place, 'not a JSON object', NOT_A_TRACE);
  // An escape could hide the name, so lines with escapes are searched as well.
  const suspicious = line.includes('__proto__') || line.includes('\\u');
  if (suspicious && hasForbiddenName(value))
    throw problem(place, 'has the name "__proto__"', 'rename that map or key');
  return value;
}

function hasForbiddenName(root: object): boolean {
  const pending: object[] = [root];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (Object.hasOwn(next, '__proto__')) return true;
    for (const value of Object.values(next)) {
      if (value === '__proto__') return true;
      if (typeof value === 'object' && value !== null) pending.push(value);
    }
  }
  return false;
}

/** `value` as the schema describes it, or an InputError about its first fault. */
function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: Place,
  mend: string,
): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = (issue?.path ?? []).map((step) =>
    typeof step === 'number' ? `[${step}]` : `.${String(step)}`,
  );
  const where = path.join('').replace(/^\./, '');
  throw problem(place, `${where === '' ? 'line' : where}: ${issue?.message ?? 'wrong'}`, mend);
}

function readBoot(lines: readonly string[], index: number, place: Place) {
  const line = lines[index];
  if (line === undefined) throw problem(place, 'the record of op 0 is missing', RECORD_AGAIN);
  const boot = checked(bootRecordSchema, parseLine(place, line), place, NOT_A_TRACE);
  return { config: boot.result, state: boot.state };
}

function sameMachine(header: TraceConfig, boot: TraceConfig, place: Place): void {
  for (const key of ['npages', 'vmin', 'start', 'end', 'kentries'] as const)
    if (header[key] !== boot[key])
      throw problem(place, `${key} is ${boot[key]}, but the header says ${header[key]}`, RECORD_AGAIN);
}

function readRecord(line: string, number: number, place: Place): TraceRecord {
  const raw = parseLine(place, line);
  const op: unknown = 'op' in raw ? raw.op : undefined;
  if (typeof op !== 'string' || !TRACE_OPERATIONS.has(op))
    throw problem(
      place,
      `unknown operation ${String(JSON.stringify(op)).slice(0, 60)}`,
      `the operations are ${[...TRACE_OPERATIONS].join(', ')}`,
    );
  const operation = checked(traceOperationSchema, raw, place, `see \`${op}\` in the trace format`);
  const panicked = 'result' in raw && isObject(raw.result) && Object.hasOwn(raw.result, 'panic');
  const rest = checked(traceRecordSchema, panicked ? { ...raw, state: undefined } : raw, place, RECORD_AGAIN);
  if (rest.i !== number) throw problem(place, `i is ${rest.i}, expected ${number}`, RECORD_AGAIN);
  if (!panicked && rest.state === undefined) throw problem(place, 'state is missing', RECORD_AGAIN);
  const { woken, resumed, console, dev, result, state } = rest;
  return { number, operation, result, woken, resumed, console, dev, state };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A trace ends after the operations that its header announces, or with the first panic. */
function complete(nops: number, records: readonly TraceRecord[], end: Place): void {
  if (records.length > nops)
    throw problem(end, `${records.length} operations, but the header says ${nops}`, RECORD_AGAIN);
  const last = records.at(-1);
  const panicked = last !== undefined && 'panic' in last.result;
  if (records.length < nops && !panicked)
    throw problem(
      end,
      `ends after ${records.length} of ${nops} operations`,
      'restore the file from its source',
    );
}
