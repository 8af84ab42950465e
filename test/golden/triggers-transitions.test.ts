/** DEV-15, and the triggers of unwiring: each with a scenario that meets it and one that just does not. */
import { describe, expect, test } from 'vitest';
import { type Line, lastResult, P, record, START, stopOf, VMIN } from './recording.ts';

const kmem: Line = ['suballoc', 'kmem', 'kernel', 8 * P, 0];
/** kmem_malloc of two pages where there is one: wires START and sleeps for START + P. */
const wiring: Line[] = [kmem, ['malloc', 'kmem', 2 * P, 1]];
/** kmem_alloc of two pages where there is one: fills START and sleeps for START + P. */
const filling: Line[] = [['alloc', 'kernel', 2 * P]];
const one = { npages: 1 };

describe('DEV-15 of ranges', () => {
  test('freeing a range that is being wired stops, freeing the page behind it goes on', () => {
    expect(stopOf([...wiring, ['free', 'kmem', START, 2 * P]], one)).toBe('DEV-15 at 3');
    expect(stopOf([...wiring, ['free', 'kmem', START + 2 * P, P]], one)).toBe('end');
  });

  test('a range that is being filled stops removal, but neither protection nor inheritance', () => {
    expect(stopOf([...filling, ['remove', 'kernel', START + P, START + 2 * P]], one)).toBe('DEV-15 at 2');
    expect(stopOf([...filling, ['protect', 'kernel', START, START + P, 5, 0]], one)).toBe('end');
    expect(stopOf([...filling, ['inherit', 'kernel', START, START + P, 0]], one)).toBe('end');
  });

  test('protect, inherit, wire and unwire stop at a range that is being wired', () => {
    expect(stopOf([...wiring, ['protect', 'kmem', START, START + P, 5, 0]], one)).toBe('DEV-15 at 3');
    expect(stopOf([...wiring, ['inherit', 'kmem', START, START + P, 0]], one)).toBe('DEV-15 at 3');
    expect(stopOf([...wiring, ['wire', 'kmem', START, START + P]], one)).toBe('DEV-15 at 3');
    expect(stopOf([...wiring, ['unwire', 'kmem', START, START + P]], one)).toBe('DEV-15 at 3');
  });

  test('an inheritance that does not exist, and the same addresses in the parent, go on', () => {
    expect(stopOf([...wiring, ['inherit', 'kmem', START, START + P, 3]], one)).toBe('end');
    expect(stopOf([...wiring, ['unwire', 'kernel', START, START + P]], one)).toBe('end');
  });

  test('removing nothing stops only where it would split the range', () => {
    expect(stopOf([...filling, ['remove', 'kernel', START + P, START + P]], one)).toBe('DEV-15 at 2');
    expect(stopOf([...filling, ['remove', 'kernel', START, START]], one)).toBe('end');
    expect(stopOf([...wiring, ['remove', 'kmem', START + P, START + P]], one)).toBe('DEV-15 at 3');
  });

  test('what has been merged into an entry that is being wired counts like the range itself', () => {
    const merged: Line[] = [
      kmem,
      ['alloc', 'kernel', P],
      ['malloc', 'kmem', 3 * P, 1],
      ['free', 'kernel', START + 8 * P, P],
      ['malloc', 'kmem', P, 0],
    ];
    const three = { npages: 3 };
    expect(stopOf(merged, three)).toBe('end');
    expect(stopOf([...merged, ['free', 'kmem', START + 3 * P, P]], three)).toBe('DEV-15 at 6');
    expect(stopOf([...merged, ['free', 'kmem', START + 4 * P, P]], three)).toBe('end');
  });
});

describe('DEV-15 of merges', () => {
  test('merging an entry that is being wired into its predecessor stops, unless a seam forbids it', () => {
    const halfWired = (...before: Line[]): Line[] => [
      ['alloc_pageable', 'kernel', 4 * P],
      ['wire', 'kernel', START, START + P],
      ...before,
      ['wire', 'kernel', START + P, START + 3 * P],
      ['simplify', 'kernel', START + P],
    ];
    const two = { npages: 2 };
    expect(stopOf(halfWired(), two)).toBe('DEV-15 at 4');
    expect(stopOf(halfWired(['inherit', 'kernel', START, START + P, 0]), two)).toBe('end');
  });

  test('enlarging an entry stops while it is yet to be reached, not once it is', () => {
    const enlarged = (...before: Line[]): Line[] => [
      ['alloc_pageable', 'kernel', 6 * P],
      ['wire', 'kernel', START + 2 * P, START + 3 * P],
      ...before,
      ['wire', 'kernel', START, START + 2 * P],
      ['simplify', 'kernel', START + 2 * P],
    ];
    expect(stopOf(enlarged(['inherit', 'kernel', START, START + P, 0]), one)).toBe('DEV-15 at 5');
    expect(stopOf(enlarged(), one)).toBe('end');
  });

  /** Two entries of kernel_object that look like allocations, and no free page. */
  const twoBlocks: Line[] = [
    ['insert', 'kernel', 'kernel', 2 * P, START, START + P],
    ['insert', 'kernel', 'kernel', 3 * P, START + P, START + 2 * P],
    ['insert', 'kernel', 'null', 0, START + 8 * P, START + 9 * P],
    ['write', 'kernel', START + 8 * P, 1],
  ];

  test('an allocation that lands behind an entry yet to be reached stops', () => {
    const landing = (end: number): Line[] => [
      ...twoBlocks,
      ['wire', 'kernel', START, end],
      ['alloc', 'kernel', P],
    ];
    expect(stopOf(landing(START + 2 * P), one)).toBe('DEV-15 at 6');
    expect(stopOf(landing(START + P), one)).toBe('end');
    expect(lastResult(landing(START + P), one)).toEqual({ 'page-wait': true });
  });

  test('an allocation that finishes behind one stops when it is resumed', () => {
    const finishing = (end: number): Line[] => [
      ...twoBlocks,
      ['alloc', 'kernel', P],
      ['wire', 'kernel', START, end],
      ['pagedaemon'],
      ['resume', 5],
    ];
    expect(stopOf(finishing(START + 2 * P), one)).toBe('DEV-15 at 8');
    expect(stopOf(finishing(START + P), one)).toBe('end');
  });
});

