/** Short forms of the operations that gambits and deliberate errors are made of; plain numbers in, operations out. */
import { bytes, type ObjectOffset } from '../contract/address.ts';
import type { Operation } from '../contract/operation.ts';
import type { InsertedObject, MapName } from '../contract/vm-map.ts';
import type { Range } from './generate-reading.ts';
import { bounds, clip } from './generate-recipe.ts';

/** kmem_alloc_pageable of `size` bytes. */
export const allocPageable = (map: MapName, size: number): Operation => ({
  kind: 'kmem_alloc_pageable',
  map,
  size: bytes(size),
});
/** kmem_alloc of `size` bytes. */
export const allocWired = (map: MapName, size: number): Operation => ({
  kind: 'kmem_alloc',
  map,
  size: bytes(size),
});
/** kmem_alloc_wait of `size` bytes. */
export const allocWait = (map: MapName, size: number): Operation => ({
  kind: 'kmem_alloc_wait',
  map,
  size: bytes(size),
});
/** kmem_malloc of `size` bytes. */
export const malloc = (map: MapName, size: number, { canWait }: { canWait: boolean }): Operation => ({
  kind: 'kmem_malloc',
  map,
  size: bytes(size),
  canWait,
});
/** kmem_free of `size` bytes from `at` on. */
export const free = (map: MapName, at: number, size: number): Operation => ({
  kind: 'kmem_free',
  map,
  address: clip(at),
  size: bytes(size),
});
/** kmem_free_wakeup of `size` bytes from `at` on. */
export const freeWakeup = (map: MapName, at: number, size: number): Operation => ({
  kind: 'kmem_free_wakeup',
  map,
  address: clip(at),
  size: bytes(size),
});
/** kmem_suballoc of `size` bytes under a new name. */
export const suballoc = (
  name: MapName,
  parent: MapName,
  size: number,
  { pageable }: { pageable: boolean },
): Operation => ({ kind: 'kmem_suballoc', name, parent, size: bytes(size), pageable });
/** vm_map_insert; the offset is up to the caller. */
export const insert = (
  map: MapName,
  object: InsertedObject,
  offset: ObjectOffset,
  range: Range,
): Operation => ({
  kind: 'vm_map_insert',
  map,
  object,
  offset,
  ...bounds(range),
});
/** vm_map_pageable, called to wire. */
export const wire = (map: MapName, range: Range): Operation => ({
  kind: 'vm_map_pageable',
  map,
  ...bounds(range),
  pageable: false,
});
/** vm_map_pageable, called to unwire. */
export const unwire = (map: MapName, range: Range): Operation => ({
  kind: 'vm_map_pageable',
  map,
  ...bounds(range),
  pageable: true,
});
/** vm_map_protect of the current rights, not of the maximum. */
export const protect = (map: MapName, range: Range, protection: number): Operation => ({
  kind: 'vm_map_protect',
  map,
  ...bounds(range),
  protection,
  setMax: false,
});
/** vm_map_inherit. */
export const inherit = (map: MapName, range: Range, inheritance: number): Operation => ({
  kind: 'vm_map_inherit',
  map,
  ...bounds(range),
  inheritance,
});
/** vm_map_remove. */
export const remove = (map: MapName, range: Range): Operation => ({
  kind: 'vm_map_remove',
  map,
  ...bounds(range),
});
/** vm_fault asking for the rights `protection`. */
export const fault = (map: MapName, at: number, protection: number): Operation => ({
  kind: 'vm_fault',
  map,
  address: clip(at),
  protection,
});
/** A checked read of one byte. */
export const read = (map: MapName, at: number): Operation => ({
  kind: 'checked_read',
  map,
  address: clip(at),
});
/** A checked write of one byte. */
export const write = (map: MapName, at: number, byte: number): Operation => ({
  kind: 'checked_write',
  map,
  address: clip(at),
  byte,
});
/** One pass of the page-out daemon. */
export const pagedaemon: Operation = { kind: 'pagedaemon' };
/** Lets an operation go on. */
export const resume = (operation: number): Operation => ({ kind: 'resume', operation });
