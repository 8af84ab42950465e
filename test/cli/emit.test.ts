/** An emitted test is a test: it compiles as a user compiles it, passes here and fails on a faulty kernel. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCorpus } from '../../cli/corpus-files.ts';
import { emittedTest } from '../../cli/emit.ts';
import { directoryWith, root } from './command.ts';

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

test('it fails where the kernel does', () => {
  const text = first === undefined ? '' : emittedTest(first.stored);
  // A kernel whose every address is one page off.
  const faulty = `{ ...optimizedKernel, boot: (machine) => {
    const kernel = optimizedKernel.boot(machine);
    const apply = kernel.apply.bind(kernel);
    return Object.assign(kernel, { apply: () => { throw new Error('broken ' + typeof apply); } });
  } }`;
  const directory = project({
    'a.test.ts': text.replace('expectLockstep(optimizedKernel', `expectLockstep(${faulty}`),
  });
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  expect(() =>
    execFileSync(process.execPath, [vitest, 'run'], {
      cwd: directory,
      env: { PATH: process.env.PATH ?? '' },
      stdio: 'pipe',
    }),
  ).toThrow(/FAILED KERNEL-THREW/);
});

test('it imports nothing but vitest and the package, and keeps texts in their quotes', () => {
  if (first === undefined) throw new Error('there are no cases');
  const text = emittedTest({ ...first.stored, note: "it's */ odd" });
  expect([...text.matchAll(/from '(.*)'/g)].map(([, name]) => name)).toEqual(['vitest', 'vmlockstep']);
  expect(text).toContain(" * it's * / odd\n");
  const { signature: _, ...unsigned } = first.stored;
  expect(emittedTest({ ...unsigned, note: "it's */ odd" })).toContain("test('it\\'s */ odd', () => {");
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
