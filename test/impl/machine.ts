/** The small machine that tests of the optimized kernel boot: 8 scratch frames, 2 device frames, 48 pages of map. */
import { address, bytes, PAGE_SIZE, type VirtualAddress } from '../../contract/address.ts';
import { type MachineConfig, TRACE_KMEM_OBJECT_SIZE } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';
import type { Step } from '../../contract/outcome.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';

export const KERNEL_MIN = 0xf000_0000;

/** The address of the nth page of the kernel map. */
export const at = (page: number): VirtualAddress => address(KERNEL_MIN + page * PAGE_SIZE);

/** Pages 0 to 15 are the boot entry, of which 8 to 15 are the scratch window. */
export const SMALL_MACHINE: MachineConfig = {
  managedPages: 24,
  deviceFrames: 2,
  kernelMin: at(0),
  kernelStart: at(16),
  kernelMax: at(64),
  mapEntries: 40,
  staticMaps: 4,
  kmemObjectSize: bytes(TRACE_KMEM_OBJECT_SIZE),
  freeMin: 0,
  freeTarget: 0,
  inactiveTarget: 0,
  reserved: [],
  scratchPages: 8,
  scratchWindow: { start: at(8), end: at(16) },
};

/** A booted machine that numbers the operations it is given. */
export function bootSmall(changes: Partial<MachineConfig> = {}) {
  const kernel = optimizedKernel.boot({ ...SMALL_MACHINE, ...changes });
  let number = 0;
  const step = (operation: Operation): Step => kernel.apply(operation, ++number);
  return { ...kernel, step, run: (operation: Operation) => step(operation).outcome };
}
