/**
 * A copy of one kernel's state, kept up to date cell by cell from what the kernel says it touched,
 * together with the values that the touched cells had before.
 */
import type { FrameNumber, VirtualAddress } from '../contract/address.ts';
import type { KernelMemory } from '../contract/kernel-memory.ts';
import type { MappingSnapshot, PmapSnapshot } from '../contract/pmap.ts';
import type { SchedSnapshot } from '../contract/sched.ts';
import type { CellName, CellValue, PoolsSnapshot, Snapshot } from '../contract/snapshot.ts';
import type { MapName, MapSnapshot, TransitionSnapshot } from '../contract/vm-map.ts';
import type { ObjectName, ObjectSnapshot } from '../contract/vm-object.ts';
import type { CountersSnapshot, QueuesSnapshot } from '../contract/vm-page.ts';
import {
  addressOfCell,
  cellNames,
  frameOfCell,
  isMapCell,
  isMappingCell,
  isObjectCell,
  isPvCell,
  type MappingCell,
  mapOfCell,
  objectOfCell,
  type PvCell,
  readCell,
  type SingleCell,
} from './cells.ts';
import { sameCell, sameState } from './equality.ts';
import type { StateView } from './view.ts';

/** A kernel whose state can be read at all. */
export type VisibleKernel = KernelMemory & Required<Pick<KernelMemory, 'snapshot'>>;
type CellKernel = KernelMemory & Required<Pick<KernelMemory, 'cell' | 'touched'>>;

const hasCells = (kernel: KernelMemory): kernel is CellKernel =>
  kernel.cell !== undefined && kernel.touched !== undefined;

/** Puts a snapshot into the indexed form that invariants read. */
export function indexSnapshot(snapshot: Snapshot): StateView {
  return {
    maps: new Map(snapshot.maps.map((map) => [map.name, map])),
    objects: new Map(snapshot.objects.map((object) => [object.name, object])),
    mappings: new Map(snapshot.mappings.map((mapping) => [mapping.address, mapping])),
    pv: new Map(snapshot.pv.map(({ frame, addresses }) => [frame, addresses])),
    queues: snapshot.queues,
    counters: snapshot.counters,
    pools: snapshot.pools,
    pmap: snapshot.pmap,
    sched: snapshot.sched,
    transitions: snapshot.transitions,
  };
}

