/** Whether a value is a well-formed scenario: the right fields with the right types, on a sound machine. */
import { ADDRESS_SPACE_END } from '../contract/address.ts';
import { type MachineConfig, machineFaults } from '../contract/machine.ts';
import {
  type FieldMeaning,
  OPERATION_FIELDS,
  OPTIONAL_FIELDS,
  type Operation,
  type OperationKind,
} from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';

type Fields = ReadonlyMap<string, unknown>;

function fieldsOf(value: unknown): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value));
}

const isWhole = (value: unknown, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;

const isWord = (value: unknown): boolean => isWhole(value, ADDRESS_SPACE_END - 1);

const FITS: { readonly [Meaning in FieldMeaning]: (value: unknown) => boolean } = {
  map: (value) => typeof value === 'string' && value !== '',
  'new-map': (value) => typeof value === 'string' && value !== '',
  address: isWord,
  size: isWord,
  offset: isWord,
  protection: isWord,
  inheritance: isWord,
  length: isWord,
  frame: isWord,
  operation: isWord,
  flag: (value) => typeof value === 'boolean',
  object: (value) => value === 'null' || value === 'kernel' || value === 'kmem' || value === 'anon',
  byte: (value) => isWhole(value, 255),
  pmap: (value) => typeof value === 'string' && value !== '',
  'new-pmap': (value) => typeof value === 'string' && value !== '',
  mode: (value) => value === 'user',
  bytes: (value) => Array.isArray(value) && value.every((byte) => isWhole(byte, 255)),
};

const isKind = (kind: unknown): kind is OperationKind =>
  typeof kind === 'string' && Object.hasOwn(OPERATION_FIELDS, kind);

function isOperation(value: unknown): value is Operation {
  const fields = fieldsOf(value);
  const kind = fields?.get('kind');
  if (fields === undefined || !isKind(kind)) return false;
  const wanted = Object.entries(OPERATION_FIELDS[kind]);
  const optional = OPTIONAL_FIELDS[kind] ?? [];
  const given = wanted.filter(([name]) => fields.has(name) || !optional.includes(name));
  return (
    fields.size === given.length + 1 && given.every(([name, meaning]) => FITS[meaning](fields.get(name)))
  );
}

function isRange(value: unknown, second: 'end' | 'length'): boolean {
  const fields = fieldsOf(value);
  return fields !== undefined && isWord(fields.get('start')) && isWord(fields.get(second));
}

const MACHINE_NUMBERS = [
  'managedPages',
  'deviceFrames',
  'kernelMin',
  'kernelStart',
  'kernelMax',
  'staticMaps',
  'kmemObjectSize',
  'freeMin',
  'freeTarget',
  'inactiveTarget',
  'scratchPages',
] as const satisfies readonly (keyof MachineConfig)[];

function isMachine(value: unknown): value is MachineConfig {
  const fields = fieldsOf(value);
  if (fields === undefined || !MACHINE_NUMBERS.every((name) => isWord(fields.get(name)))) return false;
  const entries = fields.get('mapEntries');
  const window = fields.get('scratchWindow');
  const reserved = fields.get('reserved');
  if (entries !== null && !isWord(entries)) return false;
  if (window !== null && !isRange(window, 'end')) return false;
  return Array.isArray(reserved) && reserved.every((range) => isRange(range, 'length'));
}

/** True for a non-empty scenario with well-formed operations on a sound machine, wherever it came from. */
export function isScenario(value: unknown): value is Scenario {
  const fields = fieldsOf(value);
  const machine = fields?.get('machine');
  const operations = fields?.get('operations');
  if (!isMachine(machine) || machineFaults(machine).length > 0) return false;
  return Array.isArray(operations) && operations.length > 0 && operations.every(isOperation);
}
