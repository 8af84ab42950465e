/** A machine, a scenario that fills every part of the state, and kernels that are the reference model but for one lie. */
import { address, bytes, objectOffset, pages } from '../../contract/address.ts';
import type { KernelDeclaration, KernelModule, ObservableKernel } from '../../contract/kernel-memory.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';
import type { Step } from '../../contract/outcome.ts';
import type { CellName, Snapshot } from '../../contract/snapshot.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { cellNames, readCell } from '../../properties/cells.ts';
import { indexSnapshot } from '../../properties/index-snapshot.ts';
import type { Invariant } from '../../properties/invariant.ts';
import type { LockstepOptions } from '../../properties/lockstep.ts';
import type { View } from '../../properties/view.ts';

export const BASE = 0xfe00_0000;
/** Address of the nth page of the kernel map. */
export const at = (page: number) => address(BASE + page * 4096);

/** Ten frames (one of them scratch), a two-page boot entry, 64 pages of kernel map. */
export const MACHINE: MachineConfig = {
  managedPages: 10,
  deviceFrames: 1,
  kernelMin: at(0),
  kernelStart: at(2),
  kernelMax: at(64),
  mapEntries: 24,
  staticMaps: 10,
  kmemObjectSize: bytes(0x1_0000),
  freeMin: 0,
  freeTarget: 0,
  inactiveTarget: 0,
  reserved: [],
  scratchPages: 1,
  scratchWindow: { start: at(0), end: at(1) },
};

/** Ends with pages on every queue, anonymous and base objects, a submap, one sleeper and one runnable operation. */
export const BUSY: readonly Operation[] = [
  { kind: 'kmem_suballoc', name: 'kmem', parent: 'kernel', size: pages(8), pageable: false },
  { kind: 'kmem_alloc', map: 'kernel', size: pages(2) },
  { kind: 'kmem_malloc', map: 'kmem', size: pages(1), canWait: false },
  { kind: 'kmem_alloc_pageable', map: 'kernel', size: pages(3) },
  { kind: 'checked_write', map: 'kernel', address: at(12), byte: 7 },
  { kind: 'checked_write', map: 'kernel', address: at(13), byte: 9 },
  { kind: 'vm_page_deactivate', map: 'kernel', address: at(13) },
  {
    kind: 'vm_map_insert',
    map: 'kernel',
    object: 'anon',
    offset: objectOffset(0),
    start: at(20),
    end: at(22),
  },
  { kind: 'kmem_alloc_wait', map: 'kmem', size: pages(8) },
  { kind: 'kmem_free_wakeup', map: 'kmem', address: at(9), size: bytes(0) },
  { kind: 'kmem_alloc', map: 'kernel', size: pages(5) },
  { kind: 'vm_map_lookup_entry', map: 'kernel', address: at(12) },
];

/** Compares exactly, with a full look after every step. */
export const options = (candidate: KernelModule, more: Partial<LockstepOptions> = {}): LockstepOptions => ({
  reference: referenceKernel,
  candidate,
  compare: true,
  invariants: [],
  fullEvery: 1,
  ...more,
});

/** What a tampered kernel does otherwise than the model; left out: as the model does. */
export interface Tampering {
  readonly declares?: Partial<KernelDeclaration>;
  readonly step?: (step: Step, number: number, operation: Operation) => Step;
  /** Changes what is shown after the operation with that number; cells follow. */
  readonly snapshot?: (snapshot: Snapshot, number: number) => Snapshot;
  readonly touched?: (touched: readonly CellName[], number: number) => readonly CellName[];
}

/** The reference model with one lie. */
export function tampered(tampering: Tampering): KernelModule<ObservableKernel> {
  return {
    declares: { ...referenceKernel.declares, name: 'tampered', ...tampering.declares },
    boot(machine) {
      const kernel = referenceKernel.boot(machine);
      let now = 0;
      const snapshot: ObservableKernel['snapshot'] = (wanted) =>
        tampering.snapshot?.(kernel.snapshot(wanted), now) ?? kernel.snapshot(wanted);
      return {
        apply(operation, number) {
          now = number;
          const step = kernel.apply(operation, number);
          return tampering.step?.(step, number, operation) ?? step;
        },
        snapshot,
        cell: (name) => readCell(indexSnapshot(snapshot({ contents: false })), name),
        touched: () => tampering.touched?.(kernel.touched(), now) ?? kernel.touched(),
      };
    },
  };
}

/** Every cell of a snapshot. */
export const allCells = (snapshot: Snapshot): CellName[] => cellNames(indexSnapshot(snapshot));

/** An invariant that fails wherever `broken` says so. */
export const claiming = (broken: (view: View) => boolean, more: Partial<Invariant> = {}): Invariant => ({
  id: 'INV-TEST',
  claim: 'The test holds.',
  source: 'this test',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: [],
  watch: () => ({ violations: (view) => (broken(view) ? ['it does not'] : []) }),
  ...more,
});
