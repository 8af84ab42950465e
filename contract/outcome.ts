/**
 * What an operation answers. Failure, sleep and panic are values; a thrown JavaScript exception is always a bug
 * of the kernel that throws it.
 */
import type { FrameNumber, VirtualAddress } from './address.ts';
import type { SleepEvent } from './sched.ts';
import type { MapName } from './vm-map.ts';

/** KERN codes (SPEC §0). */
export const KERN_SUCCESS = 0;
export const KERN_INVALID_ADDRESS = 1;
export const KERN_PROTECTION_FAILURE = 2;
export const KERN_NO_SPACE = 3;
export const KERN_INVALID_ARGUMENT = 4;
/** A checked access gave up after three faults that did not help (TRACES §4). */
export const USELESS_FAULTS = 100;

/** Nothing to report: a void operation that ran. */
export interface Done {
  readonly kind: 'done';
}
/** An allocator or search found this address. */
export interface Address {
  readonly kind: 'address';
  readonly address: VirtualAddress;
}
/** An allocator, a search or an extraction found nothing (C: address 0, or a non-zero return). */
export interface None {
  readonly kind: 'none';
}
/** A KERN code; `address` only for a successful vm_map_find. */
export interface Kern {
  readonly kind: 'kern';
  readonly code: number;
  readonly address?: VirtualAddress;
}
export interface Submap {
  readonly kind: 'submap';
  readonly map: MapName;
  readonly min: VirtualAddress;
  readonly max: VirtualAddress;
}
/** `start` of the containing (found) or preceding entry; null: the header. */
export interface Entry {
  readonly kind: 'entry';
  readonly found: boolean;
  readonly start: VirtualAddress | null;
}
export interface Flag {
  readonly kind: 'flag';
  readonly value: boolean;
}
/**
 * Bytes read. The reference model alone adds `undefinedBytes`: indices of bytes whose state is UNDEF (DC-9),
 * which compare equal to anything at level `contract`.
 */
export interface Bytes {
  readonly kind: 'bytes';
  readonly bytes: readonly number[];
  readonly undefinedBytes?: readonly number[];
  /** Of the reference model alone: indices of bytes of page tables and directories, which compare equal to anything at any level. */
  readonly tableBytes?: readonly number[];
}
/** An unhandled CPU trap at `address` (the first byte that could not be reached); code of the fault (FAULT-TRAP-1). */
export interface Trap {
  readonly kind: 'trap';
  readonly code: number;
  readonly address: VirtualAddress;
}
/** pmap_extract: the frame mapped and the byte offset in it. */
export interface Frame {
  readonly kind: 'frame';
  readonly frame: FrameNumber;
  readonly offset: number;
}
/** The operation sleeps; `resume` lets it go on once it is runnable. */
export interface Sleep {
  readonly kind: 'sleep';
  readonly event: SleepEvent;
}
/** The machine stopped, now or earlier (CONV-4). */
export interface Panic {
  readonly kind: 'panic';
  readonly text: string;
}
/** A caller obligation was broken: nothing happened (CONV-4, PRE). `rule` names the obligation. */
export interface Rejected {
  readonly kind: 'rejected';
  readonly rule: string;
}

export type Outcome =
  | Done
  | Address
  | None
  | Kern
  | Submap
  | Entry
  | Flag
  | Bytes
  | Trap
  | Frame
  | Sleep
  | Panic
  | Rejected;

/** One applied operation: its outcome and what else it made visible. */
export interface Step {
  readonly outcome: Outcome;
  /** Operations that became runnable during it, in operation order; absent when none (SCHED-2). */
  readonly woken?: readonly number[];
  /** For `resume` of a runnable operation: its number. */
  readonly resumed?: number;
  /** Kernel printf lines without line ends; absent when none. */
  readonly console?: readonly string[];
  /** True when the page-out daemon was poked (SCHED-4, PAGE-ALLOC-3); absent otherwise. */
  readonly daemonPoked?: true;
}

export const done: Done = { kind: 'done' };
export const none: None = { kind: 'none' };
export const kern = (code: number): Kern => ({ kind: 'kern', code });
export const allocated = (address: VirtualAddress): Address => ({ kind: 'address', address });
export const flag = (value: boolean): Flag => ({ kind: 'flag', value });
export const panic = (text: string): Panic => ({ kind: 'panic', text });
export const rejected = (rule: string): Rejected => ({ kind: 'rejected', rule });

/** Panic texts (SPEC §12), by the place that raises them. */
export const PANIC = {
  mallocWrongMap: 'kern_malloc_alloc: map != {kmem,mb}_map',
  mallocMapTooSmall: 'kmem_malloc: map too small',
  suballoc: 'kmem_suballoc',
  suballocUnableToChange: 'kmem_suballoc: unable to change range to submap',
  outOfMaps: 'vm_map_create: out of maps',
  outOfMapEntries: 'vm_map_entry_create: out of map entries',
  unwireNotInPmap: 'unwire: page not in pmap',
  pageAlreadyInserted: 'vm_page_insert: already inserted',
  pageAlreadyActive: 'vm_page_activate: already active',
  enterTooBig: 'pmap_enter: toobig',
  invalidPageDirectory: 'invalid kernel page directory',
  noPageTablePage: 'pmap_enter: no page table page',
} as const;
