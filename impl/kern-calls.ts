/** The operations of vm_kern.c, faults, accesses, pages and scheduling as calls. */
import {
  ADDRESS_SPACE_END,
  PDE_SPAN,
  truncPage,
  unwrappedEnd,
  type VirtualAddress,
} from '../contract/address.ts';
import { recursiveSlot } from '../contract/machine.ts';
import { done, flag, kern, type Rejected, rejected } from '../contract/outcome.ts';
import type { VmProt } from '../contract/protection.ts';
import type { SchedOperation } from '../contract/sched.ts';
import type { VmFaultOperation } from '../contract/vm-fault.ts';
import type { VmKernOperation } from '../contract/vm-kern.ts';
import type { VmPageOperation } from '../contract/vm-page.ts';
import { checkedRead, checkedWrite, cpuRead, cpuWrite } from './access.ts';
import { type Calls, withMap } from './call.ts';
import type { Kernel } from './kernel.ts';
import type { Continuation } from './sched.ts';
import { vmFault } from './vm-fault.ts';
import {
  kmemAlloc,
  kmemAllocPageable,
  kmemAllocWait,
  kmemFree,
  kmemFreeWakeup,
  kmemMalloc,
  kmemSuballoc,
} from './vm-kern.ts';
import type { VmMap } from './vm-map.ts';
import { vmPageDeactivate } from './vm-page.ts';

/** Most bytes that one CPU access moves. */
const LONGEST_ACCESS = 16;

export const KERN_CALLS: Calls<VmKernOperation['kind']> = {
  kmem_alloc_pageable: (kernel, { map: name, size }) =>
    withMap(kernel, name, (map) => kmemAllocPageable(kernel, map, size)),

  kmem_alloc: (kernel, { map: name, size }, number) =>
    withMap(kernel, name, (map) => kmemAlloc(kernel, map, size, number)),

  kmem_malloc: (kernel, { map: name, size, canWait }, number) =>
    withMap(kernel, name, (map) => {
      if (name === 'mb' && !kernel.maps.has('kmem')) return rejected('PRE-KM-MALLOC-1');
      return kmemMalloc(kernel, map, { size, canWait, operation: number });
    }),

  kmem_alloc_wait: (kernel, { map: name, size }) =>
    withMap(kernel, name, (map) => kmemAllocWait(kernel, map, size)),

  kmem_free: (kernel, { map: name, address, size }) =>
    withMap(kernel, name, (map) => kmemFree(kernel, map, address, size)),

  kmem_free_wakeup: (kernel, { map: name, address, size }) =>
    withMap(kernel, name, (map) => kmemFreeWakeup(kernel, map, address, size)),

  kmem_suballoc: (kernel, { name, parent, size, pageable }) =>
    withMap(kernel, parent, (map) =>
      kernel.maps.has(name) ? rejected('KM-SUB-2') : kmemSuballoc(kernel, map, { name, size, pageable }),
    ),
};

export const FAULT_CALLS: Calls<VmFaultOperation['kind']> = {
  vm_fault: (kernel, { map: name, address, protection }) =>
    withMap(kernel, name, (map) => fault(kernel, map, truncPage(address), protection)),

  checked_read: (kernel, { map: name, address }) =>
    withMap(kernel, name, (map) => checkedRead(kernel, map, address)),

  checked_write: (kernel, { map: name, address, byte }) =>
    withMap(kernel, name, (map) => checkedWrite(kernel, map, address, byte)),

  cpu_read: (kernel, { mode, address, length }) =>
    brokenAccess(kernel, address, length) ?? cpuRead(kernel, { address, mode }, length),

  cpu_write: (kernel, { mode, address, bytes }) =>
    brokenAccess(kernel, address, bytes.length) ?? cpuWrite(kernel, { address, mode }, bytes),
};

export const PAGE_CALLS: Calls<VmPageOperation['kind']> = {
  vm_page_deactivate: (kernel, { map: name, address }) =>
    withMap(kernel, name, () => {
      const frame = kernel.pmap.extract(address);
      if (frame === undefined || !kernel.pmap.isManaged(frame)) return flag(false);
      vmPageDeactivate(kernel, frame);
      return flag(true);
    }),
};

export const SCHED_CALLS: Calls<SchedOperation['kind']> = {
  pagedaemon: ({ sched }) => {
    sched.wakeup('pages');
    return done;
  },

  resume: ({ sched }, { operation }) => sched.resume(operation) ?? rejected('SCHED-2'),
};

function* fault(kernel: Kernel, map: VmMap, va: VirtualAddress, type: VmProt): Continuation {
  return kern(yield* vmFault(kernel, map, va, type));
}

/** The refusal of an access that is not 1 … 16 bytes, reaches beyond 2^32 or into the recursive window. */
function brokenAccess({ config }: Kernel, address: VirtualAddress, length: number): Rejected | undefined {
  const end = unwrappedEnd(address, length);
  const window = recursiveSlot(config) * PDE_SPAN;
  if (length < 1 || length > LONGEST_ACCESS || end > ADDRESS_SPACE_END) return rejected('CPU-7');
  return end <= window || address >= window + PDE_SPAN ? undefined : rejected('PMAP-REC-1');
}
