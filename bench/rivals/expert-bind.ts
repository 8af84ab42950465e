/** The expert's picks on the state at hand: which address, size or range is meant right now. */
import {
  ADDRESS_SPACE_END,
  address,
  type ByteCount,
  bytes,
  PAGE_SIZE,
  PDE_SPAN,
  roundPageUnwrapped,
  type VirtualAddress,
} from '../../contract/address.ts';
import type { EntrySnapshot, MapName } from '../../contract/vm-map.ts';
import type { Ground } from '../../properties/generate-ground.ts';
import { isPlaceholder, type Range } from '../../properties/generate-reading.ts';
import type { BytePick, Nth, RangePick, RangeShape, SizePick } from './expert-picks.ts';

/** A range in a map, as the two fields of an operation. */
export interface BoundRange {
  readonly map: MapName;
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
}

const pageDown = (value: number): number => value - (value % PAGE_SIZE);
const clip = (value: number): VirtualAddress => address(Math.max(0, Math.min(ADDRESS_SPACE_END - 1, value)));

/** The nth of a list from its end, modulo its length. */
export function latest<Item>(list: readonly Item[], nth: Nth): Item | undefined {
  return list[list.length - 1 - (nth % list.length)];
}

/** The nth of a list, modulo its length. */
export const nthOf = <Item>(list: readonly Item[], nth: Nth): Item | undefined => list[nth % list.length];

/** The map meant; kernel_map is the first. */
export const mapOf = (ground: Ground, nth: Nth): MapName => nthOf(ground.usable(), nth)?.name ?? 'kernel';

/** The size meant in a map, in bytes. */
export function sizeOf(ground: Ground, map: MapName, pick: SizePick): ByteCount {
  const clipped = (value: number): ByteCount => bytes(Math.max(0, Math.min(ADDRESS_SPACE_END - 1, value)));
  switch (pick.base) {
    case 'number':
      return bytes(pick.value);
    case 'pages':
      return clipped(pick.pages * PAGE_SIZE + pick.bytes);
    case 'free-pages':
      return clipped(ground.freePages() * PAGE_SIZE + pick.bytes);
    case 'hole': {
      const hole = latest(ground.holes(map), pick.nth);
      return clipped((hole === undefined ? PAGE_SIZE : hole.end - hole.start) + pick.bytes);
    }
    case 'largest-hole':
      return clipped(Math.max(0, ...ground.holes(map).map(({ start, end }) => end - start)) + pick.bytes);
    case 'map': {
      const known = ground.known(map);
      return clipped((known === undefined ? PAGE_SIZE : known.max - known.min) + pick.bytes);
    }
  }
}

/** The entry without that part of kernel_map that the machine booted with. */
function ownPart(ground: Ground, map: MapName, { start, end }: EntrySnapshot): Range {
  const from = map === 'kernel' && !ground.hostile ? Math.max(start, ground.machine.kernelStart) : start;
  return { start: Math.min(from, end), end };
}

const ownEntries = (ground: Ground, map: MapName): readonly EntrySnapshot[] =>
  (ground.map(map)?.entries ?? []).filter(
    ({ end }) => map !== 'kernel' || ground.hostile || end > ground.machine.kernelStart,
  );

/** Allocations of which something is left. */
const liveAllocations = (ground: Ground) =>
  ground.allocations.filter(({ map, address: at }) => ground.entryAt(map, at) !== undefined);

/** What the range is taken from, and the map that it lies in. */
function baseOf(ground: Ground, pick: RangePick): { map: MapName; range: Range } | undefined {
  const map = mapOf(ground, pick.map);
  const at = (range: Range | undefined) => range && { map, range };
  switch (pick.base) {
    case 'allocation':
    case 'freed': {
      const live = pick.base === 'freed' ? ground.stale : liveAllocations(ground);
      const found = latest(live, pick.nth);
      if (found === undefined) return undefined;
      return { map: found.map, range: { start: found.address, end: found.address + found.size } };
    }
    case 'entry': {
      const entry = latest(ownEntries(ground, map), pick.nth);
      return entry && at(ownPart(ground, map, entry));
    }
    case 'submap':
      return at(latest(ownEntries(ground, map).filter(isPlaceholder), pick.nth));
    case 'hole':
      return at(nthOf(ground.holes(map), pick.nth));
    case 'map': {
      const known = ground.known(map);
      return known && at({ start: known.min, end: known.max });
    }
    case 'line': {
      const known = ground.known(map);
      const line =
        known === undefined ? Number.POSITIVE_INFINITY : (Math.floor(known.min / PDE_SPAN) + 1) * PDE_SPAN;
      if (known === undefined || line >= known.max) return undefined;
      return at({ start: line - PAGE_SIZE, end: line + PAGE_SIZE });
    }
  }
}

