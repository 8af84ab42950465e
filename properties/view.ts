/**
 * What an invariant or a goal may look at: one kernel's whole state as plain data, kept up to date cell by cell,
 * and the step that led to it.
 */
import type { VirtualAddress } from '../contract/address.ts';
import type { AuditFinding } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { Step } from '../contract/outcome.ts';
import type {
  MappingSnapshot,
  PageTableSnapshot,
  PmapSnapshot,
  SpacesSnapshot,
  TlbEntrySnapshot,
} from '../contract/pmap.ts';
import type { SchedSnapshot } from '../contract/sched.ts';
import type { CellName, CellValue, PoolsSnapshot } from '../contract/snapshot.ts';
import type { MapName, MapSnapshot, TransitionSnapshot } from '../contract/vm-map.ts';
import type { ObjectName, ObjectSnapshot } from '../contract/vm-object.ts';
import type { CountersSnapshot, QueuesSnapshot } from '../contract/vm-page.ts';

/** The whole state of one kernel, indexed. */
export interface StateView {
  /** Live maps in creation order. */
  readonly maps: ReadonlyMap<MapName, MapSnapshot>;
  /** Live objects in creation order. */
  readonly objects: ReadonlyMap<ObjectName, ObjectSnapshot>;
  /** Usable mappings by address; iteration order is unspecified. */
  readonly mappings: ReadonlyMap<number, MappingSnapshot>;
  /** Where each mapped frame is mapped, by frame number. */
  readonly pv: ReadonlyMap<number, readonly VirtualAddress[]>;
  readonly queues: QueuesSnapshot;
  readonly counters: CountersSnapshot;
  readonly pools: PoolsSnapshot;
  readonly pmap: PmapSnapshot;
  readonly spaces: SpacesSnapshot;
  readonly sched: SchedSnapshot;
  readonly transitions: readonly TransitionSnapshot[];
}

/** A state together with the step that led to it. At boot `operation` and `step` are null and everything counts as touched. */
export interface View extends StateView {
  readonly machine: MachineConfig;
  /** Number of the operation just applied; 0 at boot. */
  readonly number: number;
  readonly operation: Operation | null;
  /** This kernel's own step. */
  readonly step: Step | null;
  /**
   * The operation that `step` answers: `operation` itself, or for a `resume` of a runnable operation the resumed one.
   */
  readonly subject: Operation | null;
  /** Number of `subject`. */
  readonly subjectNumber: number;
  /** Operations started and not yet returned, by number. */
  readonly inFlight: ReadonlyMap<number, Operation>;
  /** Cells that may have changed in this step. */
  readonly touched: readonly CellName[];
  /** Maps and objects among `touched` that exist now. */
  readonly touchedMaps: readonly MapSnapshot[];
  readonly touchedObjects: readonly ObjectSnapshot[];
  /** Addresses among `touched` whose mapping may have changed. */
  readonly touchedMappings: readonly number[];
  /** Value of a cell before this step; equal to the present one where the cell was not touched. */
  before<Name extends CellName>(name: Name): CellValue<Name>;
  /** `before` of the cell of a map, which nearly every step is asked for, without building the cell's name. */
  mapBefore(name: MapName): MapSnapshot | null;
  /** As `mapBefore`, of an object. */
  objectBefore(name: ObjectName): ObjectSnapshot | null;
  /**
   * True from the first aliasing on: an insert of an object at a foreign offset, or a submap that was detached
   * (MAP-DEL-1). Invariants marked † (`exemptWhenAliased`) are not evaluated then.
   */
  readonly aliased: boolean;
  /** The kernel's own audit, run on demand; empty for a kernel without one. */
  audit(): readonly AuditFinding[];
  /** The kernel's raw page tables, read on demand; null for a kernel without them. */
  pageTables(): PageTableSnapshot | null;
  /** What its processor has cached, read on demand; null for a kernel without a TLB. */
  tlb(): readonly TlbEntrySnapshot[] | null;
}
