/** A scenario as a numbered C-like program with its results. */
import { ADDRESS_SPACE_END } from '../contract/address.ts';
import { type MachineConfig, TRACE_KMEM_OBJECT_SIZE } from '../contract/machine.ts';
import { type FieldMeaning, OPERATION_FIELDS, type Operation } from '../contract/operation.ts';
import type { Outcome, Step } from '../contract/outcome.ts';
import type { Scenario } from '../contract/scenario.ts';
import { clipped, counted } from './tables.ts';
import { argument, byteCount, hex, step as stepText } from './values.ts';

/** An address that an earlier operation returned, under the letter the program gives it. */
interface Handle {
  readonly name: string;
  readonly start: number;
  /** Exclusive, in 33 bits. */
  readonly end: number;
}

/** How a program is laid out. */
export interface ProgramOptions {
  /** Operation to mark with `>`; 0 for none. */
  readonly marked: number;
  /** Most operations to print; those between the first two and the last ones are left out. */
  readonly most: number;
}

/** Longest call that still has its result aligned with the others. */
const CALL_COLUMN = 80;
const RESULT_LIMIT = 72;

/** a … z, then aa, ab, … */
export function handleName(index: number): string {
  const letter = String.fromCharCode(97 + (index % 26));
  return index < 26 ? letter : handleName(Math.floor(index / 26) - 1) + letter;
}

/** Bytes that a successful operation allocated at the address it returned; 0 where it allocates nothing. */
export function allocatedBytes(operation: Operation): number {
  switch (operation.kind) {
    case 'kmem_alloc_pageable':
    case 'kmem_alloc':
    case 'kmem_malloc':
    case 'kmem_alloc_wait':
      return operation.size;
    case 'vm_map_find':
      return operation.length;
    default:
      return 0;
  }
}

/** The address that an outcome carries, if it does. */
export const addressOf = (outcome: Outcome | undefined): number | undefined =>
  outcome?.kind === 'address' || outcome?.kind === 'kern' ? outcome.address : undefined;

/** The latest allocation that holds the address or ends there, so that ranges read as `a, a + 8192`. */
function symbolic(value: number, handles: readonly Handle[]): string {
  const exact = handles.findLast(({ start }) => start === value);
  if (exact !== undefined) return exact.name;
  const around = handles.findLast(({ start, end }) => value > start && value <= end);
  return around === undefined ? hex(value) : `${around.name} + ${byteCount(value - around.start)}`;
}

function fieldsOf(operation: Operation): { field: string; meaning: FieldMeaning; value: unknown }[] {
  const values = new Map(Object.entries(operation));
  return Object.entries(OPERATION_FIELDS[operation.kind] as Readonly<Record<string, FieldMeaning>>).map(
    ([field, meaning]) => ({ field, meaning, value: values.get(field) }),
  );
}

/** One operation as a C call; a new map's name stands left of the assignment, as C returns it. */
function call(operation: Operation, handles: readonly Handle[], result: string | undefined): string {
  const fields = fieldsOf(operation);
  const created = fields.find(({ meaning }) => meaning === 'new-map' || meaning === 'new-pmap');
  const args = fields
    .filter((field) => field !== created && field.value !== undefined)
    .map(({ field, meaning, value }) =>
      meaning === 'address' && typeof value === 'number'
        ? symbolic(value, handles)
        : argument(meaning, field, value),
    );
  const target = created === undefined ? result : String(created.value);
  return `${target === undefined ? '' : `${target} = `}${operation.kind}(${args.join(', ')})`;
}

/** Every operation as a call, with handles for the addresses that `steps` returned. */
function calls(operations: readonly Operation[], steps: readonly Step[]): string[] {
  const handles: Handle[] = [];
  const owner = (number: number): Operation | undefined => {
    const operation = operations[number - 1];
    return operation?.kind === 'resume' && operation.operation < number
      ? owner(operation.operation)
      : operation;
  };
  return operations.map((operation, i) => {
    const start = addressOf(steps[i]?.outcome);
    const origin = owner(i + 1);
    const length = origin === undefined ? 0 : allocatedBytes(origin);
    if (start === undefined || length === 0) return call(operation, handles, undefined);
    const name = handleName(handles.length);
    const text = call(operation, handles, name);
    handles.push({ name, start, end: Math.min(start + length, ADDRESS_SPACE_END) });
    return text;
  });
}

