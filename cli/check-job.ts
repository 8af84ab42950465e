/** A worker's part of a campaign: chunk after chunk until none is left or one fails; then the shrinking of that. */
import type { KernelModule } from '../contract/kernel-memory.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { Search, type SearchOptions } from '../properties/search.ts';
import type { Tally } from '../properties/tally.ts';
import type { Turn } from '../properties/turns.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { WORKLOAD_NAMES, type WorkloadName } from '../properties/workloads.ts';
import { CHUNK, type ChunkBoard } from './chunk-board.ts';
import { flakyFailure } from './corpus-job.ts';
import { eventOf } from './events-scenario.ts';
import type { ScenarioEvent } from './events-schema.ts';
import type { FlightRecorder } from './flight-recorder.ts';
import type { CampaignPart, CheckAnswer, CheckJob, JobMessage } from './job.ts';
import { shrinkTimed } from './shrinking.ts';

/** A worker's ties to the main thread and to the other workers. */
export interface WorkerTies {
  readonly worker: number;
  readonly board: ChunkBoard;
  readonly recorder: FlightRecorder;
  post(message: JobMessage): void;
  /** Throws where what a kernel did to its thread makes every verdict worthless. */
  trust(): void;
}

/** One campaign's share of this worker. */
class ChunkSearch {
  readonly #job: CheckJob;
  readonly #ties: WorkerTies;
  /** What searching and shrinking have in common. */
  readonly #options: SearchOptions;
  readonly #search: Search;
  /** The chunk at hand, and the operations that its scenarios ran so far. */
  #chunk = -1;
  #operations = 0;
  #events: ScenarioEvent[] = [];
  #began = 0;

  constructor(job: CheckJob, candidate: KernelModule, ties: WorkerTies) {
    this.#job = job;
    this.#ties = ties;
    this.#options = {
      reference: referenceKernel,
      candidate,
      seed: job.seed,
      runs: job.runs,
      workload: workloadNamed(job.workload),
    };
    this.#search = new Search({
      ...this.#options,
      ...(job.milliseconds === null ? {} : { timeLimit: job.milliseconds }),
      turn: (index) => this.#turn(index),
      shouldStop: () => ties.recorder.stopRequested() || ties.board.isVain(this.#chunk),
      onReport: (report, index) => this.#ran(report, index),
    });
  }

  /** A chunk that is claimed lies ahead or is here: others are skipped on the way to it. */
  #turn(index: number): Turn {
    const { board, recorder } = this.#ties;
    const here = Math.floor(index / CHUNK);
    if (this.#chunk < here) {
      this.#chunk = board.claim();
      this.#operations = 0;
    }
    if (this.#chunk * CHUNK >= this.#job.runs || board.isVain(this.#chunk)) return 'end';
    if (this.#chunk !== here) return 'skip';
    this.#began = performance.now();
    recorder.begins(index + 1, { chunk: this.#chunk, operations: this.#operations });
    return 'run';
  }

  #ran(report: LockstepReport, index: number): void {
    const { recorder, board, trust } = this.#ties;
    const { events } = this.#job;
    const operations = report.expected.length;
    this.#operations += operations;
    recorder.ran(operations);
    if (events !== null)
      this.#events.push(
        eventOf(report, index, {
          kernel: this.#options.candidate.declares.name,
          began: events.timing ? this.#began : null,
        }),
      );
    if (report.failure !== null) {
      trust();
      board.fails(this.#chunk);
      this.#hand({ report, index });
    } else if ((index + 1) % CHUNK === 0 || index + 1 === this.#job.runs) this.#hand(null);
  }

  /** Hands over what was counted since the last time. */
  #hand(failed: CampaignPart['failed']): void {
    const tally = this.#search.take();
    if (tally.scenarios === 0) return;
    this.#ties.post({ type: 'part', part: { chunk: this.#chunk, tally, failed, events: this.#events } });
    this.#events = [];
  }

  /** What there is to count, before anything is. */
  get blank(): { goals: { id: string; claim: string }[]; nothing: Tally } {
    return {
      goals: this.#search.goals.map(({ id, claim }) => ({ id, claim })),
      nothing: this.#search.take(),
    };
  }

  run(): CheckAnswer {
    const { recorder, board, worker, post } = this.#ties;
    const { failure, interrupted } = this.#search.run();
    this.#hand(null);
    post({ type: 'searched' });
    const stopRequested = (): boolean => recorder.stopRequested();
    const first = failure !== null && board.isFirst(worker, stopRequested);
    const milliseconds = this.#job.shrinkMilliseconds;
    const shrunk = first
      ? shrinkTimed(failure.report, this.#options, { milliseconds, recorder, post })
      : null;
    return {
      verb: 'check',
      kernel: this.#options.candidate.declares.name,
      interrupted: interrupted && stopRequested(),
      shrunk,
      flaky: shrunk === null ? null : flakyFailure([failure?.report, shrunk.report], this.#options.candidate),
      stray: null,
    };
  }
}

/** Takes part in the campaign until it is over for this worker. */
export function checkCampaign(job: CheckJob, candidate: KernelModule, ties: WorkerTies): CheckAnswer {
  const search = new ChunkSearch(job, candidate, ties);
  ties.post({ type: 'loaded', declares: candidate.declares, ...search.blank });
  return search.run();
}

function workloadNamed(name: string): WorkloadName | 'default' {
  const known = WORKLOAD_NAMES.find((workload) => workload === name);
  return known ?? 'default';
}
