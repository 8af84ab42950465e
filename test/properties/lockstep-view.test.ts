/** What a view tells of a step: what was touched and was before, whose step it is, what is in flight, what is aliased. */
import { describe, expect, test } from 'vitest';
import { objectOffset, pages } from '../../contract/address.ts';
import type { KernelModule, ObservableKernel } from '../../contract/kernel-memory.ts';
import type { Operation } from '../../contract/operation.ts';
import { allocated } from '../../contract/outcome.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { cellNames, isCompared, readCell } from '../../properties/cells.ts';
import { sameCell, sameState } from '../../properties/equality.ts';
import { indexSnapshot } from '../../properties/index-snapshot.ts';
import { KernelView } from '../../properties/kernel-view.ts';
import { at, BUSY, MACHINE, tampered } from './lockstep-fixtures.ts';

/** Runs operations under a view and hands it to `look` after boot and after each of them. */
function watch(
  operations: readonly Operation[],
  look: (view: KernelView, kernel: ObservableKernel) => void,
  module: KernelModule<ObservableKernel> = referenceKernel,
): KernelView {
  const kernel = module.boot(MACHINE);
  const view = new KernelView('reference', kernel, MACHINE);
  look(view, kernel);
  operations.forEach((operation, i) => {
    view.advance(operation, i + 1, kernel.apply(operation, i + 1));
    look(view, kernel);
  });
  return view;
}

const wholeOf = (kernel: ObservableKernel) => indexSnapshot(kernel.snapshot({ contents: false }));

