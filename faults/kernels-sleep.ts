/** Faults of sleeping, waking, transitions and the page-out daemon. */
import type { FaultPatch } from './patch.ts';

const SCHED = 'impl/sched.ts';

/** Faults of sleeping, waking, transitions and the page-out daemon. */
export const FAULTY_SLEEPS: readonly FaultPatch[] = [
  {
    name: 'daemon-wakes-one',
    source: 'wakeup() that makes only the first sleeper runnable',
    file: SCHED,
    find: '    this.#sleepers.delete(event);\n    for (const task of tasks) {',
    replace:
      '    if (tasks.length > 1) this.#sleepers.set(event, tasks.slice(1));\n    else this.#sleepers.delete(event);\n    for (const task of tasks.slice(0, 1)) {',
    caughtBy: ['INV-SCHED-NOLOSTPAGE', 'INV-SCHED-NOLOSTMAP', 'INV-SCHED-NOLOSTTRANS'],
  },
  {
    name: 'transition-end-wakes-nobody',
    source: 'DEV-15, 16: the waiters for a range in transition are forgotten',
    file: 'impl/transitions.ts',
    find: '  kernel.sched.wakeup(map.settled);\n',
    replace: '',
    caughtBy: ['INV-SCHED-NOLOSTTRANS'],
  },
  {
    name: 'free-during-transition',
    source: 'DEV-15: a range that is still being filled or wired may be freed',
    file: 'impl/transitions.ts',
    find: '  if (map.transitions.length === 0) return false;\n',
    replace: '  return false;\n',
    caughtBy: ['INV-MAP-NOTRANS', 'INV-OBJ-NOORPHAN', 'INV-ACC-PANICTEXT'],
  },
  {
    name: 'woken-waiter-forgotten',
    source: 'MAP-DEL-1: a waiter for space that was woken and has not run no longer keeps its submap',
    file: SCHED,
    find: 'if (task.event === event) return true;',
    replace: 'if (task.event === event && !task.runnable) return true;',
    caughtBy: [],
  },
  {
    name: 'empty-range-waits',
    source: 'MAP-TRANS-1: an empty range waits for a transition even where it would split no entry',
    file: 'impl/transitions.ts',
    find: 'const clips = start === end && clipsAt(map, start);',
    replace: 'const clips = start === end;',
    caughtBy: [],
  },
  {
    name: 'empty-range-at-end-waits',
    source: 'MAP-TRANS-1: an empty range where a transition ends waits for it, although it lies outside',
    file: 'impl/transitions.ts',
    find: 'clips && start > transition.start && start < transition.end),',
    replace: 'clips && start > transition.start && start <= transition.end),',
    caughtBy: [],
  },
  {
    name: 'empty-range-at-start-waits',
    source: 'MAP-TRANS-1: an empty range where a transition starts waits for it, although it lies outside',
    file: 'impl/transitions.ts',
    find: 'clips && start > transition.start && start < transition.end),',
    replace: 'clips && start >= transition.start && start < transition.end),',
    caughtBy: [],
  },
];
