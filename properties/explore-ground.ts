/** What the operations of a tiny machine are chosen from: sizes, ranges and places that mean something in one state. */
import { address, type ByteCount, PAGE_SIZE, pages, type VirtualAddress } from '../contract/address.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { MappingSnapshot } from '../contract/pmap.ts';
import type { MapName, MapSnapshot } from '../contract/vm-map.ts';
import type { View } from './view.ts';

/** How much of the vocabulary is tried. */
export interface Vocabulary {
  /** `core`: what the public callers do, once each; `full`: every operation, at every place that differs. */
  readonly alphabet: AlphabetName;
  /** Sizes of allocations, in pages, ascending. */
  readonly sizes: readonly number[];
  /** Most live maps, `kernel` included; names beyond it are not created. */
  readonly maps: number;
  /** Most operations in flight at a time; absent: 2. */
  readonly inFlight?: number;
}
export type AlphabetName = 'core' | 'full';

/** Addresses from `start` on, without `end`. */
export interface Span {
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
}

/** Most operations in flight at a time. */
const MOST_IN_FLIGHT = 2;
/** Submaps by the names that mean most: kmem_malloc works on `kmem` alone, or on `mb` beside it. */
const SUBMAPS: readonly MapName[] = ['kmem', 'mb', 'sub0', 'sub1', 'sub2', 'sub3'];

/** One state, read for choices. */
export class Ground {
  readonly view: View;
  readonly full: boolean;
  readonly maps: readonly MapSnapshot[];
  /** Sizes without 0. */
  readonly sizes: readonly ByteCount[];
  readonly zero: readonly ByteCount[];
  readonly #vocabulary: Vocabulary;
  readonly #spans = new Map<MapName, readonly Span[]>();

  constructor(view: View, vocabulary: Vocabulary) {
    this.view = view;
    this.full = vocabulary.alphabet === 'full';
    this.maps = [...view.maps.values()];
    this.sizes = vocabulary.sizes.filter((size) => size > 0).map(pages);
    this.zero = vocabulary.sizes.includes(0) ? [pages(0)] : [];
    this.#vocabulary = vocabulary;
  }

  get machine(): MachineConfig {
    return this.view.machine;
  }

  /** The mapping of a page; null for none. */
  mapping(page: number): MappingSnapshot | null {
    return this.view.mappings.get(page) ?? null;
  }

  /** Smallest and largest of the sizes, or all of them. */
  get fewSizes(): readonly ByteCount[] {
    return this.full ? this.sizes : [...new Set([...this.sizes.slice(0, 1), ...this.sizes.slice(-1)])];
  }

  get submaps(): readonly MapSnapshot[] {
    return this.maps.filter(({ name }) => name !== 'kernel');
  }

  /** The next submap's name, while there may be more maps. */
  get newMap(): readonly MapName[] {
    if (this.maps.length >= this.#vocabulary.maps) return [];
    return SUBMAPS.filter((name) => !this.view.maps.has(name)).slice(0, 1);
  }

  /** False while as many operations sleep as may. */
  get mayMoreSleep(): boolean {
    return this.view.inFlight.size < (this.#vocabulary.inFlight ?? MOST_IN_FLIGHT);
  }

  /**
   * Ranges of a map: each entry, the first page of a longer one, and neighbours together; in full also the last page, the
   * hole behind an entry, the whole map, nothing at all.
   */
  spans(map: MapSnapshot): readonly Span[] {
    const known = this.#spans.get(map.name);
    if (known !== undefined) return known;
    const spans: Span[] = [];
    map.entries.forEach(({ start, end }, i) => {
      spans.push({ start, end });
      if (end - start > PAGE_SIZE) spans.push({ start, end: address(start + PAGE_SIZE) });
      const next = map.entries[i + 1];
      if (next !== undefined && next.start === end) spans.push({ start, end: next.end });
      if (!this.full) return;
      if (end - start > PAGE_SIZE) spans.push({ start: address(end - PAGE_SIZE), end });
      const limit = next?.start ?? map.max;
      if (limit > end) spans.push({ start, end: limit }, { start: end, end: limit });
    });
    if (this.full) spans.push({ start: map.min, end: map.max }, { start: map.min, end: map.min });
    const unique = [...new Map(spans.map((span) => [`${span.start}-${span.end}`, span])).values()];
    this.#spans.set(map.name, unique);
    return unique;
  }

  /** True for a range that is less than the entry it begins with. */
  isPart(map: MapName, { start, end }: Span): boolean {
    return (
      this.view.maps.get(map)?.entries.some((entry) => entry.start === start && entry.end > end) === true
    );
  }

  /** Pages of a map that are worth an access: the first one of each entry; in full also the last, and one in a hole. */
  places(map: MapSnapshot): readonly VirtualAddress[] {
    const places = map.entries.flatMap(({ start, end }) =>
      this.full ? [start, address(end - PAGE_SIZE)] : [start],
    );
    const hole = map.entries.at(-1)?.end ?? map.min;
    if (this.full && hole < map.max) places.push(hole);
    return [...new Set(places)];
  }

  /** Starts of holes, the one behind all entries included. */
  holes(map: MapSnapshot): readonly Span[] {
    const starts = [map.min, ...map.entries.map(({ end }) => end)];
    return starts.flatMap((start, i) => {
      const end = map.entries[i]?.start ?? map.max;
      return end > start ? [{ start, end }] : [];
    });
  }

  /** Frames that belong to the harness. */
  get frames(): readonly number[] {
    const { scratchPages } = this.view.machine;
    return Array.from({ length: scratchPages }, (_, frame) => frame);
  }

  /** Pages of the scratch window. */
  get window(): readonly VirtualAddress[] {
    const { scratchWindow } = this.view.machine;
    if (scratchWindow === null) return [];
    const count = (scratchWindow.end - scratchWindow.start) / PAGE_SIZE;
    return Array.from({ length: count }, (_, page) => address(scratchWindow.start + page * PAGE_SIZE));
  }
}
