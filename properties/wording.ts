/** Values of a state in the words of a report. Different values have different words. */
import type { Outcome } from '../contract/outcome.ts';
import type { EntrySnapshot } from '../contract/vm-map.ts';

/** What stands in for a thing that one side does not have. */
export const ABSENT = 'absent';

/** An address, size or offset in hexadecimal, eight digits. */
export const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

/** A protection as `rwx` letters, with the number where it has bits beyond these. */
export function rights(protection: number): string {
  if (protection > 7) return `${protection}`;
  return ['r', 'w', 'x'].map((letter, bit) => ((protection >> bit) & 1 ? letter : '-')).join('');
}

const KERN_NAMES: readonly string[] = [
  'KERN_SUCCESS',
  'KERN_INVALID_ADDRESS',
  'KERN_PROTECTION_FAILURE',
  'KERN_NO_SPACE',
  'KERN_INVALID_ARGUMENT',
];

/** The C name of a KERN code; other numbers stay numbers. */
export const kernName = (code: number): string => KERN_NAMES[code] ?? `code ${code}`;

/** How fork treats an entry. */
export const inheritanceWord = (value: number): string => ['share', 'copy', 'none'][value] ?? `${value}`;

/** What an entry stands for. */
export function backingWord(backing: EntrySnapshot['backing']): string {
  if (backing === null) return 'null';
  return 'object' in backing ? backing.object : `submap:${backing.submap}`;
}

/** A list in brackets, shortened around the first place where it differs from another one. */
export function listWord(
  items: readonly (number | string)[],
  other: readonly (number | string)[] = items,
): string {
  const shown = 12;
  if (items.length <= shown) return `[${items.join(' ')}]`;
  const first = items.findIndex((item, i) => item !== other[i]);
  const from = Math.max(0, Math.min(first < 0 ? items.length : first - 2, items.length - shown));
  const part = items.slice(from, from + shown);
  const before = from > 0 ? '… ' : '';
  const after = from + shown < items.length ? ' …' : '';
  return `[${before}${part.join(' ')}${after}] (${items.length} in all, from number ${from})`;
}

/** An outcome as one phrase. */
export function outcomeWord(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'done':
    case 'none':
      return outcome.kind;
    case 'address':
      return hex(outcome.address);
    case 'kern':
      return outcome.address === undefined
        ? kernName(outcome.code)
        : `${kernName(outcome.code)} at ${hex(outcome.address)}`;
    case 'submap':
      return `submap ${outcome.map} ${hex(outcome.min)}-${hex(outcome.max)}`;
    case 'entry':
      return `${outcome.found ? 'in' : 'behind'} ${outcome.start === null ? 'the header' : hex(outcome.start)}`;
    case 'flag':
      return `${outcome.value}`;
    case 'bytes':
      return `bytes ${outcome.bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
    case 'trap':
      return `trap ${kernName(outcome.code)} at ${hex(outcome.address)}`;
    case 'frame':
      return `frame ${outcome.frame} + 0x${outcome.offset.toString(16)}`;
    case 'sleep':
      return `sleeps on ${outcome.event}`;
    case 'panic':
      return `panic "${outcome.text}"`;
    case 'rejected':
      return `rejected (${outcome.rule})`;
  }
}
