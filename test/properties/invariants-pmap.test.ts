/** Each claim about mappings, seen to hold and seen to fail. */
import { describe, test } from 'vitest';
import { address, frameNumber, PDE_SPAN } from '../../contract/address.ts';
import { recursiveSlot } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';
import { done, none } from '../../contract/outcome.ts';
import type { PageTableSnapshot } from '../../contract/pmap.ts';
import {
  at,
  entryOf,
  kernelEntry,
  kernelMapOf,
  MACHINE,
  mapOf,
  mappingOf,
  objectOf,
  pageOf,
  placeholderOf,
  viewOf,
} from './fixture-view.ts';
import { accepts, rejects } from './judge.ts';

/** Two wired pages of kernel_object at pages 4 and 5. */
const wired = {
  maps: [kernelMapOf([kernelEntry(4, 6)])],
  objects: [objectOf('kernel', [pageOf(4, 0), pageOf(5, 1)]), objectOf('kmem')],
  mappings: [mappingOf(4, 0), mappingOf(5, 1)],
};
const withEntry = (fields: Parameters<typeof kernelEntry>[2]) => [kernelMapOf([kernelEntry(4, 6, fields)])];
const window = { deviceFrames: 1, scratchWindow: { start: at(0), end: at(2) } };

describe('INV-PMAP-FRAME', () => {
  const enter: Operation = { kind: 'pmap_kenter', address: at(1), frame: frameNumber(16) };
  const device = { ...wired, machine: window, mappings: [mappingOf(1, 16)], pv: [] };
  test('accepts mappings to resident pages', () => accepts('INV-PMAP-FRAME', viewOf(wired)));
  test('accepts a device frame that was entered', () =>
    accepts('INV-PMAP-FRAME', viewOf({ ...device, operation: enter, outcome: done }), viewOf(device)));
  test('rejects a device frame that nobody entered', () =>
    rejects('INV-PMAP-FRAME', /device frame 16, never entered/, viewOf(device)));
  test('rejects a frame that no object owns', () =>
    rejects(
      'INV-PMAP-FRAME',
      /0xfe004000 maps frame 9, which no object owns/,
      viewOf({ ...wired, mappings: [mappingOf(4, 9)] }),
    ));
});

describe('INV-PMAP-AGREE', () => {
  test('accepts mappings that lead to the page of the entry', () => accepts('INV-PMAP-AGREE', viewOf(wired)));
  test('rejects a mapping to the page of another offset', () =>
    rejects(
      'INV-PMAP-AGREE',
      /maps frame 1; map kernel has frame 0 of kernel/,
      viewOf({ ...wired, mappings: [mappingOf(4, 1)] }),
    ));
  test('rejects a mapping under a null object', () =>
    rejects('INV-PMAP-AGREE', /a null object/, viewOf({ ...wired, maps: [kernelMapOf([entryOf(4, 6)])] })));
  test('rejects a mapping whose page is gone', () =>
    rejects('INV-PMAP-AGREE', /no page of kernel/, viewOf({ ...wired, objects: [objectOf('kernel')] })));
});

describe('INV-PMAP-COVERED', () => {
  test('accepts mappings under entries', () => accepts('INV-PMAP-COVERED', viewOf(wired)));
  test('rejects a mapping that outlives its entry', () =>
    rejects(
      'INV-PMAP-COVERED',
      /0xfe004000 maps frame 0 but is not allocated/,
      viewOf({ ...wired, maps: [kernelMapOf()] }),
    ));
  test('rejects a mapping under a mere placeholder', () => {
    const submap = mapOf('sub', [], { min: at(4), max: at(6) });
    rejects(
      'INV-PMAP-COVERED',
      /not allocated/,
      viewOf({ ...wired, maps: [kernelMapOf([placeholderOf('sub', 4, 6)]), submap] }),
    );
  });
});

describe('INV-PMAP-PV', () => {
  test('accepts lists that mirror the mappings', () => accepts('INV-PMAP-PV', viewOf(wired)));
  test('rejects a mapping without a pv entry', () =>
    rejects(
      'INV-PMAP-PV',
      /0xfe004000 maps frame 0 and stands 0 times/,
      viewOf({ ...wired, pv: [{ frame: 1, addresses: [at(5)] }] }),
    ));
  test('rejects a pv entry without a mapping', () =>
    rejects(
      'INV-PMAP-PV',
      /pv list of frame 3 names 0xfe004000/,
      viewOf({ pv: [{ frame: 3, addresses: [at(4)] }] }),
    ));
  test('rejects a duplicate', () =>
    rejects(
      'INV-PMAP-PV',
      /stands 2 times/,
      viewOf({ mappings: [mappingOf(4, 0)], pv: [{ frame: 0, addresses: [at(4), at(4)] }] }),
    ));
  test('rejects a pv entry of a device frame', () =>
    rejects('INV-PMAP-PV', /frame 16 and stands 1 times/, viewOf({ mappings: [mappingOf(1, 16)] })));
});

