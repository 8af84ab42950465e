/** The 1994 search pointer; the recorded traces check it on every operation, here are its rules one by one. */
import { describe, expect, test } from 'vitest';
import { firstFreeAfter, type Line, P, START, VMIN } from './recording.ts';

const sub0: Line = ['suballoc', 'sub0', 'kernel', 8 * P, 1];

describe('first_free', () => {
  test('is the header in a new map', () => {
    expect(firstFreeAfter([sub0], 'sub0')).toBe('header');
  });

  test('moves to the first insertion even with a hole below, but to no later one across a hole', () => {
    const first: Line = ['insert', 'sub0', 'kernel', 0, START + 2 * P, START + 3 * P];
    const behindHole: Line = ['insert', 'sub0', 'kernel', 0, START + 4 * P, START + 5 * P];
    const adjacent: Line = ['insert', 'sub0', 'kernel', 0, START + 3 * P, START + 4 * P];
    expect(firstFreeAfter([sub0, first], 'sub0')).toBe(START + 2 * P);
    expect(firstFreeAfter([sub0, first, behindHole], 'sub0')).toBe(START + 2 * P);
    expect(firstFreeAfter([sub0, first, adjacent], 'sub0')).toBe(START + 3 * P);
  });

  test('stays where an insertion only extends its entry', () => {
    expect(firstFreeAfter([['alloc_pageable', 'kernel', P]], 'kernel')).toBe(VMIN);
  });

  test('goes with the back half of a clip at the start, and stays with the front half of a clip at the end', () => {
    expect(firstFreeAfter([['inherit', 'kernel', VMIN + P, VMIN + 2 * P, 0]], 'kernel')).toBe(VMIN + P);
    expect(firstFreeAfter([['inherit', 'kernel', VMIN, VMIN + P, 0]], 'kernel')).toBe(VMIN);
  });

  test('falls back before a deletion at or below it, and stays at one above', () => {
    const block: Line = ['alloc', 'kernel', 2 * P];
    expect(firstFreeAfter([block], 'kernel')).toBe(START);
    expect(firstFreeAfter([block, ['free', 'kernel', START, P]], 'kernel')).toBe(VMIN);
    expect(firstFreeAfter([block, ['free', 'kernel', START + P, P]], 'kernel')).toBe(START);
  });

  test('falls back when no bytes are freed at or below it, though the contract does nothing', () => {
    const block: Line = ['alloc', 'kernel', 2 * P];
    expect(firstFreeAfter([block, ['free', 'kernel', START, 0]], 'kernel')).toBe(VMIN);
    expect(firstFreeAfter([block, ['free', 'kernel', START + 2 * P, 0]], 'kernel')).toBe(START);
  });

  test('falls back to the header when a range beyond the map wraps to nothing', () => {
    const wrapped: Line = ['free', 'kernel', 0xffff_f000, P];
    expect(firstFreeAfter([['alloc', 'kernel', P], wrapped], 'kernel')).toBe('header');
  });

  test('passes from an absorbed entry to the one that absorbs it', () => {
    const lines: Line[] = [
      ['inherit', 'kernel', VMIN + P, VMIN + 2 * P, 1],
      ['simplify', 'kernel', VMIN + P],
    ];
    expect(firstFreeAfter(lines.slice(0, 1), 'kernel')).toBe(VMIN + P);
    expect(firstFreeAfter(lines, 'kernel')).toBe(VMIN);
  });
});
