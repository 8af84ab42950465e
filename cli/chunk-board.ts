/**
 * Shared memory in which the workers of a campaign agree who runs what. Scenarios are dealt out in chunks by their
 * index; a chunk's scenarios follow from the seed alone, so it does not matter who runs it.
 */

/** Scenarios of a chunk: a few tenths of a second of work, so that the last worker to finish is not waited for long. */
export const CHUNK = 16;

const NEXT = 0;
/** The lowest chunk in which something failed. */
const FAILED = 1;
const VERDICT = 2;
const BYTES = 64;
const NO_CHUNK = 0x7fff_ffff;

const PENDING = 0;
const NOBODY = -1;
/** Milliseconds between two looks at whether the run was asked to end. */
const PATIENCE = 50;

/** Both ends of the shared memory. */
export class ChunkBoard {
  /** The memory; goes to the workers as it is. */
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(shared?: SharedArrayBuffer) {
    this.shared = shared ?? new SharedArrayBuffer(BYTES);
    this.#words = new Int32Array(this.shared);
    if (shared === undefined) Atomics.store(this.#words, FAILED, NO_CHUNK);
  }

  /** The next chunk that nobody has. */
  claim(): number {
    return Atomics.add(this.#words, NEXT, 1);
  }

  /** Notes that a scenario of the chunk failed: later chunks no longer matter. */
  fails(chunk: number): void {
    let seen = Atomics.load(this.#words, FAILED);
    while (chunk < seen) seen = Atomics.compareExchange(this.#words, FAILED, seen, chunk);
  }

  /** Whether an earlier chunk failed. */
  isVain(chunk: number): boolean {
    return Atomics.load(this.#words, FAILED) < chunk;
  }

  /** Says whose failure is the first; null: nobody's that a worker could go on with. */
  decide(worker: number | null): void {
    Atomics.store(this.#words, VERDICT, worker === null ? NOBODY : worker + 1);
    Atomics.notify(this.#words, VERDICT);
  }

  /** Waits until it is decided; whether this worker's failure is the first. False when told to stop. */
  isFirst(worker: number, shouldStop: () => boolean): boolean {
    while (Atomics.load(this.#words, VERDICT) === PENDING) {
      if (shouldStop()) return false;
      Atomics.wait(this.#words, VERDICT, PENDING, PATIENCE);
    }
    return Atomics.load(this.#words, VERDICT) === worker + 1;
  }
}
