/** How maps hang together: placeholders, references, and addresses that belong to one map only. */
import type { EntrySnapshot, MapName, MapSnapshot } from '../../contract/vm-map.ts';
import { type Invariant, stateless, statelessWhere } from '../invariant.ts';
import type { StateView, View } from '../view.ts';
import { hex, span } from './phrase.ts';
import { changesPlaceholders, placeholders } from './placeholders.ts';

const contain: Invariant = {
  id: 'INV-MAP-SUBCONTAIN',
  claim: 'The placeholders of a submap together cover exactly its bounds, without gap or overlap.',
  source: 'vm_map.c: vm_map_submap; MAP-SUB-2, MAP-CLIP-2, MAP-DEL-1',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps'],
  looksAt: ['map'],
  watch: statelessWhere(changesPlaceholders, function* (view) {
    for (const [name, pieces] of piecesBySubmap(view)) {
      const map = view.maps.get(name);
      if (map === undefined) {
        yield `submap ${name} is named by an entry but does not exist`;
        continue;
      }
      let reached: number = map.min;
      for (const { start, end } of pieces) {
        if (start !== reached)
          yield `submap ${name}: piece ${span(start, end)} should start at ${hex(reached)}`;
        reached = end;
      }
      if (reached !== map.max)
        yield `submap ${name} ${span(map.min, map.max)}: its pieces end at ${hex(reached)}`;
    }
  }),
};

const exclusive: Invariant = {
  id: 'INV-MAP-SUBEXCL',
  claim: 'A submap is named by entries of one map only, and a placeholder is never wired.',
  source: 'vm_map.c: vm_map_submap, vm_map_pageable; MAP-SUB-1, MAP-SUB-3',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps'],
  looksAt: ['map'],
  watch: statelessWhere(changesPlaceholders, function* ({ maps }) {
    const parents = new Map<MapName, MapName>();
    for (const map of maps.values())
      for (const { submap, entry } of placeholders(map)) {
        const parent = parents.get(submap) ?? map.name;
        parents.set(submap, parent);
        if (parent !== map.name) yield `submap ${submap} is named by maps ${parent} and ${map.name}`;
        if (entry.wiredCount !== 0)
          yield `map ${map.name}: placeholder ${span(entry.start, entry.end)} of ${submap} has wiredCount ${entry.wiredCount}`;
      }
  }),
};

const acyclic: Invariant = {
  id: 'INV-MAP-SUBACYCLIC',
  claim: 'No map contains itself, directly or through its submaps.',
  source: 'vm_map.c: vm_map_submap; MAP-SUB-1',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['maps'],
  watch: stateless(function* ({ maps }) {
    for (const { name } of maps.values()) {
      const below = new Set(submapsOf(maps, name));
      for (const submap of below) for (const deeper of submapsOf(maps, submap)) below.add(deeper);
      if (below.has(name)) yield `map ${name} is a submap of itself through ${[...below].join(', ')}`;
    }
  }),
};

const references: Invariant = {
  id: 'INV-MAP-REF',
  claim:
    "A map's reference count is its creator's reference, while that is held, plus one for each entry naming it.",
  source: 'vm_map.c: vm_map_reference, vm_map_deallocate; MAP-CREATE-1, MAP-CREATE-2, MAP-CLIP-2, KM-SUB-2',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps', 'structure'],
  looksAt: ['map'],
  judges: ['vm_map_deallocate'],
  watch: () => {
    /** Maps whose creator gave up its reference while entries kept them alive. */
    const given = new Set<MapName>();
    return {
      observe({ subject, step, maps }) {
        if (subject?.kind === 'vm_map_deallocate' && step?.outcome.kind === 'done') given.add(subject.map);
        for (const name of given) if (!maps.has(name)) given.delete(name);
      },
      violations: (view) =>
        changesReferences(view) || changesPlaceholders(view) ? miscountedMaps(view, given) : NOTHING,
    };
  },
};

const NOTHING: readonly string[] = [];

/** True when the step changed a reference count, or was to change one. */
function changesReferences(view: View): boolean {
  if (view.subject?.kind === 'vm_map_deallocate') return true;
  for (const { name, references: counted } of view.touchedMaps)
    if (view.mapBefore(name)?.references !== counted) return true;
  return false;
}

function* miscountedMaps(view: View, given: ReadonlySet<MapName>): Generator<string> {
  const pieces = piecesBySubmap(view);
  for (const { name, references: counted } of view.maps.values()) {
    const naming = pieces.get(name)?.length ?? 0;
    const creator = given.has(name) ? 0 : 1;
    if (counted !== creator + naming)
      yield `map ${name}: ref_count is ${counted}; creator holds ${creator}, entries hold ${naming}`;
  }
}

const leafDisjoint: Invariant = {
  id: 'INV-MAP-LEAFDISJ',
  claim: 'An address belongs to one leaf entry at most, over all maps of the kernel pmap.',
  source: 'vm_map.c: vm_map_submap; MAP-SUB-1, MAP-DEL-1',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: true,
  shows: ['maps'],
  watch: stateless(function* (view) {
    const leaves = leafEntries(view).sort((a, b) => a.entry.start - b.entry.start);
    let highest: Leaf | undefined;
    for (const leaf of leaves) {
      if (highest !== undefined && highest.entry.end > leaf.entry.start)
        yield `${shown(highest)} and ${shown(leaf)} share ${hex(leaf.entry.start)}`;
      if (highest === undefined || leaf.entry.end > highest.entry.end) highest = leaf;
    }
  }),
};

interface Leaf {
  readonly map: MapName;
  readonly entry: EntrySnapshot;
}

/** Entries of every map that are no placeholders. */
function leafEntries({ maps }: StateView): Leaf[] {
  const leaves: Leaf[] = [];
  for (const { name, entries } of maps.values())
    for (const entry of entries)
      if (entry.backing === null || 'object' in entry.backing) leaves.push({ map: name, entry });
  return leaves;
}

const shown = ({ map, entry }: Leaf): string => `${span(entry.start, entry.end)} of map ${map}`;

/** Every placeholder by the submap it names, in the order of maps and addresses. */
function piecesBySubmap(view: View): ReadonlyMap<MapName, readonly EntrySnapshot[]> {
  // A view that goes along with its kernel lists the touched cells of each step in a fresh array.
  if (kept?.view === view && kept.touched === view.touched) return kept.pieces;
  const pieces = sortedPieces(view.maps);
  kept = { view, touched: view.touched, pieces };
  return pieces;
}

/** Two claims ask for the same pieces after each step: the last answer is kept. */
let kept: {
  readonly view: View;
  readonly touched: View['touched'];
  readonly pieces: ReadonlyMap<MapName, readonly EntrySnapshot[]>;
} | null = null;

function sortedPieces(maps: StateView['maps']): Map<MapName, EntrySnapshot[]> {
  const pieces = new Map<MapName, EntrySnapshot[]>();
  for (const map of maps.values())
    for (const { submap, entry } of placeholders(map)) {
      const known = pieces.get(submap);
      if (known === undefined) pieces.set(submap, [entry]);
      else known.push(entry);
    }
  return pieces;
}

const submapsOf = (maps: ReadonlyMap<MapName, MapSnapshot>, name: MapName): MapName[] => {
  const map = maps.get(name);
  return map === undefined ? [] : placeholders(map).map(({ submap }) => submap);
};

/** Placeholders, map references and the disjointness of maps. */
export const submapInvariants: readonly Invariant[] = [contain, exclusive, acyclic, references, leafDisjoint];
