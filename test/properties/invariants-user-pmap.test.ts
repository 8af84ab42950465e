/** Each claim about user pmaps and cached translations, seen to hold and seen to fail. */
import { describe, test } from 'vitest';
import { address, bytes, frameNumber, objectOffset, PDE_SPAN } from '../../contract/address.ts';
import { recursiveSlot } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';
import { done, type Outcome } from '../../contract/outcome.ts';
import type {
  MappingSnapshot,
  PageTableSnapshot,
  TlbEntrySnapshot,
  UserPmapSnapshot,
  UserTableSnapshot,
} from '../../contract/pmap.ts';
import { at, MACHINE, mappingOf, objectOf, pageOf, viewOf } from './fixture-view.ts';
import { accepts, rejects } from './judge.ts';

const FIRST_MANAGED = 200;
const DIRECTORY = 100;
const OWN_DIRECTORY = FIRST_MANAGED + 2;
/** Slot 1: one page table in frame 3, which maps two pages. */
const PAGE = PDE_SPAN;
const KERNEL_SLOT = at(0) / PDE_SPAN;
const TABLE = (FIRST_MANAGED + 3) * 4096 + 7;

const mapping = (page: number, frame: number, fields: Partial<MappingSnapshot> = {}): MappingSnapshot => ({
  ...mappingOf(0, frame),
  address: address(PAGE + page * 4096),
  wired: false,
  ...fields,
});
const pmapOf = (fields: Partial<UserPmapSnapshot> = {}): UserPmapSnapshot => ({
  name: 'u0',
  references: 1,
  resident: 2,
  wired: 0,
  tables: 1,
  mappings: [mapping(0, 0), mapping(1, 1)],
  ...fields,
});
const wordOf = (frame: number, bits = 7): number => (FIRST_MANAGED + frame) * 4096 + bits;
const rawOf = (fields: Partial<UserTableSnapshot> = {}): UserTableSnapshot => ({
  pmap: 'u0',
  directoryFrame: OWN_DIRECTORY,
  directory: [
    { slot: 1, word: TABLE },
    { slot: recursiveSlot(MACHINE), word: OWN_DIRECTORY * 4096 + 3 },
    { slot: KERNEL_SLOT, word: 101 * 4096 + 3 },
  ],
  tables: [
    { address: address(PAGE), word: wordOf(0) },
    { address: address(PAGE + 4096), word: wordOf(1) },
  ],
  holds: [{ slot: 1, hold: 2 }],
  records: [
    { address: address(PAGE), frame: frameNumber(0) },
    { address: address(PAGE + 4096), frame: frameNumber(1) },
  ],
  ...fields,
});
const tablesOf = (raw: UserTableSnapshot): PageTableSnapshot => ({
  directoryFrame: DIRECTORY,
  firstManagedFrame: FIRST_MANAGED,
  directory: [
    { slot: recursiveSlot(MACHINE), word: DIRECTORY * 4096 + 3 },
    { slot: KERNEL_SLOT, word: 101 * 4096 + 3 },
  ],
  tables: [],
  spaces: [raw],
});
interface Fields {
  readonly pmap?: Partial<UserPmapSnapshot>;
  readonly raw?: Partial<UserTableSnapshot>;
  readonly tlb?: readonly TlbEntrySnapshot[];
  readonly operation?: Operation;
  readonly outcome?: Outcome;
  readonly free?: readonly number[];
}
const pte = {
  ...objectOf('pte:u0', [{ ...pageOf(0, 3), offset: objectOffset(4096) }]),
  size: bytes(0x40_0000),
};
const view = ({ pmap, raw, tlb, operation, outcome, free }: Fields = {}) =>
  viewOf({
    objects: [objectOf('kernel', [pageOf(4, 0), pageOf(5, 1), pageOf(6, 2)]), objectOf('kmem'), pte],
    spaces: { current: 'u0', pmaps: [pmapOf(pmap)] },
    pageTables: tablesOf(rawOf(raw)),
    ...(tlb && { tlb }),
    ...(operation && { operation }),
    ...(outcome && { outcome }),
    ...(free && { queues: { free } }),
  });
const word = (slot: number, value: number) => ({
  directory: [...rawOf().directory.filter((one) => one.slot !== slot), { slot, word: value }],
});

const twoRecords = rawOf().records;

