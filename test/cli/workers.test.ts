/** The number of workers changes how long a campaign takes and nothing that it says. */
import { describe, expect, test } from 'vitest';
import { directoryWith, filesIn, vmlockstep } from './command.ts';
import { kernel, showing } from './kernel-text.ts';

/** Goes wrong on machines that are rare: of seed 3 in the scenarios 56, 87 and 153; slow enough to keep two threads busy. */
const rarely = (wrong: string): string =>
  kernel({
    declares: showing("'outcomes'"),
    boot: `({ managedPages }) => {
      for (const end = performance.now() + 2; performance.now() < end; );
      return { apply: (operation, number) => apply(managedPages >= 324 && number > 2) };
    }`,
    apply: `(isBad) => { ${wrong} return { outcome: { kind: isBad ? 'none' : 'done' } }; }`,
  });

/** All that a run leaves: its document, its stream, its files without the directory's name, its status. */
async function left(workers: number, args: readonly string[], files: Readonly<Record<string, string>>) {
  const directory = directoryWith(files);
  const all = ['check', ...args, '--json', '--events', 'events.jsonl', '--workers', `${workers}`];
  const { status, stdout } = await vmlockstep(directory, all);
  const kept = Object.entries(filesIn(directory)).map(([path, text]) => [path.slice(directory.length), text]);
  return { status, stdout, files: Object.fromEntries(kept) as Record<string, string> };
}

const linesOf = (text = ''): string[] => text.split('\n');

describe('a campaign that holds', () => {
  test('is the same, byte for byte, in one thread and in two', async () => {
    const args = ['--seed', '7', '--runs', '40'];
    const first = await left(1, args, {});
    expect(first.status).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({ scenarios: 40, passed: 40, failed: 0 });
    expect(linesOf(first.files['/events.jsonl'])).toHaveLength(40 + 3);
    expect(await left(2, args, {})).toEqual(first);
  }, 180_000);
});

describe('a campaign that fails', () => {
  const args = ['--seed', '3', '--runs', '2000', '--kernel', './rare.mjs'];

  test('ends at the same scenario with the same counts, files and stream', async () => {
    const files = { 'rare.mjs': rarely('') };
    const first = await left(1, args, files);
    expect(first.status).toBe(1);
    const { scenarios } = JSON.parse(first.stdout) as { scenarios: number };
    // Several chunks, and not at the end of one.
    expect(scenarios).toBeGreaterThan(3 * 16);
    expect(scenarios % 16).not.toBe(0);
    const told = linesOf(first.files['/events.jsonl']);
    expect(told.filter((line) => line.startsWith('{"event":"scenario"'))).toHaveLength(scenarios);
    expect(Object.keys(first.files)).toEqual([
      '/events.jsonl',
      '/out/INV-ACC-MODEL-3.scn.json',
      '/out/INV-ACC-MODEL-3.unshrunk.scn.json',
      '/rare.mjs',
    ]);
    for (const workers of [2, 3]) expect(await left(workers, args, files)).toEqual(first);
  }, 180_000);

  test.each([
    { how: 'hangs', wrong: 'while (isBad);', property: 'KERNEL-HUNG' },
    { how: 'ends its thread', wrong: 'if (isBad) process.exit(3);', property: 'KERNEL-DIED' },
  ])('since its kernel $how does so too', async ({ wrong, property }) => {
    const files = { 'rare.mjs': rarely(wrong) };
    const hurried = [...args, '--kernel-timeout', '1500ms'];
    const [first, second] = [await left(1, hurried, files), await left(2, hurried, files)];
    expect(first.status).toBe(4);
    expect(JSON.parse(first.stdout)).toMatchObject({ failed: 1, exit: 4, failure: { property } });
    expect(second).toEqual(first);
  });
});
