/** Deviations of pmap.c that it takes a user pmap to show. */
import { address, byteDistance, bytes, frameNumber, PAGE_SIZE } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { VM_PROT_READ, VM_PROT_WRITE } from '../../contract/protection.ts';
import { type Example, last, type Run, SCRATCH } from './example.ts';

const FRAME = frameNumber(0);
const OTHER_FRAME = frameNumber(1);
const DEVICE = frameNumber(SCRATCH.managedPages);
const USER_PAGE = address(0x40_0000);
const ALTERNATE_SLOT = 1023;

const pinit: Operation = { kind: 'pmap_pinit', name: 'u0' };
const enter = (frame: typeof FRAME): Operation => ({
  kind: 'pmap_enter',
  pmap: 'u0',
  address: USER_PAGE,
  frame,
  protection: VM_PROT_READ | VM_PROT_WRITE,
  wired: false,
});
const pmapOf = ({ state }: Run) => state.spaces.pmaps.find(({ name }) => name === 'u0');

export const SPACE_EXAMPLES: readonly Example[] = [
  {
    dev: ['22'],
    symptomIs: 'the page table of a device frame is never given back',
    machine: SCRATCH,
    operations: [
      pinit,
      enter(DEVICE),
      { kind: 'pmap_remove', pmap: 'u0', start: USER_PAGE, end: address(USER_PAGE + PAGE_SIZE) },
    ],
    look: (run) => pmapOf(run)?.tables,
    contract: 0,
    fault: 'device-frames-keep-their-table',
    symptom: 1,
  },
  {
    dev: ['23'],
    symptomIs: 'replacing the only mapping frees its page table, and writes the new one into the freed page',
    machine: SCRATCH,
    operations: [pinit, enter(FRAME), enter(OTHER_FRAME)],
    look: (run) => pmapOf(run)?.mappings.map(({ frame }) => frame),
    contract: [OTHER_FRAME],
    fault: 'replaced-mapping-in-a-freed-table',
    symptom: [],
  },
  {
    dev: ['28'],
    symptomIs: 'a pmap without room for its directory is told made. 1994 writes the directory at address 0',
    machine: SCRATCH,
    operations: [
      {
        kind: 'kmem_alloc_pageable',
        map: 'kernel',
        size: byteDistance(SCRATCH.kernelStart, SCRATCH.kernelMax),
      },
      { kind: 'pmap_create', name: 'u0', size: bytes(0) },
    ],
    look: (run) => [last(run), run.state.spaces.pmaps.length],
    contract: ['none', 0],
    fault: 'directory-without-room',
    symptom: ['done', 0],
  },
  {
    dev: ['30'],
    symptomIs: 'entering into another pmap than the current one leaves its directory in slot 1023',
    machine: SCRATCH,
    operations: [
      { kind: 'pmap_pinit', name: 'u1' },
      { kind: 'pmap_activate', pmap: 'u1' },
      pinit,
      enter(FRAME),
      { kind: 'pmap_release', pmap: 'u0' },
    ],
    // The model has no words; its directories cannot name one that is gone.
    look: ({ tables }) =>
      (tables?.spaces ?? []).flatMap(({ directory }) =>
        directory.filter(({ slot, word }) => slot === ALTERNATE_SLOT && word !== 0),
      ).length,
    contract: 0,
    fault: 'alternate-slot-outlives-directory',
    symptom: 1,
  },
];
