/** Deviations of vm_map.c and vm_fault.c: rights, wiring, submaps and deletion of ranges. */
import { advance, objectOffset, pages } from '../../contract/address.ts';
import { at, type Example, entriesOf, last, layout, MACHINE, pagesOf } from './example.ts';

const NOTHING = objectOffset(0);

export const RANGE_EXAMPLES: readonly Example[] = [
  {
    dev: ['3'],
    symptomIs:
      'protect over a submap keeps the map to itself, and the next allocation waits for ever. Maps have no lock here: a transition that nobody ends stands for it',
    operations: [
      { kind: 'kmem_suballoc', name: 'sub0', parent: 'kernel', size: pages(4), pageable: false },
      {
        kind: 'vm_map_protect',
        map: 'kernel',
        start: at(0),
        end: at(4),
        protection: 1,
        setMax: false,
      },
      { kind: 'kmem_alloc', map: 'kernel', size: pages(1) },
    ],
    look: ({ answers }) => answers.slice(1),
    contract: ['KERN_INVALID_ARGUMENT', '0xfe004000'],
    fault: 'hidden-lock-after-protect',
    symptom: ['KERN_INVALID_ARGUMENT', 'sleeps on trans:kernel'],
  },
  {
    dev: ['6'],
    symptomIs: 'unwiring a nowait page takes its wire count to 65535 and leaves it on no queue',
    operations: [
      { kind: 'kmem_suballoc', name: 'kmem', parent: 'kernel', size: pages(4), pageable: false },
      { kind: 'kmem_malloc', map: 'kmem', size: pages(1), canWait: false },
      { kind: 'vm_map_pageable', map: 'kmem', start: at(0), end: at(1), pageable: true },
    ],
    look: (run) => [last(run), ...pagesOf(run, 'kmem'), run.state.counters.wired],
    contract: ['KERN_SUCCESS', 'wire count 0, queue active', 0],
    fault: 'nowait-page-lost-by-unwire',
    symptom: ['KERN_SUCCESS', 'wire count 65535, queue none', 0],
  },
  {
    dev: ['12'],
    symptomIs: 'a part of a submap in use is deleted, and freeing what lies in the submap panics',
    operations: [
      { kind: 'kmem_suballoc', name: 'sub0', parent: 'kernel', size: pages(8), pageable: false },
      { kind: 'kmem_alloc', map: 'sub0', size: pages(1) },
      { kind: 'kmem_free', map: 'kernel', address: at(0), size: pages(1) },
      { kind: 'kmem_free', map: 'sub0', address: at(0), size: pages(1) },
    ],
    look: (run) => [last(run), ...layout(run, 'kernel')],
    contract: ['done', '0-8'],
    fault: 'delete-over-any-submap',
    symptom: ['panic: unwire: page not in pmap', '1-8'],
  },
  {
    dev: ['12'],
    symptomIs: 'the parent hands out again what an allocation in the submap holds',
    operations: [
      { kind: 'kmem_suballoc', name: 'sub0', parent: 'kernel', size: pages(8), pageable: false },
      { kind: 'kmem_alloc', map: 'sub0', size: pages(1) },
      { kind: 'kmem_free', map: 'kernel', address: at(0), size: pages(1) },
      { kind: 'kmem_alloc_pageable', map: 'kernel', size: pages(1) },
    ],
    look: ({ answers }) => [answers[1], answers[3]],
    contract: ['0xfe000000', '0xfe008000'],
    fault: 'delete-over-any-submap',
    symptom: ['0xfe000000', '0xfe000000'],
  },
  {
    dev: ['13'],
    symptomIs: 'wiring over the placeholder of a submap unwires the page behind it, whose count wraps',
    operations: [
      { kind: 'kmem_suballoc', name: 'sub0', parent: 'kernel', size: pages(1), pageable: false },
      { kind: 'kmem_alloc_pageable', map: 'sub0', size: pages(1) },
      { kind: 'vm_map_pageable', map: 'kernel', start: at(0), end: at(1), pageable: false },
    ],
    look: (run) => [last(run), ...layout(run, 'kernel'), ...layout(run, 'sub0'), ...pagesOf(run, 'anon1')],
    contract: ['KERN_INVALID_ARGUMENT', '0-1', '0-1'],
    fault: 'wire-descends-into-submap',
    symptom: ['KERN_SUCCESS', '0-1 wired 1', '0-1', 'wire count 65535, queue none'],
  },
  {
    dev: ['14'],
    symptomIs: 'wiring nothing inside an entry leaves an entry of length zero',
    operations: [
      { kind: 'kmem_alloc_pageable', map: 'kernel', size: pages(2) },
      { kind: 'vm_map_pageable', map: 'kernel', start: at(1), end: at(1), pageable: false },
    ],
    look: (run) => [last(run), ...layout(run, 'kernel')],
    contract: ['KERN_SUCCESS', '0-2'],
    fault: 'wire-nothing-clips-twice',
    symptom: ['KERN_SUCCESS', '0-1', '1-1 wired 1', '1-2'],
  },
  {
    dev: ['18'],
    symptomIs: 'wired memory without READ has no PTE, and freeing it panics',
    operations: [
      { kind: 'kmem_alloc', map: 'kernel', size: pages(1) },
      {
        kind: 'vm_map_protect',
        map: 'kernel',
        start: at(0),
        end: at(1),
        protection: 0,
        setMax: false,
      },
      { kind: 'kmem_free', map: 'kernel', address: at(0), size: pages(1) },
    ],
    look: (run) => [last(run), run.state.counters.free, run.state.counters.wired],
    contract: ['done', 8, 0],
    fault: 'unwire-panics-without-pte',
    symptom: ['panic: unwire: page not in pmap', 7, 1],
  },
  {
    dev: ['36'],
    symptomIs: 'an unaligned bound splits the entry in mid-page, and freeing it asks for that page twice',
    operations: [
      { kind: 'kmem_alloc_pageable', map: 'kernel', size: pages(2) },
      { kind: 'vm_map_pageable', map: 'kernel', start: at(0), end: at(2), pageable: false },
      {
        kind: 'vm_map_pageable',
        map: 'kernel',
        start: advance(at(0), 100),
        end: advance(at(0), 100),
        pageable: true,
      },
      { kind: 'kmem_free', map: 'kernel', address: at(0), size: pages(2) },
    ],
    look: ({ answers }) => answers.slice(2),
    contract: ['KERN_INVALID_ARGUMENT', 'done'],
    fault: 'unwire-unaligned',
    symptom: ['KERN_SUCCESS', 'panic: unwire: page not in pmap'],
  },
  {
    dev: ['10'],
    symptomIs: 'a submap in an empty map clips the list header: the map ends where the submap would',
    operations: [
      { kind: 'vm_map_create', name: 'm', min: at(0), max: at(16), pageable: false },
      { kind: 'vm_map_create', name: 's', min: at(2), max: at(4), pageable: false },
      { kind: 'vm_map_submap', map: 'm', start: at(2), end: at(4), submap: 's' },
    ],
    look: (run) => [last(run), mapEnd(run.state.maps), ...layout(run, 'm')],
    contract: ['KERN_INVALID_ARGUMENT', at(16)],
    fault: 'submap-clips-header',
    symptom: ['KERN_INVALID_ARGUMENT', at(4), '4-16'],
  },
  {
    dev: ['11'],
    symptomIs: 'a range is handed to a submap that lies elsewhere',
    operations: [
      { kind: 'vm_map_create', name: 'm', min: at(0), max: at(16), pageable: false },
      { kind: 'vm_map_create', name: 's', min: at(8), max: at(9), pageable: false },
      { kind: 'vm_map_insert', map: 'm', object: 'null', offset: NOTHING, start: at(0), end: at(4) },
      { kind: 'vm_map_submap', map: 'm', start: at(0), end: at(4), submap: 's' },
    ],
    look: (run) => [last(run), entriesOf(run, 'm').map(({ backing }) => backing)],
    contract: ['KERN_INVALID_ARGUMENT', [null]],
    fault: 'submap-anywhere',
    symptom: ['KERN_SUCCESS', [{ submap: 's' }]],
  },
  {
    dev: ['34'],
    symptomIs: 'a static map record is given to the heap, and the next map finds none',
    machine: { ...MACHINE, staticMaps: 2 },
    operations: [
      { kind: 'vm_map_create', name: 'm', min: at(0), max: at(4), pageable: false },
      { kind: 'vm_map_deallocate', map: 'm' },
      { kind: 'vm_map_create', name: 'n', min: at(0), max: at(4), pageable: false },
    ],
    look: (run) => [last(run), run.state.pools.freeMaps],
    contract: ['done', 0],
    fault: 'static-map-returned-to-heap',
    symptom: ['panic: vm_map_create: out of maps', 0],
  },
];

const mapEnd = (maps: readonly { readonly name: string; readonly max: number }[]): number | undefined =>
  maps.find(({ name }) => name === 'm')?.max;
