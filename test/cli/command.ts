/** Runs the real command in a directory of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inject } from 'vitest';

export const root = resolve(import.meta.dirname, '..', '..');
/** The command as it is installed. */
export const bin = inject('bin');
/** The command as it starts in a clone. */
export const sourceBin = join(root, 'bin', 'vmlockstep.mjs');

/** How a command ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A new empty directory, optionally with files in it. */
export function directoryWith(files: Readonly<Record<string, string>> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'vmlockstep-cli-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

/** Every file below a directory with its text, to see that nothing was written or changed. */
export function filesIn(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(name, 'utf8')]));
}

const inherited = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(VMLOCKSTEP_|NO_COLOR|FORCE_COLOR|NODE_OPTIONS|VITEST)/.test(name),
  ),
);

/** Runs `vmlockstep ARGS` in the directory and waits for its end. */
export function vmlockstep(
  directory: string,
  args: readonly string[],
  {
    env = {},
    input = '',
    // Faulty kernels are patches of the sources, which an installed package has not.
    command = args.some((arg) => /^faults?(:|$)/.test(arg)) ? sourceBin : bin,
  }: {
    readonly env?: Readonly<Record<string, string>>;
    readonly input?: string;
    readonly command?: string;
  } = {},
): Promise<Ended> {
  return new Promise((settle, fail) => {
    const child = spawn(process.execPath, [command, ...args], {
      cwd: directory,
      env: { ...inherited, ...env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', fail);
    child.on('close', (status) => settle({ status, stdout, stderr }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
