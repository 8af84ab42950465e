/** The address ranges that operations are about. */
import { type ByteCount, PAGE_SIZE, roundPage, roundPageUnwrapped } from '../../contract/address.ts';
import type { Operation, OperationKind, OperationOf } from '../../contract/operation.ts';
import type { EntrySnapshot, MapName, MapSnapshot } from '../../contract/vm-map.ts';

/** Part of one map; empty when `end` ≤ `start`. */
export interface Range {
  readonly map: MapName;
  readonly start: number;
  /** Exclusive; may be 2^32. */
  readonly end: number;
}

/** Operations that give a range of addresses back. */
export type Freeing = OperationOf<'kmem_free' | 'kmem_free_wakeup' | 'vm_map_remove' | 'vm_map_delete'>;

/** Their kinds. */
export const FREEING: readonly OperationKind[] = [
  'kmem_free',
  'kmem_free_wakeup',
  'vm_map_remove',
  'vm_map_delete',
];

export function isFreeing(operation: Operation | null): operation is Freeing {
  switch (operation?.kind) {
    case 'kmem_free':
    case 'kmem_free_wakeup':
    case 'vm_map_remove':
    case 'vm_map_delete':
      return true;
    default:
      return false;
  }
}

/** The whole pages that a free names before its map cuts them (KM-FREE-1); a size of 0 names none. */
export function freedPages(operation: Freeing): { readonly start: number; readonly end: number } {
  if (operation.kind === 'vm_map_remove' || operation.kind === 'vm_map_delete') return operation;
  const start = operation.address - (operation.address % PAGE_SIZE);
  return {
    start,
    end: operation.size === 0 ? start : roundPageUnwrapped(operation.address + operation.size),
  };
}

/** A range cut to the bounds of its map (MAP-CLAMP). */
export function within(
  { name, min, max }: MapSnapshot,
  range: { readonly start: number; readonly end: number },
): Range {
  return { map: name, start: Math.max(range.start, min), end: Math.min(range.end, max) };
}

/** Length of the whole pages that a request of `size` bytes takes; null for requests that are refused (KM-SIZE-1). */
export function requestLength(size: ByteCount): number | null {
  return size === 0 ? null : (roundPage(size) ?? null);
}

/** Bytes of a range that entries cover. */
export function coveredBytes(entries: readonly EntrySnapshot[], start: number, end: number): number {
  let covered = 0;
  for (const entry of entries)
    covered += Math.max(0, Math.min(entry.end, end) - Math.max(entry.start, start));
  return covered;
}

/** The entry that contains an address. */
export const entryAt = (entries: readonly EntrySnapshot[], address: number): EntrySnapshot | undefined =>
  entries.find(({ start, end }) => start <= address && address < end);
