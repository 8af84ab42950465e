import { describe, expect, test } from 'vitest';
import { pages } from '../../contract/address.ts';
import { alloc, allocPageable, at, bench, free, insert, protect, suballoc, wire } from './bench-machine.ts';

const kern = (code: number) => ({ kind: 'kern', code });

describe('splitting and merging', () => {
  test('MAP-CLIP-1: both halves keep the attributes, the back half its offset, and the object gains a reference', () => {
    const { run, entry, object, kernel } = bench();
    run(alloc(4));
    run(free(1, 1));
    expect(object('kernel').references).toBe(3);
    expect(entry('kernel', 0)).toMatchObject({ start: at(0), end: at(1), offset: 0, wiredCount: 1 });
    expect(entry('kernel', 2)).toMatchObject({ start: at(2), end: at(4), offset: pages(2), wiredCount: 1 });
    expect(kernel.cell('map:kernel')?.entryCount).toBe(2);
  });

  test('MAP-CLIP-2: pieces of a placeholder hold a reference each', () => {
    const { run, entries, kernel } = bench();
    run(suballoc('sub', 4));
    run({ kind: 'vm_map_inherit', map: 'kernel', start: at(1), end: at(3), inheritance: 2 });
    expect(entries()).toEqual(['0-1 submap sub', '1-3 submap sub', '3-4 submap sub']);
    expect(kernel.cell('map:sub')?.references).toBe(4);
  });

  test('MAP-CLIP-3: freeing the middle of the last entry stops the machine', () => {
    const { run } = bench({ mapEntries: 1 });
    run(allocPageable(3));
    expect(run(free(1, 1))).toEqual({ kind: 'panic', text: 'vm_map_entry_create: out of map entries' });
  });

  test('MAP-ENTRY-1: an insertion beyond the static pool stops the machine, one in a pageable map does not', () => {
    const { run, kernel } = bench({ mapEntries: 2 });
    run({ kind: 'kmem_suballoc', name: 'sub', parent: 'kernel', size: pages(8), pageable: true });
    for (const page of [0, 2, 4]) expect(run(insert(page, page + 1, 'null', 'sub'))).toEqual(kern(0));
    expect(kernel.cell('pools').freeEntries).toBe(1);
    expect(run(insert(10, 11))).toEqual(kern(0));
    expect(run(insert(12, 13))).toEqual({ kind: 'panic', text: 'vm_map_entry_create: out of map entries' });
  });

  test('MAP-CLIP-4: the split at the start of an empty range stays', () => {
    const { run, entries } = bench();
    run(insert(4, 8));
    expect(run(protect(6, 6, 1))).toEqual(kern(0));
    expect(entries()).toEqual(['4-6 null', '6-8 null']);
    expect(run(wire(5, 5))).toEqual(kern(0));
    expect(entries()).toEqual(['4-6 null', '6-8 null']);
  });

  test('MAP-SIMPL-1: pieces of a split entry merge again, separately inserted ones do not', () => {
    const { run, entries, events } = bench();
    run(insert(4, 8));
    run(protect(6, 6, 1));
    run({ kind: 'vm_map_simplify', map: 'kernel', start: at(6) });
    expect(entries()).toEqual(['4-8 null']);
    expect(events.at(-1)).toEqual({ kind: 'simplify', map: 'kernel', absorbed: at(6), absorber: at(4) });
    run(insert(3, 4));
    run({ kind: 'vm_map_simplify', map: 'kernel', start: at(4) });
    expect(entries()).toEqual(['3-4 null', '4-8 null']);
  });

  test('an allocation merges into the one before it, not into the one after', () => {
    const { run, entries } = bench();
    run(alloc(1));
    run(alloc(1));
    expect(entries()).toEqual(['0-2 kernel']);
    run(free(0, 1));
    run(alloc(1));
    expect(entries()).toEqual(['0-1 kernel', '1-2 kernel']);
  });

  test('a different wired count keeps neighbours apart', () => {
    const { run, entries } = bench();
    run(alloc(2));
    run(wire(1, 2));
    run({ kind: 'vm_map_simplify', map: 'kernel', start: at(1) });
    expect(entries()).toEqual(['0-1 kernel', '1-2 kernel']);
  });
});

test('changes of entry lists are reported with what lay before them', () => {
  const { run, events } = bench();
  run(insert(4, 6));
  run(insert(6, 8));
  run({ kind: 'vm_map_remove', map: 'kernel', start: at(5), end: at(7) });
  run({ kind: 'vm_map_remove', map: 'kernel', start: at(20), end: at(21) });
  expect(events).toEqual([
    { kind: 'insert', map: 'kernel', start: at(4), end: at(6), coalesced: false, predecessor: null },
    {
      kind: 'insert',
      map: 'kernel',
      start: at(6),
      end: at(8),
      coalesced: true,
      predecessor: { start: at(4), end: at(6) },
    },
    { kind: 'clip', map: 'kernel', frontStart: at(4), at: at(5) },
    { kind: 'delete', map: 'kernel', start: at(5), predecessor: at(4) },
    { kind: 'clip', map: 'kernel', frontStart: at(5), at: at(7) },
    { kind: 'delete', map: 'kernel', start: at(20), predecessor: at(7) },
  ]);
});
