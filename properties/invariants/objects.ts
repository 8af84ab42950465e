/** VM objects: who refers to them, what they hold, and where entries point into them. */
import { objectOffset } from '../../contract/address.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import { KERN_SUCCESS } from '../../contract/outcome.ts';
import type { EntrySnapshot, MapName, MapSnapshot } from '../../contract/vm-map.ts';
import type { ObjectName } from '../../contract/vm-object.ts';
import { type Invariant, stateless, statelessWhere } from '../invariant.ts';
import { isBaseObject } from '../renaming.ts';
import type { View } from '../view.ts';
import { touchesMaps } from './pages-changes.ts';
import { objectOf } from './pages-lookup.ts';
import { hex, span } from './phrase.ts';
import { entryAt, requestLength } from './ranges.ts';

const references: Invariant = {
  id: 'INV-OBJ-REF',
  claim:
    "An object's reference count is its own reference if it is a base object, plus one for each entry naming it and each object shadowing it, plus the references of failed boot reservations.",
  source: 'vm_object.c: vm_object_reference, vm_object_deallocate; OBJ-4, BOOT-6, Q-22',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['maps', 'objects', 'structure'],
  watch: stateless(function* (view) {
    const held = new Map<ObjectName, number>();
    const hold = (name: ObjectName) => held.set(name, (held.get(name) ?? 0) + 1);
    for (const { object } of objectEntries(view.maps.values())) hold(object);
    for (const { shadow } of view.objects.values()) if (shadow !== null) hold(shadow);
    for (const { name, references: counted } of view.objects.values()) {
      const base = isBaseObject(name) ? 1 : 0;
      const lost = name === 'kernel' ? failedReservations(view.machine) : 0;
      const sum = base + lost + (held.get(name) ?? 0);
      if (counted !== sum)
        yield `object ${name}: ref_count is ${counted}; ${held.get(name) ?? 0} entries and shadows, ${base} base, ${lost} lost at boot`;
    }
  }),
};

/** Boot reservations that find their range outside the kernel map or taken; each keeps a reference for ever. */
function failedReservations({ kernelMin, kernelStart, kernelMax, reserved }: MachineConfig): number {
  const taken: { start: number; end: number }[] = [{ start: kernelMin, end: kernelStart }];
  let failed = 0;
  for (const { start, length } of reserved) {
    const end = start + length;
    const free = taken.every((range) => end <= range.start || range.end <= start);
    if (length > 0 && start >= kernelMin && end <= kernelMax && free) taken.push({ start, end });
    else failed += 1;
  }
  return failed;
}

const live: Invariant = {
  id: 'INV-OBJ-LIVE',
  claim: 'Every object and submap that an entry names exists, and every object that exists is referenced.',
  source: 'vm_object.c: vm_object_terminate; OBJ-3, MAP-DEL-2',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['maps', 'objects'],
  watch: stateless(function* ({ maps, objects }) {
    for (const { name, entries } of maps.values())
      for (const { backing, start, end } of entries)
        if (
          backing !== null &&
          ('object' in backing ? !objects.has(backing.object) : !maps.has(backing.submap))
        )
          yield `map ${name}: entry ${span(start, end)} names ${JSON.stringify(backing)}, which does not exist`;
    const named = new Set(objectEntries(maps.values()).map(({ object }) => object));
    for (const { shadow } of objects.values()) if (shadow !== null) named.add(shadow);
    for (const { name } of objects.values())
      if (!named.has(name) && !isBaseObject(name)) yield `object ${name} exists and nothing names it`;
  }),
};

