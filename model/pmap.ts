/** pmap_enter and what takes mappings away again, each pmap one flat table that is scanned: no pv lists, no statistics (pmap.c). */
import type { FrameNumber, VirtualAddress } from '../contract/address.ts';
import { isPageAligned, PAGE_SIZE, pdeSlot, truncPage } from '../contract/address.ts';
import { highestKernelAddress, kernelSlots, userEnd } from '../contract/machine.ts';
import { done, none, type Outcome, PANIC, type Rejected, rejected } from '../contract/outcome.ts';
import { KERNEL_PMAP, NULL_PMAP, type PmapName } from '../contract/pmap.ts';
import { permits, VM_PROT_ALL, VM_PROT_NONE, VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import { cite, isManaged, stopMachine } from './bookkeeping.ts';
import { mappingAt, type Placed, recordsIn, recordsOf, refuseMissing, setRecord } from './pmap-mapping.ts';
import { dropEmptyTable, takeTable } from './pmap-table.ts';
import type { Call, ModelState, Pmap, Range, Rule } from './state.ts';

/** The live pmap of that name. */
export const pmapNamed = ({ userPmaps }: ModelState, name: PmapName): Pmap | undefined =>
  name === KERNEL_PMAP ? 'kernel' : userPmaps.find((pmap) => pmap.name === name);

/** What an operation does on the pmap it names, absent the kernel's: nothing on the null pmap, and it names no dead one. */
export function onPmap<Result>(
  state: ModelState,
  name: PmapName | undefined,
  act: (pmap: Pmap) => Result,
  nothing: Outcome = done,
): Result | Outcome {
  if (name === NULL_PMAP) return nothing;
  const pmap = pmapNamed(state, name ?? KERNEL_PMAP);
  return pmap === undefined ? rejected('CONV-4') : act(pmap);
}

/** The page of an address; stops the machine where no kernel page table can hold it (DEV-27, Q-12). */
function mappablePage(state: ModelState, pmap: Pmap, where: VirtualAddress): VirtualAddress {
  cite(state, 'PMAP-ENTER-1');
  const { machine } = state;
  const address = truncPage(where);
  if (address > highestKernelAddress(machine)) stopMachine(PANIC.enterTooBig);
  const { first, end } = kernelSlots(machine);
  const slot = pdeSlot(address);
  if (pmap === 'kernel' && (slot < first || slot >= end)) stopMachine(PANIC.invalidPageDirectory);
  return address;
}

/** pmap_enter: maps the page of an address. Without READ the kernel pmap keeps a record that grants nothing (DEV-18). */
export function pmapEnter(state: ModelState, call: Call<'pmap_enter'>, pmap: Pmap = 'kernel'): Outcome {
  const address = mappablePage(state, pmap, call.address);
  const { frame, protection, wired } = call;
  const old = mappingAt(state, address, pmap);
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
  const mapping = { frame, readable, writable, wired, accessed, dirty };
  if (pmap !== 'kernel' && readable) takeTable(state, pmap, address);
  if (pmap === 'kernel' || readable) setRecord(state, { pmap, address, mapping }, false);
  else if (old !== undefined) revoke(state, [{ pmap, address, mapping: old }], 'all');
  return done;
}

/** pmap_kenter: maps a page readable, writable and wired, without a fault and without touching the page's wire count. */
export function pmapKenter(state: ModelState, { address, frame }: Call<'pmap_kenter'>): Outcome {
  cite(state, 'PMAP-KENTER-1');
  return pmapEnter(state, { address, frame, protection: VM_PROT_READ | VM_PROT_WRITE, wired: true });
}

/** Refuses the harness a frame that does not exist, or, by `rule`, one that is neither a device's nor its own. */
export function refuseFrame(state: ModelState, frame: FrameNumber, rule: string): Rejected | undefined {
  const owned = isManaged(state, frame) && frame >= state.machine.scratchPages;
  return refuseMissing(state, frame) ?? (owned ? rejected(rule) : undefined);
}

/** pmap_enter as an operation. */
export const enter: Rule<'pmap_enter'> = (state, call) =>
  onPmap(state, call.pmap, (pmap) => {
    const address = mappablePage(state, pmap, call.address);
    if (pmap !== 'kernel' && address >= userEnd(state.machine)) return rejected('PMAP-ENTER-1');
    return refuseFrame(state, call.frame, 'PAGE-FREE-1') ?? pmapEnter(state, call, pmap);
  });

/** pmap_kenter as an operation. */
export const kenter: Rule<'pmap_kenter'> = (state, call) => {
  mappablePage(state, 'kernel', call.address);
  return refuseFrame(state, call.frame, 'PAGE-FREE-1') ?? pmapKenter(state, call);
};

const isSound = ({ start, end }: Range) => isPageAligned(start) && isPageAligned(end) && start <= end;

/** Leaves nothing of some records, or everything but the right to write. */
function revoke(state: ModelState, records: readonly Placed[], what: 'all' | 'write'): void {
  for (const record of records) {
    const { pmap, address, mapping } = record;
    setRecord(state, { ...record, mapping: { ...mapping, writable: false } }, what === 'all');
    if (what === 'all' && pmap !== 'kernel') dropEmptyTable(state, pmap, address);
  }
}

/** pmap_remove: no address of the range is mapped afterwards. */
export const pmapRemove = (state: ModelState, call: Call<'pmap_remove'>): Outcome =>
  onPmap(state, call.pmap, (pmap) => {
    if (!isSound(call)) return rejected('PMAP-REMOVE-1');
    cite(state, 'PMAP-REMOVE-1');
    revoke(state, recordsIn(state, pmap, call), 'all');
    return done;
  });

/** pmap_protect: takes rights away from a range, never gives any. */
export const pmapProtect = (state: ModelState, call: Call<'pmap_protect'>): Outcome =>
  onPmap(state, call.pmap, (pmap) => {
    const { protection } = call;
    if (!isSound(call) || !permits(VM_PROT_ALL, protection)) return rejected('PMAP-PROT-1');
    cite(state, 'PMAP-PROT-1');
    if (!permits(protection, VM_PROT_READ)) revoke(state, recordsIn(state, pmap, call), 'all');
    else if (!permits(protection, VM_PROT_WRITE)) revoke(state, recordsIn(state, pmap, call), 'write');
    return done;
  });

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
export const pmapChangeWiring = (state: ModelState, call: Call<'pmap_change_wiring'>): Outcome =>
  onPmap(state, call.pmap, (pmap) => {
    cite(state, 'PMAP-WIRE-1');
    const { wired } = call;
    const address = truncPage(call.address);
    const mapping = mappingAt(state, address, pmap);
    if (mapping === undefined) return done;
    const dirty = mapping.dirty || !wired;
    setRecord(state, { pmap, address, mapping: { ...mapping, wired, dirty } }, false);
    return done;
  });

/** The frame behind an address. */
function extract(state: ModelState, pmap: Pmap, address: VirtualAddress): Outcome {
  cite(state, 'PMAP-EXTR-1');
  const frame = mappingAt(state, address, pmap)?.frame;
  return frame === undefined ? none : { kind: 'frame', frame, offset: address % PAGE_SIZE };
}

/** pmap_extract. */
export const pmapExtract: Rule<'pmap_extract'> = (state, { pmap: name, address }) =>
  onPmap(state, name, (pmap) => extract(state, pmap, address), none);

/** pmap_update: there is no TLB to flush. */
export const pmapUpdate: Rule<'pmap_update'> = (state) => cite(state, 'PMAP-UPD-1', done);
