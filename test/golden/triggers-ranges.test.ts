/** Triggers of operations on ranges: each with a scenario that meets it and one that just does not. */
import { describe, expect, test } from 'vitest';
import { type Line, lastResult, P, resultBinds, START, stopOf, VMIN } from './recording.ts';

const MAX = VMIN + 32 * P;
const sub0: Line = ['suballoc', 'sub0', 'kernel', 2 * P, 1];
const kmem: Line = ['suballoc', 'kmem', 'kernel', 8 * P, 0];

describe('DEV-3', () => {
  test('vm_map_protect over a submap stops', () => {
    expect(stopOf([sub0, ['protect', 'kernel', START, START + P, 1, 0]])).toBe('DEV-3 at 2');
  });

  test('an empty range at the submap goes on', () => {
    expect(stopOf([sub0, ['protect', 'kernel', START + P, START + P, 1, 0]])).toBe('end');
  });

  test('an entry that refuses first keeps the submap out of it', () => {
    const lines: Line[] = [
      ['alloc_pageable', 'kernel', P],
      ['protect', 'kernel', START, START + P, 1, 1],
      ['suballoc', 'sub0', 'kernel', P, 1],
      ['protect', 'kernel', START, START + 2 * P, 7, 0],
    ];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ kr: 2 });
  });
});

describe('DEV-8', () => {
  const block: Line = ['alloc', 'kernel', 4 * P];

  test('a size that wraps the end stops', () => {
    expect(stopOf([block, ['free', 'kernel', START, 0xffff_ffff]])).toBe('DEV-8 at 2');
    expect(stopOf([block, ['free_wakeup', 'kernel', START, 0x1_0000_0000 - START]])).toBe('DEV-8 at 2');
  });

  test('the largest size that does not wrap goes on, and frees', () => {
    const lines: Line[] = [
      block,
      ['free', 'kernel', START, 0xffff_f000 - START],
      ['lookup', 'kernel', START],
    ];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ found: false, entry: VMIN });
  });

  test('a range that wraps around the whole map without touching it goes on', () => {
    expect(stopOf([block, ['free', 'kernel', MAX, 0x1_0000_0000 - MAX]])).toBe('end');
    expect(stopOf([block, ['free', 'kernel', MAX - P, 0x1_0000_0000 - MAX + P]])).toBe('DEV-8 at 2');
  });
});

describe('DEV-12', () => {
  test('freeing a submap that has entries, or a part of one, stops', () => {
    expect(stopOf([sub0, ['alloc_pageable', 'sub0', P], ['free', 'kernel', START, 2 * P]])).toBe(
      'DEV-12 at 3',
    );
    expect(stopOf([sub0, ['free', 'kernel', START, P]])).toBe('DEV-12 at 2');
    expect(stopOf([sub0, ['remove', 'kernel', START + P, MAX]])).toBe('DEV-12 at 2');
  });

  test('freeing a submap that only has a sleeper stops', () => {
    const lines: Line[] = [
      sub0,
      ['alloc_pageable', 'sub0', P],
      ['alloc_wait', 'sub0', 2 * P],
      ['free', 'sub0', START, P],
      ['free', 'kernel', START, 2 * P],
    ];
    expect(stopOf(lines)).toBe('DEV-12 at 5');
  });

  test('freeing the whole of an empty submap, or what lies beside it, goes on', () => {
    expect(stopOf([sub0, ['free', 'kernel', START, 2 * P]])).toBe('end');
    expect(stopOf([sub0, ['free', 'kernel', START + 2 * P, P]])).toBe('end');
  });
});

describe('DEV-13', () => {
  test('wiring the placeholder of a submap stops', () => {
    expect(stopOf([sub0, ['wire', 'kernel', START, START + P]])).toBe('DEV-13 at 2');
  });

  test('wiring from a hole before the submap goes on, and refuses', () => {
    const lines: Line[] = [
      ['alloc_pageable', 'kernel', P],
      sub0,
      ['free', 'kernel', START, P],
      ['wire', 'kernel', START, START + 2 * P],
    ];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ kr: 1 });
  });

  test('unwiring it goes on, and refuses', () => {
    expect(stopOf([sub0, ['unwire', 'kernel', START, START + P]])).toBe('end');
    expect(lastResult([sub0, ['unwire', 'kernel', START, START + P]])).toEqual({ kr: 4 });
  });
});

