/** Expands states in a runner thread, as many as the main thread hands it, and sends back what leads away from them. */
import type { MessagePort } from 'node:worker_threads';
import type { KernelModule } from '../contract/kernel-memory.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { Expander, type Expansion, type Node } from '../properties/explore-node.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import type { ExploreAnswer, ExploreJob, JobMessage } from './job.ts';

/** What the main thread sends: states to expand, of which the first has that number, or that there are no more. */
export type ExploreTask = { readonly first: number; readonly nodes: readonly Node[] } | 'end';

/** A worker's ties to the main thread. */
export interface ExploreTies {
  readonly port: MessagePort;
  post(message: JobMessage): void;
  stopRequested(): boolean;
  /** Throws where an outside kernel has gone too far. */
  trust(): void;
}

/** Works until told that there is no more to do, or to stop. */
export async function exploreStates(
  job: ExploreJob,
  candidate: KernelModule,
  { port, post, stopRequested, trust }: ExploreTies,
): Promise<ExploreAnswer> {
  const { machine, vocabulary } = job.search;
  const expander = new Expander({
    reference: referenceKernel,
    candidate,
    invariants: ALL_INVARIANTS,
    machine,
    vocabulary,
  });
  const tasks = new Tasks(port);
  post({ type: 'root', root: expander.root() });
  for (;;) {
    const task = await tasks.next();
    if (task === 'end') return { verb: 'explore', stray: null };
    const expansions: Expansion[] = [];
    for (const node of task.nodes) {
      if (stopRequested()) break;
      const expansion = expander.expand(node);
      expansions.push(expansion);
      if (expansion.failure !== null) break;
    }
    trust();
    post({ type: 'expanded', first: task.first, expansions });
    if (stopRequested()) return { verb: 'explore', stray: null };
  }
}

/** Tasks in the order in which they came. */
class Tasks {
  readonly #waiting: ExploreTask[] = [];
  #wake: (() => void) | null = null;

  constructor(port: MessagePort) {
    port.on('message', (task: ExploreTask) => {
      this.#waiting.push(task);
      this.#wake?.();
    });
  }

  async next(): Promise<ExploreTask> {
    for (;;) {
      const task = this.#waiting.shift();
      if (task !== undefined) return task;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }
}
