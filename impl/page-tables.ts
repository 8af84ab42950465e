/**
 * The two-level i386 page tables of the kernel, as 32-bit words in RAM (pmap_pte and friends of pmap.c).
 *
 *   address   31 ──────── 22 21 ──────── 12 11 ───── 0
 *             directory slot  table slot     byte
 *
 * Fast because a PTE is two reads away, and `#valid` (BSD: the hold count of a page-table page) lets range walks skip
 * an empty 4 MiB line at once. Must stay in step: `#valid` counts the PTEs with P=1 of each line. A PTE is 0 or valid.
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
import { type PageTableSnapshot, PG_P, PG_RW } from '../contract/pmap.ts';
import { type PhysicalFrame, type PhysicalMemory, WORDS_PER_FRAME } from './physical-memory.ts';

/** How far the page number and the directory slot lie from the low end of an address. */
export const PAGE_SHIFT = 12;
export const SLOT_SHIFT = 22;
/** Cuts a table slot out of a page number. */
export const SLOT_MASK = WORDS_PER_FRAME - 1;

export class PageTables {
  readonly #memory: PhysicalMemory;
  readonly #firstSlot: number;
  readonly #endSlot: number;
  readonly #directoryBase: number;
  readonly #valid: Uint16Array;

  constructor(memory: PhysicalMemory, config: MachineConfig) {
    const { first, end } = kernelSlots(config);
    this.#memory = memory;
    this.#firstSlot = first;
    this.#endSlot = end;
    this.#directoryBase = memory.wordsOf(memory.directory);
    this.#valid = new Uint16Array(end - first);
    memory.setWord(
      this.#directoryBase + recursiveSlot(config),
      pteFor(memory.directory as PhysicalFrame, PG_P | PG_RW),
    );
    for (let slot = first; slot < end; slot++) {
      const table = (memory.firstTable + slot - first) as PhysicalFrame;
      memory.setWord(this.#directoryBase + slot, pteFor(table, PG_P | PG_RW));
    }
  }

  /** True when a kernel page table covers `va` (PMAP-ENTER-1). */
  covers(va: VirtualAddress): boolean {
    const slot = pdeSlot(va);
    return slot >= this.#firstSlot && slot < this.#endSlot;
  }

  /** Where in RAM the PTE of `va` lies; `covers(va)` must hold. */
  indexOf(va: VirtualAddress): number {
    const pde = this.#memory.word(this.#directoryBase + (va >>> SLOT_SHIFT));
    return this.#memory.wordsOf(pde >>> PAGE_SHIFT) + ((va >>> PAGE_SHIFT) & SLOT_MASK);
  }

  /** The PTE of `va`; 0 where nothing is mapped or no table exists. */
  pte(va: VirtualAddress): number {
    return this.covers(va) ? this.#memory.word(this.indexOf(va)) : 0;
  }

  /** The managed or device frame that a valid PTE names. */
  frameOf(pte: number): FrameNumber {
    return this.#memory.frameAt((pte >>> PAGE_SHIFT) as PhysicalFrame);
  }

  /** Replaces the PTE of `va` and keeps count of the valid ones; `covers(va)` must hold. */
  setPte(va: VirtualAddress, pte: number): void {
    const index = this.indexOf(va);
    const line = (va >>> SLOT_SHIFT) - this.#firstSlot;
    const change = (pte & PG_P) - (this.#memory.word(index) & PG_P);
    this.#valid[line] = (this.#valid[line] as number) + change;
    this.#memory.setWord(index, pte);
  }

  /** Number of valid PTEs in the 4 MiB line of `va`, as kept; `covers(va)` must hold. */
  validInLine(va: VirtualAddress): number {
    return this.#valid[(va >>> SLOT_SHIFT) - this.#firstSlot] as number;
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

  /** Every non-zero word, as the hardware sees them. */
  snapshot(): PageTableSnapshot {
    const directory = [];
    for (let slot = 0; slot < WORDS_PER_FRAME; slot++) {
      const word = this.#memory.word(this.#directoryBase + slot);
      if (word !== 0) directory.push({ slot, word });
    }
    const tables = [];
    for (let slot = this.#firstSlot; slot < this.#endSlot; slot++) {
      const base = this.indexOf(address(slot * PDE_SPAN));
      for (let i = 0; i < WORDS_PER_FRAME; i++) {
        const word = this.#memory.word(base + i);
        if (word !== 0) tables.push({ address: address(slot * PDE_SPAN + i * PAGE_SIZE), word });
      }
    }
    return {
      directoryFrame: this.#memory.directory,
      firstManagedFrame: this.#memory.firstManaged,
      directory,
      tables,
    };
  }
}

/** A page-table word that names `frame` with the given low bits. */
export function pteFor(frame: PhysicalFrame, bits: number): number {
  return (frame * PAGE_SIZE + bits) >>> 0;
}
