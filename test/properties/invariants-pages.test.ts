/** Each claim about pages, seen to hold and seen to fail. */
import { describe, test } from 'vitest';
import { objectOffset, PAGE_SIZE } from '../../contract/address.ts';
import { allocated, type Outcome } from '../../contract/outcome.ts';
import {
  at,
  kernelEntry,
  kernelMapOf,
  MACHINE,
  mapOf,
  mappingOf,
  objectOf,
  pageOf,
  size,
  viewOf,
} from './fixture-view.ts';
import { accepts, rejects } from './judge.ts';

const frames = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Pages 4 and 5 of kernel_object, wired, in frames 0 and 1. */
const wiredPair = {
  maps: [kernelMapOf([kernelEntry(4, 6)])],
  objects: [objectOf('kernel', [pageOf(4, 0), pageOf(5, 1)]), objectOf('kmem')],
};

describe('INV-PAGE-CONSERVE', () => {
  test('accepts frames that are free or owned', () => accepts('INV-PAGE-CONSERVE', viewOf(wiredPair)));
  test('rejects a frame that is neither', () =>
    rejects(
      'INV-PAGE-CONSERVE',
      /13 free frames and 2 owned/,
      viewOf({ ...wiredPair, counters: { free: 13 } }),
    ));
});

describe('INV-PAGE-COUNTERS', () => {
  test('accepts counters that are recounted', () => accepts('INV-PAGE-COUNTERS', viewOf(wiredPair)));
  test.each(['free', 'active', 'inactive'] as const)('rejects a wrong v_%s', (queue) =>
    rejects('INV-PAGE-COUNTERS', new RegExp(`v_${queue} is 9`), viewOf({ counters: { [queue]: 9 } })),
  );
  test('rejects a wrong v_wire', () =>
    rejects('INV-PAGE-COUNTERS', /v_wire is 3, 2 pages/, viewOf({ ...wiredPair, counters: { wired: 3 } })));
  test('says nothing about v_wire once memory is aliased (Q-24)', () =>
    accepts('INV-PAGE-COUNTERS', viewOf({ ...wiredPair, counters: { wired: 3 }, aliased: true })));
});

describe('INV-PAGE-QUEUEEXCL', () => {
  const active = [objectOf('kernel', [pageOf(4, 0, { wireCount: 0, queue: 'active' })])];
  test('accepts a page that says the queue it is on', () =>
    accepts('INV-PAGE-QUEUEEXCL', viewOf({ objects: active })));
  test('rejects a frame on two queues', () =>
    rejects(
      'INV-PAGE-QUEUEEXCL',
      /frame 0 is in 2 places: active, inactive/,
      viewOf({
        objects: active,
        queues: { inactive: [0] },
      }),
    ));
  test('rejects a page that names the wrong queue', () =>
    rejects(
      'INV-PAGE-QUEUEEXCL',
      /says active, its frame 0 is in inactive/,
      viewOf({
        objects: active,
        queues: { active: [], inactive: [0] },
      }),
    ));
  test('rejects a frame that is nowhere', () =>
    rejects('INV-PAGE-QUEUEEXCL', /frame 15 is nowhere/, viewOf({ queues: { free: frames(0, 15) } })));
});

describe('INV-PAGE-FREEBARE', () => {
  test('accepts free frames without owner and mapping', () =>
    accepts('INV-PAGE-FREEBARE', viewOf(wiredPair)));
  test('rejects a free frame that an object owns', () =>
    rejects(
      'INV-PAGE-FREEBARE',
      /free frame 1 is page 0x5000 of kernel/,
      viewOf({
        ...wiredPair,
        queues: { free: frames(1, 16) },
      }),
    ));
  test('rejects a free frame that is mapped', () =>
    rejects(
      'INV-PAGE-FREEBARE',
      /free frame 7 is mapped at 0xfe004000/,
      viewOf({ mappings: [mappingOf(4, 7)], pv: [] }),
    ));
  test('rejects a free frame with a pv entry', () =>
    rejects(
      'INV-PAGE-FREEBARE',
      /free frame 7 is on the pv list/,
      viewOf({ pv: [{ frame: 7, addresses: [at(4)] }] }),
    ));
});

describe('INV-PAGE-UNIQUE', () => {
  test('accepts different offsets', () => accepts('INV-PAGE-UNIQUE', viewOf(wiredPair)));
  test('rejects two pages of one identity', () =>
    rejects(
      'INV-PAGE-UNIQUE',
      /kernel holds frames 0 and 1 at offset 0x4000/,
      viewOf({
        objects: [objectOf('kernel', [pageOf(4, 0), pageOf(4, 1)])],
      }),
    ));
});

