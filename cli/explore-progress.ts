/** Watches a search while it runs: how fast, how far, and on disk every few seconds. */
import { InputError } from '../contract/input-error.ts';
import type { Exploration } from '../properties/explore-atlas.ts';
import { counted } from '../report/tables.ts';
import type { Checkpoint } from './explore-checkpoint.ts';
import type { Output } from './output.ts';

/** Searches shorter than this say nothing in between, in milliseconds. */
const QUIET = 2000;
/** Least time between two checkpoints, in milliseconds. */
const BETWEEN_WRITES = 3000;
/** Writing takes at most one part in so many of the time. */
const SHARE = 20;

/** The clock of one run. */
export class LevelClock {
  /** Seconds that this run spent on each depth that it did from beginning to end. */
  readonly seconds = new Map<number, number>();
  readonly #checkpoint: Checkpoint;
  readonly #out: Output;
  readonly #depth: number;
  readonly #began = performance.now();
  #firstDone: number | null = null;
  #level: number | null = null;
  #levelBegan = performance.now();
  #isWhole = false;
  #nextWrite = performance.now() + BETWEEN_WRITES;
  #written = -1;
  #refused = false;

  constructor(checkpoint: Checkpoint, { out, depth }: { readonly out: Output; readonly depth: number }) {
    this.#checkpoint = checkpoint;
    this.#out = out;
    this.#depth = depth;
  }

  tick(exploration: Exploration): void {
    const now = performance.now();
    const ended = this.#follow(exploration, now);
    if (ended || now >= this.#nextWrite) this.#write(exploration);
    if (now - this.#began > QUIET) this.#tell(exploration, now);
  }

  /** The last write; after a failure what was on disk before it stays, so that the next run finds it again. */
  close(exploration: Exploration): void {
    this.#follow(exploration, performance.now());
    this.#write(exploration);
  }

  /** Notes the time of a depth that this run saw begin and end; true where a depth has ended. */
  #follow({ expanded, levels }: Exploration, now: number): boolean {
    let above = 0;
    let depth = 1;
    for (const { states } of levels) {
      if (expanded < above + states) break;
      above += states;
      depth++;
    }
    if (this.#level === depth) return false;
    const ended = this.#level;
    if (ended !== null && depth === ended + 1 && this.#isWhole)
      this.seconds.set(ended, (now - this.#levelBegan) / 1000);
    this.#firstDone ??= expanded;
    // Within a tick of the beginning is near enough.
    this.#isWhole = ended !== null || expanded === above;
    this.#level = depth;
    this.#levelBegan = now;
    return ended !== null;
  }

  #write(exploration: Exploration): void {
    const sound = exploration.failure === null && exploration.late === null;
    if (!sound || exploration.expanded === this.#written) return;
    const began = performance.now();
    try {
      this.#checkpoint.write(exploration.content);
    } catch (error) {
      // A disk that refuses must not end a search; what it finds is told all the same.
      if (!(error instanceof InputError)) throw error;
      if (!this.#refused) this.#out.note(`no checkpoint: ${error.message}`);
      this.#refused = true;
    }
    const took = performance.now() - began;
    this.#written = exploration.expanded;
    this.#nextWrite = began + Math.max(BETWEEN_WRITES, SHARE * took);
  }

  #tell(exploration: Exploration, now: number): void {
    const { expanded, size, levels } = exploration;
    const transitions = levels.reduce((sum, level) => sum + level.transitions, 0);
    const time = (now - this.#began) / 1000;
    const waiting = exploration.waiting(this.#depth);
    const speed = Math.round((expanded - (this.#firstDone ?? 0)) / time).toLocaleString('en-US');
    this.#out.progress(
      `depth ${levels.length - 1} of ${this.#depth}, ${counted(size, 'state')}, ` +
        `${waiting.toLocaleString('en-US')} to expand, ${counted(transitions, 'transition')}, ` +
        `${speed} states expanded/s, ${time.toFixed(0)} s`,
    );
  }
}
