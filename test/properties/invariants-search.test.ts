import { address, PAGE_SIZE } from '../../contract/address.ts';
import { allocated, flag, kern, none } from '../../contract/outcome.ts';
import { at, entryOf, kernelEntry, kernelMapOf, placeholderOf, size, viewOf } from './fixture-view.ts';
import { after, judging, type Rejection } from './polarity.ts';

/** Free: pages [4, 6), [8, 20) and [21, 64). */
const comb = { maps: [kernelMapOf([kernelEntry(6, 8), kernelEntry(20, 21)])] };
const full = { maps: [kernelMapOf([kernelEntry(4, 64)])] };
const alloc = (count: number) => ({ kind: 'kmem_alloc', map: 'kernel', size: size(count) }) as const;
const pageable = (count: number) => ({ ...alloc(count), kind: 'kmem_alloc_pageable' }) as const;
const wait = (count: number) => ({ ...alloc(count), kind: 'kmem_alloc_wait' }) as const;
const malloc = { kind: 'kmem_malloc', map: 'kmem', size: size(2), canWait: false } as const;
const kmem = { maps: [kernelMapOf(), kernelMapOf([], { name: 'kmem' })] };
const findspace = { kind: 'vm_map_findspace', map: 'kernel', start: at(5), length: size(2) } as const;
const find = {
  kind: 'vm_map_find',
  map: 'kernel',
  object: 'null',
  offset: comb.maps[0]?.entries[0]?.offset ?? entryOf(0, 1).offset,
  address: at(0),
  length: size(3),
  findSpace: true,
} as const;
const asleep = { kind: 'sleep', event: 'pages' } as const;
const resume = {
  operation: { kind: 'resume', operation: 1 },
  subject: alloc(2),
  subjectNumber: 1,
  number: 2,
} as const;

judging('INV-MAP-FIRSTFIT', {
  accepts: {
    'the lowest hole that is long enough': after(pageable(3), allocated(at(8)), comb),
    'a hole that fits to the byte': after(alloc(1.5), allocated(at(4)), comb),
    'no address where there is no room': after(pageable(1), none, full),
    'a request larger than any address': after(pageable(1048575.9), none, comb),
    'room for a nowait block when pages are short': after(malloc, none, { ...kmem, counters: { free: 1 } }),
    'a submap in the lowest hole': after(
      { kind: 'kmem_suballoc', name: 's', parent: 'kernel', size: size(2), pageable: true },
      { kind: 'submap', map: 's', min: at(4), max: at(6) },
      comb,
    ),
    'a search from the middle of a hole': after(findspace, allocated(at(8)), comb),
    'a find that is told where to look': after(
      { ...find, address: at(9) },
      { ...kern(0), address: at(9) },
      comb,
    ),
    'an allocation that ends where it began before it slept': [
      after(alloc(2), asleep, comb),
      viewOf({ ...resume, outcome: allocated(at(4)), maps: [kernelMapOf([kernelEntry(4, 8)])] }),
    ],
    'a sleeper for space where there is none': after(wait(1), { kind: 'sleep', event: 'map:kernel' }, full),
  },
  rejects: {
    'a hole lost behind a search hint': [
      after(pageable(2), allocated(at(8)), comb),
      /8192 bytes in map kernel: got 0xfe008000, the lowest fit is 0xfe004000/,
    ],
    'a refusal although there is room': [
      after(pageable(3), none, comb),
      /refused although \[0xfe008000, 0xfe00b000\)/,
    ],
    'a refused nowait block although there are pages': [
      after(malloc, none, { ...kmem, counters: { free: 2 } }),
      /refused although/,
    ],
    'an address that is taken': [after(pageable(1), allocated(at(6)), comb), /got 0xfe006000/],
    'an address out of nothing': [after(pageable(1), allocated(at(64)), full), /the lowest fit is none/],
    'a find with room that found no space': [after(find, kern(3), comb), /KERN_NO_SPACE although/],
    'a sleep for space although there is some': [
      after(wait(1), { kind: 'sleep', event: 'map:kernel' }, comb),
      /sleeps for space although/,
    ],
    'an allocation that moved while it slept': [
      [
        after(alloc(2), asleep, comb),
        viewOf({ ...resume, outcome: allocated(at(8)), maps: [kernelMapOf([kernelEntry(4, 10)])] }),
      ],
      /got 0xfe008000, the lowest fit is 0xfe004000/,
    ],
  },
});

