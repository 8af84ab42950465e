/**
 * The kernel pmap as one flat table, address → mapping (pmap.c). There are no page tables, no pv lists and no
 * statistics here: the table is scanned.
 */
import {
  address as addressOf,
  type FrameNumber,
  pdeSlot,
  truncPage,
  type VirtualAddress,
} from '../contract/address.ts';
import { highestKernelAddress, kernelSlots } from '../contract/machine.ts';
import { PANIC } from '../contract/outcome.ts';
import { permits, VM_PROT_NONE, VM_PROT_READ, VM_PROT_WRITE, type VmProt } from '../contract/protection.ts';
import { cite, isManaged, type Mapping, type ModelState, stopMachine, touch } from './state.ts';

/** The usable mapping of the page that holds an address: one that grants READ. */
export function mappingAt(state: ModelState, address: VirtualAddress): Mapping | undefined {
  const mapping = state.mappings.get(truncPage(address));
  return mapping?.readable ? mapping : undefined;
}

/** Addresses of all records of a frame, readable or not. */
function recordsOf(state: ModelState, frame: FrameNumber): VirtualAddress[] {
  const found: VirtualAddress[] = [];
  state.mappings.forEach((mapping, address) => {
    if (mapping.frame === frame) found.push(address);
  });
  return found;
}

/** The usable mappings of a managed frame; none for a device frame. */
export function pvMappings(state: ModelState, frame: FrameNumber): Mapping[] {
  if (!isManaged(state, frame)) return [];
  return [...state.mappings.values()].filter((mapping) => mapping.frame === frame && mapping.readable);
}

function touchMapping(state: ModelState, address: VirtualAddress, frame: FrameNumber): void {
  touch(state, `mapping:${address}`, `pv:${frame}`, 'pmap:kernel');
}

/** Stops the machine where no kernel page table can hold the address (DEV-27, Q-12). */
export function requirePageTable(state: ModelState, address: VirtualAddress): void {
  cite(state, 'PMAP-ENTER-1');
  if (address > highestKernelAddress(state.machine)) stopMachine(PANIC.enterTooBig);
  const { first, end } = kernelSlots(state.machine);
  const slot = pdeSlot(address);
  if (slot < first || slot >= end) stopMachine(PANIC.invalidPageDirectory);
}

/** What a mapping is to be, apart from where. */
interface Rights {
  readonly frame: FrameNumber;
  readonly protection: VmProt;
  readonly wired: boolean;
}

/** pmap_enter: maps the page of an address. Without READ the record stays, but grants nothing. */
export function pmapEnter(state: ModelState, where: VirtualAddress, rights: Rights): void {
  const address = truncPage(where);
  requirePageTable(state, address);
  const { frame, protection, wired } = rights;
  const old = state.mappings.get(address);
  if (old?.frame === frame && old.readable) cite(state, 'PMAP-ENTER-3');
  else if (old !== undefined) {
    if (old.readable) cite(state, 'PMAP-ENTER-4');
    removeRecord(state, address);
  }
  const kept = state.mappings.get(address);
  const readable = permits(protection, VM_PROT_READ);
  if (!readable) cite(state, 'PMAP-ENTER-2');
  if (kept === undefined) cite(state, 'PMAP-ENTER-5');
  cite(state, 'PMAP-ENTER-6');
  state.mappings.set(address, {
    frame,
    readable,
    writable: permits(protection, VM_PROT_WRITE),
    wired,
    accessed: readable && (kept?.accessed ?? false),
    dirty: readable && (kept?.dirty ?? false),
  });
  touchMapping(state, address, frame);
}

/** pmap_kenter: maps a page readable, writable and wired, without a fault and without touching the page's wire count. */
export function pmapKenter(state: ModelState, where: VirtualAddress, frame: FrameNumber): void {
  cite(state, 'PMAP-KENTER-1');
  pmapEnter(state, where, { frame, protection: VM_PROT_READ | VM_PROT_WRITE, wired: true });
}

