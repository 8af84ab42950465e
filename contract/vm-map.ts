/** Address maps: operations of vm_map.c and what a map shows (SPEC §6). */
import type { ByteCount, ObjectOffset, VirtualAddress } from './address.ts';
import type { VmInherit, VmProt } from './protection.ts';
import type { ObjectName } from './vm-object.ts';

/**
 * A map by its name: `kernel` from boot on, `kmem` and `mb` once suballocated, others as the caller names them.
 * An operation that names a map which is not live is rejected before any other check (PRE, CONV-4).
 */
export type MapName = string;

/** What backs an inserted range: nothing yet, a reference to a base object, or a fresh anonymous object. */
export type InsertedObject = 'null' | 'kernel' | 'kmem' | 'anon';

/**
 * vm_map_create on the kernel pmap, with a pmap reference taken first (MAP-CREATE-1).
 * Outcome done, or panic "vm_map_create: out of maps". PRE (rejected, MAP-CREATE-1): aligned, min ≤ max,
 * `name` not live and none of kernel, kmem, mb.
 */
export interface VmMapCreate {
  readonly kind: 'vm_map_create';
  readonly name: MapName;
  readonly min: VirtualAddress;
  /** Exclusive. */
  readonly max: VirtualAddress;
  /** True: entries from the unbounded heap; false: from the static pool. */
  readonly pageable: boolean;
}

/**
 * vm_map_deallocate: gives up the creator's reference (MAP-CREATE-2). Outcome done, or a panic of the deletion.
 * PRE (rejected, MAP-CREATE-2): not kernel, kmem or mb, not done before, no operation in flight on the map,
 * and no submap in use that would lose its parent.
 */
export interface VmMapDeallocate {
  readonly kind: 'vm_map_deallocate';
  readonly map: MapName;
}

/**
 * vm_map_insert under the map lock (MAP-INSERT-1 to 6). The reference or fresh object is taken before the call
 * and dropped when it fails. Outcome kern 0, 1 INVALID_ADDRESS, 3 NO_SPACE, 4 INVALID_ARGUMENT (unaligned).
 */
export interface VmMapInsert {
  readonly kind: 'vm_map_insert';
  readonly map: MapName;
  readonly object: InsertedObject;
  readonly offset: ObjectOffset;
  readonly start: VirtualAddress;
  /** Exclusive. */
  readonly end: VirtualAddress;
}

/** vm_map_findspace under the map lock (MAP-SPACE-1). Outcome address, or none. */
export interface VmMapFindspace {
  readonly kind: 'vm_map_findspace';
  readonly map: MapName;
  readonly start: VirtualAddress;
  readonly length: ByteCount;
}

/**
 * vm_map_find (MAP-FIND-1); the object reference is handled as in vm_map_insert.
 * Outcome kern with `address` on success: 0, 1 INVALID_ADDRESS, 3 NO_SPACE, 4 INVALID_ARGUMENT.
 */
export interface VmMapFind {
  readonly kind: 'vm_map_find';
  readonly map: MapName;
  readonly object: InsertedObject;
  readonly offset: ObjectOffset;
  /** Where to start looking, or the exact place when `findSpace` is false. */
  readonly address: VirtualAddress;
  readonly length: ByteCount;
  readonly findSpace: boolean;
}

/** vm_map_lookup_entry (MAP-LOOKUP-1). Outcome entry: start of the containing or preceding entry, null for the header. */
export interface VmMapLookupEntry {
  readonly kind: 'vm_map_lookup_entry';
  readonly map: MapName;
  readonly address: VirtualAddress;
}

/** vm_map_submap (MAP-SUB-1, 2). Outcome kern 0 or 4 INVALID_ARGUMENT. */
export interface VmMapSubmap {
  readonly kind: 'vm_map_submap';
  readonly map: MapName;
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
  readonly submap: MapName;
}

/** vm_map_protect (MAP-PROT-1 to 5). Outcome kern 0, 2 PROTECTION_FAILURE, 4 INVALID_ARGUMENT; may sleep on `trans:`. PRE (rejected, MAP-PROT-1): protection ⊆ 7. */
export interface VmMapProtect {
  readonly kind: 'vm_map_protect';
  readonly map: MapName;
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
  readonly protection: VmProt;
  /** True lowers max_protection too. */
  readonly setMax: boolean;
}

