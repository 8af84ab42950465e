/**
 * The reverse map (pv_table of pmap.c): for every managed frame, the places it is mapped at, in all pmaps.
 *
 * A place is the number of a pmap times 2^32 plus the address of a page; the kernel pmap has number 0, so that its
 * places are plain addresses. A place maps one frame at most. Fast because each frame heads a chain of its own in typed
 * columns, linked both ways, and a record is found by its place: adding and dropping a mapping takes the same time
 * however often the frame is mapped, and looks at no other frame. Must stay in step: exactly one record for each valid
 * PTE of a managed frame.
 */
import { ADDRESS_SPACE_END, type FrameNumber, PAGE_SIZE, type VirtualAddress } from '../contract/address.ts';

const END = -1;
const FIRST_CAPACITY = 64;

/** Distance between the places of one pmap and of the next. */
export const PLACES_PER_PMAP = ADDRESS_SPACE_END;

/** What a place is found by: its page, a small integer, which maps keep better than an address. */
const keyOf = (place: number): number => place / PAGE_SIZE;

export class PvTable {
  readonly #first: Int32Array;
  readonly #recordAt = new Map<number, number>();
  #address = new Float64Array(FIRST_CAPACITY);
  #frame = new Int32Array(FIRST_CAPACITY);
  #next = new Int32Array(FIRST_CAPACITY);
  #previous = new Int32Array(FIRST_CAPACITY);
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

  /** Records that `frame` is mapped at the place `va`, where no other frame is recorded. */
  add(frame: FrameNumber, va: number): void {
    const record = this.#takeRecord();
    const second = this.#first[frame] as number;
    this.#address[record] = va;
    this.#frame[record] = frame;
    this.#next[record] = second;
    this.#previous[record] = END;
    if (second !== END) this.#previous[second] = record;
    this.#first[frame] = record;
    this.#recordAt.set(keyOf(va), record);
  }

  /** Drops the record of `frame` at the place `va`; no effect where there is none, as in pmap_remove_entry. */
  remove(frame: FrameNumber, va: number): void {
    const record = this.#recordAt.get(keyOf(va));
    if (record === undefined || this.#frame[record] !== frame) return;
    const next = this.#next[record] as number;
    const previous = this.#previous[record] as number;
    if (previous === END) this.#first[frame] = next;
    else this.#next[previous] = next;
    if (next !== END) this.#previous[next] = previous;
    this.#recordAt.delete(keyOf(va));
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
    address.set(this.#address);
    this.#address = address;
    this.#frame = doubled(this.#frame);
    this.#next = doubled(this.#next);
    this.#previous = doubled(this.#previous);
  }
}

function doubled(column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(2 * column.length);
  longer.set(column);
  return longer;
}
