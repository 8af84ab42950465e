/** The raw page tables of all pmaps as plain data. Nothing here changes the kernel. */
import { address, frameNumber } from '../contract/address.ts';
import type { PageTableSnapshot, UserTableSnapshot } from '../contract/pmap.ts';
import type { Kernel } from './kernel.ts';
import type { Pmap } from './pmap.ts';
import type { UserPart } from './pmap-parts.ts';
import { PLACES_PER_PMAP } from './pv-table.ts';

/** Every non-zero word of every directory and page table, and what is kept beside them. */
export function pageTableSnapshot(kernel: Kernel): PageTableSnapshot {
  const { tables, memory, spaces } = kernel;
  const shown: UserTableSnapshot[] = [];
  for (const pmap of spaces.live.values())
    if (pmap.user !== null) shown.push(userTables(kernel, pmap, pmap.user));
  return {
    directoryFrame: tables.directory,
    firstManagedFrame: memory.firstManaged,
    directory: tables.directoryWords(),
    tables: tables.words(),
    spaces: shown,
  };
}

function userTables(kernel: Kernel, { tables }: Pmap, user: UserPart): UserTableSnapshot {
  return {
    pmap: user.name,
    directoryFrame: tables.directory,
    directory: tables.directoryWords(),
    tables: tables.words(),
    holds: tables.slots().map((slot) => ({ slot, hold: tables.validInSlot(slot) })),
    records: recordsOf(kernel, user.number),
  };
}

function recordsOf({ pv, config }: Kernel, number: number): UserTableSnapshot['records'] {
  const records = [];
  for (let i = 0; i < config.managedPages; i++) {
    const frame = frameNumber(i);
    for (const place of pv.places(frame))
      if (Math.floor(place / PLACES_PER_PMAP) === number) records.push({ address: address(place), frame });
  }
  return records.sort((a, b) => a.address - b.address);
}
