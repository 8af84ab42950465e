/** `vmlockstep mmu`: what it prints, what it stores, and what it refuses. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scenarioText } from '../../cli/scenario-file.ts';
import { TOUR } from '../../judge/tour.ts';
import { OPERATIONS } from '../judge/state.ts';
import { bin, directoryWith, filesIn, root, vmlockstep } from './command.ts';

/** The optimized kernel as an outside one, with what it hands over spoilt on the way. */
const spoiling = (change: string): string =>
  `import { optimizedKernel } from ${JSON.stringify(join(root, 'dist', 'impl', 'optimized-kernel.js'))};
const changed = (kernel) => { ${change} };
export default {
  declares: { ...optimizedKernel.declares, name: 'spoilt' },
  boot: (machine) => { const kernel = { ...optimizedKernel.boot(machine) }; changed(kernel); return kernel; },
};
`;
/** Takes U from every user PTE of RAM once there is a user pmap with a mapping. */
const WITHOUT_U = `const { memoryImage, pageTables } = kernel;
kernel.memoryImage = () => {
  const image = memoryImage();
  const words = new Uint32Array(image.bytes.buffer);
  for (const { directory } of pageTables().spaces)
    for (const { slot, word } of directory)
      if ((word & 4) !== 0) words[((word >>> 12) - image.firstFrame) * 1024 + 0] &= ~4;
  return image;
};`;
const scenario = scenarioText({ scenario: { ...TOUR, operations: OPERATIONS } });

describe('a run of generated scenarios', () => {
  test('holds, sees every combination, and is the same bytes with any number of threads', async () => {
    const run = (workers: string) =>
      vmlockstep(directoryWith(), ['mmu', '--runs', '2', '--workers', workers]);
    const [one, two] = await Promise.all([run('1'), run('2')]);
    expect(two.stdout).toBe(one.stdout);
    expect(one.stdout).toMatch(
      /^seed 1994, workload pmap, kernel optimized\n\d+ different states judged of 3 scenarios:/,
    );
    expect(one.stdout).toMatch(/\ncombinations seen 72 of 72\n3 passed, 0 failed, 0 skipped\n$/);
    expect([one.status, two.status]).toEqual([0, 0]);
  });

  test('a difference is told, stored, and found again by the line printed', async () => {
    const directory = directoryWith({ 'kernel.mjs': spoiling(WITHOUT_U) });
    const { status, stdout } = await vmlockstep(directory, ['mmu', '--runs', '3', '--kernel', 'kernel.mjs']);
    expect(status).toBe(1);
    expect(stdout).toContain('FAILED MMU-WALK after operation ');
    expect(stdout).toMatch(/ seed 1994, the tour of all combinations, shortened from \d+ to \d operations\n/);
    expect(stdout).toMatch(
      /\n {4}u1 0x004\w+ user read +0x4d\w+, the word of frame 0 +page fault 5: protection, CR2 0x004/,
    );
    expect(stdout).toMatch(/\n0 passed, 1 failed, 0 skipped\n$/);
    const [, again] =
      /\n {2}npx vmlockstep (mmu out\/MMU-WALK-1994\.scn\.json --kernel kernel\.mjs)\n/.exec(stdout) ?? [];
    const unshrunk = 'out/MMU-WALK-1994.unshrunk.scn.json';
    const names = Object.keys(filesIn(directory)).map((path) => relative(directory, path));
    expect(names.sort()).toEqual(['kernel.mjs', 'out/MMU-WALK-1994.scn.json', unshrunk]);
    expect(JSON.parse(filesIn(directory)[join(directory, unshrunk)] ?? '{}')).toMatchObject({
      kernel: 'kernel.mjs',
    });
    const words = (again ?? '').split(' ');
    const [repeated, correct] = await Promise.all([
      vmlockstep(directory, words),
      vmlockstep(directory, [...words.slice(0, 2), '--json']),
    ]);
    expect(repeated.status).toBe(1);
    expect(repeated.stdout).toContain('FAILED MMU-WALK after operation ');
    const { scenarios, failure, exit, combinations } = JSON.parse(correct.stdout);
    expect([scenarios, failure, exit, combinations.possible]).toEqual([1, null, 0, 72]);
    expect(correct.status).toBe(0);
  });
});

