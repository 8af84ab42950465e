/**
 * A copy of one kernel's state, kept up to date cell by cell from what the kernel says it touched,
 * together with the values that the touched cells had before.
 */
import type { FrameNumber, VirtualAddress } from '../contract/address.ts';
import type { MappingSnapshot, PmapSnapshot, SpacesSnapshot } from '../contract/pmap.ts';
import type { SchedSnapshot } from '../contract/sched.ts';
import type { CellName, CellValue, PoolsSnapshot } from '../contract/snapshot.ts';
import type { MapName, MapSnapshot, TransitionSnapshot } from '../contract/vm-map.ts';
import type { ObjectName, ObjectSnapshot } from '../contract/vm-object.ts';
import type { CountersSnapshot, QueuesSnapshot } from '../contract/vm-page.ts';
import {
  addressOfCell,
  type CellClasses,
  cellNames,
  classOfCell,
  EVERY_CELL,
  frameOfCell,
  isMapCell,
  isMappingCell,
  isObjectCell,
  isPvCell,
  type MappingCell,
  mapOfCell,
  NO_CELLS,
  objectOfCell,
  type PvCell,
  readCell,
  type SingleCell,
} from './cells.ts';
import {
  changedCells,
  sameCounters,
  sameMap,
  sameMapping,
  sameNumbers,
  sameObject,
  samePmap,
  samePools,
  sameSched,
  sameSpaces,
  sameTransitions,
} from './equality.ts';
import type { StateView } from './view.ts';
import { type CellKernel, hasCells, presentState, type VisibleKernel } from './visible-kernel.ts';

/** One kernel's state as last told. Values are replaced, never changed, so old ones may be kept. */
export class Mirror implements StateView {
  readonly maps: Map<MapName, MapSnapshot>;
  readonly objects: Map<ObjectName, ObjectSnapshot>;
  readonly mappings: Map<number, MappingSnapshot>;
  readonly pv: Map<number, readonly VirtualAddress[]>;
  queues: QueuesSnapshot;
  counters: CountersSnapshot;
  pools: PoolsSnapshot;
  pmap: PmapSnapshot;
  spaces: SpacesSnapshot;
  sched: SchedSnapshot;
  transitions: readonly TransitionSnapshot[];
  /** Cells that the last refresh changed, each once; all cells after construction. */
  touched: CellName[];
  /** The classes of those cells. */
  classes: CellClasses = EVERY_CELL;

  readonly #kernel: VisibleKernel;
  /** Frames below this number have a pv list. */
  readonly #managedPages: number;
  readonly #previous = new Map<CellName, CellValue<CellName>>();
  /** Of those the maps and objects, by their own names. */
  readonly #previousMaps = new Map<MapName, MapSnapshot | null>();
  readonly #previousObjects = new Map<ObjectName, ObjectSnapshot | null>();

  /** `state`: what the kernel shows now, or showed before it is refreshed for the first time. */
  constructor(kernel: VisibleKernel, managedPages: number, state = presentState(kernel)) {
    this.maps = new Map(state.maps);
    this.objects = new Map(state.objects);
    this.mappings = new Map(state.mappings);
    this.pv = new Map(state.pv);
    this.queues = state.queues;
    this.counters = state.counters;
    this.pools = state.pools;
    this.pmap = state.pmap;
    this.spaces = state.spaces;
    this.sched = state.sched;
    this.transitions = state.transitions;
    this.touched = cellNames(state);
    this.#kernel = kernel;
    this.#managedPages = managedPages;
  }

  /** Value that a cell had before the last refresh. */
  before<Name extends CellName>(name: Name): CellValue<Name> {
    const previous = this.#previous.get(name);
    // The table holds under each name a value of that cell: a column accessor's cast.
    return previous === undefined ? readCell(this, name) : (previous as CellValue<Name>);
  }

  /** `before` of a map. */
  mapBefore(name: MapName): MapSnapshot | null {
    const previous = this.#previousMaps.get(name);
    return previous === undefined ? (this.maps.get(name) ?? null) : previous;
  }

