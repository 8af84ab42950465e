/**
 * Page faults (vm_fault.c, stage 1): find or create the page behind an address and map it.
 *
 * An attempt that needs a page while none is free changes nothing but a missing object, so sleeping and starting
 * over is all there is to waiting. Fast because each step is: lookup in the tree, probe of the page index, one PTE.
 */
import {
  advance,
  advanceOffset,
  byteDistance,
  objectOffset,
  PAGE_SIZE,
  type VirtualAddress,
} from '../contract/address.ts';
import { KERN_INVALID_ADDRESS, KERN_PROTECTION_FAILURE, KERN_SUCCESS } from '../contract/outcome.ts';
import { permits, VM_PROT_NONE, type VmProt } from '../contract/protection.ts';
import type { Kernel } from './kernel.ts';
import type { VmMapEntry } from './map-entry.ts';
import type { Continuation } from './sched.ts';
import type { VmMap } from './vm-map.ts';
import type { Range } from './vm-map-attributes.ts';
import { type VmObject, vmObjectAllocate } from './vm-object.ts';
import { PAGE_FLAG, vmPageAlloc } from './vm-page.ts';

/** Of an attempt: no page is free; wait and start over. */
const PAGES_WANTED = -1;

/** vm_fault without change of wiring (FAULT-1 to 9): SUCCESS, INVALID_ADDRESS or PROTECTION_FAILURE. Sleeps for pages. */
export function* vmFault(kernel: Kernel, map: VmMap, va: VirtualAddress, type: VmProt): Continuation<number> {
  let reached = mapBehind(map, va);
  for (;;) {
    const code = attempt(kernel, reached, va, { type, changeWiring: false });
    if (code !== PAGES_WANTED) return code;
    yield kernel.sched.vmWait('Y-FAULT-MEM');
    reached = mapBehind(reached, va);
  }
}

/** vm_fault_wire: a wiring fault on every page of a range whose entries have been counted as wired (FAULT-WIRE-1). */
export function* vmFaultWire(kernel: Kernel, map: VmMap, { start, end }: Range): Continuation<void> {
  for (let va = start; va < end; va = advance(va, PAGE_SIZE))
    while (attempt(kernel, map, va, WIRING) === PAGES_WANTED) yield kernel.sched.vmWait('Y-FAULT-MEM');
}

/** Type NONE: no protection refuses it (FAULT-WIRE-1). */
const WIRING = { type: VM_PROT_NONE, changeWiring: true } as const;

/** The map that decides about `va`: submaps are followed as deep as they go (FAULT-2). */
function mapBehind(map: VmMap, va: VirtualAddress): VmMap {
  let reached = map;
  while (reached.submapEntries > 0) {
    const submap = reached.entries.containing(va)?.submap ?? null;
    if (submap === null) break;
    reached = submap;
  }
  return reached;
}

function attempt(
  kernel: Kernel,
  map: VmMap,
  va: VirtualAddress,
  { type, changeWiring }: { readonly type: VmProt; readonly changeWiring: boolean },
): number {
  const entry = map.entries.containing(va);
  if (entry === null) return KERN_INVALID_ADDRESS;
  if (!permits(entry.protection, type)) return KERN_PROTECTION_FAILURE;
  const object = entry.object ?? provideObject(kernel, map, entry);
  const { pages } = kernel;
  const offset = advanceOffset(entry.offset, byteDistance(entry.start, va));
  let page = pages.lookup(object, offset);
  if (page === undefined) {
    page = vmPageAlloc(kernel, object, offset);
    if (page === undefined) return PAGES_WANTED;
    pages.zeroFill(page);
    pages.clearFlag(page, PAGE_FLAG.fake);
  } else {
    pages.leavePagingQueue(page);
  }
  const wired = entry.wiredCount > 0;
  kernel.pmap.enter(va, page, { protection: entry.protection, wired });
  if (!changeWiring) pages.activate(page);
  else if (wired) pages.wire(page);
  else pages.unwire(page);
  pages.clearFlag(page, PAGE_FLAG.busy);
  return KERN_SUCCESS;
}

/** The first fault on a null entry gives it an object of its own (FAULT-4). */
function provideObject(kernel: Kernel, map: VmMap, entry: VmMapEntry): VmObject {
  const object = vmObjectAllocate(kernel, byteDistance(entry.start, entry.end));
  entry.object = object;
  entry.offset = objectOffset(0);
  kernel.changes.map(map);
  return object;
}
