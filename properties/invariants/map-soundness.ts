/** One pass over a map that clears it of several claims at once: nearly every map of every step is sound. */
import { isPageAligned } from '../../contract/address.ts';
import { permits, VM_PROT_ALL } from '../../contract/protection.ts';
import type { EntrySnapshot, MapSnapshot } from '../../contract/vm-map.ts';
import type { View } from '../view.ts';

/**
 * False where a map breaks one of the claims on the map itself: order, emptiness, bounds, alignment, size, number of
 * entries, protection, inheritance, lock. Which one, and where, is for the claim to say.
 */
function isSound(map: MapSnapshot): boolean {
  const { min, max, entries } = map;
  let reached: number = min;
  let covered = 0;
  for (const entry of entries) {
    if (entry.start < reached || entry.start >= entry.end || !isSoundEntry(entry)) return false;
    reached = entry.end;
    covered += entry.end - entry.start;
  }
  const bounded = reached <= max && isPageAligned(min) && isPageAligned(max);
  return bounded && map.size === covered && map.entryCount === entries.length && !map.locked;
}

const isSoundEntry = ({
  start,
  end,
  offset,
  protection,
  maxProtection,
  inheritance,
}: EntrySnapshot): boolean =>
  isPageAligned(start) &&
  isPageAligned(end) &&
  isPageAligned(offset) &&
  permits(maxProtection, protection) &&
  permits(VM_PROT_ALL, maxProtection) &&
  (inheritance === 0 || inheritance === 1 || inheritance === 2);

/** True when the step touched a map that breaks a claim of those above; the step itself may yet be wrong. */
export function touchesUnsoundMap({ touchedMaps }: View): boolean {
  for (const map of touchedMaps) if (!isSound(map)) return true;
  return false;
}
