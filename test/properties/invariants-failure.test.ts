import { address, bytes, objectOffset, PAGE_SIZE } from '../../contract/address.ts';
import { done, kern, none, rejected, USELESS_FAULTS } from '../../contract/outcome.ts';
import { at, entryOf, kernelEntry, kernelMapOf, objectOf, pageOf, size, viewOf } from './fixture-view.ts';
import { after, judging } from './polarity.ts';

const free = (from: number, count: number) =>
  ({ kind: 'kmem_free', map: 'kernel', address: at(from), size: size(count) }) as const;
const two = { maps: [kernelMapOf([kernelEntry(20, 22), kernelEntry(30, 31)])] };
const second = { maps: [kernelMapOf([kernelEntry(30, 31)])] };
const resident = (...pages: readonly number[]) => ({
  objects: [
    objectOf(
      'kernel',
      pages.map((page) => pageOf(page, page)),
    ),
    objectOf('kmem'),
  ],
});

const malloc = { kind: 'kmem_malloc', map: 'kmem', size: size(3), canWait: false } as const;
const queue = (...free: readonly number[]) => ({ queues: { free } });

judging('INV-ACC-KMEMROLLBACK', {
  accepts: {
    'a rotated free queue': after(malloc, none, queue(1, 2, 3), queue(3, 2, 1)),
    'a failure that may wait for pages': after({ ...malloc, size: size(0), canWait: true }, none, {}, two),
  },
  rejects: {
    'a lost frame': [
      after(malloc, none, queue(1, 2, 3), queue(3, 1)),
      /changed the frames on FREE: \[1,2,3\] became \[3,1\]/,
    ],
    'an entry left behind': [after(malloc, none, second, two), /failed kmem_malloc changed map:kernel/],
    'a reference left behind': [
      after(malloc, none, {}, { objects: [objectOf('kernel'), objectOf('kmem', [], { references: 2 })] }),
      /failed kmem_malloc changed object:kmem/,
    ],
  },
});

const alloc = (length: number) => ({ kind: 'kmem_alloc', map: 'kernel', size: bytes(length) }) as const;
const runnable = { sched: { asleep: [], runnable: [3] } };
const asleep = { sched: { asleep: [{ operation: 3, event: 'map:kernel' as const }], runnable: [] } };

judging('INV-ACC-SIZEZERO', {
  accepts: {
    'no bytes, no address': after(alloc(0), none, {}),
    'the largest size that rounds': after(alloc(0xffff_f000), none, {}, two),
    'a size whose rounding overflows': after(alloc(0xffff_f001), none, {}),
    'a free of nothing': after(free(20.5, 0), done, two),
    'a free of nothing that wakes sleepers': after(
      { ...free(20, 0), kind: 'kmem_free_wakeup' },
      done,
      asleep,
      runnable,
    ),
  },
  rejects: {
    'an address for no bytes': [
      after(alloc(0), { kind: 'address', address: at(4) }, {}),
      /kmem_alloc of 0 bytes answered address/,
    ],
    'a reference for no bytes': [
      after(
        alloc(0xffff_ffff),
        none,
        {},
        { objects: [objectOf('kernel', [], { references: 2 }), objectOf('kmem')] },
      ),
      /kmem_alloc of 4294967295 bytes changed object:kernel/,
    ],
    'a page freed by a size of nothing': [after(free(20.5, 0), done, two, second), /changed map:kernel/],
    'a plain free that woke sleepers': [after(free(20, 0), done, asleep, runnable), /changed sched/],
  },
});

const protect = {
  kind: 'vm_map_protect',
  map: 'kernel',
  start: at(5),
  end: at(6),
  protection: 7,
  setMax: false,
} as const;
const wire = { kind: 'vm_map_pageable', map: 'kernel', start: at(5), end: at(9), pageable: false } as const;
const whole = { maps: [kernelMapOf([entryOf(4, 8)])] };
const clipped = { maps: [kernelMapOf([entryOf(4, 5), entryOf(5, 8, { offset: objectOffset(PAGE_SIZE) })])] };
const withObject = (pages: number) => ({
  maps: [kernelMapOf([entryOf(4, 8, { backing: { object: 'anon1' } })])],
  objects: [
    objectOf('kernel'),
    objectOf('kmem'),
    objectOf(
      'anon1',
      Array.from({ length: pages }, (_, page) => pageOf(page, page)),
    ),
  ],
});
const shared = (references: number) => ({
  objects: [objectOf('kernel', [], { references }), objectOf('kmem')],
});
const resumed = {
  operation: { kind: 'resume', operation: 3 },
  subject: protect,
  subjectNumber: 3,
  step: { outcome: kern(2), resumed: 3 },
} as const;

judging('INV-MAP-FAILPURE', {
  accepts: {
    'a refused protect that clipped at its start': after(protect, kern(2), whole, clipped),
    'a clip that took a reference': after(protect, kern(2), shared(2), shared(3)),
    'a failed wire that gave the entry an empty object': after(wire, kern(4), whole, withObject(0)),
    'a failed nowait block that rotated FREE': after(malloc, none, queue(1, 2), queue(2, 1)),
    'a sleeper that returned with a failure': viewOf({ ...resumed, before: runnable }),
    'faults that were served and did not help': after(
      { kind: 'checked_read', map: 'kernel', address: at(4) },
      kern(USELESS_FAULTS),
      resident(),
      resident(4),
    ),
    'a success that changed much': after(free(20, 2), done, two, second),
  },
  rejects: {
    'a refused allocation that kept its entry': [
      after(alloc(PAGE_SIZE), none, second, two),
      /kmem_alloc failed: map:kernel went/,
    ],
    'a rejection that clipped': [
      after(protect, rejected('CONV-4'), whole, clipped),
      /vm_map_protect failed: map:kernel/,
    ],
    'a refused protect that changed the size': [
      after(protect, kern(2), whole, { maps: [kernelMapOf([entryOf(4, 8)], { size: bytes(0) })] }),
      /map:kernel went/,
    ],
    'a refused protect that made an object': [
      after(protect, kern(2), whole, withObject(0)),
      /object:anon1 went from null/,
    ],
    'a failed wire that faulted a page in': [after(wire, kern(4), whole, withObject(1)), /object:anon1 went/],
    'a failed wire that dropped a reference': [
      after(wire, kern(4), shared(3), shared(2)),
      /object:kernel went/,
    ],
    'a failed wire that freed map entries': [
      after(wire, kern(4), { pools: { freeEntries: 3 } }, { pools: { freeEntries: 4 } }),
      /pools went/,
    ],
    'a failed nowait block that lost a frame': [
      after(malloc, none, queue(1, 2), queue(2)),
      /queue:free went/,
    ],
    'a failed search that changed the pmap': [
      after(
        { kind: 'vm_map_findspace', map: 'kernel', start: address(0), length: size(99) },
        none,
        {},
        { pmap: { resident: 9 } },
      ),
      /pmap:kernel went/,
    ],
    'a failure that woke somebody else': [
      viewOf({ ...resumed, before: { sched: { asleep: asleep.sched.asleep, runnable: [3] } } }),
      /sched went/,
    ],
  },
});
