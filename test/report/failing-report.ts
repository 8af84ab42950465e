/** A hand-made failing run: kmem_free forgets to unwire the second page. */
import { address, bytes } from '../../contract/address.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import { allocated, done, kern } from '../../contract/outcome.ts';
import type { LockstepReport } from '../../properties/verdict.ts';

export const machine: MachineConfig = {
  managedPages: 16,
  deviceFrames: 1,
  kernelMin: address(0xfe00_0000),
  kernelStart: address(0xfe00_2000),
  kernelMax: address(0xfe04_0000),
  mapEntries: 32,
  staticMaps: 4,
  kmemObjectSize: bytes(0x2_0000),
  freeMin: 0,
  freeTarget: 0,
  inactiveTarget: 0,
  reserved: [],
  scratchPages: 2,
  scratchWindow: null,
};

export const failingReport: LockstepReport = {
  scenario: {
    machine,
    operations: [
      { kind: 'kmem_alloc', map: 'kernel', size: bytes(8192) },
      {
        kind: 'vm_map_pageable',
        map: 'kernel',
        start: address(0xfe00_3000),
        end: address(0xfe00_4000),
        pageable: true,
      },
      { kind: 'kmem_free', map: 'kernel', address: address(0xfe00_2000), size: bytes(8192) },
      { kind: 'pagedaemon' },
    ],
  },
  failure: {
    property: 'INV-ACC-MODEL',
    sentence: 'The implementation and the reference model agree after every step.',
    side: 'candidate',
    number: 3,
    witnesses: ['2 differences'],
    differences: [
      { path: 'counters.wired', expected: '2', actual: '3' },
      {
        path: 'maps.kernel.entries[1]',
        expected: 'absent',
        actual: '[0xfe003000, 0xfe004000) kernel_object',
      },
    ],
  },
  expected: [
    { outcome: allocated(address(0xfe00_2000)) },
    { outcome: kern(0) },
    { outcome: done, woken: [1, 2] },
  ],
  actual: [{ outcome: allocated(address(0xfe00_2000)) }, { outcome: kern(0) }, { outcome: done }],
};