/** The part of a range of whole pages that a shape means. */
function partOf({ start, end }: Range, shape: RangeShape, page: number): Range {
  const count = Math.max(1, (end - start) / PAGE_SIZE);
  const inside = start + (page % count) * PAGE_SIZE;
  switch (shape) {
    case 'first':
      return { start, end: Math.min(end, start + PAGE_SIZE) };
    case 'last':
      return { start: Math.max(start, end - PAGE_SIZE), end };
    case 'but-first':
      return { start: Math.min(end, start + PAGE_SIZE), end };
    case 'but-last':
      return { start, end: Math.max(start, end - PAGE_SIZE) };
    case 'inner':
      return { start: inside, end: inside + PAGE_SIZE };
    case 'wider':
      return { start: start - PAGE_SIZE, end: end + PAGE_SIZE };
    case 'empty':
      return page % 2 === 0 ? { start, end: start } : { start: end, end };
    case 'empty-inside':
      return { start: inside, end: inside };
    case 'to-the-top':
      return { start, end: ADDRESS_SPACE_END - (page % 3 === 0 ? 1 : PAGE_SIZE) };
    case 'backwards':
      return { start: end, end: start };
    default:
      return { start, end };
  }
}

/** Up to the middle of what comes behind the range. */
function withNext(ground: Ground, map: MapName, { start, end }: Range): Range {
  const next = ground.entryAt(map, end);
  if (next === undefined) return { start, end: end + PAGE_SIZE };
  const pages = Math.ceil((next.end - next.start) / PAGE_SIZE / 2);
  return { start, end: end + pages * PAGE_SIZE };
}

/** The range meant, in bytes; undefined where the state has nothing of the sort. */
function rawRange(ground: Ground, pick: RangePick): { map: MapName; range: Range } | undefined {
  const base = baseOf(ground, pick);
  if (base === undefined) return undefined;
  const { map } = base;
  // A whole allocation keeps the size that was asked for, which need not be one of whole pages.
  if (pick.shape === 'whole') return base;
  const whole = { start: pageDown(base.range.start), end: roundPageUnwrapped(base.range.end) };
  if (pick.shape === 'and-next') return { map, range: withNext(ground, map, whole) };
  return { map, range: partOf(whole, pick.shape, pick.page) };
}

/** The range meant. */
export function rangeOf(ground: Ground, pick: RangePick): BoundRange | undefined {
  const found = rawRange(ground, pick);
  if (found === undefined) return undefined;
  const { map, range } = found;
  return { map, start: clip(range.start + pick.slack[0]), end: clip(range.end + pick.slack[1]) };
}

/** At most that many pages of it, grown to whole pages. */
export function pagesOf(
  ground: Ground,
  pick: RangePick,
  most = Number.POSITIVE_INFINITY,
): BoundRange | undefined {
  const found = rawRange(ground, { ...pick, slack: [0, 0] });
  if (found === undefined) return undefined;
  const start = pageDown(Math.max(0, found.range.start));
  const end = Math.min(roundPageUnwrapped(found.range.end), ADDRESS_SPACE_END - PAGE_SIZE);
  return { map: found.map, start: clip(start), end: clip(Math.min(end, start + most * PAGE_SIZE)) };
}

/** The byte meant. */
export function byteOf(
  ground: Ground,
  { range, page, byte }: BytePick,
): { map: MapName; at: number } | undefined {
  const found = rawRange(ground, range);
  if (found === undefined) return undefined;
  const start = pageDown(found.range.start);
  const count = Math.max(1, Math.ceil((found.range.end - start) / PAGE_SIZE));
  return { map: found.map, at: Math.max(0, start + (page % Math.min(count, 64)) * PAGE_SIZE + byte) };
}

/** Bytes in the largest hole of a map. */
export const largestRoom = (ground: Ground, map: MapName): number =>
  Math.max(0, ...ground.holes(map).map(({ start, end }) => end - start));

/** The first name that no live map has, those given before any others. */
export function freshName(ground: Ground, first: readonly MapName[]): MapName {
  const names = [...first, ...ground.maps.map((_, i) => `sub${i}`), 'sub'];
  return names.find((name) => ground.known(name) === undefined) ?? 'sub';
}
