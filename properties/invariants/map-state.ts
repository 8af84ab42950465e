/** What maps share or hold: ranges in transition, static pools, the boot entry, locks. */
import type { MachineConfig } from '../../contract/machine.ts';
import type { EntrySnapshot, MapName, MapSnapshot, TransitionSnapshot } from '../../contract/vm-map.ts';
import { type Invariant, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { touchesUnsoundMap } from './map-soundness.ts';
import { span } from './phrase.ts';
import { coveredBytes, FREEING, freedPages, isFreeing } from './ranges.ts';

const inTransition: Invariant = {
  id: 'INV-MAP-NOTRANS',
  claim:
    'A range in transition is allocated and belongs to one operation in flight, and no two ranges of the same state overlap in a map; none is left when nothing is in flight.',
  source: 'MAP-TRANS-0, MAP-TRANS-1; vm_kern.c: kmem_alloc; vm_map.c: vm_map_pageable',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['maps', 'structure'],
  watch: statelessWhere(
    ({ transitions }) => transitions.length > 0,
    function* (view) {
      const touched = new Set(view.touchedMaps.map(({ name }) => name));
      for (const transition of view.transitions) {
        if (!view.inFlight.has(transition.operation))
          yield `${shown(transition)} belongs to operation ${transition.operation}, which is not in flight`;
        if (touched.has(transition.map)) yield* conflicts(view, transition);
      }
    },
  ),
};

/** What is wrong between a range in transition and its map, or a range listed before it. */
function* conflicts({ maps, transitions }: View, transition: TransitionSnapshot): Generator<string> {
  const { map, start, end, state, operation } = transition;
  if (coveredBytes(maps.get(map)?.entries ?? [], start, end) !== end - start || start >= end)
    yield `${shown(transition)} is not wholly allocated`;
  for (const other of transitions) {
    if (other === transition) return;
    if (other.operation === operation)
      yield `${shown(transition)}: operation ${operation} owns another range too`;
    if (other.map === map && other.state === state && other.start < end && start < other.end)
      yield `${shown(transition)} overlaps that of operation ${other.operation}`;
  }
}

const shown = ({ map, start, end, state }: TransitionSnapshot): string =>
  `${state} range ${span(start, end)} of map ${map}`;

const pools: Invariant = {
  id: 'INV-MAP-POOL',
  claim:
    'Free static map entries and those in maps that are not pageable add up to the entry pool; free map records and the maps made before kmem_map existed add up to the map pool.',
  source: 'vm_map.c: vm_map_entry_create, vm_map_entry_dispose, vm_map_create; MAP-ENTRY-1, MAP-CREATE-1',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['maps', 'structure'],
  looksAt: ['map', 'pools'],
  watch: () => {
    const fromPool = new Set<MapName>();
    return {
      observe(view) {
        for (const name of fromPool) if (!view.maps.has(name)) fromPool.delete(name);
        const heapExists = view.operation !== null && view.before('map:kmem') !== null;
        if (heapExists) return;
        for (const { name } of view.touchedMaps)
          if (view.operation === null || view.mapBefore(name) === null) fromPool.add(name);
      },
      violations({ machine, pools: { freeEntries, freeMaps }, maps }) {
        const wrong: string[] = [];
        if (freeMaps + fromPool.size !== machine.staticMaps)
          wrong.push(
            `${freeMaps} map records are free and ${fromPool.size} in use, of ${machine.staticMaps}`,
          );
        if (machine.mapEntries === null || freeEntries === null) return wrong;
        let used = 0;
        for (const { pageable, entries } of maps.values()) if (!pageable) used += entries.length;
        if (freeEntries + used !== machine.mapEntries)
          wrong.push(`${freeEntries} map entries are free and ${used} in use, of ${machine.mapEntries}`);
        return wrong;
      },
    };
  },
};

const boot: Invariant = {
  id: 'INV-MAP-BOOT',
  claim:
    'Until the caller frees an address below the start given to kmem_init, all addresses below it stay allocated.',
  source: 'vm_kern.c: kmem_init; BOOT-5, BOOT-7',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['maps'],
  looksAt: ['map'],
  judges: FREEING,
  watch: () => {
    let given = false;
    return {
      observe({ operation, machine }) {
        if (!isFreeing(operation) || operation.map !== 'kernel') return;
        const { start, end } = freedPages(operation);
        if (start < machine.kernelStart && machine.kernelMin < end) given = true;
      },
      violations({ touchedMaps, machine }) {
        if (given) return NOTHING;
        for (const map of touchedMaps)
          if (map.name === 'kernel' && !coversBoot(map.entries, machine))
            return [uncoveredBoot(map, machine)];
        return NOTHING;
      },
    };
  },
};

const NOTHING: readonly string[] = [];

/** True when the first entries leave no hole below the start given to kmem_init. */
function coversBoot(entries: readonly EntrySnapshot[], { kernelMin, kernelStart }: MachineConfig): boolean {
  let reached: number = kernelMin;
  for (const { start, end } of entries) {
    if (reached >= kernelStart || start !== reached) break;
    reached = end;
  }
  return reached >= kernelStart || coveredBytes(entries, kernelMin, kernelStart) === kernelStart - kernelMin;
}

const uncoveredBoot = ({ entries }: MapSnapshot, { kernelMin, kernelStart }: MachineConfig): string =>
  `of ${span(kernelMin, kernelStart)} only ${coveredBytes(entries, kernelMin, kernelStart)} bytes are allocated`;

const unlocked: Invariant = {
  id: 'INV-MAP-LOCKFREE',
  claim: 'No map is locked when an operation has returned or gone to sleep.',
  source: 'vm_map.h: vm_map_lock, vm_map_unlock; LOCK-3, LOCK-5, MAP-PROT-2',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['maps', 'structure'],
  looksAt: ['map'],
  watch: statelessWhere(touchesUnsoundMap, function* ({ touchedMaps, subject }: View) {
    for (const { name, locked } of touchedMaps)
      if (locked) yield `map ${name} is still locked after ${subject?.kind ?? 'boot'}`;
  }),
};

/** Transitions, pools, the boot entry and locks. */
export const mapStateInvariants: readonly Invariant[] = [inTransition, pools, boot, unlocked];
