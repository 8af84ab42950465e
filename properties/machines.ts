/** Random small machines: collisions come from having little room (OPERATIONS.md §1). */
import {
  ADDRESS_SPACE_END,
  address,
  type ByteCount,
  bytes,
  PAGE_SIZE,
  PDE_SPAN,
  pages,
} from '../contract/address.ts';
import { type MachineConfig, TRACE_KMEM_OBJECT_SIZE } from '../contract/machine.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { Draw, Weighted } from './generate-draw.ts';

/** A submap of `kernel` that a scenario starts with. */
export interface InitialSubmap {
  readonly name: MapName;
  readonly size: ByteCount;
  readonly pageable: boolean;
}

/** A machine and the submaps that its scenario creates first. */
export interface MachinePlan {
  readonly machine: MachineConfig;
  readonly submaps: readonly InitialSubmap[];
}

/** Sorts of machines, each with random sizes of its own; `random` has the widest range. */
export type MachineProfile =
  | 'small'
  | 'medium'
  | 'crowded'
  | 'wide'
  | 'mb-below'
  | 'starved'
  | 'static-maps'
  | 'few-entries'
  | 'top'
  | 'mmu'
  | 'random';

interface Sizes {
  readonly frames: number;
  /** Static map entries. */
  readonly entries: number;
  readonly staticMaps: number;
  /** Pages of kernel_map behind the boot entry. */
  readonly kernelPages: number;
  /** Pages of the boot entry. */
  readonly imagePages: number;
}

/** Where kernel_map starts. */
type Layout = (draw: Draw, sizes: Sizes) => number;

/** The classic start 0xEFFBF000, 65 pages below a 4 MiB line. */
const classic: Layout = () => 0xeffb_f000;
const plain: Layout = (draw) => draw.pick([0xfe00_0000, 0xf000_0000, 0xfe00_0000]);
/** A 4 MiB line inside the boot entry, so that a scratch window may cross it. */
const lineInImage: Layout = (draw, { imagePages }) =>
  0xf040_0000 - PAGE_SIZE * draw.between(1, Math.max(1, imagePages - 1));
/** A 4 MiB line a few pages behind the boot entry: the first allocations cross it. */
const lineBehindImage: Layout = (draw, { imagePages }) =>
  0xf040_0000 - PAGE_SIZE * (imagePages + draw.between(1, 6));
/** kernel_map ends with the last page an address can name. */
const topOfMemory: Layout = (_draw, { imagePages, kernelPages }) =>
  ADDRESS_SPACE_END - PAGE_SIZE - PAGE_SIZE * (imagePages + kernelPages);

const LAYOUTS: Weighted<Layout> = [
  [3, classic],
  [5, plain],
  [3, lineInImage],
  [3, lineBehindImage],
  [1, topOfMemory],
];

const SIZES: { readonly [Profile in MachineProfile]: (draw: Draw) => Sizes } = {
  small: (draw) => ({
    frames: 32,
    entries: 40,
    staticMaps: 10,
    kernelPages: draw.pick([48, 64, 96, 1008]),
    imagePages: 16,
  }),
  medium: (draw) => ({
    frames: draw.pick([96, 128, 256]),
    entries: 120,
    staticMaps: 10,
    kernelPages: draw.pick([256, 1024, 3072]),
    imagePages: 16,
  }),
  // More frames than an 8-bit count holds, with room to map them all in one 4 MiB line.
  crowded: (draw) => ({
    frames: draw.between(300, 340),
    entries: 60,
    staticMaps: 10,
    kernelPages: 1024,
    imagePages: 16,
  }),
  wide: () => ({ frames: 2048, entries: 500, staticMaps: 10, kernelPages: 15 * 1024, imagePages: 65 }),
  'mb-below': (draw) => ({
    frames: draw.between(16, 64),
    entries: 60,
    staticMaps: 10,
    kernelPages: draw.pick([64, 128, 2000]),
    imagePages: 16,
  }),
  starved: (draw) => ({
    frames: draw.between(3, 8),
    entries: 40,
    staticMaps: 10,
    kernelPages: draw.between(32, 64),
    imagePages: draw.between(4, 16),
  }),
  'static-maps': (draw) => ({
    frames: draw.between(16, 64),
    entries: 40,
    staticMaps: draw.between(2, 4),
    kernelPages: draw.between(48, 96),
    imagePages: 16,
  }),
  'few-entries': (draw) => ({
    frames: draw.between(8, 32),
    entries: draw.between(8, 16),
    staticMaps: 10,
    kernelPages: draw.between(48, 128),
    imagePages: draw.between(4, 16),
  }),
  top: (draw) => ({
    frames: draw.between(8, 48),
    entries: draw.between(24, 60),
    staticMaps: 10,
    kernelPages: draw.between(16, 72),
    imagePages: draw.between(4, 12),
  }),
  mmu: (draw) => ({
    frames: draw.between(4, 24),
    entries: 40,
    staticMaps: 10,
    kernelPages: draw.between(8, 64),
    imagePages: draw.between(4, 12),
  }),
  random: (draw) => ({
    frames: draw.between(4, 64),
    entries: draw.between(12, 60),
    staticMaps: draw.between(3, 10),
    kernelPages: draw.between(24, 200),
    imagePages: draw.percent(8) ? 0 : draw.between(1, 70),
  }),
};

