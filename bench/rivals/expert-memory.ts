/** The expert's commands on kernel memory, accesses and the scheduler. */
import fc from 'fast-check';
import { ADDRESS_SPACE_END, address, bytes, roundPageUnwrapped } from '../../contract/address.ts';
import type { MapName } from '../../contract/vm-map.ts';
import type { Ground } from '../../properties/generate-ground.ts';
import { byteOf, freshName, largestRoom, latest, mapOf, nthOf, rangeOf, sizeOf } from './expert-bind.ts';
import { type Entry, entry } from './expert-entry.ts';
import { freed, maps, nths, type RangePick, rights, sizes, touched } from './expert-picks.ts';

/** Operations in flight beyond which nobody is put to sleep any more: one who sleeps blocks what others could do. */
const MOST_IN_FLIGHT = 4;

/** False where an allocation that may wait would only lengthen the queue. */
const mayWait = (ground: Ground, size: number): boolean =>
  size <= ground.freePages() * 4096 || ground.inFlight() < MOST_IN_FLIGHT;

const pairs = fc.record({ map: maps, size: sizes }, { noNullPrototype: true });

/** A range to free as address and size; one that runs past 2^32 stays one. */
function freeing(ground: Ground, pick: RangePick) {
  const found = rangeOf(ground, pick);
  if (found === undefined) return undefined;
  const { map, start, end } = found;
  return { map, address: start, size: bytes((end - start + ADDRESS_SPACE_END) % ADDRESS_SPACE_END) };
}

/** The submap that somebody waits for room in, if there is one. */
const waitedFor = (ground: Ground): MapName | undefined =>
  ground
    .sched()
    .asleep.find(({ event }) => event.startsWith('map:'))
    ?.event.slice('map:'.length);

const values = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 16, size: 'max' });

