/** An emitted test is a test: it compiles as a user compiles it, passes here and fails on a faulty kernel. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCorpus } from '../../cli/corpus-files.ts';
import { type EmittedKernel, emittedKernel, emittedTest, unnamedKernelLine } from '../../cli/emit.ts';
import { faultKernelOrRefuse } from '../../cli/fault-kernel.ts';
import { type StoredScenario, scenarioText } from '../../cli/scenario-file.ts';
import { directoryWith, root, vmlockstep } from './command.ts';
import { kernel, scenario } from './kernel-text.ts';

const corpus = readCorpus({ path: join(root, 'corpus'), given: true });
const [first] = corpus;

/** The package as it is built before the tests. */
const built = join(root, 'dist', 'public');

/** A project that has the package installed. */
function project(files: Readonly<Record<string, string>>): string {
  const directory = directoryWith({
    'package.json': '{ "type": "module" }',
    'vitest.config.mjs': `export default { resolve: { alias: { vmlockstep: ${JSON.stringify(join(built, 'index.js'))} } } };`,
    ...files,
  });
  mkdirSync(join(directory, 'node_modules'));
  for (const name of ['vitest', 'typescript', '@types'])
    symlinkSync(join(root, 'node_modules', name), join(directory, 'node_modules', name));
  return directory;
}

test('every stored case makes a test that runs in a project of its own', () => {
  const files = Object.fromEntries(
    corpus.slice(0, 6).map(({ stored }, i) => [`case-${i}.test.ts`, emittedTest(stored)]),
  );
  const directory = project(files);
  const json = join(directory, 'result.json');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  execFileSync(process.execPath, [vitest, 'run', '--reporter=json', `--outputFile=${json}`], {
    cwd: directory,
    env: { PATH: process.env.PATH ?? '' },
    stdio: 'pipe',
  });
  const { numPassedTests } = JSON.parse(execFileSync('cat', [json], { encoding: 'utf8' })) as {
    numPassedTests: number;
  };
  expect(numPassedTests).toBe(6);
});

test('fields that an operation leaves out stay out', () => {
  expect(
    corpus.some(({ stored }) => stored.scenario.operations.some(({ kind }) => kind === 'cpu_write')),
  ).toBe(true);
  for (const { stored } of corpus) expect(emittedTest(stored)).not.toContain('undefined');
});

/** Answers nothing where the model says that it freed. */
const LIAR = kernel({
  apply: "({ kind }) => ({ outcome: { kind: kind === 'kmem_free' ? 'none' : 'done' } })",
});

test('it fails where the kernel does, which it imports from where it lies', () => {
  const text = first === undefined ? '' : emittedTest(first.stored);
  // A kernel whose every address is one page off.
  const faulty = `{ ...optimizedKernel, boot: (machine) => {
    const kernel = optimizedKernel.boot(machine);
    const apply = kernel.apply.bind(kernel);
    return Object.assign(kernel, { apply: () => { throw new Error('broken ' + typeof apply); } });
  } }`;
  const directory = project({
    'a.test.ts': text.replace('expectLockstep(optimizedKernel', `expectLockstep(${faulty}`),
    'b.test.ts': emittedTest({ scenario }, { kind: 'module', specifier: './liar.mjs' }),
    'liar.mjs': LIAR,
  });
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  expect(() =>
    execFileSync(process.execPath, [vitest, 'run'], {
      cwd: directory,
      env: { PATH: process.env.PATH ?? '' },
      stdio: 'pipe',
    }),
  ).toThrow(/(?=[\s\S]*FAILED KERNEL-THREW)(?=[\s\S]*FAILED INV-ACC-MODEL)/);
});

test('it imports nothing but vitest and the package, and keeps texts in their quotes', () => {
  if (first === undefined) throw new Error('there are no cases');
  const text = emittedTest({ ...first.stored, note: "it's */ odd" });
  expect([...text.matchAll(/from '(.*)'/g)].map(([, name]) => name)).toEqual(['vitest', 'vmlockstep']);
  expect(text).toContain(" * it's * / odd\n");
  const { signature: _, ...unsigned } = first.stored;
  expect(emittedTest({ ...unsigned, note: "it's */ odd" })).toContain("test('it\\'s */ odd', () => {");
});

