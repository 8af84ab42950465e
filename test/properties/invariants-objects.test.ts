import { bytes, objectOffset, PAGE_SIZE, pages } from '../../contract/address.ts';
import { allocated, kern } from '../../contract/outcome.ts';
import type { EntrySnapshot } from '../../contract/vm-map.ts';
import {
  at,
  entryOf,
  kernelEntry,
  kernelMapOf,
  mapOf,
  objectOf,
  pageOf,
  placeholderOf,
  size,
  viewOf,
} from './fixture-view.ts';
import { after, judging } from './polarity.ts';

const kmem = objectOf('kmem');
const kernel = (references: number) => objectOf('kernel', [], { references });
const anon = (from: number, to: number, page = 0): EntrySnapshot =>
  entryOf(from, to, { backing: { object: 'anon1' }, offset: objectOffset(page * PAGE_SIZE) });
const seen = (...entries: readonly EntrySnapshot[]) =>
  viewOf({
    maps: [kernelMapOf(entries)],
    objects: [objectOf('kernel'), kmem, objectOf('anon1', [], { size: pages(4) })],
  });
const reserved = (page: number, count: number) => ({ start: at(page), length: pages(count) });

judging('INV-OBJ-REF', {
  accepts: {
    'a base object under two entries': viewOf({
      maps: [kernelMapOf([kernelEntry(4, 5), kernelEntry(6, 7)])],
      objects: [kernel(3), kmem],
    }),
    'an anonymous object under one entry': seen(anon(4, 5)),
    'the scratch object under none': viewOf({ objects: [kernel(1), kmem, objectOf('scratch')] }),
    'references lost by reservations over the boot entry, of no length and outside the map': viewOf({
      machine: {
        reserved: [reserved(2, 4), reserved(8, 2), reserved(9, 2), reserved(20, 0), reserved(63, 2)],
      },
      maps: [kernelMapOf([kernelEntry(8, 10, { wiredCount: 0 })])],
      objects: [kernel(6), kmem],
    }),
  },
  rejects: {
    'a reference that a failed allocation kept': [
      viewOf({ objects: [kernel(2), kmem] }),
      /object kernel: ref_count is 2; 0 entries and shadows, 1 base, 0 lost/,
    ],
    'a clip that took no reference': [
      seen(anon(4, 5), anon(5, 6, 1)),
      /object anon1: ref_count is 1; 2 entries/,
    ],
  },
});

judging('INV-OBJ-LIVE', {
  accepts: { 'an entry on a live object': seen(anon(4, 5)) },
  rejects: {
    'an entry on an object that was destroyed': [
      viewOf({ maps: [kernelMapOf([anon(4, 5)])] }),
      /entry \[0xfe004000, 0xfe005000\) names {"object":"anon1"}, which does not exist/,
    ],
    'a placeholder of a map that was destroyed': [
      seen(anon(4, 5), placeholderOf('s', 6, 7)),
      /names {"submap":"s"}/,
    ],
    'an object that nothing names': [seen(), /object anon1 exists and nothing names it/],
  },
});

judging('INV-OBJ-RESIDENT', {
  accepts: {
    'pages at different offsets': viewOf({
      objects: [objectOf('kernel', [pageOf(4, 0), pageOf(5, 1)]), kmem],
    }),
  },
  rejects: {
    'two pages with one identity': [
      viewOf({ objects: [objectOf('kernel', [pageOf(4, 0), pageOf(4, 1)]), kmem] }),
      /object kernel: 2 pages lie at 1 offsets/,
    ],
    'a finding of the audit': [
      viewOf({ audit: [{ invariant: 'INV-OBJ-RESIDENT', witness: 'count 3, listed 2' }] }),
      /count 3, listed 2/,
    ],
    'a frame listed twice': [
      viewOf({ objects: [objectOf('kernel', [pageOf(4, 0), pageOf(5, 0)]), kmem] }),
      /2 pages lie in 1 frames/,
    ],
  },
});

judging('INV-OBJ-BOUNDS', {
  accepts: {
    'an entry that ends where its object ends': seen(anon(4, 6, 2)),
    'a base object, which maps may outgrow': viewOf({
      maps: [kernelMapOf([kernelEntry(60, 64)])],
      objects: [objectOf('kernel', [], { size: pages(1) }), kmem],
    }),
  },
  rejects: {
    'an entry grown without its object': [seen(anon(4, 7, 2)), /reaches offset 0x5000 of anon1, size 0x4000/],
  },
});

const kmemEntry = (from: number, to: number, page: number): EntrySnapshot =>
  entryOf(from, to, { backing: { object: 'kmem' }, offset: objectOffset(page * PAGE_SIZE) });
const kmemAt = (start: number, ...entries: readonly EntrySnapshot[]) =>
  viewOf({
    maps: [
      kernelMapOf(),
      mapOf('kmem', [], { min: at(start) }),
      mapOf('mb', entries, { min: at(4), max: at(12) }),
    ],
  });

