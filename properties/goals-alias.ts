/** Goals about pages, places and rights that somebody else has changed or still uses, through another entry or map. */
import { permits, VM_PROT_WRITE } from '../contract/protection.ts';
import { entryAt, FREES, type Goal, mapBefore, submapName, succeeded, when } from './goals-goal.ts';
import type { View } from './view.ts';

/** Frames that a step freed while they were still counted as wired. */
function freedWired(view: View): number[] {
  if (view.counters.free <= view.before('counters').free) return [];
  const frames: number[] = [];
  for (const { name, pages } of view.touchedObjects) {
    const left = new Set(pages.map(({ frame }) => frame));
    // One of the counts is that of the entry that goes.
    for (const { frame, wireCount } of view.before(`object:${name}`)?.pages ?? [])
      if (wireCount > 1 && !left.has(frame)) frames.push(frame);
  }
  return frames;
}

const ALIASES = { needs: ['vm_map_insert', 'kmem_alloc', 'vm_fault'] } as const;

/** All goals of this file. */
export const ALIAS_GOALS: readonly Goal[] = [
  when(
    'nowait-over-resident',
    'kmem_malloc(nowait) finds a page of kmem_object resident where it would put one (KM-MALLOC-5, DEV-48).',
    ['kmem_malloc'],
    ({ view, operation, outcome }) => {
      if (operation.canWait || outcome.kind !== 'address') return false;
      const { address: start } = outcome;
      const entry = entryAt(view.maps.get(operation.map), start);
      if (entry === undefined) return false;
      const from = entry.offset + start - entry.start;
      const before = view.before('object:kmem')?.pages ?? [];
      return before.some(({ offset }) => offset >= from && offset < from + operation.size);
    },
    ALIASES,
  ),
  when(
    'rollback-takes-resident',
    'kmem_malloc(nowait) runs short, and gives back a page that was resident before it (KM-MALLOC-5).',
    ['kmem_malloc'],
    ({ view, operation, outcome }) =>
      !operation.canWait && outcome.kind === 'none' && view.counters.free > view.before('counters').free,
    ALIASES,
  ),
  when(
    'same-rights-over-more',
    'vm_map_protect sets the rights that an entry has, and leaves a mapping alone that has more (MAP-PROT-4).',
    ['vm_map_protect'],
    ({ view, operation, outcome }) => {
      const { map, start, end, setMax } = operation;
      if (setMax || !succeeded(outcome) || start === end) return false;
      const before = entryAt(mapBefore(view, map), start)?.protection;
      if (before !== operation.protection || permits(before, VM_PROT_WRITE)) return false;
      return view.mappings.get(start)?.writable === true;
    },
    { needs: ['vm_map_create', 'vm_map_insert', 'vm_fault'], shows: ['pmap'] },
  ),
  {
    id: 'wired-frame-again',
    claim:
      'A frame that was freed while it was wired is given out again, with nothing left of its count (Q-24).',
    needs: ['vm_map_insert', 'vm_map_pageable', 'kmem_alloc'],
    at: [...FREES, 'kmem_alloc'],
    watch: () => {
      const freed = new Set<number>();
      return (view) => {
        for (const frame of freedWired(view)) freed.add(frame);
        if (freed.size === 0 || view.subject?.kind !== 'kmem_alloc') return false;
        return view.touchedObjects.some(({ pages }) => pages.some(({ frame }) => freed.has(frame)));
      };
    },
  },
  when(
    'fault-woken-in-lost-submap',
    'A fault slept in a submap that lost its place to other memory, and looks for its entry in there (FAULT-7).',
    ['vm_fault', 'checked_write'],
    ({ view, operation, outcome }) => {
      if (view.operation?.kind !== 'resume') return false;
      if ((outcome.kind !== 'kern' && outcome.kind !== 'trap') || outcome.code !== 1) return false;
      const now = entryAt(view.maps.get(operation.map), operation.address);
      return now !== undefined && submapName(now) === null;
    },
    { needs: ['resume', 'pagedaemon', 'vm_map_submap', 'vm_map_create', 'vm_map_insert', 'kmem_alloc'] },
  ),
];