const resident: Invariant = {
  id: 'INV-OBJ-RESIDENT',
  claim:
    'The pages listed by an object lie at different page-aligned offsets in different frames, and are those that its count and its look-up know.',
  source: 'vm_page.c: vm_page_insert, vm_page_remove, vm_page_lookup; PAGE-LOOKUP-1, PAGE-ALLOC-2',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['objects'],
  looksInside: true,
  watch: stateless(function* (view) {
    for (const { name, pages } of view.objects.values()) {
      const offsets = new Set<number>(pages.map(({ offset }) => offset));
      const frames = new Set<number>(pages.map(({ frame }) => frame));
      if (offsets.size !== pages.length)
        yield `object ${name}: ${pages.length} pages lie at ${offsets.size} offsets`;
      if (frames.size !== pages.length)
        yield `object ${name}: ${pages.length} pages lie in ${frames.size} frames`;
    }
    for (const { invariant, witness } of view.audit()) if (invariant === 'INV-OBJ-RESIDENT') yield witness;
  }),
};

const bounds: Invariant = {
  id: 'INV-OBJ-BOUNDS',
  claim: 'An entry on an anonymous object stays inside the object.',
  source: 'vm_object.c: vm_object_allocate, vm_object_coalesce; OBJ-6, FAULT-4, MAP-PAGE-4',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: true,
  shows: ['maps', 'objects'],
  looksAt: ['map'],
  watch: stateless(({ touchedMaps, objects }) => {
    let wrong = NOTHING;
    for (const { name, entries } of touchedMaps)
      for (const entry of entries) {
        const object = objectOf(entry);
        const size = object === undefined ? undefined : objects.get(object)?.size;
        const reach = entry.offset + (entry.end - entry.start);
        if (object === undefined || size === undefined || reach <= size || isBaseObject(object)) continue;
        wrong = [
          ...wrong,
          `${shown(name, entry)} reaches offset ${hex(reach)} of ${object}, size ${hex(size)}`,
        ];
      }
    return wrong;
  }),
};

const NOTHING: readonly string[] = [];

const kernelOffsets: Invariant = {
  id: 'INV-OBJ-KOFF',
  claim:
    'An entry on kernel_object has its address minus the start of kernel_map as offset, one on kmem_object its address minus the start of kmem_map.',
  source: 'vm_kern.c: kmem_alloc, kmem_malloc; KM-ALLOC-2, KM-MALLOC-3, Q-14',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: true,
  shows: ['maps'],
  looksAt: ['map'],
  watch: stateless(({ touchedMaps, machine, maps }) => {
    let wrong = NOTHING;
    const kmemMin = maps.get('kmem')?.min;
    for (const { name, entries } of touchedMaps)
      for (const entry of entries) {
        const object = objectOf(entry);
        const base = object === 'kernel' ? machine.kernelMin : object === 'kmem' ? kmemMin : undefined;
        if (base === undefined) continue;
        const wanted = objectOffset(entry.start - base);
        if (entry.offset !== wanted)
          wrong = [
            ...wrong,
            `${shown(name, entry)} on ${object} has offset ${hex(entry.offset)}, its address demands ${hex(wanted)}`,
          ];
      }
    return wrong;
  }),
};

const noAlias: Invariant = {
  id: 'INV-OBJ-NOALIAS',
  claim: 'No two entries map the same offset of an object.',
  source: 'vm_kern.c: kmem_alloc, kmem_malloc; MAP-CLIP-1, OBJ-6, Q-14',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: true,
  shows: ['maps'],
  watch: stateless(function* (view) {
    const highest = new Map<ObjectName, ObjectEntry>();
    for (const next of objectEntries(view.maps.values()).sort((a, b) => a.entry.offset - b.entry.offset)) {
      const last = highest.get(next.object);
      if (last !== undefined && reachOf(last) > next.entry.offset)
        yield `${shown(last.map, last.entry)} and ${shown(next.map, next.entry)} share offset ${hex(next.entry.offset)} of ${next.object}`;
      if (last === undefined || reachOf(next) > reachOf(last)) highest.set(next.object, next);
    }
  }),
};

