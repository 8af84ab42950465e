/** How witnesses name what they saw. */
import type { EntrySnapshot } from '../../contract/vm-map.ts';

/** An address, size or offset in hexadecimal. */
export const hex = (value: number): string => `0x${value.toString(16)}`;

/** A half-open range. */
export const span = (start: number, end: number): string => `[${hex(start)}, ${hex(end)})`;

/** What backs an entry. */
export function backingName({ backing }: EntrySnapshot): string {
  if (backing === null) return 'null';
  return 'object' in backing ? `object ${backing.object}` : `submap ${backing.submap}`;
}

/** Whether both are backed by the same object, the same submap, or nothing. */
export function sameBacking(a: EntrySnapshot, b: EntrySnapshot): boolean {
  if (a.backing === null || b.backing === null) return a.backing === b.backing;
  if ('object' in a.backing) return 'object' in b.backing && a.backing.object === b.backing.object;
  return 'submap' in b.backing && a.backing.submap === b.backing.submap;
}
