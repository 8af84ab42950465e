/** Machines with user pmaps, for the tests of page tables, the TLB and user accesses. */
import { address, bytes, frameNumber, PAGE_SIZE } from '../../contract/address.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import { bootSmall } from './machine.ts';

/** Frames that the tests may map: two scratch pages and a device frame. */
export const FRAME = frameNumber(0);
export const OTHER = frameNumber(1);
export const DEVICE = frameNumber(24);
/** Physical frame of managed frame 0 on the small machine: behind one directory and one page table. */
export const FIRST_MANAGED = 0x102;

/** The word that names managed frame `frame` with the given low bits. */
export const word = (frame: number, bits: number) => (FIRST_MANAGED + frame) * PAGE_SIZE + bits;

/** A small machine that has created the pmaps `names`, with shorthands for what tests do to them. */
export function bootWithPmaps(names: readonly string[], changes: Partial<MachineConfig> = {}) {
  const machine = bootSmall(changes);
  const create = (name: string) => machine.run({ kind: 'pmap_create', name, size: bytes(0) });
  for (const name of names) create(name);
  return {
    ...machine,
    create,
    enter: (pmap: string, va: number, { frame = FRAME, protection = 7, wired = false } = {}) =>
      machine.run({
        kind: 'pmap_enter',
        pmap,
        address: address(va),
        frame,
        protection: protection as 0,
        wired,
      }),
    remove: (pmap: string, start: number, end: number) =>
      machine.run({ kind: 'pmap_remove', pmap, start: address(start), end: address(end) }),
    activate: (pmap: string) => machine.run({ kind: 'pmap_activate', pmap }),
    read: (va: number, { mode, length = 1 }: { mode?: 'user'; length?: number } = {}) =>
      machine.run({ kind: 'cpu_read', address: address(va), length, ...(mode ? { mode } : {}) }),
    write: (va: number, values: readonly number[], mode?: 'user') =>
      machine.run({ kind: 'cpu_write', address: address(va), bytes: values, ...(mode ? { mode } : {}) }),
    space: (pmap: string) => machine.cell('spaces').pmaps.find(({ name }) => name === pmap),
    tablesOf: (pmap: string) => machine.pageTables().spaces.find((space) => space.pmap === pmap),
    free: () => machine.cell('queue:free'),
  };
}
