/** Slips that user pmaps, their page tables and the TLB of this implementation invite. */
import type { FaultPatch } from './patch.ts';

const PMAP = 'impl/pmap.ts';
const TABLE_PAGES = 'impl/page-table-pages.ts';
const PINIT = 'impl/pmap-pinit.ts';
const CPU = 'impl/cpu.ts';
const REMOVE_RANGE = '    this.#tables.forEachValid(start, end, this.#removePte);';
const REMOVAL_FLUSH = '    this.#replacePte(va, 0);\n    this.#tlb.flush();';

export const INVITED_SPACES: readonly FaultPatch[] = [
  {
    name: 'protect-without-flush',
    source: 'tlbflush left out of pmap_protect',
    file: PMAP,
    find: 'this.#replacePte(va, pte & ~PG_RW));\n      this.#tlb.flush();',
    replace: 'this.#replacePte(va, pte & ~PG_RW));',
    caughtBy: ['INV-TLB-NOSTALE'],
  },
  {
    name: 'bits-cleared-without-flush',
    source: 'tlbflush left out of pmap_changebit: a translation marked dirty writes without setting D again',
    file: PMAP,
    find: 'pmap.#replacePte(va, pte & ~bits));\n    this.#tlb.flush();',
    replace: 'pmap.#replacePte(va, pte & ~bits));',
    caughtBy: ['INV-TLB-NOSTALE'],
  },
  {
    name: 'lower-rights-entered-without-flush',
    source: 'tlbflush left out of pmap_enter where the frame stays',
    file: PMAP,
    find: '      if (kept !== old) this.#tlb.flush();\n',
    replace: '',
    caughtBy: ['INV-TLB-NOSTALE'],
  },
  {
    name: 'switch-keeps-translations',
    source: 'CR3 loaded, and the TLB taken for tagged',
    file: 'impl/tlb.ts',
    find: '    this.directoryBase = directoryBase;\n    this.flush();',
    replace: '    this.directoryBase = directoryBase;',
    caughtBy: ['INV-TLB-NOSTALE'],
  },
  {
    name: 'table-freed-without-flush',
    source: 'PMAP-PT-2: the flush after the directory word goes, and with it that of the last removal',
    file: TABLE_PAGES,
    find: '    this.#tables.setPde(slot, 0);\n    tlb.flush();',
    replace: '    this.#tables.setPde(slot, 0);',
    also: [
      {
        file: PMAP,
        find: REMOVAL_FLUSH,
        replace:
          '    this.#replacePte(va, 0);\n    if (this.user === null || this.#tables.validInLine(va) > 0) this.#tlb.flush();',
      },
    ],
    caughtBy: ['INV-TLB-NOSTALE'],
  },
  {
    name: 'table-left-when-empty',
    source: 'PMAP-PT-2: pmap_remove gives no page table back',
    file: PMAP,
    find: `${REMOVE_RANGE}\n    this.#spaces.reclaim();`,
    replace: REMOVE_RANGE,
    caughtBy: ['INV-PMAP-PTRECLAIM'],
  },
  {
    name: 'table-not-wired',
    source: 'PMAP-PT-1: a page table that is not wired',
    file: TABLE_PAGES,
    find: '    pages.wire(page);\n',
    replace: '',
    also: [{ file: TABLE_PAGES, find: '    pages.unwire(page);\n', replace: '' }],
    caughtBy: ['INV-PAGE-OFFQ'],
  },
  {
    name: 'table-freed-wired',
    source: 'Q-24: a page table is freed with its wire count',
    file: TABLE_PAGES,
    find: '    pages.unwire(page);\n',
    replace: '',
    caughtBy: ['INV-PAGE-COUNTERS'],
  },
  {
    name: 'table-not-zeroed',
    source: 'PMAP-PT-1: a page table holds what its frame held',
    file: TABLE_PAGES,
    find: '    pages.zeroFill(page);\n',
    replace: '',
    caughtBy: ['INV-PMAP-STATS'],
  },
  {
    name: 'user-mappings-for-the-supervisor',
    source: 'U/S of user mappings left out of the PTE',
    file: PMAP,
    find: '    const owner = this.user === null ? 0 : PG_U;',
    replace: '    const owner = 0;',
    caughtBy: ['INV-PMAP-NOJUNK'],
  },
  {
    name: 'user-table-for-the-supervisor',
    source: 'U/S left out of the directory word of a user page table',
    file: TABLE_PAGES,
    find: 'export const USER_PDE = PG_P | PG_RW | PG_U;',
    replace: 'export const USER_PDE = PG_P | PG_RW | (PG_U & 0);',
    caughtBy: ['INV-PMAP-PDEFRAME'],
  },
  {
    name: 'self-map-of-the-kernel',
    source: 'PMAP-REC-1: the recursive slot is copied with the kernel slots',
    file: PINIT,
    find: '  tables.setPde(recursiveSlot(config), pteFor(memory.physical(frame), PG_P | PG_RW));',
    replace: '  tables.setPde(recursiveSlot(config), kernel.tables.pde(recursiveSlot(config)));',
    caughtBy: ['INV-PMAP-RECURSIVE'],
  },
  {
    name: 'user-mode-ignores-read-only',
    source: 'CPU-2: user writes ask for U/S alone, as supervisor writes do on a 386',
    file: CPU,
    find: 'write: PG_P | PG_U | PG_RW };',
    replace: 'write: PG_P | PG_U };',
    caughtBy: ['INV-CPU-USERDENY'],
  },
  {
    name: 'user-mode-reaches-the-kernel',
    source: 'CPU-2: U/S is not asked for at kernel addresses',
    file: CPU,
    find: '  const needed = rights[access];',
    replace: '  const needed = va >= kernel.config.kernelMin ? rights[access] & ~PG_U : rights[access];',
    caughtBy: ['INV-CPU-USERDENY'],
  },
  {
    name: 'cached-dirty-from-the-start',
    source: 'CPU-3: a translation cached by a read is taken for dirty, and its first write sets no D',
    file: CPU,
    find: '  tlb.insert(va, frame, granted | (touched & PG_D));',
    replace: '  tlb.insert(va, frame, granted | PG_D);',
    caughtBy: ['INV-TLB-NOSTALE'],
  },
  {
    name: 'release-leaks-the-directory',
    source: 'PMAP-REL-1: the page of the directory is not freed',
    file: PINIT,
    find: '  return kmemFree(kernel, kernelMap, user.directoryAddress, bytes(PAGE_SIZE));',
    replace: '  return kmemFree(kernel, kernelMap, user.directoryAddress, bytes(0));',
    caughtBy: ['INV-PMAP-LIFE'],
  },
  {
    name: 'destroy-releases-too-soon',
    source: 'PMAP-REF-1: the pmap goes with a reference left',
    file: PINIT,
    find: 'pmap.user !== null && pmap.references === 1',
    replace: 'pmap.user !== null && pmap.references <= 2',
    caughtBy: ['INV-PMAP-LIFE'],
  },
  {
    name: 'replaced-frame-keeps-its-dirt',
    source: 'PMAP-ENTER-4: A and D of the replaced frame go to the one that replaces it',
    file: PMAP,
    find: '    this.#replacePte(va, pte);\n  }\n\n  /**\n   * Clears',
    replace: '    this.#replacePte(va, (pte | (old & (PG_A | PG_D))) >>> 0);\n  }\n\n  /**\n   * Clears',
    caughtBy: ['INV-PMAP-EFFECT'],
  },
  {
    name: 'only-the-current-pmap-is-cleared',
    source: 'pmap_changebit walks the pv list and skips mappings of other address spaces',
    file: PMAP,
    find: 'this.#forEachMapping(frame, (pmap, va, pte) => pmap.#replacePte(va, pte & ~bits));',
    replace:
      'this.#forEachMapping(frame, (pmap, va, pte) => {\n      if (pmap.user === null || pmap.user.name === this.#spaces.current) pmap.#replacePte(va, pte & ~bits);\n    });',
    caughtBy: ['INV-PMAP-EFFECT'],
  },
];
