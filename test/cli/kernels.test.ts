/** Kernels from outside that do not do what they promise. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadKernelModule } from '../../cli/kernel-module.ts';
import { scenarioText } from '../../cli/scenario-file.ts';
import { InputError } from '../../contract/input-error.ts';
import { directoryWith, filesIn, root, vmlockstep } from './command.ts';
import { kernel, scenario, showing } from './kernel-text.ts';

const modules: Readonly<Record<string, { readonly text: string; readonly says: RegExp }>> = {
  'no-default.mjs': {
    text: 'export const boot = 1;\n',
    says: /has no default export; export default \{ declares, boot \}/,
  },
  'a-number.mjs': { text: 'export default 7;\n', says: /its default export is a number; export default/ },
  'no-declares.mjs': { text: 'export default { boot() {} };\n', says: /its default export lacks declares/ },
  'no-boot.mjs': {
    text: `export default { declares: ${showing("'outcomes'")} };\n`,
    says: /its default export lacks boot/,
  },
  'syntax.mjs': {
    text: 'export default {{{\n',
    says: /cannot be loaded: SyntaxError: .* \(syntax\.mjs:1\)$/m,
  },
  'imports-syntax.mjs': {
    text: "import './syntax.mjs';\n",
    says: /cannot be loaded: SyntaxError: .* \(syntax\.mjs:1\)$/m,
  },
  'replaces-at-load.mjs': {
    text: kernel({ also: 'Array.prototype.map = () => [];' }),
    says: /replaced Array\.prototype\.map; a kernel leaves the objects of the language as they are$/m,
  },
  'replaces.mjs': {
    text: kernel({
      apply:
        "(operation, number) => { if (number === 2) Map.prototype.get = () => 1; return { outcome: { kind: 'done' } }; }",
    }),
    says: /replaced Map\.prototype\.get; a kernel leaves/,
  },
  'throws-at-load.mjs': {
    text: "throw new Error('no licence\\nsecond line');\n",
    says: /cannot be loaded: Error: no licence \(throws-at-load\.mjs:1\)$/m,
  },
  'loops-at-load.mjs': { text: 'for (;;);\n', says: /while loading: no answer within 0\.7 s/ },
  'exits-at-load.mjs': {
    text: 'process.exit(0);\n',
    says: /while loading: called process\.exit\(0\); a kernel waits for nothing and leaves its process alone$/m,
  },
  'waits-at-load.mjs': {
    text: 'await new Promise(() => undefined);\n',
    says: /while loading: waits for a promise that is never settled; a kernel waits for nothing/m,
  },
  'twice.mjs': {
    text: kernel({
      declares: showing("'outcomes'").replace("['pagedaemon']", "['pagedaemon', 'pagedaemon']"),
    }),
    says: /declares\.operations\[1\]: names pagedaemon twice; remove one/,
  },
  'kills.mjs': {
    text: kernel({ apply: '() => process.kill(process.pid)' }),
    says: /operation 1 \(pagedaemon\): threw Error: a kernel must not send signals to its own process/,
  },
  'foreign-operation.mjs': {
    text: kernel({
      declares: "{ name: 'toy', operations: ['fork'], shows: ['outcomes'], placement: 'any' }",
    }),
    says: /declares\.operations\[0\]: is no operation; `vmlockstep list operations` names them/,
  },
  'foreign-show.mjs': {
    text: kernel({ declares: showing("'everything'") }),
    says: /declares\.shows\[0\]: must be one of outcomes, maps/,
  },
  'foreign-placement.mjs': {
    text: kernel({
      declares: "{ name: 'toy', operations: ['pagedaemon'], shows: ['outcomes'], placement: 'best' }",
    }),
    says: /declares\.placement: must be 'first-fit' or 'any'/,
  },
  'nothing-declared.mjs': {
    text: kernel({ declares: "{ name: 'toy', operations: [], shows: ['outcomes'], placement: 'any' }" }),
    says: /declares\.operations: must name at least one operation/,
  },
  'shows-without-snapshot.mjs': {
    text: kernel({ declares: showing("'structure'") }),
    says: /shows structure but has no snapshot\(\)/,
  },
  'snapshot-lies.mjs': {
    text: kernel({ declares: showing("'maps'"), boot: '() => ({ apply, snapshot: () => ({ maps: 3 }) })' }),
    says: /boot: snapshot: maps: /,
  },
  'boots-nothing.mjs': {
    text: kernel({ boot: '() => undefined' }),
    says: /boot: returned no kernel with apply\(\)/,
  },
  'throws-at-boot.mjs': {
    text: kernel({ boot: "() => { throw new TypeError('odd machine'); }" }),
    says: /boot: threw TypeError: odd machine/,
  },
  'throws.mjs': {
    text: kernel({
      apply:
        "(operation, number) => { if (number === 2) throw new Error('boom'); return { outcome: { kind: 'done' } }; }",
    }),
    says: /operation 2 \(kmem_free\): threw Error: boom/,
  },
  'throws-a-null.mjs': {
    text: kernel({ apply: '() => { throw null; }' }),
    says: /operation 1 \(pagedaemon\): threw the value null/,
  },
  'overflows-the-stack.mjs': {
    text: kernel({ apply: '() => apply() + 1' }),
    says: /operation 1 \(pagedaemon\): threw RangeError/,
  },
  'loops.mjs': {
    text: kernel({
      apply: "(operation, number) => { while (number === 2); return { outcome: { kind: 'done' } }; }",
    }),
    says: /operation 2 \(kmem_free\): no answer within 0\.7 s/,
  },
  'exits.mjs': {
    text: kernel({ apply: '() => process.exit(0)' }),
    says: /operation 1 \(pagedaemon\): called process\.exit\(0\)/,
  },
  'async.mjs': {
    text: kernel({ apply: "async () => ({ outcome: { kind: 'done' } })" }),
    says: /operation 1 \(pagedaemon\): returned a promise; kernels answer at once/,
  },
  'foreign-outcome.mjs': {
    text: kernel({ apply: "() => ({ outcome: { kind: 'ok' } })" }),
    says: /operation 1 \(pagedaemon\): outcome\.kind: /,
  },
};
const directory = directoryWith({
  's.scn.json': scenarioText({ scenario }),
  'fine.mjs': kernel(),
  ...Object.fromEntries(Object.entries(modules).map(([name, { text }]) => [name, text])),
});
/** Those whose fault lies in how the process runs them; the others are judged in this process, which is faster. */
const SPAWNED = [
  'syntax.mjs',
  'imports-syntax.mjs',
  'replaces-at-load.mjs',
  'throws-at-load.mjs',
  'loops-at-load.mjs',
  'exits-at-load.mjs',
  'waits-at-load.mjs',
];
/** Those that fail while a scenario runs: its program is shown too. */
const RUNNING = ['replaces.mjs', 'throws.mjs', 'loops.mjs', 'exits.mjs', 'kills.mjs'];