test('a kernel that throws while its RAM is asked for is told with what led there', async () => {
  const files = {
    's.scn.json': scenario,
    'kernel.mjs': spoiling(`const { memoryImage } = kernel; let asked = 0;
kernel.memoryImage = () => { if (++asked > 3) throw new Error('no RAM'); return memoryImage(); };`),
  };
  const { status, stdout, stderr } = await vmlockstep(directoryWith(files), [
    'mmu',
    's.scn.json',
    '--kernel',
    'kernel.mjs',
  ]);
  expect(stdout).toContain('FAILED KERNEL-THREW after operation 3');
  expect(stdout).toMatch(/\n0 passed, 1 failed, 0 skipped\n$/);
  expect(stderr).toMatch(
    /^error: kernel kernel\.mjs: operation 3 \(pmap_enter\): memoryImage: threw Error: no RAM/,
  );
  expect(status).toBe(4);
});

test('a getter in the RAM that a kernel hands over is the kernel’s own code', async () => {
  const files = {
    's.scn.json': scenario,
    'kernel.mjs': spoiling(
      "kernel.memoryImage = () => ({ firstFrame: 0, get bytes() { throw new Error('boom'); } });",
    ),
  };
  const { status, stderr } = await vmlockstep(directoryWith(files), [
    'mmu',
    's.scn.json',
    '--kernel',
    'kernel.mjs',
  ]);
  expect(stderr).toMatch(/^error: kernel kernel\.mjs: .*: memoryImage: threw Error: boom/m);
  expect(status).toBe(4);
});

test('a kernel whose RAM changes from run to run is flaky', async () => {
  const once = `const { memoryImage } = kernel; globalThis.asked ??= 0;
kernel.memoryImage = () => {
  const image = memoryImage();
  if (++globalThis.asked === 5) new Uint32Array(image.bytes.buffer).fill(0);
  return image;
};`;
  const files = { 's.scn.json': scenario, 'kernel.mjs': spoiling(once) };
  const { status, stdout } = await vmlockstep(directoryWith(files), [
    'mmu',
    's.scn.json',
    '--kernel',
    'kernel.mjs',
  ]);
  expect(stdout).toMatch(/^flaky: 3 runs of the same scenario gave MMU-WALK .*held \(2 of 3\)/m);
  expect(status).toBe(5);
});

test.each(['mmu', 'shrink'])('%s calls a scenario stale that no longer means what it meant', async (verb) => {
  const stored = { ...JSON.parse(scenario), outcomes: OPERATIONS.map(() => 'none') };
  const files = { 's.scn.json': JSON.stringify(stored) };
  const { status, stdout } = await vmlockstep(directoryWith(files), [verb, 's.scn.json']);
  expect(stdout).toMatch(/^stale: s\.scn\.json: operations\[0\] .*meant "none"/m);
  expect(stdout).toMatch(/\n0 passed, 1 failed, 0 skipped\n$/);
  expect(status).toBe(6);
});

