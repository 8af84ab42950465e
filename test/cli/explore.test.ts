/** The verb `explore`: its result whoever does the work and however often it is interrupted, and what it refuses. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { bin, directoryWith, type Ended, root, vmlockstep } from './command.ts';
import { kernel } from './kernel-text.ts';

/** A machine so small that three operations are all there is time for in a test. */
const TINY = ['explore', '--pages', '2', '--entries', '3', '--sizes', '0,1', '--json'];
const explored = (directory: string, ...args: readonly string[]) => vmlockstep(directory, [...TINY, ...args]);

/** The toy allocator with one line of it spoilt: it starts looking a page too high after each range in use. */
const offByOne = readFileSync(join(root, 'examples', 'first-fit.ts'), 'utf8')
  .replaceAll('../contract/', `${root}/contract/`)
  .replace('start = range.end;', 'start = range.end + 4096;');

/** The checkpoint that a search left in a directory; null where there is none yet. */
function checkpointOrNull(directory: string): string | null {
  const out = join(directory, 'out');
  const name = existsSync(out)
    ? readdirSync(out).find((file) => /^explore-\w+\.json$/.test(file))
    : undefined;
  return name === undefined ? null : join(out, name);
}

function checkpointIn(directory: string): string {
  const path = checkpointOrNull(directory);
  if (path === null) throw new Error(`no checkpoint in ${directory}`);
  return path;
}

/** Runs the command and kills it outright once it has left a checkpoint. */
async function killedOnceBegun(directory: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [bin, ...args], { cwd: directory, stdio: 'ignore' });
  const ended = new Promise((settle) => child.on('close', settle));
  while (child.exitCode === null && checkpointOrNull(directory) === null) await setTimeout(20);
  child.kill('SIGKILL');
  await ended;
}

describe('a search', () => {
  const one = directoryWith();
  let alone: Ended;
  beforeAll(async () => {
    alone = await explored(one, '--depth', '3', '--workers', '1');
  }, 60_000);

  test('is the same document with one worker and with two, at once and in two goes', async () => {
    expect(alone.status).toBe(0);
    expect(JSON.parse(alone.stdout)).toMatchObject({
      verb: 'explore',
      depth: 3,
      complete: true,
      failed: 0,
      exit: 0,
    });
    expect(alone.stdout).not.toMatch(/second|"time"/);
    const together = await explored(directoryWith(), '--depth', '3', '--workers', '2');
    expect(together.stdout).toBe(alone.stdout);

    const shallow = await explored(directoryWith(), '--depth', '2');
    const again = await explored(one, '--depth', '2');
    expect(again.stdout).toBe(shallow.stdout);
    expect(again.stderr).toMatch(/^going on from out\/explore-\w+\.json: \d[\d,]* states/);
  });

  test('goes on after kill -9 and comes to the same document', async () => {
    const cut = directoryWith();
    const args = ['--depth', '3', '--workers', '1'];
    await killedOnceBegun(cut, [...TINY, ...args]);
    const { expanded } = JSON.parse(readFileSync(checkpointIn(cut), 'utf8'));
    const resumed = await explored(cut, ...args);
    expect(resumed.stderr).toMatch(new RegExp(`^going on from .*, of which ${expanded} done\n`));
    expect(resumed.stdout).toBe(alone.stdout);
  });

  test('prints a row for each depth and ends with the tally', async () => {
    const args = TINY.filter((word) => word !== '--json');
    const { stdout, status } = await vmlockstep(directoryWith(), [...args, '--depth', '2']);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^depth 2, alphabet core, kernel optimized\nmachine: 2 frames, .*3 entries, 2 maps.*\n/,
    );
    expect(stdout).toMatch(
      /^depth +states +transitions +duplicates +merged % +panics +states\/s +transitions\/s$/m,
    );
    expect(stdout).toMatch(/^every sequence of up to 2 operations: \d+ states, \d+ transitions$/m);
    expect(stdout).toMatch(/\n\d+ passed, 0 failed, 0 skipped\n$/);
  });
});

