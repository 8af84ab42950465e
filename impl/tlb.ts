/**
 * The translation cache of the CPU and the register that it is loaded through (SPEC §10: CPU-4 to 6).
 *
 * Fast because a lookup compares one number, and a flush only raises the base of all tags, so that no entry matches any
 * more. One place for each of 64 page numbers: the hardware may drop entries at any time, so a clash just overwrites.
 */
import { PAGE_SIZE, type VirtualAddress } from '../contract/address.ts';
import { PG_D, PG_RW, PG_U, type TlbEntrySnapshot } from '../contract/pmap.ts';
import { PAGE_SHIFT } from './page-tables.ts';

const PLACES = 64;
const PAGE_NUMBERS = 2 ** 20;
/** `find` answers it where nothing is cached. */
export const TLB_MISS = -1;

export class Tlb {
  /** CR3: where in RAM the current directory begins, as an index of words. Set it with `load`. */
  directoryBase: number;
  /** Page numbers of the present generation are this much higher than they are. */
  #base = PAGE_NUMBERS;
  readonly #tag = new Float64Array(PLACES);
  readonly #frame = new Int32Array(PLACES);
  readonly #bits = new Int32Array(PLACES);

  /** Begins empty, with the directory at that index of words current. */
  constructor(directoryBase: number) {
    this.directoryBase = directoryBase;
  }

  /** Reloads CR3: nothing is cached afterwards. There is no way to drop one entry (CPU-4). */
  flush(): void {
    this.#base += PAGE_NUMBERS;
  }

  /** Loads CR3 with another directory (CPU-6). */
  load(directoryBase: number): void {
    this.directoryBase = directoryBase;
    this.flush();
  }

  /** The place of the entry for the page of `va`, for `frameAt` and `bitsAt`; or TLB_MISS. */
  find(va: VirtualAddress): number {
    const page = va >>> PAGE_SHIFT;
    const place = page & (PLACES - 1);
    return this.#tag[place] === this.#base + page ? place : TLB_MISS;
  }

  /** Physical frame of an entry. */
  frameAt(place: number): number {
    return this.#frame[place] as number;
  }

  /** PG_P, and of both levels PG_U and PG_RW; PG_D when writes need no walk. */
  bitsAt(place: number): number {
    return this.#bits[place] as number;
  }

  /** Caches a successful translation of the page of `va`. */
  insert(va: VirtualAddress, frame: number, bits: number): void {
    const page = va >>> PAGE_SHIFT;
    const place = page & (PLACES - 1);
    this.#tag[place] = this.#base + page;
    this.#frame[place] = frame;
    this.#bits[place] = bits;
  }

  /** Drops what is cached of [start, end), as the hardware may at any time. */
  evict(start: VirtualAddress, end: VirtualAddress): void {
    for (let place = 0; place < PLACES; place++) {
      const at = this.#pageAt(place) * PAGE_SIZE;
      if (at >= start && at < end) this.#tag[place] = 0;
    }
  }

  /** All that is cached, ascending by address. */
  entries(): TlbEntrySnapshot[] {
    const entries: TlbEntrySnapshot[] = [];
    for (let place = 0; place < PLACES; place++) {
      const page = this.#pageAt(place);
      if (page < 0) continue;
      const bits = this.bitsAt(place);
      entries.push({
        address: (page * PAGE_SIZE) as VirtualAddress,
        frame: this.frameAt(place),
        user: (bits & PG_U) !== 0,
        writable: (bits & PG_RW) !== 0,
        dirty: (bits & PG_D) !== 0,
      });
    }
    return entries.sort((a, b) => a.address - b.address);
  }

  /** Page number of the entry at a place; negative for none. */
  #pageAt(place: number): number {
    return (this.#tag[place] as number) - this.#base;
  }
}
