/** Two states of one map laid over each other: what every address meant before and means now. */
import { objectOffset } from '../../contract/address.ts';
import type { EntrySnapshot } from '../../contract/vm-map.ts';
import { backingName, sameBacking } from './phrase.ts';

/** Called with a range in which neither state has a boundary; null: not allocated. */
export type SegmentVisitor = (
  start: number,
  end: number,
  was: EntrySnapshot | null,
  now: EntrySnapshot | null,
) => void;

/**
 * Visits, in address order, every segment that either list covers; segments also end at each of the `cuts`.
 * Ends on any input; for lists that do not ascend some segments are left out, which INV-MAP-SORTED reports.
 */
export function overlay(
  before: readonly EntrySnapshot[],
  after: readonly EntrySnapshot[],
  visit: SegmentVisitor,
  cuts: readonly number[] = [],
): void {
  let position = 0;
  for (let i = 0, j = 0; i < before.length || j < after.length; ) {
    const a = before[i];
    const b = after[j];
    if (a !== undefined && a.end <= position) i += 1;
    else if (b !== undefined && b.end <= position) j += 1;
    else {
      const was = a !== undefined && a.start <= position ? a : null;
      const now = b !== undefined && b.start <= position ? b : null;
      let next = Math.min(boundary(a, was), boundary(b, now));
      for (const cut of cuts) if (position < cut && cut < next) next = cut;
      if (was !== null || now !== null) visit(position, next, was, now);
      position = next;
    }
  }
}

const boundary = (entry: EntrySnapshot | undefined, covering: EntrySnapshot | null): number =>
  covering?.end ?? entry?.start ?? Number.POSITIVE_INFINITY;

/** Object offset of an address under an entry, modulo 2^32. */
export const offsetAt = (entry: EntrySnapshot, address: number): number =>
  objectOffset(entry.offset + (address - entry.start));

/**
 * What differs between the meanings of `address` under two entries, or null. Offsets count only where there is an object;
 * `wiring: false` leaves the wired count out.
 */
export function differenceAt(
  address: number,
  was: EntrySnapshot | null,
  now: EntrySnapshot | null,
  { wiring }: { readonly wiring: boolean },
): string | null {
  if (was === null || now === null)
    return was === now ? null : now === null ? 'is no longer allocated' : 'is newly allocated';
  if (!sameBacking(was, now)) return `${backingName(was)} became ${backingName(now)}`;
  if (hasObject(was) && offsetAt(was, address) !== offsetAt(now, address))
    return `offset ${offsetAt(was, address)} became ${offsetAt(now, address)}`;
  for (const field of ATTRIBUTES)
    if (was[field] !== now[field]) return `${field} ${was[field]} became ${now[field]}`;
  if (wiring && was.wiredCount !== now.wiredCount)
    return `wiredCount ${was.wiredCount} became ${now.wiredCount}`;
  return null;
}

const ATTRIBUTES = ['protection', 'maxProtection', 'inheritance', 'copyOnWrite', 'needsCopy'] as const;

const hasObject = ({ backing }: EntrySnapshot): boolean => backing !== null && 'object' in backing;
