/** Smaller and plainer machines for the same operations. */
import { address, bytes, PAGE_SIZE } from '../contract/address.ts';
import { type MachineConfig, machineFaults } from '../contract/machine.ts';
import { bounds } from './generate-recipe.ts';
import { type Edits, stepsDown } from './scenarios-edits.ts';
import {
  CANONICAL_KERNEL_MIN,
  CANONICAL_KMEM_OBJECT_SIZE,
  CANONICAL_STATIC_MAPS,
  PLAIN_ENTRIES,
  PLAIN_ROOM,
} from './scenarios-measure.ts';

function simplerMachines(machine: MachineConfig): Partial<MachineConfig>[] {
  const { kernelMin, kernelStart, kernelMax, managedPages, mapEntries, scratchPages } = machine;
  const image = (kernelStart - kernelMin) / PAGE_SIZE;
  const room = (kernelMax - kernelStart) / PAGE_SIZE;
  const layout = (min: number, imagePages: number, roomPages: number): Partial<MachineConfig> => {
    const { start: kernelMin, end: kernelStart } = bounds({ start: min, end: min + imagePages * PAGE_SIZE });
    const { end } = bounds({ start: min, end: min + (imagePages + roomPages) * PAGE_SIZE });
    return { kernelMin, kernelStart, kernelMax: end };
  };
  const taken = machine.reserved.reduce((sum, { length }) => sum + length / PAGE_SIZE, 0);
  return [
    { reserved: [] },
    ...[kernelMin, CANONICAL_KERNEL_MIN].map((min) => ({
      ...layout(min, image, room - taken),
      reserved: [],
    })),
    ...machine.reserved.map((range) => ({ reserved: machine.reserved.filter((other) => other !== range) })),
    { freeMin: 0, freeTarget: 0, inactiveTarget: 0 },
    ...stepsDown(machine.freeMin, 0).map((count) => ({ freeMin: count })),
    ...stepsDown(machine.freeTarget, 0).map((count) => ({ freeTarget: count })),
    ...stepsDown(machine.inactiveTarget, 0).map((count) => ({ inactiveTarget: count })),
    { scratchWindow: null, scratchPages: 0, deviceFrames: 0, managedPages: managedPages - scratchPages },
    ...(scratchPages === 0 ? [] : stepsDown(scratchPages, 1)).map((count) => ({
      scratchPages: count,
      managedPages: managedPages - scratchPages + count,
    })),
    ...narrowWindows(machine),
    ...stepsDown(managedPages, scratchPages + 1).map((count) => ({ managedPages: count })),
    ...stepsDown(machine.deviceFrames, 0).map((count) => ({ deviceFrames: count })),
    layout(CANONICAL_KERNEL_MIN, image, room),
    ...(room < PLAIN_ROOM ? [layout(kernelMin, image, PLAIN_ROOM)] : []),
    ...stepsDown(room, PLAIN_ROOM).map((count) => layout(kernelMin, image, count)),
    ...(machine.scratchWindow === null
      ? stepsDown(image, 0).map((count) => layout(kernelMin, count, room))
      : []),
    ...(machine.scratchWindow === null ? stepsDown(image, 0) : []).map((count) => ({
      kernelMin: address(kernelStart - count * PAGE_SIZE),
    })),
    ...(mapEntries === null
      ? [{ mapEntries: PLAIN_ENTRIES }]
      : [...(mapEntries < PLAIN_ENTRIES ? [PLAIN_ENTRIES] : []), ...stepsDown(mapEntries, PLAIN_ENTRIES)].map(
          (count) => ({ mapEntries: count }),
        )),
    { staticMaps: CANONICAL_STATIC_MAPS },
    { kmemObjectSize: bytes(CANONICAL_KMEM_OBJECT_SIZE) },
  ];
}

/** The window filling the image, of fewer pages. */
function narrowWindows({ kernelStart, kernelMax, scratchWindow }: MachineConfig): Partial<MachineConfig>[] {
  if (scratchWindow === null) return [];
  const room = kernelMax - kernelStart;
  const count = (scratchWindow.end - scratchWindow.start) / PAGE_SIZE;
  return [...stepsDown(count, 1), count].map((pages) => {
    const { start, end } = bounds({
      start: CANONICAL_KERNEL_MIN,
      end: CANONICAL_KERNEL_MIN + pages * PAGE_SIZE,
    });
    const { end: max } = bounds({ start, end: end + room });
    return { kernelMin: start, kernelStart: end, kernelMax: max, scratchWindow: { start, end } };
  });
}

/** The same operations on a smaller or plainer machine. */
export const simplifyMachine: Edits = ({ machine, items }) =>
  simplerMachines(machine).flatMap((change) => {
    const simpler = { ...machine, ...change };
    return machineFaults(simpler).length > 0
      ? []
      : [() => ({ machine: simpler, items: items.map((item) => ({ item, operation: item.operation })) })];
  });
