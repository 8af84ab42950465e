/** Ranges that matter in one map as it is now (OPERATIONS.md §3). */
import { ADDRESS_SPACE_END, PAGE_SIZE, PDE_SPAN, roundPageUnwrapped } from '../contract/address.ts';
import type { EntrySnapshot, MapName } from '../contract/vm-map.ts';
import type { Weighted } from './generate-draw.ts';
import type { Ground } from './generate-ground.ts';
import { isPlaceholder, type Range } from './generate-reading.ts';

/** Draws a range in a map, or undefined where the map has nothing of that sort. */
export type RangeSelector = (ground: Ground, map: MapName) => Range | undefined;

const pageDown = (value: number): number => value - (value % PAGE_SIZE);

/** The same range grown to whole pages. */
export const toPages = ({ start, end }: Range): Range => ({
  start: pageDown(start),
  end: roundPageUnwrapped(end),
});

const pagesIn = ({ start, end }: Range): number => Math.max(0, Math.floor((end - start) / PAGE_SIZE));

/** Exactly one live allocation, with the size that was asked for. */
const allocated: RangeSelector = (ground, map) => {
  const found = ground.allocation((allocation) => allocation.map === map);
  return found === undefined ? undefined : { start: found.address, end: found.address + found.size };
};

/** A part of a range: first page, last page, one in the middle, all but one. */
function partOf({ draw }: Ground, whole: Range): Range {
  const range = toPages(whole);
  const count = pagesIn(range);
  if (count < 2) return range;
  const { start, end } = range;
  const inner = draw.between(1, count - 1) * PAGE_SIZE;
  return draw.pick<Range>([
    { start, end: start + PAGE_SIZE },
    { start: end - PAGE_SIZE, end },
    { start: start + PAGE_SIZE, end },
    { start, end: end - PAGE_SIZE },
    { start: start + inner, end: Math.min(end, start + inner + PAGE_SIZE) },
    { start: start + PAGE_SIZE, end: Math.max(start + 2 * PAGE_SIZE, end - PAGE_SIZE) },
  ]);
}

const insideAllocated: RangeSelector = (ground, map) => {
  const whole = allocated(ground, map);
  return whole === undefined ? undefined : partOf(ground, whole);
};

/** An entry that answers a condition, searched from a random place; the boot entry only where hostility is wanted. */
export function someEntry(
  ground: Ground,
  map: MapName,
  wanted: (entry: EntrySnapshot) => boolean = () => true,
): EntrySnapshot | undefined {
  const entries = ground.map(map)?.entries ?? [];
  const from = ground.draw.below(entries.length);
  for (let i = 0; i < entries.length; i += 1) {
    const entry = entries[(from + i) % entries.length];
    if (entry === undefined || !wanted(entry)) continue;
    if (map !== 'kernel' || ground.hostile || entry.end > ground.machine.kernelStart) return entry;
  }
  return undefined;
}

/** The part of an entry above the boot image. */
function ownRange(ground: Ground, map: MapName, { start, end }: EntrySnapshot): Range {
  const boot = ground.machine.kernelStart;
  return map === 'kernel' && start < boot && end > boot ? { start: boot, end } : { start, end };
}

const wholeEntry: RangeSelector = (ground, map) => {
  const entry = someEntry(ground, map);
  if (entry === undefined) return undefined;
  const { start, end } = ownRange(ground, map, entry);
  return ground.draw.pick<Range>([
    { start, end },
    { start, end },
    { start: start - PAGE_SIZE, end },
    { start, end: end + PAGE_SIZE },
  ]);
};

/** From the middle of one entry to the middle of a later one, whatever lies between. */
const straddle: RangeSelector = (ground, map) => {
  const entries = ground.map(map)?.entries ?? [];
  const first = ground.draw.below(entries.length);
  const last = Math.min(entries.length - 1, first + ground.draw.between(1, 3));
  const [from, to] = [entries[first], entries[last]];
  if (from === undefined || to === undefined) return undefined;
  const head = ownRange(ground, map, from);
  return {
    start: head.start + PAGE_SIZE * (pagesIn(head) >> 1),
    end: to.start + Math.max(PAGE_SIZE, PAGE_SIZE * (pagesIn(to) >> 1)),
  };
};

/**
 * A range without holes over entries that all answer a condition, starting and ending inside entries or at their
 * bounds; at most `mostPages` long.
 */
