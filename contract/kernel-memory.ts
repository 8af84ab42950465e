/** The small interface that any kernel under test satisfies, the reference model included. */
import type { MachineConfig } from './machine.ts';
import type { Operation, OperationKind } from './operation.ts';
import type { Outcome, Step } from './outcome.ts';
import type { MemoryImage, PageTableSnapshot, TlbEntrySnapshot } from './pmap.ts';
import type { RuleId } from './rules.ts';
import type { CellName, CellValue, Snapshot } from './snapshot.ts';

/**
 * What a kernel lets be compared. `outcomes`: results of operations. `maps`, `objects`, `pages`, `pmap`: those parts
 * of the snapshot at level `contract`. `structure`: everything at level `bsd` (entry boundaries, orders, frames, counts).
 */
export type Show = 'outcomes' | 'maps' | 'objects' | 'pages' | 'pmap' | 'structure';
export const SHOWS: readonly Show[] = ['outcomes', 'maps', 'objects', 'pages', 'pmap', 'structure'];

/** What a kernel says about itself; generators, goals, comparison and invariants keep to it. */
export interface KernelDeclaration {
  readonly name: string;
  readonly operations: readonly OperationKind[];
  readonly shows: readonly Show[];
  /**
   * `first-fit`: allocators return the lowest address that fits. `any`: whichever legal address, or none even where a hole
   * exists; the reference then follows the candidate's choice.
   */
  readonly placement: 'first-fit' | 'any';
}

/** One representation invariant that does not hold, found by the kernel's own audit. */
export interface AuditFinding {
  /** An ID of INVARIANTS.md, or INV-AUDIT for a rule that only this kernel has. */
  readonly invariant: string;
  readonly witness: string;
}

export interface KernelMemory {
  /**
   * Runs one operation to its end, its sleep or its panic. `number` is its position in the scenario, from 1,
   * strictly increasing; `resume` and `woken` name operations by it. Throws only on a bug of the kernel.
   */
  apply(operation: Operation, number: number): Step;
  /** The whole state. `contents` adds the bytes of every resident page. Needed when `shows` goes beyond outcomes. */
  snapshot?(options: { readonly contents: boolean }): Snapshot;
  /** One named part of the state, without building the rest. */
  cell?<Name extends CellName>(name: Name): CellValue<Name>;
  /** A superset of the cells that the last `apply` changed; comparison falls back to whole snapshots without it. */
  touched?(): readonly CellName[];
  /** Representation invariants (index, hints, links) that do not hold now. */
  audit?(): readonly AuditFinding[];
  /** The raw page tables, for kernels that have real ones. */
  pageTables?(): PageTableSnapshot;
  /** What the processor has cached, ascending by address, for kernels that have a TLB. */
  tlb?(): readonly TlbEntrySnapshot[];
  /** RAM with those page tables in it, for a CPU to walk. */
  memoryImage?(): MemoryImage;
}

/** A kernel with everything observable. */
export type ObservableKernel = KernelMemory & Required<Pick<KernelMemory, 'snapshot' | 'cell' | 'touched'>>;

/** The reference model. */
export interface ReferenceKernel extends ObservableKernel {
  /**
   * As `apply`, but where the operation allocates an address, follows the candidate's outcome if it is legal:
   * an address that is aligned, in bounds and free is taken, `none` is obeyed. An illegal choice is ignored,
   * so that the outcomes differ.
   */
  applyPlaced(operation: Operation, number: number, candidate: Outcome): Step;
  /** How often each rule has been exercised since boot. */
  readonly rules: ReadonlyMap<RuleId, number>;
  /** What an exhaustive search has to know of a state that its snapshot does not show. */
  unshown(): Unshown;
}

/**
 * Words for what the reference keeps beside its snapshot, operations in flight apart: with equal snapshots, equal words
 * and nothing in flight, two machines answer alike for ever.
 */
export interface Unshown {
  /** Contents of each frame, by number: the free ones and the device frames too. */
  readonly frames: readonly string[];
  readonly rest: string;
}

/** What a kernel module exports (default export for `--kernel`). */
export interface KernelModule<Kernel extends KernelMemory = KernelMemory> {
  readonly declares: KernelDeclaration;
  /** Boots a fresh machine; two machines share nothing. */
  readonly boot: (machine: MachineConfig) => Kernel;
}
