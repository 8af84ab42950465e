/** Each claim about wired memory, seen to hold and seen to fail. */
import { describe, test } from 'vitest';
import { pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { allocated, done, kern } from '../../contract/outcome.ts';
import {
  at,
  entryOf,
  kernelEntry,
  kernelMapOf,
  mapOf,
  mappingOf,
  objectOf,
  pageOf,
  placeholderOf,
  type StateSpec,
  size,
  viewOf,
} from './fixture-view.ts';
import { accepts, rejects } from './judge.ts';

const nothing: StateSpec = {};

/** Two wired pages of kernel_object at pages 4 and 5. */
const wired = {
  maps: [kernelMapOf([kernelEntry(4, 6)])],
  objects: [objectOf('kernel', [pageOf(4, 0), pageOf(5, 1)]), objectOf('kmem')],
  mappings: [mappingOf(4, 0), mappingOf(5, 1)],
};
const unwiredMap = [kernelMapOf([kernelEntry(4, 6, { wiredCount: 0 })])];
const wiringRange = [{ map: 'kernel', start: at(5), end: at(6), state: 'wiring' as const, operation: 1 }];

const pageable = (from: number, to: number, unwire: boolean): Operation => ({
  kind: 'vm_map_pageable',
  map: 'kernel',
  start: at(from),
  end: at(to),
  pageable: unwire,
});
const kmemAlloc: Operation = { kind: 'kmem_alloc', map: 'kernel', size: size(2) };
const nowait: Operation = { kind: 'kmem_malloc', map: 'kmem', size: size(2), canWait: false };

describe('INV-WIRE-RESIDENT', () => {
  const half = [objectOf('kernel', [pageOf(4, 0)]), objectOf('kmem')];
  test('accepts wired memory that is resident', () => accepts('INV-WIRE-RESIDENT', viewOf(wired)));
  test('accepts a page that is still being wired', () =>
    accepts('INV-WIRE-RESIDENT', viewOf({ ...wired, objects: half, transitions: wiringRange })));
  test('rejects a wired page that is missing', () =>
    rejects(
      'INV-WIRE-RESIDENT',
      /0xfe005000 in map kernel is wired 1 times/,
      viewOf({ ...wired, objects: half }),
    ));
  test('rejects a wired null object', () =>
    rejects(
      'INV-WIRE-RESIDENT',
      /not resident/,
      viewOf({ maps: [kernelMapOf([entryOf(4, 5, { wiredCount: 1 })])] }),
    ));
});

describe('INV-WIRE-PTE', () => {
  const noRead = [kernelMapOf([kernelEntry(4, 6, { protection: 0 })])];
  const blind = viewOf({ ...wired, maps: noRead, mappings: [], before: wired, number: 1 });
  const readable = viewOf({
    ...wired,
    mappings: [],
    before: { ...wired, maps: noRead, mappings: [] },
    number: 2,
  });
  test('accepts wired memory that is mapped with W', () => accepts('INV-WIRE-PTE', viewOf(wired)));
  test('accepts unreadable wired memory without a mapping', () =>
    accepts('INV-WIRE-PTE', viewOf(wired), blind));
  test('accepts the missing mapping of memory whose READ came back', () =>
    accepts('INV-WIRE-PTE', viewOf(wired), blind, readable));
  test('rejects a missing mapping', () =>
    rejects(
      'INV-WIRE-PTE',
      /0xfe005000 in map kernel is wired but not mapped/,
      viewOf({ ...wired, mappings: [mappingOf(4, 0)] }),
    ));
  test('rejects a mapping that went missing again after the fault', () => {
    const faulted = viewOf({ ...wired, before: { ...wired, mappings: [] }, number: 3 });
    const gone = viewOf({ ...wired, mappings: [], before: wired, number: 4 });
    rejects('INV-WIRE-PTE', /not mapped/, viewOf(wired), blind, readable, faulted, gone);
  });
  test('forgets the exception when the memory is freed', () => {
    const freed = viewOf({
      maps: [kernelMapOf()],
      before: { ...wired, maps: noRead, mappings: [] },
      number: 3,
    });
    const again = viewOf({ ...wired, mappings: [], before: { maps: [kernelMapOf()] }, number: 4 });
    rejects('INV-WIRE-PTE', /not mapped/, viewOf(wired), blind, freed, again);
  });
  test('rejects a mapping without W', () =>
    rejects(
      'INV-WIRE-PTE',
      /lacks W/,
      viewOf({ ...wired, mappings: [mappingOf(4, 0, { wired: false }), mappingOf(5, 1)] }),
    ));
  test('rejects a mapping to another frame', () =>
    rejects(
      'INV-WIRE-PTE',
      /wired to frame 1 but maps frame 2/,
      viewOf({ ...wired, mappings: [mappingOf(4, 0), mappingOf(5, 2)] }),
    ));
});

/** Pages 0 and 1 of kmem, given out by kmem_malloc(nowait) at pages 8 and 9. */
function kmemState(wiredCount: number, wireCount: number, queue: 'none' | 'active' = 'none') {
  const entry = entryOf(8, 10, { backing: { object: 'kmem' }, wiredCount });
  const page = { wireCount, queue };
  return {
    maps: [
      kernelMapOf([placeholderOf('kmem', 8, 16)]),
      mapOf('kmem', [entry], { min: at(8), max: at(16), size: pages(2) }),
    ],
    objects: [objectOf('kernel'), objectOf('kmem', [pageOf(0, 0, page), pageOf(1, 1, page)])],
    mappings: [mappingOf(8, 0, { wired: wiredCount > 0 }), mappingOf(9, 1, { wired: wiredCount > 0 })],
  };
}
const givenOut = viewOf({
  ...kmemState(1, 0),
  before: nothing,
  operation: nowait,
  outcome: allocated(at(8)),
});
const kmemPageable = (unwire: boolean): Operation => ({
  kind: 'vm_map_pageable',
  map: 'kmem',
  start: at(8),
  end: at(10),
  pageable: unwire,
});

describe('INV-WIRE-COUNT', () => {
  test('accepts one wiring for each wired entry', () => accepts('INV-WIRE-COUNT', viewOf(wired)));
  test('accepts nowait pages without a wiring', () => accepts('INV-WIRE-COUNT', givenOut));
  test('accepts any count inside a range that is being wired', () => {
    const half = [objectOf('kernel', [pageOf(4, 0), pageOf(5, 1, { wireCount: 0 })])];
    accepts('INV-WIRE-COUNT', viewOf({ ...wired, objects: half, transitions: wiringRange }));
    rejects('INV-WIRE-COUNT', /wire count 0, expected 1/, viewOf({ ...wired, objects: half }));
  });
  test('rejects a page that stays wired after its entry is not', () =>
    rejects('INV-WIRE-COUNT', /wire count 1, expected 0/, viewOf({ ...wired, maps: unwiredMap })));
  test('rejects a nowait page that stays at 0 when it is wired again', () => {
    const unwired = viewOf({
      ...kmemState(0, 0, 'active'),
      before: kmemState(1, 0),
      operation: kmemPageable(true),
      outcome: kern(0),
    });
    const rewired = (wireCount: number) =>
      viewOf({
        ...kmemState(1, wireCount),
        before: kmemState(0, 0, 'active'),
        operation: kmemPageable(false),
        outcome: kern(0),
      });
    accepts('INV-WIRE-COUNT', givenOut, unwired, rewired(1));
    rejects('INV-WIRE-COUNT', /wire count 0, expected 1/, givenOut, unwired, rewired(0));
  });
  test('leaves scratch pages and the scratch window alone', () =>
    accepts(
      'INV-WIRE-COUNT',
      viewOf({
        machine: { scratchPages: 1, scratchWindow: { start: at(0), end: at(1) } },
        maps: [kernelMapOf([], { entries: [entryOf(0, 4, { backing: { object: 'anon1' } })] })],
        objects: [objectOf('scratch', [pageOf(0, 0)]), objectOf('anon1', [pageOf(0, 1)])],
      }),
    ));
});

describe('INV-WIRE-NOWAIT', () => {
  const later = (state: StateSpec, operation: Operation) =>
    viewOf({ ...state, before: kmemState(1, 0), operation, outcome: kern(0) });
  const fault: Operation = { kind: 'vm_fault', map: 'kmem', address: at(8), protection: 1 };
  test('accepts fresh nowait pages', () => accepts('INV-WIRE-NOWAIT', givenOut));
  test('accepts a nowait page that a fault made active (Q-29)', () => {
    const page = { wireCount: 0, queue: 'active' as const };
    const objects = [objectOf('kmem', [pageOf(0, 0, page), pageOf(1, 1, { wireCount: 0 })])];
    accepts('INV-WIRE-NOWAIT', givenOut, later({ ...kmemState(1, 0), objects }, fault));
  });
  test('rejects a nowait page that became active by itself', () =>
    rejects(
      'INV-WIRE-NOWAIT',
      /on the active queue/,
      givenOut,
      later(kmemState(1, 0, 'active'), { kind: 'pagedaemon' }),
    ));
  test('rejects a nowait page with a wire count', () =>
    rejects(
      'INV-WIRE-NOWAIT',
      /has wire count 1/,
      viewOf({ ...kmemState(1, 1), before: nothing, operation: nowait, outcome: allocated(at(8)) }),
    ));
  test('rejects a nowait page whose entry was never wired', () =>
    rejects(
      'INV-WIRE-NOWAIT',
      /under no wired entry/,
      viewOf({ ...kmemState(0, 0), before: nothing, operation: nowait, outcome: allocated(at(8)) }),
    ));
  test('says nothing once the memory has been unwired', () =>
    accepts('INV-WIRE-NOWAIT', givenOut, later(kmemState(0, 0, 'active'), kmemPageable(true))));
});

describe('INV-WIRE-SPLIT', () => {
  const apart = [kernelMapOf([kernelEntry(4, 5), kernelEntry(5, 6)])];
  const uneven = [kernelMapOf([kernelEntry(4, 5), kernelEntry(5, 6, { wiredCount: 0 })])];
  const simplify: Operation = { kind: 'vm_map_simplify', map: 'kernel', start: at(5) };
  test('accepts a split and a merge that keep the wired count', () => {
    accepts(
      'INV-WIRE-SPLIT',
      viewOf({ ...wired, maps: apart, before: wired, operation: pageable(5, 6, false), outcome: kern(4) }),
    );
    accepts(
      'INV-WIRE-SPLIT',
      viewOf({ ...wired, before: { ...wired, maps: apart }, operation: simplify, outcome: done }),
    );
  });
  test('accepts an unwiring inside its range and rejects one outside', () => {
    const step = (from: number) =>
      viewOf({
        ...wired,
        maps: uneven,
        before: wired,
        operation: pageable(from, from + 1, true),
        outcome: kern(0),
      });
    accepts('INV-WIRE-SPLIT', step(5));
    rejects('INV-WIRE-SPLIT', /\[0xfe005000, 0xfe006000\) in map kernel: wired count 1 became 0/, step(4));
  });
  test('accepts the wiring at the end of a kmem_alloc that had slept', () =>
    accepts(
      'INV-WIRE-SPLIT',
      viewOf({ ...wired, before: { maps: unwiredMap }, operation: kmemAlloc, outcome: allocated(at(4)) }),
    ));
  test('rejects a merge of entries with different wired counts', () =>
    rejects(
      'INV-WIRE-SPLIT',
      /wired count 0 became 1/,
      viewOf({ ...wired, before: { ...wired, maps: uneven }, operation: simplify, outcome: done }),
    ));
});

describe('INV-WIRE-NEST', () => {
  const depth = (wiredCount: number) => ({
    ...wired,
    maps: [kernelMapOf([kernelEntry(4, 6, { wiredCount })])],
  });
  const allocation = viewOf({
    ...depth(1),
    before: nothing,
    operation: kmemAlloc,
    outcome: allocated(at(4)),
  });
  const rewire = (was: number, is: number, unwire: boolean, code = 0) =>
    viewOf({ ...depth(is), before: depth(was), operation: pageable(4, 6, unwire), outcome: kern(code) });
  test('accepts an allocation that counts as one wiring, and wirings on top', () => {
    accepts('INV-WIRE-NEST', viewOf(nothing), allocation);
    accepts('INV-WIRE-NEST', viewOf(nothing), allocation, rewire(1, 2, false), rewire(2, 1, true));
  });
  test('rejects an allocation that is not wired', () =>
    rejects(
      'INV-WIRE-NEST',
      /is wired 0 times, its history says 1/,
      viewOf({ ...depth(0), before: nothing, operation: kmemAlloc, outcome: allocated(at(4)) }),
    ));
  test('rejects a second wiring that is not counted', () =>
    rejects('INV-WIRE-NEST', /is wired 1 times, its history says 2/, allocation, rewire(1, 1, false)));
  test('rejects a failed unwiring that is counted', () =>
    rejects('INV-WIRE-NEST', /is wired 0 times, its history says 1/, allocation, rewire(1, 0, true, 4)));
  test('counts neither an empty nor an inverted range', () => {
    const nowhere = (from: number, to: number) =>
      viewOf({ ...depth(1), operation: pageable(from, to, false), outcome: kern(0) });
    accepts('INV-WIRE-NEST', allocation, nowhere(5, 5), nowhere(6, 4));
  });
  test('puts neighbouring wirings of one depth together', () => {
    const half = viewOf({ ...wired, operation: pageable(4, 5, false), outcome: kern(0) });
    const other = viewOf({
      ...depth(2),
      before: depth(1),
      operation: pageable(5, 6, false),
      outcome: kern(0),
    });
    accepts('INV-WIRE-NEST', allocation, half, other);
  });
  test('forgets the depth of freed memory', () => {
    const freed = viewOf({ maps: [kernelMapOf()], before: depth(1) });
    accepts('INV-WIRE-NEST', allocation, freed, viewOf({ ...depth(0), before: { maps: [kernelMapOf()] } }));
    rejects(
      'INV-WIRE-NEST',
      /history says 0/,
      allocation,
      freed,
      viewOf({ ...depth(1), before: { maps: [kernelMapOf()] } }),
    );
  });
  test('waits with its judgement while an operation in flight is wiring', () => {
    const transitions = [{ map: 'kernel', start: at(4), end: at(6), state: 'wiring' as const, operation: 1 }];
    const raised = viewOf({
      ...depth(1),
      before: depth(0),
      transitions,
      operation: { kind: 'pagedaemon' },
      outcome: done,
    });
    accepts('INV-WIRE-NEST', viewOf(depth(0)), raised);
  });
  test('does not count the wiring of an allocation whose range others freed meanwhile', () => {
    const remains = { maps: [kernelMapOf([kernelEntry(4, 5, { wiredCount: 0 })])] };
    accepts('INV-WIRE-NEST', viewOf({ ...remains, operation: kmemAlloc, outcome: allocated(at(4)) }));
  });
});

describe('INV-WIRE-UNWIRED', () => {
  test('accepts W under a wired entry', () => accepts('INV-WIRE-UNWIRED', viewOf(wired)));
  test('accepts a mapping without W under an unwired entry', () =>
    accepts(
      'INV-WIRE-UNWIRED',
      viewOf({ ...wired, maps: unwiredMap, mappings: [mappingOf(4, 0, { wired: false })] }),
    ));
  test('rejects W under an unwired entry', () =>
    rejects(
      'INV-WIRE-UNWIRED',
      /0xfe004000 is mapped to frame 0 with W/,
      viewOf({ ...wired, maps: unwiredMap }),
    ));
  test('leaves the scratch window alone', () =>
    accepts(
      'INV-WIRE-UNWIRED',
      viewOf({
        machine: { scratchWindow: { start: at(0), end: at(2) } },
        mappings: [mappingOf(1, 0)],
      }),
    ));
});
