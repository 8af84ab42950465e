/** Files of `bench shrink`: its own are gone on with, any other is refused and stays as it is. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { benchShrink } from '../../bench/shrink.ts';
import { FoundFailures } from '../../bench/shrink-cache.ts';
import { benchRivalsCommand } from '../../cli/bench-rivals.ts';
import { directoryWith } from '../cli/command.ts';

const silent = () => undefined;
const options = (file: string) => ({
  ...{ seeds: 1, faults: [], alike: 'symptom' as const, file, cache: `${file}.found` },
  onProgress: silent,
  shouldStop: () => false,
});

describe('a file of bench shrink', () => {
  test.each([
    ['no JSON', '# Title\n', /not JSON; name another file with --out/],
    ['another document', '{"version":1}', /not a file of bench shrink \(mark: .*\); name another file/],
    ['faults of another shape', '{"mark":"x","faults":{"a":1}}', /not a file of bench shrink \(faults\.a: /],
  ])('is not %s', async (_, text, message) => {
    const file = join(directoryWith({ 'file.json': text }), 'file.json');
    await expect(benchShrink(options(file))).rejects.toThrow(message);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('of other sources is begun anew', async () => {
    const file = join(directoryWith({ 'file.json': '{"mark":"old","faults":{}}' }), 'file.json');
    expect(await benchShrink(options(file))).toEqual([]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ mark: expect.not.stringMatching('old') });
  });

  test('that keeps found failures is looked at too', () => {
    const file = join(directoryWith(), 'found.json');
    writeFileSync(file, '{"seeds":{"1":{"mark":"x","found":{"fault":7}}}}');
    expect(() => new FoundFailures(file)).toThrow(/not a file of bench shrink \(seeds\.1\.found\.fault: /);
  });
});

test('bench rivals refuses a page that it cannot write before it measures', async () => {
  const directory = directoryWith();
  const running = benchRivalsCommand(
    {
      ...{ seeds: 1, faults: null, arms: null, budget: 10, json: false, out: join(directory, 'r.json') },
      ...{ all: false, time: 1, doc: '/dev/null/page.md', workers: 1, part: null },
    },
    { line: silent, lines: silent, note: silent, progress: silent },
  );
  await expect(running).rejects.toThrow(/^--doc \/dev\/null: is not a directory/);
});
