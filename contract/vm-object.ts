/** VM objects: what backs map entries (SPEC §5). They have no operations of their own; maps and faults drive them. */
import type { ByteCount, ObjectOffset } from './address.ts';
import type { PageSnapshot } from './vm-page.ts';

/** `kernel`, `kmem`, `scratch` (machines with scratch pages only), `pte:NAME` (of a user pmap) or `anonN`, N counting allocations since boot from 1 (OBJ-1). */
export type ObjectName = string;

/** One live object. Cell `object:NAME`. */
export interface ObjectSnapshot {
  readonly name: ObjectName;
  readonly references: number;
  readonly size: ByteCount;
  /** Object that holds the pages this one lacks; always null in stage 1. */
  readonly shadow: ObjectName | null;
  readonly shadowOffset: ObjectOffset;
  /** In insertion order (memq, CONV-7). */
  readonly pages: readonly PageSnapshot[];
}
