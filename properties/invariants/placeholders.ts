/** Which entries stand for submaps. */
import type { EntrySnapshot, MapName, MapSnapshot } from '../../contract/vm-map.ts';
import { isMapCell, mapOfCell } from '../cells.ts';
import type { View } from '../view.ts';
import { changedEntries } from './map-changed.ts';
import { isPlaceholder } from './pages-lookup.ts';

/** An entry that stands for a submap. */
export interface Placeholder {
  readonly submap: MapName;
  readonly entry: EntrySnapshot;
}

/**
 * True when the step made or ended a map, moved its bounds, or changed its placeholders. Claims about placeholders
 * alone, judged after every such step, cannot come to be broken by any other.
 */
export function changesPlaceholders(view: View): boolean {
  if (view.step === null) return true;
  for (const cell of view.touched)
    if (isMapCell(cell) && differInPlaceholders(view.before(cell), view.maps.get(mapOfCell(cell)) ?? null))
      return true;
  return false;
}

function differInPlaceholders(was: MapSnapshot | null, is: MapSnapshot | null): boolean {
  if (was === null || is === null || was.min !== is.min || was.max !== is.max) return true;
  const { before, after } = changedEntries(was, is);
  return before.some(isPlaceholder) || after.some(isPlaceholder);
}

/** The placeholders of a map, ascending. */
export function placeholders(map: MapSnapshot): readonly Placeholder[] {
  const found: Placeholder[] = [];
  for (const entry of map.entries)
    if (entry.backing !== null && 'submap' in entry.backing)
      found.push({ submap: entry.backing.submap, entry });
  return found;
}
