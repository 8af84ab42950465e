/** What a hostile kernel, a full disk or an odd file must not do. */
import { spawnSync } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bracketDepth, repeatedKey } from '../../cli/json-keys.ts';
import { bin, directoryWith, vmlockstep } from './command.ts';

test('a kernel that writes to its operations harms neither the stored scenario nor the reference', async () => {
  const kernel = `export default {
    declares: { name: 'scribbler', operations: ['kmem_alloc_pageable'], shows: ['outcomes'], placement: 'first-fit' },
    boot: () => ({ apply: (operation) => { operation.size = 0; operation.map = 'gone'; return { outcome: { kind: 'none' } }; } }),
  };`;
  const directory = directoryWith({ 'scribbler.mjs': kernel });
  const { status, stdout } = await vmlockstep(directory, [
    'check',
    '--kernel',
    './scribbler.mjs',
    '--runs',
    '20',
  ]);
  expect(status).toBe(1);
  expect(stdout).not.toContain('in the reference model');
  const [, path = ''] = /stored in (\S+)/.exec(stdout) ?? [];
  const stored = readFileSync(join(directory, path), 'utf8');
  expect(stored).not.toContain('gone');
  expect(stored).toContain('"size":4096');
});

test.skipIf(process.platform !== 'linux')(
  'a full disk is told in one line, with a status that is no verdict',
  () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [bin, 'list', 'panics'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: stdout cannot be written: no space left on the device; .*\n$/);
  },
);

test('a string of megabytes is scanned like any other', () => {
  const text = JSON.stringify({ note: 'a\\"'.repeat(3_000_000), deep: [[1]] });
  expect(bracketDepth(text, 100)).toBe(3);
  expect(repeatedKey(text)).toBeNull();
  expect(repeatedKey(`${text.slice(0, -1)},"deep":1}`)).toMatchObject({ key: 'deep' });
});
