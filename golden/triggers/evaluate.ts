/** Which deviation is due before an operation (DEVIATIONS §1). */
import type { VirtualAddress } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import type { Flight, ModelState } from '../../model/state.ts';
import type { FirstFreePointers } from '../first-free.ts';
import {
  doublePage,
  doublePageAtResume,
  lostHole,
  mallocBeforeKmem,
  unalignedSearch,
  zeroSize,
} from './allocations.ts';
import { protectSubmap, unalignedRange, wireNothing, wireSubmap } from './ranges.ts';
import { emptyFree, submapInUse, wrappedEnd, wrappedOffsets } from './removals.ts';
import { type DeviationName, rangeToChange, type Scope, type Situation, type Trigger } from './situation.ts';
import { disturbsAtResume, disturbsTransition } from './transitions.ts';
import { countWrap, missingRecord } from './unwiring.ts';

/** A deviation that is due, and how much of the recording it takes away. */
export interface DueDeviation {
  readonly deviation: DeviationName;
  readonly scope: Scope;
}

type TriggerList = readonly (readonly [DeviationName, Trigger])[];

/** In order of precedence where several hold. */
const AT_CALL: TriggerList = [
  ['PRE-KM-MALLOC-1', mallocBeforeKmem],
  ['DEV-1', zeroSize],
  ['DEV-8', wrappedEnd],
  ['DEV-37', emptyFree],
  ['DEV-36', unalignedRange],
  ['DEV-36', unalignedSearch],
  ['DEV-15', disturbsTransition],
  ['DEV-2', lostHole],
  ['DEV-3', protectSubmap],
  ['DEV-12', submapInUse],
  ['DEV-13', wireSubmap],
  ['DEV-14', wireNothing],
  ['DEV-18', missingRecord],
  ['DEV-6', countWrap],
  ['DEV-33', wrappedOffsets],
  ['DEV-48', doublePage],
];

const AT_RESUME_FOR_PAGES: TriggerList = [
  ['DEV-15', disturbsAtResume],
  ['DEV-48', doublePageAtResume],
];

/**
 * Every deviation whose trigger holds for `operation` on the state before it, in order of precedence, stops first.
 * A `resume` is judged as the operation it resumes: as if called now, or, for an allocation or wiring that slept
 * for pages, by what it still has to do.
 */
export function dueDeviations(
  state: ModelState,
  firstFree: FirstFreePointers,
  operation: Operation,
  number: number,
): DueDeviation[] {
  if (operation.kind !== 'resume') return evaluate(AT_CALL, { state, firstFree, operation, number });
  const flight = runnableFlight(state, operation.operation);
  if (flight === undefined) return [];
  const situation: Situation = { state, firstFree, operation: flight.operation, number: flight.number };
  return evaluate(sleptOverItsPages(flight) ? AT_RESUME_FOR_PAGES : AT_CALL, situation);
}

function runnableFlight(state: ModelState, number: number): Flight | undefined {
  return state.flights.find((flight) => flight.number === number && flight.status === 'runnable');
}

/** Start of the range that an operation, or the one it resumes, is given or has already taken; null for none. */
export function startOfRange(
  state: ModelState,
  firstFree: FirstFreePointers,
  operation: Operation,
  number: number,
): VirtualAddress | null {
  if (operation.kind !== 'resume')
    return rangeToChange({ state, firstFree, operation, number })?.start ?? null;
  const flight = runnableFlight(state, operation.operation);
  if (flight === undefined) return null;
  const taken = state.transitions.find((transition) => transition.operation === flight.number);
  return taken?.start ?? startOfRange(state, firstFree, flight.operation, flight.number);
}

/** True for an allocation or wiring call that keeps its range while it waits for pages. */
function sleptOverItsPages({ event, operation }: Flight): boolean {
  const keepsRange = ['kmem_alloc', 'kmem_malloc', 'vm_map_pageable'].includes(operation.kind);
  return keepsRange && event === 'pages';
}

function evaluate(triggers: TriggerList, situation: Situation): DueDeviation[] {
  const due: DueDeviation[] = [];
  for (const [deviation, trigger] of triggers) {
    const scope = trigger(situation);
    if (scope !== null) due.push({ deviation, scope });
  }
  return [...due.filter(({ scope }) => scope === 'stop'), ...due.filter(({ scope }) => scope === 'result')];
}
