/** Resident pages and page queues: the operation of vm_page.c and what a page shows (SPEC §4). */
import type { FrameNumber, ObjectOffset, VirtualAddress } from './address.ts';
import type { MapName } from './vm-map.ts';

/** vm_page_deactivate of the page mapped at `address` (PAGE-ACT-2). Outcome flag: false when nothing is mapped there. */
export interface VmPageDeactivate {
  readonly kind: 'vm_page_deactivate';
  readonly map: MapName;
  readonly address: VirtualAddress;
}

export type VmPageOperation = VmPageDeactivate;

/** Bytes of a frame: the byte where all 4096 are equal, else `fnv:` and the FNV-1a 32-bit hash in 8 hex digits. */
export type PageContents = number | `fnv:${string}`;

/** One page of an object. */
export interface PageSnapshot {
  readonly offset: ObjectOffset;
  readonly frame: FrameNumber;
  readonly wireCount: number;
  readonly busy: boolean;
  readonly wanted: boolean;
  readonly queue: 'active' | 'inactive' | 'none';
  /** Present only where the snapshot was asked for contents. */
  readonly contents?: PageContents;
  /** The reference model sets it where some byte is UNDEF (DC-9); other kernels leave it out. */
  readonly undefinedContents?: true;
}

/** Frame lists, head first. Cells `queue:free`, `queue:active`, `queue:inactive`. */
export interface QueuesSnapshot {
  readonly free: readonly FrameNumber[];
  readonly active: readonly FrameNumber[];
  readonly inactive: readonly FrameNumber[];
}

/** v_free_count and its siblings, in pages. Cell `counters`. */
export interface CountersSnapshot {
  readonly free: number;
  readonly active: number;
  readonly inactive: number;
  readonly wired: number;
}
