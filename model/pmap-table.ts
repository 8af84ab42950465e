/** Directories and page tables of user pmaps, as far as they take frames (pmap.c; pmap_allocate_pte, pmap_unuse_pt). */
import type { FrameNumber, ObjectOffset, VirtualAddress } from '../contract/address.ts';
import { objectOffset, pages, pdeSlot } from '../contract/address.ts';
import { PANIC } from '../contract/outcome.ts';
import { cite, stopMachine } from './bookkeeping.ts';
import type { ModelState, UserPmap } from './state.ts';
import {
  vmPageAlloc,
  vmPageFree,
  vmPageLookup,
  vmPageUnwire,
  vmPageWire,
  vmPageZeroFill,
} from './vm-page.ts';

const tableOffset = (address: VirtualAddress): ObjectOffset => objectOffset(pages(pdeSlot(address)));

/** Makes sure that an address of a user pmap has a page table; stops the machine where no frame is free for it (DC-6). */
export function takeTable(state: ModelState, { pteObject }: UserPmap, address: VirtualAddress): void {
  cite(state, 'PMAP-PT-1');
  const offset = tableOffset(address);
  if (vmPageLookup(state, pteObject, offset) !== undefined) return;
  const page = vmPageAlloc(state, pteObject, offset);
  if (page === undefined) stopMachine(PANIC.noPageTablePage);
  vmPageZeroFill(state, page);
  vmPageWire(state, page);
}

/** Gives the page table of an address back once nothing is mapped in its 4 MiB; unwired first, so v_wire stays right. */
export function dropEmptyTable(state: ModelState, pmap: UserPmap, address: VirtualAddress): void {
  cite(state, 'PMAP-PT-2');
  const slot = pdeSlot(address);
  for (const mapped of pmap.mappings.keys()) if (pdeSlot(mapped) === slot) return;
  const page = vmPageLookup(state, pmap.pteObject, tableOffset(address));
  if (page === undefined) return;
  vmPageUnwire(state, page);
  vmPageFree(state, page);
}

/** Where the page of a directory is in kernel_object. */
export const directoryOffset = ({ machine }: ModelState, { directory }: UserPmap): ObjectOffset =>
  objectOffset(directory - machine.kernelMin);

/** True for a frame that is a live directory or page table: its bytes mean nothing here (DC-9), and nobody may write them. */
export const holdsTable = (state: ModelState, frame: FrameNumber): boolean =>
  state.userPmaps.some((pmap) => {
    const offset = directoryOffset(state, pmap);
    const directory = state.kernelObject.pages.find((page) => page.offset === offset);
    return directory?.frame === frame || pmap.pteObject.pages.some((page) => page.frame === frame);
  });
