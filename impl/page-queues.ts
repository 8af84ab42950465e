/**
 * The paging queues FREE, ACTIVE and INACTIVE (vm_page.c), strictly first in, first out (CONV-7).
 *
 * Fast because a page is on at most one queue, so one pair of typed link columns serves all three and every step
 * is O(1). Must stay in step: links, `#queueOf` and the counts v_free, v_active and v_inactive.
 */
import type { FrameNumber } from '../contract/address.ts';

/** Queue of a page; NONE means wired, being filled, or a nowait page. */
export const QUEUE = { none: 0, free: 1, active: 2, inactive: 3 } as const;
export type Queue = (typeof QUEUE)[keyof typeof QUEUE];

const END = -1;

export class PageQueues {
  readonly #queueOf: Uint8Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #head = new Int32Array(4).fill(END);
  readonly #tail = new Int32Array(4).fill(END);
  readonly #count = new Int32Array(4);

  constructor(pageCount: number) {
    this.#queueOf = new Uint8Array(pageCount);
    this.#next = new Int32Array(pageCount).fill(END);
    this.#previous = new Int32Array(pageCount).fill(END);
  }

  queueOf(page: FrameNumber): Queue {
    return this.#queueOf[page] as Queue;
  }

  /** v_free_count and its siblings. */
  count(queue: Queue): number {
    return this.#count[queue] as number;
  }

  /** The page that has been on the queue longest; undefined when it is empty. */
  head(queue: Queue): FrameNumber | undefined {
    const head = this.#head[queue] as FrameNumber;
    return head === END ? undefined : head;
  }

  /** Puts a page that is on no queue at the tail. */
  append(queue: Queue, page: FrameNumber): void {
    const tail = this.#tail[queue] as number;
    this.#queueOf[page] = queue;
    this.#previous[page] = tail;
    this.#next[page] = END;
    if (tail === END) this.#head[queue] = page;
    else this.#next[tail] = page;
    this.#tail[queue] = page;
    this.#count[queue] = this.count(queue) + 1;
  }

  /** Takes a page off the queue it is on, which must not be NONE. */
  remove(page: FrameNumber): void {
    const queue = this.queueOf(page);
    const previous = this.#previous[page] as number;
    const next = this.#next[page] as number;
    if (previous === END) this.#head[queue] = next;
    else this.#next[previous] = next;
    if (next === END) this.#tail[queue] = previous;
    else this.#previous[next] = previous;
    this.#queueOf[page] = QUEUE.none;
    this.#count[queue] = this.count(queue) - 1;
  }

  /** The pages of a queue along the forward links, head first; endless when links are broken. */
  *pages(queue: Queue): Generator<FrameNumber, void, void> {
    for (let page = this.#head[queue] as number; page !== END; page = this.#next[page] as number)
      yield page as FrameNumber;
  }

  /** The pages of a queue, head first, as a list; cut off behind as many as there are pages. */
  list(queue: Queue): FrameNumber[] {
    const list: FrameNumber[] = [];
    let page = this.#head[queue] as number;
    while (page !== END && list.length <= this.#next.length) {
      list.push(page as FrameNumber);
      page = this.#next[page] as number;
    }
    return list;
  }

  /** The pages of a queue along the backward links, tail first; differs from `pages` only when links are broken. */
  *backwards(queue: Queue): Generator<FrameNumber, void, void> {
    for (let page = this.#tail[queue] as number; page !== END; page = this.#previous[page] as number)
      yield page as FrameNumber;
  }
}
