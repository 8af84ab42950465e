/**
 * Builds the command once for all tests that run it and lays it out as an installed package has it: without sources,
 * which start a second slower. What users install is what is tested; the README's tests run a clone's sources.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of the built command. */
    bin: string;
  }
}

const root = resolve(import.meta.dirname, '..');

/** Vitest's global set-up. */
export function setup(project: TestProject): () => void {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const build = spawnSync(process.execPath, [tsc, '-b', 'cli', 'public'], { cwd: root, encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`the sources do not build:\n${build.stdout}`);
  const home = mkdtempSync(join(tmpdir(), 'vmlockstep-built-'));
  const { files }: { files: string[] } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(home, 'package.json'), readFileSync(join(root, 'package.json')));
  for (const name of files.filter((pattern) => !/[!*]/.test(pattern))) {
    mkdirSync(join(home, name, '..'), { recursive: true });
    // Modules resolve links, so the commands themselves are copied: they look beside them for sources.
    if (name === 'bin') cpSync(join(root, name), join(home, name), { recursive: true });
    else symlinkSync(join(root, name), join(home, name));
  }
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));
  project.provide('bin', join(home, 'bin', 'vmlockstep.mjs'));
  return () => rmSync(home, { recursive: true, force: true });
}
