/** Faulting whole ranges in to wire them, and letting them go again (vm_fault.c). */
import { advance, advanceOffset, byteDistance, PAGE_SIZE, type VirtualAddress } from '../contract/address.ts';
import { PANIC } from '../contract/outcome.ts';
import { VM_PROT_NONE } from '../contract/protection.ts';
import { mappingAt, pmapChangeWiring } from './pmap.ts';
import {
  cite,
  isManaged,
  type ModelState,
  type Sleeping,
  stopMachine,
  type Transition,
  touch,
  type VmMap,
  type VmMapEntry,
  type VmPage,
} from './state.ts';
import { fault } from './vm-fault.ts';
import { pageOfFrame, vmPageLookup, vmPageUnwire } from './vm-page.ts';

/** The page addresses of [start, end), ascending. */
export function* pageAddresses(start: VirtualAddress, end: VirtualAddress): Generator<VirtualAddress> {
  for (let address = start; address < end; address = advance(address, PAGE_SIZE)) yield address;
}

/** vm_fault_wire: every page of the range becomes resident, wired and mapped, whatever the entry's protection. */
export function* faultWire(
  state: ModelState,
  map: VmMap,
  { start, end }: { readonly start: VirtualAddress; readonly end: VirtualAddress },
  transition: Transition,
): Sleeping<void> {
  for (const address of pageAddresses(start, end)) {
    cite(state, 'FAULT-WIRE-1');
    transition.position = address;
    touch(state, 'transitions');
    yield* fault(state, map, address, { type: VM_PROT_NONE, changeWiring: true });
  }
}

/** vm_fault_unwire: every page behind the entry loses one wiring; one that is neither mapped nor resident stops the machine. */
export function faultUnwire(state: ModelState, entry: VmMapEntry): void {
  for (const address of pageAddresses(entry.start, entry.end)) {
    cite(state, 'FAULT-UNW-1');
    const page = mappedPage(state, address) ?? residentPage(state, entry, address);
    if (page === undefined) stopMachine(PANIC.unwireNotInPmap);
    pmapChangeWiring(state, address, { wired: false });
    vmPageUnwire(state, page);
  }
}

function mappedPage(state: ModelState, address: VirtualAddress): VmPage | undefined {
  const mapping = mappingAt(state, address);
  if (mapping === undefined || !isManaged(state, mapping.frame)) return undefined;
  return pageOfFrame(state, mapping.frame);
}

/** The page an entry says belongs there, for an address whose mapping was taken away (DEV-18). */
function residentPage(
  state: ModelState,
  { start, object, offset }: VmMapEntry,
  address: VirtualAddress,
): VmPage | undefined {
  if (object === null) return undefined;
  return vmPageLookup(state, object, advanceOffset(offset, byteDistance(start, address)));
}
