/** What addresses of a map mean, and that only the operations meant to change it do so. */
import { KERN_SUCCESS } from '../../contract/outcome.ts';
import { permits, VM_PROT_ALL, type VmInherit } from '../../contract/protection.ts';
import type { EntrySnapshot, MapSnapshot } from '../../contract/vm-map.ts';
import { type Invariant, stateless, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { effectOf } from './effect.ts';
import { changedEntries } from './map-changed.ts';
import { touchesUnsoundMap } from './map-soundness.ts';
import { differenceAt, overlay, type SegmentVisitor } from './overlay.ts';
import { span } from './phrase.ts';
import { within } from './ranges.ts';

const protection: Invariant = {
  id: 'INV-MAP-PROT',
  claim: 'The protection of an entry never exceeds its maximum, and both are sets of the three rights.',
  source: 'vm_map.c: vm_map_protect; MAP-INSERT-4, MAP-PROT-2, MAP-PROT-3',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps'],
  looksAt: ['map'],
  watch: statelessWhere(touchesUnsoundMap, function* ({ touchedMaps }) {
    for (const { name, entries } of touchedMaps)
      for (const entry of entries)
        if (!permits(entry.maxProtection, entry.protection) || !permits(VM_PROT_ALL, entry.maxProtection))
          yield `map ${name}: entry ${span(entry.start, entry.end)} has protection ${entry.protection} of maximum ${entry.maxProtection}`;
  }),
};

const inheritance: Invariant = {
  id: 'INV-MAP-INH',
  claim: 'The inheritance of an entry is share, copy or none.',
  source: 'vm_map.c: vm_map_inherit; MAP-INH-1',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps'],
  looksAt: ['map'],
  watch: statelessWhere(touchesUnsoundMap, function* ({ touchedMaps }) {
    for (const { name, entries } of touchedMaps)
      for (const entry of entries)
        if (!INHERITANCES.includes(entry.inheritance))
          yield `map ${name}: entry ${span(entry.start, entry.end)} has inheritance ${entry.inheritance}`;
  }),
};

const INHERITANCES: readonly VmInherit[] = [0, 1, 2];

const maximumShrinks: Invariant = {
  id: 'INV-MAP-MAXMONO',
  claim: 'max_protection of an address never gains a right while the address stays allocated.',
  source: 'vm_map.c: vm_map_protect with set_max; MAP-PROT-3',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps'],
  looksAt: ['map'],
  watch: stateless((view) => {
    const gained: string[] = [];
    for (const map of view.touchedMaps) {
      const { before, after } = changedEntries(view.mapBefore(map.name), map);
      if (before.some(({ maxProtection }) => maxProtection !== VM_PROT_ALL))
        overlay(before, after, (start, end, was, now) => {
          if (was !== null && now !== null && !permits(was.maxProtection, now.maxProtection))
            gained.push(
              `map ${map.name}: max_protection of ${span(start, end)} rose from ${was.maxProtection} to ${now.maxProtection}`,
            );
        });
    }
    return gained;
  }),
};

const attributeRange: Invariant = {
  id: 'INV-MAP-ATTR-RANGE',
  claim:
    'A successful vm_map_protect or vm_map_inherit gives every allocated address of its range the new attribute, and changes no other address and no other attribute.',
  source: 'vm_map.c: vm_map_protect, vm_map_inherit; MAP-PROT-3, MAP-INH-1',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps'],
  judges: ['vm_map_protect', 'vm_map_inherit'],
  watch: stateless((view) => {
    const { subject, step } = view;
    if (step?.outcome.kind !== 'kern' || step.outcome.code !== KERN_SUCCESS) return [];
    if (subject?.kind !== 'vm_map_protect' && subject?.kind !== 'vm_map_inherit') return [];
    const before = view.mapBefore(subject.map);
    const map = view.maps.get(subject.map);
    if (before === null || map === undefined) return [];
    const range = within(map, subject);
    const wrong: string[] = [];
    const judge: SegmentVisitor = (start, end, was, now) => {
      const inside = range.start <= start && end <= range.end;
      const wanted = was !== null && inside ? withAttribute(was, view) : was;
      const difference = differenceAt(start, wanted, now, { wiring: true });
      if (difference !== null)
        wrong.push(
          `map ${map.name}: ${span(start, end)}, ${inside ? 'inside' : 'outside'} the range: ${difference}, against the request`,
        );
    };
    overlay(before.entries, map.entries, judge, [range.start, range.end]);
    return wrong;
  }),
};

/** The entry as the attribute change of this step should leave it. */
function withAttribute(entry: EntrySnapshot, { subject }: View): EntrySnapshot {
  if (subject?.kind === 'vm_map_inherit') return { ...entry, inheritance: subject.inheritance };
  if (subject?.kind !== 'vm_map_protect') return entry;
  return subject.setMax
    ? { ...entry, maxProtection: subject.protection, protection: subject.protection & entry.protection }
    : { ...entry, protection: subject.protection };
}

const clipNeutral: Invariant = {
  id: 'INV-MAP-CLIPNEUTRAL',
  claim:
    'Splitting and merging entries never changes what an address means: outside the range that an operation is about, every address keeps its object, offset and attributes.',
  source: 'vm_map.c: _vm_map_clip_start, _vm_map_clip_end, vm_map_simplify; MAP-CLIP-1, MAP-SIMPL-1',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps'],
  looksAt: ['map'],
  watch: stateless((view) => {
    if (view.step === null) return NOTHING;
    let changed: string[] | null = null;
    for (const map of view.touchedMaps) {
      const before = view.mapBefore(map.name);
      if (before === null || before.entries === map.entries) continue;
      changed ??= [];
      addUnentitledChanges(changed, view, before, map);
    }
    return changed ?? NOTHING;
  }),
};

const NOTHING: readonly string[] = [];

function addUnentitledChanges(changed: string[], view: View, was: MapSnapshot, map: MapSnapshot): void {
  const { before, after } = changedEntries(was, map);
  if (before.length === 0 && after.length === 0) return;
  const effect = effectOf(view);
  const range = effect.range?.map === map.name ? effect.range : null;
  overlay(
    before,
    after,
    (start, end, old, now) => {
      const inside = range !== null && range.start <= start && end <= range.end;
      const difference = inside && !effect.wires ? null : differenceAt(start, old, now, { wiring: !inside });
      if (difference !== null && !(effect.givesObjects && isFilledIn(view, start, old, now, !inside)))
        changed.push(`map ${map.name}: ${span(start, end)}: ${difference}`);
    },
    range === null ? [] : [range.start, range.end],
  );
}

/** Whether all that happened to an entry is that it got its anonymous object (FAULT-4, MAP-PAGE-4). */
function isFilledIn(
  view: View,
  address: number,
  was: EntrySnapshot | null,
  now: EntrySnapshot | null,
  wiring: boolean,
): boolean {
  if (was?.backing !== null || now === null || now.backing === null || !('object' in now.backing))
    return false;
  if (view.objectBefore(now.backing.object) !== null) return false;
  return (
    differenceAt(address, { ...was, backing: now.backing, offset: now.offset, start: now.start }, now, {
      wiring,
    }) === null
  );
}

/** Attributes of entries and the meaning of addresses. */
export const mapAttributeInvariants: readonly Invariant[] = [
  protection,
  inheritance,
  maximumShrinks,
  attributeRange,
  clipNeutral,
];