const MOST_RESERVED = 6;

/** The reservations of boot in their order; one that overlaps an earlier allocation is refused as a whole (BOOT-6). */
function reservedRanges({ reserved }: MachineConfig): string {
  const ranges = reserved.map(({ start, length }) => `[${hex(start)}, ${hex(start + length)})`);
  const more = ranges.length - MOST_RESERVED;
  return [...ranges.slice(0, MOST_RESERVED), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

/** What most machines have alike, by the names of their fields; nothing where nothing differs. */
function oddities(machine: MachineConfig): string[] {
  const { kmemObjectSize, freeMin, freeTarget, inactiveTarget, scratchWindow } = machine;
  const thresholds = Object.entries({ freeMin, freeTarget, inactiveTarget });
  return [
    ...(kmemObjectSize === TRACE_KMEM_OBJECT_SIZE ? [] : [`kmemObjectSize ${byteCount(kmemObjectSize)}`]),
    ...thresholds.flatMap(([name, count]) => (count === 0 ? [] : [`${name} ${count}`])),
    ...(scratchWindow === null
      ? []
      : [`scratch window [${hex(scratchWindow.start)}, ${hex(scratchWindow.end)})`]),
  ];
}

/** The machine in one or two phrases: the size of all that has one, and whatever else is not as in the golden traces. */
export function machineLine(machine: MachineConfig): string {
  const { managedPages, deviceFrames, scratchPages, kernelMin, kernelStart, kernelMax, mapEntries } = machine;
  const frames = [counted(managedPages, 'frame')];
  if (scratchPages > 0) frames.push(`${scratchPages} of them scratch`);
  if (deviceFrames > 0) frames.push(counted(deviceFrames, 'device frame'));
  const boot = kernelStart === kernelMin ? 'no boot entry' : `boot entry to ${hex(kernelStart)}`;
  const entries = mapEntries === null ? 'unlimited entries' : `${mapEntries} entries`;
  const parts = [
    frames.join(', '),
    `kernel map [${hex(kernelMin)}, ${hex(kernelMax)})`,
    boot,
    entries,
    counted(machine.staticMaps, 'map'),
  ];
  if (machine.reserved.length > 0) parts.push(`reserved at boot ${reservedRanges(machine)}`);
  parts.push(...oddities(machine));
  return `machine: ${parts.join(', ')}`;
}

/**
 * The scenario as numbered lines `  3  a = kmem_alloc(kernel, 8192)  → 0xfe002000`. `steps` are the expected ones;
 * operations beyond them did not run and print no result.
 */
export function program(
  { operations }: Scenario,
  steps: readonly Step[],
  { marked, most }: ProgramOptions,
): string[] {
  const texts = calls(operations, steps);
  const digits = String(operations.length).length;
  const column = Math.min(
    CALL_COLUMN,
    texts.reduce((widest, text) => Math.max(widest, text.length), 0),
  );
  const lines = texts.map((text, i) => {
    const step = steps[i];
    const head = `${i + 1 === marked ? '>' : ' '} ${String(i + 1).padStart(digits)}  `;
    return step === undefined
      ? `${head}${text}`
      : `${head}${text.padEnd(column)}  → ${clipped(stepText(step), RESULT_LIMIT)}`;
  });
  return abridged(lines, marked, most);
}

/** Keeps the first two lines, those that lead to the marked one, and says how many are missing. */
function abridged(lines: readonly string[], marked: number, most: number): string[] {
  if (lines.length <= most) return [...lines];
  const end = marked > 0 ? Math.max(marked, Math.min(most, lines.length)) : lines.length;
  const begin = Math.max(2, end - (most - 4));
  const note = (count: number): string[] => (count > 0 ? [`    … ${count} operations not shown …`] : []);
  return [...lines.slice(0, 2), ...note(begin - 2), ...lines.slice(begin, end), ...note(lines.length - end)];
}