const noOrphan: Invariant = {
  id: 'INV-OBJ-NOORPHAN',
  claim: 'Every resident page of kernel_object and kmem_object lies under an entry of some map.',
  source: 'vm_map.c: vm_map_entry_delete; vm_object.c: vm_object_page_remove; MAP-DEL-2, OBJ-5, KM-MALLOC-5',
  scope: 'A*',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['maps', 'objects', 'pages'],
  watch: stateless(function* (view) {
    for (const name of ['kernel', 'kmem']) {
      const covering = objectEntries(view.maps.values()).filter(({ object }) => object === name);
      for (const { offset } of view.objects.get(name)?.pages ?? [])
        if (!covering.some(({ entry }) => holdsOffset(entry, entry.end - entry.start, offset)))
          yield `object ${name}: no entry covers its page at offset ${hex(offset)}`;
    }
  }),
};

const freshReadsZero: Invariant = {
  id: 'INV-OBJ-NULLNEW',
  claim:
    'Address space newly allocated without an object has no page yet, even where it extends an older object, so that its first touch finds zeroes.',
  source: 'vm_object.c: vm_object_coalesce; OBJ-6, MAP-INSERT-5, Q-26',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps', 'objects', 'pages'],
  judges: ['kmem_alloc_pageable', 'kmem_alloc_wait', 'vm_map_insert', 'vm_map_find'],
  watch: statelessWhere(touchesMaps, function* (view) {
    const fresh = freshNullRange(view);
    const entry = fresh && entryAt(view.maps.get(fresh.map)?.entries ?? [], fresh.start);
    if (!fresh || !entry?.backing || !('object' in entry.backing)) return;
    const piece = { start: entry.start, offset: entry.offset };
    const first = objectOffset(piece.offset + (fresh.start - piece.start));
    for (const { offset } of view.objects.get(entry.backing.object)?.pages ?? [])
      if (holdsOffset({ offset: first }, fresh.length, offset))
        yield `new range ${span(fresh.start, fresh.start + fresh.length)} of map ${fresh.map} finds an old page at offset ${hex(offset)} of ${entry.backing.object}`;
  }),
};

/** The range that this step allocated without naming an object; null: it did not. */
function freshNullRange({ subject, step }: View): { map: MapName; start: number; length: number } | null {
  const outcome = step?.outcome;
  switch (subject?.kind) {
    case 'kmem_alloc_pageable':
    case 'kmem_alloc_wait':
      if (outcome?.kind !== 'address') return null;
      return { map: subject.map, start: outcome.address, length: requestLength(subject.size) ?? 0 };
    case 'vm_map_insert':
    case 'vm_map_find': {
      if (subject.object !== 'null' || outcome?.kind !== 'kern' || outcome.code !== KERN_SUCCESS) return null;
      if (subject.kind === 'vm_map_insert')
        return { map: subject.map, start: subject.start, length: subject.end - subject.start };
      return { map: subject.map, start: outcome.address ?? subject.address, length: subject.length };
    }
    default:
      return null;
  }
}

interface ObjectEntry {
  readonly map: MapName;
  readonly entry: EntrySnapshot;
  readonly object: ObjectName;
}

/** Entries that name an object, of some maps. */
function objectEntries(maps: Iterable<MapSnapshot>): ObjectEntry[] {
  const found: ObjectEntry[] = [];
  for (const { name, entries } of maps)
    for (const entry of entries)
      if (entry.backing !== null && 'object' in entry.backing)
        found.push({ map: name, entry, object: entry.backing.object });
  return found;
}

const reachOf = ({ entry }: ObjectEntry): number => entry.offset + (entry.end - entry.start);

/** Whether `offset` lies in the `length` bytes from the entry's offset on, modulo 2^32. */
const holdsOffset = (entry: Pick<EntrySnapshot, 'offset'>, length: number, offset: number): boolean =>
  objectOffset(offset - entry.offset) < length;

const shown = (map: MapName, { start, end }: EntrySnapshot): string => `${span(start, end)} of map ${map}`;

/** References, residence, bounds and offsets of objects. */
export const objectInvariants: readonly Invariant[] = [
  references,
  live,
  resident,
  bounds,
  kernelOffsets,
  noAlias,
  noOrphan,
  freshReadsZero,
];