/** Cells whose values differ between two states of one kernel, contents apart. */
export function changedCells(old: StateView, fresh: StateView): CellName[] {
  if (sameState(old, fresh, true)) return [];
  const names = new Set([...cellNames(old), ...cellNames(fresh)]);
  return [...names].filter((name) => !sameCell(name, old, fresh));
}

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
  sched: SchedSnapshot;
  transitions: readonly TransitionSnapshot[];
  /** Cells of the last refresh, each once; all cells after construction. */
  touched: CellName[];

  readonly #kernel: VisibleKernel;
  /** Frames below this number have a pv list. */
  readonly #managedPages: number;
  readonly #previous = new Map<CellName, CellValue<CellName>>();

  constructor(kernel: VisibleKernel, managedPages: number) {
    const state = indexSnapshot(kernel.snapshot({ contents: false }));
    this.maps = new Map(state.maps);
    this.objects = new Map(state.objects);
    this.mappings = new Map(state.mappings);
    this.pv = new Map(state.pv);
    this.queues = state.queues;
    this.counters = state.counters;
    this.pools = state.pools;
    this.pmap = state.pmap;
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

  /** True when the last refresh covered that cell. */
  hasTouched(name: CellName): boolean {
    return this.#previous.has(name);
  }

  /** Forgets what was touched: nothing changed since. */
  settle(): void {
    this.touched = [];
    this.#previous.clear();
  }

  /** Takes over what the last operation changed. */
  refresh(): void {
    this.settle();
    if (hasCells(this.#kernel)) this.#refreshCells(this.#kernel);
    else this.#refreshWhole(indexSnapshot(this.#kernel.snapshot({ contents: false })));
  }

  #refreshCells(kernel: CellKernel): void {
    const objects = this.objects.size;
    for (const name of kernel.touched()) if (!this.#previous.has(name)) this.#refreshCell(kernel, name);
    if (this.objects.size > objects + 1) this.#restoreCreationOrder();
  }

  #refreshCell(kernel: CellKernel, name: CellName): void {
    if (isMappingCell(name)) this.#refreshMapping(kernel, name);
    else if (isPvCell(name)) this.#refreshPv(kernel, name, frameOfCell(name));
    else if (isMapCell(name)) {
      const map = mapOfCell(name);
      this.#remember(name, this.maps.get(map) ?? null);
      store(this.maps, map, kernel.cell(name));
    } else if (isObjectCell(name)) {
      const object = objectOfCell(name);
      this.#remember(name, this.objects.get(object) ?? null);
      store(this.objects, object, kernel.cell(name));
    } else {
      this.#remember(name, readCell(this, name));
      this.#writeSingle(name, kernel);
    }
  }

  #remember(name: CellName, value: CellValue<CellName>): void {
    this.#previous.set(name, value);
    this.touched.push(name);
  }

  #refreshMapping(kernel: CellKernel, name: MappingCell): void {
    const at = addressOfCell(name);
    const old = this.mappings.get(at) ?? null;
    const fresh = kernel.cell(name);
    this.#remember(name, old);
    store(this.mappings, at, fresh);
    if (old?.frame === fresh?.frame) return;
    // A mapping that moved changes the pv lists of the frame it left and of the frame it now names.
    if (old !== null) this.#refreshPvOf(kernel, old.frame);
    if (fresh !== null) this.#refreshPvOf(kernel, fresh.frame);
  }

  #refreshPvOf(kernel: CellKernel, frame: FrameNumber): void {
    if (frame >= this.#managedPages) return;
    const name: PvCell = `pv:${frame}`;
    if (!this.#previous.has(name)) this.#refreshPv(kernel, name, frame);
  }

  #refreshPv(kernel: CellKernel, name: PvCell, frame: number): void {
    const addresses = kernel.cell(name);
    this.#remember(name, this.pv.get(frame) ?? []);
    store(this.pv, frame, addresses.length > 0 ? addresses : null);
  }

  #writeSingle(name: SingleCell, kernel: CellKernel): void {
    switch (name) {
      case 'queue:free':
        this.queues = { ...this.queues, free: kernel.cell(name) };
        break;
      case 'queue:active':
        this.queues = { ...this.queues, active: kernel.cell(name) };
        break;
      case 'queue:inactive':
        this.queues = { ...this.queues, inactive: kernel.cell(name) };
        break;
      case 'counters':
        this.counters = kernel.cell(name);
        break;
      case 'pools':
        this.pools = kernel.cell(name);
        break;
      case 'pmap:kernel':
        this.pmap = kernel.cell(name);
        break;
      case 'sched':
        this.sched = kernel.cell(name);
        break;
      case 'transitions':
        this.transitions = kernel.cell(name);
        break;
    }
  }

  /** Several objects born in one operation are touched in any order; their serial numbers tell the order of birth. */
  #restoreCreationOrder(): void {
    const serial = (name: ObjectName): number =>
      name.startsWith('anon') ? Number(name.slice('anon'.length)) : 0;
    const ordered = [...this.objects].sort(([one], [other]) => serial(one) - serial(other));
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
    this.sched = fresh.sched;
    this.transitions = fresh.transitions;
  }
}

function store<Key, Value>(table: Map<Key, Value>, key: Key, value: Value | null): void {
  if (value === null) table.delete(key);
  else table.set(key, value);
}

function refill<Key, Value>(table: Map<Key, Value>, fresh: ReadonlyMap<Key, Value>): void {
  table.clear();
  for (const [key, value] of fresh) table.set(key, value);
}
