/**
 * Symbolic addresses of scenario files. `a` is the address that the operation with `"as": "a"` returned, `a.end` the
 * end of what it allocated, `kernel.min` and `kernel.max` the bounds of a map; each with `+` or `-` a number.
 */
import { ADDRESS_SPACE_END, address, PAGE_SIZE } from '../contract/address.ts';
import { InputError } from '../contract/input-error.ts';
import type { MachineConfig } from '../contract/machine.ts';
import { type FieldMeaning, OPERATION_FIELDS, type Operation } from '../contract/operation.ts';
import type { Outcome, Step } from '../contract/outcome.ts';
import type { MapName } from '../contract/vm-map.ts';
import { addressOf, allocatedBytes } from '../report/program.ts';
import { quoted, suggestion } from './nearest.ts';
import { modelRun } from './scenario-model.ts';
import { outcomeWord } from './scenario-outcomes.ts';

/** An operation as a file has it: addresses may be handles, and its result may have a name. */
export type RawOperation = Readonly<Record<string, unknown>> & {
  readonly kind: string;
  readonly as?: string;
};

/** A name for what an operation returns. */
export const HANDLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,31}$/;
/** `a`, `a+0x1000`, `a.end-4096`, `kernel.min`: a name, a part of it, a distance. Map names may hold dots and dashes. */
export const HANDLE =
  /^(?:([A-Za-z_][A-Za-z0-9_.-]{0,63})\.(min|max)|([A-Za-z_][A-Za-z0-9_]{0,31})(\.end)?)(?:\s?([+-])\s?(0x[0-9a-fA-F]{1,8}|\d{1,10}))?$/;

interface Range {
  readonly start: number;
  /** Exclusive, in 33 bits. */
  readonly end: number;
}

/** What a name stands for: a range, or an operation that gave none. */
type Named = Range | { readonly failed: string };

/** The names known at one place of a scenario. */
export class Handles {
  readonly #allocations = new Map<string, Named>();
  readonly #maps = new Map<MapName, Range>();
  readonly #operations: Operation[] = [];

  constructor({ kernelMin, kernelMax }: MachineConfig) {
    this.#maps.set('kernel', { start: kernelMin, end: kernelMax });
  }

  /** The address that an expression stands for, or what is wrong with it. */
  valueOf(text: string): number | { readonly fault: string } {
    const [, map, bound, name = '', end, sign, distance = '0'] = HANDLE.exec(text) ?? [];
    const base = map === undefined ? this.#allocated(name, end) : this.#bound(map, bound);
    if (typeof base !== 'number') return base;
    const value = sign === '-' ? base - Number(distance) : base + Number(distance);
    return value >= 0 && value < ADDRESS_SPACE_END
      ? value
      : { fault: `${quoted(text)} is ${value}, which is no 32-bit address; mend the distance` };
  }

  #bound(map: MapName, bound: string | undefined): number | { readonly fault: string } {
    const range = this.#maps.get(map);
    if (range !== undefined) return bound === 'min' ? range.start : range.end;
    return { fault: `no map is called ${quoted(map)} here${suggestion(map, [...this.#maps.keys()])}` };
  }

  #allocated(name: string, end: string | undefined): number | { readonly fault: string } {
    const range = this.#allocations.get(name);
    if (range === undefined) return { fault: `no earlier operation has "as": ${quoted(name)}` };
    if ('failed' in range) return { fault: range.failed };
    return end === undefined ? range.start : range.end;
  }

  /** Learns what an operation gave. `name`: the name it has in the file. */
  learn(operation: Operation, { outcome }: Step, name: string | undefined): void {
    this.#operations.push(operation);
    if (outcome.kind === 'submap') this.#maps.set(outcome.map, { start: outcome.min, end: outcome.max });
    if (operation.kind === 'vm_map_create' && outcome.kind === 'done')
      this.#maps.set(operation.name, { start: operation.min, end: operation.max });
    if (operation.kind === 'vm_map_deallocate' && outcome.kind === 'done') this.#maps.delete(operation.map);
    if (name !== undefined) this.#allocations.set(name, this.#rangeOf(outcome));
  }

  #rangeOf(outcome: Outcome): Named {
    const start = addressOf(outcome);
    const number = this.#operations.length;
    if (start === undefined) {
      const { kind } = this.#operations[number - 1] ?? { kind: '' };
      const word = outcomeWord({ outcome });
      return {
        failed: `operations[${number - 1}] (${kind}) returned no address, but ${quoted(word)}; change one of the two`,
      };
    }
    const size = allocatedBytesOf(this.#operations, number);
    return { start, end: start + size + ((PAGE_SIZE - (size % PAGE_SIZE)) % PAGE_SIZE) };
  }

  /** The shortest way to write an address here; null where no handle fits. `map`: whose bounds may be named. */
  textOf(value: number, map: unknown): string | null {
    const ranges = [...this.#allocations].flatMap(([name, range]) =>
      'failed' in range ? [] : [{ name, ...range }],
    );
    const exact = ranges.findLast(({ start }) => start === value);
    const around = ranges.findLast(({ start, end }) => value > start && value <= end);
    const bounds = typeof map === 'string' ? this.#maps.get(map) : undefined;
    const candidates = [
      exact?.name,
      around &&
        (value === around.end
          ? `${around.name}.end`
          : `${around.name}+0x${(value - around.start).toString(16)}`),
      bounds?.start === value ? `${map}.min` : undefined,
      bounds?.end === value ? `${map}.max` : undefined,
    ];
    return candidates.find((text) => text !== undefined && this.valueOf(text) === value) ?? null;
  }
}

