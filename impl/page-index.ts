/**
 * The hash from (object, offset) to its resident page (vm_page_buckets of vm_page.c).
 *
 * Fast because buckets and chains are typed arrays with at least one bucket a page: no allocation, one probe on
 * average. Must stay in step: a page is chained exactly while it belongs to an object.
 */
import { type FrameNumber, type ObjectOffset, PAGE_SIZE } from '../contract/address.ts';

/** Odd multipliers that spread consecutive offsets and consecutive objects over the buckets. */
const OFFSET_FACTOR = 0x9e3779b1;
const OBJECT_FACTOR = 0x85ebca77;
const END = -1;

export class PageIndex {
  readonly #shift: number;
  readonly #bucket: Int32Array;
  readonly #chain: Int32Array;
  readonly #serial: Float64Array;
  readonly #offset: Float64Array;

  constructor(pageCount: number) {
    const bits = Math.max(1, Math.ceil(Math.log2(pageCount)));
    this.#shift = 32 - bits;
    this.#bucket = new Int32Array(2 ** bits).fill(END);
    this.#chain = new Int32Array(pageCount).fill(END);
    this.#serial = new Float64Array(pageCount);
    this.#offset = new Float64Array(pageCount);
  }

  /** The page of the object with that serial number at `offset`, or undefined. */
  lookup(serial: number, offset: ObjectOffset): FrameNumber | undefined {
    let page = this.#bucket[this.#hash(serial, offset)] as number;
    while (page !== END) {
      if (this.#offset[page] === offset && this.#serial[page] === serial) return page as FrameNumber;
      page = this.#chain[page] as number;
    }
    return undefined;
  }

  insert(page: FrameNumber, serial: number, offset: ObjectOffset): void {
    const hash = this.#hash(serial, offset);
    this.#serial[page] = serial;
    this.#offset[page] = offset;
    this.#chain[page] = this.#bucket[hash] as number;
    this.#bucket[hash] = page;
  }

  /** Unchains a page; it must be chained. */
  remove(page: FrameNumber): void {
    const hash = this.#hash(this.#serial[page] as number, this.#offset[page] as number);
    const next = this.#chain[page] as number;
    let before = this.#bucket[hash] as number;
    if (before === page) {
      this.#bucket[hash] = next;
      return;
    }
    while (this.#chain[before] !== page) {
      if (before === END) throw new Error(`page ${page} is not in the index`);
      before = this.#chain[before] as number;
    }
    this.#chain[before] = next;
  }

  #hash(serial: number, offset: number): number {
    return (
      ((Math.imul(offset / PAGE_SIZE, OFFSET_FACTOR) ^ Math.imul(serial, OBJECT_FACTOR)) >>> 0) >>>
      this.#shift
    );
  }
}
