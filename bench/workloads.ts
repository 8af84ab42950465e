/**
 * The two allocation workloads of the golden set: A places and frees address space in a
 * fragmented kernel map, B does the same with pages in kmem. The checksum covers every address returned, so one wrong
 * address shows.
 */
import { address, bytes, PAGE_SIZE, pages, type VirtualAddress } from '../contract/address.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import { type MachineConfig, TRACE_KMEM_OBJECT_SIZE } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';

export type WorkloadName = 'A' | 'B';

/** One run: `entries` counts the map entries of the workload's map before and after all steps. */
export interface WorkloadResult {
  readonly workload: WorkloadName;
  readonly n: number;
  readonly steps: number;
  readonly entriesBefore: number;
  readonly entriesAfter: number;
  /** Allocations that found no room, warm-up included. */
  readonly failed: number;
  readonly checksum: number;
  readonly nanosecondsPerStep: number;
}

/** What a run must yield for one (workload, n), as the original C code does. */
export interface RecordedRun extends Omit<WorkloadResult, 'nanosecondsPerStep'> {
  /** Of the original C code, on the machine that recorded it; good for its growth only. */
  readonly originalNanosecondsPerStep: number;
}

const recorded = (
  workload: WorkloadName,
  n: number,
  steps: number,
  [entriesBefore, entriesAfter]: readonly [number, number],
  checksum: number,
  originalNanosecondsPerStep: number,
): RecordedRun => ({
  workload,
  n,
  steps,
  entriesBefore,
  entriesAfter,
  failed: 0,
  checksum,
  originalNanosecondsPerStep,
});

export const RECORDED_RUNS: readonly RecordedRun[] = [
  recorded('A', 10, 1_000_000, [25, 25], 3437363200, 93),
  recorded('A', 100, 1_000_000, [108, 111], 4078534656, 203),
  recorded('A', 1_000, 200_000, [1010, 1011], 3260309504, 1_161),
  recorded('A', 10_000, 20_000, [10007, 10010], 2538795008, 10_261),
  recorded('B', 10, 1_000_000, [21, 20], 2631835648, 460),
  recorded('B', 100, 1_000_000, [103, 102], 1591803904, 654),
  recorded('B', 1_000, 200_000, [1002, 1004], 2131492864, 2_599),
  recorded('B', 10_000, 20_000, [10003, 10001], 1159696384, 26_952),
];

const WARM_UP_STEPS = 1_000;
const SLOTS = 64;
const KERNEL_MIN = 0x8000_0000;
const BOOT_PAGES = 16;
/** Pages of workload A's machine, which never touches one. */
const IDLE_PAGES = 16;
const SPARE_PAGES = 512;
const SPARE_KMEM_PAGES = 4096;

