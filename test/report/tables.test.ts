import { expect, test } from 'vitest';
import { clipped, table, wrapped } from '../../report/tables.ts';

test('columns are as wide as their widest cell and end without spaces', () => {
  expect(
    table(
      [{ heading: 'name' }, { heading: 'n', align: 'right' }, { heading: '' }],
      [
        ['→', '1', ''],
        ['longer', '10', 'x'],
      ],
    ),
  ).toEqual(['name     n', '→        1', 'longer  10  x']);
});

test('a table without headings has no heading line', () => {
  expect(table([{ heading: '' }, { heading: '' }], [['a', 'b']], '  ')).toEqual(['  a  b']);
});

test('words longer than a line stay whole', () => {
  expect(wrapped('a bb cccccc d', 4)).toEqual(['a bb', 'cccccc', 'd']);
});

test('a text that fits is not clipped', () => {
  expect(clipped('abc', 3)).toBe('abc');
  expect(clipped('abcd', 3)).toBe('ab…');
});
