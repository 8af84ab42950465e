/** The dependency rule of docs/architecture.md: a forbidden import does not build. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const folders = ['contract', 'model', 'impl', 'properties'];

describe('a forbidden import does not build', () => {
  let copy = '';
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'vmlockstep-architecture-'));
    for (const folder of folders) cpSync(join(root, folder), join(copy, folder), { recursive: true });
    for (const file of ['package.json', 'tsconfig.base.json']) cpSync(join(root, file), join(copy, file));
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  const build = (folder: string) =>
    spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', folder], {
      cwd: copy,
      encoding: 'utf8',
    });
  const withFile = (file: string, text: string, judge: () => void) => {
    writeFileSync(join(copy, file), text);
    try {
      judge();
    } finally {
      rmSync(join(copy, file));
    }
  };

  test('the folders build as they are', () => {
    for (const folder of folders) expect(build(folder).stdout).toBe('');
  });

  test.each([
    [
      'model',
      "import { optimizedKernel } from '../impl/optimized-kernel.ts';\nexport const stolen = optimizedKernel;\n",
    ],
    [
      'model',
      "import type { optimizedKernel } from '../impl/optimized-kernel.ts';\nexport type Stolen = typeof optimizedKernel;\n",
    ],
    [
      'impl',
      "import { referenceKernel } from '../model/reference-kernel.ts';\nexport const stolen = referenceKernel;\n",
    ],
    [
      'impl',
      "import type { referenceKernel } from '../model/reference-kernel.ts';\nexport type Stolen = typeof referenceKernel;\n",
    ],
    [
      'properties',
      "import type { optimizedKernel } from '../impl/optimized-kernel.ts';\nexport type Stolen = typeof optimizedKernel;\n",
    ],
    [
      'contract',
      "import type { Invariant } from '../properties/invariant.ts';\nexport type Stolen = Invariant;\n",
    ],
  ])('%s refuses %s', (folder, text) => {
    withFile(join(folder, 'forbidden.ts'), text, () => {
      const { status, stdout } = build(folder);
      expect(status).not.toBe(0);
      expect(stdout).toMatch(/forbidden\.ts.*error TS6(307|059)/);
    });
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