describe('INV-PMAP-STATS', () => {
  const unwired = { ...wired, mappings: [mappingOf(4, 0), mappingOf(5, 1, { wired: false })] };
  test('accepts statistics that are recounted, at boot and later', () => {
    accepts('INV-PMAP-STATS', viewOf(wired));
    accepts('INV-PMAP-STATS', viewOf(wired), viewOf({ ...unwired, before: wired }));
  });
  test('rejects a wrong resident count', () =>
    rejects('INV-PMAP-STATS', /resident is 3 of 2 mappings/, viewOf({ ...wired, pmap: { resident: 3 } })));
  test('rejects an unwiring that was not counted', () =>
    rejects(
      'INV-PMAP-STATS',
      /wired 2 of 1/,
      viewOf(wired),
      viewOf({ ...unwired, before: wired, pmap: { wired: 2 } }),
    ));
});

describe('INV-PMAP-STATSNN', () => {
  test('accepts counts in order', () => accepts('INV-PMAP-STATSNN', viewOf(wired)));
  test.each([
    { resident: -1, wired: -1 },
    { resident: 2, wired: -1 },
    { resident: 2, wired: 3 },
  ])('rejects %o', (pmap) => rejects('INV-PMAP-STATSNN', /resident/, viewOf({ ...wired, pmap })));
});

describe('INV-PMAP-RIGHTS', () => {
  const readOnly = withEntry({ protection: 1 });
  test('accepts a writable mapping under a writable entry', () => accepts('INV-PMAP-RIGHTS', viewOf(wired)));
  test('accepts a read-only mapping under a read-only entry', () =>
    accepts(
      'INV-PMAP-RIGHTS',
      viewOf({ ...wired, maps: readOnly, mappings: [mappingOf(4, 0, { writable: false })] }),
    ));
  test('rejects a writable mapping under a read-only entry', () =>
    rejects(
      'INV-PMAP-RIGHTS',
      /0xfe004000 is writable, its entry in map kernel has protection 1/,
      viewOf({ ...wired, maps: readOnly }),
    ));
  test('rejects mappings that a protection left writable without touching them', () =>
    rejects(
      'INV-PMAP-RIGHTS',
      /is writable/,
      viewOf({ ...wired, maps: readOnly, before: wired, touched: ['map:kernel'] }),
    ));
  test('leaves the scratch window alone', () =>
    accepts(
      'INV-PMAP-RIGHTS',
      viewOf({
        machine: window,
        maps: [kernelMapOf([], { entries: [entryOf(0, 4, { protection: 1 })] })],
        mappings: [mappingOf(1, 0)],
      }),
    ));
});

describe('INV-PMAP-NONE', () => {
  const unreadable = withEntry({ protection: 2 });
  test('accepts a mapping under a readable entry', () => accepts('INV-PMAP-NONE', viewOf(wired)));
  test('accepts an unreadable entry without mappings', () =>
    accepts('INV-PMAP-NONE', viewOf({ ...wired, maps: unreadable, mappings: [] })));
  test('rejects a mapping under an unreadable entry', () =>
    rejects(
      'INV-PMAP-NONE',
      /its entry in map kernel has protection 2/,
      viewOf({ ...wired, maps: unreadable }),
    ));
  test('rejects mappings that a protection left behind without touching them', () =>
    rejects(
      'INV-PMAP-NONE',
      /is mapped/,
      viewOf({ ...wired, maps: unreadable, before: wired, touched: ['map:kernel'] }),
    ));
  test('accepts the mapping of a detached submap under an unreadable entry of its old parent', () =>
    accepts(
      'INV-PMAP-NONE',
      viewOf({
        ...wired,
        maps: [...unreadable, mapOf('sub', [kernelEntry(4, 6)], { min: at(4), max: at(6) })],
      }),
    ));
});

describe('INV-PMAP-COUNT', () => {
  const maps = [kernelMapOf(), mapOf('sub', [], { min: at(8), max: at(9) })];
  test('accepts one reference for the pmap and one for each map but kernel', () => {
    accepts('INV-PMAP-COUNT', viewOf({ pmap: { references: 1 } }));
    accepts('INV-PMAP-COUNT', viewOf({ maps, pmap: { references: 2 } }));
  });
  test('rejects a missing reference', () =>
    rejects('INV-PMAP-COUNT', /pm_count is 1 with 2 maps/, viewOf({ maps, pmap: { references: 1 } })));
});

