/** Triggers of allocations and searches: each with a scenario that meets it and one that just does not. */
import { describe, expect, test } from 'vitest';
import { type Line, lastResult, P, resultBinds, START, stopOf, VMIN } from './recording.ts';

const MAX = VMIN + 32 * P;
const sub0: Line = ['suballoc', 'sub0', 'kernel', 8 * P, 1];
const kmem: Line = ['suballoc', 'kmem', 'kernel', 8 * P, 0];

describe('DEV-1', () => {
  test('kmem_alloc of a size that rounds to zero stops', () => {
    expect(stopOf([['alloc', 'kernel', 0]])).toBe('DEV-1 at 1');
    expect(stopOf([['alloc', 'kernel', 0xffff_f001]])).toBe('DEV-1 at 1');
  });

  test('kmem_alloc of the largest size that still rounds goes on, and finds nothing', () => {
    const lines: Line[] = [['alloc', 'kernel', 0xffff_f000]];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ addr: 0 });
  });

  test('kmem_malloc of no bytes stops on kmem_map, and panics alike on a map that it does not serve', () => {
    expect(stopOf([kmem, ['malloc', 'kmem', 0, 1]])).toBe('DEV-1 at 2');
    expect(stopOf([kmem, ['malloc', 'kernel', 0, 1]])).toBe('end');
  });

  test('kmem_alloc_wait of no bytes leaves its result open, kmem_alloc_pageable does not', () => {
    expect(resultBinds([['alloc_wait', 'kernel', 0]])).toBe(false);
    expect(resultBinds([['alloc_pageable', 'kernel', 0]])).toBe(true);
  });

  test('a search for no bytes leaves its result open up to the end of the map, and not beyond', () => {
    expect(resultBinds([['findspace', 'kernel', MAX, 0]])).toBe(false);
    expect(resultBinds([['findspace', 'kernel', MAX + 1, 0]])).toBe(true);
  });
});

describe('DEV-2', () => {
  const holeBelow: Line[] = [sub0, ['insert', 'sub0', 'null', 0, START + 4 * P, START + 5 * P]];

  test('an allocation that fits below first_free stops', () => {
    expect(stopOf([...holeBelow, ['alloc_pageable', 'sub0', P]])).toBe('DEV-2 at 3');
    expect(stopOf([...holeBelow, ['suballoc', 'sub1', 'sub0', P, 1]])).toBe('DEV-2 at 3');
    expect(stopOf([...holeBelow, ['alloc_wait', 'sub0', P]])).toBe('DEV-2 at 3');
  });

  test('an allocation that fits on neither side goes on', () => {
    const lines: Line[] = [...holeBelow, ['alloc_pageable', 'sub0', 5 * P]];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ addr: 0 });
  });

  test('without a hole below, the first fit is where 1994 found it', () => {
    const lines: Line[] = [
      sub0,
      ['insert', 'sub0', 'null', 0, START, START + P],
      ['alloc_pageable', 'sub0', P],
    ];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ addr: START + P });
  });

  test('a search from the bottom leaves its result open, one from a page above does not', () => {
    expect(resultBinds([...holeBelow, ['findspace', 'sub0', START, P]])).toBe(false);
    expect(resultBinds([...holeBelow, ['findspace', 'sub0', START + P, P]])).toBe(true);
  });

  test('a woken kmem_alloc_wait is judged when it searches again', () => {
    const woken: Line[] = [
      sub0,
      ['alloc_pageable', 'sub0', 8 * P],
      ['alloc_wait', 'sub0', P],
      ['free_wakeup', 'sub0', START, 8 * P],
    ];
    const hole: Line = ['insert', 'sub0', 'null', 0, START + 2 * P, START + 3 * P];
    expect(stopOf([...woken, hole, ['resume', 3]])).toBe('DEV-2 at 6');
    expect(stopOf([...woken, ['resume', 3]])).toBe('end');
    expect(lastResult([...woken, ['resume', 3]])).toEqual({ addr: START });
  });

  test('freeing no bytes moves first_free down, as it did in 1994', () => {
    const lines: Line[] = [...holeBelow, ['free', 'sub0', START, 0], ['alloc_pageable', 'sub0', P]];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ addr: START });
  });
});

describe('DEV-48', () => {
  // The alias gives kernel_object a page at the offset of START + 2 P.
  const alias: Line[] = [
    ['insert', 'kernel', 'kernel', 4 * P, START, START + P],
    ['write', 'kernel', START, 1],
  ];

  test('kmem_alloc over an offset that is resident stops', () => {
    expect(stopOf([...alias, ['alloc', 'kernel', 2 * P]])).toBe('DEV-48 at 3');
  });

  test('kmem_alloc that ends just below the resident offset goes on', () => {
    const lines: Line[] = [...alias, ['alloc', 'kernel', P]];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ addr: START + P });
  });

  test('kmem_malloc stops only when it fills its pages itself', () => {
    const inUse: Line[] = [
      kmem,
      ['insert', 'kernel', 'kmem', P, START + 8 * P, START + 9 * P],
      ['write', 'kernel', START + 8 * P, 1],
    ];
    expect(stopOf([...inUse, ['malloc', 'kmem', 2 * P, 0]])).toBe('DEV-48 at 4');
    expect(stopOf([...inUse, ['malloc', 'kmem', P, 0]])).toBe('end');
    expect(stopOf([...inUse, ['malloc', 'kmem', 2 * P, 1]])).toBe('end');
  });

  test('a resumed kmem_alloc stops when somebody has filled its next offset meanwhile', () => {
    const asleep: Line[] = [
      ['insert', 'kernel', 'anon', 0, START + 16 * P, START + 17 * P],
      ['write', 'kernel', START + 16 * P, 1],
      ['alloc', 'kernel', 2 * P],
      ['read', 'kernel', START + P],
      ['free', 'kernel', START + 16 * P, P],
      ['pagedaemon'],
    ];
    const two = { npages: 2 };
    expect(stopOf([...asleep, ['resume', 4], ['resume', 3]], two)).toBe('DEV-48 at 8');
    expect(stopOf([...asleep, ['resume', 3]], two)).toBe('end');
    expect(lastResult([...asleep, ['resume', 3]], two)).toEqual({ addr: START });
  });
});

describe('PRE-KM-MALLOC-1', () => {
  const mb: Line = ['suballoc', 'mb', 'kernel', P, 0];

  test('kmem_malloc on mb_map stops before there is a kmem_map, and goes on after', () => {
    expect(stopOf([mb, ['malloc', 'mb', P, 1]])).toBe('PRE-KM-MALLOC-1 at 2');
    expect(stopOf([mb, kmem, ['malloc', 'mb', P, 1]])).toBe('end');
    expect(lastResult([mb, kmem, ['malloc', 'mb', P, 1]])).toEqual({ addr: START });
  });
});

describe('DEV-36 of vm_map_findspace', () => {
  test('a search from the middle of a free page leaves its result open', () => {
    expect(resultBinds([['findspace', 'kernel', START + 100, P]])).toBe(false);
  });

  test('the result binds where the start lies in an entry, below the map, beyond it, or at a page', () => {
    expect(resultBinds([['findspace', 'kernel', VMIN + 100, P]])).toBe(true);
    expect(resultBinds([['findspace', 'kernel', 100, P]])).toBe(true);
    expect(resultBinds([['findspace', 'kernel', MAX + 100, P]])).toBe(true);
    expect(resultBinds([['findspace', 'kernel', START + P, P]])).toBe(true);
  });
});
