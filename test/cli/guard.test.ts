/** `vmlockstep guard` in somebody's repository: what it finds, what it refuses, and that it leaves no trace. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CALL, FlightRecorder, sharedRecord } from '../../cli/flight-recorder.ts';
import { findPlaces, type PlaceFlags } from '../../cli/guard-places.ts';
import { isSlower, ratioOf } from '../../cli/guard-ratio.ts';
import { compareSpeed } from '../../cli/guard-speed.ts';
import { atEverySave } from '../../cli/guard-watch.ts';
import type { KernelModule } from '../../contract/kernel-memory.ts';
import { directoryWith, root, vmlockstep } from './command.ts';
import { kernel, scenario } from './kernel-text.ts';

const git = (directory: string, ...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(
    'git',
    ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false', ...args],
    { cwd: directory, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout;
};

/** A repository of one commit. */
function repositoryWith(files: Readonly<Record<string, string>>): string {
  const directory = realpathSync(directoryWith(files));
  git(directory, 'init', '-q', '-b', 'main');
  git(directory, 'add', '-A');
  git(directory, 'commit', '-q', '-m', 'one');
  return directory;
}

/** All that git knows of the trees of a repository. */
const traces = (directory: string): string =>
  git(directory, 'status', '--porcelain') + git(directory, 'worktree', 'list');

const temporary = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`vmlockstep-guard-${process.pid}-`));

const DECLARES =
  "{ name: 'toy', operations: ['kmem_free', 'kmem_alloc'], shows: ['outcomes'], placement: 'first-fit' }";
const GOOD = kernel({ declares: DECLARES });
const OTHER = kernel({ declares: DECLARES, apply: "() => ({ outcome: { kind: 'none' } })" });

describe('the command', () => {
  test('tells the difference between two commits, and leaves the repository as it was', async () => {
    const directory = repositoryWith({ 'toy.mjs': GOOD });
    writeFileSync(join(directory, 'toy.mjs'), OTHER);
    const before = traces(directory);
    const { status, stdout, stderr } = await vmlockstep(directory, [
      'guard',
      '--base',
      'HEAD',
      '--kernel',
      'toy.mjs',
      '--runs',
      '30',
      '--json',
    ]);
    expect(stderr).toContain('the working tree has changes that are not committed');
    expect(status).toBe(1);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({
      verb: 'guard',
      base: 'base HEAD',
      working: 'toy.mjs',
      speed: null,
      exitStatus: 1,
    });
    expect(told.findings).toHaveLength(1);
    expect(told.findings[0]).toMatchObject({
      kind: 'meaning',
      operations: 1,
      doubt: null,
      differences: [{ path: 'outcome', expected: 'done', actual: 'none' }],
      base: [{ outcome: { kind: 'done' } }],
      working: [{ outcome: { kind: 'none' } }],
    });
    expect(existsSync(join(directory, told.findings[0].stored))).toBe(true);
    expect(traces(directory)).toBe(before);
  });

  test('a kernel without a declaration is bad input, told in one line', async () => {
    const directory = repositoryWith({ 'toy.mjs': 'export default { boot: () => ({}) };\n' });
    const before = traces(directory);
    const { status, stderr } = await vmlockstep(directory, [
      'guard',
      '--base',
      'HEAD',
      '--kernel',
      'toy.mjs',
    ]);
    expect(status).toBe(2);
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^error: .*lacks declares/);
    expect(traces(directory)).toBe(before);
  });
});

describe('a kernel that never answers', () => {
  const HANGS_AT_BOOT = kernel({ declares: DECLARES, boot: '() => { for (;;); }' });
  const DIES = `process.exit(3);\n${GOOD}`;
  const HANGS = kernel({ declares: DECLARES, apply: '() => { for (;;); }' });
  test.each([
    [
      'at boot',
      'toy.mjs',
      HANGS_AT_BOOT,
      /^error: bad\.mjs: boot: no answer within 0\.5 s; mend it, or allow/,
    ],
    ['as base, at boot', './bad.mjs', HANGS_AT_BOOT, /^error: base \.\/bad\.mjs: boot: no answer/],
    [
      'as base, in an operation',
      './bad.mjs',
      HANGS,
      /^error: base \.\/bad\.mjs: operation 1 \(kmem_alloc\): no/,
    ],
    [
      'and dies while it is loaded',
      'toy.mjs',
      DIES,
      /^error: bad\.mjs: while loading: called process\.exit\(3\)/,
    ],
  ])('%s is told in one line with status 4', async (_, base, text, message) => {
    const directory = directoryWith({ 'toy.mjs': GOOD, 'bad.mjs': text });
    const working = base === 'toy.mjs' ? 'bad.mjs' : 'toy.mjs';
    const { status, stderr } = await vmlockstep(directory, [
      ...['guard', '--base', base === 'toy.mjs' ? './toy.mjs' : base, '--kernel', working],
      ...['--no-corpus', '--runs', '1', '--kernel-timeout', '500ms'],
    ]);
    expect(stderr.trim().split('\n').at(-1)).toMatch(message);
    expect(status).toBe(4);
  });
});