describe('DEV-14', () => {
  test('wiring nothing inside an entry stops', () => {
    expect(stopOf([['wire', 'kernel', VMIN + P, VMIN + P]])).toBe('DEV-14 at 1');
  });

  test('wiring nothing where an entry begins or ends, and unwiring nothing, go on', () => {
    expect(stopOf([['wire', 'kernel', VMIN, VMIN]])).toBe('end');
    expect(stopOf([['wire', 'kernel', START, START]])).toBe('end');
    expect(stopOf([['unwire', 'kernel', VMIN + P, VMIN + P]])).toBe('end');
  });
});

describe('DEV-33', () => {
  const mb = (pages: number): Line => ['suballoc', 'mb', 'kernel', pages * P, 0];

  test('freeing the last offset below 2^32 stops', () => {
    const lines: Line[] = [mb(1), kmem, ['malloc', 'mb', P, 1], ['free', 'mb', START, P]];
    expect(stopOf(lines)).toBe('DEV-33 at 4');
  });

  test('freeing the offset before it goes on', () => {
    expect(stopOf([mb(2), kmem, ['malloc', 'mb', P, 1], ['free', 'mb', START, P]])).toBe('end');
  });

  test('a range without pages goes on', () => {
    const last = START + P;
    const lines: Line[] = [
      mb(2),
      kmem,
      ['insert', 'mb', 'kmem', 0xffff_f000, last, last + P],
      ['free', 'mb', last, P],
    ];
    expect(stopOf(lines)).toBe('end');
  });
});

describe('DEV-36', () => {
  test('an unaligned bound inside the map stops whatever works on ranges', () => {
    expect(stopOf([['protect', 'kernel', VMIN, VMIN + 100, 1, 0]])).toBe('DEV-36 at 1');
    expect(stopOf([['inherit', 'kernel', VMIN + 1, VMIN + P, 2]])).toBe('DEV-36 at 1');
    expect(stopOf([['wire', 'kernel', VMIN + 1, VMIN + 1]])).toBe('DEV-36 at 1');
    expect(stopOf([['remove', 'kernel', MAX - 1, MAX]])).toBe('DEV-36 at 1');
  });

  test('a bound that the map cuts off may be unaligned', () => {
    expect(stopOf([['protect', 'kernel', 1, MAX + 1, 7, 0]])).toBe('end');
  });

  test('an inheritance that does not exist is refused before anybody looks at the bounds', () => {
    expect(stopOf([['inherit', 'kernel', VMIN + 1, VMIN + P, 3]])).toBe('end');
  });

  test('kmem_free rounds, so it goes on', () => {
    expect(
      stopOf([
        ['alloc', 'kernel', P],
        ['free', 'kernel', START + 1, 1],
      ]),
    ).toBe('end');
  });

  test('an unaligned insertion stops where there is room, and else leaves its result open', () => {
    expect(stopOf([['insert', 'kernel', 'null', 0, START, START + 1]])).toBe('DEV-36 at 1');
    expect(stopOf([['insert', 'kernel', 'kernel', 1, START, START + P]])).toBe('DEV-36 at 1');
    expect(resultBinds([['insert', 'kernel', 'null', 0, START - 1, START + P]])).toBe(false);
    expect(resultBinds([['insert', 'kernel', 'null', 0, START - P, START + P]])).toBe(true);
  });
});

describe('DEV-37', () => {
  const block: Line = ['alloc', 'kernel', 2 * P];

  test('freeing no bytes at an unaligned address, or inside an entry, stops', () => {
    expect(stopOf([block, ['free', 'kernel', START + 1, 0]])).toBe('DEV-37 at 2');
    expect(stopOf([block, ['free_wakeup', 'kernel', START + P, 0]])).toBe('DEV-37 at 2');
  });

  test('freeing no bytes where an entry begins, and one byte anywhere, go on', () => {
    expect(stopOf([block, ['free', 'kernel', START, 0]])).toBe('end');
    expect(stopOf([block, ['free', 'kernel', START + P + 1, 1]])).toBe('end');
  });
});
