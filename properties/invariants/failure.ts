/** Operations that fail or ask for nothing leave the state as it was, up to the residue that their rule lists (CONV-5). */
import type { Show } from '../../contract/kernel-memory.ts';
import type { OperationKind } from '../../contract/operation.ts';
import { KERN_SUCCESS, type Step, USELESS_FAULTS } from '../../contract/outcome.ts';
import { CELL_CLASSES, readCell } from '../cells.ts';
import { type Invariant, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { changedCells, sameMembers } from './changes.ts';
import { requestLength } from './ranges.ts';
import { beyondResidue } from './residue.ts';

const EVERYTHING: readonly Show[] = ['outcomes', 'maps', 'objects', 'pages', 'pmap', 'structure'];

/** Operations that ask for a number of bytes, or give one back. */
const SIZED: readonly OperationKind[] = [
  'kmem_alloc_pageable',
  'kmem_alloc',
  'kmem_malloc',
  'kmem_alloc_wait',
  'kmem_free',
  'kmem_free_wakeup',
];

const failurePure: Invariant = {
  id: 'INV-MAP-FAILPURE',
  claim:
    'An operation that answers none, an error code or a rejection leaves everything as it was, except the residue its rule lists.',
  source: 'CONV-4, CONV-5, MAP-CLIP-4, MAP-PAGE-4, KM-MALLOC-5',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: EVERYTHING,
  looksAt: CELL_CLASSES,
  watch: statelessWhere(hasFailed, function* (view) {
    if (changesLawfully(view)) return;
    for (const cell of changedCells(view)) {
      const unlawful = beyondResidue(view, cell);
      if (unlawful !== null) yield `${view.subject?.kind} failed: ${unlawful}`;
    }
  }),
};

function hasFailed({ step }: View): boolean {
  const outcome = step?.outcome;
  return (
    outcome?.kind === 'none' ||
    outcome?.kind === 'rejected' ||
    (outcome?.kind === 'kern' && outcome.code !== KERN_SUCCESS)
  );
}

/** A write is refused where it reaches a page table, a deletion where it meets a directory that came while it slept. */
const isRefusedUnderWay = ({ outcome, resumed }: Step): boolean =>
  outcome.kind === 'rejected' &&
  (outcome.rule === 'PMAP-PINIT-1' || (outcome.rule === 'PMAP-REL-1' && resumed !== undefined));

/**
 * Failures that no list of residue covers: faults that were served but did not help, and a roll-back that
 * gives back pages which an aliased entry had put at its offsets (DEV-48).
 */
const changesLawfully = ({ step, subject, aliased }: View): boolean =>
  (step?.outcome.kind === 'rejected' && isRefusedUnderWay(step)) ||
  (step?.outcome.kind === 'kern' && step.outcome.code === USELESS_FAULTS) ||
  (aliased && subject?.kind === 'kmem_malloc');

const rollback: Invariant = {
  id: 'INV-ACC-KMEMROLLBACK',
  claim: 'A kmem_malloc that must not wait and fails changes nothing but the order of the free queue.',
  source: 'vm_kern.c: kmem_malloc; KM-MALLOC-2, KM-MALLOC-5, Q-19',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: true,
  shows: EVERYTHING,
  judges: ['kmem_malloc'],
  watch: statelessWhere(hasFailed, function* (view) {
    const { subject, step } = view;
    if (subject?.kind !== 'kmem_malloc' || subject.canWait || step?.outcome.kind !== 'none') return;
    for (const cell of changedCells(view))
      if (cell !== 'queue:free') yield `failed kmem_malloc changed ${cell}: ${change(view, cell)}`;
      else if (!sameMembers(view.before(cell), view.queues.free))
        yield `failed kmem_malloc changed the frames on FREE: ${change(view, cell)}`;
  }),
};

const sizeZero: Invariant = {
  id: 'INV-ACC-SIZEZERO',
  claim:
    'A request for no bytes, or for more than a page-rounded size can hold, answers none and changes nothing; freeing no bytes changes nothing but that kmem_free_wakeup wakes.',
  source: 'vm_kern.c: kmem_alloc, kmem_malloc, kmem_alloc_wait, kmem_free; KM-SIZE-1, KM-FREE-1, KM-WAKE-1',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: EVERYTHING,
  judges: SIZED,
  watch: statelessWhere(asksForNothing, function* (view) {
    const { subject, step } = view;
    switch (subject?.kind) {
      case 'kmem_alloc_pageable':
      case 'kmem_alloc':
      case 'kmem_malloc':
      case 'kmem_alloc_wait':
        if (step?.outcome.kind !== 'none')
          yield `${subject.kind} of ${subject.size} bytes answered ${step?.outcome.kind}`;
        break;
      case 'kmem_free':
      case 'kmem_free_wakeup':
        if (subject.size !== 0) return;
        break;
      default:
        return;
    }
    for (const cell of changedCells(view))
      if (cell !== 'sched' || subject.kind !== 'kmem_free_wakeup')
        yield `${subject.kind} of ${subject.size} bytes changed ${cell}: ${change(view, cell)}`;
  }),
};

/** True for requests of no bytes, or of more than page-rounded sizes can hold. */
function asksForNothing({ subject }: View): boolean {
  return subject !== null && 'size' in subject && requestLength(subject.size) === null;
}

const change = (view: View, cell: View['touched'][number]): string =>
  `${JSON.stringify(view.before(cell))} became ${JSON.stringify(readCell(view, cell))}`;

/** Claims that nothing happened. */
export const failureInvariants: readonly Invariant[] = [failurePure, rollback, sizeZero];
