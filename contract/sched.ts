/** Sleeping and waking in stage 1: explicit steps of the scenario (SPEC §3, TRACES §5). */

/** One pass of the page-out daemon: reclaims nothing, wakes every sleeper of `pages` (SCHED-5). Outcome done. */
export interface Pagedaemon {
  readonly kind: 'pagedaemon';
}

/**
 * Lets the operation with that number go on, if it is runnable. Its outcome is that operation's, or another sleep.
 * Rejected (SCHED-2) when that operation is not runnable.
 */
export interface Resume {
  readonly kind: 'resume';
  readonly operation: number;
}

export type SchedOperation = Pagedaemon | Resume;

/** What a sleeper waits for: free pages, space in a map, or the end of a transition in a map. */
export type SleepEvent = 'pages' | `map:${string}` | `trans:${string}`;

/** Operations in flight, each list in operation order. Cell `sched`. */
export interface SchedSnapshot {
  readonly asleep: readonly { readonly operation: number; readonly event: SleepEvent }[];
  readonly runnable: readonly number[];
}
