/** The i386 pmap of the kernel: operations of pmap.c and what page tables show (SPEC §9). */
import type { FrameNumber, VirtualAddress } from './address.ts';
import type { VmProt } from './protection.ts';

/**
 * pmap_enter on the kernel pmap (PMAP-ENTER-1 to 6); `address` is truncated. Outcome done, or panic "pmap_enter: toobig" /
 * "invalid kernel page directory", checked in this order before the frame.
 * PRE (rejected, PAGE-FREE-1): `frame` is a device frame or one of the machine's scratch pages.
 */
export interface PmapEnter {
  readonly kind: 'pmap_enter';
  readonly address: VirtualAddress;
  readonly frame: FrameNumber;
  readonly protection: VmProt;
  readonly wired: boolean;
}

/** pmap_kenter (PMAP-KENTER-1); panics and PRE as pmap_enter. Outcome done. */
export interface PmapKenter {
  readonly kind: 'pmap_kenter';
  readonly address: VirtualAddress;
  readonly frame: FrameNumber;
}

/** pmap_remove (PMAP-REMOVE-1). Outcome done. PRE (rejected, PMAP-REMOVE-1): aligned, start ≤ end. */
export interface PmapRemove {
  readonly kind: 'pmap_remove';
  readonly start: VirtualAddress;
  /** Exclusive. */
  readonly end: VirtualAddress;
}

/** pmap_protect (PMAP-PROT-1). Outcome done. PRE (rejected, PMAP-PROT-1): aligned, start ≤ end, protection ⊆ 7. */
export interface PmapProtect {
  readonly kind: 'pmap_protect';
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
  readonly protection: VmProt;
}

/** pmap_page_protect (PMAP-RMALL-1). Outcome done; no effect on device frames. */
export interface PmapPageProtect {
  readonly kind: 'pmap_page_protect';
  readonly frame: FrameNumber;
  readonly protection: VmProt;
}

/** pmap_change_wiring (PMAP-WIRE-1). Outcome done. */
export interface PmapChangeWiring {
  readonly kind: 'pmap_change_wiring';
  readonly address: VirtualAddress;
  readonly wired: boolean;
}

/** pmap_extract (PMAP-EXTR-1). Outcome frame, or none. */
export interface PmapExtract {
  readonly kind: 'pmap_extract';
  readonly address: VirtualAddress;
}

/** pmap_is_modified / pmap_is_referenced (PMAP-BIT-1). Outcome flag; false for device frames. */
export interface PmapTest {
  readonly kind: 'pmap_is_modified' | 'pmap_is_referenced';
  readonly frame: FrameNumber;
}

/** pmap_clear_modify / pmap_clear_reference (PMAP-BIT-1). Outcome done; no effect on device frames. */
export interface PmapClear {
  readonly kind: 'pmap_clear_modify' | 'pmap_clear_reference';
  readonly frame: FrameNumber;
}

/** pmap_zero_page (PMAP-ZERO-1). Outcome done. PRE (rejected, PMAP-ZERO-1): device frame or scratch page. */
export interface PmapZeroPage {
  readonly kind: 'pmap_zero_page';
  readonly frame: FrameNumber;
}

/** pmap_copy_page (PMAP-ZERO-1). Outcome done. PRE as pmap_zero_page, for both frames. */
export interface PmapCopyPage {
  readonly kind: 'pmap_copy_page';
  readonly from: FrameNumber;
  readonly to: FrameNumber;
}

/** pmap_update: flushes the TLB (PMAP-UPD-1). Outcome done. */
export interface PmapUpdate {
  readonly kind: 'pmap_update';
}

/** In every pmap operation a `frame` outside 0 … managedPages + deviceFrames − 1 is rejected (PRE, CONV-4). */
export type PmapOperation =
  | PmapEnter
  | PmapKenter
  | PmapRemove
  | PmapProtect
  | PmapPageProtect
  | PmapChangeWiring
  | PmapExtract
  | PmapTest
  | PmapClear
  | PmapZeroPage
  | PmapCopyPage
  | PmapUpdate;

/** One usable mapping (a PTE with READ). Cell `mapping:ADDRESS`, null where there is none. */
export interface MappingSnapshot {
  readonly address: VirtualAddress;
  readonly frame: FrameNumber;
  readonly writable: boolean;
  readonly wired: boolean;
  readonly accessed: boolean;
  readonly dirty: boolean;
}

/** pm_count and pm_stats of the kernel pmap (PMAP-BOOT-1, DC-5): references is 1 plus every live map but `kernel`. Cell `pmap:kernel`. */
export interface PmapSnapshot {
  readonly references: number;
  /** Valid mappings. */
  readonly resident: number;
  /** Wired ones among them. */
  readonly wired: number;
}

/** All places where a managed frame is mapped, ascending; never compared between kernels. */
export interface PvSnapshot {
  readonly frame: FrameNumber;
  readonly addresses: readonly VirtualAddress[];
}

/** The raw i386 tables of a kernel that has them. Words are 32-bit unsigned. */
export interface PageTableSnapshot {
  /** Physical frame (not FrameNumber) of the page directory. */
  readonly directoryFrame: number;
  /** Physical frame of FrameNumber 0; FrameNumber n lies at firstManagedFrame + n. */
  readonly firstManagedFrame: number;
  /** All non-zero directory words by slot, ascending. */
  readonly directory: readonly { readonly slot: number; readonly word: number }[];
  /** All non-zero page-table words of the kernel slots, ascending by address. */
  readonly tables: readonly { readonly address: VirtualAddress; readonly word: number }[];
}

/** The RAM of a kernel that has some: directories, page tables and frames where its page tables name them. */
export interface MemoryImage {
  /** Physical frame that the bytes begin with. */
  readonly firstFrame: number;
  /** Whole frames. */
  readonly bytes: Uint8Array;
}

/** PTE and PDE bits (SPEC §1). */
export const PG_P = 0x001;
export const PG_RW = 0x002;
export const PG_U = 0x004;
export const PG_A = 0x020;
export const PG_D = 0x040;
/** PWT and PCD: not cacheable, set for device frames. */
export const PG_N = 0x018;
/** Software bit: wired. */
export const PG_W = 0x200;
