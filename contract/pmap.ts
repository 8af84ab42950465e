/** The i386 pmap: operations of pmap.c on the kernel's pmap and on user pmaps, and what page tables show (SPEC §9). */
import type { ByteCount, FrameNumber, VirtualAddress } from './address.ts';
import type { VmProt } from './protection.ts';

/**
 * A pmap: `kernel`, a name given by pmap_create or pmap_pinit, or `null`, the C null pointer, on which nothing has an effect
 * (outcome done; pmap_extract none). An operation on any other name is rejected (CONV-4). Where a field of this type is
 * optional, absent means `kernel`.
 */
export type PmapName = string;
export const KERNEL_PMAP: PmapName = 'kernel';
export const NULL_PMAP: PmapName = 'null';

/** Object that holds the page-table pages of a user pmap, slot s at offset 4096 · s, wired once (PMAP-PT-1). */
export const pteObjectOf = (pmap: PmapName): `pte:${string}` => `pte:${pmap}`;

/**
 * pmap_create(size) (PMAP-CREATE-1). `size` ≠ 0: outcome none and nothing else. Else as pmap_pinit on a fresh record: outcome done,
 * or none where the kernel map has no room for a directory, or where others freed its page while it slept, and none is there or
 * somebody's table. Sleeps where kmem_alloc does.
 *
 * The directory is kmem_alloc(kernel_map, 4096). Once that is there, the pmap lives with one reference, and an object
 * `pte:NAME` of 0x400000 bytes and one reference, without pages. Bytes of the directory and of page-table pages
 * mean nothing to the model (DC-9).
 * PRE (rejected, CONV-4): `name` is not empty, not `kernel` or `null`, not that of a live pmap nor of one that an operation
 * asleep is creating. While the pmap lives, an operation that would free the page of its directory (delete the kernel_object page
 * behind it, through whatever entry) is rejected (PMAP-REL-1) before it does anything, and a write that reaches the frame of a
 * directory or of a page table is rejected there (PMAP-PINIT-1).
 */
export interface PmapCreate {
  readonly kind: 'pmap_create';
  readonly name: PmapName;
  readonly size: ByteCount;
}

/** pmap_pinit (PMAP-PINIT-1): the same on a record that its caller owns. Outcome flag: false where there is no room (DEV-28). */
export interface PmapPinit {
  readonly kind: 'pmap_pinit';
  readonly name: PmapName;
}

/** pmap_reference (PMAP-REF-1). Outcome done. PRE (rejected, PMAP-REF-1): pm_count < 32767 before it (DEV-47). */
export interface PmapReference {
  readonly kind: 'pmap_reference';
  readonly pmap: PmapName;
}

/**
 * pmap_destroy (PMAP-REF-1): one reference less, and with the last one as pmap_release. Outcome done.
 * PRE (rejected, PMAP-REF-1): on `kernel`, a pmap_reference came before that no destroy has taken back. For the last reference
 * those of pmap_release too.
 */
export interface PmapDestroy {
  readonly kind: 'pmap_destroy';
  readonly pmap: PmapName;
}

/**
 * pmap_release (PMAP-REL-1), whatever the count: frees the directory (as kmem_free of its page on the kernel map) and the object
 * `pte:NAME`; the name is free again. Outcome done; wakes as kmem_free does.
 * PRE (rejected, PMAP-REL-1): not `kernel`, not the current pmap, no valid mapping in it.
 */
export interface PmapRelease {
  readonly kind: 'pmap_release';
  readonly pmap: PmapName;
}

/** PMAP_ACTIVATE (CPU-6): the pmap is current from now on, and the TLB empty. At boot `kernel` is current. Outcome done. PRE (CONV-4): not `null`. */
export interface PmapActivate {
  readonly kind: 'pmap_activate';
  readonly pmap: PmapName;
}

/**
 * The processor drops its cached translations of [start, end) (CPU-4). Outcome done, and no other effect on anything that
 * can be observed. PRE (rejected, CPU-4): aligned, start ≤ end.
 */
export interface TlbEvict {
  readonly kind: 'tlb_evict';
  readonly start: VirtualAddress;
  /** Exclusive. */
  readonly end: VirtualAddress;
}

/**
 * pmap_enter (PMAP-ENTER-1 to 6); `address` is truncated. Outcome done, or panic "pmap_enter: toobig", in the kernel pmap also
 * "invalid kernel page directory", checked in this order before all but the null pmap.
 * PRE, in this order: in a user pmap `address` lies below the machine's userEnd (rejected, PMAP-ENTER-1); `frame` is a device
 * frame or one of the machine's scratch pages (rejected, PAGE-FREE-1).
 *
 * In a user pmap a first READable mapping in a 4 MiB line takes the head of FREE for a page table, in `pte:NAME` with wire
 * count 1 (PMAP-PT-1); none free: panic "pmap_enter: no page table page". Without READ nothing is mapped and no table taken.
 * A table goes back to the tail of FREE with its last valid mapping (PMAP-PT-2), but not while one frame replaces another
 * (PMAP-ENTER-4, DEV-23).
 */
