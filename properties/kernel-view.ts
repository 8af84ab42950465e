/** One kernel as invariants see it: its mirrored state and the step that led there. */
import type { AuditFinding } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { Step } from '../contract/outcome.ts';
import type { PageTableSnapshot, TlbEntrySnapshot } from '../contract/pmap.ts';
import type { CellName, CellValue } from '../contract/snapshot.ts';
import type { MapName, MapSnapshot } from '../contract/vm-map.ts';
import type { ObjectName, ObjectSnapshot } from '../contract/vm-object.ts';
import { Aliasing } from './aliasing.ts';
import {
  addressOfCell,
  type CellClasses,
  isMapCell,
  isMappingCell,
  isObjectCell,
  mapOfCell,
  objectOfCell,
} from './cells.ts';
import { changedCells, sameOrder } from './equality.ts';
import { indexSnapshot } from './index-snapshot.ts';
import { blamed, blaming, type Side } from './kernel-threw.ts';
import { Mirror } from './mirror.ts';
import { stateBefore, Unison } from './mirror-unison.ts';
import type { StateView, View } from './view.ts';
import type { VisibleKernel } from './visible-kernel.ts';

/** The view of one kernel through one run. It is the same object at every step; what it yields are values to keep. */
export class KernelView implements View {
  readonly machine: MachineConfig;
  number = 0;
  operation: Operation | null = null;
  step: Step | null = null;
  subject: Operation | null = null;
  subjectNumber = 0;
  readonly inFlight = new Map<number, Operation>();
  touchedMaps: readonly MapSnapshot[] = [];
  touchedObjects: readonly ObjectSnapshot[] = [];
  touchedMappings: readonly number[] = [];

  readonly #side: Side;
  readonly #kernel: VisibleKernel;
  /** Its own, or as long as the two are in unison that of the leader. */
  #mirror: Mirror;
  #aliasing = new Aliasing();
  /** The view that this one goes along with, as long as the kernels say the same of every cell. */
  #leader: KernelView | null = null;
  #unison: Unison | null = null;
  /** What the last full look found, contents of pages included, until the next step. */
  #detailed: StateView | null = null;
  /** True while a full look has found after this step that the mirror misses nothing. */
  #isConfirmed = false;
  #findings: readonly AuditFinding[] | null = null;
  #tables: PageTableSnapshot | null = null;
  #tlb: readonly TlbEntrySnapshot[] | null = null;