/** Scratch pages, device frames and a window for direct pmap operations, or none of them. */
function scratch(draw: Draw, kernelMin: number, imagePages: number, always: boolean) {
  if (!always && (imagePages < 4 || draw.percent(35)))
    return { scratchPages: 0, deviceFrames: 0, scratchWindow: null };
  const length = draw.between(2, Math.min(4, imagePages - 1));
  const end = kernelMin + imagePages * PAGE_SIZE;
  const line = Math.ceil(kernelMin / PDE_SPAN) * PDE_SPAN;
  const across = line - PAGE_SIZE >= kernelMin && line + (length - 1) * PAGE_SIZE <= end;
  const anywhere = kernelMin + draw.between(0, imagePages - length) * PAGE_SIZE;
  const start = across && draw.percent(75) ? line - PAGE_SIZE : anywhere;
  const scratchPages = draw.between(0, 4);
  return {
    scratchPages,
    deviceFrames: draw.between(scratchPages === 0 ? 1 : 0, 3),
    scratchWindow: { start: address(start), end: address(start + length * PAGE_SIZE) },
  };
}

/** Ranges reserved at boot: one in the free part, now and then one that the boot entry already covers. */
function reservations(draw: Draw, kernelStart: number, { kernelPages, imagePages }: Sizes) {
  if (kernelPages < 24 || !draw.percent(12)) return [];
  const length = pages(draw.between(1, 3));
  const free = { start: address(kernelStart + draw.between(0, 6) * PAGE_SIZE), length };
  const covered = { start: address(kernelStart - PAGE_SIZE), length };
  return imagePages > 0 && draw.percent(40) ? [free, covered] : [free];
}

/** Below which counts the daemon is called (PAGE-ALLOC-3): the usual ones of small machines, or any, equal ones too. */
function thresholds(draw: Draw) {
  if (draw.percent(30)) return { freeMin: 2, freeTarget: 4, inactiveTarget: 3 };
  const freeMin = draw.between(0, 3);
  return {
    freeMin,
    freeTarget: Math.max(1, freeMin + draw.between(0, 3)),
    inactiveTarget: draw.between(0, 3),
  };
}

const NO_THRESHOLDS = { freeMin: 0, freeTarget: 0, inactiveTarget: 0 };

function machineOf(draw: Draw, profile: MachineProfile): MachineConfig {
  const sizes = SIZES[profile](draw);
  const { frames, entries, staticMaps, kernelPages, imagePages } = sizes;
  const drawn = profile === 'crowded' ? plain : draw.weighted(LAYOUTS);
  const atTop = profile === 'top' || (profile === 'mmu' && draw.percent(12));
  const layout = atTop ? topOfMemory : drawn;
  const kernelMin = profile === 'wide' ? 0xeffb_f000 : (layout ?? classic)(draw, sizes);
  const kernelStart = kernelMin + imagePages * PAGE_SIZE;
  const window = scratch(draw, kernelMin, imagePages, profile === 'mmu');
  const reserved = reservations(draw, kernelStart, sizes);
  return {
    managedPages: frames + window.scratchPages,
    deviceFrames: window.deviceFrames,
    kernelMin: address(kernelMin),
    kernelStart: address(kernelStart),
    kernelMax: address(kernelStart + kernelPages * PAGE_SIZE),
    mapEntries: entries + 2 * reserved.length,
    staticMaps,
    kmemObjectSize: bytes(TRACE_KMEM_OBJECT_SIZE),
    ...(draw.percent(35) ? thresholds(draw) : NO_THRESHOLDS),
    reserved,
    scratchPages: window.scratchPages,
    scratchWindow: window.scratchWindow,
  };
}

/** Submaps fit for a kernel map of some size: kmem and mb mostly, in either order, others now and then. */
export function initialSubmaps(draw: Draw, machine: MachineConfig, profile: MachineProfile): InitialSubmap[] {
  const roomy = (machine.kernelMax - machine.kernelStart) / PAGE_SIZE;
  const most = Math.max(1, Math.floor(Math.min(roomy / 6, profile === 'wide' ? 4096 : 64)));
  const submap = (name: MapName, count: number, pageable: number): InitialSubmap => ({
    name,
    size: pages(Math.max(1, Math.min(most, count))),
    pageable: draw.percent(pageable),
  });
  const kmem = submap('kmem', draw.pick([4, 8, 8, 16, 64]), 8);
  const mb = submap('mb', draw.pick([2, 4, 4, 16]), 8);
  const other = submap('sub', draw.between(2, 8), 50);
  if (draw.percent(5)) return [];
  if (profile === 'static-maps') return draw.percent(50) ? [] : [other, kmem];
  if (profile === 'mb-below') return [mb, kmem];
  const submaps = draw.percent(92) ? [kmem] : [];
  if (draw.percent(60)) submaps.push(mb);
  if (draw.percent(50)) submaps.push(other);
  return draw.percent(10) ? submaps.reverse() : submaps;
}

/** A machine of some profile with its initial submaps. */
export function drawMachine(draw: Draw, profile: MachineProfile): MachinePlan {
  const machine = machineOf(draw, profile);
  return { machine, submaps: initialSubmaps(draw, machine, profile) };
}
