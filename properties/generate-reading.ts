/** Reads the reference kernel cell by cell, each cell at most once between two steps. */
import { PAGE_SIZE } from '../contract/address.ts';
import type { ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MappingSnapshot, SpacesSnapshot } from '../contract/pmap.ts';
import type { SchedSnapshot } from '../contract/sched.ts';
import type { CellName, CellValue, PoolsSnapshot } from '../contract/snapshot.ts';
import type { EntrySnapshot, MapName, MapSnapshot, TransitionSnapshot } from '../contract/vm-map.ts';
import type { ObjectSnapshot } from '../contract/vm-object.ts';
import type { CountersSnapshot } from '../contract/vm-page.ts';

/** A half-open range of plain numbers; selectors may let it reach past 2^32. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** True for an entry that stands for a submap. */
export const isPlaceholder = ({ backing }: EntrySnapshot): boolean => backing !== null && 'submap' in backing;
/** The name of an entry's object; null where it has none yet or stands for a submap. */
export const objectOf = ({ backing }: EntrySnapshot): string | null =>
  backing !== null && 'object' in backing ? backing.object : null;

/** The state at hand, as far as somebody has asked for it. */
export class Reading {
  protected readonly kernel: ReferenceKernel;
  readonly #cells = new Map<CellName, unknown>();
  readonly #holes = new Map<MapName, readonly Range[]>();

  constructor(kernel: ReferenceKernel) {
    this.kernel = kernel;
  }

  /** Forgets what the last step may have changed. */
  protected forgetTouched(): void {
    for (const name of this.kernel.touched()) {
      this.#cells.delete(name);
      if (name.startsWith('map:')) this.#holes.delete(name.slice('map:'.length));
    }
  }

  /** True when the cell has been read and not changed since. */
  protected remembers(name: CellName): boolean {
    return this.#cells.has(name);
  }

  #cell<Name extends CellName>(name: Name): CellValue<Name> {
    if (!this.#cells.has(name)) this.#cells.set(name, this.kernel.cell(name));
    return this.#cells.get(name) as CellValue<Name>;
  }

  map(name: MapName): MapSnapshot | null {
    return this.#cell(`map:${name}`);
  }
  object(name: string): ObjectSnapshot | null {
    return this.#cell(`object:${name}`);
  }
  counters(): CountersSnapshot {
    return this.#cell('counters');
  }
  pools(): PoolsSnapshot {
    return this.#cell('pools');
  }
  sched(): SchedSnapshot {
    return this.#cell('sched');
  }
  transitions(): readonly TransitionSnapshot[] {
    return this.#cell('transitions');
  }
  spaces(): SpacesSnapshot {
    return this.#cell('spaces');
  }
  /** The usable mapping of the page at `address`, which need not be aligned. */
  mapping(address: number): MappingSnapshot | null {
    return this.#cell(`mapping:${address - (address % PAGE_SIZE)}`);
  }

  /** The free ranges of a map, ascending. */
  holes(name: MapName): readonly Range[] {
    const known = this.#holes.get(name);
    if (known !== undefined) return known;
    const holes: Range[] = [];
    const map = this.map(name);
    if (map !== null) {
      let free: number = map.min;
      for (const { start, end } of map.entries) {
        if (free < start) holes.push({ start: free, end: start });
        free = end;
      }
      if (free < map.max) holes.push({ start: free, end: map.max });
    }
    this.#holes.set(name, holes);
    return holes;
  }

  /** The entry of a map that contains `address`. */
  entryAt(name: MapName, address: number): EntrySnapshot | undefined {
    const entries = this.map(name)?.entries ?? [];
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((entries[middle]?.end ?? 0) <= address) low = middle + 1;
      else high = middle;
    }
    const entry = entries[low];
    return entry !== undefined && entry.start <= address ? entry : undefined;
  }

  /** Pages that are free now. */
  freePages(): number {
    return this.counters().free;
  }

  /** Operations asleep or woken and not yet resumed. */
  inFlight(): number {
    const { asleep, runnable } = this.sched();
    return asleep.length + runnable.length;
  }
}
