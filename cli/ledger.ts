/** Puts the parts of a campaign together in the order of their chunks, up to the first failure and no further. */
import { addTally, emptyTally, type Tally } from '../properties/tally.ts';
import type { CampaignPart } from './job.ts';

/** The account of a campaign: the same whatever order its parts arrive in. */
export class Ledger {
  readonly #onEntered: (part: CampaignPart) => void;
  readonly #total: Tally = emptyTally([], 0);
  /** Goals met in any part that has arrived, entered or not. */
  readonly #met = new Set<number>();
  readonly #waiting = new Map<number, CampaignPart>();
  #next = 0;
  #closed = false;

  /** `onEntered` hears of the parts in the order of their chunks. */
  constructor(onEntered: (part: CampaignPart) => void = () => undefined) {
    this.#onEntered = onEntered;
  }

  /** Begins with a tally that has every row and goal, all of them zero. */
  begin(nothing: Tally): void {
    addTally(this.#total, nothing);
  }

  /** Takes the part of a chunk; each chunk has one. */
  add(part: CampaignPart): void {
    for (const [goal, count] of part.tally.goals.entries()) if (count > 0) this.#met.add(goal);
    this.#waiting.set(part.chunk, part);
    for (let next = this.#waiting.get(this.#next); next !== undefined; next = this.#waiting.get(this.#next)) {
      this.#enter(next);
      this.#next += 1;
    }
  }

  /** Enters what an interrupted campaign left, gaps and all, of the chunks below `end`. */
  close(end = Number.POSITIVE_INFINITY): void {
    const rest = [...this.#waiting.values()].sort((a, b) => a.chunk - b.chunk);
    for (const part of rest) if (part.chunk < end) this.#enter(part);
    this.#closed = true;
  }

  #enter(part: CampaignPart): void {
    this.#waiting.delete(part.chunk);
    if (this.#closed) return;
    addTally(this.#total, part.tally);
    this.#closed = part.failed !== null;
    this.#onEntered(part);
  }

  /** What was entered so far. */
  get total(): Tally {
    return this.#total;
  }

  /** How many goals were met in any part, entered or not. */
  get met(): number {
    return this.#met.size;
  }
}
