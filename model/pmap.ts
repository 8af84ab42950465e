/**
 * The kernel pmap as one flat table, address → mapping (pmap.c). There are no page tables, no pv lists and no
 * statistics here: the table is scanned.
 */
import {
  type FrameNumber,
  isPageAligned,
  PAGE_SIZE,
  pdeSlot,
  truncPage,
  type VirtualAddress,
} from '../contract/address.ts';
import { highestKernelAddress, kernelSlots } from '../contract/machine.ts';
import type { OperationOf } from '../contract/operation.ts';
import { done, none, type Outcome, PANIC, type Rejected, rejected } from '../contract/outcome.ts';
import { permits, VM_PROT_ALL, VM_PROT_NONE, VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import { cite, isManaged, stopMachine, touch } from './bookkeeping.ts';
import type { Answer, Call, Mapping, ModelState, Range } from './state.ts';

/** The usable mapping of the page that holds an address: one that grants READ. */
export function mappingAt(state: ModelState, address: VirtualAddress): Mapping | undefined {
  const mapping = state.mappings.get(truncPage(address));
  return mapping?.readable ? mapping : undefined;
}

/** Writes the record of a page address, or takes it away; nothing else changes the table. */
function setRecord(state: ModelState, address: VirtualAddress, mapping: Mapping | null): void {
  const old = state.mappings.get(address);
  if (old !== undefined && old.frame !== mapping?.frame) touch(state, `pv:${old.frame}`);
  if (mapping === null) state.mappings.delete(address);
  else {
    state.mappings.set(address, mapping);
    touch(state, `pv:${mapping.frame}`);
  }
  touch(state, `mapping:${address}`, 'pmap:kernel');
}

function recordsWhere(
  state: ModelState,
  wanted: (mapping: Mapping, address: VirtualAddress) => boolean,
): VirtualAddress[] {
  const found: VirtualAddress[] = [];
  for (const [address, mapping] of state.mappings) if (wanted(mapping, address)) found.push(address);
  return found;
}

const recordsIn = (state: ModelState, { start, end }: Range): VirtualAddress[] =>
  recordsWhere(state, (_, address) => start <= address && address < end);

/** Where a managed frame has a record, readable or not. */
const recordsOf = (state: ModelState, frame: FrameNumber): VirtualAddress[] =>
  isManaged(state, frame) ? recordsWhere(state, (mapping) => mapping.frame === frame) : [];

/** Where a managed frame is mapped. */
export const pvAddresses = (state: ModelState, frame: FrameNumber): VirtualAddress[] =>
  recordsOf(state, frame).filter((address) => mappingAt(state, address) !== undefined);

/** The page of an address; stops the machine where no kernel page table can hold it (DEV-27, Q-12). */
function mappablePage(state: ModelState, where: VirtualAddress): VirtualAddress {
  cite(state, 'PMAP-ENTER-1');
  const address = truncPage(where);
  if (address > highestKernelAddress(state.machine)) stopMachine(PANIC.enterTooBig);
  const { first, end } = kernelSlots(state.machine);
  const slot = pdeSlot(address);
  if (slot < first || slot >= end) stopMachine(PANIC.invalidPageDirectory);
  return address;
}

/** pmap_enter: maps the page of an address. Without READ the record stays, but grants nothing. */
export function pmapEnter(state: ModelState, call: Call<'pmap_enter'>): void {
  const address = mappablePage(state, call.address);
  const { frame, protection, wired } = call;
  const old = mappingAt(state, address);
  const kept = old?.frame === frame ? old : undefined;
  if (kept !== undefined) cite(state, 'PMAP-ENTER-3');
  else if (old !== undefined) cite(state, 'PMAP-ENTER-4');
  if (kept === undefined) cite(state, 'PMAP-ENTER-5');
  const readable = permits(protection, VM_PROT_READ);
  if (!readable) cite(state, 'PMAP-ENTER-2');
  cite(state, 'PMAP-ENTER-6');
  setRecord(state, address, {
    frame,
    readable,
    writable: permits(protection, VM_PROT_WRITE),
    wired,
    accessed: readable && kept?.accessed === true,
    dirty: readable && kept?.dirty === true,
  });
}

/** pmap_kenter: maps a page readable, writable and wired, without a fault and without touching the page's wire count. */
export function pmapKenter(state: ModelState, { address, frame }: Call<'pmap_kenter'>): void {
  cite(state, 'PMAP-KENTER-1');
  pmapEnter(state, { address, frame, protection: VM_PROT_READ | VM_PROT_WRITE, wired: true });
}

const exists = ({ frames }: ModelState, frame: FrameNumber): boolean => frames[frame] !== undefined;

/** Refuses the harness a frame that does not exist, or, by `rule`, one that is neither a device's nor its own. */
export function refuseFrame(state: ModelState, frame: FrameNumber, rule: string): Rejected | undefined {
  if (!exists(state, frame)) return rejected('CONV-4');
  return isManaged(state, frame) && frame >= state.machine.scratchPages ? rejected(rule) : undefined;
}

/** pmap_enter as an operation. */
export function enter(state: ModelState, call: Call<'pmap_enter'>): Outcome {
  mappablePage(state, call.address);
  const refusal = refuseFrame(state, call.frame, 'PAGE-FREE-1');
  if (refusal === undefined) pmapEnter(state, call);
  return refusal ?? done;
}

/** pmap_kenter as an operation. */
export function kenter(state: ModelState, call: Call<'pmap_kenter'>): Outcome {
  mappablePage(state, call.address);
  const refusal = refuseFrame(state, call.frame, 'PAGE-FREE-1');
  if (refusal === undefined) pmapKenter(state, call);
  return refusal ?? done;
}

const isSound = ({ start, end }: Range): boolean =>
  isPageAligned(start) && isPageAligned(end) && start <= end;

/** Takes the right to write away from records, or the records themselves. */
function revoke(state: ModelState, addresses: readonly VirtualAddress[], what: 'write' | 'all'): void {
  for (const address of addresses) {
    const mapping = state.mappings.get(address);
    if (mapping !== undefined)
      setRecord(state, address, what === 'all' ? null : { ...mapping, writable: false });
  }
}

/** pmap_remove: no address of the range is mapped afterwards. */
export function pmapRemove(state: ModelState, range: Range): Outcome {
  if (!isSound(range)) return rejected('PMAP-REMOVE-1');
  cite(state, 'PMAP-REMOVE-1');
  revoke(state, recordsIn(state, range), 'all');
  return done;
}

/** pmap_protect: takes rights away from a range, never gives any. */
export function pmapProtect(state: ModelState, call: Call<'pmap_protect'>): Outcome {
  const { protection } = call;
  if (!isSound(call) || !permits(VM_PROT_ALL, protection)) return rejected('PMAP-PROT-1');
  cite(state, 'PMAP-PROT-1');
  if (!permits(protection, VM_PROT_READ)) revoke(state, recordsIn(state, call), 'all');
  else if (!permits(protection, VM_PROT_WRITE)) revoke(state, recordsIn(state, call), 'write');
  return done;
}

/** pmap_page_protect: as pmap_protect, for every mapping of one managed frame; here any right but WRITE keeps it mapped. */
export function pmapPageProtect(
  state: ModelState,
  { frame, protection }: Call<'pmap_page_protect'>,
): Outcome {
  if (!exists(state, frame)) return rejected('CONV-4');
  cite(state, 'PMAP-RMALL-1');
  if (protection === VM_PROT_NONE) revoke(state, recordsOf(state, frame), 'all');
  else if (!permits(protection, VM_PROT_WRITE)) revoke(state, recordsOf(state, frame), 'write');
  return done;
}

/** pmap_change_wiring: marks a valid mapping wired or not; unwiring makes it look written to. */
export function pmapChangeWiring(state: ModelState, { address, wired }: Call<'pmap_change_wiring'>): Outcome {
  cite(state, 'PMAP-WIRE-1');
  const mapping = mappingAt(state, address);
  if (mapping !== undefined)
    setRecord(state, truncPage(address), { ...mapping, wired, dirty: mapping.dirty || !wired });
  return done;
}

/** pmap_extract: the frame behind an address. */
export function pmapExtract(state: ModelState, { address }: Call<'pmap_extract'>): Outcome {
  cite(state, 'PMAP-EXTR-1');
  const mapping = mappingAt(state, address);
  if (mapping === undefined) return none;
  return { kind: 'frame', frame: mapping.frame, offset: address % PAGE_SIZE };
}

/** pmap_is_modified and pmap_is_referenced: has a page been written to, or used, through any of its mappings? */
export function pmapTestBit(state: ModelState, { kind, frame }: OperationOf<'pmap_is_modified'>): Answer {
  if (!exists(state, frame)) return rejected('CONV-4');
  const bit = kind === 'pmap_is_modified' ? 'dirty' : 'accessed';
  return recordsOf(state, frame).some((address) => mappingAt(state, address)?.[bit]);
}

/** pmap_clear_modify and pmap_clear_reference as operations. */
export function clear(state: ModelState, { kind, frame }: OperationOf<'pmap_clear_modify'>): Outcome {
  if (!exists(state, frame)) return rejected('CONV-4');
  pmapClearBit(state, frame, kind === 'pmap_clear_modify' ? 'dirty' : 'accessed');
  return done;
}

/** pmap_clear_modify and pmap_clear_reference: none of a page's mappings has been written to, or used. */
export function pmapClearBit(state: ModelState, frame: FrameNumber, bit: 'accessed' | 'dirty'): void {
  cite(state, 'PMAP-BIT-1');
  for (const address of recordsOf(state, frame)) {
    const mapping = mappingAt(state, address);
    if (mapping?.[bit]) setRecord(state, address, { ...mapping, [bit]: false });
  }
}

/** What the walker leaves behind when it uses a mapping: accessed, and dirty on a write. */
export function noteAccess(state: ModelState, address: VirtualAddress, use: 'read' | 'write'): void {
  const mapping = mappingAt(state, address);
  if (mapping === undefined) return;
  cite(state, 'CPU-3');
  const dirty = mapping.dirty || use === 'write';
  setRecord(state, truncPage(address), { ...mapping, accessed: true, dirty });
}

/** pmap_update: there is no TLB to flush. */
export function pmapUpdate(state: ModelState): Outcome {
  cite(state, 'PMAP-UPD-1');
  return done;
}
