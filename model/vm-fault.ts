/** Page faults (vm_fault.c), on the kernel pmap and without copy-on-write. */
import {
  advanceOffset,
  byteDistance,
  objectOffset,
  truncPage,
  type VirtualAddress,
} from '../contract/address.ts';
import {
  KERN_INVALID_ADDRESS,
  KERN_PROTECTION_FAILURE,
  KERN_SUCCESS,
  kern,
  type Outcome,
  rejected,
} from '../contract/outcome.ts';
import { permits, type VmProt } from '../contract/protection.ts';
import type { VmFault } from '../contract/vm-fault.ts';
import { pmapEnter } from './pmap.ts';
import { vmWait } from './sched.ts';
import {
  cite,
  type ModelState,
  mapNamed,
  type Sleeping,
  type VmMap,
  type VmMapEntry,
  type VmPage,
} from './state.ts';
import { entryAt, touchBacking, touchMap } from './vm-map-entry.ts';
import { vmObjectAllocate } from './vm-object.ts';
import {
  leaveQueues,
  vmPageActivate,
  vmPageAlloc,
  vmPageLookup,
  vmPageUnwire,
  vmPageWire,
  vmPageZeroFill,
} from './vm-page.ts';

/** What a fault is asked to make possible. */
export interface FaultRequest {
  /** Rights that the access needs. */
  readonly type: VmProt;
  /** True for the faults that wire a range: the page's wire count follows the entry's. */
  readonly changeWiring: boolean;
}

/** vm_fault: a KERN code, once the page of the address is resident and mapped; starts over after every sleep. */
export function* fault(
  state: ModelState,
  map: VmMap,
  address: VirtualAddress,
  { type, changeWiring }: FaultRequest,
): Sleeping<number> {
  cite(state, 'FAULT-1');
  for (;;) {
    const found = bottomEntry(state, map, address);
    if (found === undefined) return KERN_INVALID_ADDRESS;
    map = found.map;
    if (!permits(found.entry.protection, type)) return KERN_PROTECTION_FAILURE;
    const page = pageFor(state, found.map, found.entry, address);
    if (page === undefined) {
      yield* vmWait(state, 'Y-FAULT-MEM');
      continue;
    }
    finish(state, address, { page, entry: found.entry, changeWiring });
    return KERN_SUCCESS;
  }
}

/** The entry that backs an address, in this map or in a submap below it. */
function bottomEntry(
  state: ModelState,
  map: VmMap,
  address: VirtualAddress,
): { readonly map: VmMap; readonly entry: VmMapEntry } | undefined {
  cite(state, 'FAULT-2');
  for (;;) {
    const entry = entryAt(map, address);
    if (entry === undefined) return undefined;
    if (entry.submap === null) return { map, entry };
    map = entry.submap;
  }
}

/** The page behind an address, zero-filled where it is new; undefined when no frame is free. */
function pageFor(
  state: ModelState,
  map: VmMap,
  entry: VmMapEntry,
  address: VirtualAddress,
): VmPage | undefined {
  if (entry.object === null) {
    cite(state, 'FAULT-4');
    entry.object = vmObjectAllocate(state, byteDistance(entry.start, entry.end));
    entry.offset = objectOffset(0);
    touchMap(state, map);
    touchBacking(state, entry);
  }
  const offset = advanceOffset(entry.offset, byteDistance(entry.start, address));
  const resident = vmPageLookup(state, entry.object, offset);
  if (resident !== undefined) {
    cite(state, 'FAULT-6');
    leaveQueues(state, resident);
    return resident;
  }
  cite(state, 'FAULT-7');
  const fresh = vmPageAlloc(state, entry.object, offset);
  if (fresh !== undefined) vmPageZeroFill(state, fresh);
  return fresh;
}

/** Maps the page as its entry says and settles its wire count or queue. */
function finish(
  state: ModelState,
  address: VirtualAddress,
  {
    page,
    entry,
    changeWiring,
  }: { readonly page: VmPage; readonly entry: VmMapEntry; readonly changeWiring: boolean },
): void {
  cite(state, 'FAULT-3');
  const wired = entry.wiredCount > 0;
  cite(state, 'FAULT-9');
  pmapEnter(state, address, { frame: page.frame, protection: entry.protection, wired });
  if (!changeWiring) vmPageActivate(state, page);
  else if (wired) vmPageWire(state, page);
  else vmPageUnwire(state, page);
}

/** vm_fault as an operation. */
export function* vmFault(state: ModelState, { map: name, address, protection }: VmFault): Sleeping<Outcome> {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  return kern(yield* fault(state, map, truncPage(address), { type: protection, changeWiring: false }));
}
