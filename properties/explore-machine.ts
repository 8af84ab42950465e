/** The tiny machine of an exhaustive search. */
import { address, PAGE_SIZE, pages } from '../contract/address.ts';
import type { MachineConfig } from '../contract/machine.ts';

/** Sizes that matter: how much there is to run out of. */
export interface TinySizes {
  /** Managed frames beside the scratch page. */
  readonly frames: number;
  /** Static map entries. */
  readonly entries: number;
  /** Live maps, `kernel` included. */
  readonly maps: number;
  /** Pages of the largest allocation. */
  readonly largest: number;
  /** True: with a window and a scratch page for direct pmap operations, which cost a boot entry. */
  readonly scratch: boolean;
}

const KERNEL_MIN = 0xfe00_0000;

/** Twice the largest allocation in kernel_map, so that some but not all of them fit at once. */
export function tinyMachine({ frames, entries, maps, largest, scratch }: TinySizes): MachineConfig {
  const kernelMin = address(KERNEL_MIN);
  const kernelStart = address(KERNEL_MIN + (scratch ? PAGE_SIZE : 0));
  const scratchPages = scratch ? 1 : 0;
  return {
    managedPages: frames + scratchPages,
    deviceFrames: 0,
    kernelMin,
    kernelStart,
    kernelMax: address(kernelStart + Math.max(2, 2 * largest) * PAGE_SIZE),
    mapEntries: entries + (scratch ? 1 : 0),
    staticMaps: maps,
    kmemObjectSize: pages(Math.max(2, 2 * largest)),
    freeMin: 0,
    freeTarget: 0,
    inactiveTarget: 0,
    reserved: [],
    scratchPages,
    scratchWindow: scratch ? { start: kernelMin, end: kernelStart } : null,
  };
}
