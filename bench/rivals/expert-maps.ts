/** The expert's commands on address maps. */
import fc from 'fast-check';
import { address, byteDistance, bytes, objectOffset, PAGE_SIZE } from '../../contract/address.ts';
import type { EntrySnapshot, InsertedObject, MapName } from '../../contract/vm-map.ts';
import type { Ground } from '../../properties/generate-ground.ts';
import { byteOf, freshName, largestRoom, latest, mapOf, pagesOf, rangeOf, sizeOf } from './expert-bind.ts';
import { type Entry, entry } from './expert-entry.ts';
import {
  changed,
  freed,
  maps,
  nths,
  type RangePick,
  ranges,
  rights,
  room,
  sizes,
  touched,
} from './expert-picks.ts';

const record = <Fields extends object>(fields: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> }) =>
  fc.record<Fields>(fields, { noNullPrototype: true });

const objects = fc.oneof(
  { weight: 2, arbitrary: fc.constant<InsertedObject>('null') },
  { weight: 3, arbitrary: fc.constantFrom<InsertedObject>('anon', 'kernel', 'kmem') },
);

/** Where an object is inserted so that nothing is aliased; callers on hostile machines insert it anywhere. */
function offsetOf(ground: Ground, object: InsertedObject, start: number, hostile: number) {
  if (ground.hostile && hostile > 0) return objectOffset((hostile - 1) * PAGE_SIZE);
  if (object === 'kernel') return objectOffset(start - ground.machine.kernelMin);
  if (object === 'kmem') return objectOffset(start - (ground.known('kmem')?.min ?? start));
  return objectOffset(0);
}

const usableObject = (ground: Ground, object: InsertedObject): InsertedObject =>
  object === 'kmem' && ground.known('kmem') === undefined ? 'null' : object;

/** Maps that nobody gives up. */
const BASE_MAPS: readonly MapName[] = ['kernel', 'kmem', 'mb'];

const offsets = fc.nat({ max: 6 });
const fewPages = fc.integer({ min: 1, max: 4 });

/** Rights that nobody has withdrawn yet, three times out of four: the others are refused whole. */
function grantable(
  ground: Ground,
  { map, start, end }: { map: MapName; start: number; end: number },
): number {
  let all = 7;
  for (const found of ground.map(map)?.entries ?? [])
    if (found.start < end && found.end > start) all &= found.maxProtection;
  return all;
}

/** Ranges that are wired now, or could be. */
const wirable = ranges(
  { weight: 4, base: 'allocation' },
  { weight: 5, base: 'entry' },
  { weight: 1, base: 'hole' },
);

/** The same pick of an entry that answers a condition; undefined where none does. */
function entryWith(
  ground: Ground,
  pick: RangePick,
  wanted: (entry: EntrySnapshot) => boolean,
): RangePick | undefined {
  const entries = ground.map(mapOf(ground, pick.map))?.entries ?? [];
  const found = latest(entries.filter(wanted), pick.nth);
  return found && { ...pick, base: 'entry', nth: entries.length - 1 - entries.indexOf(found) };
}

const isWired = ({ wiredCount }: EntrySnapshot): boolean => wiredCount > 0;
/** Address space without contents: what a submap may stand in for. */
const isPlain = ({ backing, wiredCount }: EntrySnapshot): boolean => backing === null && wiredCount === 0;

/** The map that a submap with these bounds fits into. */
const holderOf = (ground: Ground, { name, min }: { name: MapName; min: number }): MapName | undefined =>
  ground.usable().find((map) => {
    const entry = map.name === name ? undefined : ground.entryAt(map.name, min);
    return entry !== undefined && isPlain(entry);
  })?.name;