/** Bytes behind the address that an operation returned; a resumed operation is the one that slept. */
function allocatedBytesOf(operations: readonly Operation[], number: number): number {
  const operation = operations[number - 1];
  if (operation === undefined) return 0;
  if (operation.kind === 'vm_map_findspace') return operation.length;
  return operation.kind === 'resume' && operation.operation < number
    ? allocatedBytesOf(operations, operation.operation)
    : allocatedBytes(operation);
}

const isHandle = (value: unknown, meaning: FieldMeaning): value is string =>
  meaning === 'address' && typeof value === 'string';

const fieldsOf = ({ kind }: { readonly kind: string }): [string, FieldMeaning][] =>
  Object.entries(
    (OPERATION_FIELDS as Readonly<Record<string, Readonly<Record<string, FieldMeaning>>>>)[kind] ?? {},
  );

/** True where a file names something, so that the model has to say what. */
const namesAnything = (operations: readonly RawOperation[]): boolean =>
  operations.some(
    (raw) => raw.as !== undefined || fieldsOf(raw).some(([field, meaning]) => isHandle(raw[field], meaning)),
  );

/** The same without the name of its result. */
function nameless({ as: _, ...operation }: RawOperation): Operation {
  return operation as unknown as Operation;
}

/** The operations with numbers in the place of handles, as the model gives them. `path` names the file in messages. */
export function resolved(path: string, machine: MachineConfig, raws: readonly RawOperation[]): Operation[] {
  if (!namesAnything(raws)) return raws.map(nameless);
  refuseNamesake(path, raws);
  const model = modelRun(path, machine);
  const handles = new Handles(machine);
  return raws.map((raw, i) => {
    const operation = concrete(path, raw, i, handles, raws);
    handles.learn(operation, model.apply(operation, i), raw.as);
    return operation;
  });
}

function refuseNamesake(path: string, raws: readonly RawOperation[]): void {
  const given = new Map<string, number>();
  for (const [i, { as: name }] of raws.entries()) {
    if (name === undefined) continue;
    const first = given.get(name);
    if (first !== undefined)
      throw new InputError(
        `${path}: operations[${i}].as: ${quoted(name)} is the name of operations[${first}] already; choose another`,
      );
    given.set(name, i);
  }
}

function concrete(
  path: string,
  raw: RawOperation,
  index: number,
  handles: Handles,
  raws: readonly RawOperation[],
): Operation {
  const values: Record<string, unknown> = { ...raw };
  for (const [field, meaning] of fieldsOf(raw)) {
    const text = raw[field];
    if (!isHandle(text, meaning)) continue;
    const value = handles.valueOf(text);
    if (typeof value !== 'number')
      throw new InputError(
        `${path}: operations[${index}].${field}: ${value.fault}${laterHint(text, index, raws)}`,
      );
    values[field] = address(value);
  }
  return nameless(values as RawOperation);
}

/** A name that is only given later, or by the operation itself. */
function laterHint(text: string, index: number, raws: readonly RawOperation[]): string {
  const name = HANDLE.exec(text)?.[3];
  const later = raws.findIndex((raw) => raw.as === name);
  if (name === undefined || later < index) return '';
  return later === index ? '; an operation cannot name its own result' : `; operations[${later}] comes later`;
}
