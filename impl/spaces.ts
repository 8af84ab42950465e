/**
 * The pmaps of the machine: which are live, which one is current, and which frames their tables lie in.
 *
 * Fast because the kernel pmap is never looked up here by name, and every question that guards user pmaps is answered by
 * one comparison while there are none. Must stay in step: `live`, the numbers in pv records, and the frames of directories
 * and page tables.
 */
import { advanceOffset, type FrameNumber, type ObjectOffset } from '../contract/address.ts';
import { KERNEL_PMAP, type PmapName } from '../contract/pmap.ts';
import type { Pmap } from './pmap.ts';
import { PLACES_PER_PMAP } from './pv-table.ts';

export class Spaces {
  /** The pmap that CR3 names. */
  current: PmapName = KERNEL_PMAP;
  /** Live user pmaps in creation order. */
  readonly live = new Map<PmapName, Pmap>();
  /** Names of those that an operation asleep is creating. */
  readonly creating = new Set<PmapName>();
  /** pmap_reference calls on the kernel pmap that no destroy has taken back. */
  kernelReferences = 0;
  /** By number; the kernel pmap has 0. Numbers follow creation order and are only given again behind all live ones. */
  readonly #numbered: (Pmap | undefined)[] = [];
  readonly #tableFrames = new Set<FrameNumber>();
  readonly #emptied: { readonly pmap: Pmap; readonly slot: number }[] = [];
  #frameCount = 0;

  /** The number that the next pmap to be enrolled gets. */
  get nextNumber(): number {
    return this.#numbered.length;
  }

  /** Takes in a pmap that bears `nextNumber`. */
  enroll(pmap: Pmap): void {
    this.#numbered.push(pmap);
    if (pmap.user !== null) this.live.set(pmap.user.name, pmap);
  }

  /** Forgets a user pmap. */
  dismiss(pmap: Pmap): void {
    if (pmap.user === null) throw new Error('the kernel pmap is never dismissed');
    this.live.delete(pmap.user.name);
    this.#numbered[pmap.user.number] = undefined;
    while (this.#numbered.at(-1) === undefined) this.#numbered.pop();
  }

  /** The pmap of a pv record's place. */
  pmapAt(place: number): Pmap {
    const pmap = this.#numbered[place < PLACES_PER_PMAP ? 0 : Math.floor(place / PLACES_PER_PMAP)];
    if (pmap === undefined) throw new Error(`no pmap has the place ${place}`);
    return pmap;
  }

  /** Remembers that a frame holds a directory or a page table of a user pmap. */
  claim(frame: FrameNumber): void {
    this.#tableFrames.add(frame);
    this.#frameCount = this.#tableFrames.size;
  }

  /** Takes `claim` back. */
  release(frame: FrameNumber): void {
    this.#tableFrames.delete(frame);
    this.#frameCount = this.#tableFrames.size;
  }

  /** True for a frame that holds a directory or a page table of a user pmap, which nobody may write (PMAP-PINIT-1). */
  isTable(frame: FrameNumber): boolean {
    return this.#frameCount > 0 && this.#tableFrames.has(frame);
  }

  /** Does a live directory lie in the `length` bytes of kernel_object behind `offset`, modulo 2^32? (PMAP-REL-1) */
  directoryWithin(offset: ObjectOffset, length: number): boolean {
    for (const { user } of this.live.values())
      if (user !== null && advanceOffset(user.directoryOffset, -offset) < length) return true;
    return false;
  }

  /** Notes that the last valid PTE of a table went; it may be filled again before `reclaim` (DEV-23). */
  noteEmptied(pmap: Pmap, slot: number): void {
    this.#emptied.push({ pmap, slot });
  }

  /** Gives back the tables that are still empty, those of older pmaps first, by ascending slot (PMAP-PT-2). */
  reclaim(): void {
    if (this.#emptied.length === 0) return;
    const number = (pmap: Pmap) => pmap.user?.number ?? 0;
    this.#emptied.sort((a, b) => number(a.pmap) - number(b.pmap) || a.slot - b.slot);
    for (const { pmap, slot } of this.#emptied) pmap.user?.pageTablePages.reclaim(slot);
    this.#emptied.length = 0;
  }
}
