/** Short forms of the operations that gambits and deliberate errors are made of; plain numbers in, operations out. */
import { bytes, type ObjectOffset } from '../contract/address.ts';
import type { Operation } from '../contract/operation.ts';
import type { InsertedObject, MapName } from '../contract/vm-map.ts';
import type { Range } from './generate-ground.ts';
import { bounds, clip } from './generate-recipe.ts';

export const allocPageable = (map: MapName, size: number): Operation => ({
  kind: 'kmem_alloc_pageable',
  map,
  size: bytes(size),
});
export const allocWired = (map: MapName, size: number): Operation => ({
  kind: 'kmem_alloc',
  map,
  size: bytes(size),
});
export const allocWait = (map: MapName, size: number): Operation => ({
  kind: 'kmem_alloc_wait',
  map,
  size: bytes(size),
});
export const malloc = (map: MapName, size: number, { canWait }: { canWait: boolean }): Operation => ({
  kind: 'kmem_malloc',
  map,
  size: bytes(size),
  canWait,
});
export const free = (map: MapName, at: number, size: number): Operation => ({
  kind: 'kmem_free',
  map,
  address: clip(at),
  size: bytes(size),
});
export const freeWakeup = (map: MapName, at: number, size: number): Operation => ({
  kind: 'kmem_free_wakeup',
  map,
  address: clip(at),
  size: bytes(size),
});
export const suballoc = (
  name: MapName,
  parent: MapName,
  size: number,
  { pageable }: { pageable: boolean },
): Operation => ({ kind: 'kmem_suballoc', name, parent, size: bytes(size), pageable });
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
export const wire = (map: MapName, range: Range): Operation => ({
  kind: 'vm_map_pageable',
  map,
  ...bounds(range),
  pageable: false,
});
export const unwire = (map: MapName, range: Range): Operation => ({
  kind: 'vm_map_pageable',
  map,
  ...bounds(range),
  pageable: true,
});
export const protect = (map: MapName, range: Range, protection: number): Operation => ({
  kind: 'vm_map_protect',
  map,
  ...bounds(range),
  protection,
  setMax: false,
});
export const inherit = (map: MapName, range: Range, inheritance: number): Operation => ({
  kind: 'vm_map_inherit',
  map,
  ...bounds(range),
  inheritance,
});
export const remove = (map: MapName, range: Range): Operation => ({
  kind: 'vm_map_remove',
  map,
  ...bounds(range),
});
export const fault = (map: MapName, at: number, protection: number): Operation => ({
  kind: 'vm_fault',
  map,
  address: clip(at),
  protection,
});
export const read = (map: MapName, at: number): Operation => ({
  kind: 'checked_read',
  map,
  address: clip(at),
});
export const write = (map: MapName, at: number, byte: number): Operation => ({
  kind: 'checked_write',
  map,
  address: clip(at),
  byte,
});
export const pagedaemon: Operation = { kind: 'pagedaemon' };
export const resume = (operation: number): Operation => ({ kind: 'resume', operation });
