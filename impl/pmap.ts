/**
 * The pmap of an address space, the kernel's or a user's (i386 pmap.c): mappings, their statistics, and the way back from
 * frame to address.
 *
 * Fast because both directions are direct: page tables from address to frame, pv lists from frame to address.
 * Must stay in step: PTEs, pv records, `resident` and `wired`; a PTE is 0 or present, and present means readable. What the
 * TLB may have cached of a PTE that changes is flushed before an operation returns (CPU-5).
 */
import {
  address,
  type FrameNumber,
  PAGE_SIZE,
  truncPage,
  unwrappedEnd,
  type VirtualAddress,
} from '../contract/address.ts';
import { highestKernelAddress, type MachineConfig } from '../contract/machine.ts';
import { PANIC } from '../contract/outcome.ts';
import { type MappingSnapshot, PG_A, PG_D, PG_N, PG_P, PG_RW, PG_U, PG_W } from '../contract/pmap.ts';
import {
  permits,
  VM_PROT_ALL,
  VM_PROT_EXECUTE,
  VM_PROT_READ,
  VM_PROT_WRITE,
  type VmProt,
} from '../contract/protection.ts';
import { type ChangeLog, PART } from './change-log.ts';
import { type PageTables, pteFor, SLOT_SHIFT } from './page-tables.ts';
import { KernelPanic } from './panic.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { PmapParts, UserPart } from './pmap-parts.ts';
import { PLACES_PER_PMAP, type PvTable } from './pv-table.ts';
import type { Spaces } from './spaces.ts';
import type { Tlb } from './tlb.ts';
import type { PageTable } from './vm-page.ts';

export class Pmap {
  /** pm_count: one for the creator, in the kernel pmap also one for each further map (PMAP-BOOT-1, PMAP-REF-1). */
  references = 1;
  /** pm_stats: valid mappings, and the wired ones among them. */
  resident = 0;
  wired = 0;
  /** Null for the kernel pmap. */
  readonly user: UserPart | null;
  /** The bit of the change log for its references and statistics. */
  readonly part: number;
  readonly #memory: PhysicalMemory;
  readonly #tables: PageTables;
  readonly #pv: PvTable;
  readonly #pages: PageTable;
  readonly #changes: ChangeLog;
  readonly #spaces: Spaces;
  readonly #tlb: Tlb;
  readonly #highest: number;
  readonly #managedPages: number;
  /** Added to an address it makes a place for the pv table. */
  readonly #places: number;

  constructor(
    { memory, tables, pv, pages, changes, spaces, tlb }: PmapParts,
    config: MachineConfig,
    user: UserPart | null,
  ) {
    this.user = user;
    this.part = user === null ? PART.pmap : PART.spaces;
    this.#memory = memory;
    this.#tables = tables;
    this.#pv = pv;
    this.#pages = pages;
    this.#changes = changes;
    this.#spaces = spaces;
    this.#tlb = tlb;
    this.#highest = highestKernelAddress(config);
    this.#managedPages = config.managedPages;
    this.#places = PLACES_PER_PMAP * (user?.number ?? 0);
  }

  get tables(): PageTables {
    return this.#tables;
  }

  /** True for frames with a vm_page and a pv list. */
  isManaged(frame: FrameNumber): boolean {
    return frame < this.#managedPages;
  }

