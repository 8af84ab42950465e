/** The part of a map that a step changed: most entries stay as they are. */
import type { EntrySnapshot, MapSnapshot } from '../../contract/vm-map.ts';
import { sameEntry } from '../equality.ts';

/** The entries of two states of a map between those that are equal at either end. */
export interface ChangedEntries {
  readonly before: readonly EntrySnapshot[];
  readonly after: readonly EntrySnapshot[];
}

const NOTHING: readonly EntrySnapshot[] = [];
const UNCHANGED: ChangedEntries = { before: NOTHING, after: NOTHING };

/** Several claims ask for the same changes of one step, which touches few maps: the last answers are kept. */
const kept: { was: MapSnapshot; is: MapSnapshot; changed: ChangedEntries }[] = [];
const MOST_KEPT = 4;
let oldest = 0;

/** What lies between the equal first and the equal last entries; null stands for a map that does not exist. */
export function changedEntries(was: MapSnapshot | null, is: MapSnapshot | null): ChangedEntries {
  if (was === is) return UNCHANGED;
  if (was === null || is === null) return { before: was?.entries ?? NOTHING, after: is?.entries ?? NOTHING };
  for (const known of kept) if (known.is === is && known.was === was) return known.changed;
  const changed = trimmed(was.entries, is.entries);
  kept[oldest] = { was, is, changed };
  oldest = (oldest + 1) % MOST_KEPT;
  return changed;
}

function trimmed(before: readonly EntrySnapshot[], after: readonly EntrySnapshot[]): ChangedEntries {
  const shorter = Math.min(before.length, after.length);
  let first = 0;
  while (first < shorter && isSameAt(before, first, after, first)) first += 1;
  if (first === before.length && first === after.length) return UNCHANGED;
  let beforeEnd = before.length;
  let afterEnd = after.length;
  while (beforeEnd > first && afterEnd > first && isSameAt(before, beforeEnd - 1, after, afterEnd - 1)) {
    beforeEnd -= 1;
    afterEnd -= 1;
  }
  return { before: before.slice(first, beforeEnd), after: after.slice(first, afterEnd) };
}

function isSameAt(
  before: readonly EntrySnapshot[],
  i: number,
  after: readonly EntrySnapshot[],
  j: number,
): boolean {
  const was = before[i];
  const is = after[j];
  return was !== undefined && is !== undefined && (was === is || sameEntry(was, is));
}