/** Commands by kind, each with its share. */
export const MAP_ENTRIES: readonly Entry[] = [
  entry(
    3,
    record({ pick: ranges({ weight: 1, base: 'entry' }), pageable: fc.boolean() }),
    (ground, { pick, pageable }) => {
      const plain = entryWith(ground, pick, isPlain);
      const found = plain && pagesOf(ground, plain, 8);
      if (found === undefined || ground.pools().freeMaps === 0) return undefined;
      return {
        kind: 'vm_map_create',
        name: freshName(ground, []),
        min: found.start,
        max: found.end,
        pageable,
      };
    },
  ),
  entry(2, nths, (ground, nth) => {
    const given = ground.maps.filter(({ name, deallocated }) => !deallocated && !BASE_MAPS.includes(name));
    const map = latest(given, nth)?.name;
    return map === undefined ? undefined : { kind: 'vm_map_deallocate', map };
  }),
  entry(
    6,
    record({ pick: room, object: objects, offset: offsets, pages: fewPages }),
    (ground, { pick, object, offset, pages }) => {
      const found = pagesOf(ground, pick, pages);
      if (found === undefined) return undefined;
      const usable = usableObject(ground, object);
      return {
        kind: 'vm_map_insert',
        object: usable,
        offset: offsetOf(ground, usable, found.start, offset),
        ...found,
      };
    },
  ),
  entry(3, record({ map: maps, size: sizes, from: touched }), (ground, { map, size, from }) => {
    const name = mapOf(ground, map);
    const start = address(byteOf(ground, from)?.at ?? ground.known(name)?.min ?? 0);
    return { kind: 'vm_map_findspace', map: name, start, length: sizeOf(ground, name, size) };
  }),
  entry(
    6,
    record({
      pick: room,
      object: objects,
      offset: offsets,
      pages: fewPages,
      findSpace: fc.boolean(),
      bottom: fc.boolean(),
    }),
    (ground, { pick, object, offset, pages, findSpace, bottom }) => {
      const found = pagesOf(ground, pick, pages);
      if (found === undefined) return undefined;
      const { map, start, end } = found;
      // With findSpace the place is not known beforehand, and a base object would alias other memory there.
      const usable = findSpace && object !== 'anon' ? 'null' : usableObject(ground, object);
      const hint = findSpace && bottom ? address(ground.known(map)?.min ?? start) : start;
      const length = end >= start ? byteDistance(start, end) : bytes(PAGE_SIZE);
      return {
        kind: 'vm_map_find',
        map,
        object: usable,
        offset: offsetOf(ground, usable, start, offset),
        address: hint,
        length,
        findSpace,
      };
    },
  ),
  entry(3, touched, (ground, place) => {
    const found = byteOf(ground, place);
    return found && { kind: 'vm_map_lookup_entry', map: found.map, address: address(found.at) };
  }),
  entry(
    5,
    record({ map: maps, submap: nths, pick: changed, exact: fc.nat({ max: 5 }) }),
    (ground, { map, submap, pick, exact }) => {
      const loose = ground.maps.filter(({ standing }) => standing !== 'attached');
      const found = latest(exact > 0 ? loose : ground.maps, submap);
      if (found === undefined) return undefined;
      const place = exact > 0 ? undefined : pagesOf(ground, pick);
      const holder = holderOf(ground, found) ?? (exact > 1 ? undefined : mapOf(ground, map));
      if (holder === undefined && place === undefined) return undefined;
      const range = place ?? { map: holder ?? 'kernel', start: address(found.min), end: address(found.max) };
      return { kind: 'vm_map_submap', submap: found.name, ...range };
    },
  ),
  entry(
    9,
    record({ pick: changed, protection: rights, withdrawn: fc.nat({ max: 3 }), setMax: fc.nat({ max: 4 }) }),
    (ground, { pick, protection, withdrawn, setMax }) => {
      const found = rangeOf(ground, pick);
      if (found === undefined) return undefined;
      const granted = withdrawn === 3 ? protection : protection & grantable(ground, found);
      return { kind: 'vm_map_protect', ...found, protection: granted, setMax: setMax === 4 };
    },
  ),
  entry(4, record({ pick: changed, inheritance: fc.nat({ max: 3 }) }), (ground, { pick, inheritance }) => {
    const found = rangeOf(ground, pick);
    return found && { kind: 'vm_map_inherit', ...found, inheritance };
  }),
  entry(13, record({ pick: wirable, pageable: fc.boolean() }), (ground, { pick, pageable }) => {
    // Unwiring what is not wired is refused: one time in sixteen is enough.
    const wired = pageable && pick.page > 0 ? entryWith(ground, pick, isWired) : pick;
    const found = wired && rangeOf(ground, wired);
    if (found === undefined) return undefined;
    // More pages than are free put the caller to sleep: not while many sleep already.
    const pages = (found.end - found.start) / PAGE_SIZE;
    if (!pageable && pages > ground.freePages() + 2) return undefined;
    if (!pageable && pages > ground.freePages() && ground.inFlight() > 3) return undefined;
    return { kind: 'vm_map_pageable', ...found, pageable };
  }),
  entry(5, freed, (ground, pick) => {
    const found = rangeOf(ground, pick);
    return found && { kind: 'vm_map_remove', ...found };
  }),
  entry(3, freed, (ground, pick) => {
    const found = pagesOf(ground, pick);
    return found && { kind: 'vm_map_delete', ...found };
  }),
  entry(3, record({ pick: changed, protection: rights }), (ground, { pick, protection }) => {
    const found = rangeOf(ground, pick);
    return found && { kind: 'vm_map_check_protection', ...found, protection };
  }),
  entry(
    4,
    record({ map: maps, nth: nths, place: touched, start: fc.nat({ max: 7 }) }),
    (ground, { map, nth, place, start }) => {
      const name = mapOf(ground, map);
      const own = latest(ground.map(name)?.entries ?? [], nth)?.start;
      const other = start === 7 ? byteOf(ground, place)?.at : undefined;
      const at = other ?? own;
      return at === undefined ? undefined : { kind: 'vm_map_simplify', map: name, start: address(at) };
    },
  ),
  entry(
    2,
    record({ pages: fc.integer({ min: 1, max: 6 }), pageable: fc.boolean() }),
    (ground, { pages, pageable }) => {
      // Away from kernel_map there is a map without page tables, which shares its addresses with nobody.
      if (ground.pools().freeMaps === 0 || largestRoom(ground, 'kernel') === 0) return undefined;
      const min = address(0x1000_0000);
      const max = address(min + pages * PAGE_SIZE);
      return { kind: 'vm_map_create', name: freshName(ground, []), min, max, pageable };
    },
  ),
];
