/** A scenario that leads past every combination of bits, however generated scenarios turn out. */
import { address, bytes, frameNumber, PAGE_SIZE } from '../contract/address.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { PmapName } from '../contract/pmap.ts';
import { VM_PROT_ALL, VM_PROT_READ } from '../contract/protection.ts';
import type { Scenario } from '../contract/scenario.ts';

const WINDOW = 0xfe00_0000;
const USER = 0x0040_0000;
/** Pages for each sort of frame: one for each combination of R/W, A, D and W. */
const COMBINED = 16;

const MACHINE: MachineConfig = {
  managedPages: 24,
  deviceFrames: 2,
  kernelMin: address(WINDOW),
  kernelStart: address(WINDOW + 2 * COMBINED * PAGE_SIZE),
  kernelMax: address(WINDOW + 4 * COMBINED * PAGE_SIZE),
  mapEntries: 32,
  staticMaps: 4,
  kmemObjectSize: bytes(0x2_0000),
  freeMin: 0,
  freeTarget: 0,
  inactiveTarget: 0,
  reserved: [],
  scratchPages: 2,
  scratchWindow: { start: address(WINDOW), end: address(WINDOW + 2 * COMBINED * PAGE_SIZE) },
};

/** The operations that leave a mapping at `at` whose R/W, A, D and W are the bits of `combined`, from the lowest on. */
function mapping(pmap: PmapName | undefined, at: number, frame: number, combined: number): Operation[] {
  const has = (bit: number): boolean => ((combined >>> bit) & 1) === 1;
  const target = pmap === undefined ? {} : { pmap };
  const where = { ...target, address: address(at) };
  const operations: Operation[] = [
    {
      kind: 'pmap_enter',
      ...where,
      frame: frameNumber(frame),
      protection: has(0) ? VM_PROT_ALL : VM_PROT_READ,
      wired: false,
    },
  ];
  if (has(1)) operations.push({ kind: 'cpu_read', address: address(at + 8), length: 4 });
  if (has(2)) operations.push({ kind: 'pmap_change_wiring', ...where, wired: false });
  if (has(3)) operations.push({ kind: 'pmap_change_wiring', ...where, wired: true });
  return operations;
}

const frames = (pmap: PmapName | undefined, base: number): Operation[] =>
  [0, MACHINE.managedPages].flatMap((frame, sort) =>
    Array.from({ length: COMBINED }, (_, combined) =>
      mapping(pmap, base + (sort * COMBINED + combined) * PAGE_SIZE, frame + (combined % 2), combined),
    ).flat(),
  );

/** All combinations in the kernel's tables and in those of a user pmap, beside a second one. */
export const TOUR: Scenario = {
  machine: MACHINE,
  operations: [
    { kind: 'pmap_create', name: 'u0', size: bytes(0) },
    ...frames(undefined, WINDOW),
    { kind: 'pmap_create', name: 'u1', size: bytes(0) },
    { kind: 'pmap_activate', pmap: 'u1' },
    ...frames('u1', USER),
    { kind: 'pmap_activate', pmap: 'kernel' },
  ],
};
