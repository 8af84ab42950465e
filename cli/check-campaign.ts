/** The main thread's side of a campaign: hears its workers, decides which failure is the first, keeps it on disk. */
import type { ShrinkProgress } from '../properties/shrinker.ts';
import type { Tally } from '../properties/tally.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import type { ShrinkTale } from '../report/shrinking.ts';
import type { LoadedKernel } from './check-result.ts';
import { ChunkBoard } from './chunk-board.ts';
import { EXIT } from './exit-status.ts';
import { FailureShelf, taleOf } from './failure-shelf.ts';
import type { CampaignPart, CheckAnswer, CheckJob, FailedScenario } from './job.ts';
import { Ledger } from './ledger.ts';
import type { Kept } from './scenario-store.ts';
import { type JobEnd, type Supervision, supervised, type Telling } from './supervisor.ts';

/** Who wants to hear what of a campaign, and what its threads need. */
export interface CampaignTies extends Pick<Supervision, 'bin' | 'timeout' | 'tapes' | 'onNote'> {
  onLoaded(loaded: LoadedKernel): void;
  /** The parts in the order of their chunks, up to the first failure. */
  onEntered(part: CampaignPart): void;
  /** It is settled which failure is the first; it is on disk as it was found. */
  onFirst(failed: FailedScenario, kept: Kept): void;
  /** A smaller scenario fails alike; it is on disk, unless `path` is null. */
  onBetter(report: LockstepReport, path: string | null): void;
  /** Called several times a second while a failure shrinks. */
  onTrying(progress: ShrinkProgress): void;
  /** Called often while the campaign runs. */
  onTick(state: CampaignState): void;
}

/** How far a campaign has come. */
export interface CampaignState {
  readonly scenarios: number;
  readonly operations: number;
  readonly goals: number;
}

/** How a campaign ended. */
export interface CampaignEnd {
  /** The end that decides: of the worker with the first failure or fault, or of any. */
  readonly end: JobEnd;
  /** Counts of the scenarios up to the first failure or fault. */
  readonly tally: Tally;
  /** The first failure as found; null where there is none, or where a kernel's fault came first. */
  readonly failed: FailedScenario | null;
  /** How the shrinking ended, stored: null where nothing failed or the shrinking came to no end. */
  readonly shrunk: {
    readonly report: LockstepReport;
    readonly kept: Kept;
    readonly flaky: string | null;
    readonly tale: ShrinkTale;
  } | null;
  /** What any worker saw outside of calls. */
  readonly stray: string | null;
  readonly interrupted: boolean;
}

/** Something that went wrong, by the chunk in which it did; no scenario where the kernel gave no answer. */
interface Candidate {
  readonly chunk: number;
  readonly worker: number;
  readonly found: { readonly failed: FailedScenario; readonly kept: Kept } | null;
}

const MILLISECONDS_BETWEEN_TICKS = 100;

class Campaign {
  readonly #board = new ChunkBoard();
  readonly #ledger: Ledger;
  readonly #shelf: FailureShelf;
  readonly #ties: CampaignTies;
  readonly #searched = new Set<number>();
  #stop: () => void = () => undefined;
  #loaded = false;
  #first: Candidate | null = null;
  #decided = false;
  /** The worker whose end means that no other can go on. */
  #fatal: number | null = null;

  constructor(job: CheckJob, ties: CampaignTies) {
    this.#ties = ties;
    this.#ledger = new Ledger((part) => ties.onEntered(part));
    this.#shelf = new FailureShelf(job);
  }

