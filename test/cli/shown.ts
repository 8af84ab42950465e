/** Pages that show commands and what they print. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { directoryWith, root, vmlockstep } from './command.ts';

/** The commands that a page shows in blocks, each with the lines under it. */
export const shownCommands = (page: string): (readonly [command: string, lines: string])[] =>
  [...page.matchAll(/```\n\$ npx vmlockstep (.*)\n([^`]*)```/g)].map(([, command = '', lines = '']) => [
    command,
    lines,
  ]);

/**
 * Runs a command and expects the lines: `…` stands for any, and what stands between two of them is there as it is, and in
 * this order. `folders` of the repository are where it runs.
 */
export async function expectShown(command: string, lines: string, folders: readonly string[]): Promise<void> {
  const directory = directoryWith();
  for (const name of folders) symlinkSync(join(root, name), join(directory, name));
  // Other tests share the machine: a kernel may take its time to load.
  const patience = command.includes('--kernel ') ? ['--kernel-timeout', '60s'] : [];
  const { stdout: said, stderr } = await vmlockstep(directory, [...command.split(' '), ...patience]);
  // The commands that it prints repeat the flags that it was given.
  const stdout = said.replaceAll(' --kernel-timeout 1m', '');
  const parts = lines.split(/^…\n/m).filter((part) => part !== '');
  let at = 0;
  for (const part of parts) {
    expect(stdout.slice(at), stderr).toContain(part);
    at = stdout.indexOf(part, at) + part.length;
  }
  expect(parts.join('').split('\n').length).toBeGreaterThan(3);
}
