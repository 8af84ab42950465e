import { expect, test } from 'vitest';
import { bytes, objectOffset, PAGE_SIZE, pages, type VirtualAddress } from '../../contract/address.ts';
import { allocated, done, kern, none, PANIC, panic, rejected } from '../../contract/outcome.ts';
import { at, bootSmall } from './machine.ts';

type Machine = ReturnType<typeof bootSmall>;

const kmem = ({ run }: Machine, size = 8) =>
  run({ kind: 'kmem_suballoc', name: 'kmem', parent: 'kernel', size: pages(size), pageable: false });
const alloc = ({ run }: Machine, count: number, map = 'kernel') =>
  run({ kind: 'kmem_alloc', map, size: pages(count) });
const malloc = ({ run }: Machine, count: number, canWait = false) =>
  run({ kind: 'kmem_malloc', map: 'kmem', size: pages(count), canWait });
const free = ({ run }: Machine, from: number, count: number, map = 'kernel') =>
  run({ kind: 'kmem_free', map, address: at(from), size: pages(count) });
const insertNull = ({ run }: Machine, from: number, to: number) =>
  run({
    kind: 'vm_map_insert',
    map: 'kernel',
    object: 'null',
    offset: objectOffset(0),
    start: at(from),
    end: at(to),
  });
const wire = ({ run }: Machine, from: number, to: number, pageable = false) =>
  run({ kind: 'vm_map_pageable', map: 'kernel', start: at(from), end: at(to), pageable });
const entries = (machine: Machine, map = 'kernel') => machine.cell(`map:${map}`)?.entries ?? [];
const freeQueue = (machine: Machine) => machine.cell('queue:free');

test('kmem_alloc hands out wired zeroed pages, and kmem_free puts them at the tail of FREE', () => {
  const machine = bootSmall({ managedPages: 12 });
  expect(alloc(machine, 2)).toEqual(allocated(at(16)));
  expect(machine.snapshot({ contents: true }).objects[0]?.pages).toMatchObject([
    { frame: 8, wireCount: 1, contents: 0, queue: 'none' },
    { frame: 9, wireCount: 1, contents: 0, queue: 'none' },
  ]);
  expect(free(machine, 16, 2)).toEqual(done);
  expect(freeQueue(machine)).toEqual([10, 11, 8, 9]);
  expect(machine.cell('counters')).toEqual({ free: 4, active: 0, inactive: 0, wired: 8 });
});

test('sizes of zero and beyond 0xfffff000 are refused, and freeing nothing frees nothing', () => {
  const machine = bootSmall();
  for (const size of [0, 0xffff_f001, 0xffff_ffff].map(bytes)) {
    expect(machine.run({ kind: 'kmem_alloc', map: 'kernel', size })).toEqual(none);
    expect(machine.run({ kind: 'kmem_alloc_wait', map: 'kernel', size })).toEqual(none);
    expect(machine.touched()).toEqual([]);
  }
  machine.run({ kind: 'kmem_free', map: 'kernel', address: (at(8) + 1) as VirtualAddress, size: bytes(0) });
  expect(machine.touched()).toEqual([]);
});

test('a free whose end lies beyond 2^32 reaches up to the end of the map', () => {
  const machine = bootSmall();
  alloc(machine, 4);
  machine.run({ kind: 'kmem_free', map: 'kernel', address: at(17), size: bytes(0xffff_ffff) });
  expect(entries(machine).map(({ end }) => end)).toEqual([at(16), at(17)]);
});

test('a failed nowait allocation gives its pages back last first and leaves no entry', () => {
  const machine = bootSmall({ managedPages: 11 });
  kmem(machine);
  expect(malloc(machine, 4)).toEqual(none);
  expect(freeQueue(machine)).toEqual([10, 9, 8]);
  expect(entries(machine, 'kmem')).toEqual([]);
  expect(machine.cell('object:kmem')?.references).toBe(1);
});