function removeRecord(state: ModelState, address: VirtualAddress): void {
  const mapping = state.mappings.get(address);
  if (mapping === undefined) return;
  state.mappings.delete(address);
  touchMapping(state, address, mapping.frame);
}

/** Addresses of the records in [start, end). */
function recordsIn(state: ModelState, start: VirtualAddress, end: VirtualAddress): VirtualAddress[] {
  const found: VirtualAddress[] = [];
  for (const address of state.mappings.keys()) if (address >= start && address < end) found.push(address);
  return found;
}

/** pmap_remove: no address of [start, end) is mapped afterwards. */
export function pmapRemove(state: ModelState, start: VirtualAddress, end: VirtualAddress): void {
  cite(state, 'PMAP-REMOVE-1');
  for (const address of recordsIn(state, start, end)) removeRecord(state, address);
}

/** pmap_protect: takes rights away from [start, end), never gives any. */
export function pmapProtect(
  state: ModelState,
  { start, end }: { readonly start: VirtualAddress; readonly end: VirtualAddress },
  protection: VmProt,
): void {
  cite(state, 'PMAP-PROT-1');
  if (!permits(protection, VM_PROT_READ)) {
    for (const address of recordsIn(state, start, end)) removeRecord(state, address);
    return;
  }
  if (permits(protection, VM_PROT_WRITE)) return;
  for (const address of recordsIn(state, start, end)) revokeWrite(state, address);
}

function revokeWrite(state: ModelState, address: VirtualAddress): void {
  const mapping = state.mappings.get(address);
  if (mapping === undefined) return;
  mapping.writable = false;
  touchMapping(state, address, mapping.frame);
}

/** Removes every mapping of a managed frame. */
export function pmapRemoveAll(state: ModelState, frame: FrameNumber): void {
  pmapPageProtect(state, frame, VM_PROT_NONE);
}

/** pmap_page_protect: as pmap_protect, for every mapping of one managed frame; here any right but WRITE keeps it mapped. */
export function pmapPageProtect(state: ModelState, frame: FrameNumber, protection: VmProt): void {
  cite(state, 'PMAP-RMALL-1');
  if (!isManaged(state, frame) || permits(protection, VM_PROT_WRITE)) return;
  for (const address of recordsOf(state, frame)) {
    if (protection === VM_PROT_NONE) removeRecord(state, address);
    else revokeWrite(state, address);
  }
}

/** pmap_change_wiring: marks a valid mapping wired or not; unwiring makes it look written to. */
export function pmapChangeWiring(
  state: ModelState,
  address: VirtualAddress,
  { wired }: { readonly wired: boolean },
): void {
  cite(state, 'PMAP-WIRE-1');
  const mapping = mappingAt(state, address);
  if (mapping === undefined) return;
  mapping.wired = wired;
  if (!wired) mapping.dirty = true;
  touchMapping(state, truncPage(address), mapping.frame);
}

/** pmap_clear_reference: none of the frame's mappings has been used. */
export function pmapClearReference(state: ModelState, frame: FrameNumber): void {
  clearBit(state, frame, 'accessed');
}

/** Clears the accessed or the dirty bit in every usable mapping of a managed frame. */
export function clearBit(state: ModelState, frame: FrameNumber, bit: 'accessed' | 'dirty'): void {
  cite(state, 'PMAP-BIT-1');
  if (!isManaged(state, frame)) return;
  for (const address of recordsOf(state, frame)) {
    const mapping = mappingAt(state, address);
    if (mapping === undefined) continue;
    mapping[bit] = false;
    touchMapping(state, address, frame);
  }
}

/** What the walker leaves behind when it uses a mapping: accessed, and dirty on a write. */
export function noteAccess(state: ModelState, where: number, use: 'read' | 'write'): void {
  const address = addressOf(where);
  const mapping = mappingAt(state, address);
  if (mapping === undefined) return;
  cite(state, 'CPU-3');
  mapping.accessed = true;
  if (use === 'write') mapping.dirty = true;
  touchMapping(state, truncPage(address), mapping.frame);
}
