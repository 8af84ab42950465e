/** Small machines that are always the same: whatever a scenario was found on, it is searched for on these. */
import { address, PAGE_SIZE, pages, type VirtualAddress } from '../contract/address.ts';
import type { MachineConfig } from '../contract/machine.ts';
import { tinyMachine } from './explore-machine.ts';
import { CANONICAL_STATIC_MAPS } from './scenarios-measure.ts';

const ROOMY = { frames: 4, entries: 6, maps: CANONICAL_STATIC_MAPS, largest: 4 };
const PLAIN = tinyMachine({ ...ROOMY, scratch: false });
/** Pages of a boot entry that can be clipped, freed and protected without any allocation. */
const BOOT_ENTRY = 3 * PAGE_SIZE;
const WITH_WINDOW = tinyMachine({ ...ROOMY, scratch: true });
const PLAIN_MIN = WITH_WINDOW.kernelMin;
/** So that the page behind a reserved one is the first of a page table. */
const LINE_MIN = PLAIN_MIN + 1022 * PAGE_SIZE;
const moved = (at: number): VirtualAddress => address(at - PLAIN_MIN + LINE_MIN);
const AT_LINE: MachineConfig = {
  ...WITH_WINDOW,
  kernelMin: moved(WITH_WINDOW.kernelMin),
  kernelStart: moved(WITH_WINDOW.kernelStart),
  kernelMax: moved(WITH_WINDOW.kernelMax),
  scratchWindow: { start: moved(WITH_WINDOW.kernelMin), end: moved(WITH_WINDOW.kernelStart) },
};
const SCARCE = tinyMachine({
  frames: 1,
  entries: 4,
  maps: CANONICAL_STATIC_MAPS,
  largest: 2,
  scratch: false,
});

/** A page taken at boot before the first that is free. */
const TAKEN = { start: address(SCARCE.kernelStart + PAGE_SIZE), length: pages(1) };
const BOOTED: MachineConfig = {
  ...SCARCE,
  kernelStart: TAKEN.start,
  kernelMax: address(SCARCE.kernelMax + PAGE_SIZE),
  reserved: [TAKEN],
};

/**
 * One frame, so that allocations sleep soon; more than enough; a boot entry; a boot entry, a range reserved behind it, and
 * so few entries that clipping one is too many; no room at all; a window and a scratch page; all there can be.
 */
export const COMMON_MACHINES: readonly MachineConfig[] = [
  SCARCE,
  PLAIN,
  {
    ...PLAIN,
    kernelStart: address(PLAIN.kernelStart + BOOT_ENTRY),
    kernelMax: address(PLAIN.kernelMax + BOOT_ENTRY),
  },
  { ...BOOTED, mapEntries: 3 },
  { ...BOOTED, kernelMax: address(TAKEN.start + PAGE_SIZE) },
  WITH_WINDOW,
  {
    ...AT_LINE,
    deviceFrames: 1,
    reserved: [{ start: AT_LINE.kernelStart, length: pages(1) }],
    ...{ freeMin: 1, freeTarget: 2, inactiveTarget: 1 },
  },
];