export function seamless(
  ground: Ground,
  map: MapName,
  wanted: (entry: EntrySnapshot) => boolean,
  mostPages = 16,
): Range | undefined {
  const { draw } = ground;
  const seed = someEntry(ground, map, (entry) => !isPlaceholder(entry) && wanted(entry));
  if (seed === undefined) return undefined;
  const whole = ownRange(ground, map, seed);
  const entries = ground.map(map)?.entries ?? [];
  const start = draw.percent(60) ? whole.start : whole.start + PAGE_SIZE * draw.below(pagesIn(whole));
  let end = whole.end;
  for (let i = entries.indexOf(seed) + 1; i < entries.length && draw.percent(50); i += 1) {
    const next = entries[i];
    if (next === undefined || next.start !== end || isPlaceholder(next) || !wanted(next)) break;
    end = next.end;
  }
  const count = pagesIn({ start, end });
  const kept = Math.min(mostPages, draw.percent(60) ? count : draw.between(1, count));
  return kept < 1 ? undefined : { start, end: start + kept * PAGE_SIZE };
}

const holeRange: RangeSelector = (ground, map) => {
  const hole = ground.draw.one(ground.holes(map));
  if (hole === undefined) return undefined;
  const { start, end } = hole;
  const few = Math.min(end, start + PAGE_SIZE * ground.draw.between(1, 4));
  return ground.draw.pick<Range>([
    { start, end: few },
    { start: start - PAGE_SIZE, end: few + PAGE_SIZE },
    { start: end - PAGE_SIZE, end: end + PAGE_SIZE },
  ]);
};

/** Around, up to or from a 4 MiB line. */
const pdeLine: RangeSelector = (ground, map) => {
  const known = ground.known(map);
  if (known === undefined) return undefined;
  const first = Math.floor(known.min / PDE_SPAN) + 1;
  const last = Math.ceil(known.max / PDE_SPAN) - 1;
  if (last < first) return undefined;
  const line = ground.draw.between(first, last) * PDE_SPAN;
  return ground.draw.pick<Range>([
    { start: line - PAGE_SIZE, end: line + PAGE_SIZE },
    { start: line - 2 * PAGE_SIZE, end: line },
    { start: line, end: line + PAGE_SIZE },
  ]);
};

const edge: RangeSelector = (ground, map) => {
  const known = ground.known(map);
  if (known === undefined) return undefined;
  const { min, max } = known;
  return ground.draw.pick<Range>([
    { start: min, end: min + PAGE_SIZE },
    { start: max - PAGE_SIZE, end: max },
    { start: min - PAGE_SIZE, end: min + PAGE_SIZE },
    { start: max - PAGE_SIZE, end: max + PAGE_SIZE },
    { start: max, end: max + PAGE_SIZE },
    { start: 0, end: PAGE_SIZE },
    { start: max, end: max },
  ]);
};

const emptyRange: RangeSelector = (ground, map) => {
  const entry = someEntry(ground, map);
  const hole = ground.draw.one(ground.holes(map));
  const known = ground.known(map);
  if (entry === undefined || known === undefined) return undefined;
  const { start, end } = ownRange(ground, map, entry);
  const middle = start + PAGE_SIZE * ground.draw.below(pagesIn({ start, end }));
  const at = ground.draw.pick([start, middle, middle, end, hole?.start ?? end, known.min, known.max]);
  return ground.draw.percent(85) ? { start: at, end: at } : { start: at, end: Math.max(0, at - PAGE_SIZE) };
};

/** From an allocation to the end of the address space and past it (DEV-8). */
const wrapping: RangeSelector = (ground, map) => {
  const from = allocated(ground, map);
  if (from === undefined) return undefined;
  const { start } = from;
  return ground.draw.pick<Range>([
    { start, end: ADDRESS_SPACE_END - 1 },
    { start, end: ADDRESS_SPACE_END },
    { start, end: ADDRESS_SPACE_END + 1 },
    { start, end: ADDRESS_SPACE_END + PAGE_SIZE },
    { start, end: start + ADDRESS_SPACE_END - 1 },
  ]);
};