  async run(job: CheckJob): Promise<CampaignEnd> {
    const { onTick, ...ties } = this.#ties;
    const { recorders, ends } = supervised(job, {
      ...ties,
      board: this.#board,
      onTelling: (telling, worker) => this.#hear(telling, worker),
      onEnd: (end, worker) => this.#ended(end, worker),
    });
    this.#stop = () => {
      for (const recorder of recorders) recorder.requestStop();
    };
    const ticks = setInterval(() => {
      const counts = recorders.map((recorder) => recorder.counted());
      const sum = (of: 'scenarios' | 'operations'): number => counts.reduce((n, count) => n + count[of], 0);
      onTick({ scenarios: sum('scenarios'), operations: sum('operations'), goals: this.#ledger.met });
    }, MILLISECONDS_BETWEEN_TICKS);
    try {
      return this.#concluded(await ends);
    } finally {
      clearInterval(ticks);
    }
  }

  #hear(telling: Telling, worker: number): void {
    if (telling.type === 'part') this.#take(telling.part, worker);
    else if (telling.type === 'searched') this.#done(worker);
    else if (telling.type === 'trying') this.#ties.onTrying(telling.progress);
    else if (telling.type === 'better')
      this.#ties.onBetter(telling.report, this.#shelf.better(telling.report));
    else if (telling.type === 'loaded' && !this.#loaded) {
      this.#loaded = true;
      this.#ledger.begin(telling.nothing);
      this.#ties.onLoaded(telling);
    }
  }

  #take(part: CampaignPart, worker: number): void {
    const { chunk, failed } = part;
    if (failed !== null && this.#isEarlier(chunk))
      this.#first = { chunk, worker, found: { failed, kept: this.#shelf.found(failed.report) } };
    this.#ledger.add(part);
  }

  #isEarlier(chunk: number): boolean {
    return this.#first === null || chunk < this.#first.chunk;
  }

  /** A thread that gave no answer failed where it was; one that never came to a scenario ends them all. */
  #ended(end: JobEnd, worker: number): void {
    if (
      end.kind === 'hung' ||
      end.kind === 'died' ||
      (end.kind === 'refused' && end.status === EXIT.kernel)
    ) {
      const { scenarios, chunk } = end.recorder.begun();
      if (scenarios === 0) this.#fail(worker);
      else if (this.#isEarlier(chunk)) {
        this.#first = { chunk, worker, found: null };
        this.#board.fails(chunk);
      }
    } else if (end.kind !== 'answered') this.#fail(worker);
    this.#done(worker);
  }

  #fail(worker: number): void {
    this.#fatal ??= worker;
    this.#stop();
  }

  /** Once no worker searches any more, it is settled whose failure is the first. */
  #done(worker: number): void {
    this.#searched.add(worker);
    if (this.#decided || this.#searched.size < this.#ties.tapes.length) return;
    this.#decided = true;
    const { chunk, found } = this.#first ?? { chunk: undefined, found: null };
    this.#ledger.close(found === null ? chunk : undefined);
    if (found !== null) this.#ties.onFirst(found.failed, found.kept);
    this.#board.decide(found === null ? null : (this.#first?.worker ?? null));
  }

  #concluded(ends: readonly JobEnd[]): CampaignEnd {
    const deciding = this.#fatal ?? this.#first?.worker ?? 0;
    const end = ends[deciding] ?? { kind: 'interrupted' };
    const answers = ends.flatMap((each) =>
      each.kind === 'answered' && each.answer.verb === 'check' ? [each.answer] : [],
    );
    return {
      end,
      tally: this.#ledger.total,
      failed: this.#first?.found?.failed ?? null,
      shrunk: this.#shrunk(answers),
      stray: answers.find(({ stray }) => stray !== null)?.stray ?? null,
      interrupted: answers.some(({ interrupted }) => interrupted),
    };
  }

  /** The result of the shrinking and the other failures that it met, on disk. */
  #shrunk(answers: readonly CheckAnswer[]): CampaignEnd['shrunk'] {
    for (const { shrunk, flaky } of answers)
      if (shrunk !== null) {
        const found = this.#first?.found?.failed.report ?? null;
        const kept = this.#shelf.shrunk(shrunk.report);
        return { report: shrunk.report, kept, flaky, tale: taleOf({ found, shrunk, flaky }, this.#shelf) };
      }
    return null;
  }
}

/** Runs the campaign in as many threads as there are tapes. */
export const runCheck = (job: CheckJob, ties: CampaignTies): Promise<CampaignEnd> =>
  new Campaign(job, ties).run(job);
