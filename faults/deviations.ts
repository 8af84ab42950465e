/**
 * The deviations as faults: patches to `impl/` that put the behaviour of 1994 back, each for the example of
 * `test/deviations.test.ts` that shows its symptom. What faults/kernels.ts restores already is not repeated here.
 *
 * `caughtBy` is what the example falls to with the comparison switched off.
 */
import { PMAP_DEVIATION_FAULTS } from './deviations-pmap.ts';
import type { Edit, FaultPatch } from './patch.ts';

const VM_KERN = 'impl/vm-kern.ts';
const VM_FAULT = 'impl/vm-fault.ts';
const VM_MAP_DELETE = 'impl/vm-map-delete.ts';
const VM_MAP_PAGEABLE = 'impl/vm-map-pageable.ts';
const VM_MAP_ATTRIBUTES = 'impl/vm-map-attributes.ts';
const VM_PAGE = 'impl/vm-page.ts';

/** DEV-18, part of many a symptom: vm_fault_unwire asks the page tables alone, and panics without a PTE. */
const UNWIRE_ASKS_PTE: Edit = {
  file: VM_MAP_PAGEABLE,
  find: '    if (mapped !== undefined) kernel.pmap.changeWiring(va, { wired: false });\n',
  replace:
    '    if (mapped === undefined) throw new KernelPanic(PANIC.unwireNotInPmap);\n    kernel.pmap.changeWiring(va, { wired: false });\n',
};

/** DEV-6: vm_page_unwire decrements first and asks later, so that only a count that reaches 0 goes to ACTIVE. */
const UNWIRE_WRAPS: Edit = {
  file: VM_PAGE,
  find: '    if (count > 0) this.#wireCount[page] = count - 1;\n    if (count === 1) this.#addWired(-1);\n    if (count <= 1 &&',
  replace:
    '    this.#wireCount[page] = count - 1;\n    if (count === 1) this.#addWired(-1);\n    if (count === 1 &&',
};

