/**
 * A toy allocator to put under lockstep with the reference model:
 *
 *   npx vmlockstep check --kernel examples/first-fit.ts
 *
 * It hands out address space of one map, lowest address first, and knows two operations of the kernel.
 */

import {
  ADDRESS_SPACE_END,
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
  rejected,
  roundPage,
  roundPageUnwrapped,
  type Step,
  truncPage,
} from 'vmlockstep/contract';

/** A range of addresses in use; `end` is exclusive. */
interface Range {
  readonly start: number;
  readonly end: number;
}

class FirstFit implements KernelMemory {
  readonly #machine: MachineConfig;
  /** Ascending, never overlapping. */
  #used: Range[] = [];

  constructor(machine: MachineConfig) {
    this.#machine = machine;
    this.#take(machine.kernelMin, machine.kernelStart);
    for (const { start, length } of machine.reserved) this.#take(start, start + length);
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
    let start: number = this.#machine.kernelMin;
    for (const range of this.#used) {
      if (start + length <= range.start) break;
      start = range.end;
    }
    return this.#take(start, start + length) ? allocated(address(start)) : none;
  }

  #free({ map, address: from, size }: KmemFree): Outcome {
    if (map !== 'kernel') return rejected('CONV-4');
    if (size === 0) return done;
    const start = truncPage(from);
    const end = Math.min(roundPageUnwrapped(from + size), ADDRESS_SPACE_END);
    const pieces = this.#used.flatMap((range) => [
      { start: range.start, end: Math.min(range.end, start) },
      { start: Math.max(range.start, end), end: range.end },
    ]);
    this.#used = pieces.filter((range) => range.start < range.end);
    return done;
  }

  /** Adds a range; false, and nothing changed, where it is empty, out of bounds or partly in use. */
  #take(start: number, end: number): boolean {
    const inside = start >= this.#machine.kernelMin && end <= this.#machine.kernelMax && start < end;
    if (!inside || this.#used.some((range) => range.start < end && start < range.end)) return false;
    this.#used = [...this.#used, { start, end }].sort((one, other) => one.start - other.start);
    return true;
  }
}

export default {
  declares: {
    name: 'first-fit',
    operations: ['kmem_alloc_pageable', 'kmem_free'],
    shows: ['outcomes'],
    placement: 'first-fit',
  },
  boot: (machine) => new FirstFit(machine),
} satisfies KernelModule;