describe('the two kernels', () => {
  const flags = (more: Partial<PlaceFlags>): PlaceFlags => ({
    base: 'HEAD',
    kernel: 'toy.mjs',
    build: null,
    ...more,
  });
  const silent = () => undefined;

  test.each<[string, Partial<PlaceFlags>, RegExp]>([
    ['an unknown revision', { base: 'nope' }, /^--base nope: no revision of this repository and no path/],
    ['something that looks like a flag of git', { base: '--all' }, /^--base --all: no revision/],
    [
      'the tree itself',
      { base: '.' },
      /^--base \.: is the working kernel itself, so there is nothing to compare/,
    ],
    ['the module itself', { base: './toy.mjs' }, /is the working kernel itself/],
    ['a name of both a branch and a folder', { base: 'both' }, /^--base both: is a revision and a path/],
    ['a tree without the module', { base: './empty' }, /^--base \.\/empty: there is no toy\.mjs in it/],
    [
      'a base that does not build',
      { build: 'echo no luck >&2; exit 3' },
      /does not build: .* ended with status 3 \(no luck\)/,
    ],
    ['a build for a path', { base: './other', build: 'true' }, /^--build: --base \.\/other is a path/],
    ['a missing module', { kernel: 'none.mjs' }, /^--kernel none\.mjs: there is no such file/],
    [
      'no module where there is none of ours',
      { kernel: null },
      /^guard: there is no impl.optimized-kernel\.ts/,
    ],
    [
      'a module that the base has not',
      { kernel: 'new.mjs' },
      /^--base HEAD: has no new\.mjs; where it is built, give --build/,
    ],
  ])('%s is refused in one line, without a trace', async (_, more, message) => {
    const directory = repositoryWith({ 'toy.mjs': GOOD });
    git(directory, 'branch', 'both');
    for (const name of ['both', 'empty', 'other']) mkdirSync(join(directory, name));
    writeFileSync(join(directory, 'other', 'toy.mjs'), OTHER);
    writeFileSync(join(directory, 'new.mjs'), GOOD);
    const before = traces(directory);
    await expect(findPlaces(flags(more), directory, silent)).rejects.toThrow(message);
    expect(traces(directory)).toBe(before);
    expect(temporary()).toEqual([]);
  });

  test('outside of a repository only paths will do', async () => {
    const directory = realpathSync(directoryWith({ 'toy.mjs': GOOD, 'old.mjs': OTHER }));
    await expect(findPlaces(flags({}), directory, silent)).rejects.toThrow(/no git repository here/);
    const { base, working } = await findPlaces(flags({ base: './old.mjs' }), directory, silent);
    expect([base.file, working.file]).toEqual([join(directory, 'old.mjs'), join(directory, 'toy.mjs')]);
  });

  test('a base is checked out with the packages of the repository, built, and taken away', async () => {
    const directory = repositoryWith({ 'toy.mjs': GOOD, '.gitignore': 'node_modules\ndist\n' });
    mkdirSync(join(directory, 'node_modules'));
    mkdirSync(join(directory, 'dist'));
    writeFileSync(join(directory, 'dist', 'toy.mjs'), OTHER);
    const build = 'test -d node_modules && mkdir dist && cp toy.mjs dist/toy.mjs';
    const before = traces(directory);
    const places = await findPlaces(flags({ kernel: 'dist/toy.mjs', build }), directory, silent);
    expect(places.notes).toEqual([
      'the working tree is HEAD without any change; the same sources are compared',
      '--build ran for the base alone; the working tree is compared as it stands',
    ]);
    expect(existsSync(places.base.file)).toBe(true);
    expect(temporary()).toHaveLength(1);
    places.remove();
    expect(existsSync(places.base.file)).toBe(false);
    expect(temporary()).toEqual([]);
    expect(traces(directory)).toBe(before);
  });

  test('a build that changes and removes packages reaches those of the checkout alone', async () => {
    const directory = repositoryWith({ 'toy.mjs': GOOD, '.gitignore': 'node_modules\n' });
    const packages = join(directory, 'node_modules');
    for (const name of ['plain', '@scope/deep', '.bin']) mkdirSync(join(packages, name), { recursive: true });
    writeFileSync(join(packages, 'plain', 'index.js'), 'as installed');
    writeFileSync(join(packages, '@scope', 'deep', 'index.js'), 'as installed');
    symlinkSync('../plain/index.js', join(packages, '.bin', 'plain'));
    const held = (): string[] =>
      readdirSync(packages, { recursive: true, withFileTypes: true })
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => (statSync(path).isFile() ? `${path}: ${readFileSync(path, 'utf8')}` : path))
        .sort();
    const before = held();
    expect(before).toHaveLength(7);
    const build =
      'grep -q installed node_modules/.bin/plain node_modules/@scope/deep/index.js && ' +
      'echo patched > node_modules/plain/index.js && echo patched > node_modules/.bin/plain && ' +
      'rm -rf node_modules/* node_modules/.bin && mkdir node_modules/other';
    const places = await findPlaces(flags({ build }), directory, silent);
    const inCheckout = readdirSync(join(dirname(places.base.file), 'node_modules'));
    places.remove();
    expect(inCheckout).toEqual(['other']);
    expect(held()).toEqual(before);
  });

  test('without a build the packages are linked, not copied', async () => {
    const directory = repositoryWith({ 'toy.mjs': GOOD, '.gitignore': 'node_modules\n' });
    mkdirSync(join(directory, 'node_modules'));
    const places = await findPlaces(flags({}), directory, silent);
    const packages = realpathSync(join(dirname(places.base.file), 'node_modules'));
    places.remove();
    expect(packages).toBe(join(directory, 'node_modules'));
    expect(existsSync(packages)).toBe(true);
  });

  test("without --kernel it is this project's own, in whatever tree", async () => {
    const { base, working } = await findPlaces(flags({ base: root, kernel: null }), treeOfOurs(), silent);
    expect(base).toMatchObject({ own: true, file: realpathSync(join(root, 'impl', 'optimized-kernel.ts')) });
    expect(working).toMatchObject({ own: true, label: 'the working tree' });
  });

  function treeOfOurs(): string {
    const directory = realpathSync(directoryWith());
    mkdirSync(join(directory, 'impl'));
    writeFileSync(join(directory, 'impl', 'optimized-kernel.ts'), '');
    return directory;
  }
});