export const DEVIATION_FAULTS: readonly FaultPatch[] = [
  {
    name: 'hidden-lock-after-protect',
    // Maps have no lock here: a transition over the whole map that nobody ends blocks the next allocation likewise.
    source: 'DEV-3: vm_map_protect that meets a submap returns with the map locked',
    file: VM_MAP_ATTRIBUTES,
    find: '    if (entry.submap !== null) return KERN_INVALID_ARGUMENT;\n    if (!permits',
    replace:
      "    if (entry.submap !== null) {\n      beginTransition(kernel, map, { start: map.min, end: map.max, state: 'wiring', operation: 0 });\n      return KERN_INVALID_ARGUMENT;\n    }\n    if (!permits",
    also: [
      {
        file: VM_MAP_ATTRIBUTES,
        find: "import type { Kernel } from './kernel.ts';\n",
        replace:
          "import type { Kernel } from './kernel.ts';\nimport { beginTransition } from './transitions.ts';\n",
      },
    ],
    caughtBy: ['INV-MAP-NOTRANS'],
  },
  {
    name: 'nowait-page-lost-by-unwire',
    source: 'DEV-6: unwiring takes the wire count of a nowait page to 65535, and the page to no queue',
    ...UNWIRE_WRAPS,
    caughtBy: ['INV-PAGE-COUNTERS'],
  },
  {
    name: 'delete-over-any-submap',
    source: 'DEV-12: deletion removes placeholders of submaps in use; unwiring needs a PTE (DEV-18)',
    file: VM_MAP_DELETE,
    find: '  if (start < end && !submapsMayGo(kernel, map, start, end)) return KERN_INVALID_ARGUMENT;\n',
    replace: '',
    also: [UNWIRE_ASKS_PTE],
    caughtBy: ['INV-MAP-SUBCONTAIN'],
  },
  {
    name: 'wire-descends-into-submap',
    source: 'DEV-13: the placeholder is counted, the fault goes to the unwired entry behind it and unwires',
    file: VM_MAP_PAGEABLE,
    find: '  if (meetsSubmap(map, first, end)) return KERN_INVALID_ARGUMENT;\n',
    replace: '',
    also: [
      {
        file: VM_MAP_PAGEABLE,
        find: 'if (at.wiredCount === 0 && at.object === null) {',
        replace: 'if (at.wiredCount === 0 && at.object === null && at.submap === null) {',
      },
      {
        file: VM_FAULT,
        find: 'while (attempt(kernel, map, va, WIRING) === PAGES_WANTED)',
        replace: 'while (attempt(kernel, mapBehind(map, va), va, WIRING) === PAGES_WANTED)',
      },
      UNWIRE_WRAPS,
    ],
    caughtBy: ['INV-MAP-SUBEXCL'],
  },
  {
    name: 'wire-nothing-clips-twice',
    source: 'DEV-14: wiring an empty range inside an entry makes an entry of length zero',
    file: VM_MAP_PAGEABLE,
    find: '  if (start === end) return KERN_SUCCESS;\n',
    replace: '',
    caughtBy: ['INV-MAP-NONEMPTY'],
  },
  {
    name: 'unwire-panics-without-pte',
    source: 'DEV-18: unwiring needs a PTE for every page',
    ...UNWIRE_ASKS_PTE,
    caughtBy: ['INV-ACC-PANICTEXT'],
  },
  {
    name: 'page-removal-wraps',
    source: 'DEV-33: a removal whose end wraps to 0 has its start behind its end, and removes nothing',
    file: 'impl/vm-object.ts',
    find: '  if (object.residentCount === 0) return;\n',
    replace: '  if (object.residentCount === 0 || advanceOffset(offset, length) <= offset) return;\n',
    caughtBy: ['INV-OBJ-NOORPHAN'],
  },
  {
    name: 'unwire-unaligned',
    source: 'DEV-36: unaligned bounds split an entry in mid-page; its first page is then unwired twice',
    file: VM_MAP_PAGEABLE,
    find: '  if (!isPageAligned(start) || !isPageAligned(end)) return KERN_INVALID_ARGUMENT;\n  const containing',
    replace: '  const containing',
    also: [UNWIRE_ASKS_PTE],
    caughtBy: ['INV-MAP-ALIGN'],
  },
  {
    name: 'free-nothing-frees-page',
    source: 'DEV-37: the start is rounded down and the end up, also for size 0',
    file: VM_KERN,
    find: '  if (size === 0) return done;\n',
    replace: '',
    caughtBy: ['INV-MAP-CLIPNEUTRAL'],
  },
  {
    name: 'fill-ignores-resident-page',
    source: 'DEV-48: kmem_alloc takes a fresh page for every offset, resident or not',
    file: VM_KERN,
    find: 'pages.lookup(kernelObject, offset) ?? vmPageAlloc(kernel, kernelObject, offset);',
    replace: 'vmPageAlloc(kernel, kernelObject, offset);',
    caughtBy: ['INV-OBJ-RESIDENT'],
  },
  {
    name: 'malloc-before-kmem',
    source: 'PRE-KM-MALLOC-1: the offset is taken from a kmem_map that is still null',
    file: 'impl/kern-calls.ts',
    find: "      if (name === 'mb' && !kernel.maps.has('kmem')) return rejected('PRE-KM-MALLOC-1');\n",
    replace: '',
    also: [
      {
        file: VM_KERN,
        find: "kmemMap === undefined || (map !== kmemMap && map.name !== 'mb')",
        replace: "map !== kmemMap && map.name !== 'mb'",
      },
    ],
    caughtBy: [],
  },
  {
    name: 'submap-clips-header',
    source: 'DEV-10: vm_map_submap clips the list header of an empty map, whose end is the end of the map',
    file: VM_MAP_ATTRIBUTES,
    find: '  const entry = map.entries.containing(start);\n',
    replace:
      '  if (map.entries.count === 0) {\n    vmMapInsert(kernel, map, { object: null, offset: 0 }, end, map.max);\n    map.entries.max = end;\n  }\n  const entry = map.entries.containing(start);\n',
    also: [
      {
        file: VM_MAP_ATTRIBUTES,
        find: "import { clippedFrom, type VmMap, vmMapClipEnd, vmMapClipStart } from './vm-map.ts';",
        replace:
          "import { clippedFrom, type VmMap, vmMapClipEnd, vmMapClipStart, vmMapInsert } from './vm-map.ts';",
      },
    ],
    caughtBy: ['INV-MAP-BOUNDS'],
  },
  {
    name: 'submap-anywhere',
    source: 'DEV-11: vm_map_submap does not ask which range the submap has',
    file: VM_MAP_ATTRIBUTES,
    find: '  if (submap.min !== start || submap.max !== end || submap.parent !== null) return KERN_INVALID_ARGUMENT;\n',
    replace: '',
    caughtBy: ['INV-MAP-SUBCONTAIN'],
  },
  {
    name: 'static-map-returned-to-heap',
    source: 'DEV-34: every map record is given back to the heap, static ones too',
    file: VM_MAP_DELETE,
    find: '  if (!map.fromPool) return;\n',
    replace: '  return;\n',
    caughtBy: ['INV-MAP-POOL'],
  },
  ...PMAP_DEVIATION_FAULTS,
];
