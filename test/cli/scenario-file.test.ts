import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseScenario, readScenario, type StoredScenario, scenarioText } from '../../cli/scenario-file.ts';
import { storeScenario } from '../../cli/scenario-store.ts';
import { InputError } from '../../contract/input-error.ts';
import { failingReport } from '../report/failing-report.ts';
import { directoryWith } from './command.ts';

const stored: StoredScenario = { scenario: failingReport.scenario, note: 'by hand' };
const text = scenarioText(stored);

/** The same file with one thing in it changed. */
function altered(change: (file: Record<string, unknown>) => unknown): string {
  const file = JSON.parse(text) as Record<string, unknown>;
  return JSON.stringify(change(file) ?? file);
}
const withOperation = (operation: unknown): string =>
  altered((file) => ({ ...file, operations: [operation] }));

function complaint(source: string): string {
  try {
    parseScenario('x.scn.json', source);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a scenario file', () => {
  test('read back is the scenario that was written', () => {
    expect(parseScenario('x', text)).toEqual(stored);
  });
  test('written again has the same bytes, whatever the order of its keys', () => {
    const reversed = JSON.stringify(JSON.parse(text), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value,
    );
    expect(reversed).not.toBe(JSON.stringify(JSON.parse(text)));
    expect(scenarioText(parseScenario('x', reversed))).toBe(text);
  });
  test('keeps how it failed', () => {
    const signature = {
      property: 'INV-MAP-SIZE',
      side: 'candidate',
      operation: 'kmem_free',
      field: null,
    } as const;
    const failed = { ...stored, signature, number: 2 };
    expect(parseScenario('x', scenarioText(failed))).toEqual(failed);
  });
  test('has one operation a line', () => {
    expect(text.split('\n').filter((line) => line.includes('"kind"')).length).toBe(4);
  });
});

