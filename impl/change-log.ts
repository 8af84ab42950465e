/**
 * Which cells of the observable state the running operation may have changed: a superset, cheap to keep.
 *
 * Fast because an operation only pushes references and numbers; cell names are built when somebody asks for them.
 * Every function that changes something observable must mark it here.
 */
import type { VirtualAddress } from '../contract/address.ts';
import type { CellName } from '../contract/snapshot.ts';

/** Something with a cell of its own; `markedIn` belongs to the log. */
export interface Marked {
  readonly name: string;
  markedIn: number;
}

/** Cells without a name of their own, one bit each. */
export const PART = {
  free: 1,
  active: 2,
  inactive: 4,
  counters: 8,
  pools: 16,
  pmap: 32,
  sched: 64,
  transitions: 128,
  spaces: 256,
} as const;

const PART_CELLS: readonly (readonly [number, CellName])[] = [
  [PART.free, 'queue:free'],
  [PART.active, 'queue:active'],
  [PART.inactive, 'queue:inactive'],
  [PART.counters, 'counters'],
  [PART.pools, 'pools'],
  [PART.pmap, 'pmap:kernel'],
  [PART.sched, 'sched'],
  [PART.transitions, 'transitions'],
  [PART.spaces, 'spaces'],
];

export class ChangeLog {
  #operation = 0;
  #parts = 0;
  /** Only the first so many of each list count: overwriting is cheaper than truncating. */
  #mapCount = 0;
  #objectCount = 0;
  #mappingCount = 0;
  #frameCount = 0;
  readonly #maps: Marked[] = [];
  readonly #objects: Marked[] = [];
  readonly #mappings: number[] = [];
  readonly #frames: number[] = [];

  /** Forgets what the previous operation changed. */
  begin(): void {
    this.#operation++;
    this.#parts = 0;
    this.#mapCount = 0;
    this.#objectCount = 0;
    this.#mappingCount = 0;
    this.#frameCount = 0;
  }

  /** Marks one or more bits of PART. */
  part(bits: number): void {
    this.#parts |= bits;
  }

  map(map: Marked): void {
    if (map.markedIn === this.#operation) return;
    map.markedIn = this.#operation;
    this.#maps[this.#mapCount++] = map;
  }

  object(object: Marked): void {
    if (object.markedIn === this.#operation) return;
    object.markedIn = this.#operation;
    this.#objects[this.#objectCount++] = object;
  }

  mapping(va: VirtualAddress): void {
    this.#mappings[this.#mappingCount++] = va;
  }

  pv(frame: number): void {
    this.#frames[this.#frameCount++] = frame;
  }

  /** The cells marked since `begin`; those of addresses and frames may come twice. */
  cells(): CellName[] {
    const cells: CellName[] = [];
    for (let i = 0; i < this.#mapCount; i++) cells.push(`map:${(this.#maps[i] as Marked).name}`);
    for (let i = 0; i < this.#objectCount; i++) cells.push(`object:${(this.#objects[i] as Marked).name}`);
    if (this.#parts !== 0)
      for (const [bit, cell] of PART_CELLS) if ((this.#parts & bit) !== 0) cells.push(cell);
    for (let i = 0; i < this.#mappingCount; i++) cells.push(`mapping:${this.#mappings[i] as number}`);
    for (let i = 0; i < this.#frameCount; i++) cells.push(`pv:${this.#frames[i] as number}`);
    return cells;
  }
}
