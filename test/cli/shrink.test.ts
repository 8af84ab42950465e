/** The verb `shrink`: any stored scenario that fails, its result kept beside it, also when it is interrupted. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readScenario, scenarioText } from '../../cli/scenario-file.ts';
import type { Operation } from '../../contract/operation.ts';
import { bin, directoryWith, filesIn, vmlockstep } from './command.ts';
import { kernel, scenario } from './kernel-text.ts';

const [poke, free] = scenario.operations as [Operation, Operation];
const many = (count: number): Operation[] => Array.from({ length: count }, () => poke);
const stored = (operations: readonly Operation[]): string =>
  scenarioText({ scenario: { ...scenario, operations } });

/** Answers nothing where the model says that it freed. */
const LIAR = kernel({
  apply: "({ kind }) => ({ outcome: { kind: kind === 'kmem_free' ? 'none' : 'done' } })",
});
const FILES = {
  'liar.mjs': LIAR,
  'honest.mjs': kernel(),
  'long.scn.json': stored([...many(30), free, ...many(29)]),
};

describe('shrink', () => {
  test('prints the smallest that fails alike with its certificate, keeps it, and leaves the file as it was', async () => {
    const directory = directoryWith(FILES);
    const run = () => vmlockstep(directory, ['shrink', 'long.scn.json', '--kernel', './liar.mjs']);
    const { status, stdout } = await run();
    expect(status).toBe(1);
    expect(stdout).toContain('FAILED INV-ACC-MODEL after operation 1');
    expect(stdout).toContain('long.scn.json, shrunk from 60 to 1 operation\n');
    expect(stdout).toMatch(/minimal within \{kmem_free; .*\}: 1 shorter scenario, 0 fail/);
    expect(stdout).toContain('stored in out/long.scn.json');
    expect(readScenario(join(directory, 'out', 'long.scn.json')).scenario.operations).toMatchObject([
      { kind: 'kmem_free' },
    ]);
    const files = filesIn(directory);
    expect(files[join(directory, 'long.scn.json')]).toBe(FILES['long.scn.json']);
    expect((await run()).stdout).toBe(stdout);
    expect(filesIn(directory)).toEqual(files);
  });

  test('has nothing to shrink where nothing fails', async () => {
    const directory = directoryWith(FILES);
    const { status, stdout } = await vmlockstep(directory, [
      ...['shrink', 'long.scn.json', '--kernel', './honest.mjs'],
    ]);
    expect(status).toBe(0);
    expect(stdout).toContain('long.scn.json has nothing to shrink');
    expect(existsSync(join(directory, 'out'))).toBe(false);
  });

  test('stores the kernel that failed, which the optimized one then names, and no second copy of what is minimal', async () => {
    const directory = directoryWith(FILES);
    const shrink = (file: string, ...flags: readonly string[]) =>
      vmlockstep(directory, ['shrink', file, ...flags]);
    await shrink('long.scn.json', '--kernel', './liar.mjs');
    const before = filesIn(join(directory, 'out'));
    expect(Object.keys(before)).toHaveLength(1);
    const again = await shrink('out/long.scn.json', '--kernel', './liar.mjs');
    expect(again.stdout).toContain('stored in out/long.scn.json\n');
    expect(filesIn(join(directory, 'out'))).toEqual(before);
    const without = await shrink('out/long.scn.json');
    expect(without.status).toBe(0);
    expect(without.stderr).toBe('the file was failed by kernel ./liar.mjs; add --kernel ./liar.mjs\n');
  });

  test('certifies nothing of a kernel whose verdict changes, and ends with 5', async () => {
    const flaky = kernel({
      boot: '() => { boots += 1; return { apply }; }',
      apply: "({ kind }) => ({ outcome: { kind: kind === 'kmem_free' && boots % 3 > 0 ? 'none' : 'done' } })",
      also: 'let boots = 0;',
    });
    const directory = directoryWith({ ...FILES, 'flaky.mjs': flaky });
    const { status, stdout } = await vmlockstep(directory, [
      ...['shrink', 'long.scn.json', '--kernel', './flaky.mjs'],
    ]);
    expect(stdout).toMatch(/long\.scn\.json, 60 operations as found, \d+ here; the kernel is flaky\n/);
    expect(stdout).toContain(
      'not certified minimal: the kernel is flaky, its verdict changes from run to run',
    );
    expect(stdout).not.toMatch(/shrunk from|minimal within/);
    expect(stdout).toMatch(/\nflaky: .*\n0 passed, 1 failed, 0 skipped\n$/);
    expect(status).toBe(5);
  });

  test('gives the same document every time', async () => {
    const run = async () => {
      const args = ['shrink', 'long.scn.json', '--kernel', './liar.mjs', '--json'];
      const { stdout } = await vmlockstep(directoryWith(FILES), args);
      return stdout;
    };
    const [one, other] = await Promise.all([run(), run()]);
    expect(JSON.parse(one)).toMatchObject({ verb: 'shrink', exit: 1, foundLength: 60 });
    expect(one).toBe(other);
  });

  test('keeps the best so far when it is interrupted', async () => {
    const slow = kernel({
      boot: '() => { calls = 0; return { apply }; }',
      apply: `() => {
        for (const end = performance.now() + 0.5; performance.now() < end; );
        calls += 1;
        return { outcome: { kind: calls < 40 ? 'done' : 'none' } };
      }`,
      also: 'let calls = 0;',
    });
    const directory = directoryWith({ 'slow.mjs': slow, 'long.scn.json': stored(many(100)) });
    const child = spawn(process.execPath, [bin, 'shrink', 'long.scn.json', '--kernel', './slow.mjs'], {
      cwd: directory,
    });
    const status = new Promise((settle) => child.on('close', settle));
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    const best = join(directory, 'out', 'long.shrinking.scn.json');
    for (let waited = 0; !existsSync(best) && waited < 200; waited += 1)
      await new Promise((go) => setTimeout(go, 50));
    child.kill('SIGINT');
    expect(await status).toBe(130);
    // On a busy machine the scenario in progress may take longer than an interrupted run waits for.
    const [kept = '', ...others] = readdirSync(join(directory, 'out'));
    expect(others).toEqual([]);
    expect(kept).toMatch(/^long(\.shrinking)?\.scn\.json$/);
    expect(said).toContain(`goes on from it: npx vmlockstep shrink out/${kept} --kernel ./slow.mjs\n`);
    expect(said).not.toContain('the time was up');
    const { operations } = readScenario(join(directory, 'out', kept)).scenario;
    expect(operations.length).toBeLessThan(100);
    expect(operations.length).toBeGreaterThanOrEqual(40);
  });
});