test('a nowait page is mapped wired but counts as no wired page, and is not zeroed', () => {
  const machine = bootSmall();
  kmem(machine);
  expect(malloc(machine, 1)).toEqual(allocated(at(16)));
  expect(machine.cell(`mapping:${at(16)}`)).toMatchObject({ wired: true, writable: true });
  expect(machine.cell('counters').wired).toBe(8);
  expect(machine.snapshot({ contents: true }).objects[1]?.pages).toMatchObject([
    { wireCount: 0, queue: 'none', contents: 0xa5 },
  ]);
  machine.run({ kind: 'vm_map_pageable', map: 'kmem', start: at(16), end: at(17), pageable: true });
  expect(machine.cell('queue:active')).toHaveLength(1);
});

test('malloc panics on other maps, and where it would have to wait for space', () => {
  expect(bootSmall().run({ kind: 'kmem_malloc', map: 'kernel', size: bytes(0), canWait: false })).toEqual(
    panic(PANIC.mallocWrongMap),
  );
  const machine = bootSmall();
  kmem(machine, 2);
  expect(malloc(machine, 3)).toEqual(none);
  expect(malloc(machine, 3, true)).toEqual(panic(PANIC.mallocMapTooSmall));
  expect(machine.step({ kind: 'pagedaemon' })).toEqual({ outcome: panic(PANIC.mallocMapTooSmall) });
});

test('malloc on mb before kmem exists is rejected', () => {
  const { run } = bootSmall();
  run({ kind: 'kmem_suballoc', name: 'mb', parent: 'kernel', size: pages(2), pageable: false });
  expect(run({ kind: 'kmem_malloc', map: 'mb', size: pages(1), canWait: false })).toEqual(
    rejected('PRE-KM-MALLOC-1'),
  );
});

test('a suballocation without room prints why, then panics', () => {
  for (const [size, code] of [
    [bytes(0), 1],
    [bytes(0xffff_ffff), 1],
    [pages(49), 3],
  ] as const)
    expect(
      bootSmall().step({ kind: 'kmem_suballoc', name: 's', parent: 'kernel', size, pageable: true }),
    ).toEqual({
      outcome: panic(PANIC.suballoc),
      console: [`kmem_suballoc: bad status return of ${code}.`],
    });
});

test('a suballocation behind a touched pageable region panics', () => {
  const machine = bootSmall();
  machine.run({ kind: 'cpu_write', address: at(0), bytes: [1] });
  expect(kmem(machine)).toEqual(panic(PANIC.suballocUnableToChange));
});

test('static map records run out before kmem exists and are not needed after', () => {
  const create = ({ run }: Machine, name: string) =>
    run({ kind: 'vm_map_create', name, min: at(40), max: at(41), pageable: true });
  const machine = bootSmall();
  for (const name of ['a', 'b', 'c']) expect(create(machine, name)).toEqual(done);
  expect(machine.cell('pools').freeMaps).toBe(0);
  expect(machine.run({ kind: 'vm_map_deallocate', map: 'b' })).toEqual(done);
  expect(machine.cell('pools').freeMaps).toBe(1);
  kmem(machine);
  expect(create(machine, 'b')).toEqual(done);
  expect(machine.run({ kind: 'vm_map_deallocate', map: 'b' })).toEqual(done);
  expect(machine.cell('pools').freeMaps).toBe(0);
  expect(machine.cell('pmap:kernel').references).toBe(4);

  const full = bootSmall({ staticMaps: 1 });
  expect(create(full, 'a')).toEqual(panic(PANIC.outOfMaps));
});

test('an exhausted entry pool panics, also in the middle of a free', () => {
  const machine = bootSmall({ mapEntries: 2 });
  alloc(machine, 3);
  expect(free(machine, 17, 1)).toEqual(panic(PANIC.outOfMapEntries));
  expect(bootSmall({ mapEntries: null }).cell('pools').freeEntries).toBeNull();
});

test('a submap in use cannot be freed, an empty one can, and is detached then', () => {
  const machine = bootSmall();
  machine.run({ kind: 'kmem_suballoc', name: 's', parent: 'kernel', size: pages(4), pageable: true });
  machine.run({ kind: 'kmem_alloc_pageable', map: 's', size: pages(1) });
  const remove = (from: number, to: number) =>
    machine.run({ kind: 'vm_map_remove', map: 'kernel', start: at(from), end: at(to) });
  expect(remove(16, 20)).toEqual(kern(4));
  free(machine, 16, 1, 's');
  expect(remove(16, 19)).toEqual(kern(4));
  expect(remove(16, 20)).toEqual(kern(0));
  expect(machine.cell('map:s')?.references).toBe(1);
  expect(machine.run({ kind: 'vm_map_deallocate', map: 's' })).toEqual(done);
  expect(machine.cell('map:s')).toBeNull();
  expect(alloc(machine, 1, 's')).toEqual(rejected('CONV-4'));
});

