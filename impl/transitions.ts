/**
 * Ranges in transition: what an operation in flight is still filling or wiring (MAP-TRANS-0, 1; repairs DEV-15, 16).
 *
 * Others that would disturb such a range wait for its end. The list of a map is as long as the number of its sleeping
 * allocators, nearly always empty, so a scan is enough.
 */
import type { VirtualAddress } from '../contract/address.ts';
import type { TransitionSnapshot } from '../contract/vm-map.ts';
import { PART } from './change-log.ts';
import type { Kernel } from './kernel.ts';
import type { Continuation } from './sched.ts';
import type { VmMap } from './vm-map.ts';

export interface Transition {
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
  readonly state: 'filling' | 'wiring';
  /** Number of the owning operation. */
  readonly operation: number;
}

/** Which transitions an operation waits for: `any` may not even see a range that is being filled. */
export type Disturbs = 'wiring' | 'any';

export function beginTransition(kernel: Kernel, map: VmMap, transition: Transition): void {
  map.transitions.push(transition);
  kernel.changes.part(PART.transitions);
}

/** Ends a transition and wakes those who wait for it. */
export function endTransition(kernel: Kernel, map: VmMap, transition: Transition): void {
  map.transitions.splice(map.transitions.indexOf(transition), 1);
  kernel.changes.part(PART.transitions);
  kernel.sched.wakeup(map.settled);
}

/** Does an operation on [start, end) of `map` meet a transition it has to wait for? (MAP-TRANS-1) */
export function meetsTransition(
  map: VmMap,
  start: VirtualAddress,
  end: VirtualAddress,
  disturbs: Disturbs,
): boolean {
  if (map.transitions.length === 0) return false;
  const clips = start === end && clipsAt(map, start);
  return map.transitions.some(
    (transition) =>
      (disturbs === 'any' || transition.state === 'wiring') &&
      (start < end
        ? start < transition.end && end > transition.start
        : clips && start > transition.start && start < transition.end),
  );
}

/** An empty range disturbs only where it would split an entry. */
function clipsAt(map: VmMap, at: VirtualAddress): boolean {
  const entry = map.entries.containing(at);
  return entry !== null && entry.start < at;
}

/** Sleeps until [start, end) meets no transition any more, then runs `act`. */
export function* settledThen<Result>(
  map: VmMap,
  { start, end }: { readonly start: VirtualAddress; readonly end: VirtualAddress },
  disturbs: Disturbs,
  act: () => Result,
): Continuation<Result> {
  while (meetsTransition(map, start, end, disturbs)) yield { point: 'Y-MAP-TRANS', event: map.settled };
  return act();
}

/** Runs `act` at once if [start, end) meets no transition, else when it meets none any more. */
export function whenSettled<Result>(
  map: VmMap,
  range: { readonly start: VirtualAddress; readonly end: VirtualAddress },
  disturbs: Disturbs,
  act: () => Result,
): Result | Continuation<Result> {
  return meetsTransition(map, range.start, range.end, disturbs)
    ? settledThen(map, range, disturbs, act)
    : act();
}

/** All transitions, in operation order. */
export function transitionSnapshots({ maps }: Kernel): TransitionSnapshot[] {
  const shown: TransitionSnapshot[] = [];
  for (const { name, transitions } of maps.values())
    for (const { start, end, state, operation } of transitions)
      shown.push({ map: name, start, end, state, operation });
  return shown.sort((a, b) => a.operation - b.operation);
}
