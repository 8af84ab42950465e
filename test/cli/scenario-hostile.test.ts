/** Scenario files by somebody who means ill: each is refused with the place of the fault, or means what it says. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parseScenario, readScenario, scenarioText } from '../../cli/scenario-file.ts';
import { pathText } from '../../cli/scenario-schema.ts';
import { InputError } from '../../contract/input-error.ts';
import { MACHINE } from '../deviations/example.ts';
import { bin, directoryWith, filesIn, vmlockstep } from './command.ts';

/** A file that has everything a file may have. */
const whole = {
  $schema: 'x',
  version: 2,
  note: 'n',
  expect: 'fails',
  kernel: 'fault:x',
  signature: { property: 'P', side: 'candidate', operation: 'kmem_free', field: null },
  number: 3,
  provenance: { seed: 1, command: 'c', version: 'v', path: null },
  schedule: null,
  machine: {
    ...MACHINE,
    kernelStart: MACHINE.kernelMin + 0x2000,
    reserved: [{ start: MACHINE.kernelMin + 0x8000, length: 4096 }],
    scratchPages: 1,
    scratchWindow: { start: MACHINE.kernelMin, end: MACHINE.kernelMin + 4096 },
  },
  operations: [
    { kind: 'kmem_suballoc', name: 'kmem', parent: 'kernel', size: 0x4000, pageable: false },
    { kind: 'kmem_malloc', map: 'kmem', size: 4096, canWait: false, as: 'a' },
    {
      kind: 'vm_map_insert',
      map: 'kernel',
      object: 'anon',
      offset: 0,
      start: 'kernel.max-4096',
      end: 'kernel.max',
    },
    { kind: 'vm_map_protect', map: 'kmem', start: 'a', end: 'a.end', protection: 1, setMax: false },
    { kind: 'cpu_write', address: 'a+1', bytes: [1, 2] },
    { kind: 'kmem_free', map: 'kmem', address: 'a', size: 4096 },
    { kind: 'pmap_enter', address: MACHINE.kernelMin, frame: 0, protection: 3, wired: true },
    { kind: 'resume', operation: 1 },
  ],
  outcomes: ['1', '2', '3', '4', '5', '6', '7', '8'],
};
const text = JSON.stringify(whole);