  /** The view at boot. `leader`: the view of another kernel, to go along with while the two are equal. */
  constructor(side: Side, kernel: VisibleKernel, machine: MachineConfig, leader: KernelView | null = null) {
    this.machine = machine;
    this.#side = side;
    this.#kernel = kernel;
    this.#mirror = blaming(side, () => new Mirror(kernel, machine.managedPages));
    this.#collectTouched();
    this.#aliasing.observe(this);
    if (leader === null) return;
    this.#unison = Unison.begin(kernel, this.#mirror, leader.#mirror);
    if (this.#unison !== null) this.#goAlong(leader);
  }

  get maps(): ReadonlyMap<MapName, MapSnapshot> {
    return this.#detailed?.maps ?? this.#mirror.maps;
  }
  get objects(): ReadonlyMap<ObjectName, ObjectSnapshot> {
    return this.#detailed?.objects ?? this.#mirror.objects;
  }
  get mappings() {
    return this.#mirror.mappings;
  }
  get pv() {
    return this.#mirror.pv;
  }
  get queues() {
    return this.#mirror.queues;
  }
  get counters() {
    return this.#mirror.counters;
  }
  get pools() {
    return this.#mirror.pools;
  }
  get pmap() {
    return this.#mirror.pmap;
  }
  get spaces() {
    return this.#mirror.spaces;
  }
  get sched() {
    return this.#mirror.sched;
  }
  get transitions() {
    return this.#mirror.transitions;
  }
  get touched(): readonly CellName[] {
    return this.#mirror.touched;
  }
  get aliased(): boolean {
    return (this.#leader ?? this).#aliasing.aliased;
  }

  /** True where full looks have confirmed after this step that both kernels have the same value in every cell. */
  isConfirmedWith(other: KernelView): boolean {
    return this.#leader === other && this.#isConfirmed && other.#isConfirmed;
  }

  /** True while this view goes along with that one: then every cell of both kernels has the same value. */
  isInUnisonWith(other: KernelView): boolean {
    return this.#leader === other;
  }

  /** Classes of the cells that the last step changed. */
  get touchedClasses(): CellClasses {
    return this.#mirror.classes;
  }

  /** True when the last step changed that cell. */
  hasTouched(name: CellName): boolean {
    return this.#mirror.hasTouched(name);
  }

  before<Name extends CellName>(name: Name): CellValue<Name> {
    return this.#mirror.before(name);
  }

  mapBefore(name: MapName): MapSnapshot | null {
    return this.#mirror.mapBefore(name);
  }

  objectBefore(name: ObjectName): ObjectSnapshot | null {
    return this.#mirror.objectBefore(name);
  }

  audit(): readonly AuditFinding[] {
    this.#findings ??= blaming(this.#side, () => this.#kernel.audit?.() ?? []);
    return this.#findings;
  }

  pageTables(): PageTableSnapshot | null {
    this.#tables ??= blaming(this.#side, () => this.#kernel.pageTables?.() ?? null);
    return this.#tables;
  }

  tlb(): readonly TlbEntrySnapshot[] | null {
    this.#tlb ??= blaming(this.#side, () => this.#kernel.tlb?.() ?? null);
    return this.#tlb;
  }

  /**
   * Takes over what `operation` did. A panic stops the machine in the middle of something, so the view then keeps
   * the last state before it. Values that equal those of `twin`, which is ahead, are shared with it.
   */
  advance(operation: Operation, number: number, step: Step, twin: KernelView | null = null): void {
    this.#detailed = null;
    this.#isConfirmed = false;
    this.#findings = null;
    this.#tables = null;
    this.#tlb = null;
    this.number = number;
    this.operation = operation;
    this.step = step;
    this.#findSubject(operation, number, step);
    try {
      if (this.#leader !== null && this.#staysAlong(this.#leader, step)) {
        this.#goAlong(this.#leader);
        return;
      }
      if (step.outcome.kind === 'panic') this.#mirror.settle();
      else this.#mirror.refresh(twin === null ? null : twin.#mirror);
      this.#collectTouched();
      this.#aliasing.observe(this);
    } catch (error) {
      throw blamed(this.#side, error);
    }
  }

  /** Whether the kernels are still in unison after a step; where they are not, this view has its own mirror again. */
  #staysAlong(leader: KernelView, { outcome }: Step): boolean {
    const panicked = leader.step?.outcome.kind === 'panic';
    if ((outcome.kind === 'panic') === panicked && (panicked || this.#unison?.lasts() === true)) return true;
    this.#leader = null;
    this.#unison = null;
    this.#mirror = new Mirror(this.#kernel, this.machine.managedPages, stateBefore(leader.#mirror));
    this.#aliasing = leader.#aliasing.asBefore();
    return false;
  }

  #goAlong(leader: KernelView): void {
    this.#leader = leader;
    this.#mirror = leader.#mirror;
    this.touchedMaps = leader.touchedMaps;
    this.touchedObjects = leader.touchedObjects;
    this.touchedMappings = leader.touchedMappings;
  }

  /** Looks at the whole state anew, contents included. Yields the cells of the mirror that turn out to be stale. */
  lookAtAll(): { readonly stale: readonly CellName[]; readonly fresh: StateView } {
    const fresh = blaming(this.#side, () => indexSnapshot(this.#kernel.snapshot({ contents: true })));
    const stale = changedCells(this.#mirror, fresh);
    // Maps have no contents: where they are as mirrored, what was worked out for them still serves.
    const { maps } = this.#mirror;
    this.#detailed = stale.length === 0 && sameOrder(maps, fresh.maps) ? { ...fresh, maps } : fresh;
    this.#isConfirmed = stale.length === 0;
    this.#collectTouched();
    return { stale, fresh };
  }

  /** The mirror alone, for comparison with what `lookAtAll` found. */
  get mirrored(): StateView {
    return this.#mirror;
  }

  /** A resumed operation keeps its number, however often it sleeps. */
  #findSubject(operation: Operation, number: number, { outcome }: Step): void {
    const resumed = operation.kind === 'resume' ? this.inFlight.get(operation.operation) : undefined;
    if (operation.kind === 'resume' && resumed !== undefined && outcome.kind !== 'rejected') {
      this.subject = resumed;
      this.subjectNumber = operation.operation;
    } else {
      this.subject = operation;
      this.subjectNumber = number;
    }
    if (outcome.kind === 'sleep') this.inFlight.set(this.subjectNumber, this.subject);
    else if (outcome.kind !== 'panic') this.inFlight.delete(this.subjectNumber);
  }

  #collectTouched(): void {
    const maps: MapSnapshot[] = [];
    const objects: ObjectSnapshot[] = [];
    const mappings: number[] = [];
    for (const name of this.#mirror.touched) {
      if (isMappingCell(name)) mappings.push(addressOfCell(name));
      else if (isMapCell(name)) {
        const map = this.maps.get(mapOfCell(name));
        if (map !== undefined) maps.push(map);
      } else if (isObjectCell(name)) {
        const object = this.objects.get(objectOfCell(name));
        if (object !== undefined) objects.push(object);
      }
    }
    this.touchedMaps = maps;
    this.touchedObjects = objects;
    this.touchedMappings = mappings;
  }
}