const unaligned: RangeSelector = (ground, map) => {
  const range = allocated(ground, map);
  if (range === undefined) return undefined;
  const slack = ground.draw.between(1, PAGE_SIZE - 1);
  return ground.draw.pick<Range>([
    { start: range.start + slack, end: range.end },
    { start: range.start, end: range.end + slack },
    { start: range.start + slack, end: range.end + slack },
    { start: range.start + slack, end: range.start + slack + 1 },
  ]);
};

const staleRange: RangeSelector = (ground, map) => {
  const found = ground.draw.recent(ground.stale.filter((range) => range.map === map));
  return found === undefined ? undefined : { start: found.address, end: found.address + found.size };
};

/** Exactly a placeholder, one page of it, or a range that cuts or surrounds it. */
export const placeholderRange: RangeSelector = (ground, map) => {
  const entry = someEntry(ground, map, isPlaceholder);
  if (entry === undefined) return undefined;
  const { start, end } = entry;
  return ground.draw.pick<Range>([
    { start, end },
    { start, end: start + PAGE_SIZE },
    { start: start - PAGE_SIZE, end: end - PAGE_SIZE },
    { start: end - PAGE_SIZE, end: end + PAGE_SIZE },
    { start: start - PAGE_SIZE, end: end + PAGE_SIZE },
  ]);
};

const wholeMap: RangeSelector = (ground, map) => {
  const known = ground.known(map);
  return known === undefined ? undefined : { start: known.min, end: known.max };
};

/** For kmem_free and vm_map_remove. */
export const FREE_RANGES: Weighted<RangeSelector> = [
  [110, allocated],
  [24, insideAllocated],
  [12, straddle],
  [6, pdeLine],
  [4, holeRange],
  [5, edge],
  [5, emptyRange],
  [4, wrapping],
  [12, unaligned],
  [5, staleRange],
  [1, wholeMap],
];

/** For changes of attributes. */
export const ATTRIBUTE_RANGES: Weighted<RangeSelector> = [
  [25, allocated],
  [20, insideAllocated],
  [12, wholeEntry],
  [20, straddle],
  [6, holeRange],
  [6, emptyRange],
  [3, edge],
  [4, pdeLine],
];

/** For vm_map_insert and vm_map_find at a fixed place: free room. */
export const FREE_ROOM: RangeSelector = (ground, map) => {
  const { draw } = ground;
  const hole = draw.one(ground.holes(map));
  if (hole === undefined) return undefined;
  const count = pagesIn(hole);
  const length = draw.between(1, Math.min(count, 4));
  const skip = draw.percent(40) ? 0 : draw.below(Math.min(8, count - length + 1));
  const start = hole.start + skip * PAGE_SIZE;
  return draw.percent(15)
    ? { start: hole.end - length * PAGE_SIZE, end: hole.end }
    : { start, end: start + length * PAGE_SIZE };
};

/** Ranges of no particular kind, for a ground that is blunt: an allocation, or a few pages anywhere. */
const BLUNT: Weighted<RangeSelector> = [
  [1, allocated],
  [1, ({ draw, machine: { kernelMin: min } }) => pagesFrom(min + PAGE_SIZE * draw.below(96), draw.below(8))],
];
const pagesFrom = (start: number, count: number): Range => ({ start, end: start + PAGE_SIZE * count });

/** Draws from a table until a selector yields something; keeps off the boot image except now and then. */
export function drawRange(ground: Ground, map: MapName, table: Weighted<RangeSelector>): Range | undefined {
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const range = ground.draw.weighted(ground.blunt ? BLUNT : table)?.(ground, map);
    if (range === undefined) continue;
    if (map !== 'kernel' || ground.hostile || !ground.meetsBootRange(range) || ground.draw.percent(2))
      return range;
  }
  return undefined;
}

/** An address around the bounds of entries, holes and the map itself. */
export function probe(ground: Ground, map: MapName): number {
  const { draw } = ground;
  const known = ground.known(map);
  const entry = draw.one(ground.map(map)?.entries ?? []);
  const bounds = [known?.min ?? 0, known?.max ?? 0];
  if (entry !== undefined) bounds.push(entry.start, entry.end, entry.start, entry.end);
  const hole = draw.one(ground.holes(map));
  if (hole !== undefined) bounds.push(hole.start, hole.end);
  const at = (draw.one(bounds) ?? 0) + draw.pick([0, 0, 0, -1, 1, PAGE_SIZE, -PAGE_SIZE]);
  return Math.min(ADDRESS_SPACE_END - 1, Math.max(0, at));
}