describe('the state of a view', () => {
  test('is that of the kernel after every step', () => {
    const checked: boolean[] = [];
    watch(BUSY, (view, kernel) => checked.push(sameState(view, wholeOf(kernel), true)));
    expect(checked).toEqual(Array(BUSY.length + 1).fill(true));
  });
  test('before a step is that after the step before', () => {
    let last = wholeOf(referenceKernel.boot(MACHINE));
    const wrong: string[] = [];
    watch(BUSY, (view, kernel) => {
      const names = new Set([...cellNames(view), ...cellNames(last)]);
      if (view.number > 0)
        for (const name of names)
          if (JSON.stringify(view.before(name)) !== JSON.stringify(readCell(last, name))) wrong.push(name);
      last = wholeOf(kernel);
    });
    expect(wrong).toEqual([]);
  });
  test('changes in touched cells only', () => {
    let last = wholeOf(referenceKernel.boot(MACHINE));
    const missed: string[] = [];
    watch(BUSY, (view, kernel) => {
      const now = wholeOf(kernel);
      for (const name of cellNames(now))
        if (!sameCell(name, last, now) && !view.touched.includes(name)) missed.push(name);
      last = now;
    });
    expect(missed).toEqual([]);
  });
  test('lists several objects born at once in the order of their serial numbers', () => {
    const wire: Operation[] = [
      {
        kind: 'vm_map_insert',
        map: 'kernel',
        object: 'null',
        offset: objectOffset(0),
        start: at(4),
        end: at(5),
      },
      { kind: 'vm_map_protect', map: 'kernel', start: at(4), end: at(5), protection: 3, setMax: false },
      {
        kind: 'vm_map_insert',
        map: 'kernel',
        object: 'null',
        offset: objectOffset(0),
        start: at(5),
        end: at(6),
      },
      { kind: 'vm_map_pageable', map: 'kernel', start: at(4), end: at(6), pageable: false },
    ];
    const backwards = tampered({ touched: (touched) => touched.toReversed() });
    const view = watch(wire, () => undefined, backwards);
    expect([...view.objects.keys()]).toEqual(['kernel', 'kmem', 'scratch', 'anon1', 'anon2']);
  });
  test('gives the maps, objects and addresses among the touched cells', () => {
    const view = watch(BUSY.slice(0, 2), () => undefined);
    expect(view.touchedMaps.map(({ name }) => name)).toEqual(['kernel']);
    expect(view.touchedObjects.map(({ name }) => name)).toEqual(['kernel']);
    expect(view.touchedMappings).toEqual([at(10), at(11)]);
    expect(view.touched.some((name) => name.startsWith('pv:'))).toBe(true);
  });
  test('stays as before a panic', () => {
    const view = watch(
      [...BUSY, { kind: 'kmem_malloc', map: 'kernel', size: pages(1), canWait: true }],
      () => undefined,
    );
    expect(view.step?.outcome.kind).toBe('panic');
    expect(view.touched).toEqual([]);
    expect(view.before('map:kernel')).toBe(view.maps.get('kernel'));
  });
  test('compares neither transitions nor pv lists', () => {
    expect((['transitions', 'pv:3', 'sched', 'mapping:4096'] as const).map(isCompared)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});

describe('the subject of a step', () => {
  const operations: Operation[] = [
    { kind: 'kmem_alloc', map: 'kernel', size: pages(10) },
    { kind: 'resume', operation: 1 },
    { kind: 'pagedaemon' },
    { kind: 'resume', operation: 1 },
    { kind: 'kmem_free', map: 'kernel', address: at(40), size: pages(1) },
  ];
  test('is the operation itself, or the one resumed', () => {
    const seen: string[] = [];
    watch(operations, (view) =>
      seen.push(`${view.subject?.kind} ${view.subjectNumber} ${[...view.inFlight.keys()]}`),
    );
    expect(seen).toEqual([
      'undefined 0 ',
      'kmem_alloc 1 1',
      'resume 2 1',
      'pagedaemon 3 1',
      'kmem_alloc 1 1',
      'kmem_free 5 1',
    ]);
  });
  test('leaves the operations in flight when it returns', () => {
    const short: Operation[] = [
      { kind: 'kmem_suballoc', name: 'sub', parent: 'kernel', size: pages(1), pageable: false },
      { kind: 'kmem_alloc_pageable', map: 'sub', size: pages(1) },
      { kind: 'kmem_alloc_wait', map: 'sub', size: pages(1) },
      { kind: 'kmem_free_wakeup', map: 'sub', address: at(2), size: pages(1) },
      { kind: 'resume', operation: 3 },
    ];
    const view = watch(short, () => undefined);
    expect(view.step).toMatchObject({ outcome: allocated(at(2)), resumed: 3 });
    expect(view.inFlight.size).toBe(0);
    expect(view.subject).toEqual(short[2]);
  });
});

describe('aliasing', () => {
  const aliased = (operations: readonly Operation[]) => watch(operations, () => undefined).aliased;
  const insert = (object: 'null' | 'kernel' | 'kmem' | 'anon', offset: number, page = 20): Operation => ({
    kind: 'vm_map_insert',
    map: 'kernel',
    object,
    offset: objectOffset(offset),
    start: at(page),
    end: at(page + 1),
  });
  const [suballoc] = BUSY;
  const withKmem = suballoc === undefined ? [] : [suballoc];
  test.each([
    ['a null object anywhere', [insert('null', 0)], false],
    ['kernel_object where its pages belong', [insert('kernel', 20 * 4096)], false],
    ['kernel_object elsewhere', [insert('kernel', 19 * 4096)], true],
    ['kernel_object elsewhere, refused', [insert('kernel', 0, 1)], false],
    ['kmem_object without a kmem map', [insert('kmem', 0)], true],
    ['kmem_object where its pages belong', [...withKmem, insert('kmem', 18 * 4096)], false],
    ['kmem_object elsewhere', [...withKmem, insert('kmem', 0)], true],
    ['an anonymous object from its start', [insert('anon', 0)], false],
    ['an anonymous object beyond its end', [insert('anon', 4096)], true],
  ] as const)('%s', (_, operations, expected) => {
    expect(aliased(operations)).toBe(expected);
  });
  test('a find at a foreign offset, judged by the address found', () => {
    const find = (offset: number): Operation => ({
      kind: 'vm_map_find',
      map: 'kernel',
      object: 'kernel',
      offset: objectOffset(offset),
      address: at(0),
      length: pages(1),
      findSpace: true,
    });
    expect(aliased([find(2 * 4096)])).toBe(false);
    expect(aliased([find(0)])).toBe(true);
  });
  test('stays once it has happened', () => {
    const free: Operation = { kind: 'kmem_free', map: 'kernel', address: at(20), size: pages(1) };
    expect(aliased([insert('kernel', 0), free])).toBe(true);
  });

  const submap: Operation = {
    kind: 'kmem_suballoc',
    name: 'sub',
    parent: 'kernel',
    size: pages(4),
    pageable: true,
  };
  const remove: Operation = { kind: 'vm_map_remove', map: 'kernel', start: at(2), end: at(6) };
  const create: Operation = { kind: 'vm_map_create', name: 'own', min: at(20), max: at(24), pageable: true };
  const use: Operation = { kind: 'kmem_alloc_pageable', map: 'own', size: pages(1) };
  test('a submap that lost its place in the parent', () => {
    expect(aliased([submap])).toBe(false);
    expect(aliased([submap, remove])).toBe(true);
  });
  test('a submap in use keeps its place', () => {
    expect(aliased([submap, { ...use, map: 'sub' }, remove])).toBe(false);
  });
  test('a map that nobody made a submap, once its addresses are handed out twice', () => {
    expect(aliased([create, use])).toBe(false);
    expect(aliased([create, use, insert('null', 0)])).toBe(true);
    expect(aliased([create, insert('null', 0), use])).toBe(true);
    expect(aliased([create, insert('null', 0)])).toBe(false);
    expect(aliased([create, use, { kind: 'vm_map_deallocate', map: 'own' }, insert('null', 0)])).toBe(false);
  });
  test('not a map that became a submap before use', () => {
    const place: Operation = {
      kind: 'vm_map_insert',
      map: 'kernel',
      object: 'null',
      offset: objectOffset(0),
      start: at(20),
      end: at(24),
    };
    const attach: Operation = {
      kind: 'vm_map_submap',
      map: 'kernel',
      start: at(20),
      end: at(24),
      submap: 'own',
    };
    expect(aliased([create, place, attach, use])).toBe(false);
  });
});