const check = (from: number, to: number, protection = 1) =>
  ({ kind: 'vm_map_check_protection', map: 'kernel', start: at(from), end: at(to), protection }) as const;
const mixed = {
  maps: [kernelMapOf([entryOf(4, 6), entryOf(6, 8, { protection: 1 }), placeholderOf('s', 9, 10)])],
};

judging('INV-MAP-CHKPROT', {
  accepts: {
    'a range that grants everywhere': after(check(0, 8), flag(true), mixed),
    'a range with a hole': after(check(6, 10), flag(false), mixed),
    'an entry without the right': after(check(4, 8, 3), flag(false), mixed),
    'an empty range in a hole': after(check(8, 8), flag(false), mixed),
    'an inverted range that starts in an entry': after(check(5, 4), flag(true), mixed),
    'a submap, which counts as all rights': after(check(9, 10, 7), flag(true), mixed),
  },
  rejects: {
    'a hole overlooked': [
      after(check(6, 10), flag(true), mixed),
      /answered true; 12288 of 16384 bytes grant it/,
    ],
    'a right overlooked': [after(check(4, 8, 3), flag(true), mixed), /protection 3 .* answered true/],
    'a right not seen': [after(check(4, 8), flag(false), mixed), /answered false/],
  },
});

const lookup = (page: number) => ({ kind: 'vm_map_lookup_entry', map: 'kernel', address: at(page) }) as const;
const answer = (found: boolean, page: number | null) =>
  ({ kind: 'entry', found, start: page === null ? null : at(page) }) as const;
const high = { maps: [kernelMapOf([kernelEntry(6, 8)], { min: address(at(0) - PAGE_SIZE) })] };

judging('INV-MAP-LOOKUP', {
  accepts: {
    'the entry that contains the address': after(lookup(7.99), answer(true, 6), comb),
    'the entry below a hole': after(lookup(8), answer(false, 6), comb),
    'the header below every entry': after(lookup(-1), answer(false, null), high),
    'an audit with findings of others': viewOf({ audit: [{ invariant: 'INV-MAP-HINT', witness: 'stale' }] }),
  },
  rejects: {
    'a neighbour taken for the container': [
      after(lookup(8), answer(true, 6), comb),
      /look-up of 0xfe008000 answered inside the entry at 0xfe006000, a scan finds after the entry at 0xfe006000/,
    ],
    'an entry far below': [
      after(lookup(7), answer(false, 0), comb),
      /answered after the entry at 0xfe000000/,
    ],
    'a finding of the audit': [
      viewOf({ audit: [{ invariant: 'INV-MAP-LOOKUP', witness: 'probe 0x1000 misses' }] }),
      /probe 0x1000 misses/,
    ],
  },
});

const clean = viewOf({ audit: [{ invariant: 'INV-SOMETHING-ELSE', witness: 'other' }] });
const byAudit = (id: string) => ({
  accepts: { 'a kernel without an audit': viewOf(), 'a finding under another ID': clean },
  rejects: {
    'its finding': [
      viewOf({ audit: [{ invariant: id, witness: 'gap lost' }] }),
      /^gap lost$/,
    ] satisfies Rejection,
  },
});

judging('INV-MAP-INDEX', byAudit('INV-MAP-INDEX'));
judging('INV-MAP-HINT', byAudit('INV-MAP-HINT'));
judging('INV-MAP-FREEHINT', byAudit('INV-MAP-FREEHINT'));

judging('INV-AUDIT', {
  accepts: {
    'a kernel without an audit': viewOf(),
    'a finding that another invariant reports': viewOf({
      audit: [{ invariant: 'INV-MAP-INDEX', witness: 'gap' }],
    }),
  },
  rejects: {
    'a finding that is the kernel’s own': [
      viewOf({ audit: [{ invariant: 'INV-AUDIT', witness: 'bad' }] }),
      /^bad$/,
    ],
    'a finding under an ID that no audit invariant claims': [clean, /^INV-SOMETHING-ELSE: other$/],
  },
});