describe('INV-PAGE-ONEOWNER', () => {
  test('accepts one owner for each frame', () => accepts('INV-PAGE-ONEOWNER', viewOf(wiredPair)));
  test('rejects a frame with two owners', () =>
    rejects(
      'INV-PAGE-ONEOWNER',
      /frame 0 belongs to kernel and to kmem/,
      viewOf({
        objects: [objectOf('kernel', [pageOf(4, 0)]), objectOf('kmem', [pageOf(0, 0)])],
      }),
    ));
  test('rejects an unaligned offset', () =>
    rejects(
      'INV-PAGE-ONEOWNER',
      /lies at 0x4001/,
      viewOf({
        objects: [objectOf('kernel', [pageOf(4, 0, { offset: objectOffset(0x4001) })])],
      }),
    ));
  test('rejects an unmanaged frame', () =>
    rejects(
      'INV-PAGE-ONEOWNER',
      /unmanaged frame 16/,
      viewOf({ objects: [objectOf('kernel', [pageOf(4, 16)])] }),
    ));
});

describe('INV-PAGE-FIFO', () => {
  const step = (before: number[], free: number[]) =>
    viewOf({ before: { queues: { free: before } }, queues: { free } });
  test('accepts frames taken from the head and freed to the tail', () =>
    accepts('INV-PAGE-FIFO', step([1, 2, 3, 4], [3, 4, 9])));
  test('accepts the rotation that a failed kmem_malloc leaves', () =>
    accepts('INV-PAGE-FIFO', step([1, 2, 3], [3, 2, 1])));
  test('accepts frames freed into an empty queue', () => accepts('INV-PAGE-FIFO', step([], [5, 6])));
  describe('after a kmem_malloc without waiting that was refused', () => {
    // It meets a page that an alias made resident, takes the only free one, and gives both back.
    const refused = (canWait: boolean, outcome: Outcome) =>
      viewOf({
        before: { queues: { free: [1] } },
        queues: { free: [0, 1] },
        operation: { kind: 'kmem_malloc', map: 'kmem', size: size(3), canWait },
        outcome,
      });
    test('accepts any order: it took them all', () =>
      accepts('INV-PAGE-FIFO', refused(false, { kind: 'none' })));
    test('rejects the same after one that found its pages, or that may wait', () => {
      const message = /frame 0 stands at the head of FREE, before frame 1/;
      rejects('INV-PAGE-FIFO', message, refused(false, allocated(at(1))));
      rejects('INV-PAGE-FIFO', message, refused(true, { kind: 'none' }));
    });
  });
  test('rejects a frame taken from the tail', () =>
    rejects('INV-PAGE-FIFO', /frame 3 should be number 2 of FREE, not nothing/, step([1, 2, 3], [1, 2])));
  test('rejects a frame freed to the head', () =>
    rejects('INV-PAGE-FIFO', /frame 9 stands at the head/, step([1, 2], [9, 1, 2])));
  test('rejects a frame taken out of the middle', () =>
    rejects('INV-PAGE-FIFO', /frame 2 should be number 1 of FREE, not 3/, step([1, 2, 3], [1, 3])));
});

describe('INV-PAGE-FAKE', () => {
  test('accepts a silent audit', () => accepts('INV-PAGE-FAKE', viewOf()));
  test('rejects what the audit reports', () =>
    rejects(
      'INV-PAGE-FAKE',
      /frame 3/,
      viewOf({ audit: [{ invariant: 'INV-PAGE-FAKE', witness: 'frame 3 of anon1' }] }),
    ));
});

describe('INV-PAGE-WIREDOFFQ', () => {
  test('accepts a wired page on no queue', () => accepts('INV-PAGE-WIREDOFFQ', viewOf(wiredPair)));
  test('rejects a wired page on a queue', () =>
    rejects(
      'INV-PAGE-WIREDOFFQ',
      /wired 1 times and on the active queue/,
      viewOf({
        objects: [objectOf('kernel', [pageOf(4, 0, { queue: 'active' })])],
      }),
    ));
});

