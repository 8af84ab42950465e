/**
 * What operations on page tables cost: on ranges without page tables by the table, on mappings by the page, however
 * many others there are.
 */
import {
  address,
  bytes,
  frameNumber,
  PAGE_SIZE,
  PDE_SPAN,
  type VirtualAddress,
} from '../contract/address.ts';
import type { KernelMemory } from '../contract/kernel-memory.ts';
import { type MachineConfig, TRACE_KMEM_OBJECT_SIZE } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import { VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';

/** One measured operation. */
export interface PageTableRow {
  readonly what: string;
  /** What the cost is divided by: page tables, or pages mapped beforehand. */
  readonly n: number;
  /** Median nanoseconds of one operation. */
  readonly nanoseconds: number;
  /** The same for each of the n, where the operation is about all of them; otherwise null. */
  readonly each: number | null;
}

const MEBIBYTE = 0x10_0000;
const GIBIBYTE = 1024 * MEBIBYTE;
const ROUNDS = 9;
const KERNEL_MIN = address(0xfe00_0000);
/** Where user mappings begin; a line below stays empty. */
const USER_MIN = 2 * PDE_SPAN;
const PMAP = 'u0';

/** A machine with so many frames for direct operations on a user pmap, and enough others for its page tables. */
const machineWith = (frames: number): MachineConfig => ({
  managedPages: frames + Math.ceil((frames * PAGE_SIZE) / PDE_SPAN) + 8,
  deviceFrames: 0,
  kernelMin: KERNEL_MIN,
  kernelStart: KERNEL_MIN,
  kernelMax: address(KERNEL_MIN + MEBIBYTE),
  mapEntries: 40,
  staticMaps: 10,
  kmemObjectSize: bytes(TRACE_KMEM_OBJECT_SIZE),
  freeMin: 0,
  freeTarget: 0,
  inactiveTarget: 0,
  reserved: [],
  scratchPages: frames,
  scratchWindow: null,
});

/** A kernel with one user pmap, and a way to run operations that must succeed. */
function booted(frames: number): (operation: Operation) => void {
  const kernel: KernelMemory = optimizedKernel.boot(machineWith(frames));
  let number = 0;
  const run = (operation: Operation): void => {
    number++;
    const { outcome } = kernel.apply(operation, number);
    if (outcome.kind !== 'done' && outcome.kind !== 'flag')
      throw new Error(`the bench met ${outcome.kind} of ${operation.kind}`);
  };
  run({ kind: 'pmap_pinit', name: PMAP });
  return run;
}

const enter = (va: VirtualAddress, frame: number): Operation => ({
  kind: 'pmap_enter',
  pmap: PMAP,
  address: va,
  frame: frameNumber(frame),
  protection: VM_PROT_READ | VM_PROT_WRITE,
  wired: false,
});
const remove = (start: number, length: number): Operation => ({
  kind: 'pmap_remove',
  pmap: PMAP,
  start: address(start),
  end: address(start + length),
});
const protect = (start: number, length: number): Operation => ({
  kind: 'pmap_protect',
  pmap: PMAP,
  start: address(start),
  end: address(start + length),
  protection: VM_PROT_READ,
});

/** Median over the rounds of the nanoseconds that one of `count` calls takes; `prepare` is not counted. */
function timed(now: () => number, count: number, call: (i: number) => void, prepare: () => void): number {
  const times: number[] = [];
  // As many rounds again come first, for the compiler.
  for (let round = -ROUNDS; round < ROUNDS; round++) {
    prepare();
    const start = now();
    for (let i = 0; i < count; i++) call(i);
    if (round >= 0) times.push((now() - start) / count);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(ROUNDS / 2)] ?? Number.NaN;
}

const nothing = (): void => {};
const CALLS = 500;

function* emptiness(now: () => number): Generator<PageTableRow> {
  for (const [name, operation] of [
    ['pmap_remove', remove],
    ['pmap_protect', protect],
  ] as const)
    for (const length of [64 * MEBIBYTE, 256 * MEBIBYTE, GIBIBYTE]) {
      const run = booted(1);
      // A table on either side, so that the pmap is not empty.
      run(enter(address(USER_MIN), 0));
      run(enter(address(USER_MIN + length + PDE_SPAN), 0));
      const asked = operation(USER_MIN + PDE_SPAN, length);
      const tables = length / PDE_SPAN;
      const nanoseconds = timed(now, CALLS, () => run(asked), nothing);
      yield {
        what: `${name} of ${length / MEBIBYTE} MiB without page tables`,
        n: tables,
        nanoseconds,
        each: nanoseconds / tables,
      };
    }
}

/** Entering and removing single pages with n others mapped, each in a frame of its own or all in one. */
function* singlePages(now: () => number): Generator<PageTableRow> {
  for (const [where, frameOf] of [
    ['in frames of their own', (page: number) => page],
    ['in the same frame', () => 0],
  ] as const)
    for (const n of [1000, 10_000, 100_000]) {
      const run = booted(n + 1);
      const base = USER_MIN + PAGE_SIZE;
      const fill = (): void => {
        run(remove(base, n * PAGE_SIZE));
        for (let page = 0; page < n; page++) run(enter(address(base + page * PAGE_SIZE), frameOf(page)));
      };
      run(enter(address(USER_MIN), n));
      // The longest mapped go first: whatever lists mappings by age has them at one of its ends.
      const nanoseconds = timed(now, CALLS, (i) => run(remove(base + i * PAGE_SIZE, PAGE_SIZE)), fill);
      yield { what: `pmap_remove of a page, others ${where}`, n, nanoseconds, each: null };
      const entering = timed(
        now,
        CALLS,
        (i) => run(enter(address(base + i * PAGE_SIZE), frameOf(i))),
        () => run(remove(base, CALLS * PAGE_SIZE)),
      );
      yield { what: `pmap_enter of a page, others ${where}`, n, nanoseconds: entering, each: null };
    }
}

/** Runs the bench. `now` is a clock in nanoseconds, `note` is told what is under way. */
export function benchPageTables(now: () => number, note: (text: string) => void): PageTableRow[] {
  note('page tables: ranges without any');
  const rows = [...emptiness(now)];
  note('page tables: single pages');
  return [...rows, ...singlePages(now)];
}
