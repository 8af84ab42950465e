/** What the README shows is what its command prints. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { directoryWith, vmlockstep } from './command.ts';

test('the counterexample of the README is what its command prints', async () => {
  const readme = readFileSync(resolve(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
  const [, command, shown] = /```\n\$ npx vmlockstep (.*)\n([^`]*)```/.exec(readme) ?? [];
  expect(command).toBeDefined();
  const { stdout } = await vmlockstep(directoryWith(), (command ?? '').split(' '));
  const lines = (shown ?? '').split('\n').filter((line) => line !== '' && line.trim() !== '…');
  expect(lines.length).toBeGreaterThan(8);
  for (const line of lines) expect(stdout.split('\n')).toContain(line);
});