describe('INV-PMAP-PTHOLD', () => {
  test('accepts tables in order', () => accepts('INV-PMAP-PTHOLD', view()));
  test.each<[string, Fields, RegExp]>([
    [
      'a count that is too high',
      { raw: { holds: [{ slot: 1, hold: 3 }] } },
      /slot 1 is held 3 times by 2 words/,
    ],
    ['a count that is not kept', { raw: { holds: [] } }, /slot 1 has 2 valid words and no hold count/],
  ])('rejects %s', (_, fields, reason) => rejects('INV-PMAP-PTHOLD', reason, view(fields)));
});

describe('INV-PMAP-PTRECLAIM', () => {
  test('accepts tables in order', () => accepts('INV-PMAP-PTRECLAIM', view()));
  test.each<[string, Fields, RegExp]>([
    [
      'a table without mappings',
      { pmap: { mappings: [], resident: 0 } },
      /slot 1 has a page table that maps nothing/,
    ],
    [
      'mappings without a table',
      { raw: { directory: rawOf().directory.slice(1) } },
      /slot 1 has mappings and no page table/,
    ],
    ['a wrong pm_ptpages', { pmap: { tables: 2 } }, /pm_ptpages is 2 of 1/],
  ])('rejects %s', (_, fields, reason) => rejects('INV-PMAP-PTRECLAIM', reason, view(fields)));
});

describe('INV-PMAP-PDEFRAME', () => {
  test('accepts tables in order', () => accepts('INV-PMAP-PDEFRAME', view()));
  test.each<[string, Fields, RegExp]>([
    [
      'a slot that user code cannot use',
      { raw: word(1, TABLE - 4) },
      /is not a present, writable user table/,
    ],
    ['a slot with another frame', { raw: word(1, wordOf(4)) }, /its page is frame 3/],
    ['a slot without a page', { raw: word(2, TABLE) }, /names no page of pte:u0/],
  ])('rejects %s', (_, fields, reason) => rejects('INV-PMAP-PDEFRAME', reason, view(fields)));
});

describe('INV-PMAP-RECURSIVE', () => {
  test('accepts tables in order', () => accepts('INV-PMAP-RECURSIVE', view()));
  test.each<[string, Fields, RegExp]>([
    [
      "the kernel's directory",
      { raw: word(recursiveSlot(MACHINE), DIRECTORY * 4096 + 3) },
      /the directory is physical frame 0x/,
    ],
    [
      'a slot that is open to user code',
      { raw: word(recursiveSlot(MACHINE), OWN_DIRECTORY * 4096 + 7) },
      /the directory is physical frame/,
    ],
  ])('rejects %s', (_, fields, reason) => rejects('INV-PMAP-RECURSIVE', reason, view(fields)));
});