test('a submap that somebody waits for cannot be freed until the sleeper has run', () => {
  const machine = bootSmall();
  machine.run({ kind: 'kmem_suballoc', name: 's', parent: 'kernel', size: pages(2), pageable: true });
  machine.run({ kind: 'kmem_alloc_pageable', map: 's', size: pages(2) });
  const sleeper = 3;
  expect(machine.run({ kind: 'kmem_alloc_wait', map: 's', size: pages(1) })).toMatchObject({
    event: 'map:s',
  });
  free(machine, 16, 2, 's');
  const remove = () => machine.run({ kind: 'vm_map_remove', map: 'kernel', start: at(16), end: at(18) });
  expect(remove()).toEqual(kern(4));
  expect(machine.step({ kind: 'kmem_free_wakeup', map: 's', address: at(16), size: bytes(0) }).woken).toEqual(
    [sleeper],
  );
  expect(remove()).toEqual(kern(4));
  expect(machine.run({ kind: 'vm_map_deallocate', map: 's' })).toEqual(rejected('MAP-CREATE-2'));
  expect(machine.run({ kind: 'resume', operation: sleeper })).toEqual(allocated(at(16)));
});

test('a wiring range holds up those who would disturb it until it ends', () => {
  const machine = bootSmall({ managedPages: 9 });
  insertNull(machine, 20, 22);
  expect(wire(machine, 20, 22)).toEqual({ kind: 'sleep', event: 'pages' });
  const waiter = { kind: 'sleep', event: 'trans:kernel' };
  expect(free(machine, 20, 1)).toEqual(waiter);
  expect(wire(machine, 21, 22)).toEqual(waiter);
  expect(wire(machine, 21, 22, true)).toEqual(waiter);
  expect(free(machine, 22, 1)).toEqual(done);
  expect(machine.cell('transitions')).toEqual([
    { map: 'kernel', start: at(20), end: at(22), state: 'wiring', operation: 2 },
  ]);
  expect(machine.step({ kind: 'pagedaemon' }).woken).toEqual([2]);
  expect(machine.run({ kind: 'resume', operation: 2 })).toMatchObject({ event: 'pages' });
  expect(machine.run({ kind: 'resume', operation: 2 })).toEqual(rejected('SCHED-2'));
  expect(machine.run({ kind: 'vm_map_delete', map: 'kernel', start: at(20), end: at(21) })).toEqual(
    rejected('MAP-TRANS-1'),
  );
});

test('a filling range may be protected but not freed, and its end wakes the waiters in order', () => {
  const machine = bootSmall({ managedPages: 10 });
  alloc(machine, 1);
  expect(alloc(machine, 2)).toMatchObject({ event: 'pages' });
  expect(
    machine.run({
      kind: 'vm_map_protect',
      map: 'kernel',
      start: at(17),
      end: at(18),
      protection: 3,
      setMax: false,
    }),
  ).toEqual(kern(0));
  expect(free(machine, 18, 1)).toMatchObject({ event: 'trans:kernel' });
  expect(free(machine, 17, 1)).toMatchObject({ event: 'trans:kernel' });
  free(machine, 16, 1);
  machine.run({ kind: 'pagedaemon' });
  const finished = machine.step({ kind: 'resume', operation: 2 });
  expect(finished).toEqual({ outcome: allocated(at(17)), resumed: 2, woken: [4, 5] });
  expect(machine.run({ kind: 'resume', operation: 5 })).toEqual(done);
  expect(machine.run({ kind: 'resume', operation: 4 })).toEqual(done);
  expect(machine.snapshot({ contents: false }).mappings).toEqual([]);
});