describe('what is no scenario is refused with its place', () => {
  test.each<[string, string, RegExp]>([
    ['nothing', '', /^x\.scn\.json: is empty;/],
    ['a truncated file', text.slice(0, -20), /^x\.scn\.json: is not JSON \(.*\); the file may be cut short$/],
    ['garbage', '\u0000\u0001hello', /is not JSON/],
    ['an array', '[]', /must hold one JSON object/],
    [
      'a number that is none',
      text.replace('"size":8192', '"size":NaN'),
      /is not JSON \(line 8: unexpected "N"\)/,
    ],
    ['a number', '7', /must hold one JSON object/],
    [
      'JSON of another sort',
      '{"name":"x","version":"1.0.0"}',
      /is JSON but no scenario file: that holds one object with "version", "machine" and "operations"/,
    ],
    [
      'a future version',
      altered((file) => ({ ...file, version: 3 })),
      /: version: must be at most 2, which this vmlockstep writes; read "3" with a newer one$/,
    ],
    [
      'an unknown field',
      altered((file) => ({ ...file, extra: 1 })),
      /: has the unknown field "extra"; remove it$/,
    ],
    ['no machine', altered(({ machine: _, ...file }) => file), /: machine: /],
    [
      'an unknown operation',
      withOperation({ kind: 'kmem_aloc', map: 'kernel', size: 1 }),
      /operations\[0\]\.kind: unknown operation "kmem_aloc"; did you mean 'kmem_alloc'\?/,
    ],
    ['a foreign operation', withOperation({ kind: 'fork' }), /`vmlockstep list operations` names them all/],
    [
      'an operation that is a name',
      withOperation('pagedaemon'),
      /operations\[0\]: must be an object with the field "kind"/,
    ],
    [
      'an operation without kind',
      withOperation({ map: 'kernel' }),
      /operations\[0\]\.kind: must name an operation/,
    ],
    [
      'an operation inherited from Object',
      withOperation({ kind: 'constructor' }),
      /unknown operation "constructor"/,
    ],
    ['a missing argument', withOperation({ kind: 'kmem_alloc', map: 'kernel' }), /operations\[0\]\.size: /],
    [
      'an argument too many',
      withOperation({ kind: 'pagedaemon', hard: true }),
      /operations\[0\]: has the unknown field "hard"; remove it$/,
    ],
    [
      'a text for a number',
      withOperation({ kind: 'kmem_alloc', map: 'kernel', size: '1' }),
      /operations\[0\]\.size: /,
    ],
    [
      'a negative size',
      withOperation({ kind: 'kmem_alloc', map: 'kernel', size: -1 }),
      /operations\[0\]\.size: must be a whole number from 0 to 4294967295$/,
    ],
    [
      'a size of 2^32',
      withOperation({ kind: 'kmem_alloc', map: 'kernel', size: 2 ** 32 }),
      /operations\[0\]\.size: must be a whole number from 0 to 4294967295$/,
    ],
    [
      'a fraction',
      withOperation({ kind: 'kmem_alloc', map: 'kernel', size: 1.5 }),
      /operations\[0\]\.size: must be a whole number from 0 to 4294967295$/,
    ],
    ['a null', withOperation({ kind: 'kmem_alloc', map: null, size: 1 }), /operations\[0\]\.map: /],
    [
      'a map called __proto__',
      withOperation({ kind: 'kmem_alloc', map: '__proto__', size: 1 }),
      /operations\[0\]\.map: must not be __proto__/,
    ],
    [
      'a map name of ten thousand letters',
      withOperation({ kind: 'kmem_alloc', map: 'm'.repeat(10_000), size: 1 }),
      /operations\[0\]\.map: must be a name/,
    ],
    [
      'a key called __proto__',
      text.replace('"kind":', '"__proto__":{"a":1},"kind":'),
      /operations\[0\]\.__proto__: is no field/,
    ],
    ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /is nested too deeply/],
    [
      'nesting inside',
      altered((file) => ({ ...file, note: [[[[[[[[[[1]]]]]]]]]] })),
      /note\S*: is nested too deeply/,
    ],
    [
      'an empty range of frames',
      altered((file) => ({ ...file, machine: { ...failingReport.scenario.machine, managedPages: 0 } })),
      /machine\.managedPages: must be a whole number from 1/,
    ],
    [
      'a number beyond all numbers',
      text.replace('"size":8192', '"size":1e999'),
      /operations\[0\]\.size: must be a whole number from 0/,
    ],
    [
      'a pool of 2^53 entries',
      altered((file) => ({ ...file, machine: { ...failingReport.scenario.machine, mapEntries: 2 ** 53 } })),
      /: machine\.mapEntries: must be a whole number from 1 to 16777216$/,
    ],
    [
      'a flag that is a number',
      withOperation({ kind: 'kmem_malloc', map: 'kernel', size: 1, canWait: 1 }),
      /operations\[0\]\.canWait: must be true or false$/,
    ],
    [
      'a name that stands twice',
      text.replace('"size":8192', '"size":8192,"si\\u007ae":1'),
      /^x\.scn\.json:8: has "size" twice in one object; remove one$/,
    ],
    [
      'an unaligned machine',
      altered((file) => ({
        ...file,
        machine: { ...failingReport.scenario.machine, kernelMin: 0xfe00_0001 },
      })),
      /machine\.kernelMin: must be a multiple of 4096/,
    ],
  ])('%s', (_, source, says) => {
    const message = complaint(source);
    expect(message).toMatch(says);
    expect(message).toMatch(/^x\.scn\.json(:\d+)?: /);
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(260);
  });

  test('more operations than a scenario holds', () => {
    const source = altered((file) => ({
      ...file,
      operations: Array.from({ length: 100_001 }, () => ({ kind: 'pagedaemon' })),
    }));
    expect(complaint(source)).toMatch(/operations: holds 100001 operations; at most 100000 are read/);
  });
  test('a file larger than 16 MiB is refused unread', () => {
    const path = join(directoryWith({ 'big.scn.json': ' '.repeat((16 << 20) + 1) }), 'big.scn.json');
    expect(() => readScenario(path)).toThrow(/holds 16777217 bytes; a scenario file holds at most 16777216/);
  });
  test('minus zero is zero', () => {
    const { scenario } = parseScenario(
      'x',
      withOperation({ kind: 'kmem_alloc', map: 'kernel', size: 12345 }).replace('12345', '-0'),
    );
    expect(scenario.operations[0]).toStrictEqual({ kind: 'kmem_alloc', map: 'kernel', size: 0 });
  });
  test.runIf(existsSync('/dev/zero'))('a device without end is left at the limit', () => {
    expect(() => readScenario('/dev/zero')).toThrow(/holds more than 16777216 bytes/);
    expect(() => readScenario('/dev/null')).toThrow(/is empty/);
  });
  test.runIf(existsSync('/usr/bin/mkfifo'))('a pipe that nobody writes to is empty', () => {
    const pipe = join(directoryWith(), 'pipe');
    execFileSync('/usr/bin/mkfifo', [pipe]);
    expect(() => readScenario(pipe)).toThrow(/pipe: is empty/);
  });
  test('a line ending of another system and a byte order mark', () => {
    const directory = directoryWith({ 'w.json': `\ufeff${text.replaceAll('\n', '\r\n')}` });
    expect(readScenario(join(directory, 'w.json'))).toEqual(stored);
  });
  test('bytes that are no text', () => {
    const directory = directoryWith();
    writeFileSync(join(directory, 'b.json'), Buffer.from([0xff, 0xfe, 0x00]));
    expect(() => readScenario(join(directory, 'b.json'))).toThrow(/is not UTF-8 text/);
  });
  test('a directory, and a file that is not there', () => {
    expect(() => readScenario(directoryWith())).toThrow(/is a directory; name one scenario file/);
    expect(() => readScenario('/nonexistent/x.scn.json')).toThrow(
      /cannot be read: there is no such file; give the path/,
    );
  });
});