test('an interrupted judgement is none', async () => {
  const enter = (page: number) => ({
    ...{ kind: 'pmap_enter', pmap: 'u0', address: 0x40_0000 + 4096 * page },
    ...{ frame: TOUR.machine.managedPages, protection: 3, wired: false },
  });
  const operations = [
    { kind: 'pmap_pinit', name: 'u0' },
    ...Array.from({ length: 1000 }, (_, i) => enter(i)),
  ];
  const files = {
    's.scn.json': JSON.stringify({ version: 1, machine: TOUR.machine, operations }),
    'kernel.mjs': spoiling(
      "const { memoryImage } = kernel; kernel.memoryImage = () => { console.log('asked'); return memoryImage(); };",
    ),
  };
  const directory = directoryWith(files);
  const child = spawn(process.execPath, [bin, 'mmu', 's.scn.json', '--json', '--kernel', 'kernel.mjs'], {
    cwd: directory,
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').once('data', () => child.kill('SIGINT'));
  const status = await new Promise((ended) => child.on('close', ended));
  expect(JSON.parse(stdout)).toMatchObject({ interrupted: true, scenarios: 0, exit: 130 });
  expect(status).toBe(130);
});

/** A package as it is installed, with only some of what it needs beside it. */
function installedWithout(left: { readonly dependency?: string; readonly file?: string }): string {
  const home = directoryWith();
  for (const name of ['bin', 'package.json', 'judge/stub.hex'])
    if (name !== left.file) {
      mkdirSync(join(home, name, '..'), { recursive: true });
      cpSync(join(root, name), join(home, name), { recursive: true });
    }
  const unused = ['test', 'bench', 'examples', '.tsbuildinfo', 'golden'];
  for (const name of readdirSync(join(root, 'dist')))
    if (!unused.includes(name))
      cpSync(join(root, 'dist', name), join(home, 'dist', name), { recursive: true });
  mkdirSync(join(home, 'node_modules'));
  for (const name of ['atomically', 'commander', 'fast-check', 'tsx', 'zod', 'v86'])
    if (name !== left.dependency)
      symlinkSync(join(root, 'node_modules', name), join(home, 'node_modules', name));
  return join(home, 'bin', 'vmlockstep.mjs');
}

describe('what cannot be run is refused in one line', () => {
  const files = {
    's.scn.json': scenario,
    'bad.scn.json': '{"version":1}',
    'torn.mjs': spoiling(
      'const { memoryImage } = kernel; kernel.memoryImage = () => { const { firstFrame, bytes } = memoryImage(); return { firstFrame, bytes: bytes.slice(0, -1) }; };',
    ),
  };
  test.each([
    [['--runs', '0'], /--runs.*Give a whole number from 1/],
    [['--frobnicate'], /unknown option '--frobnicate'/],
    [['--workload', 'pmpa'], /--workload: no workload is called "pmpa"; did you mean 'pmap'/],
    [['missing.scn.json'], /missing\.scn\.json: cannot be read: there is no such file/],
    [['bad.scn.json'], /bad\.scn\.json: .*machine/],
    [['s.scn.json', '--runs', '3'], /--runs: a stored scenario is judged as it is/],
    [
      ['s.scn.json', '--kernel', 'torn.mjs'],
      /operation 0: memoryImage\(\): \d+ bytes are not whole frames of 4096; return/,
    ],
  ] as const)('%j', async (args, text) => {
    const directory = directoryWith(files);
    const { status, stdout, stderr } = await vmlockstep(directory, ['mmu', ...args]);
    expect(stderr).toMatch(text);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
    expect(status).toBe(2);
    expect(Object.keys(filesIn(directory))).toHaveLength(Object.keys(files).length);
  });

  test('without v86, and without the code of the guest', async () => {
    const run = (command: string) => vmlockstep(directoryWith(files), ['mmu', 's.scn.json'], { command });
    const [noEmulator, noStub] = await Promise.all([
      run(installedWithout({ dependency: 'v86' })),
      run(installedWithout({ file: 'judge/stub.hex' })),
    ]);
    expect(noEmulator.stderr).toBe(
      'error: mmu: the emulator v86 is not installed, or not whole; npm install v86@0.5.462\n',
    );
    expect(noStub.stderr).toMatch(
      /^error: .*stub\.hex: the code for the guest cannot be read; reinstall vmlockstep.*\n$/,
    );
    expect([noEmulator.status, noStub.status]).toEqual([2, 2]);
  });
});
