/** Faults of objects, pages, allocation and page faults. */
import type { FaultPatch } from './patch.ts';

const VM_OBJECT = 'impl/vm-object.ts';
const VM_PAGE = 'impl/vm-page.ts';
const VM_KERN = 'impl/vm-kern.ts';
const VM_FAULT = 'impl/vm-fault.ts';

/** Faults of objects, pages, allocation and page faults. */
export const FAULTY_MEMORY: readonly FaultPatch[] = [
  {
    name: 'free-rounds-end-down',
    source: 'CSRG vm_glue.c 7.26: round_page(address + size - 1) loses the last page of some lengths',
    file: VM_KERN,
    find: 'roundPageUnwrapped(unwrappedEnd(address, size)));',
    replace: 'roundPageUnwrapped(unwrappedEnd(address, size - 1)));',
    caughtBy: ['INV-ACC-FREECLAMP', 'INV-ACC-HOLES', 'INV-ACC-UNMAPPED', 'INV-ACC-FRAMES'],
  },
  {
    name: 'free-end-wraps',
    source: 'DEV-8: address plus size is computed modulo 2^32',
    file: VM_KERN,
    find: 'roundPageUnwrapped(unwrappedEnd(address, size)));',
    replace: 'roundPageUnwrapped(unwrappedEnd(address, size) % 0x1_0000_0000));',
    caughtBy: ['INV-ACC-FREECLAMP', 'INV-ACC-HOLES', 'INV-ACC-UNMAPPED'],
  },
  {
    name: 'missing-zero-fill',
    source: 'FreeBSD D28805: kmem_alloc hands out frames as they are',
    file: VM_KERN,
    find: '  pages.zeroFill(page);\n  pages.clearFlag(page, PAGE_FLAG.busy);\n  return true;',
    replace: '  pages.clearFlag(page, PAGE_FLAG.busy);\n  return true;',
    caughtBy: ['INV-PAGE-ZERO'],
  },
  {
    name: 'fault-without-zero-fill',
    source: 'vm_fault: the first touch of a null range shows what the frame held before',
    file: VM_FAULT,
    find: '    pages.zeroFill(page);\n    pages.clearFlag(page, PAGE_FLAG.fake);',
    replace: '    pages.clearFlag(page, PAGE_FLAG.fake);',
    caughtBy: ['INV-PAGE-ZERO', 'INV-OBJ-NULLNEW'],
  },
  {
    name: 'wire-maps-unwired',
    source: 'vm_fault_wire: pages are counted as wired but their mappings lack W',
    file: VM_FAULT,
    find: '  kernel.pmap.enter(va, page, { protection: entry.protection, wired });',
    replace:
      '  kernel.pmap.enter(va, page, { protection: entry.protection, wired: wired && !changeWiring });',
    caughtBy: ['INV-WIRE-PTE'],
  },
  {
    name: 'nowait-wire-count-wraps',
    source: 'DEV-6: unwiring a nowait page takes its 16-bit wire count from 0 to 65535',
    file: VM_PAGE,
    find: '    if (count > 0) this.#wireCount[page] = count - 1;',
    replace: '    this.#wireCount[page] = count - 1;',
    caughtBy: ['INV-PAGE-WIRERANGE', 'INV-WIRE-COUNT', 'INV-PAGE-COUNTERS', 'INV-PAGE-WIREDOFFQ'],
  },
  {
    name: 'wired-page-stays-queued',
    source: 'vm_page_wire: the page is not taken off ACTIVE',
    file: VM_PAGE,
    find: '    if (count === 0) {\n      this.leavePagingQueue(page);\n      this.#addWired(1);',
    replace: '    if (count === 0) {\n      this.#enterQueue(QUEUE.active, page);\n      this.#addWired(1);',
    caughtBy: ['INV-PAGE-WIREDOFFQ', 'INV-PAGE-QUEUEEXCL', 'INV-PAGE-COUNTERS'],
  },
  {
    name: 'free-to-the-head',
    source: 'vm_page_free: FREE becomes last in, first out',
    file: VM_PAGE,
    find: '    this.#flags[page] = 0;\n    this.#enterQueue(QUEUE.free, page);',
    replace:
      '    this.#flags[page] = 0;\n    const others = [...this.queues.pages(QUEUE.free)];\n    for (const other of others) this.queues.remove(other);\n    this.#enterQueue(QUEUE.free, page);\n    for (const other of others) this.queues.append(QUEUE.free, other);',
    caughtBy: ['INV-PAGE-FIFO'],
  },
  {
    name: 'queue-link-lost',
    source: 'TAILQ_REMOVE: the backward link of the next page is not mended',
    file: 'impl/page-queues.ts',
    find: '    else this.#previous[next] = previous;\n    this.#queueOf[page] = QUEUE.none;',
    replace: '    this.#queueOf[page] = QUEUE.none;',
    caughtBy: [
      'INV-AUDIT',
      'INV-PAGE-QUEUEEXCL',
      'INV-PAGE-COUNTERS',
      'INV-PAGE-CONSERVE',
      'INV-ACC-PANICTEXT',
    ],
  },
  {
    name: 'rollback-leaks-first-page',
    source: 'kmem_malloc(nowait): the undo loop stops at index 1, and the entry goes without its pages',
    file: VM_KERN,
    find: '      giveBack(kernel, offset, at);\n      vmMapDelete(',
    replace:
      '      giveBack(kernel, advanceOffset(offset, PAGE_SIZE), at - PAGE_SIZE);\n      const leaked = map.entries.containing(start);\n      if (leaked !== null) leaked.object = null;\n      kmemObject.references--;\n      vmMapDelete(',
    caughtBy: ['INV-ACC-KMEMROLLBACK', 'INV-OBJ-NOORPHAN', 'INV-MAP-FAILPURE', 'INV-PAGE-OFFQ'],
  },
  {
    name: 'rollback-leaves-entry',
    source: 'kmem_malloc(nowait): pages are given back but the entry stays',
    file: VM_KERN,
    find: '      giveBack(kernel, offset, at);\n      vmMapDelete(kernel, map, start, advance(start, length));',
    replace: '      giveBack(kernel, offset, at);',
    caughtBy: ['INV-ACC-KMEMROLLBACK', 'INV-MAP-FAILPURE', 'INV-MAP-CLIPNEUTRAL'],
  },
  {
    name: 'coalesce-keeps-old-pages',
    source: 'vm_object_coalesce without page removal: a fresh range shows what was freed there',
    file: VM_OBJECT,
    find: '  vmObjectPageRemove(kernel, object, advanceOffset(offset, length), more);\n',
    replace: '',
    caughtBy: ['INV-OBJ-NULLNEW', 'INV-PAGE-ZERO'],
  },
  {
    name: 'coalesce-shared-object',
    source: 'vm_object_coalesce: an object with several references is extended all the same',
    file: VM_OBJECT,
    find: '  if (object.references > 1) return false;\n',
    replace: '',
    caughtBy: [],
  },
  {
    name: 'page-remove-forgets-mappings',
    source: 'FreeBSD D25689: kernel memory is freed while its PTEs stay',
    file: VM_OBJECT,
    find: '    kernel.pmap.removeAll(page);\n    kernel.pages.free(page);',
    replace: '    kernel.pages.free(page);',
    caughtBy: ['INV-PMAP-FRAME', 'INV-PAGE-FREEBARE', 'INV-PMAP-COVERED', 'INV-ACC-UNMAPPED'],
  },
  {
    name: 'missing-wakeup',
    source: 'FreeBSD 1.x 5f573930: space is given back and nobody is told',
    file: VM_KERN,
    find: '  kernel.sched.wakeup(map.space);\n  return freed;',
    replace: '  return freed;',
    caughtBy: ['INV-SCHED-NOLOSTMAP'],
  },
  {
    name: 'zero-size-finds-room',
    source: 'DEV-1, GNU Mach 7aa475db: a request of size 0 is accepted',
    file: VM_KERN,
    find: '  if (length === undefined || length === 0) return undefined;\n  const start = vmMapFindspace(map, map.min, length);',
    replace:
      '  if (length === undefined) return undefined;\n  const start = length === 0 ? map.min : vmMapFindspace(map, map.min, length);',
    caughtBy: ['INV-ACC-SIZEZERO'],
  },
  {
    name: 'woken-fault-keeps-its-map',
    source:
      'vm_fault does not look for submaps again after it slept: one may have taken the place of the memory',
    file: VM_FAULT,
    find: '    reached = mapBehind(reached, va);\n',
    replace: '',
    caughtBy: ['INV-OBJ-REF'],
  },
  {
    name: 'daemon-called-at-target',
    source: 'PAGE-ALLOC-3: exactly as many inactive pages as wanted still call the daemon',
    file: VM_PAGE,
    find: 'inactive < config.inactiveTarget',
    replace: 'inactive <= config.inactiveTarget',
    caughtBy: [],
  },
  {
    name: 'late-wakeup-lost',
    source: 'KM-WAKE-1: kmem_free_wakeup that had to wait for a range in transition wakes nobody',
    file: VM_KERN,
    find: '  const outcome = yield* body;\n  kernel.sched.wakeup(map.space);\n',
    replace: '  const outcome = yield* body;\n',
    caughtBy: ['INV-SCHED-NOLOSTMAP'],
  },
];