describe('INV-PMAP-EXTRACT', () => {
  const operation: Operation = { kind: 'pmap_extract', address: address(at(4) + 5) };
  const answer = (frame: number, offset: number) =>
    ({ kind: 'frame', frame: frameNumber(frame), offset }) as const;
  test('accepts the frame that is mapped, and none where nothing is', () => {
    accepts('INV-PMAP-EXTRACT', viewOf({ ...wired, operation, outcome: answer(0, 5) }));
    accepts('INV-PMAP-EXTRACT', viewOf({ operation, outcome: none }));
  });
  test('rejects another frame, another offset, none for a mapping and a frame for none', () => {
    rejects(
      'INV-PMAP-EXTRACT',
      /frame 1 offset 5, mapped is frame 0/,
      viewOf({ ...wired, operation, outcome: answer(1, 5) }),
    );
    rejects(
      'INV-PMAP-EXTRACT',
      /offset 4, mapped is frame 0 offset 5/,
      viewOf({ ...wired, operation, outcome: answer(0, 4) }),
    );
    rejects('INV-PMAP-EXTRACT', /answered nothing/, viewOf({ ...wired, operation, outcome: none }));
    rejects('INV-PMAP-EXTRACT', /mapped is nothing/, viewOf({ operation, outcome: answer(0, 5) }));
  });
});

describe('INV-PMAP-KCOVER', () => {
  const sub = mapOf('sub', [], { min: at(8), max: address(at(0) + 2 * PDE_SPAN) });
  test('accepts maps inside the static page tables', () => accepts('INV-PMAP-KCOVER', viewOf(wired)));
  test('rejects a submap beyond them', () =>
    rejects('INV-PMAP-KCOVER', /map sub reaches/, viewOf({ maps: [kernelMapOf(), sub] })));
  test('accepts a created map anywhere, and a submap inside it', () => {
    const created = viewOf({
      operation: { kind: 'vm_map_create', name: 'far', min: sub.min, max: sub.max, pageable: true },
      outcome: done,
      maps: [kernelMapOf(), { ...sub, name: 'far' }],
    });
    const inside = viewOf({
      operation: { kind: 'kmem_suballoc', name: 'sub', parent: 'far', size: sub.size, pageable: true },
      outcome: { kind: 'submap', map: 'sub', min: sub.min, max: sub.max },
      maps: [kernelMapOf(), { ...sub, name: 'far' }, sub],
    });
    accepts('INV-PMAP-KCOVER', created, inside);
  });
});

/** Tables of the fixture machine: one kernel slot, and the recursive one. */
const KERNEL_SLOT = at(0) / PDE_SPAN;
const DIRECTORY = 100;
const FIRST_MANAGED = 200;
const PRESENT_WRITABLE = 0x003;
const tables = (fields: Partial<PageTableSnapshot> = {}): PageTableSnapshot => ({
  directoryFrame: DIRECTORY,
  firstManagedFrame: FIRST_MANAGED,
  directory: [
    { slot: recursiveSlot(MACHINE), word: DIRECTORY * 4096 + PRESENT_WRITABLE },
    { slot: KERNEL_SLOT, word: 101 * 4096 + PRESENT_WRITABLE },
  ],
  tables: [
    { address: at(4), word: FIRST_MANAGED * 4096 + 0x203 },
    { address: at(5), word: (FIRST_MANAGED + 1) * 4096 + 0x203 },
  ],
  spaces: [],
  ...fields,
});
const withTables = (fields: Partial<PageTableSnapshot> = {}) =>
  viewOf({ ...wired, pageTables: tables(fields) });
const withSlots = (kernelWord: number, recursiveWord = DIRECTORY * 4096 + PRESENT_WRITABLE) =>
  withTables({
    directory: [
      { slot: recursiveSlot(MACHINE), word: recursiveWord },
      { slot: KERNEL_SLOT, word: kernelWord },
    ],
  });