export interface PmapEnter {
  readonly kind: 'pmap_enter';
  readonly pmap?: PmapName;
  readonly address: VirtualAddress;
  readonly frame: FrameNumber;
  readonly protection: VmProt;
  readonly wired: boolean;
}

/** pmap_kenter on the kernel pmap (PMAP-KENTER-1); panics and PRE as pmap_enter. Outcome done. */
export interface PmapKenter {
  readonly kind: 'pmap_kenter';
  readonly address: VirtualAddress;
  readonly frame: FrameNumber;
}

/**
 * pmap_remove (PMAP-REMOVE-1). Outcome done. PRE (rejected, PMAP-REMOVE-1): aligned, start ≤ end. Of a user pmap only the
 * part below userEnd is looked at; the same holds for pmap_protect, pmap_change_wiring and pmap_extract.
 */
export interface PmapRemove {
  readonly kind: 'pmap_remove';
  readonly pmap?: PmapName;
  readonly start: VirtualAddress;
  /** Exclusive. */
  readonly end: VirtualAddress;
}

/** pmap_protect (PMAP-PROT-1). Outcome done. PRE (rejected, PMAP-PROT-1): aligned, start ≤ end, protection ⊆ 7. */
export interface PmapProtect {
  readonly kind: 'pmap_protect';
  readonly pmap?: PmapName;
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
  readonly protection: VmProt;
}

/** pmap_page_protect (PMAP-RMALL-1), in all pmaps. Outcome done; no effect on device frames. */
export interface PmapPageProtect {
  readonly kind: 'pmap_page_protect';
  readonly frame: FrameNumber;
  readonly protection: VmProt;
}

/** pmap_change_wiring (PMAP-WIRE-1). Outcome done. */
export interface PmapChangeWiring {
  readonly kind: 'pmap_change_wiring';
  readonly pmap?: PmapName;
  readonly address: VirtualAddress;
  readonly wired: boolean;
}

/** pmap_extract (PMAP-EXTR-1). Outcome frame, or none. */
export interface PmapExtract {
  readonly kind: 'pmap_extract';
  readonly pmap?: PmapName;
  readonly address: VirtualAddress;
}

/** pmap_is_modified / pmap_is_referenced (PMAP-BIT-1), in all pmaps. Outcome flag; false for device frames. */
export interface PmapTest {
  readonly kind: 'pmap_is_modified' | 'pmap_is_referenced';
  readonly frame: FrameNumber;
}

/** pmap_clear_modify / pmap_clear_reference (PMAP-BIT-1), in all pmaps. Outcome done; no effect on device frames. */
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
  | PmapCreate
  | PmapPinit
  | PmapReference
  | PmapDestroy
  | PmapRelease
  | PmapActivate
  | TlbEvict
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

/** A user pmap. Its mappings are user-accessible, those of the kernel pmap are not (U/S). */
export interface UserPmapSnapshot extends PmapSnapshot {
  readonly name: PmapName;
  /** Page-table pages (pm_ptpages). */
  readonly tables: number;
  /** Ascending by address. */
  readonly mappings: readonly MappingSnapshot[];
}

/** The address spaces beside the kernel's own. Cell `spaces`. */
export interface SpacesSnapshot {
  /** The pmap that the processor translates through. */
  readonly current: PmapName;
  /** Live user pmaps in creation order. */
  readonly pmaps: readonly UserPmapSnapshot[];
}

/** The kernel's address space alone. */
export const NO_SPACES: SpacesSnapshot = { current: 'kernel', pmaps: [] };

/** All places where the kernel pmap maps a managed frame, ascending; never compared between kernels. */
export interface PvSnapshot {
  readonly frame: FrameNumber;
  readonly addresses: readonly VirtualAddress[];
}

/** One word of a page table, 32-bit unsigned, and the address that it maps. */
export interface PteSnapshot {
  readonly address: VirtualAddress;
  readonly word: number;
}

/** The raw tables of one user pmap. */
export interface UserTableSnapshot {
  readonly pmap: PmapName;
  /** Physical frame of its directory. */
  readonly directoryFrame: number;
  /** All non-zero directory words by slot, ascending. */
  readonly directory: readonly { readonly slot: number; readonly word: number }[];
  /** All non-zero words below userEnd, ascending by address. */
  readonly tables: readonly PteSnapshot[];
  /** Hold counts as kept, of all slots that have a page table, ascending (PMAP-PT-2). */
  readonly holds: readonly { readonly slot: number; readonly hold: number }[];
  /** Reverse records (pv) of this pmap as kept, managed frames only, ascending by address. */
  readonly records: readonly { readonly address: VirtualAddress; readonly frame: FrameNumber }[];
}

/** A translation that the processor has cached (CPU-4). */
export interface TlbEntrySnapshot {
  /** First byte of the page. */
  readonly address: VirtualAddress;
  /** Physical frame. */
  readonly frame: number;
  /** U/S of both levels. */
  readonly user: boolean;
  /** R/W of both levels. */
  readonly writable: boolean;
  /** D was set when it was cached or by a write since. */
  readonly dirty: boolean;
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
  readonly tables: readonly PteSnapshot[];
  /** Tables of user pmaps, in creation order. */
  readonly spaces: readonly UserTableSnapshot[];
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
