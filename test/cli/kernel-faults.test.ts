/** Kernels from outside that hang, throw or harm their process while check runs. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readScenario } from '../../cli/scenario-file.ts';
import { directoryWith, filesIn, vmlockstep } from './command.ts';
import { kernel, showing } from './kernel-text.ts';

const LOOPS = "(operation, number) => { while (number === 2); return { outcome: { kind: 'done' } }; }";
const THROWS =
  "(operation, number) => { if (number === 2) throw new Error('boom'); return { outcome: { kind: 'done' } }; }";

test('check on a kernel that loops keeps the scenario and prints how to see it again', async () => {
  const own = directoryWith({ 'loops.mjs': kernel({ apply: LOOPS }) });
  const { status, stderr } = await vmlockstep(own, [
    'check',
    '--kernel',
    './loops.mjs',
    '--kernel-timeout',
    '700ms',
    '--runs',
    '20',
  ]);
  expect(stderr).toMatch(
    /^error: kernel \.\/loops\.mjs: operation 2 \(\w+\): no answer within 0\.7 s; stored: npx vmlockstep replay out\/KERNEL-HUNG-1994\.scn\.json --kernel \.\/loops\.mjs\n$/m,
  );
  expect(status).toBe(4);
  expect(readScenario(join(own, 'out', 'KERNEL-HUNG-1994.scn.json')).scenario.operations.length).toBe(2);
});

test('check on a kernel that throws shrinks the scenario, keeps it and ends with status 4', async () => {
  const own = directoryWith({ 'throws.mjs': kernel({ apply: THROWS }) });
  const { status, stderr } = await vmlockstep(own, ['check', '--kernel', './throws.mjs', '--runs', '20']);
  expect(stderr).toMatch(
    /^error: kernel \.\/throws\.mjs: operation 2 \(\w+\): threw Error: boom \(throws\.mjs:2\); stored: npx vmlockstep replay out\/KERNEL-THREW-1994\.scn\.json --kernel \.\/throws\.mjs\n$/m,
  );
  expect(status).toBe(4);
  expect(readScenario(join(own, 'out', 'KERNEL-THREW-1994.scn.json')).scenario.operations.length).toBe(2);
});

test('check on a kernel that nothing can be generated for is refused at once', async () => {
  const declares = "{ name: 'toy', operations: ['kmem_free'], shows: ['outcomes'], placement: 'first-fit' }";
  const own = directoryWith({ 'free.mjs': kernel({ declares }) });
  const { status, stdout, stderr } = await vmlockstep(own, ['check', '--kernel', './free.mjs']);
  expect(stderr).toMatch(
    /^error: kernel \.\/free\.mjs: declares\.operations: nothing in it can be the first [^\n]+\n$/,
  );
  expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
  expect(Object.keys(filesIn(own))).toEqual([join(own, 'free.mjs')]);
});

describe.concurrent('what a kernel does beside its calls', () => {
  const only = showing("'outcomes'");
  test.each([
    { name: 'a timer', apply: undefined, also: "setTimeout(() => { throw new Error('late'); }, 5);" },
    {
      name: 'a promise',
      apply: "() => { Promise.reject(new Error('late')); return { outcome: { kind: 'done' } }; }",
      also: '',
    },
  ])("an error of $name is the kernel's fault", async ({ apply, also }) => {
    const text = kernel({ declares: only, also, ...(apply === undefined ? {} : { apply }) });
    const own = directoryWith({ 'late.mjs': text });
    const args = ['check', '--kernel', './late.mjs', '--runs', '2', '--json'];
    const { status, stdout, stderr } = await vmlockstep(own, args);
    expect(stderr).toMatch(
      /error: kernel \.\/late\.mjs: outside of any call.*: threw Error: late \(late\.mjs:\d\)\n$/,
    );
    expect(JSON.parse(stdout)).toMatchObject({ failed: 0, exit: 4 });
    expect(status).toBe(4);
  });

  test('what it declares not to show is not asked, and that is said', async () => {
    const text = kernel({ declares: only, boot: '() => ({ apply, audit: () => [], touched: () => [] })' });
    const own = directoryWith({ 'audit.mjs': text });
    const { status, stderr } = await vmlockstep(own, ['check', '--kernel', './audit.mjs', '--runs', '2']);
    expect(stderr).toMatch(
      /^kernel \.\/audit\.mjs: shows only outcomes, so touched\(\), audit\(\) are never asked; /m,
    );
    expect(status).toBe(0);
  });

  test('a kernel that kills its process leaves its scenario on disk', async () => {
    const also = "import { execSync } from 'node:child_process';";
    const apply =
      "(operation, number) => { if (number === 3) execSync('kill -9 ' + process.pid); return { outcome: { kind: 'done' } }; }";
    const own = directoryWith({ 'kill.mjs': kernel({ declares: only, also, apply }) });
    const { status, stderr } = await vmlockstep(own, ['check', '--kernel', './kill.mjs', '--runs', '2']);
    const said =
      /^error: kernel \.\/kill\.mjs: its process ended with SIGKILL; stored: npx vmlockstep replay (out\/RUNNING-1994-\d+\.scn\.json) --kernel \.\/kill\.mjs\n$/;
    expect(stderr).toMatch(said);
    expect(status).toBe(4);
    const path = join(own, said.exec(stderr)?.[1] ?? '');
    expect(readScenario(path).scenario.operations.map(({ kind }) => kind)).toEqual(
      Array(3).fill('pagedaemon'),
    );
  });

  test('a kernel that blocks its thread in the system is left behind', async () => {
    const also = "import { execSync } from 'node:child_process';";
    const apply = "() => { execSync('sleep 60'); }";
    const own = directoryWith({ 'block.mjs': kernel({ declares: only, also, apply }) });
    const began = performance.now();
    const args = ['check', '--kernel', './block.mjs', '--runs', '2', '--kernel-timeout', '500ms', '--json'];
    const { status, stdout } = await vmlockstep(own, args);
    expect(performance.now() - began).toBeLessThan(40_000);
    expect(JSON.parse(stdout)).toMatchObject({ exit: 4, failure: { property: 'KERNEL-HUNG', number: 1 } });
    expect(status).toBe(4);
  });
});
