/** Sleeping, waking and ranges in transition (SPEC §3 and MAP-TRANS; kern_synch.c's assert_wait, thread_block, wakeup). */
import type { VirtualAddress } from '../contract/address.ts';
import { done, type Outcome } from '../contract/outcome.ts';
import type { SleepEvent } from '../contract/sched.ts';
import {
  assert,
  cite,
  type ModelState,
  type Sleeping,
  type Transition,
  touch,
  type VmMap,
  type YieldPoint,
} from './state.ts';

/** Makes every sleeper of the event runnable; nothing is remembered when there is none. */
export function wakeup(state: ModelState, event: SleepEvent): void {
  cite(state, 'SCHED-2');
  for (const flight of state.flights) {
    if (flight.status !== 'asleep' || flight.event !== event) continue;
    flight.status = 'runnable';
    state.step.woken.push(flight.number);
    touch(state, 'sched');
  }
}

/** VM_WAIT: pokes the page-out daemon and sleeps until it has made a pass. */
export function* vmWait(state: ModelState, point: YieldPoint['point']): Sleeping<void> {
  cite(state, 'SCHED-4');
  state.step.daemonPoked = true;
  yield { point, event: 'pages' };
}

/** One pass of the page-out daemon, which finds nothing to reclaim. */
export function pagedaemon(state: ModelState): Outcome {
  cite(state, 'SCHED-5');
  wakeup(state, 'pages');
  return done;
}

/** Marks a range as being filled or wired by the operation that runs now. */
export function beginTransition(
  state: ModelState,
  kind: Transition['state'],
  map: VmMap,
  { start, end }: { readonly start: VirtualAddress; readonly end: VirtualAddress },
): Transition {
  cite(state, 'MAP-TRANS-0');
  const transition = { map, start, end, state: kind, operation: state.current, position: start };
  state.transitions.push(transition);
  touch(state, 'transitions');
  return transition;
}

/** Takes the mark off and lets everybody look again who sleeps on transitions of the map. */
export function endTransition(state: ModelState, transition: Transition): void {
  const at = state.transitions.indexOf(transition);
  assert(at >= 0, 'a transition ends once');
  state.transitions.splice(at, 1);
  touch(state, 'transitions');
  wakeup(state, `trans:${transition.map.name}`);
}

/** True when an operation on [start, end) would disturb the transition. */
function meets(transition: Transition, map: VmMap, start: VirtualAddress, end: VirtualAddress): boolean {
  if (transition.map !== map) return false;
  if (start < end) return start < transition.end && transition.start < end;
  const wouldClip = map.entries.some((entry) => entry.start < start && start < entry.end);
  return wouldClip && transition.start < start && start < transition.end;
}

/** True when [start, end) of the map meets another operation's transition of one of these kinds. */
export function inTransition(
  state: ModelState,
  map: VmMap,
  { start, end }: { readonly start: VirtualAddress; readonly end: VirtualAddress },
  kinds: readonly Transition['state'][],
): boolean {
  return state.transitions.some(
    (transition) =>
      transition.operation !== state.current &&
      kinds.includes(transition.state) &&
      meets(transition, map, start, end),
  );
}

/** Sleeps as long as the range meets another operation's transition; the map is unlocked meanwhile. */
export function* waitForTransitions(
  state: ModelState,
  map: VmMap,
  range: { readonly start: VirtualAddress; readonly end: VirtualAddress },
  kinds: readonly Transition['state'][],
): Sleeping<void> {
  while (inTransition(state, map, range, kinds)) {
    cite(state, 'MAP-TRANS-1');
    yield { point: 'Y-MAP-TRANS', event: `trans:${map.name}` };
  }
}
