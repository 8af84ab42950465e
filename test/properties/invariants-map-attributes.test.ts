import { address, bytes, objectOffset, PAGE_SIZE } from '../../contract/address.ts';
import { done, kern, none } from '../../contract/outcome.ts';
import type { EntrySnapshot, MapSnapshot } from '../../contract/vm-map.ts';
import { at, entryOf, kernelEntry, kernelMapOf, mapOf, objectOf, viewOf } from './fixture-view.ts';
import { after, judging } from './polarity.ts';

const seen = (entries: readonly EntrySnapshot[], fields: Partial<MapSnapshot> = {}) =>
  viewOf({ maps: [mapOf('kernel', entries, fields)] });

judging('INV-MAP-PROT', {
  accepts: { 'a protection below its maximum': seen([entryOf(4, 5, { protection: 1, maxProtection: 3 })]) },
  rejects: {
    'a right beyond the maximum': [
      seen([entryOf(4, 5, { protection: 3, maxProtection: 1 })]),
      /protection 3 of maximum 1/,
    ],
    'a maximum that is no set of rights': [seen([entryOf(4, 5, { maxProtection: 15 })]), /maximum 15/],
  },
});

judging('INV-MAP-INH', {
  accepts: { 'an entry that is not inherited': seen([entryOf(4, 5, { inheritance: 2 })]) },
  rejects: { 'the code for donating': [seen([entryOf(4, 5, { inheritance: 3 })]), /inheritance 3/] },
});

const one = (fields: Partial<EntrySnapshot> = {}) => ({ maps: [kernelMapOf([entryOf(4, 8, fields)])] });
const three = (fields: Partial<EntrySnapshot>) => ({
  maps: [kernelMapOf([entryOf(4, 5), entryOf(5, 7, fields), entryOf(7, 8)])],
});
const protectMiddle = {
  kind: 'vm_map_protect',
  map: 'kernel',
  start: at(5),
  end: at(7),
  protection: 1,
  setMax: false,
} as const;

judging('INV-MAP-MAXMONO', {
  accepts: {
    'a maximum that lost a right': after(
      { ...protectMiddle, setMax: true },
      kern(0),
      one(),
      three({ maxProtection: 3 }),
    ),
    'a range allocated anew': after(protectMiddle, kern(0), { maps: [kernelMapOf()] }, one()),
  },
  rejects: {
    'a maximum that regained a right': [
      after(protectMiddle, kern(0), one({ maxProtection: 1 }), three({ maxProtection: 5 })),
      /max_protection of \[0xfe005000, 0xfe007000\) rose from 1 to 5/,
    ],
  },
});

judging('INV-MAP-ATTR-RANGE', {
  accepts: {
    'a protection lowered on the range alone': after(protectMiddle, kern(0), one(), three({ protection: 1 })),
    'a maximum lowered with the protection under it': after(
      { ...protectMiddle, protection: 5, setMax: true },
      kern(0),
      one({ protection: 3 }),
      {
        maps: [
          kernelMapOf([
            entryOf(4, 5, { protection: 3 }),
            entryOf(5, 7, { protection: 1, maxProtection: 5 }),
            entryOf(7, 8, { protection: 3 }),
          ]),
        ],
      },
    ),
    'an inheritance over the whole map': after(
      { kind: 'vm_map_inherit', map: 'kernel', start: address(0), end: at(99), inheritance: 2 },
      kern(0),
      { maps: [mapOf('kernel', [entryOf(4, 8)])] },
      { maps: [mapOf('kernel', [entryOf(4, 8, { inheritance: 2 })])] },
    ),
    'a failed protect that changed nothing': after(protectMiddle, kern(2), one()),
  },
  rejects: {
    'a protection that forgot a page': [
      after(protectMiddle, kern(0), one(), {
        maps: [kernelMapOf([entryOf(4, 5), entryOf(5, 6, { protection: 1 }), entryOf(6, 8)])],
      }),
      /\[0xfe006000, 0xfe007000\), inside the range: protection 1 became 7/,
    ],
    'a protection that went on past the range': [
      after(protectMiddle, kern(0), one(), {
        maps: [kernelMapOf([entryOf(4, 5), entryOf(5, 8, { protection: 1 })])],
      }),
      /\[0xfe007000, 0xfe008000\), outside the range: protection 7 became 1/,
    ],
    'a protect that changed the inheritance': [
      after(protectMiddle, kern(0), one(), three({ protection: 1, inheritance: 0 })),
      /inheritance 1 became 0/,
    ],
    'an inheritance not set': [
      after(
        { kind: 'vm_map_inherit', map: 'kernel', start: at(4), end: at(8), inheritance: 2 },
        kern(0),
        one(),
      ),
      /inheritance 2 became 1/,
    ],
  },
});

