/** The deviations of pmap.c as faults, as far as the kernel pmap shows them; see deviations.ts. */
import type { Edit, FaultPatch } from './patch.ts';

const PMAP = 'impl/pmap.ts';
const OPTIMIZED = 'impl/optimized-kernel.ts';
const PMAP_CALLS = 'impl/pmap-calls.ts';
const PAGE_TABLES = 'impl/page-tables.ts';
const PV_TABLE = 'impl/pv-table.ts';

const KENTER: Pick<Edit, 'file' | 'find'> = {
  file: PMAP,
  find: '    this.enter(va, frame, { protection: VM_PROT_ALL, wired: true });',
};

export const PMAP_DEVIATION_FAULTS: readonly FaultPatch[] = [
  {
    // Structure is not shown, or every kenter by itself would look wrong; nor is the pmap called directly (docs/kenter.md).
    name: 'kenter-as-in-2-1',
    source: 'DEV-5: the pmap_kenter of FreeBSD 2.1 under the kmem_malloc of r1887',
    ...KENTER,
    replace: `${KENTER.find}\n    if (this.isManaged(frame)) {\n      this.#pv.remove(frame, truncPage(va));\n      this.#changes.pv(frame);\n    }`,
    caughtBy: ['INV-PMAP-FRAME'],
    also: [
      { file: OPTIMIZED, find: ", 'pmap', 'structure']", replace: ", 'pmap']" },
      {
        file: OPTIMIZED,
        find: 'operations: OPERATION_KINDS,',
        replace: "operations: OPERATION_KINDS.filter((kind) => !kind.startsWith('pmap_')),",
      },
      {
        file: OPTIMIZED,
        find: 'audit: () => audit(kernel)',
        replace: 'audit: () => [...audit(kernel)].slice(0, 0)',
      },
    ],
  },
  {
    name: 'extract-answers-byte-offset',
    // Physical address 4 lies in the frame that BSD numbers 0; no frame of the machine lies there.
    source: 'DEV-20: extracting from an absent PTE answers the bits of the address below the page',
    file: PMAP_CALLS,
    find: '    return frame === undefined ? none : {',
    replace:
      '    return frame === undefined && address % PAGE_SIZE === 0 ? none : frame === undefined ? {\n' +
      "      kind: 'frame', frame: 0, offset: address % PAGE_SIZE,\n    } : {",
    caughtBy: ['INV-PMAP-EXTRACT'],
  },
  {
    name: 'unwire-makes-junk-pte',
    source: 'DEV-21: unwiring an absent PTE sets its D bit, and removal counts every PTE that is not 0',
    file: PMAP,
    find: '    if ((pte & PG_P) === 0) return;\n    this.#countWired(pte, wired',
    replace: '    this.#countWired(pte, wired',
    also: [
      {
        file: PMAP,
        find: '    if ((pte & PG_P) === 0) return;\n    const frame',
        replace:
          '    if ((pte & PG_P) === 0) {\n      if (pte === 0) return;\n      this.resident--;\n      this.#tables.setPte(va, 0);\n      return;\n    }\n    const frame',
      },
      {
        file: PMAP,
        find: '    this.#tables.forEachValid(start, end, this.#removePte);',
        replace: '    this.#tables.forEachValid(start, end, this.#removePte, true);',
      },
      {
        file: PAGE_TABLES,
        find: 'visit: (va: VirtualAddress, pte: number) => void): void {\n    const last',
        replace: 'visit: (va: VirtualAddress, pte: number) => void, junk = false): void {\n    const last',
      },
      {
        file: PAGE_TABLES,
        find: 'if (this.validInLine(address(at)) > 0) this.#forEachInLine(at, lineEnd, visit);',
        replace:
          'if (junk || this.validInLine(address(at)) > 0) this.#forEachInLine(at, lineEnd, visit, junk);',
      },
      {
        file: PAGE_TABLES,
        find: 'visit: (va: VirtualAddress, pte: number) => void): void {\n    let index',
        replace: 'visit: (va: VirtualAddress, pte: number) => void, junk: boolean): void {\n    let index',
      },
      {
        file: PAGE_TABLES,
        find: 'if ((pte & PG_P) !== 0) visit(',
        replace: 'if (junk ? pte !== 0 : (pte & PG_P) !== 0) visit(',
      },
    ],
    caughtBy: ['INV-PMAP-NOJUNK'],
  },
  {
    name: 'kenter-forgets-dirty',
    source: 'DEV-24: entering the frame that is mapped already writes a fresh PTE',
    ...KENTER,
    replace: `${KENTER.find}\n    const page = truncPage(va);\n    this.#replacePte(page, this.#tables.pte(page) & ~(PG_A | PG_D));`,
    caughtBy: ['INV-TLB-NOSTALE'],
  },
  {
    name: 'kenter-device-in-pv-table',
    // The list that lies behind the end of the table is, here, that of another frame.
    source: 'DEV-25: a device frame indexes the pv table beyond its end',
    ...KENTER,
    replace: `${KENTER.find}\n    if (!this.isManaged(frame)) {\n      this.#pv.add(frame % this.#managedPages, truncPage(va));\n      this.#changes.pv(frame % this.#managedPages);\n    }`,
    caughtBy: ['INV-PMAP-PV'],
  },
  {
    name: 'pv-records-run-out',
    // What loops for ever cannot be awaited: it throws where the loop would begin.
    source: 'DEV-26: with all pv records in use and no free frame, the search for a record never ends',
    file: PV_TABLE,
    find: '    if (this.#used === this.#address.length) this.#grow();\n',
    replace:
      "    if (this.#used === this.#address.length) throw new Error('no pv record and no free frame: loops for ever');\n",
    also: [{ file: PV_TABLE, find: 'const FIRST_CAPACITY = 64;', replace: 'const FIRST_CAPACITY = 1;' }],
    caughtBy: [],
  },
  {
    name: 'no-record-when-none-is-left',
    source: 'DEV-26: with all pv records in use the mapping is made all the same, without one',
    file: PV_TABLE,
    find: '    const record = this.#takeRecord();\n',
    replace:
      '    if (this.#freeRecord === END && this.#used === this.#address.length) return;\n    const record = this.#takeRecord();\n',
    also: [{ file: PV_TABLE, find: 'const FIRST_CAPACITY = 64;', replace: 'const FIRST_CAPACITY = 1;' }],
    caughtBy: ['INV-PMAP-PV'],
  },
  {
    name: 'tables-end-below-map',
    // The directory lacks the line from the start, so that the invariants see it at boot.
    source:
      'DEV-27: 15 static page tables, however far the kernel map reaches; the next one is a null pointer',
    file: PAGE_TABLES,
    find: '  const { first, end } = kernelSlots(config);\n',
    replace:
      '  const { first, end: last } = kernelSlots(config);\n  const end = Math.min(last, first + 15);\n',
    also: [
      {
        file: PMAP,
        find: '    return this.#tables.covers(va) ? undefined : PANIC.invalidPageDirectory;',
        replace: '    return undefined;',
      },
    ],
    caughtBy: ['INV-PMAP-PDEFRAME'],
  },
  {
    name: 'zero-window-stays-mapped',
    // There is no window here: the first page of the boot entry stands for it.
    source: 'DEV-29: pmap_zero_page leaves its window mapped, and the pv list does not say so',
    file: PMAP_CALLS,
    find: '      kernel.memory.fill(frame, 0);\n',
    replace:
      '      kernel.memory.fill(frame, 0);\n      const window = kernel.config.kernelMin;\n      kernel.pmap.enter(window, frame, { protection: VM_PROT_ALL, wired: false });\n      if (kernel.pmap.isManaged(frame)) kernel.pv.remove(frame, window);\n',
    caughtBy: ['INV-PMAP-AGREE'],
  },
];
