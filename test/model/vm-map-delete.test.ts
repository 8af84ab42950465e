import { describe, expect, test } from 'vitest';
import { address, pages } from '../../contract/address.ts';
import type { Operation, OperationOf } from '../../contract/operation.ts';
import {
  alloc,
  allocPageable,
  allocWait,
  at,
  bench,
  free,
  insert,
  suballoc,
  wire,
  write,
} from './bench-machine.ts';

const kern = (code: number) => ({ kind: 'kern', code });
const remove = (start: number, end: number, map = 'kernel'): OperationOf<'vm_map_remove'> => ({
  kind: 'vm_map_remove',
  map,
  start: at(start),
  end: at(end),
});
const create = (name: string, start: number, end: number, pageable = false): Operation => ({
  kind: 'vm_map_create',
  name,
  min: at(start),
  max: at(end),
  pageable,
});
const deallocate = (map: string): Operation => ({ kind: 'vm_map_deallocate', map });
const submap = (start: number, end: number, child: string, map = 'kernel'): Operation => ({
  kind: 'vm_map_submap',
  map,
  start: at(start),
  end: at(end),
  submap: child,
});

describe('deleting ranges', () => {
  test('MAP-DEL-1: a placeholder goes only as a whole, with its submap empty and nobody waiting for it', () => {
    const { run, kernel } = bench();
    run(suballoc('sub', 4));
    expect(run(remove(0, 3))).toEqual(kern(4));
    run(allocPageable(4, 'sub'));
    expect(run(remove(0, 4))).toEqual(kern(4));
    run(allocWait(1, 'sub'));
    run(free(0, 4, 'sub'));
    expect(run(remove(0, 4))).toEqual(kern(4));
    run({ kind: 'kmem_free_wakeup', map: 'sub', address: at(0), size: pages(1) });
    expect(run(remove(0, 4))).toEqual(kern(4));
    expect(run({ kind: 'resume', operation: 5 })).toEqual({ kind: 'address', address: at(0) });
    run(free(0, 1, 'sub'));
    expect(run(remove(0, 4))).toEqual(kern(0));
    expect(kernel.cell('map:sub')).toMatchObject({ references: 1 });
  });

  test('a refused deletion splits nothing', () => {
    const { run, entries } = bench();
    run(insert(4, 8));
    run(suballoc('sub', 4));
    expect(run(remove(1, 6))).toEqual(kern(4));
    expect(entries()).toEqual(['0-4 submap sub', '4-8 null']);
  });

  test('MAP-DEL-2: both ends are split off, pages of kernel_object are freed, and holes are skipped', () => {
    const { run, entries, free: freeFrames } = bench();
    run(alloc(4));
    run(insert(6, 8));
    expect(run(remove(2, 7))).toEqual(kern(0));
    expect(entries()).toEqual(['0-2 kernel', '7-8 null']);
    expect(freeFrames()).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 2, 3]);
  });

  test('MAP-DEL-3: deleting what is not there succeeds', () => {
    const { run } = bench();
    expect(run(remove(2, 7))).toEqual(kern(0));
    expect(run(remove(70, 90))).toEqual(kern(0));
  });

  test('MAP-DEL-4: removing clamps first, and then insists on alignment', () => {
    const { run, entries } = bench();
    run(insert(62, 64));
    expect(run({ ...remove(63, 64), end: address(at(64) + 5) })).toEqual(kern(0));
    expect(run({ ...remove(62, 63), end: address(at(62) + 5) })).toEqual(kern(4));
    expect(entries()).toEqual(['62-63 null']);
  });

  test('vm_map_delete does not clamp: unaligned bounds, and then those outside the map, are rejected', () => {
    const { run } = bench();
    const range = { kind: 'vm_map_delete', map: 'kernel' } as const;
    const odd = { ...range, start: address(at(0) + 1), end: at(65) };
    expect(run(odd)).toEqual({ kind: 'rejected', rule: 'MAP-0' });
    expect(run({ ...range, start: at(0), end: at(65) })).toEqual({ kind: 'rejected', rule: 'MAP-CLAMP' });
    expect(run({ ...range, start: at(5), end: at(4) })).toEqual({ kind: 'rejected', rule: 'MAP-CLAMP' });
    expect(run({ ...range, start: at(0), end: at(64) })).toEqual(kern(0));
  });

  test('OBJ-7: pages of an anonymous object outlive the middle of their entry, not the whole of it', () => {
    const { run, object, kernel } = bench();
    run(insert(4, 7));
    for (const page of [4, 5, 6]) run(write(page, page));
    run(remove(5, 6));
    expect(object('anon1').pages).toHaveLength(3);
    expect(kernel.cell(`mapping:${at(5)}`)).toBeNull();
    run(remove(4, 7));
    expect(kernel.cell('object:anon1')).toBeNull();
    expect(kernel.cell('counters')).toMatchObject({ free: 12, active: 0 });
  });

  test('the depth of wiring is forgotten with the entry', () => {
    const { run, kernel } = bench();
    run(alloc(1));
    run(wire(0, 1));
    run(remove(0, 1));
    expect(kernel.cell('counters')).toMatchObject({ free: 12, wired: 0 });
  });
});