test('wiring over a hole takes its counts back but keeps clips and objects', () => {
  const machine = bootSmall();
  insertNull(machine, 20, 24);
  expect(wire(machine, 22, 26)).toEqual(kern(4));
  expect(entries(machine).slice(1)).toMatchObject([
    { start: at(20), wiredCount: 0, backing: { object: 'anon1' } },
    { start: at(22), end: at(24), wiredCount: 0, backing: { object: 'anon1' }, offset: 2 * PAGE_SIZE },
  ]);
});

test('unwiring copes with pages that protection NONE has unmapped', () => {
  const machine = bootSmall();
  alloc(machine, 1);
  machine.run({
    kind: 'vm_map_protect',
    map: 'kernel',
    start: at(16),
    end: at(17),
    protection: 0,
    setMax: false,
  });
  expect(machine.cell(`mapping:${at(16)}`)).toBeNull();
  expect(wire(machine, 16, 17, true)).toEqual(kern(0));
  expect(machine.cell('counters').wired).toBe(8);
});

test('a submap must match its range exactly, have no parent yet, and not contain the map', () => {
  const machine = bootSmall();
  const create = (name: string, from: number, to: number) =>
    machine.run({ kind: 'vm_map_create', name, min: at(from), max: at(to), pageable: true });
  const submap = (map: string, from: number, to: number, sub: string) =>
    machine.run({ kind: 'vm_map_submap', map, start: at(from), end: at(to), submap: sub });
  create('inner', 20, 24);
  create('outer', 20, 24);
  insertNull(machine, 18, 26);
  expect(submap('kernel', 20, 23, 'inner')).toEqual(kern(4));
  expect(submap('kernel', 20, 24, 'kernel')).toEqual(kern(4));
  machine.run({
    kind: 'vm_map_insert',
    map: 'outer',
    object: 'null',
    offset: objectOffset(0),
    start: at(20),
    end: at(24),
  });
  machine.run({
    kind: 'vm_map_insert',
    map: 'inner',
    object: 'null',
    offset: objectOffset(0),
    start: at(20),
    end: at(24),
  });
  expect(submap('outer', 20, 24, 'inner')).toEqual(kern(0));
  expect(submap('kernel', 20, 24, 'inner')).toEqual(kern(4));
  expect(submap('inner', 20, 24, 'outer')).toEqual(kern(4));
  expect(submap('kernel', 20, 24, 'outer')).toEqual(kern(0));
  expect(entries(machine).map(({ start }) => start)).toEqual([at(0), at(18), at(20), at(24)]);
  expect(machine.run({ kind: 'checked_write', map: 'kernel', address: at(21), byte: 4 })).toEqual(kern(0));
  expect(entries(machine, 'inner')[0]?.backing).toEqual({ object: 'anon1' });
});

test('reservations that collide leave their object reference behind', () => {
  const machine = bootSmall({
    reserved: [
      { start: at(20), length: pages(2) },
      { start: at(21), length: pages(2) },
    ],
  });
  expect(entries(machine)).toMatchObject([{ start: at(0) }, { start: at(20), end: at(22) }]);
  expect(machine.cell('object:kernel')?.references).toBe(3);
});

test('low memory pokes the daemon when a page is taken', () => {
  const machine = bootSmall({ freeMin: 4, managedPages: 12 });
  expect(machine.step({ kind: 'kmem_alloc', map: 'kernel', size: pages(1) }).daemonPoked).toBe(true);
  const roomy = bootSmall({ freeTarget: 4, inactiveTarget: 1, managedPages: 13 });
  expect(roomy.step({ kind: 'kmem_alloc', map: 'kernel', size: pages(1) }).daemonPoked).toBeUndefined();
  expect(roomy.step({ kind: 'kmem_alloc', map: 'kernel', size: pages(1) }).daemonPoked).toBe(true);
});

test('deactivation moves an active page to INACTIVE and forgets its reference', () => {
  const machine = bootSmall();
  insertNull(machine, 20, 21);
  machine.run({ kind: 'cpu_write', address: at(20), bytes: [1] });
  const deactivate = (page: number) =>
    machine.run({ kind: 'vm_page_deactivate', map: 'kernel', address: at(page) });
  expect(deactivate(21)).toEqual({ kind: 'flag', value: false });
  expect(deactivate(20)).toEqual({ kind: 'flag', value: true });
  expect(machine.cell('queue:inactive')).toEqual([8]);
  expect(machine.cell(`mapping:${at(20)}`)).toMatchObject({ accessed: false, dirty: true });
  expect(deactivate(20)).toEqual({ kind: 'flag', value: true });
  machine.run({ kind: 'vm_fault', map: 'kernel', address: at(20), protection: 1 });
  expect(machine.cell('queue:active')).toEqual([8]);
});