describe.concurrent('a kernel that breaks its word ends with status 4 and one line', () => {
  const before = filesIn(directory);
  test.each([
    ...SPAWNED.map((name) => ({ name, says: modules[name]?.says ?? /nothing/ })),
    {
      name: './missing.mjs',
      says: /kernel \.\/missing\.mjs: there is no such file; give a path or a package/,
    },
    { name: 'snapshot-lies.mjs', says: /boot: snapshot: maps: / },
  ])('$name', async ({ name, says }) => {
    const args = ['replay', 's.scn.json', '--kernel', name, '--kernel-timeout', '700ms'];
    const { status, stdout, stderr } = await vmlockstep(directory, args);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^error: kernel [^\n]+\n$/);
    expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
    expect(filesIn(directory)).toEqual(before);
  });
});

describe.concurrent('a kernel that fails in a scenario is shown with its program', () => {
  test.each(RUNNING.map((name) => ({ name, says: modules[name]?.says ?? /nothing/ })))(
    '$name',
    async ({ name, says }) => {
      const args = ['replay', 's.scn.json', '--kernel', name, '--kernel-timeout', '700ms'];
      const { status, stdout, stderr } = await vmlockstep(directory, args);
      expect(stderr).toMatch(says);
      expect(stderr).toMatch(/^error: kernel [^\n]+\n$/);
      expect(stdout).toMatch(/^FAILED KERNEL-(THREW|HUNG|DIED) after operation [12]$/m);
      expect(stdout).toMatch(/^ {2}> [12] {2}\w+\(.*\)/m);
      expect(status).toBe(4);
    },
  );

  test('with --json too', async () => {
    const args = ['replay', 's.scn.json', '--kernel', 'loops.mjs', '--kernel-timeout', '700ms', '--json'];
    const { status, stdout } = await vmlockstep(directory, args);
    expect(JSON.parse(stdout)).toMatchObject({
      kernel: 'toy',
      operations: 2,
      executed: 1,
      failed: 1,
      failure: { property: 'KERNEL-HUNG', number: 2 },
    });
    expect(status).toBe(4);
  });
});

