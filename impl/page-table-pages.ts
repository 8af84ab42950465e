/**
 * Page tables of user pmaps come and go: pages of the object `pte:NAME`, wired once (PMAP-PT-1, PMAP-PT-2).
 *
 * Nothing is kept here: the directory says which tables exist, and PageTables counts what is valid in them.
 */
import { frameNumber, objectOffset, PAGE_SIZE, type VirtualAddress } from '../contract/address.ts';
import { PANIC } from '../contract/outcome.ts';
import { PG_P, PG_RW, PG_U } from '../contract/pmap.ts';
import type { Kernel } from './kernel.ts';
import { PAGE_SHIFT, type PageTables, pteFor, SLOT_SHIFT } from './page-tables.ts';
import { KernelPanic } from './panic.ts';
import type { PhysicalFrame } from './physical-memory.ts';
import type { VmObject } from './vm-object.ts';
import { PAGE_FLAG, vmPageAlloc } from './vm-page.ts';

/** What a directory word that names a user page table has set beside the frame. */
export const USER_PDE = PG_P | PG_RW | PG_U;

export class PageTablePages {
  /** `pte:NAME`; its pages are the page tables, pm_ptpages its count of them. */
  readonly object: VmObject;
  readonly #kernel: Kernel;
  readonly #tables: PageTables;

  constructor(kernel: Kernel, tables: PageTables, object: VmObject) {
    this.#kernel = kernel;
    this.#tables = tables;
    this.object = object;
  }

  /** Sees to it that `va` has a page table; panics when that takes a page and none is free (PMAP-PT-1, DC-6). */
  provide(va: VirtualAddress): void {
    const slot = va >>> SLOT_SHIFT;
    if ((this.#tables.pde(slot) & PG_P) !== 0) return;
    const { pages, memory, spaces } = this.#kernel;
    const page = vmPageAlloc(this.#kernel, this.object, objectOffset(slot * PAGE_SIZE));
    if (page === undefined) throw new KernelPanic(PANIC.noPageTablePage);
    pages.zeroFill(page);
    pages.clearFlag(page, PAGE_FLAG.busy | PAGE_FLAG.fake);
    pages.wire(page);
    spaces.claim(page);
    this.#tables.setPde(slot, pteFor(memory.physical(page), USER_PDE));
  }

  /** Gives the table of `slot` back if no PTE of it is valid; the page goes to the tail of FREE (PMAP-PT-2). */
  reclaim(slot: number): void {
    const pde = this.#tables.pde(slot);
    if ((pde & PG_P) === 0 || this.#tables.validInSlot(slot) > 0) return;
    const { pages, memory, spaces, tlb } = this.#kernel;
    this.#tables.setPde(slot, 0);
    tlb.flush();
    const page = frameNumber(memory.frameAt((pde >>> PAGE_SHIFT) as PhysicalFrame));
    spaces.release(page);
    // A page freed wired would stay in v_wire for ever.
    pages.unwire(page);
    pages.free(page);
  }
}