describe('INV-PMAP-KSYNC', () => {
  test('accepts tables in order', () => accepts('INV-PMAP-KSYNC', view()));
  test.each<[string, Fields, RegExp]>([
    ['another kernel slot', { raw: word(KERNEL_SLOT, 102 * 4096 + 3) }, /in the kernel's directory 0x/],
  ])('rejects %s', (_, fields, reason) => rejects('INV-PMAP-KSYNC', reason, view(fields)));
});

describe('INV-PMAP-ALT', () => {
  test('accepts tables in order', () => accepts('INV-PMAP-ALT', view()));
  test.each<[string, Fields, RegExp]>([
    [
      'a directory that is gone',
      { raw: word(1023, 999 * 4096 + 3) },
      /slot 1023 holds .*, which is no live directory/,
    ],
  ])('rejects %s', (_, fields, reason) => rejects('INV-PMAP-ALT', reason, view(fields)));
});

describe('INV-PMAP-NOJUNK', () => {
  test('accepts tables in order', () => accepts('INV-PMAP-NOJUNK', view()));
  test.each<[string, Fields, RegExp]>([
    [
      'a word without the user bit',
      { raw: { tables: [{ address: address(PAGE), word: wordOf(0, 3) }] } },
      /its mapping makes/,
    ],
  ])('rejects %s', (_, fields, reason) => rejects('INV-PMAP-NOJUNK', reason, view(fields)));
});

describe('INV-PMAP-PV', () => {
  test('accepts tables in order', () => accepts('INV-PMAP-PV', view()));
  test.each<[string, Fields, RegExp]>([
    [
      'a mapping without a record',
      { raw: { records: twoRecords.slice(1) } },
      /frame 0 at 0x400000 is mapped and not recorded/,
    ],
    [
      'a record without a mapping',
      { pmap: { mappings: [mapping(0, 0)], resident: 1 } },
      /frame 1 at 0x401000 is recorded and not mapped/,
    ],
    [
      'a record that stands twice',
      { raw: { records: [...twoRecords, ...twoRecords.slice(1)] } },
      /recorded twice/,
    ],
  ])('rejects %s', (_, fields, reason) => rejects('INV-PMAP-PV', reason, view(fields)));
});

describe('INV-PMAP-STATS', () => {
  test('accepts tables in order', () => accepts('INV-PMAP-STATS', view()));
  test.each<[string, Fields, RegExp]>([
    ['a count that is too high', { pmap: { resident: 3 } }, /resident is 3 of 2 mappings/],
    ['a wired count that is too high', { pmap: { wired: 1 } }, /wired 1 of 0/],
  ])('rejects %s', (_, fields, reason) => rejects('INV-PMAP-STATS', reason, view(fields)));
});

describe('INV-PMAP-STATSNN', () => {
  test('accepts tables in order', () => accepts('INV-PMAP-STATSNN', view()));
  test.each<[string, Fields, RegExp]>([['a negative count', { pmap: { wired: -1 } }, /wired -1/]])(
    'rejects %s',
    (_, fields, reason) => rejects('INV-PMAP-STATSNN', reason, view(fields)),
  );
});

describe('INV-PMAP-COUNT', () => {
  test('accepts tables in order', () => accepts('INV-PMAP-COUNT', view()));
  test.each<[string, Fields, RegExp]>([
    ['a reference that nobody took', { pmap: { references: 2 } }, /pmap u0: pm_count is 2, callers hold 1/],
  ])('rejects %s', (_, fields, reason) => rejects('INV-PMAP-COUNT', reason, view(fields)));
});

describe('INV-PMAP-COUNT', () => {
  test('counts the references that callers take', () => {
    const operation: Operation = { kind: 'pmap_reference', pmap: 'u0' };
    accepts('INV-PMAP-COUNT', view(), view({ operation, outcome: done, pmap: { references: 2 } }));
    rejects('INV-PMAP-COUNT', /pm_count is 1, callers hold 2/, view(), view({ operation, outcome: done }));
  });
});

describe('INV-PMAP-EXTRACT', () => {
  test('looks at the pmap that is asked', () => {
    const operation: Operation = { kind: 'pmap_extract', pmap: 'u0', address: address(PAGE + 5) };
    accepts(
      'INV-PMAP-EXTRACT',
      view({ operation, outcome: { kind: 'frame', frame: frameNumber(0), offset: 5 } }),
    );
    rejects(
      'INV-PMAP-EXTRACT',
      /answered nothing, mapped is frame 0 offset 5/,
      view({ operation, outcome: { kind: 'none' } }),
    );
  });
});

describe('INV-PMAP-ADKEEP', () => {
  const operation: Operation = {
    kind: 'pmap_enter',
    ...{ pmap: 'u0', address: address(PAGE), frame: frameNumber(0), protection: 1, wired: false },
  };
  const used = {
    current: 'u0',
    pmaps: [pmapOf({ mappings: [mapping(0, 0, { accessed: true, dirty: true })], resident: 1 })],
  };
  const fresh = { current: 'u0', pmaps: [pmapOf({ mappings: [mapping(0, 0)], resident: 1 })] };
  const moved = { current: 'u0', pmaps: [pmapOf({ mappings: [mapping(0, 1)], resident: 1 })] };
  test('accepts marks that stay, and fresh ones of another frame', () => {
    accepts('INV-PMAP-ADKEEP', viewOf({ spaces: used, before: { spaces: used }, operation, outcome: done }));
    accepts('INV-PMAP-ADKEEP', viewOf({ spaces: moved, before: { spaces: used }, operation, outcome: done }));
  });
  test('rejects marks that are lost', () =>
    rejects(
      'INV-PMAP-ADKEEP',
      /0x400000 has lost its accessed mark\n0x400000 has lost its dirty mark/,
      viewOf({ spaces: fresh, before: { spaces: used }, operation, outcome: done }),
    ));
});

describe('INV-PMAP-WINDOW', () => {
  const operation: Operation = { kind: 'pmap_zero_page', frame: frameNumber(0) };
  test('accepts a page zeroed behind the mappings', () =>
    accepts('INV-PMAP-WINDOW', viewOf({ operation, outcome: done, touched: [] })));
  test('rejects a mapping that stays behind', () =>
    rejects(
      'INV-PMAP-WINDOW',
      /the mapping at 0xfe004000 has changed/,
      viewOf({ operation, outcome: done, mappings: [mappingOf(4, 0)], touched: [`mapping:${at(4)}`] }),
    ));
});

const entry = (fields: Partial<TlbEntrySnapshot> = {}): readonly TlbEntrySnapshot[] => [
  { address: address(PAGE), frame: FIRST_MANAGED, user: true, writable: true, dirty: false, ...fields },
];

describe('INV-TLB-NOSTALE', () => {
  const id = 'INV-TLB-NOSTALE';
  test('accepts what the tables grant, and a kernel without a TLB', () => {
    accepts(id, view({ tlb: entry() }));
    accepts(id, view());
    accepts(id, view({ tlb: entry({ writable: false }) }));
  });
  test.each<[string, Fields, RegExp]>([
    ['another frame', { tlb: entry({ frame: FIRST_MANAGED + 1 }) }, /not to frame 0/],
    [
      'a mapping that is gone',
      { tlb: entry({ address: address(2 * PAGE) }) },
      /nothing is mapped there any more/,
    ],
    [
      'a right that was taken',
      { tlb: entry(), pmap: { mappings: [mapping(0, 0, { writable: false })] } },
      /is writable, the mapping is not/,
    ],
    ['a dirty mark of its own', { tlb: entry({ dirty: true }) }, /is marked dirty, the mapping is not/],
  ])('rejects %s', (_, fields, reason) => rejects(id, reason, view(fields)));
  test('rejects kernel memory that is open to user code', () =>
    rejects(
      id,
      /is open to user code/,
      viewOf({
        mappings: [mappingOf(4, 0)],
        pageTables: tablesOf(rawOf()),
        tlb: entry({ address: at(4) }),
      }),
    ));
});

describe('INV-TLB-PRESENTONLY', () => {
  test('rejects what is not present', () => {
    accepts('INV-TLB-PRESENTONLY', view({ tlb: entry() }));
    rejects(
      'INV-TLB-PRESENTONLY',
      /is cached and not present/,
      view({ tlb: entry({ address: address(2 * PAGE) }) }),
    );
  });
});

describe('INV-TLB-FREEFRAME', () => {
  test('rejects a free frame', () => {
    accepts('INV-TLB-FREEFRAME', view({ tlb: entry() }));
    rejects(
      'INV-TLB-FREEFRAME',
      /goes to the free frame 9/,
      view({ tlb: entry({ frame: FIRST_MANAGED + 9 }), free: [8, 9] }),
    );
  });
});

describe('INV-CPU-USERDENY', () => {
  const read = (where: number): Operation => ({
    kind: 'cpu_read',
    mode: 'user',
    address: address(where),
    length: 2,
  });
  const write: Operation = { kind: 'cpu_write', mode: 'user', address: address(PAGE), bytes: [1] };
  const answer: Outcome = { kind: 'bytes', bytes: [1, 2] };
  test('accepts mapped pages', () => {
    accepts('INV-CPU-USERDENY', view({ operation: read(PAGE + 4095), outcome: answer }));
    accepts('INV-CPU-USERDENY', view({ operation: write, outcome: done }));
    accepts(
      'INV-CPU-USERDENY',
      view({ operation: read(at(4)), outcome: { kind: 'trap', code: 2, address: at(4) } }),
    );
  });
  test('rejects others', () => {
    rejects(
      'INV-CPU-USERDENY',
      /0x402000 is no page of the current user pmap/,
      view({ operation: read(PAGE + 8191), outcome: answer }),
    );
    rejects('INV-CPU-USERDENY', /0xfe004000 is no page/, view({ operation: read(at(4)), outcome: answer }));
    rejects(
      'INV-CPU-USERDENY',
      /0x400000 is read-only, and was written/,
      view({ operation: write, outcome: done, pmap: { mappings: [mapping(0, 0, { writable: false })] } }),
    );
  });
});

describe('INV-PAGE-DIRTY', () => {
  test('rejects a written page that is clean', () => {
    const operation: Operation = { kind: 'cpu_write', address: address(PAGE), bytes: [1] };
    const dirty = { mappings: [mapping(0, 0, { dirty: true })] };
    accepts('INV-PAGE-DIRTY', view({ operation, outcome: done, pmap: dirty }));
    rejects('INV-PAGE-DIRTY', /0x400000 was written and is clean/, view({ operation, outcome: done }));
  });
});

describe('INV-PMAP-SELFMAP', () => {
  const audit = [{ invariant: 'INV-PMAP-SELFMAP', witness: 'the window shows 0x0 for 0x400000' }];
  test('accepts a silent audit', () => accepts('INV-PMAP-SELFMAP', viewOf()));
  test('rejects what the audit reports', () =>
    rejects('INV-PMAP-SELFMAP', /the window shows/, viewOf({ audit })));
});
