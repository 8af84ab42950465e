/** Sizes that matter in the state at hand (OPERATIONS.md §2): sizes that fit, and sizes that must be refused. */
import { ADDRESS_SPACE_END, PAGE_SIZE, PDE_SPAN } from '../contract/address.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { Ground } from './generate-ground.ts';
import type { Range } from './generate-reading.ts';

const LARGEST_ROUNDABLE = ADDRESS_SPACE_END - PAGE_SIZE;

/** Bytes in the largest free range of a map; 0 when it is full. */
export function largestHole(ground: Ground, map: MapName): number {
  let largest = 0;
  for (const { start, end } of ground.holes(map)) if (end - start > largest) largest = end - start;
  return largest;
}

/** The lowest free range with room for `length` bytes: where an allocator must go. */
export function firstFit(ground: Ground, map: MapName, length: number): Range | undefined {
  return ground.holes(map).find(({ start, end }) => end - start >= length);
}

type SizeSelector = (ground: Ground, map: MapName, largest: number) => number;

const holeSize: SizeSelector = (ground, map, largest) => {
  const hole = ground.draw.one(ground.holes(map));
  if (hole === undefined) return PAGE_SIZE;
  const size = hole.end - hole.start;
  return Math.min(largest, Math.max(1, size + ground.draw.pick([0, 0, 0, -1, 1, -PAGE_SIZE, PAGE_SIZE])));
};

const fewPages: SizeSelector = ({ draw }, _map, largest) => {
  const most = Math.min(8, largest / PAGE_SIZE);
  return draw.between(1, draw.percent(50) ? Math.min(3, most) : most) * PAGE_SIZE - draw.pick([0, 0, 0, 1]);
};

const FITTING: readonly (readonly [number, SizeSelector])[] = [
  [4, ({ draw }) => draw.pick([1, 2, PAGE_SIZE - 1])],
  [14, () => PAGE_SIZE],
  [6, ({ draw }) => draw.pick([PAGE_SIZE + 1, 2 * PAGE_SIZE - 1, 2 * PAGE_SIZE, 2 * PAGE_SIZE + 1])],
  [34, fewPages],
  [12, holeSize],
  [2, (_ground, _map, largest) => largest],
  [1, ({ draw }) => draw.pick([PDE_SPAN - PAGE_SIZE, PDE_SPAN, PDE_SPAN + PAGE_SIZE])],
];

/** Sizes of no particular kind. */
const BLUNT: readonly (readonly [number, SizeSelector])[] = [
  [1, ({ draw }, _map, largest) => draw.between(1, Math.min(8 * PAGE_SIZE, largest))],
];

/** A size in bytes that fits into some hole of the map and needs at most `mostPages`; undefined when nothing fits. */
export function fittingSize(
  ground: Ground,
  map: MapName,
  mostPages = Number.POSITIVE_INFINITY,
): number | undefined {
  const largest = Math.min(largestHole(ground, map), mostPages * PAGE_SIZE);
  if (largest < PAGE_SIZE) return undefined;
  const selector = ground.draw.weighted(ground.blunt ? BLUNT : FITTING);
  const size = selector?.(ground, map, largest) ?? PAGE_SIZE;
  return size <= largest ? size : fewPages(ground, map, largest);
}

/** A size around the number of free pages: exactly all, one more, one less, one byte more. */
export function scarceSize(ground: Ground): number {
  const { draw } = ground;
  const all = ground.freePages() * PAGE_SIZE;
  return Math.max(1, all + draw.pick([0, PAGE_SIZE, PAGE_SIZE, -PAGE_SIZE, 1]));
}

/** Zero, or a size whose rounding overflows (KM-SIZE-1). */
export function vanishingSize({ draw }: Ground): number {
  return draw.percent(50)
    ? 0
    : draw.pick([LARGEST_ROUNDABLE + 1, ADDRESS_SPACE_END - 2, ADDRESS_SPACE_END - 1]);
}

/** A size that no hole of the map has room for, but that rounds without overflow. */
export function oversize(ground: Ground, map: MapName): number {
  const { draw } = ground;
  const largest = largestHole(ground, map);
  const known = ground.known(map);
  const extent = known === undefined ? 0 : known.max - known.min;
  const size = draw.pick([
    largest + 1,
    largest + PAGE_SIZE,
    extent + 1,
    extent + PAGE_SIZE,
    0x7fff_ffff,
    0x8000_0000,
    LARGEST_ROUNDABLE - PDE_SPAN,
    LARGEST_ROUNDABLE,
  ]);
  return size > largest && size <= LARGEST_ROUNDABLE ? size : LARGEST_ROUNDABLE;
}