describe('whatever a kernel hands over wrongly is told in one line', () => {
  /** Loads a kernel and runs the scenario on it alone. */
  const silent = () => undefined;
  const ties = { note: silent, failed: silent, boots: silent };
  async function run(name: string): Promise<string> {
    try {
      const kernel = (await loadKernelModule(name, directory, ties)).boot(scenario.machine);
      scenario.operations.forEach((operation, i) => {
        kernel.apply(operation, i + 1);
      });
      return 'accepted';
    } catch (error) {
      if (error instanceof InputError && error.exitStatus === 4) return error.message;
      throw error;
    }
  }
  test.each([
    ...Object.entries(modules)
      .filter(([name]) => !SPAWNED.includes(name) && !RUNNING.includes(name))
      .map(([name, { says }]) => ({ name, says })),
    { name: 'no-such-package', says: /kernel no-such-package: no such file or installed package/ },
    { name: 'fs', says: /^kernel fs: is a module of Node, no kernel; give a path/ },
    { name: '.', says: /kernel \.: is a directory; name the module in it/ },
  ])('$name', async ({ name, says }) => {
    const message = await run(name);
    expect(message).toMatch(says);
    expect(message).toMatch(/^kernel [^\n]+$/);
  });

  test('and a kernel that does its duty is accepted', async () => {
    expect(await run('fine.mjs')).toBe('accepted');
  });
});

test('a kernel that keeps its word passes, and what it prints stays off stdout', async () => {
  const own = directoryWith({
    's.scn.json': scenarioText({ scenario }),
    'fine.mjs': kernel({
      also: "import fs from 'node:fs'; fs.writeSync(1, 'and '); console.log('hello from the kernel');",
    }),
  });
  const { status, stdout, stderr } = await vmlockstep(own, [
    'replay',
    's.scn.json',
    '--kernel',
    'fine.mjs',
    '--json',
  ]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    verb: 'replay',
    kernel: 'toy',
    passed: 1,
    failed: 0,
    failure: null,
  });
  expect(stderr).toBe('and hello from the kernel\n');
});

test('a kernel that closes what it finds of the thread it runs in harms nobody', async () => {
  const also =
    "import { parentPort, workerData } from 'node:worker_threads'; parentPort.close(); workerData.port?.close();";
  const own = directoryWith({ 's.scn.json': scenarioText({ scenario }), 'closes.mjs': kernel({ also }) });
  const { status, stderr } = await vmlockstep(own, ['replay', 's.scn.json', '--kernel', 'closes.mjs']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('a kernel in TypeScript needs no package.json beside it', async () => {
  const own = directoryWith({
    's.scn.json': scenarioText({ scenario }),
    'fine.ts': `type Size = number;\nconst size: Size = 1;\n${kernel({ also: 'export const kept = size;' })}`,
  });
  const { status, stderr } = await vmlockstep(own, ['replay', 's.scn.json', '--kernel', './fine.ts']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('an operation that the kernel does not declare is told with file and place', async () => {
  const own = directoryWith({
    's.scn.json': scenarioText({ scenario }),
    'small.mjs': kernel({ declares: showing("'outcomes'") }),
  });
  const { status, stderr } = await vmlockstep(own, ['replay', 's.scn.json', '--kernel', 'small.mjs']);
  expect(stderr).toBe(
    'error: s.scn.json: operations[1].kind: kernel toy does not declare kmem_free; remove it or replay on another kernel\n',
  );
  expect(status).toBe(2);
});

describe('the toy allocator of examples/', () => {
  const example = join(root, 'examples', 'first-fit.ts');

  test('agrees with the model', async () => {
    const { status, stdout } = await vmlockstep(directoryWith(), [
      'check',
      '--kernel',
      example,
      '--runs',
      '200',
    ]);
    expect(stdout).toMatch(/\n200 passed, 0 failed, 0 skipped\n$/);
    expect(status).toBe(0);
  });
});
