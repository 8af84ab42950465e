/** Page faults, and faulting whole ranges to wire them (vm_fault.c), on the kernel pmap and without copy-on-write. */
import { advance, PAGE_SIZE, truncPage, type VirtualAddress } from '../contract/address.ts';
import { KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_SUCCESS, PANIC } from '../contract/outcome.ts';
import { permits, VM_PROT_NONE } from '../contract/protection.ts';
import { cite, stopMachine } from './bookkeeping.ts';
import { pmapChangeWiring, pmapEnter } from './pmap.ts';
import { vmWait } from './sched.ts';
import type { Call, KernCode, ModelState, Range, Sleeping, Transition, VmMap, VmMapEntry } from './state.ts';
import { entryAt, objectOf, offsetAt } from './vm-map-entry.ts';
import {
  leaveQueues,
  mappedPage,
  vmPageActivate,
  vmPageAlloc,
  vmPageLookup,
  vmPageUnwire,
  vmPageWire,
  vmPageZeroFill,
} from './vm-page.ts';

/** `changeWiring` marks the faults that wire a range: the page's wire count follows the entry's. */
type Fault = Call<'vm_fault'> & { readonly changeWiring?: boolean };

/** vm_fault: a KERN code, once the page of the address is resident and mapped; starts over after every sleep. */
export function* vmFault(state: ModelState, fault: Fault, map: VmMap): Sleeping<KernCode> {
  cite(state, 'FAULT-1');
  const address = truncPage(fault.address);
  for (;;) {
    cite(state, 'FAULT-2');
    let entry = entryAt(map, address);
    while (entry?.submap) {
      map = entry.submap;
      entry = entryAt(map, address);
    }
    if (entry === undefined) return KERN_INVALID_ADDRESS;
    const { protection, wiredCount } = entry;
    if (!permits(protection, fault.protection)) return KERN_PROTECTION_FAILURE;
    const page = pageBehind(state, map, entry, address);
    if (page === undefined) {
      yield* vmWait(state, 'Y-FAULT-MEM');
      continue;
    }
    cite(state, 'FAULT-3');
    cite(state, 'FAULT-9');
    const wired = wiredCount > 0;
    pmapEnter(state, { address, frame: page.frame, protection, wired });
    if (!fault.changeWiring) vmPageActivate(state, page);
    else if (wired) vmPageWire(state, page);
    else vmPageUnwire(state, page);
    return KERN_SUCCESS;
  }
}

/** The page behind an address, zero-filled where it is new and on no queue; undefined when no frame is free. */
function pageBehind(state: ModelState, map: VmMap, entry: VmMapEntry, at: VirtualAddress) {
  if (entry.object === null) cite(state, 'FAULT-4');
  const object = objectOf(state, map, entry);
  const offset = offsetAt(entry, at);
  const resident = vmPageLookup(state, object, offset);
  if (resident !== undefined) {
    cite(state, 'FAULT-6');
    leaveQueues(state, resident);
    return resident;
  }
  cite(state, 'FAULT-7');
  const fresh = vmPageAlloc(state, object, offset);
  if (fresh !== undefined) vmPageZeroFill(state, fresh);
  return fresh;
}

/** The page addresses of a range, ascending. */
export function* pageAddresses({ start, end }: Range): Generator<VirtualAddress> {
  for (let address = start; address < end; address = advance(address, PAGE_SIZE)) yield address;
}

/** vm_fault_wire: every page of the range becomes resident, wired and mapped, whatever the entry's protection. */
export function* faultWire(state: ModelState, map: VmMap, range: Range, wiring: Transition): Sleeping<void> {
  for (const address of pageAddresses(range)) {
    cite(state, 'FAULT-WIRE-1');
    wiring.position = address;
    yield* vmFault(state, { address, protection: VM_PROT_NONE, changeWiring: true }, map);
  }
}

/** vm_fault_unwire: every page of the entry loses one wiring, mapped or only resident (DEV-18); it must be either. */
export function faultUnwire(state: ModelState, entry: VmMapEntry): void {
  const { object } = entry;
  for (const address of pageAddresses(entry)) {
    cite(state, 'FAULT-UNW-1');
    const mapped = mappedPage(state, address);
    const page = mapped ?? (object && vmPageLookup(state, object, offsetAt(entry, address)));
    if (!page) stopMachine(PANIC.unwireNotInPmap);
    pmapChangeWiring(state, { address, wired: false });
    vmPageUnwire(state, page);
  }
}
