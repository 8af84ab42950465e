/** The claim that wirings nest: an address is wired as often as its history says. */
import type { EntrySnapshot, MapSnapshot } from '../../contract/vm-map.ts';
import type { Invariant } from '../invariant.ts';
import type { View } from '../view.ts';
import { mapChanges } from './pages-changes.ts';
import { inTransition } from './pages-lookup.ts';
import { span } from './phrase.ts';
import { type DepthRun, depthsWithin, WiringDepths } from './wiring-history.ts';

/** INV-WIRE-NEST. */
export const nest: Invariant = {
  id: 'INV-WIRE-NEST',
  claim:
    'An address is wired as often as it was wired minus unwired since its allocation, a wired allocation counting as once.',
  source: 'vm_map.c: vm_map_pageable; MAP-PAGE-2, MAP-PAGE-4, Q-16, DEV-14',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps', 'structure'],
  looksAt: ['map'],
  judges: ['vm_map_pageable', 'kmem_alloc', 'kmem_malloc', 'pmap_create', 'pmap_pinit'],
  watch: () => {
    const depths = new WiringDepths();
    return {
      observe: (view) => depths.observe(view),
      violations: (view) => (mayMisjudge(view, depths) ? misjudgedMaps(view, depths) : NOTHING),
    };
  },
};

const NOTHING: readonly string[] = [];

/** True when a map that the step or its history changed has an entry that its history does not settle at once. */
function mayMisjudge(view: View, depths: WiringDepths): boolean {
  for (const name of depths.changed) if (isUnsettled(view, name, depths)) return true;
  let last: string | null = null;
  for (const { map } of mapChanges(view)) {
    if (map !== last && isUnsettled(view, map, depths)) return true;
    last = map;
  }
  return false;
}

function isUnsettled({ maps }: View, name: string, depths: WiringDepths): boolean {
  const runs = depths.of(name);
  let next = 0;
  for (const entry of maps.get(name)?.entries ?? []) {
    next = reaching(runs, entry.start, next);
    if (!isSettled(runs[next], entry)) return true;
  }
  return false;
}

/** Index, from `next` on, of the first run that may reach beyond an address. */
function reaching(runs: readonly DepthRun[], address: number, next: number): number {
  let i = next;
  while ((runs[i]?.end ?? Number.POSITIVE_INFINITY) <= address) i += 1;
  return i;
}

/** True when the run there tells by itself that the entry is wired as often as it should be. */
const isSettled = (run: DepthRun | undefined, { start, end, wiredCount }: EntrySnapshot): boolean =>
  run === undefined || run.start >= end ? wiredCount === 0 : isSame(run, start, end, wiredCount);

function* misjudgedMaps(view: View, depths: WiringDepths): Generator<string> {
  const suspects = new Set(depths.changed);
  for (const { map } of mapChanges(view)) suspects.add(map);
  for (const name of suspects) {
    const map = view.maps.get(name);
    if (map !== undefined) yield* misjudgedDepths(view, map, depths.of(name));
  }
}

function* misjudgedDepths(view: View, { name, entries }: MapSnapshot, runs: readonly DepthRun[]) {
  let next = 0;
  for (const entry of entries) {
    const { start, end, wiredCount } = entry;
    next = reaching(runs, start, next);
    if (isSettled(runs[next], entry)) continue;
    for (const piece of depthsWithin(runs, start, end))
      if (piece.depth !== wiredCount && !inTransition(view, name, piece.start))
        yield `${span(piece.start, piece.end)} in map ${name} is wired ${wiredCount} times, its history says ${piece.depth}`;
  }
}

const isSame = (run: DepthRun, start: number, end: number, depth: number): boolean =>
  run.depth === depth && run.start <= start && end <= run.end;
