/** Shortcuts of the shrinker: what the last operation depends on, and machines that most failures also show on. */
import { ADDRESS_SPACE_END, PAGE_SIZE } from '../contract/address.ts';
import { type MachineConfig, machineFaults } from '../contract/machine.ts';
import { bounds } from './generate-recipe.ts';
import type { Edit, Edits } from './scenarios-edits.ts';
import { CANONICAL_KERNEL_MIN, CANONICAL_STATIC_MAPS } from './scenarios-measure.ts';
import type { Item, Trace } from './scenarios-trace.ts';

/** All that the items of a set refer to, directly or not, themselves included. */
function withNeeds(roots: Iterable<Item>): Set<Item> {
  const kept = new Set<Item>(roots);
  for (const item of kept) for (const needed of item.needs) kept.add(needed);
  return kept;
}

const only = ({ machine, items }: Trace, kept: ReadonlySet<Item>): Edit => ({
  machine,
  items: items.filter((item) => kept.has(item)).map((item) => ({ item, operation: item.operation })),
});

/**
 * The last operation with what it refers to; that and all that worked on the same ranges and maps; that and all
 * that worked on those of the ones added.
 */
export const keepSlice: Edits = (trace) => {
  const last = trace.items.at(-1);
  if (last === undefined) return [];
  const sizes = new Set<number>();
  const slices: Set<Item>[] = [];
  let kept = withNeeds([last]);
  for (let round = 0; round < 3; round += 1) {
    if (kept.size < trace.items.length && !sizes.has(kept.size)) slices.push(kept);
    sizes.add(kept.size);
    const core = kept;
    kept = withNeeds(
      trace.items.filter((item) => core.has(item) || [...item.needs].some((needed) => core.has(needed))),
    );
  }
  return slices.map((slice) => () => only(trace, slice));
};

/** Pages of the kernel map beyond the boot entry, frames, and entries of the plain machines. */
const PLAIN_SIZES: readonly (readonly [room: number, frames: number, entries: number])[] = [
  [4, 1, 4],
  [8, 4, 6],
];

/** Bytes that one page table maps: what lies at the line between two is often special. */
const PAGE_TABLE_SPAN = 1024 * PAGE_SIZE;

/** The machine without all that a scenario can do without, in one of the plain sizes. */
function plainMachine(
  machine: MachineConfig,
  [room, frames, entries]: (typeof PLAIN_SIZES)[number],
  place: 'plain' | 'line' | 'top' = 'plain',
): MachineConfig {
  const { scratchWindow: window, scratchPages, mapEntries } = machine;
  // The window fills the image: nothing else is needed there.
  const image = window === null ? 0 : window.end - window.start;
  const least = {
    plain: CANONICAL_KERNEL_MIN,
    line: CANONICAL_KERNEL_MIN + PAGE_TABLE_SPAN - PAGE_SIZE - image,
    top: ADDRESS_SPACE_END - PAGE_SIZE - room * PAGE_SIZE - image,
  }[place];
  const { start, end: kernelStart } = bounds({ start: least, end: least + image });
  const { end: kernelMax } = bounds({ start, end: kernelStart + room * PAGE_SIZE });
  return {
    ...machine,
    kernelMin: start,
    kernelStart,
    kernelMax,
    scratchWindow: window === null ? null : { start, end: kernelStart },
    managedPages: scratchPages + frames,
    mapEntries: mapEntries === null ? null : entries,
    staticMaps: CANONICAL_STATIC_MAPS,
    freeMin: 0,
    freeTarget: 0,
    inactiveTarget: 0,
    reserved: [],
  };
}

/** The machine with a window and so many scratch pages of one page each. */
function withOneWindow(machine: MachineConfig, scratchPages: number): MachineConfig {
  const { scratchWindow: window } = machine;
  if (window === null) return machine;
  const { start, end } = bounds({ start: window.start, end: window.start + PAGE_SIZE });
  return { ...machine, scratchWindow: { start, end }, scratchPages };
}

/** Machines of the plain sizes: with neither scratch pages nor device frames, with one page of each, or with all. */
export function plainMachines(machine: MachineConfig): MachineConfig[] {
  const { scratchPages, deviceFrames, scratchWindow } = machine;
  const bare: MachineConfig = { ...machine, scratchWindow: null, scratchPages: 0, deviceFrames: 0 };
  const bases = [bare];
  if (scratchWindow !== null && scratchPages > 0)
    bases.push({ ...withOneWindow(machine, 1), deviceFrames: 0 }, { ...machine, deviceFrames: 0 });
  if (deviceFrames > 0) bases.push({ ...bare, deviceFrames: 1 }, machine);
  const plain = bases.flatMap((base) => PLAIN_SIZES.map((size) => plainMachine(base, size)));
  const [smallest = [4, 1, 4]] = PLAIN_SIZES;
  for (const place of ['line', 'top'] as const)
    plain.push(...bases.map((base) => plainMachine(base, smallest, place)));
  return plain.filter((one) => machineFaults(one).length === 0);
}

/** The same operations on a plain machine, in one leap. */
export const leapToPlainMachine: Edits = ({ machine, items }) =>
  plainMachines(machine).map((simpler) => () => ({
    machine: simpler,
    items: items.map((item) => ({ item, operation: item.operation })),
  }));
