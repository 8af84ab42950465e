/** Sleeping, waking and ranges in transition (SPEC §3 and MAP-TRANS; kern_synch.c's assert_wait, thread_block, wakeup). */
import { done, type Outcome } from '../contract/outcome.ts';
import type { SleepEvent } from '../contract/sched.ts';
import { assert, cite, touch } from './bookkeeping.ts';
import type { ModelState, Range, Rule, Sleeping, Transition, VmMap, YieldPoint } from './state.ts';

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
export const pagedaemon: Rule<'pagedaemon', Outcome> = (state) => {
  cite(state, 'SCHED-5');
  wakeup(state, 'pages');
  return done;
};

type Kind = Transition['state'];
/** Kinds of transitions that an operation steers clear of. */
export type Kinds = readonly Kind[];

/** Marks a range as being filled or wired by the operation that runs now. */
export function beginTransition(state: ModelState, kind: Kind, map: VmMap, range: Range): Transition {
  cite(state, 'MAP-TRANS-0');
  const { start, end } = range;
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

const meet = (one: Range, other: Range): boolean => one.start < other.end && other.start < one.end;

/** Does a range meet another operation's transition of these kinds? An empty one does inside it, where it would clip. */
export function inTransition(state: ModelState, map: VmMap, range: Range, kinds: Kinds): boolean {
  const foreign = state.transitions.filter((other) => other.map === map && other.operation !== state.current);
  const met = foreign.some((other) => kinds.includes(other.state) && meet(range, other));
  return met && (range.start < range.end || map.entries.some((entry) => meet(range, entry)));
}
