/** Goals about neighbours that one attribute alone keeps apart. */
import { VM_PROT_ALL } from '../contract/protection.ts';
import type { EntrySnapshot } from '../contract/vm-map.ts';
import { addressOf, entryAt, type Goal, mapBefore, objectName, submapName, when } from './goals-goal.ts';

/** What vm_map_simplify compares (MAP-SIMPL-1), each as true where two neighbours differ in it. */
const DIFFERENCES = {
  maximum: (one, two) => one.maxProtection !== two.maxProtection,
  protection: (one, two) => one.protection !== two.protection,
  inheritance: (one, two) => one.inheritance !== two.inheritance,
  wiring: (one, two) => one.wiredCount !== two.wiredCount,
  object: (one, two) => objectName(one) !== objectName(two),
  submap: (one, two) => submapName(one) !== submapName(two),
  offset: (one, two) => one.offset + one.end - one.start !== two.offset,
} satisfies Record<string, (one: EntrySnapshot, two: EntrySnapshot) => boolean>;

/** vm_map_simplify leaves two neighbours alone that differ in one thing and in nothing else. */
const keptApart = (difference: keyof typeof DIFFERENCES): Goal =>
  when(
    `kept-apart:${difference}`,
    `Two neighbours that differ in ${difference} alone are not merged (MAP-SIMPL-1).`,
    ['vm_map_simplify'],
    ({ view, operation }) => {
      const entries = view.maps.get(operation.map)?.entries ?? [];
      const at = entries.findIndex(({ start }) => start === operation.start);
      const [one, two] = [entries[at - 1], entries[at]];
      if (one === undefined || two === undefined || one.end !== two.start) return false;
      return Object.entries(DIFFERENCES).every(
        ([name, differ]) => differ(one, two) === (name === difference),
      );
    },
    { needs: NEEDS[difference] },
  );

const NEEDS = {
  maximum: ['vm_map_insert', 'vm_map_protect'],
  protection: ['vm_map_insert', 'vm_map_protect'],
  inheritance: ['vm_map_insert', 'vm_map_inherit'],
  wiring: ['vm_map_insert', 'vm_map_pageable'],
  object: ['vm_map_insert', 'checked_write', 'kmem_free'],
  submap: ['vm_map_insert', 'vm_map_create', 'vm_map_submap'],
  offset: ['vm_map_insert'],
} satisfies Record<keyof typeof DIFFERENCES, Goal['needs']>;

const fresh: Goal = when(
  'not-grown:inheritance',
  'Fresh memory gets an entry of its own behind one that differs from it in inheritance alone (MAP-INSERT-5).',
  ['kmem_alloc_pageable', 'vm_map_insert'],
  ({ view, operation, outcome }) => {
    const inserted = operation.kind === 'vm_map_insert';
    if (inserted && (operation.object !== 'null' || outcome.kind !== 'kern' || outcome.code !== 0))
      return false;
    const start = inserted ? operation.start : addressOf(outcome);
    if (start === undefined) return false;
    const before = entryAt(view.maps.get(operation.map), start - 1);
    return (
      before?.end === start &&
      before.backing === null &&
      before.wiredCount === 0 &&
      before.protection === VM_PROT_ALL &&
      before.inheritance !== entryAt(view.maps.get(operation.map), start)?.inheritance &&
      entryAt(mapBefore(view, operation.map), start) === undefined
    );
  },
  { needs: ['vm_map_inherit', 'kmem_alloc_pageable'] },
);

/** All goals of this file. */
export const ALIKE_GOALS: readonly Goal[] = [
  keptApart('maximum'),
  keptApart('protection'),
  keptApart('inheritance'),
  keptApart('wiring'),
  keptApart('object'),
  keptApart('submap'),
  keptApart('offset'),
  fresh,
];
