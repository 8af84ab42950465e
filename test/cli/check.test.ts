import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readScenario } from '../../cli/scenario-file.ts';
import { bin, directoryWith, root, vmlockstep } from './command.ts';

/** The toy allocator with one line of it spoilt: it starts looking a page too high after each range in use. */
const offByOne = readFileSync(join(root, 'examples', 'first-fit.ts'), 'utf8')
  .replaceAll('../contract/', `${root}/contract/`)
  .replace('start = range.end;', 'start = range.end + 4096;');

describe('a campaign', () => {
  test('with the same seed is the same document, byte for byte', async () => {
    const args = ['check', '--runs', '25', '--seed', '7', '--json'];
    const [one, other] = await Promise.all([
      vmlockstep(directoryWith(), args),
      vmlockstep(directoryWith(), args),
    ]);
    expect(one.status).toBe(0);
    expect(one.stdout).toBe(other.stdout);
    expect(JSON.parse(one.stdout)).toMatchObject({
      version: 1,
      verb: 'check',
      kernel: 'optimized',
      seed: 7,
      workload: 'default',
      scenarios: 25,
      passed: 25,
      failed: 0,
      failure: null,
      exit: 0,
    });
    expect(one.stdout).not.toMatch(/per second|"seconds"|"time"/);
  });

  test('prints its seed, a table, the goals, the shares, the speed, and ends with the tally', async () => {
    const { status, stdout } = await vmlockstep(directoryWith(), [
      'check',
      '--runs',
      '12',
      '--workload',
      'wiring',
    ]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^seed 1994, workload wiring, kernel optimized\n/);
    expect(stdout).toMatch(/^operation +executed +succeeded +refused +slept +panicked$/m);
    expect(stdout).toMatch(/^goals reached: \d+\/\d+$/m);
    expect(stdout).toMatch(/^\S.*: [\d.]+ % measured, [\d.]+ % fixed$/m);
    expect(stdout).toMatch(/operations, (\d[\d,]* operations per second, )?\d+\.\d s/);
    expect(stdout).toMatch(/\n12 passed, 0 failed, 0 skipped\n$/);
  });

  test('takes runs and seed from the environment, and flags before it', async () => {
    const { stdout } = await vmlockstep(directoryWith(), ['check', '--seed', '3', '--json'], {
      env: { VMLOCKSTEP_RUNS: '4', VMLOCKSTEP_SEED: '9' },
    });
    expect(JSON.parse(stdout)).toMatchObject({ seed: 3, scenarios: 4 });
  });

  test('too short for its goals passes on its own, and not with --require-goals', async () => {
    const args = ['check', '--runs', '1'];
    const [lenient, strict] = await Promise.all([
      vmlockstep(directoryWith(), args),
      vmlockstep(directoryWith(), [...args, '--require-goals']),
    ]);
    expect(lenient.status).toBe(0);
    expect(lenient.stdout).not.toMatch(/^gate: /m);
    expect(strict.status).toBe(3);
    expect(strict.stdout).toMatch(/^gate: goal \S+ was never reached$/m);
    expect(strict.stdout).toMatch(/\n1 passed, 0 failed, 0 skipped\n$/);
  });

  test('refuses an --out that is a file', async () => {
    const directory = directoryWith({ out: 'precious' });
    const { status, stderr } = await vmlockstep(directory, ['check', '--runs', '1']);
    expect(stderr).toBe('error: --out out: is not a directory; name one, or a path that is free\n');
    expect(status).toBe(2);
    expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('precious');
  });

  test('interrupted reports what it did so far and ends with status 130', async () => {
    const child = spawn(process.execPath, [bin, 'check', '--time', '5m', '--seed', '5'], {
      cwd: directoryWith(),
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').once('data', () => child.kill('SIGINT'));
    const status = await new Promise((settle) => child.on('close', settle));
    expect(status).toBe(130);
    expect(stdout).toMatch(/\ninterrupted: .*\n\d+ passed, 0 failed, 0 skipped\n$/);
  });

  test('survives a reader that goes away', async () => {
    const child = spawn(process.execPath, [bin, 'check', '--runs', '10'], { cwd: directoryWith() });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout.destroy();
    const status = await new Promise((settle) => child.on('close', settle));
    expect(status).toBe(0);
    expect(stderr).not.toMatch(/error|EPIPE|^ +at /m);
  });
});

describe('a toy allocator', () => {
  test('that looks a page too high is found, shrunk, stored and replayed', async () => {
    const directory = directoryWith({ 'bad.ts': offByOne });
    const { status, stdout } = await vmlockstep(directory, ['check', '--kernel', './bad.ts', '--runs', '50']);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^FAILED INV-ACC-MODEL after operation 1$/m);
    expect(stdout).toMatch(/^ {2}> 1 {2}a = kmem_alloc_pageable\(kernel, \S+\) +→ 0x/m);
    expect(stdout).toMatch(/^ {4} +expected +actual$/m);
    const report = stdout.slice(stdout.indexOf('FAILED'), stdout.indexOf('\n\nkernel '));
    expect(report.split('\n').length).toBeLessThanOrEqual(40);

    const file = join('out', 'INV-ACC-MODEL-1994.scn.json');
    expect(report.split('\n').at(-1)).toBe(`  npx vmlockstep replay ${file} --kernel ./bad.ts`);
    expect(readScenario(join(directory, file)).scenario.operations.length).toBe(1);
    const replayed = await vmlockstep(directory, ['replay', file, '--kernel', './bad.ts']);
    expect(replayed.status).toBe(1);
    expect(replayed.stdout).toMatch(/^FAILED INV-ACC-MODEL after operation 1$/m);
    const healthy = await vmlockstep(directory, [
      'replay',
      file,
      '--kernel',
      join(root, 'examples', 'first-fit.ts'),
    ]);
    expect(healthy.status).toBe(0);
    expect(healthy.stdout).toMatch(/it does not fail\n1 passed, 0 failed, 0 skipped\n$/);
  });

  test('never costs a file that was there before', async () => {
    const directory = directoryWith({ 'bad.ts': offByOne, 'INV-ACC-MODEL-1994.scn.json': 'precious' });
    const args = ['check', '--kernel', './bad.ts', '--runs', '50', '--out', '.'];
    const { stdout } = await vmlockstep(directory, args);
    expect(readFileSync(join(directory, 'INV-ACC-MODEL-1994.scn.json'), 'utf8')).toBe('precious');
    expect(stdout).toContain('npx vmlockstep replay INV-ACC-MODEL-1994-2.scn.json --kernel ./bad.ts');
    const before = readdirSync(directory).sort();
    await vmlockstep(directory, args);
    expect(readdirSync(directory).sort()).toEqual(before);
  });
});
