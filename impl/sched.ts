/**
 * Operations in flight: who sleeps on what, who may run again (SPEC §3, stage 1: every resumption is an explicit step).
 *
 * A sleeping operation is a suspended generator. Fast because sleepers are looked up by event; the table of tasks
 * keeps operation order by itself, since an operation enters it once, when it first sleeps.
 */
import type { Operation } from '../contract/operation.ts';
import type { Outcome } from '../contract/outcome.ts';
import type { SchedSnapshot, SleepEvent } from '../contract/sched.ts';
import { type ChangeLog, PART } from './change-log.ts';

/** Where an operation suspends itself (SPEC §11), and what it waits for. */
export interface Sleeping {
  readonly point: 'Y-KA-MEM' | 'Y-KA-TRANS' | 'Y-MAP-TRANS' | 'Y-FAULT-MEM' | 'Y-KAW';
  readonly event: SleepEvent;
}

/** The rest of an operation that can sleep. */
export type Continuation<Result = Outcome> = Generator<Sleeping, Result, void>;

interface Task {
  readonly number: number;
  readonly operation: Operation;
  readonly body: Continuation;
  /** What it sleeps on, or slept on last. */
  event: SleepEvent;
  runnable: boolean;
}

export class Scheduler {
  readonly #changes: ChangeLog;
  readonly #tasks = new Map<number, Task>();
  readonly #sleepers = new Map<SleepEvent, Task[]>();
  readonly #woken: number[] = [];
  #daemonPoked = false;
  #resumed: number | undefined = undefined;

  constructor(changes: ChangeLog) {
    this.#changes = changes;
  }

  /** Forgets what the previous operation woke. */
  begin(): void {
    if (this.#woken.length > 0) this.#woken.length = 0;
    this.#daemonPoked = false;
    this.#resumed = undefined;
  }

  /** Operations woken since `begin`, in operation order. */
  woken(): readonly number[] {
    return [...this.#woken].sort((a, b) => a - b);
  }

  get hasWoken(): boolean {
    return this.#woken.length > 0;
  }

  get daemonPoked(): boolean {
    return this.#daemonPoked;
  }

  /** The operation resumed since `begin`, if any. */
  get resumed(): number | undefined {
    return this.#resumed;
  }

  /** wakeup(DAEMON): in stage 1 the daemon's passes are explicit steps, so this only leaves a trace. */
  pokeDaemon(): void {
    this.#daemonPoked = true;
  }

  /** VM_WAIT: pokes the daemon and names the event to sleep on (SCHED-4). */
  vmWait(point: 'Y-KA-MEM' | 'Y-FAULT-MEM'): Sleeping {
    this.pokeDaemon();
    return { point, event: 'pages' };
  }

  /** Runs a new operation's body to its end or its first sleep. */
  start(number: number, operation: Operation, body: Continuation): Outcome {
    const step = body.next();
    if (step.done === true) return step.value;
    return this.#sleep({ number, operation, body, event: step.value.event, runnable: false });
  }

  /** Lets a runnable operation go on; undefined when there is none with that number. */
  resume(number: number): Outcome | undefined {
    const task = this.#tasks.get(number);
    if (task === undefined || !task.runnable) return undefined;
    this.#resumed = number;
    this.#changes.part(PART.sched);
    const step = task.body.next();
    if (step.done === true) {
      this.#tasks.delete(number);
      return step.value;
    }
    task.event = step.value.event;
    task.runnable = false;
    return this.#sleep(task);
  }

  /** Makes every sleeper of `event` runnable (SCHED-2). */
  wakeup(event: SleepEvent): void {
    const tasks = this.#sleepers.get(event);
    if (tasks === undefined) return;
    this.#sleepers.delete(event);
    for (const task of tasks) {
      task.runnable = true;
      this.#woken.push(task.number);
    }
    this.#changes.part(PART.sched);
  }

  /** True while somebody sleeps on `event`, or was woken from it and has not run since (MAP-DEL-1). */
  isAwaited(event: SleepEvent): boolean {
    for (const task of this.#tasks.values()) if (task.event === event) return true;
    return false;
  }

  /** Operations in flight, in operation order. */
  *inFlight(): Generator<Operation, void, void> {
    for (const task of this.#tasks.values()) yield task.operation;
  }

  snapshot(): SchedSnapshot {
    const tasks = [...this.#tasks.values()];
    return {
      asleep: tasks
        .filter((task) => !task.runnable)
        .map(({ number: operation, event }) => ({ operation, event })),
      runnable: tasks.filter((task) => task.runnable).map((task) => task.number),
    };
  }

  #sleep(task: Task): Outcome {
    this.#tasks.set(task.number, task);
    const sleepers = this.#sleepers.get(task.event);
    if (sleepers === undefined) this.#sleepers.set(task.event, [task]);
    else sleepers.push(task);
    this.#changes.part(PART.sched);
    return { kind: 'sleep', event: task.event };
  }
}
