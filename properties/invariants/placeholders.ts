/** Which entries stand for submaps. */
import type { EntrySnapshot, MapName, MapSnapshot } from '../../contract/vm-map.ts';

/** An entry that stands for a submap. */
export interface Placeholder {
  readonly submap: MapName;
  readonly entry: EntrySnapshot;
}

const known = new WeakMap<MapSnapshot, readonly Placeholder[]>();

/** The placeholders of a map, ascending; remembered for as long as the snapshot lives. */
export function placeholders(map: MapSnapshot): readonly Placeholder[] {
  const cached = known.get(map);
  if (cached !== undefined) return cached;
  const found: Placeholder[] = [];
  for (const entry of map.entries)
    if (entry.backing !== null && 'submap' in entry.backing)
      found.push({ submap: entry.backing.submap, entry });
  known.set(map, found);
  return found;
}
