import { describe, expect, test } from 'vitest';
import { pages } from '../../contract/address.ts';
import { alloc } from './bench-machine.ts';
import {
  create,
  done,
  enter,
  LINE,
  pageProtect,
  protectPart,
  remove,
  scratch,
  space,
  withPmap,
} from './bench-pmap.ts';

describe('page tables', () => {
  test('PMAP-PT-1: the first mapping of 4 MiB takes the head of FREE, zero-filled and wired once', () => {
    const machine = withPmap();
    const { run, kernel, object } = machine;
    expect(run(enter('a', 5 * LINE + 4097, 0, 3, true))).toEqual(done);
    const cells = ['spaces', 'object:pte:a', 'counters', 'queue:free'] as const;
    expect(kernel.touched()).toEqual(expect.arrayContaining([...cells]));
    run(enter('a', 6 * LINE - 4096, 12, 1));
    run(enter('a', 0, 0));
    expect(machine.free()).toEqual([5, 6, 7, 8, 9, 10, 11]);
    expect(object('pte:a').pages).toEqual([
      { offset: pages(5), frame: 3, wireCount: 1, busy: false, wanted: false, queue: 'none' },
      { offset: pages(0), frame: 4, wireCount: 1, busy: false, wanted: false, queue: 'none' },
    ]);
    expect(kernel.cell('counters')).toEqual({ free: 7, active: 0, inactive: 0, wired: 5 });
    const clean = { accessed: false, dirty: false };
    expect(space(machine, 'a')).toEqual({
      name: 'a',
      references: 1,
      resident: 3,
      wired: 1,
      tables: 2,
      mappings: [
        { address: 0, frame: 0, writable: true, wired: false, ...clean },
        { address: 5 * LINE + 4096, frame: 0, writable: true, wired: true, ...clean },
        { address: 6 * LINE - 4096, frame: 12, writable: false, wired: false, ...clean },
      ],
    });
    expect(kernel.cell('pv:0')).toEqual([]);
    const tables = kernel.snapshot({ contents: true }).objects.at(-1)?.pages;
    const meaningless = { wireCount: 1, undefinedContents: true };
    expect(tables).toMatchObject([meaningless, meaningless]);
  });

  test('the daemon is poked as by any page that is taken', () => {
    const { run, step } = scratch({ freeMin: 9 });
    run(create('a'));
    expect(step(enter('a', 0, 0))).toEqual({ outcome: done, daemonPoked: true });
    expect(step(enter('a', 4096, 0))).toEqual({ outcome: done });
  });

  test('without a free frame the machine stops, unless the table is there or none is needed', () => {
    const { run } = withPmap();
    run(enter('a', 0, 0));
    run(alloc(8));
    expect(run(enter('a', LINE - 4096, 1))).toEqual(done);
    expect(run(enter('a', LINE, 1, 2))).toEqual(done);
    expect(run(enter('a', LINE, 1))).toEqual({ kind: 'panic', text: 'pmap_enter: no page table page' });
    expect(run({ kind: 'pmap_update' })).toEqual({ kind: 'panic', text: 'pmap_enter: no page table page' });
  });

  test('PMAP-PT-2: the last mapping takes the table along, to the tail of FREE, the lowest first', () => {
    const machine = withPmap();
    const { run, kernel } = machine;
    run(enter('a', LINE, 0));
    run(enter('a', 4096, 12));
    run(enter('a', 0, 1));
    expect(machine.free()).toEqual([5, 6, 7, 8, 9, 10, 11]);
    run(remove('a', 0, 4096));
    expect(space(machine, 'a')).toMatchObject({ resident: 2, tables: 2 });
    expect(run(remove('a', 0, 2 * LINE))).toEqual(done);
    expect(kernel.touched()).toEqual(expect.arrayContaining(['spaces', 'object:pte:a', 'counters']));
    expect(machine.free()).toEqual([5, 6, 7, 8, 9, 10, 11, 4, 3]);
    expect(kernel.cell('counters')).toEqual({ free: 9, active: 0, inactive: 0, wired: 3 });
    expect(space(machine, 'a')).toMatchObject({ resident: 0, tables: 0, mappings: [] });
  });

  test('pmap_protect without READ and pmap_page_protect(NONE) give tables back, too', () => {
    const machine = withPmap();
    const { run } = machine;
    run(create('b'));
    run(enter('b', 0, 0));
    run(enter('a', LINE, 0));
    run(enter('a', 0, 0));
    run(enter('a', 2 * LINE, 1));
    expect(machine.free()).toEqual([8, 9, 10, 11]);
    run(pageProtect(0, 0));
    expect(machine.free()).toEqual([8, 9, 10, 11, 6, 5, 4]);
    expect(space(machine, 'b')).toMatchObject({ resident: 0, tables: 0 });
    run(protectPart(2 * LINE, 3 * LINE, 2));
    expect(machine.free()).toEqual([8, 9, 10, 11, 6, 5, 4, 7]);
    expect(space(machine, 'a')).toMatchObject({ resident: 0, tables: 0 });
  });
});