/** What the reader makes of a text: null for a scenario that can be written and read back, else its one line. */
function verdict(source: string): string | null {
  try {
    const stored = parseScenario('x.scn.json', source);
    expect(parseScenario('x.scn.json', scenarioText(stored))).toEqual(stored);
    return null;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

let tried = 0;
afterAll(() => {
  expect(tried).toBeGreaterThan(2000);
});

/** Tries a text; a refusal is one short line that begins with the file. */
function attempt(source: string): string | null {
  tried += 1;
  const told = verdict(source);
  if (told === null) return null;
  expect(told).toMatch(/^x\.scn\.json(:\d+)?: \S/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal.
  expect(told).not.toMatch(/[\u0000-\u001f\u007f]/);
  expect(told.length).toBeLessThan(500);
  return told;
}

/** Every place in a value, outermost first. */
function* placesIn(value: unknown, path: readonly (string | number)[] = []): Generator<(string | number)[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    yield at;
    yield* placesIn(inner, at);
  }
}

/** The file with the JSON text `json` at a place. */
function withJson(path: readonly (string | number)[], json: string): string {
  const file = structuredClone(whole) as unknown;
  let at = file as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[path.at(-1) ?? ''] = '\u0001HERE';
  return JSON.stringify(file).replace('"\\u0001HERE"', () => json);
}

const HOSTILE = [
  'null', 'true', '-1', '-0', '1.5', '1e400', '-1e400', '1e21', '9007199254740993', '4294967295', '4294967296',
  '""', '"x"', '"__proto__"', '"constructor"', '"\\ud800"', '"\\u0000"', '"0x"', '"0x100000000"', '"a"', '"a+a"',
  '"kernel.min"', '"a.end+99999999999"', '"NaN"', '[]', '{}', '[[[[[[[[[[1]]]]]]]]]]', '{"__proto__":1}',
  '{"toString":1}', `"${'m'.repeat(10_000)}"`, '[null]', '[1,2,3]',
]; // biome-ignore format: a list of texts

describe('a file', () => {
  test('cut short anywhere is refused', () => {
    expect(attempt(text)).toBeNull();
    for (let length = 0; length < text.length; length++)
      expect(attempt(text.slice(0, length))).toMatch(/is empty|is not JSON \(line 1: /);
  });

  test('with anything odd at any place is refused at that place, or means what it says', () => {
    let elsewhere = 0;
    let refused = 0;
    for (const path of placesIn(whole))
      for (const json of HOSTILE) {
        const told = attempt(withJson(path, json));
        if (told === null) continue;
        refused += 1;
        if (!told.includes(`: ${pathText(path)}`)) elsewhere += 1;
      }
    expect(refused).toBeGreaterThan(1500);
    // A name or a machine that is changed shows where it is used, and a kind in what its operation lacks.
    expect(elsewhere / refused).toBeLessThan(0.1);
  });

  test('with a field too many in any object is refused', () => {
    const objects = [[], ...placesIn(whole)].filter((path) => {
      let at: unknown = whole;
      for (const key of path) at = (at as Record<string | number, unknown>)[key];
      return typeof at === 'object' && at !== null && !Array.isArray(at);
    });
    for (const path of objects)
      for (const key of [
        'extra',
        '__proto__',
        'constructor',
        'prototype',
        'toString',
        'hasOwnProperty',
        '',
        'as ',
      ])
        expect(attempt(withJson([...path, 'HERE'], '1').replace('"HERE"', JSON.stringify(key)))).toMatch(
          /unknown field|is no field/,
        );
  });

  test('with a field missing, or there twice, is refused or means the same', () => {
    for (const path of placesIn(whole)) {
      if (typeof path.at(-1) !== 'string') continue;
      const name = JSON.stringify(path.at(-1));
      const gone = withJson(path, '1').replace(new RegExp(`,?${name}:1(?=[,}])`), '');
      attempt(gone.replace('{,', '{'));
      expect(attempt(withJson(path, `1,${name}:1`))).toMatch(/ twice in one object/);
    }
  });

  test('of a loop of handles is refused', () => {
    const find = (start: string, as: string): object => ({
      kind: 'vm_map_findspace',
      map: 'kernel',
      start,
      length: 1,
      as,
    });
    const loop = {
      version: 2,
      machine: MACHINE,
      operations: [find('b', 'a'), find('c', 'b'), find('a', 'c')],
    };
    expect(attempt(JSON.stringify(loop))).toMatch(/operations\[0\]\.start: .*; operations\[1\] comes later$/);
  });

  test('that is no JSON in any of many ways is refused', () => {
    for (const source of [
      'NaN', 'undefined', "{'version':2}", '{version:2}', `${text},`, `${text}${text}`, `// c\n${text}`, `${text}\u0000`,
      text.replace('{', '{,'), text.replace(']', ',]'), text.replaceAll('"', '“'), '\u0000'.repeat(1000), '"'.repeat(999),
      '['.repeat(1_000_000), '{"a":'.repeat(100_000), '\\'.repeat(1000), '{"version":0x2}', '[2]', '2', '"x"', 'null',
    ]) // biome-ignore format: a list of texts
      expect(attempt(source)).not.toBeNull();
  });

  test('with bytes changed at random is refused or means what it says', () => {
    const edit = fc.record({
      at: fc.nat(text.length - 1),
      cut: fc.nat(8),
      put: fc.string({ maxLength: 6, unit: 'binary' }),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        attempt(edits.reduce((all, { at, cut, put }) => all.slice(0, at) + put + all.slice(at + cut), text));
      }),
      { seed: 1994, numRuns: 1000 },
    );
  });

  test('of a million frames is refused', () => {
    expect(attempt(withJson(['machine', 'managedPages'], '1000000'))).toBe(
      'x.scn.json: machine.managedPages: must be a whole number from 1 to 65536',
    );
  });
});

/** What reading a path says. */
function complaint(path: string): string {
  try {
    readScenario(path);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('what is no file', () => {
  test('is refused, and nothing is written', async () => {
    const directory = directoryWith({ 'x.scn.json': text });
    const path = (name: string): string => join(directory, name);
    mkdirSync(path('directory'));
    symlinkSync('circle', path('circle'));
    symlinkSync('nowhere', path('dangling'));
    symlinkSync('x.scn.json', path('link'));
    closeSync(openSync(path('big'), 'w'));
    const descriptor = openSync(path('big'), 'r+');
    ftruncateSync(descriptor, 100_000_000);
    closeSync(descriptor);
    const before = readdirSync(directory);
    expect(complaint(path('directory'))).toMatch(/is a directory; name one scenario file/);
    expect(complaint(path('circle'))).toMatch(/its links lead in a circle; name the file itself$/);
    expect(complaint(path('dangling'))).toMatch(/there is no such file; give the path/);
    expect(complaint(path('link'))).toBe('accepted');
    expect(complaint(path('big'))).toMatch(/holds 100000000 bytes; a scenario file holds at most/);
    expect(complaint(path('x.scn.json/y'))).toMatch(/a part of the path is not a directory/);
    expect(complaint(path('n'.repeat(5000)))).toMatch(/the name is too long/);
    expect(complaint('x\0y')).toMatch(/holds a NUL character/);
    if (existsSync('/usr/bin/mkfifo')) {
      execFileSync('/usr/bin/mkfifo', [path('pipe')]);
      expect(complaint(path('pipe'))).toMatch(/is empty/);
      execFileSync('/bin/rm', [path('pipe')]);
    }
    const { status, stderr } = await vmlockstep(directory, ['replay', 'nosuch']);
    expect(status).toBe(2);
    expect(stderr).toBe(
      'error: nosuch: cannot be read: there is no such file; give the path of a scenario file (*.scn.json), or - for standard input\n',
    );
    expect(readdirSync(directory)).toEqual(before);
  });

  test('100 MB on standard input are left at the limit', () => {
    const directory = directoryWith();
    const { status, stderr } = spawnSync(process.execPath, [bin, 'replay', '-'], {
      cwd: directory,
      input: Buffer.alloc(100_000_000, ' '),
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/^error: -: holds more than 16777216 bytes, which no scenario file does\n$/);
    expect(status).toBe(2);
    expect(filesIn(directory)).toEqual({});
  });
});
