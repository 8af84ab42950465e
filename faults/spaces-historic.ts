/** Bugs of user pmaps, their page tables and the TLB that kernels really had, 1994 among them. */
import type { FaultPatch } from './patch.ts';

const PMAP = 'impl/pmap.ts';
const TABLES = 'impl/page-tables.ts';
const TABLE_PAGES = 'impl/page-table-pages.ts';
const PINIT = 'impl/pmap-pinit.ts';
const REMOVAL_FLUSH = '    this.#replacePte(va, 0);\n    this.#tlb.flush();';
const REMOVE_RANGE = '    this.#tables.forEachValid(start, end, this.#removePte);';
const ROUND_UP = 'const lineEnd = Math.min(last, (Math.floor(at / PDE_SPAN) + 1) * PDE_SPAN);';
const COPY_SLOTS = 'for (const slot of kernel.tables.slots()) tables.setPde(slot, kernel.tables.pde(slot));';
const EMPTIED =
  '    if (this.user !== null && this.#tables.validInLine(va) === 0)\n      this.#spaces.noteEmptied(this, va >>> SLOT_SHIFT);\n';

export const HISTORIC_SPACES: readonly FaultPatch[] = [
  {
    name: 'line-table-kept-across-lines',
    source: 'PMAP-02, GNU Mach 7913f633: a page table is fetched once for a range of several lines',
    file: TABLES,
    find: ROUND_UP,
    replace: 'const lineEnd = last;',
    caughtBy: ['INV-PMAP-EFFECT', 'INV-PMAP-STATS'],
  },
  {
    name: 'next-line-wraps',
    source:
      'PMAP-03, GNU Mach 160f9286: the line behind the last one begins at 0, and nothing lies before that',
    file: PMAP,
    find: REMOVE_RANGE,
    replace: REMOVE_RANGE.replace('this', 'if (start < 0xffc0_0000) this'),
    caughtBy: ['INV-PMAP-EFFECT'],
  },
  {
    name: 'removal-flushes-for-managed-frames',
    source: 'PMAP-05, FreeBSD 1.x f38be1fb: removing device frames leaves their translations cached',
    file: PMAP,
    find: REMOVAL_FLUSH,
    replace: '    this.#replacePte(va, 0);\n    if (this.isManaged(frame)) this.#tlb.flush();',
    caughtBy: ['INV-TLB-NOSTALE'],
  },
  {
    name: 'device-frames-keep-their-table',
    source: 'PMAP-07, DEV-22: removing a device frame does not lower the hold count of its page table',
    file: PMAP,
    find: EMPTIED,
    replace: EMPTIED.replace('this.user !== null &&', 'this.user !== null && this.isManaged(frame) &&'),
    caughtBy: ['INV-PMAP-PTRECLAIM'],
  },
  {
    name: 'hold-count-of-device-frames',
    source: 'PMAP-07: the same in user pmaps, the count itself staying too high',
    file: TABLES,
    find: '    const change = (pte & PG_P) - (this.#memory.word(index) & PG_P);',
    replace:
      '    const old = this.#memory.word(index);\n    const change = this.#firstSlot === 0 && pte === 0 && (old & 0x018) !== 0 ? 0 : (pte & PG_P) - (old & PG_P);',
    caughtBy: ['INV-PMAP-PTHOLD'],
  },
  {
    name: 'protect-writable-for-users',
    source: 'PMAP-08, FreeBSD 1.x 33900c6e: below a limit pmap_protect sets the write bit',
    file: PMAP,
    find: '(va, pte) => this.#replacePte(va, pte & ~PG_RW));',
    replace: '(va, pte) => this.#replacePte(va, this.user === null ? pte & ~PG_RW : pte | PG_RW));',
    caughtBy: ['INV-PMAP-EFFECT'],
  },
  {
    name: 'user-pv-records-outlive-ptes',
    source: 'PMAP-11, OBJ-04, GNU Mach 6d422d55: pv records name mappings of a pmap that is gone',
    file: PMAP,
    find: '    this.#pv.remove(frame, this.#places + va);\n    this.#changes.pv(frame);\n  };',
    replace:
      '    if (this.user === null) this.#pv.remove(frame, this.#places + va);\n    this.#changes.pv(frame);\n  };',
    caughtBy: ['INV-PMAP-PV'],
  },
  {
    name: 'neighbouring-table-freed',
    source: 'PMAP-12, GNU Mach 87cf6842: an inclusive bound frees the table next to the one that is empty',
    file: 'impl/spaces.ts',
    find: 'for (const { pmap, slot } of this.#emptied) pmap.user?.pageTablePages.reclaim(slot);',
    replace:
      'for (const { pmap, slot } of this.#emptied)\n      for (const one of [slot, slot + 1]) pmap.user?.pageTablePages.reclaim(one);',
    also: [
      {
        file: TABLE_PAGES,
        find: '    if ((pde & PG_P) === 0 || this.#tables.validInSlot(slot) > 0) return;',
        replace: '    if ((pde & PG_P) === 0) return;',
      },
    ],
    caughtBy: ['INV-PMAP-STATS'],
  },
  {
    name: 'removal-stops-at-no-residents',
    source:
      'PMAP-14, FreeBSD 78d3e2f45: one way in is not counted resident, and removal ends where the count is 0',
    file: PMAP,
    find: '    this.resident++;\n',
    replace: '    if ((bits & PG_W) === 0) this.resident++;\n',
    also: [
      {
        file: PMAP,
        find: REMOVE_RANGE,
        replace:
          '    this.#tables.forEachValid(start, end, (va, pte) => {\n      if (this.resident > 0) this.#removePte(va, pte);\n    });',
      },
    ],
    caughtBy: ['INV-PMAP-STATS'],
  },
  {
    name: 'directory-misses-empty-lines',
    source:
      'PMAP-16, FreeBSD PR kern/12378: kernel lines that come into use later are not in every directory',
    file: PINIT,
    find: COPY_SLOTS,
    replace: COPY_SLOTS.replace(
      ') tables.setPde',
      ')\n    if (kernel.tables.validInSlot(slot) > 0) tables.setPde',
    ),
    caughtBy: ['INV-PMAP-KSYNC'],
  },
  {
    name: 'self-map-open-to-users',
    source: 'PMAP-17, FreeBSD 1.x 91feabc0: the recursive slot of a directory carries the user bit',
    file: PINIT,
    find: 'pteFor(memory.physical(frame), PG_P | PG_RW)',
    replace: 'pteFor(memory.physical(frame), PG_P | PG_RW | 0x004)',
    caughtBy: ['INV-PMAP-RECURSIVE'],
  },
  {
    name: 'kernel-pages-open-to-users',
    source: 'PMAP-17: mappings of kernel addresses carry the user bit, at both levels',
    file: PMAP,
    find: '    const owner = this.user === null ? 0 : PG_U;',
    replace: '    const owner = PG_U;',
    also: [
      {
        file: TABLES,
        find: '    tables.setPde(slot, pteFor(table, PG_P | PG_RW));',
        replace: '    tables.setPde(slot, pteFor(table, PG_P | PG_RW | 0x004));',
      },
    ],
    caughtBy: ['INV-TLB-NOSTALE'],
  },
  {
    name: 'removal-by-page-keeps-wired',
    source: 'PMAP-18, GNU Mach 1aa4ed6a: taking a wired mapping away by its page leaves it counted wired',
    file: PMAP,
    find: '(pmap, va, pte) => pmap.#removePte(va, pte));',
    replace: '(pmap, va, pte) => pmap.#removePte(va, (pte & ~PG_W) >>> 0));',
    caughtBy: ['INV-PMAP-STATS'],
  },
  {
    name: 'clears-modify-of-another-frame',
    source: 'PMAP-20, CSRG hp300 pmap.c 8.6: the argument is taken for another page than it names',
    file: PMAP,
    find: '    if (this.isManaged(frame)) this.#clearEverywhere(frame, PG_D);',
    replace:
      '    if (this.isManaged(frame)) this.#clearEverywhere(((frame + 1) % this.#managedPages) as FrameNumber, PG_D);',
    caughtBy: ['INV-PMAP-EFFECT'],
  },
  {
    name: 'removal-leaves-flush-to-update',
    source: 'PMAP-21, Linux eb66ae0308: the page is free before its old translation is flushed',
    file: PMAP,
    find: REMOVAL_FLUSH,
    replace: '    this.#replacePte(va, 0);',
    caughtBy: ['INV-TLB-NOSTALE'],
  },
  {
    // Alone it changes nothing: here every removal flushes.
    name: 'nowait-without-update',
    source:
      'PMAP-23: kmem_malloc without its pmap_update, over a removal of wired mappings that does not flush',
    file: 'impl/vm-kern.ts',
    find: 'if (page !== undefined) pmap.kenter(advance(start, at), page);',
    replace: 'if (page !== undefined) pmap.kenter(advance(start, at), page);\n    // No pmap_update.',
    also: [
      {
        file: PMAP,
        find: REMOVAL_FLUSH,
        replace: '    this.#replacePte(va, 0);\n    if ((pte & PG_W) === 0) this.#tlb.flush();',
      },
    ],
    caughtBy: ['INV-TLB-NOSTALE'],
  },
  {
    name: 'no-table-for-the-last-line',
    source: 'KERN-10, FreeBSD 2.1 pmap_growkernel: the last 4 MiB of the address space get no page table',
    file: TABLES,
    find: '  const { first, end } = kernelSlots(config);',
    replace: '  const { first, end: slots } = kernelSlots(config);\n  const end = Math.min(slots, 1023);',
    caughtBy: ['INV-ACC-PANICTEXT'],
  },
  {
    name: 'tables-at-one-offset',
    source: 'OBJ-07, FreeBSD 2.1 pmap_growkernel: page tables are entered in their object at a fixed offset',
    file: TABLE_PAGES,
    find: 'objectOffset(slot * PAGE_SIZE)',
    replace: 'objectOffset((slot % 2) * PAGE_SIZE)',
    caughtBy: ['INV-PMAP-PDEFRAME', 'INV-OBJ-RESIDENT'],
  },
  {
    name: 'replaced-mapping-in-a-freed-table',
    source: 'DEV-23: replacing the only mapping frees its page table and writes through the stale pointer',
    file: PMAP,
    find: '    this.#removePte(va, old);\n    if (managed) {',
    replace:
      '    const table = this.#tables.indexOf(va);\n    this.#removePte(va, old);\n    this.#spaces.reclaim();\n    if (managed) {',
    also: [
      {
        file: PMAP,
        find: '    this.#countWired(0, bits);\n    this.#replacePte(va, pte);',
        replace:
          '    this.#countWired(0, bits);\n    if (this.user !== null && (this.#tables.pde(va >>> SLOT_SHIFT) & PG_P) === 0) {\n      this.#memory.setWord(table, pte);\n      this.#changes.part(this.part);\n    } else this.#replacePte(va, pte);',
      },
    ],
    caughtBy: ['INV-PMAP-STATS'],
  },
  {
    name: 'directory-without-room',
    source: 'DEV-28: that kmem_alloc found no room for the directory goes unnoticed',
    file: PINIT,
    find: "  if ('kind' in directory) return answers.noRoom;",
    replace: "  if ('kind' in directory) return answers.created;",
    caughtBy: ['INV-PMAP-LIFE'],
  },
  {
    name: 'alternate-slot-outlives-directory',
    source: 'DEV-30: slot 1023 goes on naming the directory of a pmap that is gone',
    file: PMAP,
    find: '    this.user?.pageTablePages.provide(va);\n',
    replace:
      '    this.user?.pageTablePages.provide(va);\n    if (this.user !== null && this.user.name !== this.#spaces.current)\n      (this.#spaces.live.get(this.#spaces.current) ?? this.#spaces.pmapAt(0)).#tables.setPde(1023, pteFor(this.#tables.directory, PG_P | PG_RW));\n',
    caughtBy: ['INV-PMAP-PDEFRAME'],
  },
];
