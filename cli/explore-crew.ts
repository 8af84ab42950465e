/** Shares a search out among threads. What comes back is taken over in the order of the states, whoever expanded them. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { Exploration } from '../properties/explore-atlas.ts';
import type { Expansion, Node } from '../properties/explore-node.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import type { ExploreTask } from './explore-job.ts';
import type { ExploreJob } from './job.ts';
import { type JobEnd, type Supervised, type Supervision, supervised, type Telling } from './supervisor.ts';

/** Who wants to hear of a search, and what its threads need. */
export interface CrewTies extends Pick<Supervision, 'bin' | 'timeout' | 'tapes' | 'onNote'> {
  readonly depth: number;
  /** What an earlier run left; null to begin. */
  readonly begun: Exploration | null;
  onLoaded(declares: KernelDeclaration): void;
  /** Called often while the search runs. */
  onTick(exploration: Exploration): void;
}

/** How a search ended. */
export interface CrewEnd {
  /** Null where not even the machine booted. */
  readonly exploration: Exploration | null;
  /** A shortest failing sequence, or one that fails at boot. */
  readonly failure: LockstepReport | null;
  /** The end of a thread that gave no answer and came first, if one did. */
  readonly fault: JobEnd | null;
  readonly interrupted: boolean;
  readonly stray: string | null;
}

/** States handed to a thread at once: about half a second of work. */
const MOST_NODES = 16;
/** Chunks that a thread has before it, so that it need not wait for the next. */
const AHEAD = 2;
const MILLISECONDS_BETWEEN_TICKS = 100;

class Crew {
  readonly #ties: CrewTies;
  readonly #supervised: Supervised;
  /** Expansions that came before their turn, by the number of the state. */
  readonly #early = new Map<number, Expansion>();
  /** Numbers of the first states of the chunks that each thread has. */
  readonly #held: number[][];
  readonly #ready: boolean[];
  #exploration: Exploration | null;
  #atBoot: LockstepReport | null = null;
  #dealt = 0;
  #finished = false;
  #interrupted = false;
  /** Ends of threads that gave no answer, by the first state that they may have been at. */
  readonly #faults: { readonly at: number; readonly end: JobEnd }[] = [];

  constructor(job: ExploreJob, ties: CrewTies) {
    this.#ties = ties;
    this.#exploration = ties.begun;
    this.#dealt = ties.begun?.expanded ?? 0;
    this.#held = ties.tapes.map(() => []);
    this.#ready = ties.tapes.map(() => false);
    this.#supervised = supervised(job, {
      bin: ties.bin,
      timeout: ties.timeout,
      tapes: ties.tapes,
      onNote: ties.onNote,
      onTelling: (telling, worker) => this.#hear(telling, worker),
      onEnd: (end, worker) => this.#ended(end, worker),
      onInterruption: () => {
        this.#interrupted = true;
        this.#finish();
      },
    });
  }

  async end(): Promise<CrewEnd> {
    const ticks = setInterval(() => {
      if (this.#exploration !== null) this.#ties.onTick(this.#exploration);
    }, MILLISECONDS_BETWEEN_TICKS);
    const ends = await this.#supervised.ends.finally(() => clearInterval(ticks));
    const stray = ends.flatMap((end) => (end.kind === 'answered' ? [end.answer.stray] : []));
    const failure = this.#atBoot ?? this.#exploration?.failure ?? this.#exploration?.late ?? null;
    const [first] = this.#faults.toSorted((one, other) => one.at - other.at);
    return {
      exploration: this.#exploration,
      failure,
      fault: failure === null ? (first?.end ?? null) : null,
      interrupted: this.#interrupted || ends.some(({ kind }) => kind === 'interrupted'),
      stray: stray.find((text) => text !== null) ?? null,
    };
  }

  #hear(telling: Telling, worker: number): void {
    if (telling.type === 'loaded') this.#ties.onLoaded(telling.declares);
    else if (telling.type === 'root') this.#begin(telling.root, worker);
    else if (telling.type === 'expanded') this.#take(telling, worker);
  }

  #begin(root: Node | LockstepReport, worker: number): void {
    this.#ready[worker] = true;
    if ('scenario' in root) {
      this.#atBoot ??= root;
      this.#finish();
    } else this.#exploration ??= new Exploration(root);
    this.#deal();
  }

  #take(
    { first, expansions }: { readonly first: number; readonly expansions: readonly Expansion[] },
    worker: number,
  ) {
    const held = this.#held[worker] ?? [];
    held.splice(held.indexOf(first), 1);
    expansions.forEach((expansion, i) => {
      this.#early.set(first + i, expansion);
    });
    const exploration = this.#exploration;
    if (exploration === null) return;
    for (;;) {
      const next = this.#early.get(exploration.expanded);
      if (next === undefined || exploration.failure !== null) break;
      this.#early.delete(exploration.expanded);
      exploration.absorb(next);
    }
    this.#deal();
  }

  /** Hands out states to whoever has too few; ends the work where there are none left, or where one cannot be expanded. */
  #deal(): void {
    const exploration = this.#exploration;
    if (exploration === null || this.#finished) return;
    const { depth } = this.#ties;
    const stuck = this.#faults.some(({ at }) => at <= exploration.expanded);
    if (stuck || exploration.next(depth) === null) {
      this.#finish();
      return;
    }
    for (let share = 0; share < AHEAD; share++)
      this.#held.forEach((held, worker) => {
        if (this.#ready[worker] !== true || held.length > share || this.#faults.length > 0) return;
        const nodes = this.#chunk(exploration, depth);
        if (nodes.length === 0) return;
        held.push(this.#dealt);
        this.#tell(worker, { first: this.#dealt, nodes });
        this.#dealt += nodes.length;
      });
  }

  #chunk(exploration: Exploration, depth: number): Node[] {
    const waiting = exploration.size - this.#dealt;
    const size = Math.min(MOST_NODES, Math.max(1, Math.ceil(waiting / (AHEAD * this.#held.length))));
    const nodes: Node[] = [];
    while (nodes.length < size) {
      const node = exploration.ahead(this.#dealt + nodes.length, depth);
      if (node === null) break;
      nodes.push(node);
    }
    return nodes;
  }

  /** A thread that gave no answer was at the first of its states, or behind it. */
  #ended(end: JobEnd, worker: number): void {
    if (end.kind === 'answered' || end.kind === 'interrupted') return;
    this.#ready[worker] = false;
    this.#faults.push({ at: this.#held[worker]?.[0] ?? 0, end });
    if (this.#exploration === null || end.kind === 'internal') this.#finish();
    else this.#deal();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    for (const worker of this.#held.keys()) this.#tell(worker, 'end');
    // Whoever is in the middle of a chunk ends after the state at hand.
    for (const recorder of this.#supervised.recorders) recorder.requestStop();
  }

  #tell(worker: number, task: ExploreTask): void {
    this.#supervised.tell(worker, task);
  }
}

/** Searches in as many threads as there are tapes. */
export const runCrew = (job: ExploreJob, ties: CrewTies): Promise<CrewEnd> => new Crew(job, ties).end();
