/** One kernel as invariants see it: its mirrored state and the step that led there. */
import type { AuditFinding } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { Step } from '../contract/outcome.ts';
import type { PageTableSnapshot } from '../contract/pmap.ts';
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
import { changedCells } from './equality.ts';
import { indexSnapshot } from './index-snapshot.ts';
import { blamed, blaming, type Side } from './kernel-threw.ts';
import { Mirror, type VisibleKernel } from './mirror.ts';
import type { StateView, View } from './view.ts';

/** The view of one kernel through one run. It is the same object at every step; what it yields are values to keep. */
export class KernelView implements View {
  readonly machine: MachineConfig;
  number = 0;
  operation: Operation | null = null;
  step: Step | null = null;
  subject: Operation | null = null;
  subjectNumber = 0;
  readonly inFlight = new Map<number, Operation>();
  readonly touchedMaps: MapSnapshot[] = [];
  readonly touchedObjects: ObjectSnapshot[] = [];
  readonly touchedMappings: number[] = [];

  readonly #side: Side;
  readonly #kernel: VisibleKernel;
  readonly #mirror: Mirror;
  readonly #aliasing = new Aliasing();
  /** What the last full look found, contents of pages included, until the next step. */
  #detailed: StateView | null = null;
  #findings: readonly AuditFinding[] | null = null;
  #tables: PageTableSnapshot | null = null;

  /** The view at boot. */
  constructor(side: Side, kernel: VisibleKernel, machine: MachineConfig) {
    this.machine = machine;
    this.#side = side;
    this.#kernel = kernel;
    this.#mirror = blaming(side, () => new Mirror(kernel, machine.managedPages));
    this.#collectTouched();
    this.#aliasing.observe(this);
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
    return this.#aliasing.aliased;
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

  /**
   * Takes over what `operation` did. A panic stops the machine in the middle of something, so the view then keeps
   * the last state before it. Values that equal those of `twin`, which is ahead, are shared with it.
   */
  advance(operation: Operation, number: number, step: Step, twin: KernelView | null = null): void {
    this.#detailed = null;
    this.#findings = null;
    this.#tables = null;
    this.number = number;
    this.operation = operation;
    this.step = step;
    this.#findSubject(operation, number, step);
    try {
      if (step.outcome.kind === 'panic') this.#mirror.settle();
      else this.#mirror.refresh(twin === null ? null : twin.#mirror);
      this.#collectTouched();
      this.#aliasing.observe(this);
    } catch (error) {
      throw blamed(this.#side, error);
    }
  }

  /** Looks at the whole state anew, contents included. Yields the cells of the mirror that turn out to be stale. */
  lookAtAll(): { readonly stale: readonly CellName[]; readonly fresh: StateView } {
    const fresh = blaming(this.#side, () => indexSnapshot(this.#kernel.snapshot({ contents: true })));
    const stale = changedCells(this.#mirror, fresh);
    this.#detailed = fresh;
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
    this.touchedMaps.length = 0;
    this.touchedObjects.length = 0;
    this.touchedMappings.length = 0;
    for (const name of this.#mirror.touched) {
      if (isMappingCell(name)) this.touchedMappings.push(addressOfCell(name));
      else if (isMapCell(name)) {
        const map = this.maps.get(mapOfCell(name));
        if (map !== undefined) this.touchedMaps.push(map);
      } else if (isObjectCell(name)) {
        const object = this.objects.get(objectOfCell(name));
        if (object !== undefined) this.touchedObjects.push(object);
      }
    }
  }
}