describe('a failure', () => {
  test('is told as check tells it, as short as can be, and replays', async () => {
    const directory = directoryWith({ 'kernel.ts': offByOne });
    const { status, stdout } = await vmlockstep(directory, [
      'explore',
      '--kernel',
      './kernel.ts',
      '--depth',
      '3',
    ]);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^FAILED INV-ACC-MODEL after operation 2\n {2}explore, alphabet core: 2 operations, and no shorter/m,
    );
    expect(stdout).toMatch(/^ {2}> 2 {2}/m);
    expect(stdout).toMatch(/ passed, 1 failed, 0 skipped\n$/);
    const stored = 'out/INV-ACC-MODEL-explore.scn.json';
    expect(stdout).toContain(`npx vmlockstep replay ${stored} --kernel ./kernel.ts`);
    const replayed = await vmlockstep(directory, ['replay', stored, '--kernel', './kernel.ts']);
    expect(replayed.status).toBe(1);
  });

  test('of a kernel that hangs is told with the program that led there', async () => {
    const directory = directoryWith({
      'kernel.mjs': kernel({
        declares:
          "{ name: 'toy', operations: ['kmem_alloc_pageable'], shows: ['outcomes'], placement: 'first-fit' }",
        apply:
          "(_, number) => { while (number > 1); return { outcome: { kind: 'address', address: 0xfe000000 } }; }",
      }),
    });
    const args = ['explore', '--kernel', './kernel.mjs', '--kernel-timeout', '700ms', '--depth', '3'];
    const { status, stdout, stderr } = await vmlockstep(directory, args);
    expect(stdout).toMatch(/^FAILED KERNEL-HUNG after operation 2$/m);
    expect(stderr).toMatch(
      /^error: kernel \.\/kernel\.mjs: operation 2 \(kmem_alloc_pageable\): no answer within 0\.7 s/m,
    );
    expect(status).toBe(4);
  });
});

test('a kernel for which there is nothing to try is not called sound', async () => {
  const { status, stdout } = await vmlockstep(directoryWith({ 'kernel.mjs': kernel() }), [
    'explore',
    '--kernel',
    './kernel.mjs',
  ]);
  expect(stdout).toMatch(/^gate: no operation that the kernel declares is ever tried/m);
  expect(status).toBe(3);
});

describe('a checkpoint', () => {
  test('of other code is not gone on with', async () => {
    const directory = directoryWith();
    const before = await explored(directory, '--depth', '1');
    const path = checkpointIn(directory);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"code":"\w+"/, '"code":"0000"'));
    const after = await explored(directory, '--depth', '1');
    expect(after.stderr).toMatch(/^out\/explore-\w+\.json: other code has searched so far; beginning anew$/m);
    expect(after.stdout).toBe(before.stdout);
  });

  test('that is none of this search is refused and stays as it is, but for --fresh', async () => {
    const directory = directoryWith();
    const whole = await explored(directory, '--depth', '1');
    const path = checkpointIn(directory);
    const text = readFileSync(path, 'utf8');
    const spoilt = {
      'cut short': text.slice(0, -30),
      'of somebody else': '{"mine":true}\n',
      'of another search': text.replace('"managedPages":2', '"managedPages":3'),
      'with a state that follows itself': text.replace(/"(\d+)( \d+ \w{16})"/, '"9999$2"'),
      'with an operation that is none': text.replace('"kind":"kmem_alloc"', '"kind":"rm"'),
    };
    for (const [what, wrong] of Object.entries(spoilt)) {
      expect(wrong, what).not.toBe(text);
      writeFileSync(path, wrong);
      const { status, stderr, stdout } = await explored(directory, '--depth', '1');
      expect(stderr, what).toMatch(
        /^error: out\/explore-\w+\.json: is no checkpoint of this search; move it away, or/,
      );
      expect([status, stdout, readFileSync(path, 'utf8')], what).toEqual([2, '', wrong]);
    }
    expect((await explored(directory, '--depth', '1', '--fresh')).stdout).toBe(whole.stdout);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});

test.each([
  [['--depth', '0'], /Give a whole number from 1 to 50/],
  [['--sizes', '3..1'], /Give sizes in pages, such as 0\.\.3/],
  [['--sizes', '0'], /of which one is above 0/],
  [['--sizes', '1,99'], /none above 64/],
  [['--alphabet', 'greek'], /Allowed choices are core, full/],
  [['--workers', '0'], /Give a whole number from 1/],
  [['--kernel-timeout', '5s'], /there is no outside kernel; add --kernel FILE/],
])('refuses %j', async (args, says) => {
  const { status, stderr } = await vmlockstep(directoryWith(), ['explore', ...args]);
  expect(stderr).toMatch(says);
  expect(status).toBe(2);
});