describe('INV-PMAP-RECURSIVE', () => {
  test('accepts a slot that names the directory, whatever A and D say', () => {
    accepts('INV-PMAP-RECURSIVE', withTables());
    accepts('INV-PMAP-RECURSIVE', withSlots(101 * 4096 + 3, DIRECTORY * 4096 + 0x063));
  });
  test('accepts a kernel without tables', () => accepts('INV-PMAP-RECURSIVE', viewOf(wired)));
  test('rejects another frame, a read-only and an empty slot', () => {
    rejects(
      'INV-PMAP-RECURSIVE',
      /the directory is physical frame 0x64/,
      withSlots(101 * 4096 + 3, 99 * 4096 + 3),
    );
    rejects('INV-PMAP-RECURSIVE', /slot/, withSlots(101 * 4096 + 3, DIRECTORY * 4096 + 1));
    rejects('INV-PMAP-RECURSIVE', /holds 0x0/, withTables({ directory: [] }));
  });
});

describe('INV-PMAP-PDEFRAME', () => {
  test('accepts static tables, and a kernel without tables', () => {
    accepts('INV-PMAP-PDEFRAME', withTables());
    accepts('INV-PMAP-PDEFRAME', viewOf(wired));
  });
  test('rejects a missing, a user and a managed table, and the directory itself', () => {
    rejects('INV-PMAP-PDEFRAME', /not a present, writable supervisor table/, withSlots(0));
    rejects('INV-PMAP-PDEFRAME', /not a present, writable supervisor table/, withSlots(101 * 4096 + 7));
    rejects('INV-PMAP-PDEFRAME', /names numbered frame 3/, withSlots((FIRST_MANAGED + 3) * 4096 + 3));
    rejects('INV-PMAP-PDEFRAME', /names the directory/, withSlots(DIRECTORY * 4096 + 3));
  });
  test('rejects a table that changed since boot', async ({ expect }) => {
    const { invariantById } = await import('../../properties/invariants/all.ts');
    const watch = invariantById('INV-PMAP-PDEFRAME')?.watch();
    expect([...(watch?.violations(withTables()) ?? [])]).toEqual([]);
    expect([...(watch?.violations(withSlots(102 * 4096 + 3)) ?? [])].join()).toMatch(
      /changed from 0x65003 to 0x66003/,
    );
  });
  test('rejects two slots that share a table', () => {
    const word = 101 * 4096 + 3;
    const directory = [KERNEL_SLOT, KERNEL_SLOT + 1].map((slot) => ({ slot, word }));
    const machine = { kernelMax: address(at(0) + 2 * PDE_SPAN) };
    rejects(
      'INV-PMAP-PDEFRAME',
      /share the page table/,
      viewOf({ machine, pageTables: tables({ directory }) }),
    );
  });
  test('rejects a slot that belongs to nobody', () =>
    rejects(
      'INV-PMAP-PDEFRAME',
      /slot 3 holds 0x67003 and belongs to nobody/,
      withTables({
        directory: [...tables().directory, { slot: 3, word: 103 * 4096 + 3 }],
      }),
    ));
});

describe('INV-PMAP-NOJUNK', () => {
  const word = (value: number) =>
    withTables({
      tables: [{ address: at(4), word: value }, tables().tables[1] ?? { address: at(5), word: 0 }],
    });
  test('accepts words that are the mappings, and a kernel without tables', () => {
    accepts('INV-PMAP-NOJUNK', withTables());
    accepts('INV-PMAP-NOJUNK', viewOf(wired));
  });
  test('accepts PG_N, A and D on a device frame', () =>
    accepts(
      'INV-PMAP-NOJUNK',
      viewOf({
        mappings: [mappingOf(1, 16, { accessed: true, dirty: true, writable: false, wired: false })],
        pageTables: tables({ tables: [{ address: at(1), word: (FIRST_MANAGED + 16) * 4096 + 0x079 }] }),
      }),
    ));
  test.each([
    ['without P', FIRST_MANAGED * 4096 + 0x202],
    ['with U', FIRST_MANAGED * 4096 + 0x207],
    ['with another frame', (FIRST_MANAGED + 1) * 4096 + 0x203],
    ['without W', FIRST_MANAGED * 4096 + 0x003],
    ['without R/W', FIRST_MANAGED * 4096 + 0x201],
    ['with PG_N on managed memory', FIRST_MANAGED * 4096 + 0x21b],
    ['with D that the mapping does not show', FIRST_MANAGED * 4096 + 0x243],
  ])('rejects a word %s', (_, value) => rejects('INV-PMAP-NOJUNK', /its mapping makes 0xc8203/, word(value)));
  test('rejects a word where nothing is mapped', () =>
    rejects(
      'INV-PMAP-NOJUNK',
      /is 0x40, nothing is mapped/,
      viewOf({ pageTables: tables({ tables: [{ address: at(9), word: 0x40 }] }) }),
    ));
  test('rejects a mapping without a word', () =>
    rejects('INV-PMAP-NOJUNK', /is 0 although/, withTables({ tables: [] })));
});
