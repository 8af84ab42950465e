import { describe, expect, test } from 'vitest';
import { pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { alloc, allocPageable, at, bench, free, insert, pagedaemon, resume, wire } from './bench-machine.ts';
import { create, done, enter, none, onPmap, rejected, remove, scratch, shown, space } from './bench-pmap.ts';

describe('creating', () => {
  test('PMAP-CREATE-1: a pmap takes a page of the kernel map for its directory, and an object for its tables', () => {
    const machine = scratch();
    const { run, kernel, object, entries } = machine;
    expect(kernel.cell('spaces')).toEqual({ current: 'kernel', pmaps: [] });
    expect(run(create('a'))).toEqual(done);
    expect(kernel.touched()).toEqual(expect.arrayContaining(['spaces', 'object:pte:a', 'object:kernel']));
    expect(entries()).toEqual(['0-8 null', '8-9 kernel']);
    expect(object('kernel').pages).toMatchObject([{ offset: pages(8), frame: 2, wireCount: 1 }]);
    expect(object('pte:a')).toMatchObject({ references: 1, size: 0x40_0000, pages: [] });
    expect(kernel.cell('spaces')).toEqual({
      current: 'kernel',
      pmaps: [{ name: 'a', references: 1, resident: 0, wired: 0, tables: 0, mappings: [] }],
    });
    expect(kernel.snapshot({ contents: false }).objects.map(({ name }) => name)).toEqual([
      'kernel',
      'kmem',
      'scratch',
      'pte:a',
    ]);
  });

  test('any size but 0 is no pmap for the hardware', () => {
    const machine = scratch();
    const before = shown(machine);
    expect(machine.run(create('a', 4096))).toEqual(none);
    expect(shown(machine)).toEqual(before);
  });

  test('PMAP-PINIT-1: without room in the kernel map there is no pmap, and the name stays free', () => {
    const machine = scratch();
    machine.run(allocPageable(56));
    const before = shown(machine);
    expect(machine.run(create('a'))).toEqual(none);
    expect(machine.run({ kind: 'pmap_pinit', name: 'a' })).toEqual({ kind: 'flag', value: false });
    expect(shown(machine)).toEqual(before);
    machine.run(free(20, 1));
    expect(machine.run({ kind: 'pmap_pinit', name: 'a' })).toEqual({ kind: 'flag', value: true });
    expect(machine.entries()).toEqual(['0-20 null', '20-21 kernel', '21-64 null']);
    expect(space(machine, 'a')).toMatchObject({ references: 1, tables: 0 });
  });

  test('a candidate that found no room is followed', () => {
    const { kernel } = scratch();
    const refused = { kind: 'flag', value: false } as const;
    expect(kernel.applyPlaced({ kind: 'pmap_pinit', name: 'a' }, 1, refused)).toEqual({ outcome: refused });
    expect(kernel.applyPlaced(create('a'), 2, { kind: 'none' })).toEqual({ outcome: none });
    expect(kernel.cell('spaces').pmaps).toEqual([]);
  });

  test('names of live pmaps, of the kernel, of null and the empty one are taken, whatever the size', () => {
    const machine = scratch();
    machine.run(create('a'));
    const before = shown(machine);
    for (const name of ['a', 'kernel', 'null', '']) {
      expect(machine.run(create(name))).toEqual(rejected('CONV-4'));
      expect(machine.run(create(name, 1))).toEqual(rejected('CONV-4'));
      expect(machine.run({ kind: 'pmap_pinit', name })).toEqual(rejected('CONV-4'));
    }
    expect(shown(machine)).toEqual(before);
  });

  test('without a free frame it sleeps as kmem_alloc does, its name taken, and lives once it has its page', () => {
    const machine = bench({ managedPages: 2 });
    const { run, kernel } = machine;
    run(alloc(2));
    expect(run(create('a'))).toEqual({ kind: 'sleep', event: 'pages' });
    expect(kernel.cell('spaces').pmaps).toEqual([]);
    expect(kernel.cell('transitions')).toMatchObject([{ start: at(2), end: at(3), state: 'filling' }]);
    expect(run(create('a'))).toEqual(rejected('CONV-4'));
    expect(run(onPmap('pmap_reference', 'a'))).toEqual(rejected('CONV-4'));
    run(pagedaemon);
    expect(run(resume(2))).toEqual({ kind: 'sleep', event: 'pages' });
    run(free(0, 1));
    run(pagedaemon);
    expect(run(resume(2))).toEqual(done);
    expect(kernel.touched()).toEqual(expect.arrayContaining(['spaces', 'object:pte:a']));
    expect(space(machine, 'a')).toMatchObject({ references: 1 });
    expect(run(create('a'))).toEqual(rejected('CONV-4'));
  });

  test('a free that waits for the directory of a pmap under way is rejected once that lives', () => {
    const { run, step, entries } = bench({ managedPages: 2 });
    run(alloc(2));
    run(create('a'));
    const whole: Operation = { kind: 'kmem_free_wakeup', map: 'kernel', address: at(2), size: pages(1) };
    expect(run(whole)).toEqual({ kind: 'sleep', event: 'trans:kernel' });
    run(free(0, 1));
    run(pagedaemon);
    expect(step(resume(2))).toMatchObject({ outcome: done, woken: [3] });
    expect(run(resume(3))).toEqual(rejected('PMAP-REL-1'));
    expect(entries()).toEqual(['1-3 kernel']);
  });
});

describe('references', () => {
  test('PMAP-REF-1: the last destroy ends a pmap, earlier ones count down', () => {
    const machine = scratch();
    const { run, kernel } = machine;
    run(create('a'));
    expect(run(onPmap('pmap_reference', 'a'))).toEqual(done);
    expect(space(machine, 'a')).toMatchObject({ references: 2 });
    expect(run(onPmap('pmap_destroy', 'a'))).toEqual(done);
    expect(kernel.touched()).toEqual(['spaces']);
    expect(space(machine, 'a')).toMatchObject({ references: 1 });
    expect(run(onPmap('pmap_destroy', 'a'))).toEqual(done);
    expect(kernel.cell('spaces').pmaps).toEqual([]);
    expect(run(onPmap('pmap_destroy', 'a'))).toEqual(rejected('CONV-4'));
  });

  test('the kernel pmap only loses what pmap_reference gave it', () => {
    const machine = scratch();
    const { run, kernel } = machine;
    expect(run(onPmap('pmap_destroy', 'kernel'))).toEqual(rejected('PMAP-REF-1'));
    expect(run(onPmap('pmap_reference', 'kernel'))).toEqual(done);
    expect(kernel.touched()).toEqual(['pmap:kernel']);
    expect(kernel.cell('pmap:kernel').references).toBe(2);
    expect(run(onPmap('pmap_destroy', 'kernel'))).toEqual(done);
    expect(run(onPmap('pmap_destroy', 'kernel'))).toEqual(rejected('PMAP-REF-1'));
    expect(kernel.cell('pmap:kernel').references).toBe(1);
  });

  test('a count of 32767 is the last one', () => {
    const machine = scratch();
    const { run, kernel } = machine;
    run(create('a'));
    for (const pmap of ['a', 'kernel']) {
      for (let count = 1; count < 32767; count += 1) run(onPmap('pmap_reference', pmap));
      expect(run(onPmap('pmap_reference', pmap))).toEqual(rejected('PMAP-REF-1'));
    }
    expect(space(machine, 'a')).toMatchObject({ references: 32767 });
    expect(kernel.cell('pmap:kernel').references).toBe(32767);
  });

  test('on the null pmap nothing has an effect, and it cannot be current', () => {
    const machine = scratch();
    const before = shown(machine);
    for (const kind of ['pmap_reference', 'pmap_destroy', 'pmap_release'] as const)
      expect(machine.run(onPmap(kind, 'null'))).toEqual(done);
    expect(machine.run(onPmap('pmap_activate', 'null'))).toEqual(rejected('CONV-4'));
    expect(machine.run(onPmap('pmap_activate', 'ghost'))).toEqual(rejected('CONV-4'));
    expect(shown(machine)).toEqual(before);
  });
});

describe('releasing', () => {
  test('PMAP-REL-1: whatever the count, the directory goes to the tail of FREE and the name is free again', () => {
    const machine = scratch();
    const { run, kernel, entries } = machine;
    run(create('a'));
    run(onPmap('pmap_reference', 'a'));
    expect(run(onPmap('pmap_release', 'a'))).toEqual(done);
    expect(kernel.touched()).toEqual(expect.arrayContaining(['spaces', 'object:pte:a', 'queue:free']));
    expect(machine.free()).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 2]);
    expect(kernel.cell('object:pte:a')).toBeNull();
    expect(kernel.cell('counters')).toMatchObject({ active: 0, wired: 2 });
    expect(entries()).toEqual(['0-8 null']);
    expect(run(create('a'))).toEqual(done);
    expect(space(machine, 'a')).toMatchObject({ references: 1 });
  });

  test('not the kernel, not the current pmap, not one that maps something: nor by the last destroy', () => {
    const machine = scratch();
    const { run } = machine;
    run(create('a'));
    run(onPmap('pmap_activate', 'a'));
    let before = shown(machine);
    expect(run(onPmap('pmap_release', 'kernel'))).toEqual(rejected('PMAP-REL-1'));
    expect(run(onPmap('pmap_release', 'a'))).toEqual(rejected('PMAP-REL-1'));
    expect(run(onPmap('pmap_destroy', 'a'))).toEqual(rejected('PMAP-REL-1'));
    expect(shown(machine)).toEqual(before);
    run(onPmap('pmap_activate', 'kernel'));
    run(enter('a', 0, 0));
    before = shown(machine);
    expect(run(onPmap('pmap_release', 'a'))).toEqual(rejected('PMAP-REL-1'));
    expect(run(onPmap('pmap_destroy', 'a'))).toEqual(rejected('PMAP-REL-1'));
    expect(shown(machine)).toEqual(before);
    run(remove('a', 0, 4096));
    expect(run(onPmap('pmap_destroy', 'a'))).toEqual(done);
  });

  test('in a range that somebody is wiring it is dead at once, and sleeps for its directory', () => {
    const { run, kernel, entries } = bench({ managedPages: 3 });
    run(create('a'));
    run(insert(1, 2));
    run(alloc(2));
    expect(run(wire(0, 2))).toEqual({ kind: 'sleep', event: 'pages' });
    expect(run(onPmap('pmap_release', 'a'))).toEqual({ kind: 'sleep', event: 'trans:kernel' });
    expect(kernel.cell('spaces').pmaps).toEqual([]);
    run(free(2, 1));
    run(pagedaemon);
    expect(run(resume(4))).toEqual({ kind: 'kern', code: 0 });
    expect(run(resume(5))).toEqual(done);
    expect(entries()).toEqual(['1-2 anon1', '3-4 kernel']);
  });
});

test('what a pmap keeps beside the snapshot is said: where its directory is', () => {
  const machine = scratch();
  machine.run(create('a'));
  expect(machine.kernel.unshown().rest.endsWith(`;${at(8)}`)).toBe(true);
});