describe('speed', () => {
  /** Counts to `work` in every kmem_free. */
  const busy = (work: number): KernelModule => ({
    declares: {
      name: 'busy',
      operations: ['kmem_free', 'pagedaemon'],
      shows: ['outcomes'],
      placement: 'first-fit',
    },
    boot: () => {
      let sum = 0;
      return {
        apply: ({ kind }) => {
          for (let i = 0; i < (kind === 'kmem_free' ? work : 3_000); i++) sum = (sum + i) % 1021;
          return { outcome: { kind: 'done' } };
        },
      };
    },
  });
  const scenarios = Array.from({ length: 24 }, () => scenario);
  const compared = (base: number, working: number) => {
    const recorder = new FlightRecorder(sharedRecord());
    const result = compareSpeed(busy(base), busy(working), {
      scenarios,
      recorder,
      onProgress: () => undefined,
    });
    expect(recorder.sighting().call).toBe('nothing');
    return result;
  };

  test('an operation that takes twice as long is told, the others are not', () => {
    const { slower, rows } = compared(3_000, 6_000);
    expect(slower).toContain('kmem_free');
    expect(slower).not.toContain('pagedaemon');
    expect(rows.find(({ what }) => what === 'kmem_free')?.median).toBeGreaterThan(1.5);
  });

  test('equal kernels are equally fast', () => {
    expect(compared(3_000, 3_000).slower).toEqual([]);
  });

  test('what spreads too far is not called slower', () => {
    expect(isSlower(ratioOf([1.9, 2, 2, 2.1]))).toBe(true);
    expect(isSlower(ratioOf([1, 1.1, 2, 2.1, 2.2]))).toBe(false);
    expect(isSlower(ratioOf([1.3, 1.3, 1.3]))).toBe(false);
    expect(ratioOf([1, 2, 3, 4, 5])).toEqual({ median: 3, low: 2, high: 4 });
  });

  test('a call of the base has a name of its own', () => {
    const recorder = new FlightRecorder(sharedRecord());
    recorder.enter(CALL.base);
    expect(recorder.sighting().call).toBe('base');
  });
});

test('a save runs it again, and a file that cannot be loaded does not end the watch', async () => {
  const directory = directoryWith({ 'toy.mjs': GOOD });
  const file = join(directory, 'toy.mjs');
  const notes: string[] = [];
  let runs = 0;
  const ended = atEverySave(
    file,
    async () => {
      runs += 1;
      if (runs === 2) {
        const { InputError } = await import('../../contract/input-error.ts');
        setTimeout(() => writeFileSync(file, GOOD), 50);
        throw new InputError('kernel toy: cannot be loaded');
      }
      if (runs === 3) process.emit('SIGTERM');
      else setTimeout(() => writeFileSync(file, OTHER), 50);
      return 0;
    },
    { note: (text) => notes.push(text) },
  );
  onTestFinished(() => expect(process.listenerCount('SIGTERM')).toBe(0));
  expect(await ended).toBe(0);
  expect(runs).toBe(3);
  expect(notes).toContain('error: kernel toy: cannot be loaded');
});