/** vm_map_inherit (MAP-INH-1). Outcome kern 0 or 4 INVALID_ARGUMENT; may sleep on `trans:`. */
export interface VmMapInherit {
  readonly kind: 'vm_map_inherit';
  readonly map: MapName;
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
  readonly inheritance: VmInherit;
}

/**
 * vm_map_pageable: `pageable: false` wires, `pageable: true` unwires (MAP-PAGE-1 to 7).
 * Outcome kern 0, 1 INVALID_ADDRESS, 4 INVALID_ARGUMENT, or panic; wiring sleeps on `pages`, both on `trans:`.
 */
export interface VmMapPageable {
  readonly kind: 'vm_map_pageable';
  readonly map: MapName;
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
  readonly pageable: boolean;
}

/** vm_map_remove (MAP-DEL-4). Outcome kern 0 or 4 INVALID_ARGUMENT, or panic; may sleep on `trans:`. */
export interface VmMapRemove {
  readonly kind: 'vm_map_remove';
  readonly map: MapName;
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
}

/**
 * vm_map_delete with the map lock held by the caller: no clamp, no sleep (MAP-DEL-1 to 3). Outcome kern 0 or 4, or panic.
 * PRE (rejected): aligned (MAP-0), then min ≤ start ≤ end ≤ max (MAP-CLAMP), then range in no transition (MAP-TRANS-1).
 */
export interface VmMapDelete {
  readonly kind: 'vm_map_delete';
  readonly map: MapName;
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
}

/** vm_map_check_protection (MAP-CHK-1). Outcome flag. */
export interface VmMapCheckProtection {
  readonly kind: 'vm_map_check_protection';
  readonly map: MapName;
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
  readonly protection: VmProt;
}

/** vm_map_simplify (MAP-SIMPL-1). Outcome done. */
export interface VmMapSimplify {
  readonly kind: 'vm_map_simplify';
  readonly map: MapName;
  readonly start: VirtualAddress;
}

export type VmMapOperation =
  | VmMapCreate
  | VmMapDeallocate
  | VmMapInsert
  | VmMapFindspace
  | VmMapFind
  | VmMapLookupEntry
  | VmMapSubmap
  | VmMapProtect
  | VmMapInherit
  | VmMapPageable
  | VmMapRemove
  | VmMapDelete
  | VmMapCheckProtection
  | VmMapSimplify;

/** One entry of a map. */
export interface EntrySnapshot {
  readonly start: VirtualAddress;
  /** Exclusive. */
  readonly end: VirtualAddress;
  /** Backing object, or the submap that this placeholder stands for; null: no object yet. */
  readonly backing: null | { readonly object: ObjectName } | { readonly submap: MapName };
  readonly offset: ObjectOffset;
  readonly protection: VmProt;
  readonly maxProtection: VmProt;
  readonly inheritance: VmInherit;
  readonly wiredCount: number;
  readonly copyOnWrite: boolean;
  readonly needsCopy: boolean;
}

/** One live map, detached submaps included. Cell `map:NAME`. */
export interface MapSnapshot {
  readonly name: MapName;
  readonly min: VirtualAddress;
  /** Exclusive. */
  readonly max: VirtualAddress;
  /** Bytes covered by entries. */
  readonly size: ByteCount;
  readonly pageable: boolean;
  readonly entryCount: number;
  readonly references: number;
  /** Held by a sleeping operation. */
  readonly locked: boolean;
  /** In address order. */
  readonly entries: readonly EntrySnapshot[];
}

/** A range that an operation in flight is filling or wiring (MAP-TRANS-0). Never compared. */
export interface TransitionSnapshot {
  readonly map: MapName;
  readonly start: VirtualAddress;
  /** Exclusive. */
  readonly end: VirtualAddress;
  readonly state: 'filling' | 'wiring';
  /** Number of the operation that owns it. */
  readonly operation: number;
}
