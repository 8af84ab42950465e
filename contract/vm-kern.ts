/** Kernel memory: the public operations of vm_kern.c (SPEC §8). */
import type { ByteCount, VirtualAddress } from './address.ts';
import type { MapName } from './vm-map.ts';

/** kmem_alloc_pageable: address space without pages (KM-PAGEABLE-1). Outcome address, or none. */
export interface KmemAllocPageable {
  readonly kind: 'kmem_alloc_pageable';
  readonly map: MapName;
  readonly size: ByteCount;
}

/** kmem_alloc: wired zero-filled memory (KM-ALLOC-1 to 6). Outcome address, or none; sleeps on `pages`. */
export interface KmemAlloc {
  readonly kind: 'kmem_alloc';
  readonly map: MapName;
  readonly size: ByteCount;
}

/**
 * kmem_malloc on kmem or mb (KM-MALLOC-1 to 7). Outcome address, or none (never with `canWait`), or panic;
 * with `canWait` sleeps on `pages`. PRE (rejected, PRE-KM-MALLOC-1): map `kmem` exists when called on `mb`.
 */
export interface KmemMalloc {
  readonly kind: 'kmem_malloc';
  readonly map: MapName;
  readonly size: ByteCount;
  readonly canWait: boolean;
}

/** kmem_alloc_wait: as kmem_alloc_pageable, but sleeps on `map:NAME` while there is no room (KM-WAIT-1, 2). Outcome address, or none. */
export interface KmemAllocWait {
  readonly kind: 'kmem_alloc_wait';
  readonly map: MapName;
  readonly size: ByteCount;
}

/** kmem_free (KM-FREE-1 to 4). Outcome done, or panic; may sleep on `trans:`. */
export interface KmemFree {
  readonly kind: 'kmem_free';
  readonly map: MapName;
  readonly address: VirtualAddress;
  readonly size: ByteCount;
}

/** kmem_free_wakeup: kmem_free, then wakes every sleeper of `map:NAME` (KM-WAKE-1). Outcome done, or panic; may sleep on `trans:`. */
export interface KmemFreeWakeup {
  readonly kind: 'kmem_free_wakeup';
  readonly map: MapName;
  readonly address: VirtualAddress;
  readonly size: ByteCount;
}

/** kmem_suballoc (KM-SUB-1 to 3). Outcome submap, or panic after a printed line. PRE (rejected, KM-SUB-2): `name` is not a live map. */
export interface KmemSuballoc {
  readonly kind: 'kmem_suballoc';
  readonly name: MapName;
  readonly parent: MapName;
  readonly size: ByteCount;
  readonly pageable: boolean;
}

export type VmKernOperation =
  | KmemAllocPageable
  | KmemAlloc
  | KmemMalloc
  | KmemAllocWait
  | KmemFree
  | KmemFreeWakeup
  | KmemSuballoc;
