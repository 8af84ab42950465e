/** The event stream is what docs/events.md says, and never costs a file. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventSchema, type StreamEvent } from '../../cli/events-schema.ts';
import { directoryWith, vmlockstep } from './command.ts';
import { kernel, showing } from './kernel-text.ts';

const parsed = (text: string): StreamEvent[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => eventSchema.parse(JSON.parse(line)));

const liar = kernel({
  declares: showing("'outcomes'"),
  apply: "(operation, number) => ({ outcome: { kind: number < 4 ? 'done' : 'none' } })",
});

describe('a stream', () => {
  test('has a line for the run, for each scenario, and for the end', async () => {
    const directory = directoryWith();
    const args = ['check', '--runs', '5', '--seed', '9', '--events', 'e.jsonl'];
    const { status } = await vmlockstep(directory, args);
    expect(status).toBe(0);
    const events = parsed(readFileSync(join(directory, 'e.jsonl'), 'utf8'));
    expect(events.map(({ event }) => event)).toEqual(['run', ...Array(5).fill('scenario'), 'end']);
    const [run, first] = events;
    expect(run).toMatchObject({ seed: 9, runs: 5, time: null, workload: 'default', kernel: 'optimized' });
    expect(run).toMatchObject({ run_start: 0 });
    expect(first).toMatchObject({ type: 'test_case', number: 1, status: 'passed', timing: {} });
    expect(events.at(-1)).toMatchObject({ scenarios: 5, passed: 5, failed: 0, failure: null, exit: 0 });
  });

  test('tells of a failure and of its shrinking, in that order, and where it is', async () => {
    const directory = directoryWith({ 'liar.mjs': liar });
    const args = ['check', '--kernel', './liar.mjs', '--seed', '9', '--events', '-', '--events-timing'];
    const { status, stdout, stderr } = await vmlockstep(directory, args);
    expect(status).toBe(1);
    const events = parsed(stdout);
    const kinds = events.map(({ event }) => event);
    const failure = kinds.indexOf('failure');
    expect(events[failure - 1]).toMatchObject({ event: 'scenario', status: 'failed' });
    expect(events[failure]).toMatchObject({
      signature: { property: 'INV-ACC-MODEL', side: 'candidate', operation: 'pagedaemon', field: 'outcome' },
      stored: 'out/INV-ACC-MODEL-9.unshrunk.scn.json',
    });
    const rest = kinds.slice(failure + 1);
    expect(rest.at(-1)).toBe('end');
    expect(new Set(rest.slice(0, -1))).toEqual(new Set(['shrink']));
    const [run] = events;
    expect(run?.event === 'run' && run.run_start).toBeGreaterThan(1e9);
    expect(events.at(-1)).toMatchObject({
      exit: 1,
      failure: { property: 'INV-ACC-MODEL', operations: 4, stored: 'out/INV-ACC-MODEL-9.scn.json' },
    });
    // The report goes where it does not mix with the stream.
    expect(stderr).toMatch(/^FAILED INV-ACC-MODEL after operation 4$/m);
  });

  test('is described field by field in docs/events.md', () => {
    const page = readFileSync(resolve(import.meta.dirname, '..', '..', 'docs', 'events.md'), 'utf8');
    for (const { shape } of eventSchema.options) {
      for (const name of Object.keys(shape)) expect(page).toContain(`\`${name}\``);
      expect(page).toContain(`\`${shape.event.value}\``);
    }
  });

  test('with a field too many is refused by its schema', () => {
    const line = { event: 'shrink', step: 1, operations: 3 };
    expect(eventSchema.safeParse(line).success).toBe(true);
    expect(eventSchema.safeParse({ ...line, when: 5 }).success).toBe(false);
    expect(eventSchema.safeParse({ ...line, step: -1 }).success).toBe(false);
  });
});

describe.concurrent('a stream that cannot be written is refused before anything runs', () => {
  test.each([
    { file: 'mine.txt', says: '--events mine.txt: exists already; name another file, or remove it' },
    {
      file: 'no/such/place',
      says: '--events no/such/place: cannot be written: nothing can be made there; name another file',
    },
    { file: '.', says: expect.stringMatching(/^--events \.: cannot be written: .*; name another file$/) },
  ])('$file', async ({ file, says }) => {
    const directory = directoryWith({ 'mine.txt': 'precious\n' });
    const { status, stdout, stderr } = await vmlockstep(directory, [
      'check',
      '--runs',
      '1',
      '--events',
      file,
    ]);
    expect(stderr.replace(/^error: /, '').trimEnd()).toEqual(says);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(readFileSync(join(directory, 'mine.txt'), 'utf8')).toBe('precious\n');
  });

  test('but an empty file is no one’s', async () => {
    const directory = directoryWith({ 'empty.jsonl': '' });
    const { status } = await vmlockstep(directory, ['check', '--runs', '1', '--events', 'empty.jsonl']);
    expect(status).toBe(0);
    expect(parsed(readFileSync(join(directory, 'empty.jsonl'), 'utf8'))).toHaveLength(3);
  });
});
