import { expect, test } from 'vitest';
import { address, bytes, frameNumber } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { indexSnapshot } from '../../properties/index-snapshot.ts';
import { pageTableLines, tlbLines } from '../../report/page-tables.ts';
import { pmapLines } from '../../report/state.ts';
import { SCRATCH } from '../deviations/example.ts';

const USER = address(0x0040_0000);
const OPERATIONS: readonly Operation[] = [
  { kind: 'pmap_create', name: 'u0', size: bytes(0) },
  { kind: 'pmap_enter', pmap: 'u0', address: USER, frame: frameNumber(0), protection: 3, wired: false },
  {
    kind: 'pmap_enter',
    pmap: 'u0',
    address: address(USER + 4096),
    frame: frameNumber(9),
    protection: 1,
    wired: true,
  },
  { kind: 'pmap_activate', pmap: 'u0' },
  { kind: 'cpu_write', mode: 'user', address: USER, bytes: [1] },
];

const boxed = (lines: readonly string[]): string => `\n${lines.join('\n')}\n`;

test('page tables of kernel and user pmaps by their words, and what the TLB holds', () => {
  const kernel = optimizedKernel.boot(SCRATCH);
  expect(boxed(tlbLines(kernel.tlb(), 0))).toBe('\nTLB: empty\n');
  OPERATIONS.forEach((operation, i) => {
    kernel.apply(operation, i + 1);
  });
  const tables = kernel.pageTables();
  expect(
    boxed([...pageTableLines(tables), ...tlbLines(kernel.tlb(), tables.firstManagedFrame)]),
  ).toMatchInlineSnapshot(`
    "
    page tables of pmap kernel, directory in boot frame 0x00000100
                address     word        names                  bits
      PDE 1016  0xfe000000  0x00101003  boot frame 0x00000101  P RW
        PTE     0xfe010000  0x00104203  frame 2                P RW W
    page tables of pmap u0, directory in frame 2
             address     word        names    bits
      PDE 1  0x00400000  0x00105027  frame 3  P RW U A
        PTE  0x00400000  0x00102067  frame 0  P RW U A D
        PTE  0x00401000  0x0010b21d  frame 9  P U N W
    TLB
      address     goes to  grants
      0x00400000  frame 0  rw, user, dirty
    "
  `);
});

test('mappings of user pmaps, and which one is current', () => {
  const kernel = referenceKernel.boot(SCRATCH);
  OPERATIONS.forEach((operation, i) => {
    kernel.apply(operation, i + 1);
  });
  expect(boxed(pmapLines(indexSnapshot(kernel.snapshot({ contents: false }))))).toMatchInlineSnapshot(`
    "
    pmap kernel: 1 reference, 1 resident, 1 wired
      address     frame  rights  wired  bits
      0xfe010000      2  rw      W      --
    pmap u0: 1 reference, 2 resident, 1 wired, 1 page table, current
      address     frame  rights  wired  bits
      0x00400000      0  rw      -      AD
      0x00401000      9  r-      W      --
    "
  `);
});
