/** Level `contract`: kernels that mean the same agree, whatever entries, objects and frames carry the meaning. */
import { describe, expect, test } from 'vitest';
import { frameNumber, objectOffset, pages } from '../../contract/address.ts';
import type { KernelModule, Show } from '../../contract/kernel-memory.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import type { EntrySnapshot } from '../../contract/vm-map.ts';
import { runLockstep } from '../../properties/lockstep.ts';
import { at, BUSY, MACHINE, options, tampered } from './lockstep-fixtures.ts';

const scenario = { machine: MACHINE, operations: BUSY };
const LAST = BUSY.length;
const EVERYTHING: readonly Show[] = ['outcomes', 'maps', 'objects', 'pages', 'pmap'];

const renamed = (name: string): string => (name.startsWith('anon') ? `private-${name}` : name);
const mirroredFrame = (frame: number) =>
  frameNumber(frame < MACHINE.managedPages ? MACHINE.managedPages - 1 - frame : frame);

/** Two entries for every entry of more than one page. */
function split(entry: EntrySnapshot): EntrySnapshot[] {
  const middle = at((entry.start - at(0)) / 4096 + 1);
  if (middle >= entry.end || (entry.backing !== null && 'submap' in entry.backing)) return [entry];
  const offset = objectOffset(entry.offset + 4096);
  return [
    { ...entry, end: middle },
    { ...entry, start: middle, offset },
  ];
}

/** The same state as another kernel might keep it: other names, frames, entries, orders and counts. */
const restyled = (shown: Snapshot): Snapshot => ({
  ...shown,
  maps: shown.maps.toReversed().map((map) => ({
    ...map,
    references: map.references + 7,
    entryCount: 99,
    entries: map.entries
      .map((entry) =>
        entry.backing !== null && 'object' in entry.backing
          ? { ...entry, backing: { object: renamed(entry.backing.object) } }
          : entry,
      )
      .flatMap(split),
  })),
  objects: shown.objects.map((object) => ({
    ...object,
    name: renamed(object.name),
    references: object.references + 1,
    pages: object.pages.toReversed().map((page) => ({ ...page, frame: mirroredFrame(page.frame) })),
  })),
  mappings: shown.mappings.map((mapping) => ({
    ...mapping,
    frame: mirroredFrame(mapping.frame),
    accessed: !mapping.accessed,
    dirty: !mapping.dirty,
  })),
  queues: { free: [], active: [], inactive: [] },
  pools: { freeEntries: 1, freeMaps: 1 },
  pmap: { references: 0, resident: 0, wired: 0 },
});

const foreign = (
  change: (shown: Snapshot) => Snapshot,
  shows: readonly Show[] = EVERYTHING,
): KernelModule => {
  const kernel = tampered({
    declares: { shows },
    snapshot: (shown, number) => (number >= LAST ? change(restyled(shown)) : restyled(shown)),
  });
  return {
    ...kernel,
    boot(machine) {
      const { apply, snapshot } = kernel.boot(machine);
      // Its cells would be those of the model; a kernel of another make shows whole snapshots.
      return { apply, snapshot };
    },
  };
};

const differencesOf = (change: (shown: Snapshot) => Snapshot, shows: readonly Show[] = EVERYTHING) =>
  runLockstep(scenario, options(foreign(change, shows))).failure?.differences;

const changeMap =
  (name: string, change: (entries: readonly EntrySnapshot[]) => readonly EntrySnapshot[]) =>
  (shown: Snapshot): Snapshot => ({
    ...shown,
    maps: shown.maps.map((map) => (map.name === name ? { ...map, entries: change(map.entries) } : map)),
  });

describe('a kernel of another make', () => {
  test('agrees with the reference when only names, frames, entries and orders differ', () => {
    expect(differencesOf((shown) => shown)).toBeUndefined();
  });
  test('would not agree at level bsd', () => {
    const exact = foreign((shown) => shown, [...EVERYTHING, 'structure']);
    expect(runLockstep(scenario, options(exact)).failure?.property).toBe('INV-ACC-MODEL');
  });
  test('runs with pools that do not run dry', () => {
    const seen: unknown[] = [];
    const kernel = foreign((shown) => shown);
    runLockstep(scenario, {
      ...options({
        ...kernel,
        boot(machine) {
          seen.push(machine.mapEntries);
          return kernel.boot(machine);
        },
      }),
    });
    expect(seen).toEqual([null]);
  });
});

