/** Kernels from outside that do not do what they promise. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadKernelModule } from '../../cli/kernel-module.ts';
import { readScenario, scenarioText } from '../../cli/scenario-file.ts';
import { address, bytes } from '../../contract/address.ts';
import { InputError } from '../../contract/input-error.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { machine } from '../report/failing-report.ts';
import { directoryWith, filesIn, root, vmlockstep } from './command.ts';

/** A module that does all that is asked of it, with places to break. */
const kernel = ({
  declares = "{ name: 'toy', operations: ['kmem_free', 'pagedaemon'], shows: ['outcomes'], placement: 'first-fit' }",
  boot = '() => ({ apply })',
  apply = "() => ({ outcome: { kind: 'done' } })",
  also = '',
}: {
  readonly declares?: string;
  readonly boot?: string;
  readonly apply?: string;
  readonly also?: string;
} = {}): string =>
  `${also}\nconst apply = ${apply};\nexport default { declares: ${declares}, boot: ${boot} };\n`;

const scenario: Scenario = {
  machine: { ...machine, scratchPages: 0, deviceFrames: 0 },
  operations: [
    { kind: 'pagedaemon' },
    { kind: 'kmem_free', map: 'kernel', address: address(0xfe00_8000), size: bytes(4096) },
  ],
};

const showing = (shows: string): string =>
  `{ name: 'toy', operations: ['pagedaemon'], shows: [${shows}], placement: 'first-fit' }`;

const modules: Readonly<Record<string, { readonly text: string; readonly says: RegExp }>> = {
  'no-default.mjs': {
    text: 'export const boot = 1;\n',
    says: /has no default export; export default \{ declares, boot \}/,
  },
  'a-number.mjs': { text: 'export default 7;\n', says: /has no default export/ },
  'no-declares.mjs': { text: 'export default { boot() {} };\n', says: /its default export lacks declares/ },
  'no-boot.mjs': {
    text: `export default { declares: ${showing("'outcomes'")} };\n`,
    says: /its default export lacks boot/,
  },
  'syntax.mjs': { text: 'export default {{{\n', says: /cannot be loaded: SyntaxError/ },
  'throws-at-load.mjs': {
    text: "throw new Error('no licence\\nsecond line');\n",
    says: /cannot be loaded: Error: no licence$/m,
  },
  'loops-at-load.mjs': { text: 'for (;;);\n', says: /while loading: no answer within 0\.7 s/ },
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
    says: /operation 1 \(pagedaemon\): the thread ended with status 0/,
  },
  'async.mjs': {
    text: kernel({ apply: "async () => ({ outcome: { kind: 'done' } })" }),
    says: /operation 1 \(pagedaemon\): outcome: /,
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
  'throws-at-load.mjs',
  'loops-at-load.mjs',
  'throws.mjs',
  'loops.mjs',
  'exits.mjs',
];

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

describe('whatever a kernel hands over wrongly is told in one line', () => {
  /** Loads a kernel and runs the scenario on it alone. */
  async function run(name: string): Promise<string> {
    try {
      const kernel = (await loadKernelModule(name, directory)).boot(scenario.machine);
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
      .filter(([name]) => !SPAWNED.includes(name))
      .map(([name, { says }]) => ({ name, says })),
    { name: 'no-such-package', says: /kernel no-such-package: no such file or installed package/ },
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
    'fine.mjs': kernel({ also: "console.log('hello from the kernel');" }),
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
  expect(stderr).toBe('hello from the kernel\n');
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

test('check on a kernel that loops keeps the scenario and prints how to see it again', async () => {
  const own = directoryWith({ 'loops.mjs': modules['loops.mjs']?.text ?? '' });
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
    /^error: kernel \.\/loops\.mjs: operation 2 \(\w+\): no answer within 0\.7 s; stored: npx vmlockstep replay out\/KERNEL-HUNG-1994\.scn\.json --kernel \.\/loops\.mjs\n$/,
  );
  expect(status).toBe(4);
  expect(readScenario(join(own, 'out', 'KERNEL-HUNG-1994.scn.json')).scenario.operations.length).toBe(2);
});

test('check on a kernel that throws shrinks the scenario, keeps it and ends with status 4', async () => {
  const own = directoryWith({ 'throws.mjs': modules['throws.mjs']?.text ?? '' });
  const { status, stderr } = await vmlockstep(own, ['check', '--kernel', './throws.mjs', '--runs', '20']);
  expect(stderr).toMatch(
    /^error: kernel \.\/throws\.mjs: operation 2 \(\w+\): threw Error: boom; stored: npx vmlockstep replay out\/KERNEL-THREW-1994\.scn\.json --kernel \.\/throws\.mjs\n$/,
  );
  expect(status).toBe(4);
  expect(readScenario(join(own, 'out', 'KERNEL-THREW-1994.scn.json')).scenario.operations.length).toBe(2);
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
    expect(stdout).toMatch(/\n200 passed, 0 failed\n$/);
    expect(status).toBe(0);
  });
});