describe('maps', () => {
  test('MAP-CREATE-1: records are static until there is a kmem map, and run out', () => {
    const { run, kernel } = bench({ staticMaps: 3 });
    run(create('a', 100, 110));
    expect(kernel.cell('pools').freeMaps).toBe(1);
    run(suballoc('kmem', 4));
    run(create('b', 110, 120));
    expect(kernel.cell('pools').freeMaps).toBe(0);
    expect(kernel.cell('pmap:kernel').references).toBe(4);
    const poor = bench({ staticMaps: 1 });
    expect(poor.run(create('a', 100, 110))).toEqual({ kind: 'panic', text: 'vm_map_create: out of maps' });
  });

  test('bounds out of order, a live name and a reserved name are rejected', () => {
    const { run } = bench();
    run(create('a', 100, 110));
    for (const bad of [create('a', 200, 210), create('b', 210, 200), create('mb', 200, 210)])
      expect(run(bad)).toEqual({ kind: 'rejected', rule: 'MAP-CREATE-1' });
  });

  test('MAP-CREATE-2: the last reference takes entries, pages and the record along', () => {
    const { run, kernel } = bench();
    run(create('a', 10, 20));
    run(insert(10, 12, 'anon', 'a'));
    run(write(10, 1, 'a'));
    expect(run(deallocate('a'))).toEqual({ kind: 'done' });
    expect(kernel.cell('map:a')).toBeNull();
    expect(kernel.cell('counters').free).toBe(12);
    expect(kernel.cell('pools')).toEqual({ freeEntries: 40, freeMaps: 9 });
    expect(run(deallocate('a'))).toEqual({ kind: 'rejected', rule: 'CONV-4' });
  });

  test('a submap that its creator gave up dies with its placeholder', () => {
    const { run, kernel } = bench();
    run(suballoc('sub', 4));
    expect(run(deallocate('sub'))).toEqual({ kind: 'done' });
    expect(run(deallocate('sub'))).toEqual({ kind: 'rejected', rule: 'MAP-CREATE-2' });
    expect(kernel.cell('map:sub')).toMatchObject({ references: 1 });
    run(free(0, 4));
    expect(kernel.cell('map:sub')).toBeNull();
  });

  test('a map is not given up under an operation in flight, nor over a submap in use', () => {
    const { run } = bench();
    run(create('a', 10, 20));
    run(suballoc('nested', 4, 'a'));
    run(insert(10, 11, 'null', 'nested'));
    expect(run(deallocate('a'))).toEqual({ kind: 'rejected', rule: 'MAP-CREATE-2' });
    run(create('b', 30, 31));
    run(insert(30, 31, 'null', 'b'));
    run(allocWait(1, 'b'));
    expect(run(deallocate('b'))).toEqual({ kind: 'rejected', rule: 'MAP-CREATE-2' });
    expect(run(deallocate('kernel'))).toEqual({ kind: 'rejected', rule: 'MAP-CREATE-2' });
  });

  test('MAP-SUB-1: a placeholder needs one null, unwired entry and a free map of just its bounds', () => {
    const { run, entries } = bench();
    run(create('sub', 4, 8));
    run(insert(2, 6));
    run(insert(6, 10, 'anon'));
    expect(run(submap(4, 8, 'sub'))).toEqual(kern(4));
    run(remove(0, 64));
    expect(run(submap(4, 8, 'sub'))).toEqual(kern(4));
    run(insert(2, 10));
    expect(run(submap(4, 7, 'sub'))).toEqual(kern(4));
    expect(run(submap(4, 8, 'kernel'))).toEqual(kern(4));
    expect(run(submap(4, 8, 'ghost'))).toEqual({ kind: 'rejected', rule: 'CONV-4' });
    expect(entries()).toEqual(['2-10 null']);
  });

  test('MAP-SUB-2: the placeholder is cut out exactly and counted, and a second parent is refused', () => {
    const { run, entries, kernel } = bench();
    run(create('sub', 4, 8));
    run(create('other', 0, 64));
    run(insert(2, 10));
    run(insert(0, 64, 'null', 'other'));
    expect(run(submap(4, 8, 'sub'))).toEqual(kern(0));
    expect(entries()).toEqual(['2-4 null', '4-8 submap sub', '8-10 null']);
    expect(kernel.cell('map:sub')?.references).toBe(2);
    expect(run(submap(4, 8, 'sub', 'other'))).toEqual(kern(4));
  });

  test('a map cannot become a submap of what lies in it', () => {
    const { run } = bench();
    run(create('outer', 4, 8));
    run(create('inner', 4, 8));
    run(insert(4, 8, 'null', 'outer'));
    run(insert(4, 8, 'null', 'inner'));
    expect(run(submap(4, 8, 'inner', 'outer'))).toEqual(kern(0));
    expect(run(submap(4, 8, 'outer', 'inner'))).toEqual(kern(4));
  });
});