describe('a difference in meaning is reported', () => {
  const first = (entries: readonly EntrySnapshot[], change: Partial<EntrySnapshot>) =>
    entries.map((entry, i) => (i === entries.length - 1 ? { ...entry, ...change } : entry));
  test('two objects where the reference has one', () => {
    const found = differencesOf(
      changeMap('kernel', (entries) => first(entries, { backing: { object: 'stray' } })),
    );
    expect(found?.map(({ path }) => path)).toContain('maps.kernel.runs[6]');
  });
  test.each([
    ['protection', { protection: 1 }],
    ['maxProtection', { maxProtection: 1 }],
    ['inheritance', { inheritance: 2 }],
    ['wiredCount', { wiredCount: 9 }],
    ['copyOnWrite', { copyOnWrite: true }],
    ['needsCopy', { needsCopy: true }],
    ['end', { end: at(60) }],
  ] as const)('%s of a run', (field, change) => {
    const one = changeMap('kmem', (entries) => first(entries, change));
    expect(differencesOf(one)?.map(({ path }) => path)).toEqual([`maps.kmem.runs[0].${field}`]);
  });
  test('offset and backing of a run', () => {
    const shifted = changeMap('kmem', (entries) => first(entries, { offset: objectOffset(0x5000) }));
    expect(differencesOf(shifted)?.map(({ path }) => path)).toEqual(['maps.kmem.runs[0].offset']);
    const swapped = changeMap('kmem', (entries) => first(entries, { backing: { object: 'kernel' } }));
    expect(differencesOf(swapped)?.map(({ path }) => path)).toEqual(['maps.kmem.runs[0].backing']);
  });
  test.each(['min', 'max', 'size'] as const)('%s of a map', (field) => {
    const change = (shown: Snapshot): Snapshot => ({
      ...shown,
      maps: shown.maps.map((map) => (map.name === 'kmem' ? { ...map, [field]: 0 } : map)),
    });
    expect(differencesOf(change)?.map(({ path }) => path)).toEqual([`maps.kmem.${field}`]);
  });
  test('pageable of a map, and a map too few or too many', () => {
    const pageable = (shown: Snapshot): Snapshot => ({
      ...shown,
      maps: shown.maps.map((map) => ({ ...map, pageable: map.name === 'kmem' })),
    });
    expect(differencesOf(pageable)?.map(({ path }) => path)).toEqual(['maps.kmem.pageable']);
    const fewer = (shown: Snapshot) => ({ ...shown, maps: shown.maps.filter(({ name }) => name !== 'kmem') });
    expect(differencesOf(fewer)?.[0]).toEqual({ path: 'maps.kmem', expected: 'live', actual: 'absent' });
    const more = (shown: Snapshot): Snapshot => ({
      ...shown,
      maps: [
        ...shown.maps,
        ...shown.maps.filter(({ name }) => name === 'kmem').map((map) => ({ ...map, name: 'x' })),
      ],
    });
    expect(differencesOf(more)).toEqual([{ path: 'maps.x', expected: 'absent', actual: 'live' }]);
  });

  const changeObjects =
    (change: (object: Snapshot['objects'][number]) => Snapshot['objects'][number]) =>
    (shown: Snapshot): Snapshot => ({ ...shown, objects: shown.objects.map(change) });
  test('size of an object, under the name that the reference gives it', () => {
    const change = changeObjects((object) =>
      object.name === 'private-anon1' ? { ...object, size: pages(9) } : object,
    );
    expect(differencesOf(change)).toEqual([
      { path: 'objects.anon1.size', expected: '0x00003000', actual: '0x00009000' },
    ]);
  });
  test.each([
    ['wireCount', { wireCount: 9 }],
    ['queue', { queue: 'none' }],
    ['busy', { busy: true }],
    ['wanted', { wanted: true }],
  ] as const)('%s of a page', (field, fields) => {
    const change = changeObjects((object) =>
      object.name === 'private-anon1'
        ? { ...object, pages: object.pages.map((page, i) => (i === 0 ? { ...page, ...fields } : page)) }
        : object,
    );
    expect(differencesOf(change)?.map(({ path }) => path)).toEqual([
      `objects.anon1.pages[0x00001000].${field}`,
    ]);
  });
  test('contents of a page, but not of bytes that the reference calls undefined', () => {
    const spoil = (name: string) =>
      changeObjects((object) =>
        object.name === name
          ? {
              ...object,
              pages: object.pages.map((page) =>
                page.contents === undefined ? page : { ...page, contents: 'fnv:00000000' as const },
              ),
            }
          : object,
      );
    expect(differencesOf(spoil('kernel'))?.[0]?.path).toBe('objects.kernel.pages[0x0000a000].contents');
    expect(differencesOf(spoil('kmem'))).toBeUndefined();
  });
  test('a page too few, a page too many, an object too many', () => {
    const fewer = changeObjects((object) =>
      object.name === 'private-anon1' ? { ...object, pages: object.pages.slice(1) } : object,
    );
    expect(differencesOf(fewer)?.map(({ path }) => path)).toContain('objects.anon1.pages[0x00001000]');
    const more = changeObjects((object) => ({
      ...object,
      pages: object.pages.flatMap((page) =>
        object.name === 'private-anon1' ? [page, { ...page, offset: objectOffset(0x7000) }] : [page],
      ),
    }));
    expect(differencesOf(more)?.map(({ path }) => path)).toContain('objects.anon1.pages[0x00007000]');
    const stray = (shown: Snapshot): Snapshot => ({
      ...shown,
      objects: [
        ...shown.objects,
        ...shown.objects.slice(0, 1).map((object) => ({ ...object, name: 'stray', pages: [] })),
      ],
    });
    expect(differencesOf(stray)).toEqual([{ path: 'objects.stray', expected: 'absent', actual: 'live' }]);
  });

  const changeMapping =
    (change: Partial<Snapshot['mappings'][number]>) =>
    (shown: Snapshot): Snapshot => ({
      ...shown,
      mappings: shown.mappings.map((mapping) =>
        mapping.address === at(12) ? { ...mapping, ...change } : mapping,
      ),
    });
  test.each([
    ['writable', { writable: false }],
    ['wired', { wired: true }],
    ['page', { frame: frameNumber(0) }],
  ] as const)('%s of a mapping', (field, change) => {
    expect(differencesOf(changeMapping(change))?.map(({ path }) => path)).toEqual([
      `mappings.0xfe00c000.${field}`,
    ]);
  });
  test('a mapping too few or too many', () => {
    const fewer = (shown: Snapshot) => ({
      ...shown,
      mappings: shown.mappings.filter((one) => one.address !== at(12)),
    });
    expect(differencesOf(fewer)).toEqual([
      { path: 'mappings.0xfe00c000', expected: 'private-anon1+0x00000000', actual: 'absent' },
    ]);
    const more = changeMapping({ address: at(63) });
    expect(differencesOf(more)?.map(({ path }) => path)).toEqual([
      'mappings.0xfe00c000',
      'mappings.0xfe03f000',
    ]);
  });
  test('counters and sleepers', () => {
    const counters = (shown: Snapshot) => ({ ...shown, counters: { ...shown.counters, free: 77 } });
    expect(differencesOf(counters)?.map(({ path }) => path)).toEqual(['counters.free']);
    const sched = (shown: Snapshot) => ({ ...shown, sched: { asleep: [], runnable: [] } });
    expect(differencesOf(sched)?.map(({ path }) => path)).toEqual(['sched.asleep', 'sched.runnable']);
  });
});

