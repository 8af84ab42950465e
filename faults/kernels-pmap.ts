/** Faults of the i386 pmap and of the CPU that walks it. */
import type { FaultPatch } from './patch.ts';

const PMAP = 'impl/pmap.ts';

/** Faults of the i386 pmap and of the CPU that walks it. */
export const FAULTY_PMAPS: readonly FaultPatch[] = [
  {
    name: 'kenter-keeps-no-pv',
    source: 'DEV-5: the pmap_kenter of FreeBSD 2.1 writes only the PTE',
    file: PMAP,
    find: '    this.enter(va, frame, { protection: VM_PROT_ALL, wired: true });',
    replace:
      '    this.enter(va, frame, { protection: VM_PROT_ALL, wired: true });\n    if (this.isManaged(frame)) this.#pv.remove(frame, truncPage(va));',
    caughtBy: ['INV-PMAP-PV', 'INV-PMAP-FRAME', 'INV-PAGE-FREEBARE', 'INV-ACC-UNMAPPED'],
  },
  {
    name: 'kenter-not-counted-wired',
    source: 'PMAP-10, DEV-7, FreeBSD 1.x 6f604817: kenter raises resident but not wired',
    file: PMAP,
    find: '    this.enter(va, frame, { protection: VM_PROT_ALL, wired: true });',
    replace: '    this.enter(va, frame, { protection: VM_PROT_ALL, wired: true });\n    this.wired--;',
    caughtBy: ['INV-PMAP-STATS', 'INV-PMAP-STATSNN'],
  },
  {
    name: 'pv-entry-outlives-pte',
    source: 'PMAP-11, GNU Mach 0744feb6: removing a kernel mapping leaves its pv record',
    file: PMAP,
    find: '    this.#pv.remove(frame, this.#places + va);\n    this.#changes.pv(frame);\n  };',
    replace: '    this.#changes.pv(frame);\n  };',
    caughtBy: ['INV-PMAP-PV', 'INV-PAGE-FREEBARE'],
  },
  {
    name: 'protect-keeps-write',
    source: 'PMAP-08, FreeBSD 1.x 33900c6e: lowering protection leaves the write bit',
    file: PMAP,
    find: '      this.#tables.forEachValid(start, end, (va, pte) => this.#replacePte(va, pte & ~PG_RW));\n',
    replace: '      this.#tables.forEachValid(start, end, (va, pte) => this.#replacePte(va, pte));\n',
    caughtBy: ['INV-PMAP-RIGHTS'],
  },
  {
    name: 'enter-without-read',
    source: 'DEV-19: a mapping without READ is present and readable',
    file: PMAP,
    find: '    if (permits(protection, VM_PROT_READ)) {\n      const rights',
    replace: '    if (permits(protection, 0)) {\n      const rights',
    caughtBy: ['INV-PMAP-EFFECT', 'INV-PMAP-NONE'],
  },
  {
    name: 'range-removal-stops-at-table',
    source: 'GNU Mach 160f9286: the end of a range is clamped to its first 4 MiB line',
    file: 'impl/page-tables.ts',
    find: '      at = lineEnd;\n',
    replace: '      at = last;\n',
    caughtBy: [
      'INV-PMAP-COVERED',
      'INV-ACC-UNMAPPED',
      'INV-PMAP-RIGHTS',
      'INV-PMAP-PV',
      'INV-PMAP-STATS',
      'INV-AUDIT',
      'INV-PMAP-FRAME',
    ],
  },
  {
    name: 'write-needs-no-read',
    source: 'DEV-19: a checked write asks for WRITE alone',
    file: 'impl/access.ts',
    find: "const type = wanted.access === 'read' ? VM_PROT_READ : READ_WRITE;",
    replace: "const type = wanted.access === 'read' ? VM_PROT_READ : VM_PROT_WRITE;",
    caughtBy: [],
  },
  {
    name: 'mappings-counted-in-8-bits',
    source:
      'page-tables: the count of mappings in a 4 MiB line wraps, and a full line is taken for an empty one',
    file: 'impl/page-tables.ts',
    find: 'this.#valid = new Uint16Array(end - first);',
    replace: 'this.#valid = new Uint8Array(end - first);',
    caughtBy: ['INV-AUDIT'],
  },
];
