import { address, bytes } from '../../contract/address.ts';
import { done, none, panic, rejected } from '../../contract/outcome.ts';
import { at, kernelMapOf, mapOf, pageOf, size, viewOf } from './fixture-view.ts';
import { after, judging } from './polarity.ts';

const free = (from: number, count: number) =>
  ({ kind: 'kmem_free', map: 'kernel', address: at(from), size: size(count) }) as const;
const malloc = { kind: 'kmem_malloc', map: 'kmem', size: size(3), canWait: false } as const;
const alloc = (length: number) => ({ kind: 'kmem_alloc', map: 'kernel', size: bytes(length) }) as const;
const suballoc = (count: number) =>
  ({ kind: 'kmem_suballoc', name: 's', parent: 'kernel', size: size(count), pageable: false }) as const;
const enter = (at: number) =>
  ({ kind: 'pmap_kenter', address: address(at), frame: pageOf(0, 16).frame }) as const;
const failedSuballoc = (count: number, line: string, text = 'kmem_suballoc') =>
  viewOf({ operation: suballoc(count), step: { outcome: panic(text), console: [line] } });
const outOfEntries = panic('vm_map_entry_create: out of map entries');
const unwire = panic('unwire: page not in pmap');

judging('INV-ACC-PANICTEXT', {
  accepts: {
    'kmem_malloc on a map of its own': after(
      { ...malloc, map: 'kernel' },
      panic('kern_malloc_alloc: map != {kmem,mb}_map'),
      {},
    ),
    'a waiting kmem_malloc without room': after(
      { ...malloc, canWait: true },
      panic('kmem_malloc: map too small'),
      {},
    ),
    'kmem_suballoc of nothing': failedSuballoc(0, 'kmem_suballoc: bad status return of 1.'),
    'kmem_suballoc without room': failedSuballoc(99, 'kmem_suballoc: bad status return of 3.'),
    'kmem_suballoc beside a touched region': after(
      suballoc(1),
      panic('kmem_suballoc: unable to change range to submap'),
      {},
    ),
    'the last map record in use': after(
      suballoc(1),
      panic('vm_map_create: out of maps'),
      {},
      {},
      { machine: { staticMaps: 1 } },
    ),
    'the last entry in use': after(free(20, 1), outOfEntries, { pools: { freeEntries: 0 } }),
    'one entry left for two clips': after(suballoc(1), outOfEntries, { pools: { freeEntries: 1 } }),
    'an unwire where addresses are aliased': after(free(20, 1), unwire, {}, {}, { aliased: true }),
    'a mapping above the last address': after(enter(0xffff_f000), panic('pmap_enter: toobig'), {}),
    'a mapping without a page table': after(enter(0xf800_0000), panic('invalid kernel page directory'), {}),
    'memory wired in a created map below the kernel': after(
      { ...alloc(4096), map: 'low' },
      panic('invalid kernel page directory'),
      { maps: [kernelMapOf(), mapOf('low', [], { min: address(0x1000_0000), max: address(0x1000_2000) })] },
    ),
    'an operation that goes on': after(enter(0xfe00_0fff), done, {}),
    'a caller who broke an obligation': after({ ...malloc, map: 'nowhere' }, rejected('CONV-4'), {}),
  },
  rejects: {
    'a text that no rule has': [
      after(alloc(1), panic('trap'), {}),
      /panic "trap" in kmem_alloc: no rule raises it/,
    ],
    'a panic about kmem_malloc in another call': [
      after(alloc(1), panic('kmem_malloc: map too small'), {}),
      /no kmem_malloc that may wait/,
    ],
    'a nowait kmem_malloc that panics for room': [
      after(malloc, panic('kmem_malloc: map too small'), {}),
      /may wait/,
    ],
    'a wrong-map panic on kmem': [
      after(malloc, panic('kern_malloc_alloc: map != {kmem,mb}_map'), {}),
      /no kmem_malloc on a map other than kmem and mb/,
    ],
    'a submap panic with another line': [
      failedSuballoc(0, 'kmem_suballoc: bad status return of 3.'),
      /it should print "kmem_suballoc: bad status return of 1."/,
    ],
    'a submap panic in an allocation': [after(alloc(1), panic('kmem_suballoc'), {}), /no kmem_suballoc/],
    'a submap conversion in an allocation': [
      after(alloc(1), panic('kmem_suballoc: unable to change range to submap'), {}),
      /no kmem_suballoc/,
    ],
    'map records left': [
      after(suballoc(1), panic('vm_map_create: out of maps'), {}),
      /9 map records are free/,
    ],
    'a map record missed where none is made': [
      after(alloc(1), panic('vm_map_create: out of maps'), {}),
      /no map is created/,
    ],
    'a static record missed when the heap exists': [
      after(suballoc(1), panic('vm_map_create: out of maps'), { maps: [kernelMapOf(), mapOf('kmem', [])] }),
      /records come from the heap/,
    ],
    'entries left': [after(free(20, 1), outOfEntries, { pools: { freeEntries: 2 } }), /2 entries are free/],
    'entries missed by an unlimited pool': [
      after(free(20, 1), outOfEntries, {}, {}, { machine: { mapEntries: null } }),
      /the entry pool is unlimited/,
    ],
    'entries missed by a pageable map': [
      after(free(20, 1), outOfEntries, {
        maps: [kernelMapOf([], { pageable: true })],
        pools: { freeEntries: 0 },
      }),
      /entries of map kernel come from the heap/,
    ],
    'entries missed by a look': [
      after({ kind: 'pmap_extract', address: at(4) }, outOfEntries, { pools: { freeEntries: 0 } }),
      /no entry is made/,
    ],
    'a wired page lost without aliasing': [after(free(20, 1), unwire, {}), /every wired page is resident/],
    'an unwire in an allocation': [after(alloc(1), unwire, {}, {}, { aliased: true }), /nothing is unwired/],
    'a mapping refused inside the kernel map': [
      after(enter(0xfe00_0000), panic('pmap_enter: toobig'), {}),
      /no mapping entered/,
    ],
    'memory refused inside the kernel map': [
      after(alloc(4096), panic('invalid kernel page directory'), {}),
      /no mapping entered/,
    ],
    'a mapping refused to a look at a low map': [
      after(
        { kind: 'vm_map_lookup_entry', map: 'low', address: address(0x1000_0000) },
        panic('invalid kernel page directory'),
        { maps: [kernelMapOf(), mapOf('low', [], { min: address(0x1000_0000), max: address(0x1000_2000) })] },
      ),
      /no mapping entered/,
    ],
    'kmem_malloc served from another map': [
      after({ ...malloc, map: 'kernel' }, none, {}),
      /kmem_malloc answered none where it must panic "kern_malloc_alloc/,
    ],
    'a submap of nothing': [
      after(suballoc(0), { kind: 'submap', map: 's', min: at(4), max: at(4) }, {}),
      /kmem_suballoc answered submap where it must panic/,
    ],
    'a mapping above the last address entered': [
      after(enter(0xffff_f000), done, {}),
      /must panic "pmap_enter: toobig"/,
    ],
    'a panic out of nothing': [
      viewOf({ step: { outcome: panic('kmem_suballoc') } }),
      /no operation was under way/,
    ],
  },
});