  /** The panic that entering a mapping at `va` would raise, or undefined (PMAP-ENTER-1). */
  enterPanic(va: VirtualAddress): string | undefined {
    if (va > this.#highest) return PANIC.enterTooBig;
    if (this.user !== null) return undefined;
    return this.#tables.covers(va) ? undefined : PANIC.invalidPageDirectory;
  }

  /** May `va` be mapped here at all? The rest belongs to the recursive window and the kernel. */
  reaches(va: VirtualAddress): boolean {
    return this.user === null || va < this.user.end;
  }

  /**
   * pmap_enter (PMAP-ENTER-1 to 6); `va` must be within reach. Without READ there is no access, hence no PTE (DEV-19). Panics
   * where a user pmap needs a page table and no page is free, before anything has changed.
   */
  enter(
    va: VirtualAddress,
    frame: FrameNumber,
    { protection, wired }: { protection: VmProt; wired: boolean },
  ): void {
    const page = truncPage(va);
    const text = this.enterPanic(page);
    if (text !== undefined) throw new KernelPanic(text);
    if (permits(protection, VM_PROT_READ)) {
      const rights = permits(protection, VM_PROT_WRITE) ? PG_RW : 0;
      this.#enterPte(page, frame, rights | (wired ? PG_W : 0));
    } else {
      this.#removePte(page, this.#tables.pte(page));
    }
    this.#spaces.reclaim();
  }

  /** pmap_kenter: readable, writable and wired; neither allocates nor sleeps (PMAP-KENTER-1). */
  kenter(va: VirtualAddress, frame: FrameNumber): void {
    this.enter(va, frame, { protection: VM_PROT_ALL, wired: true });
  }

  /** pmap_remove (PMAP-REMOVE-1). */
  remove(start: VirtualAddress, end: number): void {
    this.#tables.forEachValid(start, end, this.#removePte);
    this.#spaces.reclaim();
  }

  /** pmap_protect: only lowers rights (PMAP-PROT-1, Q-11). */
  protect(start: VirtualAddress, end: VirtualAddress, protection: VmProt): void {
    if (!permits(protection, VM_PROT_READ)) this.remove(start, end);
    else if (!permits(protection, VM_PROT_WRITE)) {
      this.#tables.forEachValid(start, end, (va, pte) => this.#replacePte(va, pte & ~PG_RW));
      this.#tlb.flush();
    }
  }

  /** pmap_page_protect in all pmaps (PMAP-RMALL-1); device frames are nobody's page. */
  pageProtect(frame: FrameNumber, protection: VmProt): void {
    if (!this.isManaged(frame) || permits(protection, VM_PROT_WRITE)) return;
    if ((protection & (VM_PROT_READ | VM_PROT_EXECUTE)) === 0) this.removeAll(frame);
    else this.#clearEverywhere(frame, PG_RW);
  }

  /** Removes every mapping of a managed frame, in all pmaps. */
  removeAll(frame: FrameNumber): void {
    this.#forEachMapping(frame, (pmap, va, pte) => pmap.#removePte(va, pte));
    this.#spaces.reclaim();
  }

  /** pmap_change_wiring; unwiring also makes the page look written (PMAP-WIRE-1, Q-9). */
  changeWiring(va: VirtualAddress, { wired }: { wired: boolean }): void {
    const page = truncPage(va);
    const pte = this.#tables.pte(page);
    if ((pte & PG_P) === 0) return;
    this.#countWired(pte, wired ? PG_W : 0);
    this.#replacePte(page, wired ? pte | PG_W : (pte & ~PG_W) | PG_D);
  }

  /** pmap_extract: the frame mapped at `va`, or undefined (PMAP-EXTR-1). */
  extract(va: VirtualAddress): FrameNumber | undefined {
    const pte = this.#tables.pte(va);
    return (pte & PG_P) === 0 ? undefined : this.#tables.frameOf(pte);
  }

  isModified(frame: FrameNumber): boolean {
    return this.#anyMappingHas(frame, PG_D);
  }

  isReferenced(frame: FrameNumber): boolean {
    return this.#anyMappingHas(frame, PG_A);
  }

  clearModify(frame: FrameNumber): void {
    if (this.isManaged(frame)) this.#clearEverywhere(frame, PG_D);
  }

  clearReference(frame: FrameNumber): void {
    if (this.isManaged(frame)) this.#clearEverywhere(frame, PG_A);
  }

  /** The mapping at a page address, or null. */
  mappingAt(va: VirtualAddress): MappingSnapshot | null {
    const pte = this.#tables.pte(va);
    return (pte & PG_P) === 0 ? null : this.#show(va, pte);
  }

  /** All mappings, ascending. */
  mappings(): MappingSnapshot[] {
    const mappings: MappingSnapshot[] = [];
    this.#tables.forEachValid(0, unwrappedEnd(this.#highest as VirtualAddress, PAGE_SIZE), (va, pte) => {
      mappings.push(this.#show(va, pte));
    });
    return mappings;
  }

