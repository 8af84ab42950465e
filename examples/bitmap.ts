/**
 * A toy allocator with a bug, to see what a failure looks like:
 *
 *   npx vmlockstep check --kernel examples/bitmap.ts
 *
 * It keeps one bit a page, and allocating forgets to mark the last page of a run. `check` finds that with the first
 * scenario and shrinks it to the shortest program that shows it:
 *
 *     1  a = kmem_alloc_pageable(kernel, 0x1000)  → 0xfe000000
 *   > 2  b = kmem_alloc_pageable(kernel, 0x1000)  → 0xfe001000
 *
 *                      expected    actual
 *     outcome.address  0xfe001000  0xfe000000
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

class Bitmap implements KernelMemory {
  readonly #base: number;
  /** One element a page of the kernel map: 1 where the page is in use. */
  readonly #used: Uint8Array;

  constructor({ kernelMin, kernelStart, kernelMax, reserved }: MachineConfig) {
    this.#base = kernelMin;
    this.#used = new Uint8Array((kernelMax - kernelMin) / PAGE_SIZE);
    this.#used.fill(1, 0, this.#pageOf(kernelStart));
    for (const { start, length } of reserved)
      this.#used.fill(1, this.#pageOf(start), this.#pageOf(start + length));
  }

  apply(operation: Operation): Step {
    if (operation.kind === 'kmem_alloc_pageable') return { outcome: this.#alloc(operation) };
    if (operation.kind === 'kmem_free') return { outcome: this.#free(operation) };
    throw new Error(`${operation.kind} is not declared`);
  }

  #alloc({ map, size }: KmemAllocPageable): Outcome {
    if (map !== 'kernel') return rejected('CONV-4');
    const length = roundPage(size);
    if (length === undefined || length === 0) return none;
    const wanted = length / PAGE_SIZE;
    let run = 0;
    for (let page = 0; page < this.#used.length; page++) {
      run = this.#used[page] === 1 ? 0 : run + 1;
      if (run < wanted) continue;
      const first = page + 1 - wanted;
      // The bug: `page` is the last page of the run, and fill() stops before it.
      this.#used.fill(1, first, page);
      return allocated(address(this.#base + first * PAGE_SIZE));
    }
    return none;
  }

  #free({ map, address: from, size }: KmemFree): Outcome {
    if (map !== 'kernel') return rejected('CONV-4');
    if (size === 0) return done;
    const first = this.#pageOf(truncPage(from));
    this.#used.fill(0, first, this.#pageOf(roundPageUnwrapped(from + size)));
    return done;
  }

  /** Number of the page at that address, cut to the pages there are. */
  #pageOf(at: number): number {
    return Math.min(Math.max(0, (at - this.#base) / PAGE_SIZE), this.#used.length);
  }
}

export default {
  declares: {
    name: 'bitmap',
    operations: ['kmem_alloc_pageable', 'kmem_free'],
    shows: ['outcomes'],
    placement: 'first-fit',
  },
  boot: (machine) => new Bitmap(machine),
} satisfies KernelModule;
