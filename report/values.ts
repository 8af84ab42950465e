/** How single values of the contract read in a report. */
import type { FieldMeaning } from '../contract/operation.ts';
import type { Outcome, Step } from '../contract/outcome.ts';
import type { InsertedObject } from '../contract/vm-map.ts';
import type { PageContents } from '../contract/vm-page.ts';
import { kernName } from '../properties/wording.ts';

const RIGHTS: readonly string[] = ['READ', 'WRITE', 'EXECUTE'];
const INHERITANCE: readonly string[] = ['SHARE', 'COPY', 'NONE'];
const INSERTED: Readonly<Record<InsertedObject, string>> = {
  null: 'NULL',
  kernel: 'kernel_object',
  kmem: 'kmem_object',
  anon: 'anonymous',
};

/** An address as `0x` and eight hex digits; 2^32 itself takes nine. */
export const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

/** A size, length or distance in bytes: hex as addresses are, so that they add up by eye. Counts are decimal. */
export const byteCount = (value: number): string => `0x${value.toString(16)}`;

/** A byte as two hex digits. */
export const hexByte = (value: number): string => value.toString(16).padStart(2, '0');

/** Rights spelled out, as in `READ|WRITE`; a set with bits beyond the three reads as its number. */
export function protection(value: number): string {
  if (value === 0) return 'NONE';
  if (value === 7) return 'ALL';
  if (value > 7) return String(value);
  return RIGHTS.filter((_, bit) => Math.floor(value / 2 ** bit) % 2 === 1).join('|');
}

/** Rights in a table column: `rwx` with dashes. */
export const shortProtection = (value: number): string =>
  ['r', 'w', 'x'].map((letter, bit) => (Math.floor(value / 2 ** bit) % 2 === 1 ? letter : '-')).join('');

/** Inheritance by name; codes that no call accepts read as their number. */
export const inheritance = (value: number): string => INHERITANCE[value] ?? String(value);

/** What backs an inserted range, by its C name. */
export const insertedObject = (value: InsertedObject): string => INSERTED[value];

/** Contents of a frame: the byte that fills it, or the hash of mixed bytes. */
export const contents = (value: PageContents): string =>
  typeof value === 'number' ? `all ${hexByte(value)}` : value;

/** An argument of an operation, without handles. `field` is its name, which stands for a flag's value. */
export function argument(meaning: FieldMeaning, field: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? field : `!${field}`;
  if (Array.isArray(value)) return `{${value.map((byte) => hexByte(Number(byte))).join(' ')}}`;
  if (meaning === 'object') return INSERTED[value as InsertedObject] ?? String(value);
  if (typeof value !== 'number') return String(value);
  switch (meaning) {
    case 'address':
    case 'offset':
      return hex(value);
    case 'size':
    case 'length':
      return byteCount(value);
    case 'protection':
      return protection(value);
    case 'inheritance':
      return inheritance(value);
    case 'byte':
      return `0x${hexByte(value)}`;
    case 'frame':
      return `frame${value}`;
    default:
      return String(value);
  }
}

/** What an operation answered, in the words of the C interface. */
export function outcome(value: Outcome): string {
  switch (value.kind) {
    case 'done':
    case 'none':
      return value.kind;
    case 'address':
      return hex(value.address);
    case 'kern':
      return value.address === undefined
        ? kernName(value.code)
        : `${kernName(value.code)} at ${hex(value.address)}`;
    case 'submap':
      return `[${hex(value.min)}, ${hex(value.max)})`;
    case 'entry':
      if (value.start === null) return 'before the first entry';
      return value.found ? `in the entry at ${hex(value.start)}` : `after the entry at ${hex(value.start)}`;
    case 'flag':
      return value.value ? 'TRUE' : 'FALSE';
    case 'bytes':
      return value.bytes.map(hexByte).join(' ');
    case 'trap':
      return `trap at ${hex(value.address)}: ${kernName(value.code)}`;
    case 'frame':
      return `frame${value.frame} + ${byteCount(value.offset)}`;
    case 'sleep':
      return `sleeps on ${value.event}`;
    case 'panic':
      return `panic: ${value.text}`;
    case 'rejected':
      return `rejected: breaks ${value.rule}`;
  }
}

/** A whole step: the outcome and what else became visible. */
export function step(value: Step): string {
  const parts = [outcome(value.outcome)];
  if (value.woken !== undefined && value.woken.length > 0) parts.push(`wakes ${value.woken.join(', ')}`);
  if (value.daemonPoked) parts.push('pokes the daemon');
  for (const text of value.console ?? []) parts.push(`prints "${text}"`);
  return parts.join('; ');
}
