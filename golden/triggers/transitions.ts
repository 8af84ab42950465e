/**
 * DEV-15 and DEV-16: while an operation sleeps for pages, 1994 protected neither the range it was filling nor the entries
 * it was wiring.
 */
import { advanceOffset, byteDistance, type VirtualAddress } from '../../contract/address.ts';
import { VM_INHERIT_COPY, VM_INHERIT_NONE, VM_PROT_ALL } from '../../contract/protection.ts';
import type { Transition, VmMap, VmMapEntry } from '../../model/state.ts';
import { backingOf, searchOf } from './allocations.ts';
import {
  entryAt,
  entryEndingAt,
  firstFit,
  foreignTransitions,
  isEmpty,
  isStrictlyInside,
  type MapRange,
  mapOf,
  overlaps,
  rangeToChange,
  rangeToRemove,
  type Situation,
  type Trigger,
} from './situation.ts';

/** The operation, called now, disturbs a range that another one is filling or wiring. */
export const disturbsTransition: Trigger = (situation) => {
  const { operation } = situation;
  switch (operation.kind) {
    case 'kmem_free':
    case 'kmem_free_wakeup':
    case 'vm_map_remove': {
      const range = rangeToRemove(situation);
      return range !== null && (meetsFilling(situation, range) || meetsWiring(situation, range))
        ? 'stop'
        : null;
    }
    case 'vm_map_inherit':
      if (operation.inheritance > VM_INHERIT_NONE) return null;
      return changesWiring(situation);
    case 'vm_map_protect':
    case 'vm_map_pageable':
      return changesWiring(situation);
    case 'vm_map_simplify': {
      const map = mapOf(situation.state, operation.map);
      return map !== undefined && mergesAt(situation, map, operation.start) ? 'stop' : null;
    }
    case 'kmem_alloc':
    case 'kmem_malloc':
      return landsBehindWiring(situation) ? 'stop' : null;
    default:
      return null;
  }
};

function changesWiring(situation: Situation) {
  const range = rangeToChange(situation);
  return range !== null && meetsWiring(situation, range) ? 'stop' : null;
}

/** The resume of a kmem_alloc, kmem_malloc or wiring call that slept for pages. */
export const disturbsAtResume: Trigger = (situation) => {
  const { operation, state, number } = situation;
  if (operation.kind !== 'kmem_alloc' && operation.kind !== 'kmem_malloc') return null;
  const own = state.transitions.find((transition) => transition.operation === number);
  if (own === undefined) return null;
  if (operation.kind === 'kmem_alloc' && meetsWiring(situation, own)) return 'stop';
  return finishesBehindWiring(situation, own) ? 'stop' : null;
};

function meetsFilling(situation: Situation, range: MapRange): boolean {
  return foreignTransitions(situation, range.map, ['filling']).some((transition) =>
    isEmpty(range)
      ? isStrictlyInside(range.start, transition) && splits(range.map, range.start)
      : overlaps(range, transition),
  );
}

const splits = (map: VmMap, va: VirtualAddress): boolean =>
  map.entries.some((entry) => isStrictlyInside(va, entry));

/** For wiring it is the entries that count: pass 2 of 1994 held on to them, wherever the range ended. */
function meetsWiring(situation: Situation, range: MapRange): boolean {
  return foreignTransitions(situation, range.map, ['wiring']).some((transition) =>
    range.map.entries.some(
      (entry) =>
        overlaps(entry, transition) &&
        (isEmpty(range) ? isStrictlyInside(range.start, entry) : overlaps(entry, range)),
    ),
  );
}

/** vm_map_simplify merges an entry that is being wired away, or enlarges one that pass 2 has yet to reach. */
function mergesAt(situation: Situation, map: VmMap, start: VirtualAddress): boolean {
  const entry = entryAt(map, start);
  const previous = entryEndingAt(map, start);
  if (entry === undefined || entry.start !== start || previous === undefined) return false;
  if (!isSeamless(previous, entry)) return false;
  const wirings = foreignTransitions(situation, map, ['wiring']);
  return wirings.some((wiring) => overlaps(entry, wiring)) || isYetToReach(wirings, previous);
}

function isYetToReach(wirings: readonly Transition[], entry: VmMapEntry): boolean {
  return wirings.some((wiring) => overlaps(entry, wiring) && entry.start > wiring.position);
}

/** What an entry must share with its predecessor to be merged into it (MAP-SIMPL-1). */
type Merging = Pick<
  VmMapEntry,
  'object' | 'submap' | 'offset' | 'inheritance' | 'protection' | 'maxProtection' | 'wiredCount'
>;

function isSeamless(previous: VmMapEntry, entry: Merging): boolean {
  return (
    previous.submap === null &&
    entry.submap === null &&
    previous.object === entry.object &&
    advanceOffset(previous.offset, byteDistance(previous.start, previous.end)) === entry.offset &&
    previous.inheritance === entry.inheritance &&
    previous.protection === entry.protection &&
    previous.maxProtection === entry.maxProtection &&
    previous.wiredCount === entry.wiredCount
  );
}

/** A new allocation would be merged into an entry that pass 2 of another operation has yet to reach. */
function landsBehindWiring(situation: Situation): boolean {
  const search = searchOf(situation);
  if (search === null || search.length === 0) return false;
  const { map, length } = search;
  const start = firstFit(map, map.min, length);
  const previous = start === undefined ? undefined : entryEndingAt(map, start);
  if (start === undefined || previous === undefined) return false;
  const fresh: Merging = {
    ...backingOf(situation.state, situation.operation, start),
    submap: null,
    inheritance: VM_INHERIT_COPY,
    protection: VM_PROT_ALL,
    maxProtection: VM_PROT_ALL,
    wiredCount: 1,
  };
  if (!isSeamless(previous, fresh)) return false;
  return isYetToReach(foreignTransitions(situation, map, ['wiring']), previous);
}

/** The same for an allocation that slept, with what has become of its entry since. */
function finishesBehindWiring(situation: Situation, own: Transition): boolean {
  const { map, start } = own;
  const entry = entryAt(map, start);
  const previous = entryEndingAt(map, start);
  if (entry === undefined || entry.start !== start || previous === undefined) return false;
  const wiredCount = entry.wiredCount + (own.state === 'filling' ? 1 : 0);
  if (!isSeamless(previous, { ...entry, wiredCount })) return false;
  return isYetToReach(foreignTransitions(situation, map, ['wiring']), previous);
}
