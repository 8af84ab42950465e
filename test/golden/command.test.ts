/** `vmlockstep golden` as its caller sees it: lines, exit status, JSON. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type GoldenOptions, goldenCommand } from '../../cli/golden.ts';
import type { Trace } from '../../golden/trace-file.ts';
import { type Line, P, record, START } from './recording.ts';

const TRACES = join(import.meta.dirname, '../../golden/traces');
const root = mkdtempSync(join(tmpdir(), 'vmlockstep-golden-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function run(paths: readonly string[], options: GoldenOptions = { side: 'both' }) {
  const lines: string[] = [];
  const status = await goldenCommand(paths, options, {
    line: (text) => void lines.push(text.replaceAll(`${root}/`, '')),
    progress: () => undefined,
  });
  return { status, lines };
}

/** A directory of its own with these files in it. */
function directoryOf(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

/** A made trace as a file without header, as the recorder writes one. */
function textOf({ config, boot, records }: Trace): string {
  const first = { i: 0, op: 'config', args: [], result: { ...config, page_size: P }, state: boot };
  const rest = records.map(({ number, operation, ...one }) => ({ i: number, ...operation, ...one }));
  return [first, ...rest].map((line) => `${JSON.stringify(line)}\n`).join('');
}

const LINES: readonly Line[] = [
  ['alloc', 'kernel', 2 * P],
  ['read', 'kernel', START],
  ['free', 'kernel', START, P],
];
const good = record(LINES);
const wrong: Trace = {
  ...good,
  records: good.records.map((one) => (one.number === 2 ? { ...one, result: { kr: 0, byte: 165 } } : one)),
};
const indexLine = (file: string, stop: string | null, at: number | null): string =>
  `${JSON.stringify({ file, nops: 3, compared: at === null ? 3 : at - 1, stop, stop_op: at })}\n`;

describe('vmlockstep golden', () => {
  test('one line sums a clean run up, with status 0', async () => {
    const { status, lines } = await run([directoryOf('clean', { 'a.jsonl': textOf(good) })]);
    expect(lines).toEqual([
      'golden: 1 traces, 3 operations, 3 compared, 0 stopped at named deviations, 0 skipped, 0 unexplained',
      '1 passed, 0 failed, 0 skipped',
    ]);
    expect(status).toBe(0);
  });

  test('a difference is shown once for each side, with what was expected beside what came, and status 1', async () => {
    const { status, lines } = await run([directoryOf('wrong', { 'a.jsonl': textOf(wrong) })]);
    expect(lines).toEqual([
      'unexplained: wrong/a.jsonl operation 2, model: read kernel 0xfe002000',
      '  result.byte  expected 165  actual 0',
      '',
      'unexplained: wrong/a.jsonl operation 2, impl: read kernel 0xfe002000',
      '  result.byte  expected 165  actual 0',
      '',
      'golden: 1 traces, 3 operations, 2 compared, 0 stopped at named deviations, 0 skipped, 2 unexplained',
      '0 passed, 1 failed, 0 skipped',
    ]);
    expect(status).toBe(1);
  });

  test('many differences are cut short, but counted', async () => {
    const files = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`t${i}.jsonl`, textOf(wrong)]));
    const { lines } = await run([directoryOf('many', files)], { side: 'model' });
    expect(lines.length).toBeLessThan(45);
    expect(lines.at(-4)).toMatch(/^… and \d+ more unexplained differences$/);
    expect(lines.at(-2)).toMatch(/30 unexplained$/);
    expect(lines.at(-1)).toBe('0 passed, 30 failed, 0 skipped');
  });

  test('a stop that an index names is counted, behind it nothing binds', async () => {
    const trace = record([['malloc', 'kernel', P, 0]]);
    const stopping = record([
      ...LINES.slice(0, 1),
      ['free', 'kernel', START + 1, 0],
      ['read', 'kernel', START],
    ]);
    const files = {
      'a.jsonl': textOf(stopping),
      'b.jsonl': textOf(trace),
      'index.jsonl': indexLine('a.jsonl', 'DEV-37', 2),
    };
    const { status, lines } = await run([directoryOf('stops', files)]);
    expect(lines).toEqual([
      'deviation  traces stopped',
      'DEV-37          1',
      '',
      'golden: 2 traces, 4 operations, 2 compared, 1 stopped at named deviations, 0 skipped, 0 unexplained',
      '2 passed, 0 failed, 0 skipped',
    ]);
    expect(status).toBe(0);
  });

  test('an index that stops where no trigger holds, or goes on where one does, is named, with status 1', async () => {
    const early = directoryOf('early', {
      'a.jsonl': textOf(good),
      'index.jsonl': indexLine('a.jsonl', 'DEV-3', 2),
    });
    const late = directoryOf('late', {
      'a.jsonl': textOf(record([...LINES.slice(0, 2), ['free', 'kernel', START + 1, 0]])),
      'index.jsonl': indexLine('a.jsonl', null, null),
    });
    const { status, lines } = await run([early, late]);
    expect(lines).toContain(
      'early/a.jsonl operation 2 (read kernel 0xfe002000): the file says DEV-3, the triggers say nothing',
    );
    expect(lines).toContain(
      'late/a.jsonl operation 3 (free kernel 0xfe002001 0): the file says nothing, the triggers say DEV-37',
    );
    expect(lines.at(-2)).toMatch(/0 unexplained$/);
    expect(lines.at(-1)).toBe('0 passed, 2 failed, 0 skipped');
    expect(status).toBe(1);
  });

  test('an index of another recording is refused', async () => {
    const path = directoryOf('foreign', {
      'a.jsonl': textOf(record(LINES.slice(0, 2))),
      'index.jsonl': indexLine('a.jsonl', null, null),
    });
    await expect(run([path])).rejects.toThrow(/a.jsonl: 2 operations, but index.jsonl says 3/);
  });

  test('one JSON document says the same, with fields in a fixed order', async () => {
    const { status, lines } = await run([directoryOf('json', { 'a.jsonl': textOf(wrong) })], {
      side: 'impl',
      json: true,
    });
    expect(status).toBe(1);
    expect(lines).toHaveLength(1);
    const report: unknown = JSON.parse(lines[0] ?? '');
    expect(report).toMatchObject({
      side: 'impl',
      traces: 1,
      operations: 3,
      compared: 2,
      unexplained: 1,
      ...{ passed: 0, failed: 1, skipped: 0 },
      failures: [
        { side: 'impl', number: 2, differences: [{ path: 'result.byte', expected: 165, actual: 0 }] },
      ],
    });
  });

  test('a search goes down, leaves variants out, and skips traces with a copy whole', async () => {
    const path = directoryOf('tree', {});
    cpSync(join(TRACES, 'quirks', '01-first_free-gap-at-min.jsonl.gz'), join(path, 'deep/quirk.jsonl.gz'));
    cpSync(join(TRACES, 'cow-0002.jsonl.gz'), join(path, 'cow.jsonl.gz'));
    cpSync(join(TRACES, 'variants'), join(path, 'variants'), { recursive: true });
    const { status, lines } = await run([path]);
    expect(lines.at(-2)).toMatch(/^golden: 2 traces, \d operations, .* 1 skipped, 0 unexplained$/);
    expect(lines.at(-1)).toBe('1 passed, 0 failed, 1 skipped');
    expect(status).toBe(0);
  });
});
