/**
 * The reverse map (pv_table of pmap.c): for every managed frame, the places it is mapped at, in all pmaps.
 *
 * A place is the number of a pmap times 2^32 plus the address; the kernel pmap has number 0, so that its places are
 * plain addresses. Fast because each frame heads a chain of its own in typed columns: finding, adding and dropping a
 * mapping never looks at other frames. Must stay in step: exactly one record for each valid PTE of a managed frame.
 */
import { ADDRESS_SPACE_END, type FrameNumber, type VirtualAddress } from '../contract/address.ts';

const END = -1;
const FIRST_CAPACITY = 64;

/** Distance between the places of one pmap and of the next. */
export const PLACES_PER_PMAP = ADDRESS_SPACE_END;

export class PvTable {
  readonly #first: Int32Array;
  #address = new Float64Array(FIRST_CAPACITY);
  #next = new Int32Array(FIRST_CAPACITY);
  #used = 0;
  #freeRecord = END;

  constructor(managedPages: number) {
    this.#first = new Int32Array(managedPages).fill(END);
  }

  /** All places that `frame` is mapped at, in no particular order. */
  places(frame: FrameNumber): number[] {
    const places: number[] = [];
    for (let record = this.#first[frame] as number; record !== END; record = this.#next[record] as number)
      places.push(this.#address[record] as number);
    return places;
  }

  /** The addresses among them that the kernel pmap maps. */
  addresses(frame: FrameNumber): VirtualAddress[] {
    return this.places(frame).filter((place) => place < PLACES_PER_PMAP) as VirtualAddress[];
  }

  /** Records that `frame` is mapped at the place `va`. */
  add(frame: FrameNumber, va: number): void {
    const record = this.#takeRecord();
    this.#address[record] = va;
    this.#next[record] = this.#first[frame] as number;
    this.#first[frame] = record;
  }

  /** Drops the record of `frame` at the place `va`; no effect where there is none, as in pmap_remove_entry. */
  remove(frame: FrameNumber, va: number): void {
    let before = END;
    let record = this.#first[frame] as number;
    while (record !== END && this.#address[record] !== va) {
      before = record;
      record = this.#next[record] as number;
    }
    if (record === END) return;
    const next = this.#next[record] as number;
    if (before === END) this.#first[frame] = next;
    else this.#next[before] = next;
    this.#next[record] = this.#freeRecord;
    this.#freeRecord = record;
  }

  #takeRecord(): number {
    const record = this.#freeRecord;
    if (record !== END) {
      this.#freeRecord = this.#next[record] as number;
      return record;
    }
    if (this.#used === this.#address.length) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const address = new Float64Array(2 * this.#address.length);
    const next = new Int32Array(2 * this.#next.length);
    address.set(this.#address);
    next.set(this.#next);
    this.#address = address;
    this.#next = next;
  }
}