  /** `before` of an object. */
  objectBefore(name: ObjectName): ObjectSnapshot | null {
    const previous = this.#previousObjects.get(name);
    return previous === undefined ? (this.objects.get(name) ?? null) : previous;
  }

  /** True when the last refresh changed that cell. */
  hasTouched(name: CellName): boolean {
    return this.#previous.has(name);
  }

  /** Forgets what was touched: nothing changed since. */
  settle(): void {
    this.touched = [];
    this.classes = NO_CELLS;
    if (this.#previous.size === 0) return;
    this.#previous.clear();
    if (this.#previousMaps.size > 0) this.#previousMaps.clear();
    if (this.#previousObjects.size > 0) this.#previousObjects.clear();
  }

  /**
   * Takes over what the last operation changed. Where a new value equals that of `twin`, another kernel's state,
   * the twin's own is kept: so the two can be compared at a glance, and what is computed from it is computed once.
   */
  refresh(twin: StateView | null): void {
    this.settle();
    if (hasCells(this.#kernel)) this.#refreshCells(this.#kernel, twin);
    else this.#refreshWhole(presentState(this.#kernel));
  }

  #refreshCells(kernel: CellKernel, twin: StateView | null): void {
    const objects = this.objects.size;
    for (const name of kernel.touched()) if (!this.#previous.has(name)) this.#refreshCell(kernel, name, twin);
    if (this.objects.size > objects + 1) this.#restoreCreationOrder();
  }

  #refreshCell(kernel: CellKernel, name: CellName, twin: StateView | null): void {
    if (isMappingCell(name)) this.#refreshMapping(kernel, name, twin);
    else if (isPvCell(name)) this.#refreshPv(kernel, name, frameOfCell(name));
    else if (isMapCell(name)) {
      const map = mapOfCell(name);
      this.#refreshEntry(this.maps, map, name, kernel.cell(name), twin?.maps.get(map), sameMap);
    } else if (isObjectCell(name)) {
      const object = objectOfCell(name);
      this.#refreshEntry(
        this.objects,
        object,
        name,
        kernel.cell(name),
        twin?.objects.get(object),
        sameObject,
      );
    } else this.#refreshSingle(kernel, name, twin);
  }

  #refreshEntry<Key, Value extends CellValue<CellName>>(
    table: Map<Key, Value>,
    key: Key,
    name: CellName,
    shown: Value | null,
    twin: Value | undefined,
    same: (one: Value | undefined, other: Value | undefined) => boolean,
  ): void {
    const old = table.get(key);
    const isTwins = twin !== undefined && shown !== null && same(twin, shown);
    const fresh = isTwins ? twin : (shown ?? undefined);
    // Where nothing changed, the old value most often is the twin's already.
    if (same(old, fresh)) return;
    this.#remember(name, old ?? null);
    if (fresh === undefined) table.delete(key);
    else table.set(key, fresh);
  }

  #remember(name: CellName, value: CellValue<CellName>): void {
    this.#previous.set(name, value);
    this.touched.push(name);
    this.classes |= classOfCell(name);
    // The name tells which of the two a value is.
    if (isMapCell(name)) this.#previousMaps.set(mapOfCell(name), value as MapSnapshot | null);
    else if (isObjectCell(name))
      this.#previousObjects.set(objectOfCell(name), value as ObjectSnapshot | null);
  }

  #refreshMapping(kernel: CellKernel, name: MappingCell, twin: StateView | null): void {
    const at = addressOfCell(name);
    const left = this.mappings.get(at)?.frame;
    this.#refreshEntry(this.mappings, at, name, kernel.cell(name), twin?.mappings.get(at), sameMapping);
    const entered = this.mappings.get(at)?.frame;
    if (left === entered) return;
    // A mapping that moved changes the pv lists of the frame it left and of the frame it now names.
    if (left !== undefined) this.#refreshPvOf(kernel, left);
    if (entered !== undefined) this.#refreshPvOf(kernel, entered);
  }