describe('storing', () => {
  test('the same scenario twice is one file', () => {
    const out = join(directoryWith(), 'out');
    expect(storeScenario(out, 'A-1', stored)).toBe(storeScenario(out, 'A-1', stored));
    expect(readdirSync(out)).toEqual(['A-1.scn.json']);
  });
  test('what differs in its origin alone is the same, and stays as it was', () => {
    const out = join(directoryWith(), 'out');
    const origin = { seed: 1, command: null, version: '1', path: null };
    const first = storeScenario(out, 'A-1', { ...stored, provenance: origin, note: 'mine' });
    const text = readFileSync(first, 'utf8');
    expect(storeScenario(out, 'A-1', { ...stored, provenance: { ...origin, path: 'x' } })).toBe(first);
    expect(readFileSync(first, 'utf8')).toBe(text);
    const { machine, operations } = stored.scenario;
    const other = { ...stored, scenario: { machine, operations: operations.slice(1) } };
    expect(storeScenario(out, 'A-1', other)).toBe(join(out, 'A-1-2.scn.json'));
  });
  test('a file that was there with other contents stays as it was', () => {
    const out = directoryWith({ 'A-1.scn.json': 'precious' });
    expect(storeScenario(out, 'A-1', stored)).toBe(join(out, 'A-1-2.scn.json'));
    expect(readFileSync(join(out, 'A-1.scn.json'), 'utf8')).toBe('precious');
    expect(readScenario(join(out, 'A-1-2.scn.json'))).toEqual(stored);
  });
  test('a name cannot leave the directory', () => {
    const out = join(directoryWith(), 'out');
    expect(storeScenario(out, '../../evil', stored)).toBe(join(out, '..-..-evil.scn.json'));
  });
  test('a directory that cannot be made is refused with its flag', () => {
    const directory = directoryWith({ file: '' });
    expect(() => storeScenario(join(directory, 'file', 'out'), 'A', stored)).toThrow(
      /^--out .*: \S+file is not a directory; /,
    );
  });
});