  #show(address: VirtualAddress, pte: number): MappingSnapshot {
    return {
      address,
      frame: this.#tables.frameOf(pte),
      writable: (pte & PG_RW) !== 0,
      wired: (pte & PG_W) !== 0,
      accessed: (pte & PG_A) !== 0,
      dirty: (pte & PG_D) !== 0,
    };
  }

  #enterPte(va: VirtualAddress, frame: FrameNumber, bits: number): void {
    const old = this.#tables.pte(va);
    const managed = this.isManaged(frame);
    const owner = this.user === null ? 0 : PG_U;
    const pte = pteFor(this.#memory.physical(frame), PG_P | bits | owner | (managed ? 0 : PG_N));
    if ((old & PG_P) !== 0 && this.#tables.frameOf(old) === frame) {
      this.#countWired(old, bits);
      const kept = (pte | (old & (PG_A | PG_D))) >>> 0;
      this.#replacePte(va, kept);
      if (kept !== old) this.#tlb.flush();
      return;
    }
    this.user?.pageTablePages.provide(va);
    this.#removePte(va, old);
    if (managed) {
      this.#pv.add(frame, this.#places + va);
      this.#changes.pv(frame);
    }
    this.resident++;
    this.#countWired(0, bits);
    this.#replacePte(va, pte);
  }

  /**
   * Clears a PTE if it is valid; D outlives it in the page (PMAP-REMOVE-1). A user page table left empty is only noted: who
   * calls this gives it back with `reclaim` (PMAP-PT-2).
   */
  readonly #removePte = (va: VirtualAddress, pte: number): void => {
    if ((pte & PG_P) === 0) return;
    const frame = this.#tables.frameOf(pte);
    this.resident--;
    this.#countWired(pte, 0);
    this.#replacePte(va, 0);
    this.#tlb.flush();
    if (this.user !== null && this.#tables.validInLine(va) === 0)
      this.#spaces.noteEmptied(this, va >>> SLOT_SHIFT);
    if (!this.isManaged(frame)) return;
    if ((pte & PG_D) !== 0) this.#pages.noteWritten(frame);
    this.#pv.remove(frame, this.#places + va);
    this.#changes.pv(frame);
  };

  #replacePte(va: VirtualAddress, pte: number): void {
    this.#tables.setPte(va, pte);
    if (this.user === null) this.#changes.mapping(va);
    this.#changes.part(this.part);
  }

  #countWired(before: number, after: number): void {
    this.wired += (after & PG_W) === (before & PG_W) ? 0 : (after & PG_W) !== 0 ? 1 : -1;
  }

  /** Clears bits in every mapping of a managed frame, in all pmaps. */
  #clearEverywhere(frame: FrameNumber, bits: number): void {
    this.#forEachMapping(frame, (pmap, va, pte) => pmap.#replacePte(va, pte & ~bits));
    this.#tlb.flush();
  }

  #forEachMapping(frame: FrameNumber, visit: (pmap: Pmap, va: VirtualAddress, pte: number) => void): void {
    for (const place of this.#pv.places(frame)) {
      const pmap = this.#spaces.pmapAt(place);
      const va = address(place);
      visit(pmap, va, pmap.#tables.pte(va));
    }
  }

  #anyMappingHas(frame: FrameNumber, bit: number): boolean {
    if (!this.isManaged(frame)) return false;
    return this.#pv
      .places(frame)
      .some((place) => (this.#spaces.pmapAt(place).#tables.pte(address(place)) & bit) !== 0);
  }
}
