/** Deviations of pmap.c that the kernel pmap shows, and those that nothing here can show. */
import {
  address,
  advance,
  byteDistance,
  bytes,
  frameNumber,
  PDE_SPAN,
  pages,
} from '../../contract/address.ts';
import { at, type Example, last, MACHINE, SCRATCH } from './example.ts';

/** A frame for direct pmap operations, a device frame, and a page to map them at. */
const FRAME = frameNumber(0);
const DEVICE = frameNumber(SCRATCH.managedPages);
const WINDOW = at(8);

/** The kernel map of sixteen page tables; 60 MiB fill the first fifteen. */
const WIDE_MIN = address(0xf000_0000);
const TABLES_END = address(WIDE_MIN + 15 * PDE_SPAN);
const WIDE = {
  ...MACHINE,
  kernelMin: WIDE_MIN,
  kernelStart: WIDE_MIN,
  kernelMax: advance(TABLES_END, PDE_SPAN),
};

export const MAPPING_EXAMPLES: readonly Example[] = [
  {
    dev: ['5'],
    symptomIs: 'the mapping of a nowait page outlives it: the freed frame can be read',
    operations: [
      { kind: 'kmem_suballoc', name: 'kmem', parent: 'kernel', size: pages(4), pageable: false },
      { kind: 'kmem_malloc', map: 'kmem', size: pages(1), canWait: false },
      { kind: 'checked_write', map: 'kmem', address: at(0), byte: 1 },
      { kind: 'kmem_free', map: 'kmem', address: at(0), size: pages(1) },
      { kind: 'checked_read', map: 'kmem', address: at(0) },
    ],
    look: (run) => [last(run), run.state.mappings.map(({ frame }) => run.state.queues.free.includes(frame))],
    contract: ['KERN_INVALID_ADDRESS', []],
    fault: 'kenter-keeps-no-pv',
    symptom: ['dd', [true]],
  },
  {
    dev: ['5'],
    symptomIs: 'the freed frame stays mapped where the allocation was (docs/kenter.md)',
    operations: [
      { kind: 'kmem_suballoc', name: 'kmem', parent: 'kernel', size: pages(1), pageable: false },
      { kind: 'kmem_malloc', map: 'kmem', size: pages(1), canWait: false },
      { kind: 'kmem_free', map: 'kmem', address: at(0), size: pages(1) },
    ],
    look: ({ state }) => state.mappings.map(({ address: start }) => start),
    contract: [],
    fault: 'kenter-as-in-2-1',
    symptom: [at(0)],
  },
  {
    dev: ['7'],
    symptomIs: 'the wiring by kenter is not counted, so that its end makes the count negative',
    operations: [
      { kind: 'kmem_suballoc', name: 'kmem', parent: 'kernel', size: pages(4), pageable: false },
      { kind: 'kmem_malloc', map: 'kmem', size: pages(1), canWait: false },
      { kind: 'kmem_free', map: 'kmem', address: at(0), size: pages(1) },
    ],
    look: ({ state }) => state.pmap.wired,
    contract: 0,
    fault: 'kenter-not-counted-wired',
    symptom: -1,
  },
  {
    dev: ['19'],
    symptomIs: 'a mapping without any right can be read. The supervisor reads here, for want of a user',
    machine: SCRATCH,
    operations: [
      { kind: 'pmap_enter', address: WINDOW, frame: FRAME, protection: 3, wired: false },
      { kind: 'cpu_write', address: WINDOW, bytes: [7] },
      { kind: 'pmap_enter', address: WINDOW, frame: FRAME, protection: 0, wired: false },
      { kind: 'pmap_extract', address: WINDOW },
      { kind: 'cpu_read', address: WINDOW, length: 1 },
    ],
    look: ({ answers }) => answers.slice(-2),
    contract: ['none', '00'],
    fault: 'enter-without-read',
    symptom: ['frame0 + 0x0', '07'],
  },
  {
    dev: ['20'],
    symptomIs: 'an unmapped address is said to lie at its own byte offset',
    machine: SCRATCH,
    operations: [{ kind: 'pmap_extract', address: address(WINDOW + 4) }],
    look: last,
    contract: 'none',
    fault: 'extract-answers-byte-offset',
    symptom: 'frame0 + 0x4',
  },
  {
    dev: ['21'],
    symptomIs: 'unwiring nothing leaves a PTE that is not zero, and its removal makes the count negative',
    machine: SCRATCH,
    operations: [
      { kind: 'pmap_change_wiring', address: WINDOW, wired: false },
      { kind: 'pmap_remove', start: WINDOW, end: at(9) },
    ],
    look: ({ state }) => state.pmap.resident,
    contract: 0,
    fault: 'unwire-makes-junk-pte',
    symptom: -1,
  },
  {
    dev: ['24'],
    symptomIs: 'entering the frame that is there already forgets that it was written',
    machine: SCRATCH,
    operations: [
      { kind: 'pmap_kenter', address: WINDOW, frame: FRAME },
      { kind: 'cpu_write', address: WINDOW, bytes: [1] },
      { kind: 'pmap_kenter', address: WINDOW, frame: FRAME },
      { kind: 'pmap_is_modified', frame: FRAME },
    ],
    look: last,
    contract: 'TRUE',
    fault: 'kenter-forgets-dirty',
    symptom: 'FALSE',
  },
  {
    dev: ['25'],
    symptomIs:
      'the record of a device frame lands in memory that is not the pv table. Here it is the list of frame 0, whose mappings are then taken away',
    machine: SCRATCH,
    operations: [
      { kind: 'pmap_kenter', address: WINDOW, frame: DEVICE },
      { kind: 'pmap_page_protect', frame: FRAME, protection: 0 },
      { kind: 'pmap_extract', address: WINDOW },
    ],
    look: (run) => [last(run), run.state.pv],
    contract: ['frame8 + 0x0', []],
    fault: 'kenter-device-in-pv-table',
    symptom: ['none', [{ frame: FRAME, addresses: [WINDOW] }]],
  },
  {
    dev: ['26'],
    symptomIs:
      'without a free frame, the search for a pv record never ends; here it throws where it would begin',
    machine: { ...SCRATCH, managedPages: 1, scratchPages: 1 },
    operations: [
      { kind: 'pmap_enter', address: WINDOW, frame: FRAME, protection: 3, wired: false },
      { kind: 'pmap_enter', address: at(9), frame: FRAME, protection: 3, wired: false },
    ],
    look: ({ answers, threw, state }) => [threw ?? answers.at(-1), state.counters.free],
    contract: ['done', 0],
    fault: 'pv-records-run-out',
    symptom: ['no pv record and no free frame: loops for ever', 0],
  },
  {
    dev: ['26'],
    symptomIs: 'the same, where the search is given up: the mapping stands without a record',
    machine: SCRATCH,
    operations: [
      { kind: 'pmap_enter', address: WINDOW, frame: FRAME, protection: 3, wired: false },
      { kind: 'pmap_enter', address: at(9), frame: FRAME, protection: 3, wired: false },
    ],
    look: ({ state }) => [state.mappings.length, state.pv.map(({ addresses }) => addresses.length)],
    contract: [2, [2]],
    fault: 'no-record-when-none-is-left',
    symptom: [2, [1]],
  },
  {
    dev: ['27'],
    symptomIs:
      'memory behind the last static page table is mapped through a null pointer, that is not at all',
    machine: WIDE,
    operations: [
      { kind: 'kmem_alloc_pageable', map: 'kernel', size: byteDistance(WIDE_MIN, TABLES_END) },
      { kind: 'kmem_alloc', map: 'kernel', size: bytes(1) },
      { kind: 'pmap_extract', address: TABLES_END },
    ],
    look: ({ answers }) => answers.slice(1),
    contract: ['0xf3c00000', 'frame0 + 0x0'],
    fault: 'tables-end-below-map',
    symptom: ['0xf3c00000', 'none'],
  },
  {
    dev: ['29'],
    symptomIs:
      'the window through which a frame was zeroed still maps it, unknown to its pv list. The first page of the boot entry stands for the window',
    machine: SCRATCH,
    operations: [{ kind: 'pmap_zero_page', frame: FRAME }],
    look: ({ state }) => [state.mappings.map(({ address, frame }) => ({ address, frame })), state.pv],
    contract: [[], []],
    fault: 'zero-window-stays-mapped',
    symptom: [[{ address: at(0), frame: FRAME }], []],
  },
];

/** Deviations without an example, and why no operation of the contract can show them. */
export const WITHOUT_EXAMPLE: Readonly<Record<string, string>> = {
  '38': 'needs a wake-up between the registration of a sleeper and its sleep: one step here',
  '40': 'nobody waits for a busy page: pages are busy only inside one step',
  '47': 'needs 65536 wirings of one page, or as many maps; the contract leaves it to the caller as it was',
};