describe('DEV-15 at a resume', () => {
  test('a kmem_alloc stops when another operation is wiring its range', () => {
    const resumed = (...before: Line[]): Line[] => [...filling, ...before, ['pagedaemon'], ['resume', 1]];
    expect(stopOf(resumed(['wire', 'kernel', START, START + 2 * P]), one)).toBe('DEV-15 at 4');
    expect(stopOf(resumed(), one)).toBe('end');
    expect(lastResult(resumed(), one)).toEqual({ 'page-wait': true });
  });

  test('an operation that cannot be resumed is not judged', () => {
    const lines: Line[] = [...filling, ['wire', 'kernel', START, START + 2 * P], ['resume', 1]];
    expect(stopOf(lines, one)).toBe('end');
    expect(lastResult(lines, one)).toEqual({ error: 'not runnable' });
  });
});

describe('DEV-6', () => {
  test('unwiring a nowait page stops, unwiring one that was wired for does not', () => {
    expect(stopOf([kmem, ['malloc', 'kmem', P, 0], ['unwire', 'kmem', START, START + P]])).toBe('DEV-6 at 3');
    expect(stopOf([kmem, ['malloc', 'kmem', P, 1], ['unwire', 'kmem', START, START + P]])).toBe('end');
  });

  test('an entry that stays wired goes on', () => {
    const lines: Line[] = [
      kmem,
      ['malloc', 'kmem', P, 0],
      ['wire', 'kmem', START, START + P],
      ['unwire', 'kmem', START, START + P],
    ];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ kr: 0 });
  });

  test('a refused unwiring goes on', () => {
    const lines: Line[] = [kmem, ['malloc', 'kmem', P, 0], ['unwire', 'kmem', START, START + 2 * P]];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ kr: 4 });
  });

  test('freeing a nowait page hides the wrap', () => {
    expect(stopOf([kmem, ['malloc', 'kmem', P, 0], ['free', 'kmem', START, P]])).toBe('end');
  });

  // A detached submap unwires a page of its former parent, which still counts its entry as wired.
  const stolenWiring: Line[] = [
    ['suballoc', 'sub0', 'kernel', 2 * P, 1],
    ['free', 'kernel', START, 2 * P],
    ['alloc_pageable', 'kernel', 2 * P],
    ['alloc', 'sub0', P],
    ['wire', 'kernel', START, START + P],
    ['unwire', 'sub0', START, START + P],
  ];

  test('deleting an entry whose page outlives it stops', () => {
    expect(stopOf([...stolenWiring, ['free', 'kernel', START, P]])).toBe('DEV-6 at 7');
  });

  test('deleting the object with its last entry hides the wrap', () => {
    const lines: Line[] = [...stolenWiring, ['free', 'kernel', VMIN, 4 * P]];
    expect(stopOf(lines)).toBe('end');
    expect(Object.keys(record(lines).records.at(-1)?.state?.objects ?? {})).not.toContain('anon1');
  });
});

describe('DEV-18', () => {
  const block: Line = ['alloc', 'kernel', P];

  test('freeing wired memory whose mapping was taken away stops', () => {
    expect(stopOf([block, ['protect', 'kernel', START, START + P, 0, 0], ['free', 'kernel', START, P]])).toBe(
      'DEV-18 at 3',
    );
  });

  test('freeing it after a protection that keeps READ goes on', () => {
    expect(stopOf([block, ['protect', 'kernel', START, START + P, 1, 0], ['free', 'kernel', START, P]])).toBe(
      'end',
    );
  });

  test('a wiring fault without READ leaves a record, so unwiring goes on', () => {
    const lines: Line[] = [
      ['alloc_pageable', 'kernel', P],
      ['protect', 'kernel', START, START + P, 0, 0],
      ['wire', 'kernel', START, START + P],
      ['unwire', 'kernel', START, START + P],
    ];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ kr: 0 });
  });

  test('without a resident page both machines panic with the same text', () => {
    const lines: Line[] = [
      ['alloc_pageable', 'kernel', P],
      ['insert', 'kernel', 'kernel', 0, START + P, START + 2 * P],
      ['insert', 'kernel', 'kernel', 0, START + 3 * P, START + 4 * P],
      ['wire', 'kernel', START + P, START + 2 * P],
      ['free', 'kernel', START + 3 * P, P],
      ['free', 'kernel', START + P, P],
    ];
    expect(stopOf(lines)).toBe('end');
    expect(lastResult(lines)).toEqual({ panic: 'unwire: page not in pmap' });
  });
});
