/** Operations that may take a page of memory. */
import type { OperationKind } from '../contract/operation.ts';

/** Kinds that wait for pages where none is free, and enter what they took (SPEC §7, §8, §10). */
export const PAGE_TAKERS: readonly OperationKind[] = [
  'kmem_alloc',
  'kmem_malloc',
  'vm_map_pageable',
  'vm_fault',
  'checked_read',
  'checked_write',
  'cpu_read',
  'cpu_write',
];