describe('what a kernel does not show is not compared', () => {
  const spoilt = (shown: Snapshot): Snapshot => ({
    ...shown,
    mappings: [],
    counters: { ...shown.counters, free: 77 },
    objects: shown.objects.map((object) => ({ ...object, size: pages(1), pages: [] })),
  });
  test('maps alone', () => {
    expect(differencesOf(spoilt, ['outcomes', 'maps'])).toBeUndefined();
    expect(differencesOf(spoilt, ['outcomes', 'maps', 'pmap'])).not.toBeUndefined();
    expect(differencesOf(spoilt, ['outcomes', 'maps', 'pages'])).not.toBeUndefined();
    expect(differencesOf(spoilt, ['outcomes', 'maps', 'objects'])).not.toBeUndefined();
  });
  test('objects and pages without maps are matched in the order of their allocation', () => {
    expect(differencesOf((shown) => shown, ['objects', 'pages'])).toBeUndefined();
    expect(differencesOf(spoilt, ['objects', 'pages'])).not.toBeUndefined();
  });
  test('mappings without pages are compared by address and rights', () => {
    expect(differencesOf((shown) => shown, ['pmap'])).toBeUndefined();
    const readOnly = (shown: Snapshot) => ({
      ...shown,
      mappings: shown.mappings.map((mapping) => ({ ...mapping, writable: false })),
    });
    expect(differencesOf(readOnly, ['pmap'])).not.toBeUndefined();
  });
});