/** Commands by kind, each with its share. */
export const MEMORY_ENTRIES: readonly Entry[] = [
  entry(10, pairs, (ground, { map, size }) => {
    const name = mapOf(ground, map);
    return { kind: 'kmem_alloc_pageable', map: name, size: sizeOf(ground, name, size) };
  }),
  entry(13, pairs, (ground, { map, size }) => {
    const name = mapOf(ground, map);
    const wanted = sizeOf(ground, name, size);
    return mayWait(ground, wanted) ? { kind: 'kmem_alloc', map: name, size: wanted } : undefined;
  }),
  entry(
    18,
    fc.record(
      { mb: fc.nat({ max: 2 }), size: sizes, canWait: fc.boolean(), daring: fc.nat({ max: 31 }) },
      { noNullPrototype: true },
    ),
    (ground, { mb, size, canWait, daring }) => {
      const name = mb === 1 && ground.known('mb') !== undefined ? 'mb' : 'kmem';
      if (ground.known('kmem') === undefined) return undefined;
      const wanted = sizeOf(ground, name, size);
      // Too large a request stops the machine, and with it the run: now and then is often enough.
      const stops = canWait && roundPageUnwrapped(wanted) > largestRoom(ground, name);
      if (stops && daring !== 31) return undefined;
      if (canWait && !mayWait(ground, wanted)) return undefined;
      return { kind: 'kmem_malloc', map: name, size: wanted, canWait };
    },
  ),
  entry(6, pairs, (ground, { map, size }) => {
    const name = mapOf(ground, map + 1);
    const wanted = sizeOf(ground, name, size);
    if (wanted > largestRoom(ground, name) && ground.inFlight() >= MOST_IN_FLIGHT) return undefined;
    return { kind: 'kmem_alloc_wait', map: name, size: wanted };
  }),
  entry(24, freed, (ground, pick) => {
    const found = freeing(ground, pick);
    return found && { kind: 'kmem_free', ...found };
  }),
  entry(
    7,
    fc.record({ pick: freed, awaited: fc.boolean() }, { noNullPrototype: true }),
    (ground, { pick, awaited }) => {
      const name = awaited ? waitedFor(ground) : undefined;
      const map = ground.usable().findIndex((known) => known.name === name);
      const found = freeing(ground, map < 0 ? pick : { ...pick, map, base: 'entry' });
      return found && { kind: 'kmem_free_wakeup', ...found };
    },
  ),
  entry(
    3,
    fc.record(
      { parent: maps, pages: fc.integer({ min: 1, max: 12 }), pageable: fc.boolean() },
      { noNullPrototype: true },
    ),
    (ground, { parent, pages, pageable }) => {
      const name = mapOf(ground, parent);
      const size = bytes(pages * 4096);
      if (ground.pools().freeMaps === 0 || size > largestRoom(ground, name)) return undefined;
      return { kind: 'kmem_suballoc', name: freshName(ground, ['kmem', 'mb']), parent: name, size, pageable };
    },
  ),
  entry(
    6,
    fc.record({ place: touched, protection: fc.constantFrom(1, 3, 2, 7) }, { noNullPrototype: true }),
    (ground, { place, protection }) => {
      const found = byteOf(ground, place);
      return found && { kind: 'vm_fault', map: found.map, address: address(found.at), protection };
    },
  ),
  entry(5, touched, (ground, place) => {
    const found = byteOf(ground, place);
    return found && { kind: 'checked_read', map: found.map, address: address(found.at) };
  }),
  entry(
    8,
    fc.record({ place: touched, byte: fc.integer({ min: 1, max: 255 }) }, { noNullPrototype: true }),
    (ground, { place, byte }) => {
      const found = byteOf(ground, place);
      return found && { kind: 'checked_write', map: found.map, address: address(found.at), byte };
    },
  ),
  entry(
    5,
    fc.record({ place: touched, length: fc.integer({ min: 1, max: 16 }) }, { noNullPrototype: true }),
    (ground, { place, length }) => {
      const found = byteOf(ground, place);
      return found && { kind: 'cpu_read', address: address(found.at), length };
    },
  ),
  entry(
    8,
    fc.record({ place: touched, values }, { noNullPrototype: true }),
    (ground, { place, values: written }) => {
      const found = byteOf(ground, place);
      return found && { kind: 'cpu_write', address: address(found.at), bytes: written };
    },
  ),
  entry(3, touched, (ground, place) => {
    const found = byteOf(ground, place);
    return found && { kind: 'vm_page_deactivate', map: found.map, address: address(found.at) };
  }),
  entry(20, nths, (ground, nth) => {
    // Feeds those who wait for pages with what an allocation holds.
    if (!ground.sched().asleep.some(({ event }) => event === 'pages')) return undefined;
    const filled = ground.allocations.filter(({ by }) => by === 'kmem_alloc' || by === 'kmem_malloc');
    const found = latest(filled, nth);
    if (found === undefined || ground.freePages() > 2) return undefined;
    return { kind: 'kmem_free', map: found.map, address: address(found.address), size: bytes(found.size) };
  }),
  entry(12, fc.nat({ max: 7 }), (ground, idle) => {
    // It only wakes those who wait for pages: seldom where nobody does, or where there are none for them.
    const awaited = ground.sched().asleep.some(({ event }) => event === 'pages');
    return (awaited && ground.freePages() > 0) || idle === 7 ? { kind: 'pagedaemon' } : undefined;
  }),
  entry(
    45,
    fc.record({ nth: nths, anyway: fc.nat({ max: 3 }) }, { noNullPrototype: true }),
    (ground, { nth, anyway }) => {
      // Most sleepers wait for pages, and go back to sleep where there are none.
      if (ground.freePages() === 0 && anyway > 0) return undefined;
      const operation = nthOf(ground.sched().runnable, nth);
      return operation === undefined ? undefined : { kind: 'resume', operation };
    },
  ),
  entry(
    2,
    fc.record({ place: touched, protection: rights }, { noNullPrototype: true }),
    (ground, { place, protection }) => {
      const found = byteOf(ground, place);
      return found && { kind: 'vm_fault', map: 'kernel', address: address(found.at), protection };
    },
  ),
];