const wire = { kind: 'vm_map_pageable', map: 'kernel', start: at(5), end: at(7), pageable: false } as const;
const anonymous = { object: 'anon1' };

judging('INV-MAP-CLIPNEUTRAL', {
  accepts: {
    'pieces of a clipped entry with moved offsets': after(
      { kind: 'kmem_free', map: 'kernel', address: at(6), size: bytes(PAGE_SIZE) },
      done,
      { maps: [kernelMapOf([kernelEntry(4, 8)])] },
      { maps: [kernelMapOf([kernelEntry(4, 6), kernelEntry(7, 8)])] },
    ),
    'two halves merged': after(
      { kind: 'vm_map_simplify', map: 'kernel', start: at(6) },
      done,
      { maps: [kernelMapOf([kernelEntry(4, 6), kernelEntry(6, 8)])] },
      { maps: [kernelMapOf([kernelEntry(4, 8)])] },
    ),
    'a whole null entry that got its object for one fault': after(
      { kind: 'vm_fault', map: 'kernel', address: at(5), protection: 1 },
      kern(0),
      one(),
      { ...one({ backing: anonymous }), objects: [objectOf('kernel'), objectOf('kmem'), objectOf('anon1')] },
    ),
    'wired counts raised on the range': after(wire, kern(0), one({ backing: anonymous }), {
      maps: [
        kernelMapOf([
          entryOf(4, 5, { backing: anonymous }),
          entryOf(5, 7, { backing: anonymous, offset: objectOffset(PAGE_SIZE), wiredCount: 1 }),
          entryOf(7, 8, { backing: anonymous, offset: objectOffset(3 * PAGE_SIZE) }),
        ]),
      ],
    }),
    'the range that a sleeping allocation fills': after(
      { kind: 'kmem_alloc', map: 'kernel', size: bytes(PAGE_SIZE) },
      { kind: 'sleep', event: 'pages' },
      { maps: [kernelMapOf()] },
      {
        maps: [kernelMapOf([kernelEntry(4, 5, { wiredCount: 0 })])],
        transitions: [{ map: 'kernel', start: at(4), end: at(5), state: 'filling', operation: 1 }],
      },
    ),
  },
  rejects: {
    'a clip that forgot to move the offset': [
      after(
        { kind: 'kmem_free', map: 'kernel', address: at(6), size: bytes(PAGE_SIZE) },
        done,
        { maps: [kernelMapOf([kernelEntry(4, 8)])] },
        {
          maps: [
            kernelMapOf([kernelEntry(4, 6), kernelEntry(7, 8, { offset: objectOffset(4 * PAGE_SIZE) })]),
          ],
        },
      ),
      /\[0xfe007000, 0xfe008000\): offset 28672 became 16384/,
    ],
    'a merge of entries with different rights': [
      after(
        { kind: 'vm_map_simplify', map: 'kernel', start: at(6) },
        done,
        { maps: [kernelMapOf([kernelEntry(4, 6), kernelEntry(6, 8, { protection: 1 })])] },
        { maps: [kernelMapOf([kernelEntry(4, 8)])] },
      ),
      /protection 1 became 7/,
    ],
    'a free that took the neighbour along': [
      after(
        { kind: 'kmem_free', map: 'kernel', address: at(4), size: bytes(PAGE_SIZE) },
        done,
        { maps: [kernelMapOf([kernelEntry(4, 8)])] },
        { maps: [kernelMapOf([])] },
      ),
      /\[0xfe005000, 0xfe008000\): is no longer allocated/,
    ],
    'a failed allocation that left an entry': [
      after(
        { kind: 'kmem_alloc', map: 'kernel', size: bytes(PAGE_SIZE) },
        none,
        { maps: [kernelMapOf()] },
        one(),
      ),
      /is newly allocated/,
    ],
    'a wire that changed rights on its range': [
      after(wire, kern(0), one({ backing: anonymous }), one({ backing: anonymous, protection: 1 })),
      /protection 7 became 1/,
    ],
    'a wire that counted outside its range': [
      after(wire, kern(0), one({ backing: anonymous }), one({ backing: anonymous, wiredCount: 1 })),
      /\[0xfe004000, 0xfe005000\): wiredCount 0 became 1/,
    ],
    'a null entry that got an object which other entries share': [
      after(
        { kind: 'vm_fault', map: 'kernel', address: at(5), protection: 1 },
        kern(0),
        one(),
        one({ backing: { object: 'kmem' } }),
      ),
      /null became object kmem/,
    ],
    'a look-up that changed an inheritance': [
      after(
        { kind: 'vm_map_lookup_entry', map: 'kernel', address: at(5) },
        { kind: 'entry', found: true, start: at(4) },
        one(),
        one({ inheritance: 0 }),
      ),
      /inheritance 1 became 0/,
    ],
  },
});
