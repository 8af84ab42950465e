/** Shares the scenarios to judge out among threads, and adds up what they came to, in the order of the scenarios. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import type { Combination } from '../judge/combinations.ts';
import type { JudgedScenario, MmuJob } from './job.ts';
import { type JobEnd, type Supervised, type Supervision, supervised, type Telling } from './supervisor.ts';

/** What was judged, up to the first scenario that differs. */
export interface MmuSums {
  scenarios: number;
  /** States judged; in one scenario each only once. */
  judged: number;
  /** Different ones among them. */
  readonly states: Set<string>;
  /** Accesses made in the guest. */
  probes: number;
  /** Words of tables read through the recursive window. */
  words: number;
  readonly combinations: Set<Combination>;
}

/** How it ended. */
export interface MmuEnd {
  readonly sums: MmuSums;
  readonly declares: KernelDeclaration | null;
  /** The first scenario that differs. */
  readonly failed: JudgedScenario | null;
  /** The end of a thread that gave no answer, if one did and nothing differs. */
  readonly fault: JobEnd | null;
  readonly interrupted: boolean;
  readonly stray: string | null;
}

/** What the threads need, and who wants to hear of it. */
export interface MmuTies extends Pick<Supervision, 'bin' | 'timeout' | 'tapes' | 'onNote'> {
  onSums(sums: MmuSums): void;
  /** At each scenario that differs from the model earlier than the one before, while it is still being shortened. */
  onDifference(judged: JudgedScenario): void;
  onProgress(text: string): void;
}

class Crew {
  readonly #job: MmuJob;
  readonly #ties: MmuTies;
  readonly #supervised: Supervised;
  readonly #early = new Map<number, JudgedScenario>();
  readonly #sums: MmuSums = {
    scenarios: 0,
    judged: 0,
    states: new Set(),
    probes: 0,
    words: 0,
    combinations: new Set(),
  };
  #declares: KernelDeclaration | null = null;
  #failed: JudgedScenario | null = null;
  #fault: JobEnd | null = null;
  #differs = Number.POSITIVE_INFINITY;
  #interrupted = false;

  constructor(job: MmuJob, ties: MmuTies) {
    this.#job = job;
    this.#ties = ties;
    this.#supervised = supervised(job, {
      bin: ties.bin,
      timeout: ties.timeout,
      tapes: ties.tapes,
      onNote: ties.onNote,
      onTelling: (telling) => this.#hear(telling),
      onEnd: (end) => this.#ended(end),
      onInterruption: () => {
        this.#interrupted = true;
      },
    });
  }

  async end(): Promise<MmuEnd> {
    const ends = await this.#supervised.ends;
    const strays = ends.flatMap((end) => (end.kind === 'answered' ? [end.answer.stray] : []));
    const total = this.#job.scenario === null ? this.#job.runs + 1 : 1;
    return {
      sums: this.#sums,
      declares: this.#declares,
      failed: this.#failed,
      fault: this.#failed === null ? this.#fault : null,
      interrupted: this.#interrupted && this.#sums.scenarios < total,
      stray: strays.find((text) => text !== null) ?? null,
    };
  }

  #hear(telling: Telling): void {
    if (telling.type === 'loaded') this.#declares = telling.declares;
    else if (telling.type === 'progress') this.#ties.onProgress(telling.text);
    else if (telling.type === 'judged') this.#take(telling.judged);
    else if (telling.type === 'differs' && telling.judged.index < this.#differs) {
      this.#differs = telling.judged.index;
      this.#ties.onDifference(telling.judged);
    }
  }

  #take(judged: JudgedScenario): void {
    this.#early.set(judged.index, judged);
    for (;;) {
      const next = this.#early.get(this.#sums.scenarios);
      if (next === undefined || this.#failed !== null) break;
      this.#early.delete(next.index);
      this.#add(next);
    }
    this.#ties.onSums(this.#sums);
  }

  #add(judged: JudgedScenario): void {
    const { verdict } = judged;
    const sums = this.#sums;
    sums.scenarios++;
    sums.judged += verdict.hashes.length;
    for (const hash of verdict.hashes) sums.states.add(hash);
    sums.probes += verdict.probes;
    sums.words += verdict.words;
    for (const seen of verdict.combinations) sums.combinations.add(seen);
    if (verdict.report.failure === null) return;
    this.#failed = judged;
    this.#stop();
  }

  #ended(end: JobEnd): void {
    if (end.kind === 'answered' || end.kind === 'interrupted') return;
    this.#fault ??= end;
    this.#stop();
  }

  #stop(): void {
    for (const recorder of this.#supervised.recorders) recorder.requestStop();
  }
}

/** Judges in as many threads as there are tapes. */
export const runMmu = (job: MmuJob, ties: MmuTies): Promise<MmuEnd> => new Crew(job, ties).end();