describe('INV-PAGE-WIRERANGE', () => {
  const before = { maps: wiredPair.maps, objects: [objectOf('kernel'), objectOf('kmem')] };
  const wired = (wireCount: number) => [objectOf('kernel', [pageOf(4, 0, { wireCount }), pageOf(5, 1)])];
  test('accepts a page wired once under one wired entry', () =>
    accepts('INV-PAGE-WIRERANGE', viewOf({ ...wiredPair, before })));
  test('rejects more wirings than wired entries', () =>
    rejects(
      'INV-PAGE-WIRERANGE',
      /wired 2 times under 1/,
      viewOf({ ...wiredPair, objects: wired(2), before }),
    ));
  test('rejects a count that wrapped', () =>
    rejects(
      'INV-PAGE-WIRERANGE',
      /wired 65535 times/,
      viewOf({ ...wiredPair, objects: wired(65535), before }),
    ));
  test('rejects a negative count', () =>
    rejects('INV-PAGE-WIRERANGE', /wired -1 times/, viewOf({ ...wiredPair, objects: wired(-1), before })));
  test('judges only wrapping once memory is aliased', () => {
    accepts('INV-PAGE-WIRERANGE', viewOf({ ...wiredPair, objects: wired(2), before, aliased: true }));
    rejects(
      'INV-PAGE-WIRERANGE',
      /65535/,
      viewOf({ ...wiredPair, objects: wired(65535), before, aliased: true }),
    );
  });
  test('counts an entry whose offsets run past 2^32', () => {
    const mb = mapOf('mb', [
      kernelEntry(4, 6, { backing: { object: 'kmem' }, offset: objectOffset(-PAGE_SIZE) }),
    ]);
    const objects = [objectOf('kernel'), objectOf('kmem', [pageOf(0, 0)])];
    accepts('INV-PAGE-WIRERANGE', viewOf({ maps: [kernelMapOf(), mb], objects, before: { objects: [] } }));
  });
  test('leaves pages of the scratch window alone', () => {
    const objects = [objectOf('anon1', [pageOf(0, 0)])];
    const maps = [
      kernelMapOf([], { entries: [kernelEntry(0, 4, { backing: { object: 'anon1' }, wiredCount: 0 })] }),
    ];
    const machine = { scratchWindow: { start: at(0), end: at(2) } };
    accepts('INV-PAGE-WIRERANGE', viewOf({ machine, maps, objects, before: { objects: [] } }));
    rejects('INV-PAGE-WIRERANGE', /under 0 wired/, viewOf({ maps, objects, before: { objects: [] } }));
  });
});

describe('INV-PAGE-OFFQ', () => {
  const loose = [objectOf('kernel', [pageOf(4, 0, { wireCount: 0 })])];
  test('accepts a nowait page under its wired entry', () =>
    accepts('INV-PAGE-OFFQ', viewOf({ ...wiredPair, objects: loose })));
  test('accepts a page of a range that kmem_alloc is filling', () =>
    accepts(
      'INV-PAGE-OFFQ',
      viewOf({
        maps: [kernelMapOf([kernelEntry(4, 6, { wiredCount: 0 })])],
        objects: loose,
        transitions: [{ map: 'kernel', start: at(4), end: at(6), state: 'filling', operation: 1 }],
      }),
    ));
  test('accepts filled pages of a kmem_alloc that waits for its turn to wire', () =>
    accepts(
      'INV-PAGE-OFFQ',
      viewOf({
        maps: [kernelMapOf([kernelEntry(4, 6, { wiredCount: 0 })])],
        objects: loose,
        inFlight: [[1, { kind: 'kmem_alloc', map: 'kernel', size: size(2) }]],
      }),
    ));
  test('accepts the pages of a kmem_alloc whose wiring failed, until they are freed', () => {
    const unwired = { maps: [kernelMapOf([kernelEntry(4, 5, { wiredCount: 0 })])], objects: loose };
    const returned = viewOf({
      ...unwired,
      operation: { kind: 'kmem_alloc', map: 'kernel', size: size(2) },
      outcome: allocated(at(4)),
    });
    const freed = viewOf({ maps: [kernelMapOf()], before: unwired });
    const inserted = viewOf({ ...unwired, before: { maps: [kernelMapOf()] } });
    accepts('INV-PAGE-OFFQ', returned);
    accepts('INV-PAGE-OFFQ', returned, viewOf(unwired));
    rejects('INV-PAGE-OFFQ', /on no queue/, returned, freed, inserted);
  });
  test('rejects a page that nothing holds', () =>
    rejects(
      'INV-PAGE-OFFQ',
      /page 0x4000 of kernel \(frame 0\) is on no queue/,
      viewOf({
        maps: [kernelMapOf([kernelEntry(4, 6, { wiredCount: 0 })])],
        objects: loose,
      }),
    ));
});

test('the fixture machine has as many frames as these tests assume', ({ expect }) => {
  expect(MACHINE.managedPages).toBe(16);
});
