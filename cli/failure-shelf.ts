/**
 * Keeps what a campaign finds on disk while it is still running: the failure as found before it shrinks, the best so
 * far while it does. Removes only files that this run made.
 */
import { readdirSync, renameSync, unlinkSync } from 'node:fs';
import { basename } from 'node:path';
import type { Shrunk } from '../properties/shrink.ts';
import { signatureOf } from '../properties/signature.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import type { ShrinkTale } from '../report/shrinking.ts';
import { type FailurePlace, type Kept, storeFailure } from './scenario-store.ts';

const FLAKY_REASON = 'the kernel is flaky, its verdict changes from run to run';

/** The files of one campaign. */
export class FailureShelf {
  readonly #place: FailurePlace;
  readonly #before: ReadonlySet<string>;
  #found: Kept | null = null;
  #best: string | null = null;

  /** Notes what lies in the directory already. */
  constructor(place: FailurePlace) {
    this.#place = place;
    this.#before = new Set(namesIn(place.out));
  }

  /** Keeps the first failure as it was found; one that was taken for the first before gives way. */
  found(report: LockstepReport): Kept {
    const kept = storeFailure(this.#place, report, 'unshrunk');
    const { path: wrong = null } = this.#found ?? {};
    this.#found = kept;
    if (wrong === null || wrong === kept.path) return kept;
    // Both were on disk for a moment; now the name that this one would have had alone is free.
    this.#remove(wrong);
    this.#found = storeFailure(this.#place, report, 'unshrunk');
    if (kept.path !== null && kept.path !== this.#found.path) this.#remove(kept.path);
    return this.#found;
  }

  /** Keeps a smaller scenario in the place of the last one; its path, or null where it cannot be stored. */
  better(report: LockstepReport): string | null {
    const { path } = storeFailure(this.#place, report, 'shrinking');
    if (path === null) return this.#best;
    if (this.#best === null || path === this.#best || !this.#isOurs(this.#best)) this.#best = path;
    else if (!tried(renameSync, path, this.#best)) this.#best = path;
    return this.#best;
  }

  /** Keeps the result of the shrinking, which makes the best so far superfluous. */
  shrunk(report: LockstepReport): Kept {
    const kept = storeFailure(this.#place, report, null);
    if (kept.path !== null && this.#best !== null) this.#remove(this.#best);
    this.#best = null;
    return kept;
  }

  /** Keeps a failure of another sort. */
  other(report: LockstepReport): Kept {
    return storeFailure(this.#place, report, 'other');
  }

  #isOurs(path: string): boolean {
    return !this.#before.has(basename(path));
  }

  #remove(path: string): void {
    if (this.#isOurs(path)) tried(unlinkSync, path);
  }
}

/**
 * What the shrinking came to; the other failures that it met go to the shelf. `flaky`: why the kernel is, or null: the
 * verdicts of a flaky kernel certify nothing.
 */
export function taleOf(
  { found, shrunk, flaky }: { found: LockstepReport | null; shrunk: Shrunk; flaky: string | null },
  shelf: FailureShelf,
): ShrinkTale {
  const { report, certificate, others } = shrunk;
  return {
    certificate: flaky === null ? certificate : { ...certificate, minimal: false, reason: FLAKY_REASON },
    found: found === null ? null : signatureOf(found),
    shrunk: signatureOf(report),
    others: others.map((other) => ({ signature: signatureOf(other), path: shelf.other(other).path })),
  };
}

/** Whether it worked: someone else may have tidied up, and a file too many harms nobody. */
function tried<Names extends readonly string[]>(run: (...names: Names) => void, ...names: Names): boolean {
  try {
    run(...names);
    return true;
  } catch {
    return false;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