/** The generator of the recording: xorshift32 from its fixed first state. */
function xorshift32(): () => number {
  let x = 2463534242 | 0;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

interface Piece {
  readonly length: number;
  readonly gap: number;
}

function drawPieces(workload: WorkloadName, n: number, random: () => number): Piece[] {
  return Array.from({ length: n }, () => {
    const length = workload === 'A' ? 1 + (random() % 4) : 1;
    return { length, gap: 1 + (random() % 4) };
  });
}

function machineFor(managedPages: number, n: number): MachineConfig {
  return {
    managedPages,
    deviceFrames: 0,
    kernelMin: address(KERNEL_MIN),
    kernelStart: address(KERNEL_MIN + BOOT_PAGES * PAGE_SIZE),
    kernelMax: address(0xf000_0000),
    mapEntries: 2 * n + 1000,
    staticMaps: 10,
    kmemObjectSize: bytes(TRACE_KMEM_OBJECT_SIZE),
    freeMin: 0,
    freeTarget: 0,
    inactiveTarget: 0,
    reserved: [],
    scratchPages: 0,
    scratchWindow: null,
  };
}

/** A kernel that numbers its operations itself and answers allocations with an address, or 0 where there is no room. */
function bootCaller(module: KernelModule, machine: MachineConfig) {
  const kernel = module.boot(machine);
  let number = 0;
  return {
    allocate: (operation: Operation): number => {
      const { outcome } = kernel.apply(operation, ++number);
      return outcome.kind === 'address' ? outcome.address : 0;
    },
    run: (operation: Operation): void => {
      kernel.apply(operation, ++number);
    },
    entryCount: (map: string): number => kernel.cell?.(`map:${map}`)?.entryCount ?? 0,
  };
}

type Caller = ReturnType<typeof bootCaller>;

/** What the steps allocate and free with. */
interface Ground {
  readonly map: string;
  readonly caller: Caller;
  readonly allocate: (pageCount: number) => number;
  readonly largest: number;
}

function prepareA(module: KernelModule, n: number, random: () => number): Ground {
  const pieces = drawPieces('A', n, random);
  const caller = bootCaller(module, machineFor(IDLE_PAGES, n));
  const allocate = (count: number) =>
    caller.allocate({ kind: 'kmem_alloc_pageable', map: 'kernel', size: pages(count) });
  let at = allocate(pieces.reduce((sum, { length, gap }) => sum + length + gap, 0));
  for (const { length, gap } of pieces) {
    at += length * PAGE_SIZE;
    caller.run({ kind: 'kmem_free', map: 'kernel', address: address(at), size: pages(gap) });
    at += gap * PAGE_SIZE;
  }
  return { map: 'kernel', caller, allocate, largest: 8 };
}

function prepareB(module: KernelModule, n: number, random: () => number): Ground {
  const pieces = drawPieces('B', n, random);
  const total = pieces.reduce((sum, { length, gap }) => sum + length + gap, 0);
  const caller = bootCaller(module, machineFor(total + SPARE_PAGES, n));
  const size = pages(total + SPARE_KMEM_PAGES);
  caller.run({ kind: 'kmem_suballoc', name: 'kmem', parent: 'kernel', size, pageable: false });
  const allocate = (count: number) =>
    caller.allocate({ kind: 'kmem_malloc', map: 'kmem', size: pages(count), canWait: false });
  const gaps = pieces.map(({ length, gap }) => {
    allocate(length);
    return { start: allocate(gap), size: pages(gap) };
  });
  for (const { start, size: freed } of gaps)
    caller.run({ kind: 'kmem_free', map: 'kmem', address: address(start), size: freed });
  return { map: 'kmem', caller, allocate, largest: 4 };
}

/**
 * Runs one workload with `steps` timed steps after the warm-up, on the optimized kernel unless another is given; `now` reads a
 * clock in nanoseconds.
 */
export function runWorkload(
  workload: WorkloadName,
  { n, steps }: { readonly n: number; readonly steps: number },
  now: () => number,
  module: KernelModule = optimizedKernel,
): WorkloadResult {
  const random = xorshift32();
  const prepare = workload === 'A' ? prepareA : prepareB;
  const ground = prepare(module, n, random);
  const { map, caller, allocate, largest } = ground;
  const slots: ({ readonly at: VirtualAddress; readonly count: number } | undefined)[] = Array.from({
    length: SLOTS,
  });
  let checksum = 0;
  let failed = 0;
  const step = () => {
    const slot = random() % SLOTS;
    const held = slots[slot];
    if (held !== undefined) {
      caller.run({ kind: 'kmem_free', map, address: held.at, size: pages(held.count) });
      slots[slot] = undefined;
      return;
    }
    const count = 1 + (random() % largest);
    const at = allocate(count);
    checksum = (checksum * 31 + at) % 0x1_0000_0000;
    if (at === 0) failed++;
    else slots[slot] = { at: address(at), count };
  };

  for (let i = 0; i < WARM_UP_STEPS; i++) step();
  const entriesBefore = caller.entryCount(map);
  const started = now();
  for (let i = 0; i < steps; i++) step();
  const nanosecondsPerStep = (now() - started) / steps;
  return {
    workload,
    n,
    steps,
    entriesBefore,
    entriesAfter: caller.entryCount(map),
    failed,
    checksum,
    nanosecondsPerStep,
  };
}
