import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkDirectory, makeDirectory, removeEmpty } from '../../cli/out-directory.ts';
import { InputError } from '../../contract/input-error.ts';
import { directoryWith } from './command.ts';

function complaint(directory: string): string {
  try {
    checkDirectory(directory);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('--out is tried before a run', () => {
  test.each([
    { name: 'a file', out: 'file', says: /^--out \S+file: is not a directory; name one/ },
    {
      name: 'a path through a file',
      out: 'file/x/y',
      says: /^--out \S+file\/x\/y: \S+file is not a directory/,
    },
    { name: 'a name too long', out: 'n'.repeat(300), says: /^--out \S+: cannot be written: the name is too/ },
  ])('$name is refused', ({ out, says }) => {
    const directory = directoryWith({ file: 'precious' });
    const message = complaint(join(directory, out));
    expect(message).toMatch(says);
    expect(message).not.toContain('\n');
    expect(readdirSync(directory)).toEqual(['file']);
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('precious');
  });

  test.runIf(existsSync('/proc/self'))('a file system that makes nothing is refused, and soon', () => {
    expect(complaint('/proc/nope/x')).toBe(
      '--out /proc/nope/x: cannot be written: nothing can be made there; name a directory that can',
    );
    expect(complaint('/proc')).toMatch(/^--out \/proc: cannot be written: /);
  });

  test('one that can be made is accepted, and not there afterwards', () => {
    const directory = directoryWith();
    expect(complaint(join(directory, 'a', 'b'))).toBe('accepted');
    expect(readdirSync(directory)).toEqual([]);
  });
});

test('directories are made one by one, and only empty ones taken back', () => {
  const directory = directoryWith();
  const made = makeDirectory(join(directory, 'a', 'b'));
  expect(made).toEqual([join(directory, 'a'), join(directory, 'a', 'b')]);
  makeDirectory(join(directory, 'a', 'c'));
  removeEmpty(made);
  expect(readdirSync(directory, { recursive: true }).sort()).toEqual(['a', join('a', 'c')]);
});
