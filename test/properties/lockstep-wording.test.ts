/** The words of a report: different values have different words, and long lists stay short. */
import { expect, test } from 'vitest';
import { bytes, frameNumber } from '../../contract/address.ts';
import { done, flag, kern, none, type Outcome, panic, rejected } from '../../contract/outcome.ts';
import { hex, inheritanceWord, listWord, outcomeWord, rights } from '../../properties/wording.ts';
import { at } from './lockstep-fixtures.ts';

test('every outcome has a phrase of its own', () => {
  const outcomes: readonly [Outcome, string][] = [
    [done, 'done'],
    [none, 'none'],
    [{ kind: 'address', address: at(1) }, '0xfe001000'],
    [kern(3), 'KERN_NO_SPACE'],
    [kern(9), 'code 9'],
    [{ kind: 'kern', code: 0, address: at(1) }, 'KERN_SUCCESS at 0xfe001000'],
    [{ kind: 'submap', map: 'kmem', min: at(1), max: at(2) }, 'submap kmem 0xfe001000-0xfe002000'],
    [{ kind: 'entry', found: true, start: at(1) }, 'in 0xfe001000'],
    [{ kind: 'entry', found: false, start: null }, 'behind the header'],
    [flag(true), 'true'],
    [{ kind: 'bytes', bytes: [0, 255] }, 'bytes 00 ff'],
    [{ kind: 'trap', code: 1, address: at(1) }, 'trap KERN_INVALID_ADDRESS at 0xfe001000'],
    [{ kind: 'frame', frame: frameNumber(3), offset: 4 }, 'frame 3 + 0x4'],
    [{ kind: 'sleep', event: 'map:kmem' }, 'sleeps on map:kmem'],
    [panic('kmem_suballoc'), 'panic "kmem_suballoc"'],
    [rejected('CONV-4'), 'rejected (CONV-4)'],
  ];
  for (const [outcome, phrase] of outcomes) expect(outcomeWord(outcome)).toBe(phrase);
});

test('rights and inheritance are words, unknown ones numbers', () => {
  expect([0, 1, 3, 5, 7, 9].map(rights)).toEqual(['---', 'r--', 'rw-', 'r-x', 'rwx', '9']);
  expect([0, 1, 2, 3].map(inheritanceWord)).toEqual(['share', 'copy', 'none', '3']);
  expect(hex(bytes(16))).toBe('0x00000010');
});

test('a long list shows the part that differs', () => {
  const list = Array.from({ length: 40 }, (_, i) => i);
  const other = list.with(30, 99);
  expect(listWord([1, 2])).toBe('[1 2]');
  expect(listWord(list, other)).toBe('[… 28 29 30 31 32 33 34 35 36 37 38 39] (40 in all, from number 28)');
  expect(listWord(other, list)).toContain('99');
  expect(listWord(list.toReversed(), list)).toMatch(/^\[39 38 .* …\] \(40 in all, from number 0\)$/);
});

test('two long lists that differ have different words, wherever they differ', () => {
  const list = Array.from({ length: 40 }, (_, i) => i);
  for (const i of list) {
    const other = list.with(i, 99);
    expect(listWord(list, other)).not.toBe(listWord(other, list));
    const shorter = list.toSpliced(i, 1);
    expect(listWord(list, shorter)).not.toBe(listWord(shorter, list));
  }
});
