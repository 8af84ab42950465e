/** The dependency rule of docs/architecture.md: a forbidden import does not build. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const folders = ['contract', 'model', 'impl', 'properties'];

/** One file for each folder: what is forbidden is for the real tsconfig files to say, whatever the folders hold. */
const MODULES: { readonly [folder: string]: readonly [file: string, text: string] } = {
  contract: ['step.ts', 'export interface Step {\n  readonly value: number;\n}\n'],
  model: [
    'reference-kernel.ts',
    "import type { Step } from '../contract/step.ts';\nexport const referenceKernel: Step = { value: 1 };\n",
  ],
  impl: [
    'optimized-kernel.ts',
    "import type { Step } from '../contract/step.ts';\nexport const optimizedKernel: Step = { value: 1 };\n",
  ],
  properties: [
    'invariant.ts',
    "import type { Step } from '../contract/step.ts';\nexport type Invariant = (step: Step) => boolean;\n",
  ],
};

describe('a forbidden import does not build', () => {
  let copy = '';
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'vmlockstep-architecture-'));
    for (const [folder, [file, text]] of Object.entries(MODULES)) {
      mkdirSync(join(copy, folder));
      cpSync(join(root, folder, 'tsconfig.json'), join(copy, folder, 'tsconfig.json'));
      writeFileSync(join(copy, folder, file), text);
    }
    for (const file of ['package.json', 'tsconfig.base.json']) cpSync(join(root, file), join(copy, file));
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  const build = (...projects: readonly string[]) =>
    spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', ...projects], {
      cwd: copy,
      encoding: 'utf8',
    });

  test('the folders build as they are', () => {
    expect(build(...folders).stdout).toBe('');
  });

  test.each([
    ['model', 'import', '../impl/optimized-kernel.ts', 'optimizedKernel'],
    ['model', 'import type', '../impl/optimized-kernel.ts', 'optimizedKernel'],
    ['impl', 'import', '../model/reference-kernel.ts', 'referenceKernel'],
    ['impl', 'import type', '../model/reference-kernel.ts', 'referenceKernel'],
    ['properties', 'import type', '../impl/optimized-kernel.ts', 'optimizedKernel'],
    ['properties', 'import type', '../model/reference-kernel.ts', 'referenceKernel'],
    ['contract', 'import type', '../properties/invariant.ts', 'Invariant'],
  ])('in %s: %s of %s', (folder, how, from, name) => {
    const file = join(copy, folder, 'forbidden.ts');
    writeFileSync(file, `${how} { ${name} } from '${from}';\nexport type { ${name} };\n`);
    const { status, stdout } = build(folder);
    rmSync(file);
    expect(status).not.toBe(0);
    expect(stdout).toMatch(/forbidden\.ts.*error TS6(307|059)/);
  });
});

/** The same through the texts, so that a loosened tsconfig is noticed. */
test('each project references only what the architecture allows', () => {
  const allowed: Record<string, string[]> = {
    contract: [],
    model: ['../contract'],
    impl: ['../contract'],
    properties: ['../contract'],
    report: ['../contract', '../properties'],
    judge: ['../contract', '../properties'],
    golden: ['../contract', '../model'],
    faults: ['../contract'],
  };
  for (const [folder, references] of Object.entries(allowed)) {
    const config = JSON.parse(readFileSync(join(root, folder, 'tsconfig.json'), 'utf8')) as {
      references: { path: string }[];
    };
    expect([folder, config.references.map(({ path }) => path)]).toEqual([folder, references]);
  }
});

test('code of contract, model, impl and properties reads no clock, draws no chance and prints nothing', () => {
  const banned =
    /Math\.random|Date\.now|new Date|performance\.now|\bconsole\.(log|error|warn|info)\b|: any[;,)=]|\bas any\b|<any>|@ts-(ignore|expect-error|nocheck)/;
  const found: string[] = [];
  for (const folder of folders)
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const text = readFileSync(join(root, folder, name), 'utf8');
      text.split('\n').forEach((line, i) => {
        if (banned.test(line)) found.push(`${folder}/${name}:${i + 1}: ${line.trim()}`);
      });
    }
  expect(found).toEqual([]);
});