test.each([
  { kind: 'vm_map_create', name: 'kernel', min: at(1), max: at(2), pageable: true },
  { kind: 'vm_map_create', name: 'x', min: at(2), max: at(1), pageable: true },
  { kind: 'vm_map_deallocate', map: 'kernel' },
  { kind: 'vm_map_delete', map: 'kernel', start: at(3), end: at(2) },
  { kind: 'vm_map_protect', map: 'kernel', start: at(1), end: at(2), protection: 8, setMax: false },
  { kind: 'kmem_suballoc', name: 'kernel', parent: 'kernel', size: pages(1), pageable: true },
  { kind: 'kmem_free', map: 'nowhere', address: at(1), size: pages(1) },
  { kind: 'vm_map_submap', map: 'kernel', start: at(1), end: at(2), submap: 'nowhere' },
  { kind: 'resume', operation: 1 },
] as const)('$kind with a broken obligation is rejected and changes nothing', (operation) => {
  const machine = bootSmall();
  const before = machine.snapshot({ contents: true });
  expect(machine.run(operation).kind).toBe('rejected');
  expect(machine.snapshot({ contents: true })).toEqual(before);
});

test('queries answer without changing anything', () => {
  const machine = bootSmall();
  alloc(machine, 2);
  const before = machine.snapshot({ contents: true });
  const lookup = (page: number) =>
    machine.run({ kind: 'vm_map_lookup_entry', map: 'kernel', address: at(page) });
  expect(lookup(17)).toEqual({ kind: 'entry', found: true, start: at(16) });
  expect(lookup(18)).toEqual({ kind: 'entry', found: false, start: at(16) });
  expect(lookup(-1)).toEqual({ kind: 'entry', found: false, start: null });
  const check = (from: number, to: number, protection = 7) =>
    machine.run({
      kind: 'vm_map_check_protection',
      map: 'kernel',
      start: at(from),
      end: at(to),
      protection,
    });
  expect(check(0, 18)).toEqual({ kind: 'flag', value: true });
  expect(check(0, 19)).toEqual({ kind: 'flag', value: false });
  expect(check(17, 3)).toEqual({ kind: 'flag', value: true });
  expect(check(18, 18)).toEqual({ kind: 'flag', value: false });
  expect(check(0, 1, 8)).toEqual({ kind: 'flag', value: false });
  expect(machine.run({ kind: 'vm_map_findspace', map: 'kernel', start: at(0), length: bytes(1) })).toEqual(
    allocated(at(18)),
  );
  expect(machine.run({ kind: 'vm_map_findspace', map: 'kernel', start: at(65), length: bytes(1) })).toEqual(
    none,
  );
  expect(machine.snapshot({ contents: true })).toEqual(before);
});

test('vm_map_find tries the exact place or the first fit, and gives the reference back on failure', () => {
  const machine = bootSmall();
  const find = (page: number, count: number, findSpace: boolean, crooked = 0) =>
    machine.run({
      kind: 'vm_map_find',
      map: 'kernel',
      object: 'kernel',
      offset: objectOffset(page * PAGE_SIZE),
      address: (at(page) + crooked) as VirtualAddress,
      length: pages(count),
      findSpace,
    });
  expect(find(30, 2, true)).toEqual({ kind: 'kern', code: 0, address: at(30) });
  expect(find(31, 2, false)).toEqual(kern(3));
  expect(find(30, 2, true)).toEqual({ kind: 'kern', code: 0, address: at(32) });
  expect(find(20, 40, true)).toEqual(kern(3));
  expect(find(63, 2, false)).toEqual(kern(1));
  expect(find(20, 0, true)).toEqual(kern(1));
  expect(find(20, 1, true, 1)).toEqual(kern(4));
  expect(machine.cell('object:kernel')?.references).toBe(3);
});
