/** The kernel pmap as one flat table that is scanned: no page tables, pv lists or statistics (pmap.c). */
import type { FrameNumber, VirtualAddress } from '../contract/address.ts';
import { isPageAligned, PAGE_SIZE, pdeSlot, truncPage } from '../contract/address.ts';
import { highestKernelAddress, kernelSlots } from '../contract/machine.ts';
import { done, none, type Outcome, PANIC, type Rejected, rejected } from '../contract/outcome.ts';
import { permits, VM_PROT_ALL, VM_PROT_NONE, VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import { cite, isManaged, stopMachine, touch } from './bookkeeping.ts';
import type { Call, Mapping, ModelState, Range, Rule } from './state.ts';

/** The usable mapping of the page that holds an address: one that grants READ. */
export function mappingAt(state: ModelState, address: VirtualAddress): Mapping | undefined {
  const mapping = state.mappings.get(truncPage(address));
  return mapping?.readable ? mapping : undefined;
}

/** Writes the record of a page address, or takes it away; nothing else changes the table. */
function setRecord(state: ModelState, address: VirtualAddress, mapping: Mapping | null): void {
  const old = state.mappings.get(address);
  if (mapping === null) state.mappings.delete(address);
  else state.mappings.set(address, mapping);
  touch(state, old ? `pv:${old.frame}` : null, mapping && `pv:${mapping.frame}`);
  touch(state, `mapping:${address}`, 'pmap:kernel');
}

type Records = readonly (readonly [VirtualAddress, Mapping])[];

function recordsIn({ mappings }: ModelState, { start, end }: Range): Records {
  const found: [VirtualAddress, Mapping][] = [];
  mappings.forEach((record, address) => {
    if (start <= address && address < end) found.push([address, record]);
  });
  return found;
}

/** The records of a managed frame, readable or not. */
function recordsOf(state: ModelState, frame: FrameNumber): Records {
  const found: [VirtualAddress, Mapping][] = [];
  if (!isManaged(state, frame)) return found;
  state.mappings.forEach((record, address) => {
    if (record.frame === frame) found.push([address, record]);
  });
  return found;
}

/** Where a managed frame is mapped, ascending. */
export function pvAddresses(state: ModelState, frame: FrameNumber): VirtualAddress[] {
  const addresses: VirtualAddress[] = [];
  if (!isManaged(state, frame)) return addresses;
  state.mappings.forEach((record, address) => {
    if (record.frame === frame && record.readable) addresses.push(address);
  });
  return addresses.sort((a, b) => a - b);
}

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
export function pmapEnter(state: ModelState, call: Call<'pmap_enter'>): Outcome {
  const address = mappablePage(state, call.address);
  const { frame, protection, wired } = call;
  const old = mappingAt(state, address);
  const kept = old?.frame === frame ? old : undefined;
  if (kept !== undefined) cite(state, 'PMAP-ENTER-3');
  else if (old !== undefined) cite(state, 'PMAP-ENTER-4');
  if (kept === undefined) cite(state, 'PMAP-ENTER-5');
  const readable = permits(protection, VM_PROT_READ);
  const writable = permits(protection, VM_PROT_WRITE);
  if (!readable) cite(state, 'PMAP-ENTER-2');
  cite(state, 'PMAP-ENTER-6');
  const accessed = readable && kept?.accessed === true;
  const dirty = readable && kept?.dirty === true;
  setRecord(state, address, { frame, readable, writable, wired, accessed, dirty });
  return done;
}

/** pmap_kenter: maps a page readable, writable and wired, without a fault and without touching the page's wire count. */
export function pmapKenter(state: ModelState, { address, frame }: Call<'pmap_kenter'>): Outcome {
  cite(state, 'PMAP-KENTER-1');
  return pmapEnter(state, { address, frame, protection: VM_PROT_READ | VM_PROT_WRITE, wired: true });
}

const refuseMissing = ({ frames }: ModelState, frame: FrameNumber): Rejected | undefined =>
  frames[frame] === undefined ? rejected('CONV-4') : undefined;

/** Refuses the harness a frame that does not exist, or, by `rule`, one that is neither a device's nor its own. */
export function refuseFrame(state: ModelState, frame: FrameNumber, rule: string): Rejected | undefined {
  const owned = isManaged(state, frame) && frame >= state.machine.scratchPages;
  return refuseMissing(state, frame) ?? (owned ? rejected(rule) : undefined);
}

/** pmap_enter as an operation. */
export const enter: Rule<'pmap_enter'> = (state, call) => {
  mappablePage(state, call.address);
  return refuseFrame(state, call.frame, 'PAGE-FREE-1') ?? pmapEnter(state, call);
};

/** pmap_kenter as an operation. */
export const kenter: Rule<'pmap_kenter'> = (state, call) => {
  mappablePage(state, call.address);
  return refuseFrame(state, call.frame, 'PAGE-FREE-1') ?? pmapKenter(state, call);
};

const isSound = ({ start, end }: Range) => isPageAligned(start) && isPageAligned(end) && start <= end;

/** Leaves nothing of some records, or everything but the right to write. */
function revoke(state: ModelState, records: Records, what: 'all' | 'write'): void {
  for (const [address, record] of records)
    setRecord(state, address, what === 'all' ? null : { ...record, writable: false });
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
export const pmapPageProtect: Rule<'pmap_page_protect'> = (state, { frame, protection }) => {
  const refusal = refuseMissing(state, frame);
  if (refusal !== undefined) return refusal;
  cite(state, 'PMAP-RMALL-1');
  if (protection === VM_PROT_NONE) pmapRemoveAll(state, frame);
  else if (!permits(protection, VM_PROT_WRITE)) revoke(state, recordsOf(state, frame), 'write');
  return done;
};

/** pmap_page_protect(NONE): a managed frame is mapped nowhere afterwards. */
export const pmapRemoveAll = (state: ModelState, frame: FrameNumber): void =>
  revoke(state, recordsOf(state, frame), 'all');

/** pmap_change_wiring: marks a valid mapping wired or not; unwiring makes it look written to. */
export function pmapChangeWiring(state: ModelState, { address, wired }: Call<'pmap_change_wiring'>): Outcome {
  cite(state, 'PMAP-WIRE-1');
  const mapping = mappingAt(state, address);
  const dirty = mapping?.dirty || !wired;
  if (mapping !== undefined) setRecord(state, truncPage(address), { ...mapping, wired, dirty });
  return done;
}

/** pmap_extract: the frame behind an address. */
export const pmapExtract: Rule<'pmap_extract'> = (state, { address }) => {
  cite(state, 'PMAP-EXTR-1');
  const frame = mappingAt(state, address)?.frame;
  return frame === undefined ? none : { kind: 'frame', frame, offset: address % PAGE_SIZE };
};

type Bit = 'accessed' | 'dirty';
const isBitSet = (state: ModelState, frame: FrameNumber, bit: Bit): boolean =>
  recordsOf(state, frame).some(([, record]) => record[bit]);

/** Clears a bit in every mapping of a page. */
export function pmapClearBit(state: ModelState, frame: FrameNumber, bit: Bit): Outcome {
  cite(state, 'PMAP-BIT-1');
  for (const [address, record] of recordsOf(state, frame))
    if (record[bit]) setRecord(state, address, { ...record, [bit]: false });
  return done;
}

/** Has a page been written to through any of its mappings? The three below are alike. */
export const pmapIsModified: Rule<'pmap_is_modified'> = (state, { frame }) =>
  refuseMissing(state, frame) ?? isBitSet(state, frame, 'dirty');
export const pmapIsReferenced: Rule<'pmap_is_referenced'> = (state, { frame }) =>
  refuseMissing(state, frame) ?? isBitSet(state, frame, 'accessed');
export const pmapClearModify: Rule<'pmap_clear_modify'> = (state, { frame }) =>
  refuseMissing(state, frame) ?? pmapClearBit(state, frame, 'dirty');
export const pmapClearReference: Rule<'pmap_clear_reference'> = (state, { frame }) =>
  refuseMissing(state, frame) ?? pmapClearBit(state, frame, 'accessed');

/** What the walker leaves behind when it uses a mapping: accessed, and dirty on a write. */
export function noteAccess(state: ModelState, address: VirtualAddress, use: 'read' | 'write'): void {
  const mapping = mappingAt(state, address);
  if (mapping === undefined) return;
  cite(state, 'CPU-3');
  const dirty = mapping.dirty || use === 'write';
  setRecord(state, truncPage(address), { ...mapping, accessed: true, dirty });
}

/** pmap_update: there is no TLB to flush. */
export const pmapUpdate: Rule<'pmap_update'> = (state) => cite(state, 'PMAP-UPD-1', done);
