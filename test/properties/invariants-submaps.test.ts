import { bytes, PAGE_SIZE } from '../../contract/address.ts';
import { done, kern } from '../../contract/outcome.ts';
import type { EntrySnapshot, MapSnapshot } from '../../contract/vm-map.ts';
import { at, entryOf, kernelEntry, kernelMapOf, mapOf, placeholderOf, viewOf } from './fixture-view.ts';
import { after, judging } from './polarity.ts';

const submap = (
  name: string,
  from: number,
  to: number,
  entries: readonly EntrySnapshot[] = [],
  fields: Partial<MapSnapshot> = {},
) => mapOf(name, entries, { min: at(from), max: at(to), references: 2, ...fields });

const parented = (...pieces: readonly EntrySnapshot[]) =>
  viewOf({ maps: [kernelMapOf(pieces), submap('s', 8, 12)] });

judging('INV-MAP-SUBCONTAIN', {
  accepts: {
    'one placeholder over the whole submap': parented(placeholderOf('s', 8, 12)),
    'pieces left by clips': parented(placeholderOf('s', 8, 9), placeholderOf('s', 9, 12)),
    'a detached submap': parented(),
  },
  rejects: {
    'a placeholder that lost its last page': [
      parented(placeholderOf('s', 8, 11)),
      /its pieces end at 0xfe00b000/,
    ],
    'a gap between pieces': [
      parented(placeholderOf('s', 8, 9), placeholderOf('s', 10, 12)),
      /piece \[0xfe00a000, 0xfe00c000\) should start at 0xfe009000/,
    ],
    'a placeholder of a map that is gone': [
      viewOf({ maps: [kernelMapOf([placeholderOf('s', 8, 12)])] }),
      /submap s is named by an entry but does not exist/,
    ],
  },
});

judging('INV-MAP-SUBEXCL', {
  accepts: { 'one parent': parented(placeholderOf('s', 8, 12)) },
  rejects: {
    'two parents': [
      viewOf({
        maps: [
          kernelMapOf([placeholderOf('t', 4, 16)]),
          submap('s', 8, 12),
          submap('t', 4, 16, [placeholderOf('s', 8, 10)]),
          submap('u', 8, 12, [placeholderOf('s', 10, 12)]),
        ],
      }),
      /submap s is named by maps t and u/,
    ],
    'a wired placeholder': [parented(placeholderOf('s', 8, 12, { wiredCount: 1 })), /of s has wiredCount 1/],
  },
});

judging('INV-MAP-SUBACYCLIC', {
  accepts: {
    'a submap in a submap': viewOf({
      maps: [
        kernelMapOf([placeholderOf('s', 8, 12)]),
        submap('s', 8, 12, [placeholderOf('t', 8, 9)]),
        submap('t', 8, 9),
      ],
    }),
  },
  rejects: {
    'a map that contains itself': [
      viewOf({ maps: [kernelMapOf(), submap('s', 8, 12, [placeholderOf('s', 8, 12)])] }),
      /map s is a submap of itself/,
    ],
    'two maps that contain each other': [
      viewOf({
        maps: [
          kernelMapOf(),
          submap('s', 8, 12, [placeholderOf('t', 8, 12)]),
          submap('t', 8, 12, [placeholderOf('s', 8, 12)]),
        ],
      }),
      /map t is a submap of itself through s, t/,
    ],
  },
});

const deallocate = { kind: 'vm_map_deallocate', map: 's' } as const;
const given = { maps: [kernelMapOf([placeholderOf('s', 8, 12)]), submap('s', 8, 12, [], { references: 1 })] };

judging('INV-MAP-REF', {
  accepts: {
    'a submap held by its creator and one entry': parented(placeholderOf('s', 8, 12)),
    'a map that nobody attached': viewOf({
      maps: [kernelMapOf(), submap('s', 8, 12, [], { references: 1 })],
    }),
    'a submap whose creator gave it up': after(deallocate, done, {}, given),
    'a new map under the name of one that was given up': [
      after(deallocate, done, {}, given),
      after(
        { kind: 'kmem_free', map: 'kernel', address: at(8), size: bytes(4 * PAGE_SIZE) },
        done,
        given,
        {},
      ),
      viewOf({ maps: [kernelMapOf(), submap('s', 8, 12, [], { references: 1 })] }),
    ],
  },
  rejects: {
    'a clip that took no reference': [
      parented(placeholderOf('s', 8, 9), placeholderOf('s', 9, 12)),
      /map s: ref_count is 2; creator holds 1, entries hold 2/,
    ],
    'a submap that kept the reference its creator gave up': [
      after(deallocate, done, {}, { maps: [kernelMapOf([placeholderOf('s', 8, 12)]), submap('s', 8, 12)] }),
      /ref_count is 2; creator holds 0, entries hold 1/,
    ],
  },
});

judging('INV-MAP-LEAFDISJ', {
  accepts: {
    'an allocation under its placeholder': viewOf({
      maps: [kernelMapOf([placeholderOf('s', 8, 12)]), submap('s', 8, 12, [kernelEntry(8, 9)])],
    }),
  },
  rejects: {
    'an address handed out by parent and submap': [
      viewOf({ maps: [kernelMapOf([kernelEntry(8, 10)]), submap('s', 8, 12, [kernelEntry(9, 11)])] }),
      /\[0xfe008000, 0xfe00a000\) of map kernel and \[0xfe009000, 0xfe00b000\) of map s share 0xfe009000/,
    ],
  },
});

