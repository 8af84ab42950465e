/** What an access must come to by the flat mapping: CPU-1 to CPU-3, and what CR0.WP adds to them. */

import { OP, type Op } from './guest.ts';
import type { FlatPage } from './state.ts';

/** Bits of the error code that a page fault leaves: P (a right was missing, not the page), W/R, U/S. */
export const FAULT_P = 1;
const FAULT_W = 2;
const FAULT_U = 4;

const isUser = (op: Op): boolean => op === OP.userRead || op === OP.userWrite;
const isWrite = (op: Op): boolean => op === OP.write || op === OP.userWrite;

/** The access in words. */
export const accessName = (op: Op): string =>
  `${isUser(op) ? 'user' : 'supervisor'} ${isWrite(op) ? 'write' : 'read'}`;

/** The error code that the access raises; null where it is granted. `page`: what is mapped there, or nothing. */
export function errorOf(
  page: Pick<FlatPage, 'user' | 'writable'> | undefined,
  op: Op,
  wp: boolean,
): number | null {
  const kind = (isWrite(op) ? FAULT_W : 0) | (isUser(op) ? FAULT_U : 0);
  if (page === undefined) return kind;
  const refused = isUser(op)
    ? !page.user || (isWrite(op) && !page.writable)
    : isWrite(op) && wp && !page.writable;
  return refused ? kind | FAULT_P : null;
}

/** Sets the bits that a granted access sets (CPU-3). */
export function mark(page: FlatPage, op: Op): void {
  page.accessed = true;
  if (isWrite(op)) page.dirty = true;
}