  #refreshPvOf(kernel: CellKernel, frame: FrameNumber): void {
    if (frame >= this.#managedPages) return;
    const name: PvCell = `pv:${frame}`;
    if (!this.#previous.has(name)) this.#refreshPv(kernel, name, frame);
  }

  #refreshPv(kernel: CellKernel, name: PvCell, frame: number): void {
    const addresses = kernel.cell(name);
    const old = this.pv.get(frame) ?? [];
    if (sameNumbers(old, addresses)) return;
    this.#remember(name, old);
    if (addresses.length > 0) this.pv.set(frame, addresses);
    else this.pv.delete(frame);
  }

  #refreshSingle(kernel: CellKernel, name: SingleCell, twin: StateView | null): void {
    switch (name) {
      case 'queue:free':
      case 'queue:active':
      case 'queue:inactive':
        this.#refreshQueue(kernel, name, twin);
        break;
      case 'counters':
        this.counters = this.#taken(name, this.counters, kernel.cell(name), twin?.counters, sameCounters);
        break;
      case 'pools':
        this.pools = this.#taken(name, this.pools, kernel.cell(name), twin?.pools, samePools);
        break;
      case 'pmap:kernel':
        this.pmap = this.#taken(name, this.pmap, kernel.cell(name), twin?.pmap, samePmap);
        break;
      case 'spaces':
        this.spaces = this.#taken(name, this.spaces, kernel.cell(name), twin?.spaces, sameSpaces);
        break;
      case 'sched':
        this.sched = this.#taken(name, this.sched, kernel.cell(name), twin?.sched, sameSched);
        break;
      case 'transitions':
        this.transitions = this.#taken(
          name,
          this.transitions,
          kernel.cell(name),
          twin?.transitions,
          sameTransitions,
        );
        break;
    }
  }

  #refreshQueue(
    kernel: CellKernel,
    name: 'queue:free' | 'queue:active' | 'queue:inactive',
    twin: StateView | null,
  ): void {
    const field = QUEUE_FIELD[name];
    const old = this.queues[field];
    const frames = this.#taken(name, old, kernel.cell(name), twin?.queues[field], sameNumbers);
    if (frames !== old) this.queues = { ...this.queues, [field]: frames };
  }

  /** The value to keep of a cell: the old one if nothing changed, the twin's if it is equal, else the new one. */
  #taken<Value extends CellValue<CellName>>(
    name: SingleCell,
    old: Value,
    fresh: Value,
    twin: Value | undefined,
    same: (one: Value, other: Value) => boolean,
  ): Value {
    const taken = twin !== undefined && same(twin, fresh) ? twin : fresh;
    if (same(old, taken)) return old;
    this.#remember(name, old);
    return taken;
  }

  /** Several objects born in one operation are touched in any order; their serial numbers tell the order of birth. */
  #restoreCreationOrder(): void {
    const serial = (name: ObjectName): number =>
      name.startsWith('anon') ? Number(name.slice('anon'.length)) : 0;
    const anonymous = [...this.objects].filter(([name]) => serial(name) > 0);
    anonymous.sort(([one], [other]) => serial(one) - serial(other));
    // Others are born one at a time and stand where they are.
    const ordered = [...this.objects].map((entry) =>
      serial(entry[0]) > 0 ? (anonymous.shift() ?? entry) : entry,
    );
    this.objects.clear();
    for (const [name, object] of ordered) this.objects.set(name, object);
  }

  /** For kernels that show whole snapshots only: what is touched is found by comparing. */
  #refreshWhole(fresh: StateView): void {
    for (const name of changedCells(this, fresh)) this.#remember(name, readCell(this, name));
    refill(this.maps, fresh.maps);
    refill(this.objects, fresh.objects);
    refill(this.mappings, fresh.mappings);
    refill(this.pv, fresh.pv);
    this.queues = fresh.queues;
    this.counters = fresh.counters;
    this.pools = fresh.pools;
    this.pmap = fresh.pmap;
    this.spaces = fresh.spaces;
    this.sched = fresh.sched;
    this.transitions = fresh.transitions;
  }
}

const QUEUE_FIELD = { 'queue:free': 'free', 'queue:active': 'active', 'queue:inactive': 'inactive' } as const;

function refill<Key, Value>(table: Map<Key, Value>, fresh: ReadonlyMap<Key, Value>): void {
  table.clear();
  for (const [key, value] of fresh) table.set(key, value);
}
