/**
 * A buddy allocator, which places memory as it likes:
 *
 *   npx vmlockstep check --kernel examples/buddy.ts
 *
 * Pages come in blocks of 1, 2, 4, 8 … pages; a block and its buddy, the other half of the next larger one, become one
 * again once both are free. An allocation takes a whole block, so its addresses are not the model's lowest ones and it
 * may find no room where the model does: `placement: 'any'` says so, and the model follows every legal choice.
 */

import {
  address,
  allocated,
  done,
  type KernelMemory,
  type KernelModule,
  type KmemAllocPageable,
  type KmemFree,
  type MachineConfig,
  none,
  type Operation,
  type Outcome,
  PAGE_SIZE,
  rejected,
  roundPage,
  roundPageUnwrapped,
  type Step,
  truncPage,
} from 'vmlockstep/contract';

/** A block in use: 2^order pages from `first` on, of which `left` are not freed yet. */
interface Block {
  readonly first: number;
  readonly order: number;
  left: number;
}

class Buddy implements KernelMemory {
  readonly #base: number;
  readonly #pages: number;
  /** Free blocks: first page → order. Pages are numbered from the start of the kernel map. */
  readonly #free = new Map<number, number>();
  /** Pages in use and their blocks. */
  readonly #used = new Map<number, Block>();

  constructor({ kernelMin, kernelStart, kernelMax, reserved }: MachineConfig) {
    this.#base = kernelMin;
    this.#pages = (kernelMax - kernelMin) / PAGE_SIZE;
    const isTaken = (page: number): boolean => {
      const at = kernelMin + page * PAGE_SIZE;
      return at < kernelStart || reserved.some(({ start, length }) => at >= start && at < start + length);
    };
    for (let page = 0; page < this.#pages; page++) if (!isTaken(page)) this.#release(page, 0);
  }

  apply(operation: Operation): Step {
    if (operation.kind === 'kmem_alloc_pageable') return { outcome: this.#alloc(operation) };
    if (operation.kind === 'kmem_free') return { outcome: this.#remove(operation) };
    throw new Error(`${operation.kind} is not declared`);
  }

  #alloc({ map, size }: KmemAllocPageable): Outcome {
    if (map !== 'kernel') return rejected('CONV-4');
    const length = roundPage(size);
    if (length === undefined || length === 0) return none;
    const wanted = length / PAGE_SIZE;
    const order = Math.ceil(Math.log2(wanted));
    const [first, found] = [...this.#free]
      .filter(([, other]) => other >= order)
      .reduce<[number, number]>((best, other) => (other[1] < best[1] ? other : best), [-1, Infinity]);
    if (first < 0) return none;
    this.#free.delete(first);
    for (let half = found - 1; half >= order; half--) this.#free.set(first + 2 ** half, half);
    const block: Block = { first, order, left: wanted };
    for (let page = first; page < first + wanted; page++) this.#used.set(page, block);
    return allocated(address(this.#base + first * PAGE_SIZE));
  }

  /** Frees whatever is in use in the range, which may be a part of an allocation or several. */
  #remove({ map, address: from, size }: KmemFree): Outcome {
    if (map !== 'kernel') return rejected('CONV-4');
    if (size === 0) return done;
    const start = Math.max(0, (truncPage(from) - this.#base) / PAGE_SIZE);
    const end = Math.min((roundPageUnwrapped(from + size) - this.#base) / PAGE_SIZE, this.#pages);
    for (let page = start; page < end; page++) {
      const block = this.#used.get(page);
      if (block === undefined) continue;
      this.#used.delete(page);
      block.left -= 1;
      if (block.left === 0) this.#release(block.first, block.order);
    }
    return done;
  }

  /** Puts a block back, together with its buddy where that is free too. */
  #release(first: number, order: number): void {
    const buddy = Math.floor(first / 2 ** order) % 2 === 0 ? first + 2 ** order : first - 2 ** order;
    if (this.#free.get(buddy) !== order) this.#free.set(first, order);
    else {
      this.#free.delete(buddy);
      this.#release(Math.min(first, buddy), order + 1);
    }
  }
}

export default {
  declares: {
    name: 'buddy',
    operations: ['kmem_alloc_pageable', 'kmem_free'],
    shows: ['outcomes'],
    placement: 'any',
  },
  boot: (machine) => new Buddy(machine),
} satisfies KernelModule;