const transition = { map: 'kernel', start: at(4), end: at(6), state: 'filling', operation: 3 } as const;
const alloc = { kind: 'kmem_alloc', map: 'kernel', size: bytes(2 * PAGE_SIZE) } as const;
const filling = { maps: [kernelMapOf([kernelEntry(4, 6)])], inFlight: [[3, alloc]] as const };

judging('INV-MAP-NOTRANS', {
  accepts: {
    'a range being filled by an operation in flight': viewOf({ ...filling, transitions: [transition] }),
    'a range being filled and wired at once': viewOf({
      ...filling,
      inFlight: [
        [3, alloc],
        [5, alloc],
      ],
      transitions: [transition, { ...transition, state: 'wiring', operation: 5 }],
    }),
  },
  rejects: {
    'a range that its operation forgot': [
      viewOf({ ...filling, inFlight: [], transitions: [transition] }),
      /belongs to operation 3, which is not in flight/,
    ],
    'a range that was freed under its operation': [
      viewOf({ ...filling, maps: [kernelMapOf([kernelEntry(4, 5)])], transitions: [transition] }),
      /filling range \[0xfe004000, 0xfe006000\) of map kernel is not wholly allocated/,
    ],
    'two operations wiring the same page': [
      viewOf({
        ...filling,
        inFlight: [
          [3, alloc],
          [5, alloc],
        ],
        transitions: [
          { ...transition, state: 'wiring' },
          { ...transition, state: 'wiring', operation: 5 },
        ],
      }),
      /overlaps that of operation 3/,
    ],
    'an operation with two ranges': [
      viewOf({ ...filling, transitions: [transition, { ...transition, state: 'wiring' }] }),
      /operation 3 owns another range too/,
    ],
  },
});

const suballoc = {
  kind: 'kmem_suballoc',
  name: 'kmem',
  parent: 'kernel',
  size: bytes(4 * PAGE_SIZE),
  pageable: false,
} as const;
const withKmem = { maps: [kernelMapOf([placeholderOf('kmem', 4, 8)]), submap('kmem', 4, 8)] };
const kmemMade = after(suballoc, { kind: 'submap', map: 'kmem', min: at(4), max: at(8) }, {}, withKmem);
const heapMap = { maps: [...withKmem.maps, submap('m', 20, 24)] };
const create = { kind: 'vm_map_create', name: 'm', min: at(20), max: at(24), pageable: false } as const;

judging('INV-MAP-POOL', {
  accepts: {
    'pools at boot': viewOf(),
    'kmem_map itself, made from a static record': [viewOf(), kmemMade],
    'a map made when kmem_map existed': [
      viewOf(),
      kmemMade,
      after(create, done, withKmem, { ...heapMap, pools: { freeMaps: 8 } }),
    ],
    'a map given back to the pool': [
      viewOf({ maps: [kernelMapOf(), submap('m', 20, 24)] }),
      after(
        { kind: 'vm_map_deallocate', map: 'm' },
        done,
        { maps: [kernelMapOf(), submap('m', 20, 24)] },
        {},
      ),
    ],
    'entries of a pageable map, which come from the heap': viewOf({
      maps: [kernelMapOf(), submap('m', 20, 24, [entryOf(20, 21)], { pageable: true })],
    }),
    'an unlimited pool': viewOf({ machine: { mapEntries: null } }),
  },
  rejects: {
    'an entry that leaked': [
      viewOf({ pools: { freeEntries: 38 } }),
      /38 map entries are free and 1 in use, of 40/,
    ],
    'an entry both free and linked': [
      viewOf({ pools: { freeEntries: 40 } }),
      /40 map entries are free and 1 in use/,
    ],
    'a heap record returned to the pool': [
      [viewOf(), kmemMade, after(create, done, withKmem, { ...heapMap, pools: { freeMaps: 9 } })],
      /9 map records are free and 2 in use, of 10/,
    ],
  },
});

const free = (from: number, count: number, map = 'kernel') =>
  ({ kind: 'kmem_free', map, address: at(from), size: bytes(count * PAGE_SIZE) }) as const;
const punched = { maps: [mapOf('kernel', [entryOf(0, 2), entryOf(3, 4)])] };

judging('INV-MAP-BOOT', {
  accepts: {
    'a boot entry that grew': viewOf({ maps: [mapOf('kernel', [entryOf(0, 9)])] }),
    'a boot entry that the caller freed': after(free(2, 1), done, {}, punched),
    'a hole that stays after the caller freed it': [after(free(2, 1), done, {}, punched), viewOf(punched)],
    'a free right above it': after(free(4, 4), done, {}, {}),
  },
  rejects: {
    'a boot entry that lost a page': [
      viewOf(punched),
      /of \[0xfe000000, 0xfe004000\) only 12288 bytes are allocated/,
    ],
    'a free above it that reached down': [after(free(4, 1), done, {}, punched), /only 12288 bytes/],
  },
});

judging('INV-MAP-LOCKFREE', {
  accepts: { 'maps at rest': viewOf() },
  rejects: {
    'a protect that met a submap and kept the lock': [
      after(
        { kind: 'vm_map_protect', map: 'kernel', start: at(4), end: at(5), protection: 1, setMax: false },
        kern(4),
        {},
        { maps: [kernelMapOf([], { locked: true })] },
      ),
      /map kernel is still locked after vm_map_protect/,
    ],
  },
});