judging('INV-OBJ-KOFF', {
  accepts: {
    'an entry at its own offset': seen(kernelEntry(9, 10)),
    'a block below kmem_map, whose offset wraps': kmemAt(12, kmemEntry(6, 7, -6)),
    'an anonymous object at any offset': seen(anon(9, 10, 1)),
  },
  rejects: {
    'a kernel entry at the offset of its neighbour': [
      seen(kernelEntry(9, 10, { offset: objectOffset(8 * PAGE_SIZE) })),
      /on kernel has offset 0x8000, its address demands 0x9000/,
    ],
    'a block with the offset of another map': [kmemAt(12, kmemEntry(6, 7, 2)), /demands 0xffffa000/],
  },
});

judging('INV-OBJ-NOALIAS', {
  accepts: {
    'pieces of one object side by side': seen(anon(6, 7, 1), anon(4, 5, 0)),
    'equal offsets of different objects': seen(anon(4, 5, 9), kernelEntry(9, 10)),
  },
  rejects: {
    'a clip that forgot to move the offset': [
      seen(anon(4, 6), anon(6, 8, 1)),
      /\[0xfe004000, 0xfe006000\) of map kernel and \[0xfe006000, 0xfe008000\) of map kernel share offset 0x1000 of anon1/,
    ],
    'an offset far inside a longer entry': [
      seen(anon(4, 9), anon(10, 11, 1), anon(12, 13, 4)),
      /share offset 0x4000/,
    ],
  },
});

judging('INV-OBJ-NOORPHAN', {
  accepts: {
    'a page under a half-filled range': viewOf({
      maps: [kernelMapOf([kernelEntry(6, 8, { wiredCount: 0 })])],
      objects: [objectOf('kernel', [pageOf(6, 0, { wireCount: 0 })]), kmem],
    }),
    'a page that an anonymous object keeps': viewOf({
      maps: [kernelMapOf([anon(4, 5)])],
      objects: [kernel(1), kmem, objectOf('anon1', [pageOf(3, 0)])],
    }),
    'a page at a wrapped offset': viewOf({
      maps: [kernelMapOf(), mapOf('mb', [kmemEntry(6, 7, -6)])],
      objects: [kernel(1), objectOf('kmem', [pageOf(-6 + 0x10_0000, 0)])],
    }),
  },
  rejects: {
    'a page left behind by a free': [
      viewOf({
        maps: [kernelMapOf([kernelEntry(6, 8)])],
        objects: [objectOf('kernel', [pageOf(6, 0), pageOf(8, 1)]), kmem],
      }),
      /object kernel: no entry covers its page at offset 0x8000/,
    ],
    'a page left behind at a wrapped offset': [
      viewOf({ objects: [kernel(1), objectOf('kmem', [pageOf(0xf_fffa, 0)])] }),
      /object kmem: no entry covers its page at offset 0xffffa000/,
    ],
  },
});

const extended = (...old: readonly number[]) => ({
  maps: [kernelMapOf([anon(4, 8)])],
  objects: [
    kernel(1),
    kmem,
    objectOf(
      'anon1',
      old.map((page, frame) => pageOf(page, frame)),
    ),
  ],
});
const pageable = { kind: 'kmem_alloc_pageable', map: 'kernel', size: size(2) } as const;
const insert = {
  kind: 'vm_map_insert',
  map: 'kernel',
  object: 'null',
  offset: objectOffset(0),
  start: at(6),
  end: at(8),
} as const;
const find = {
  kind: 'vm_map_find',
  map: 'kernel',
  object: 'null',
  offset: objectOffset(0),
  address: at(0),
  length: bytes(2 * PAGE_SIZE),
  findSpace: true,
} as const;

judging('INV-OBJ-NULLNEW', {
  accepts: {
    'an extension of an object with pages below it': after(pageable, allocated(at(6)), {}, extended(0, 1)),
    'a fresh entry without an object': after(
      pageable,
      allocated(at(4)),
      {},
      { maps: [kernelMapOf([entryOf(4, 6)])] },
    ),
    'a refused insertion over old pages': after(insert, kern(3), {}, extended(2)),
    'an inserted object with pages': after({ ...insert, object: 'kernel' }, kern(0), {}, extended(2)),
  },
  rejects: {
    'an allocation that finds an old page': [
      after(pageable, allocated(at(6)), {}, extended(0, 3)),
      /new range \[0xfe006000, 0xfe008000\) of map kernel finds an old page at offset 0x3000 of anon1/,
    ],
    'an insertion that finds an old page': [after(insert, kern(0), {}, extended(2)), /offset 0x2000/],
    'a search that finds an old page': [
      after(find, { ...kern(0), address: at(6) }, {}, extended(2)),
      /offset 0x2000/,
    ],
  },
});
