/**
 * The pmap of an address space (i386 pmap.c): mappings, their statistics, and the way back from frame to address.
 *
 * Fast because both directions are direct: page tables from address to frame, pv lists from frame to address.
 * Must stay in step: PTEs, pv records, `resident` and `wired`; a PTE is 0 or present, and present means readable.
 */
import {
  type FrameNumber,
  PAGE_SIZE,
  truncPage,
  unwrappedEnd,
  type VirtualAddress,
} from '../contract/address.ts';
import { highestKernelAddress, type MachineConfig } from '../contract/machine.ts';
import { PANIC } from '../contract/outcome.ts';
import { type MappingSnapshot, PG_A, PG_D, PG_N, PG_P, PG_RW, PG_W } from '../contract/pmap.ts';
import {
  permits,
  VM_PROT_ALL,
  VM_PROT_EXECUTE,
  VM_PROT_READ,
  VM_PROT_WRITE,
  type VmProt,
} from '../contract/protection.ts';
import { type ChangeLog, PART } from './change-log.ts';
import { type PageTables, pteFor } from './page-tables.ts';
import { KernelPanic } from './panic.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { PvTable } from './pv-table.ts';
import type { PageTable } from './vm-page.ts';

/** What a pmap is built over. */
export interface PmapParts {
  readonly memory: PhysicalMemory;
  readonly tables: PageTables;
  readonly pv: PvTable;
  readonly pages: PageTable;
  readonly changes: ChangeLog;
}

export class Pmap {
  /** pm_count: one for the kernel and one for each further map (PMAP-BOOT-1). */
  references = 1;
  /** pm_stats: valid mappings, and the wired ones among them. */
  resident = 0;
  wired = 0;
  readonly #memory: PhysicalMemory;
  readonly #tables: PageTables;
  readonly #pv: PvTable;
  readonly #pages: PageTable;
  readonly #changes: ChangeLog;
  readonly #highest: number;
  readonly #managedPages: number;

  constructor({ memory, tables, pv, pages, changes }: PmapParts, config: MachineConfig) {
    this.#memory = memory;
    this.#tables = tables;
    this.#pv = pv;
    this.#pages = pages;
    this.#changes = changes;
    this.#highest = highestKernelAddress(config);
    this.#managedPages = config.managedPages;
  }

  /** True for frames with a vm_page and a pv list. */
  isManaged(frame: FrameNumber): boolean {
    return frame < this.#managedPages;
  }

  /** The panic that entering a mapping at `va` would raise, or undefined (PMAP-ENTER-1). */
  enterPanic(va: VirtualAddress): string | undefined {
    if (va > this.#highest) return PANIC.enterTooBig;
    return this.#tables.covers(va) ? undefined : PANIC.invalidPageDirectory;
  }

  /** pmap_enter (PMAP-ENTER-1 to 6). Without READ there is no access, hence no PTE (DEV-19). */
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
  }

  /** pmap_kenter: readable, writable and wired; neither allocates nor sleeps (PMAP-KENTER-1). */
  kenter(va: VirtualAddress, frame: FrameNumber): void {
    this.enter(va, frame, { protection: VM_PROT_ALL, wired: true });
  }

  /** pmap_remove (PMAP-REMOVE-1). */
  remove(start: VirtualAddress, end: number): void {
    this.#tables.forEachValid(start, end, this.#removePte);
  }

  /** pmap_protect: only lowers rights (PMAP-PROT-1, Q-11). */
  protect(start: VirtualAddress, end: VirtualAddress, protection: VmProt): void {
    if (!permits(protection, VM_PROT_READ)) this.remove(start, end);
    else if (!permits(protection, VM_PROT_WRITE))
      this.#tables.forEachValid(start, end, (va, pte) => this.#replacePte(va, pte & ~PG_RW));
  }

  /** pmap_page_protect (PMAP-RMALL-1); device frames are nobody's page. */
  pageProtect(frame: FrameNumber, protection: VmProt): void {
    if (!this.isManaged(frame) || permits(protection, VM_PROT_WRITE)) return;
    if ((protection & (VM_PROT_READ | VM_PROT_EXECUTE)) === 0) this.removeAll(frame);
    else this.#forEachMapping(frame, (va, pte) => this.#replacePte(va, pte & ~PG_RW));
  }

  /** Removes every mapping of a managed frame. */
  removeAll(frame: FrameNumber): void {
    this.#forEachMapping(frame, this.#removePte);
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
    if (this.isManaged(frame)) this.#forEachMapping(frame, (va, pte) => this.#replacePte(va, pte & ~PG_D));
  }

  clearReference(frame: FrameNumber): void {
    if (this.isManaged(frame)) this.#forEachMapping(frame, (va, pte) => this.#replacePte(va, pte & ~PG_A));
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
    const pte = pteFor(this.#memory.physical(frame), PG_P | bits | (managed ? 0 : PG_N));
    if ((old & PG_P) !== 0 && this.#tables.frameOf(old) === frame) {
      this.#countWired(old, bits);
      this.#replacePte(va, pte | (old & (PG_A | PG_D)));
      return;
    }
    this.#removePte(va, old);
    if (managed) {
      this.#pv.add(frame, va);
      this.#changes.pv(frame);
    }
    this.resident++;
    this.#countWired(0, bits);
    this.#replacePte(va, pte);
  }

  /** Clears a PTE if it is valid; D outlives it in the page (PMAP-REMOVE-1). */
  readonly #removePte = (va: VirtualAddress, pte: number): void => {
    if ((pte & PG_P) === 0) return;
    const frame = this.#tables.frameOf(pte);
    this.resident--;
    this.#countWired(pte, 0);
    this.#replacePte(va, 0);
    if (!this.isManaged(frame)) return;
    if ((pte & PG_D) !== 0) this.#pages.noteWritten(frame);
    this.#pv.remove(frame, va);
    this.#changes.pv(frame);
  };

  #replacePte(va: VirtualAddress, pte: number): void {
    this.#tables.setPte(va, pte);
    this.#changes.mapping(va);
    this.#changes.part(PART.pmap);
  }

  #countWired(before: number, after: number): void {
    this.wired += (after & PG_W) === (before & PG_W) ? 0 : (after & PG_W) !== 0 ? 1 : -1;
  }

  #forEachMapping(frame: FrameNumber, visit: (va: VirtualAddress, pte: number) => void): void {
    for (const va of this.#pv.addresses(frame)) visit(va, this.#tables.pte(va));
  }

  #anyMappingHas(frame: FrameNumber, bit: number): boolean {
    if (!this.isManaged(frame)) return false;
    return this.#pv.addresses(frame).some((va) => (this.#tables.pte(va) & bit) !== 0);
  }
}
