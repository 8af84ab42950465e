/** Which combinations of bits the words of page tables and directories can have, and which of them were seen. */
import { kernelSlots, type MachineConfig, recursiveSlot } from '../contract/machine.ts';
import { type PageTableSnapshot, PG_A, PG_D, PG_N, PG_P, PG_RW, PG_U, PG_W } from '../contract/pmap.ts';
import { bitNames } from './words.ts';

/** Words of one sort: some bits always set, others set or not in any combination. */
interface Sort {
  readonly name: string;
  readonly always: number;
  readonly free: readonly number[];
  readonly reason: string;
}

const ANY = [PG_RW, PG_A, PG_D, PG_W];

/**
 * R/W follows the protection, W the wiring (PMAP-ENTER-6, PMAP-PROT-1, PMAP-WIRE-1); A is set by an access (CPU-3) and taken away by
 * pmap_clear_reference; D is set by a write or by unwiring (PMAP-WIRE-1), which needs no access. So all sixteen occur.
 */
const SORTS = {
  kernelManaged: {
    name: 'PTE of the kernel, managed frame',
    always: PG_P,
    free: ANY,
    reason: 'no U: not a user address (PMAP-ENTER-6)',
  },
  kernelDevice: {
    name: 'PTE of the kernel, device frame',
    always: PG_P | PG_N,
    free: ANY,
    reason: 'N: an unmanaged frame is not cached (PMAP-ENTER-6)',
  },
  userManaged: {
    name: 'PTE of a user pmap, managed frame',
    always: PG_P | PG_U,
    free: ANY,
    reason: 'U: a user address (PMAP-ENTER-6)',
  },
  userDevice: {
    name: 'PTE of a user pmap, device frame',
    always: PG_P | PG_U | PG_N,
    free: ANY,
    reason: 'U and N (PMAP-ENTER-6)',
  },
  kernelSlot: {
    name: 'kernel slot of the kernel directory',
    always: PG_P | PG_RW,
    free: [PG_A],
    reason: 'static tables (BOOT-4); A by an access while the kernel pmap is current',
  },
  kernelSlotCopy: {
    name: 'kernel slot of a user directory',
    always: PG_P | PG_RW,
    free: [PG_A],
    reason: 'copied once (PMAP-PINIT-1); A with the copy or by an access while the pmap is current',
  },
  recursive: {
    name: 'recursive slot of the kernel directory',
    always: PG_P | PG_RW,
    free: [],
    reason: 'BOOT-4; no A: accesses to the window are rejected (PMAP-REC-1)',
  },
  recursiveCopy: {
    name: 'recursive slot of a user directory',
    always: PG_P | PG_RW,
    free: [],
    reason: 'PMAP-PINIT-1; no A: accesses to the window are rejected (PMAP-REC-1)',
  },
  userSlot: {
    name: 'user slot of a user directory',
    always: PG_P | PG_RW | PG_U,
    free: [PG_A],
    reason: 'PMAP-PT-1; A by an access to its 4 MiB',
  },
} as const satisfies { readonly [sort: string]: Sort };
type SortName = keyof typeof SORTS;

/** A combination in words, as in `user slot of a user directory: P RW U A`. */
export type Combination = string;

const combination = (sort: SortName, word: number): Combination =>
  `${SORTS[sort].name}: ${bitNames(word & 0xfff)}`;

function combinationsOf(name: SortName): Combination[] {
  const { always, free }: Sort = SORTS[name];
  return Array.from({ length: 2 ** free.length }, (_, chosen) =>
    combination(
      name,
      free.reduce((bits, bit, i) => (((chosen >>> i) & 1) === 1 ? bits | bit : bits), always as number),
    ),
  );
}

/** All that a pmap can produce. */
export const COMBINATIONS: readonly Combination[] = (Object.keys(SORTS) as SortName[]).flatMap(
  combinationsOf,
);

/** One row for each sort: its name, how many combinations, and why these. */
export const SORT_ROWS: readonly (readonly [name: string, count: number, reason: string])[] = Object.values(
  SORTS as { readonly [sort: string]: Sort },
).map(({ name, free, reason }) => [name, 2 ** free.length, reason]);

/** The combinations in raw tables. */
export function combinationsIn(tables: PageTableSnapshot, machine: MachineConfig): Set<Combination> {
  const seen = new Set<Combination>();
  const firstDevice = tables.firstManagedFrame + machine.managedPages;
  for (const { word } of tables.tables)
    seen.add(combination(word >>> 12 >= firstDevice ? 'kernelDevice' : 'kernelManaged', word));
  const { first, end } = kernelSlots(machine);
  const isKernel = (slot: number): boolean => slot >= first && slot < end;
  for (const { slot, word } of tables.directory)
    if (isKernel(slot)) seen.add(combination('kernelSlot', word));
    else if (slot === recursiveSlot(machine)) seen.add(combination('recursive', word));
  for (const space of tables.spaces) {
    for (const { word } of space.tables)
      seen.add(combination(word >>> 12 >= firstDevice ? 'userDevice' : 'userManaged', word));
    for (const { slot, word } of space.directory)
      if (isKernel(slot)) seen.add(combination('kernelSlotCopy', word));
      else if (slot === recursiveSlot(machine)) seen.add(combination('recursiveCopy', word));
      else seen.add(combination('userSlot', word));
  }
  return seen;
}
