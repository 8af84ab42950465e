/** What the entry list of a map is: ascending, disjoint, page by page, inside the map, and counted right. */
import { isPageAligned } from '../../contract/address.ts';
import type { EntrySnapshot, MapSnapshot } from '../../contract/vm-map.ts';
import { type Invariant, stateless, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { touchesUnsoundMap } from './map-soundness.ts';
import { hex, span } from './phrase.ts';

const sorted: Invariant = {
  id: 'INV-MAP-SORTED',
  claim: 'The entries of a map ascend: each starts at or above the end of the one before it.',
  source: 'vm_map.c: vm_map_entry_link; MAP-INSERT-2',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps'],
  looksAt: ['map'],
  watch: statelessWhere(touchesUnsoundMap, function* ({ touchedMaps }) {
    for (const { name, entries } of touchedMaps) {
      let previous: EntrySnapshot | undefined;
      for (const entry of entries) {
        if (previous !== undefined && previous.end > entry.start)
          yield `map ${name}: entry ${shown(previous)} is followed by ${shown(entry)}`;
        previous = entry;
      }
    }
  }),
};

const nonOverlap: Invariant = {
  id: 'INV-MAP-NONOVERLAP',
  claim: 'No two entries of a map share an address.',
  source: 'vm_map.c: vm_map_insert; MAP-INSERT-2',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['maps'],
  watch: stateless(function* ({ maps }) {
    for (const { name, entries } of maps.values()) {
      let highest: EntrySnapshot | undefined;
      for (const entry of [...entries].sort((a, b) => a.start - b.start)) {
        if (highest !== undefined && highest.end > entry.start)
          yield `map ${name}: ${shown(highest)} and ${shown(entry)} share ${hex(entry.start)}`;
        if (highest === undefined || entry.end > highest.end) highest = entry;
      }
    }
  }),
};

const nonEmpty: Invariant = {
  id: 'INV-MAP-NONEMPTY',
  claim: 'Every map entry covers at least one byte.',
  source: 'vm_map.c: vm_map_insert, _vm_map_clip_start, _vm_map_clip_end; MAP-CLIP-1, MAP-CLIP-4',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps'],
  looksAt: ['map'],
  watch: statelessWhere(touchesUnsoundMap, function* ({ touchedMaps }) {
    for (const { name, entries } of touchedMaps)
      for (const entry of entries)
        if (entry.start >= entry.end) yield `map ${name}: entry ${shown(entry)} is empty or inverted`;
  }),
};

const bounds: Invariant = {
  id: 'INV-MAP-BOUNDS',
  claim: 'Entries lie inside their map, and the bounds of a map never change.',
  source: 'vm_map.c: vm_map_create, vm_map_insert; MAP-CREATE-1, MAP-INSERT-1',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps'],
  looksAt: ['map'],
  watch: statelessWhere(
    (view) => touchesUnsoundMap(view) || movesBounds(view),
    function* (view) {
      for (const map of view.touchedMaps) {
        const born = view.mapBefore(map.name);
        if (born !== null && (born.min !== map.min || born.max !== map.max))
          yield `map ${map.name}: bounds ${span(born.min, born.max)} became ${span(map.min, map.max)}`;
        for (const entry of map.entries)
          if (entry.start < map.min || entry.end > map.max)
            yield `map ${map.name} ${span(map.min, map.max)}: entry ${shown(entry)} reaches outside`;
      }
    },
  ),
};

function movesBounds(view: View): boolean {
  for (const map of view.touchedMaps) {
    const born = view.mapBefore(map.name);
    if (born !== null && (born.min !== map.min || born.max !== map.max)) return true;
  }
  return false;
}

const aligned: Invariant = {
  id: 'INV-MAP-ALIGN',
  claim: 'Bounds of maps and entries and the offsets of entries are multiples of the page size.',
  source: 'vm_map.c: vm_map_insert, vm_map_clip_start; MAP-0, MAP-CREATE-1',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps'],
  looksAt: ['map'],
  watch: statelessWhere(touchesUnsoundMap, function* ({ touchedMaps }) {
    for (const map of touchedMaps) {
      if (!isPageAligned(map.min) || !isPageAligned(map.max))
        yield `map ${map.name}: bounds ${span(map.min, map.max)} are not page-aligned`;
      for (const entry of map.entries)
        if (!isPageAligned(entry.start) || !isPageAligned(entry.end) || !isPageAligned(entry.offset))
          yield `map ${map.name}: entry ${shown(entry)} at offset ${hex(entry.offset)} is not page-aligned`;
    }
  }),
};

const size: Invariant = {
  id: 'INV-MAP-SIZE',
  claim: 'The size of a map is the sum of the lengths of its entries.',
  source: 'vm_map.c: vm_map_insert, vm_map_entry_delete; MAP-INSERT-6, MAP-DEL-2',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['maps'],
  looksAt: ['map'],
  watch: statelessWhere(touchesUnsoundMap, function* ({ touchedMaps }) {
    for (const map of touchedMaps) {
      const sum = lengthOf(map);
      if (map.size !== sum) yield `map ${map.name}: size is ${map.size}, its entries cover ${sum} bytes`;
    }
  }),
};

const entryCount: Invariant = {
  id: 'INV-MAP-NENT',
  claim: 'nentries is the number of entries in the list.',
  source: 'vm_map.h: vm_map_entry_link, vm_map_entry_unlink; MAP-INSERT-6, MAP-CLIP-1, MAP-SIMPL-1',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['maps', 'structure'],
  looksAt: ['map'],
  watch: statelessWhere(touchesUnsoundMap, function* ({ touchedMaps }: View) {
    for (const { name, entryCount: counted, entries } of touchedMaps)
      if (counted !== entries.length)
        yield `map ${name}: nentries is ${counted}, ${entries.length} are listed`;
  }),
};

function lengthOf({ entries }: MapSnapshot): number {
  let sum = 0;
  for (const { start, end } of entries) sum += end - start;
  return sum;
}

const shown = ({ start, end }: EntrySnapshot): string => span(start, end);

/** Order, disjointness, alignment, bounds and counts of entry lists. */
export const mapOrderInvariants: readonly Invariant[] = [
  sorted,
  nonOverlap,
  nonEmpty,
  bounds,
  aligned,
  size,
  entryCount,
];
