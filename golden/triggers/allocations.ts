/** Triggers of the allocators and of searches: DEV-1, DEV-2, DEV-48, PRE-KM-MALLOC-1. */
import {
  isPageAligned,
  type ObjectOffset,
  objectOffset,
  type VirtualAddress,
} from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import type { ModelState, VmMap, VmObject } from '../../model/state.ts';
import {
  entryAt,
  firstFit,
  mapOf,
  residentPages,
  roundedSize,
  type Situation,
  type Trigger,
} from './situation.ts';

/** A search for free space from the bottom of a map. */
export interface Search {
  readonly map: VmMap;
  /** Bytes, rounded as the operation rounds them; 0 finds nothing in the contract. */
  readonly length: number;
}

/** The search from the bottom of its map that an operation makes; null when it makes none. */
export function searchOf({ state, operation }: Pick<Situation, 'state' | 'operation'>): Search | null {
  if (operation.kind === 'kmem_malloc' && !mayMalloc(state, operation.map)) return null;
  const map = searchedMap(state, operation);
  if (map === undefined) return null;
  switch (operation.kind) {
    case 'kmem_alloc':
    case 'kmem_alloc_pageable':
    case 'kmem_alloc_wait':
    case 'kmem_malloc':
    case 'kmem_suballoc':
      return { map, length: roundedSize(operation.size) };
    case 'vm_map_findspace':
      return operation.start <= map.min ? { map, length: operation.length } : null;
    default:
      return null;
  }
}

function searchedMap(state: ModelState, operation: Operation): VmMap | undefined {
  if (operation.kind === 'kmem_suballoc') return mapOf(state, operation.parent);
  return 'map' in operation ? mapOf(state, operation.map) : undefined;
}

/** kmem_malloc stops before it searches any other map (KM-MALLOC-1). */
function mayMalloc(state: ModelState, name: string): boolean {
  return (name === 'kmem' || name === 'mb') && mapOf(state, 'kmem') !== undefined;
}

/** DEV-1: a size that rounds to zero was searched for, found and given to nobody. */
export const zeroSize: Trigger = ({ state, operation }) => {
  switch (operation.kind) {
    case 'kmem_alloc':
      return roundedSize(operation.size) === 0 ? 'stop' : null;
    case 'kmem_malloc':
      return mayMalloc(state, operation.map) && roundedSize(operation.size) === 0 ? 'stop' : null;
    case 'kmem_alloc_wait':
      return roundedSize(operation.size) === 0 ? 'result' : null;
    case 'vm_map_findspace': {
      const map = mapOf(state, operation.map);
      return map !== undefined && operation.length === 0 && operation.start <= map.max ? 'result' : null;
    }
    default:
      return null;
  }
};

/** DEV-2: a search from the bottom began behind first_free, and so missed holes below it. */
export const lostHole: Trigger = (situation) => {
  const search = searchOf(situation);
  if (search === null || search.length === 0) return null;
  const { map, length } = search;
  const pointer = situation.firstFree.of(map.name);
  if (pointer === 'header') return null;
  const hinted = map.entries.find(({ start }) => start === pointer);
  if (hinted === undefined || firstFit(map, map.min, length) === firstFit(map, hinted.end, length))
    return null;
  return situation.operation.kind === 'vm_map_findspace' ? 'result' : 'stop';
};

/** DEV-48: pages were allocated at offsets that already had one. */
export const doublePage: Trigger = (situation) => {
  const { state, operation } = situation;
  const fills = operation.kind === 'kmem_alloc' || (operation.kind === 'kmem_malloc' && !operation.canWait);
  const search = fills ? searchOf(situation) : null;
  if (search === null || search.length === 0) return null;
  const start = firstFit(search.map, search.map.min, search.length);
  if (start === undefined) return null;
  const { object, offset } = backingOf(state, operation, start);
  return residentPages(object, offset, search.length).length > 0 ? 'stop' : null;
};

/** DEV-48 at the resume of a kmem_alloc: the same for the offsets it has still to fill. */
export const doublePageAtResume: Trigger = ({ state, operation, number }) => {
  if (operation.kind !== 'kmem_alloc') return null;
  const filling = state.transitions.find((own) => own.operation === number && own.state === 'filling');
  if (filling === undefined) return null;
  const { object, offset } = backingOf(state, operation, filling.position);
  const length = filling.end - filling.position;
  return residentPages(object, offset, length).length > 0 ? 'stop' : null;
};

/** The object behind what kmem_alloc or kmem_malloc places at `start`, and its offset there (KM-ALLOC-2, KM-MALLOC-3). */
export function backingOf(
  state: ModelState,
  operation: Operation,
  start: VirtualAddress,
): { readonly object: VmObject; readonly offset: ObjectOffset } {
  if (operation.kind !== 'kmem_malloc')
    return { object: state.kernelObject, offset: objectOffset(start - state.machine.kernelMin) };
  const base = mapOf(state, 'kmem')?.min ?? 0;
  return { object: state.kmemObject, offset: objectOffset(start - base) };
}

/** PRE-KM-MALLOC-1: kmem_malloc on mb_map asked kmem_map for its start before there was one. */
export const mallocBeforeKmem: Trigger = ({ state, operation }) => {
  const early =
    operation.kind === 'kmem_malloc' && operation.map === 'mb' && mapOf(state, 'kmem') === undefined;
  return early ? 'stop' : null;
};

/** DEV-36 of vm_map_findspace: the answer was as unaligned as the start of the search. */
export const unalignedSearch: Trigger = ({ state, operation }) => {
  if (operation.kind !== 'vm_map_findspace') return null;
  const map = mapOf(state, operation.map);
  const { start } = operation;
  if (map === undefined || start <= map.min || start > map.max || isPageAligned(start)) return null;
  return entryAt(map, start) === undefined ? 'result' : null;
};