describe('the kernel of a test', () => {
  const directory = directoryWith({ 'k.mjs': LIAR });
  const signature = { property: 'INV-X', side: 'candidate', operation: null } as const;

  test.each<[string | null, EmittedKernel]>([
    [null, { kind: 'optimized' }],
    ['fault:unwire-needs-pte', { kind: 'fault', name: 'fault:unwire-needs-pte' }],
    ['k.mjs', { kind: 'module', specifier: './k.mjs' }],
    ['./src/k.ts', { kind: 'module', specifier: './src/k.ts' }],
    [join(directory, 'a', 'k.ts'), { kind: 'module', specifier: './a/k.ts' }],
    ['../k.ts', { kind: 'module', specifier: '../k.ts' }],
    ['some-kernel', { kind: 'module', specifier: 'some-kernel' }],
  ])('named %s is imported as %j', (given, emitted) => {
    expect(emittedKernel(given, directory)).toEqual(emitted);
  });

  test('that is a fault is named with what makes the test fail in a clone', async () => {
    const name = 'fault:unwire-needs-pte';
    const text = emittedTest({ scenario }, { kind: 'fault', name });
    expect(text).toContain(
      `// with faultKernelOrRefuse from cli/fault-kernel.ts, makes it fail: await faultKernelOrRefuse('${name}')\n`,
    );
    expect(existsSync(join(root, 'cli', 'fault-kernel.ts'))).toBe(true);
    expect((await faultKernelOrRefuse(name)).declares.name).toBe(name);
  });

  test.each<[string, StoredScenario, string | null, RegExp | null]>([
    ['a fault', { scenario, kernel: 'fault:x' }, null, /^f: kernel fault:x can only be made in a clone/],
    [
      'gone',
      { scenario, kernel: './gone.ts' },
      null,
      /^f: was failed by kernel \.\/gone\.ts, which is not there; mend/,
    ],
    ['there', { scenario, kernel: './k.mjs' }, null, null],
    ['not told', { scenario, signature }, null, /^f: does not say which kernel failed, .*--kernel FILE$/],
    ['given', { scenario, signature }, './k.mjs', null],
    ['none', { scenario }, null, null],
  ])('that is %s: what its owner has to know', (_, stored, given, says) => {
    const line = unnamedKernelLine('f', stored, { given, directory });
    if (says === null) expect(line).toBeNull();
    else expect(line).toMatch(says);
  });

  test('is given with --kernel, and refused where there is none', async () => {
    const input = scenarioText({ scenario });
    const emit = (kernel: string) => vmlockstep(directory, ['emit', '-', '--kernel', kernel], { input });
    const [there, gone, misspelt] = await Promise.all(
      ['k.mjs', './no.mjs', 'fault:unwire-need-pte'].map(emit),
    );
    expect(there?.stdout).toContain("import kernel from './k.mjs';\n");
    expect(there?.status).toBe(0);
    expect(gone).toEqual({
      status: 2,
      stdout: '',
      stderr: 'error: kernel ./no.mjs: there is no such file; give a path or a package\n',
    });
    expect(misspelt?.stderr).toMatch(/did you mean 'fault:unwire-needs-pte'\?\n$/);
  });
});

test('it compiles', () => {
  if (first === undefined) throw new Error('there are no cases');
  const directory = project({
    'a.test.ts': emittedTest(first.stored),
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: 'esnext',
        target: 'es2023',
        moduleResolution: 'bundler',
        skipLibCheck: true,
        types: ['node'],
        paths: { vmlockstep: [join(built, 'index.d.ts')] },
      },
      files: ['a.test.ts'],
    }),
  });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const said = execFileSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8', cwd: directory });
  expect(said).toBe('');
  writeFileSync(join(directory, 'a.test.ts'), `${emittedTest(first.stored)}\nconst none: Scenario = 1;\n`);
  expect(() =>
    execFileSync(process.execPath, [tsc, '-p', directory], { cwd: directory, stdio: 'pipe' }),
  ).toThrow();
});
