/**
 * The two-level i386 page tables of one pmap, as 32-bit words in RAM (pmap_pte and friends of pmap.c).
 *
 *   address   31 ──────── 22 21 ──────── 12 11 ───── 0
 *             directory slot  table slot     byte
 *
 * Fast because a PTE is two reads away, and `#valid` (BSD: the hold count of a page-table page, PMAP-PT-2) lets range walks
 * skip an empty 4 MiB line at once. Must stay in step: `#valid` counts the PTEs with P=1 of each line. A PTE is 0 or valid.
 */
import {
  address,
  type FrameNumber,
  PAGE_SIZE,
  PDE_SPAN,
  pdeSlot,
  type VirtualAddress,
} from '../contract/address.ts';
import { kernelSlots, type MachineConfig, recursiveSlot } from '../contract/machine.ts';
import { PG_P, PG_RW, type PteSnapshot } from '../contract/pmap.ts';
import { type PhysicalFrame, type PhysicalMemory, WORDS_PER_FRAME } from './physical-memory.ts';

/** How far the page number and the directory slot lie from the low end of an address. */
export const PAGE_SHIFT = 12;
export const SLOT_SHIFT = 22;
/** Cuts a table slot out of a page number. */
export const SLOT_MASK = WORDS_PER_FRAME - 1;

/** Where the directory of a pmap lies, and the slots [first, end) that the pmap maps with. */
export interface TableLayout {
  readonly directory: PhysicalFrame;
  readonly first: number;
  readonly end: number;
}

/** The kernel's tables: static ones for every line of its map, present from boot on (BOOT-4). */
export function kernelPageTables(memory: PhysicalMemory, config: MachineConfig): PageTables {
  const { first, end } = kernelSlots(config);
  const { directory, firstTable } = memory;
  const tables = new PageTables(memory, { directory, first, end });
  tables.setPde(recursiveSlot(config), pteFor(directory, PG_P | PG_RW));
  for (let slot = first; slot < end; slot++) {
    const table = (firstTable + slot - first) as PhysicalFrame;
    tables.setPde(slot, pteFor(table, PG_P | PG_RW));
  }
  return tables;
}

export class PageTables {
  readonly directory: PhysicalFrame;
  /** Where in RAM the directory begins, as an index of words: what CR3 holds for it. */
  readonly directoryBase: number;
  readonly #memory: PhysicalMemory;
  readonly #firstSlot: number;
  readonly #endSlot: number;
  readonly #valid: Uint16Array;

  constructor(memory: PhysicalMemory, { directory, first, end }: TableLayout) {
    this.#memory = memory;
    this.#firstSlot = first;
    this.#endSlot = end;
    this.directory = directory;
    this.directoryBase = memory.wordsOf(directory);
    this.#valid = new Uint16Array(end - first);
  }

  /** A word of the directory. */
  pde(slot: number): number {
    return this.#memory.word(this.directoryBase + slot);
  }

  /** Replaces a word of the directory. */
  setPde(slot: number, pde: number): void {
    this.#memory.setWord(this.directoryBase + slot, pde);
  }

  /** True when `va` lies in the slots of this pmap (PMAP-ENTER-1); the kernel has a table for each of them. */
  covers(va: VirtualAddress): boolean {
    const slot = pdeSlot(va);
    return slot >= this.#firstSlot && slot < this.#endSlot;
  }

  /** Where in RAM the PTE of `va` lies; there must be a table for it. */
  indexOf(va: VirtualAddress): number {
    const pde = this.pde(va >>> SLOT_SHIFT);
    return this.#memory.wordsOf(pde >>> PAGE_SHIFT) + ((va >>> PAGE_SHIFT) & SLOT_MASK);
  }

  /** The PTE of `va`; 0 where nothing is mapped or no table exists. */
  pte(va: VirtualAddress): number {
    if (!this.covers(va)) return 0;
    const pde = this.pde(va >>> SLOT_SHIFT);
    if ((pde & PG_P) === 0) return 0;
    return this.#memory.word(this.#memory.wordsOf(pde >>> PAGE_SHIFT) + ((va >>> PAGE_SHIFT) & SLOT_MASK));
  }

  /** The managed or device frame that a valid PTE names. */
  frameOf(pte: number): FrameNumber {
    return this.#memory.frameAt((pte >>> PAGE_SHIFT) as PhysicalFrame);
  }

  /** Replaces the PTE of `va` and keeps count of the valid ones; there must be a table for it. */
  setPte(va: VirtualAddress, pte: number): void {
    const index = this.indexOf(va);
    const line = (va >>> SLOT_SHIFT) - this.#firstSlot;
    const change = (pte & PG_P) - (this.#memory.word(index) & PG_P);
    this.#valid[line] = (this.#valid[line] as number) + change;
    this.#memory.setWord(index, pte);
  }

  /** Number of valid PTEs in the 4 MiB line of `va`, as kept; `covers(va)` must hold. */
  validInLine(va: VirtualAddress): number {
    return this.validInSlot(va >>> SLOT_SHIFT);
  }

  /** The same of the line with that directory slot (PMAP-PT-2: hold). */
  validInSlot(slot: number): number {
    return this.#valid[slot - this.#firstSlot] as number;
  }

  /**
   * Calls `visit` for each valid PTE of [start, end), ascending. `end` may be 2^32. `visit` may change or clear the PTE
   * it is given.
   */
  forEachValid(start: number, end: number, visit: (va: VirtualAddress, pte: number) => void): void {
    const last = Math.min(end, this.#endSlot * PDE_SPAN);
    let at = Math.max(start, this.#firstSlot * PDE_SPAN);
    while (at < last) {
      const lineEnd = Math.min(last, (Math.floor(at / PDE_SPAN) + 1) * PDE_SPAN);
      if (this.validInLine(address(at)) > 0) this.#forEachInLine(at, lineEnd, visit);
      at = lineEnd;
    }
  }

  #forEachInLine(start: number, end: number, visit: (va: VirtualAddress, pte: number) => void): void {
    let index = this.indexOf(address(start));
    for (let at = start; at < end; at += PAGE_SIZE) {
      const pte = this.#memory.word(index++);
      if ((pte & PG_P) !== 0) visit(at as VirtualAddress, pte);
    }
  }

  /** Every non-zero directory word by slot, as the hardware sees it. */
  directoryWords(): { slot: number; word: number }[] {
    const words = [];
    for (let slot = 0; slot < WORDS_PER_FRAME; slot++) {
      const word = this.pde(slot);
      if (word !== 0) words.push({ slot, word });
    }
    return words;
  }

  /** Slots of this pmap that have a page table, ascending. */
  slots(): number[] {
    const slots = [];
    for (let slot = this.#firstSlot; slot < this.#endSlot; slot++)
      if ((this.pde(slot) & PG_P) !== 0) slots.push(slot);
    return slots;
  }

  /** Every non-zero word of the page tables, ascending by address. */
  words(): PteSnapshot[] {
    const words = [];
    for (const slot of this.slots()) {
      const base = this.indexOf(address(slot * PDE_SPAN));
      for (let i = 0; i < WORDS_PER_FRAME; i++) {
        const word = this.#memory.word(base + i);
        if (word !== 0) words.push({ address: address(slot * PDE_SPAN + i * PAGE_SIZE), word });
      }
    }
    return words;
  }
}

/** A page-table word that names `frame` with the given low bits. */
export function pteFor(frame: PhysicalFrame, bits: number): number {
  return (frame * PAGE_SIZE + bits) >>> 0;
}
