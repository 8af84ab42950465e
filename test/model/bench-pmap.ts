/** Operations on user pmaps, and a machine whose frames 0 and 1 are scratch pages and 12 and 13 device frames. */
import { address, bytes, frameNumber } from '../../contract/address.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import type { Operation, OperationOf } from '../../contract/operation.ts';
import { at, type Bench, bench } from './bench-machine.ts';

/** FREE starts as 2 to 11; the first directory is page 8 of the kernel map, on frame 2. */
export const scratch = (changes: Partial<MachineConfig> = {}): Bench =>
  bench({ scratchPages: 2, kernelStart: at(8), scratchWindow: { start: at(0), end: at(8) }, ...changes });

/** The size of what one page table maps. */
export const LINE = 0x40_0000;

export const create = (name: string, size = 0): Operation => ({
  kind: 'pmap_create',
  name,
  size: bytes(size),
});
export const onPmap = (
  kind: 'pmap_reference' | 'pmap_destroy' | 'pmap_release' | 'pmap_activate',
  pmap: string,
): Operation => ({ kind, pmap });
export const enter = (
  pmap: string,
  where: number,
  frame: number,
  protection = 3,
  wired = false,
): OperationOf<'pmap_enter'> => ({
  kind: 'pmap_enter',
  pmap,
  address: address(where),
  frame: frameNumber(frame),
  protection,
  wired,
});
export const remove = (pmap: string, start: number, end: number): Operation => ({
  kind: 'pmap_remove',
  pmap,
  start: address(start),
  end: address(end),
});
export const cpuRead = (where: number, length: number, mode?: 'user'): Operation => ({
  kind: 'cpu_read',
  ...(mode && { mode }),
  address: address(where),
  length,
});
export const cpuWrite = (where: number, values: number[], mode?: 'user'): Operation => ({
  kind: 'cpu_write',
  ...(mode && { mode }),
  address: address(where),
  bytes: values,
});

export const pageProtect = (frame: number, protection: number): Operation => ({
  kind: 'pmap_page_protect',
  frame: frameNumber(frame),
  protection,
});
/** pmap_protect in pmap `a`. */
export const protectPart = (start: number, end: number, protection: number): Operation => ({
  kind: 'pmap_protect',
  pmap: 'a',
  start: address(start),
  end: address(end),
  protection,
});

export const done = { kind: 'done' };
export const none = { kind: 'none' };
export const rejected = (rule: string) => ({ kind: 'rejected', rule });
/** Everything that a machine shows, to be compared with a later time. */
export const shown = ({ kernel }: Bench) => kernel.snapshot({ contents: true });
/** A user pmap as the machine shows it. */
export const space = ({ kernel }: Bench, name: string) =>
  kernel.cell('spaces').pmaps.find((pmap) => pmap.name === name);

/** Pmap `a` on frame 2, so that FREE starts as 3 to 11. */
export function withPmap(): Bench {
  const machine = scratch();
  machine.run(create('a'));
  return machine;
}
