/** Files that are no traces: each refused with one line that names the place, the fault and the mend. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../contract/input-error.ts';
import { findTraces } from '../../golden/find-traces.ts';
import { parseTrace, readTraceFile } from '../../golden/trace-file.ts';
import { readTraceIndex } from '../../golden/trace-index.ts';
import { fieldAt, withField } from './falsify.ts';

const GOOD = join(import.meta.dirname, '../../golden/traces/edge-0042.jsonl.gz');
const directory = mkdtempSync(join(tmpdir(), 'vmlockstep-bad-input-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const goodText = gunzipSync(readFileSync(GOOD)).toString('utf8');
const goodLines = goodText.trimEnd().split('\n');
const withLine = (number: number, line: string): string => goodLines.with(number - 1, line).join('\n');
/** The text with one field of one line changed; undefined removes it. */
function withChange(number: number, path: string, value: unknown): string {
  return withLine(number, JSON.stringify(withField(JSON.parse(goodLines[number - 1] ?? ''), path, value)));
}

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.exitStatus).toBe(2);
    expect(error.message).not.toContain('\n');
    return error.message;
  }
  throw new Error('nothing was refused');
}

const refusal = (text: string): string => messageOf(() => parseTrace('t.jsonl', text));

function write(name: string, contents: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, contents);
  return path;
}

test('the trace that is spoiled below is fine itself, gzipped or not, with a header or without', () => {
  expect(parseTrace('t.jsonl', goodText).records).toHaveLength(28);
  expect(readTraceFile(GOOD).records).toHaveLength(28);
  expect(readTraceFile(write('plain.jsonl', goodText)).records).toHaveLength(28);
  expect(parseTrace('t.jsonl', goodLines.slice(1).join('\n')).records).toHaveLength(28);
});

describe('files', () => {
  const bytes = readFileSync(GOOD);

  test('a file that is not there, or is a directory', () => {
    expect(messageOf(() => readTraceFile(join(directory, 'none.jsonl')))).toMatch(
      /none.jsonl: .*ENOENT.*check/,
    );
    expect(messageOf(() => readTraceFile(directory))).toMatch(/EISDIR/);
    expect(messageOf(() => findTraces([join(directory, 'none')]))).toMatch(/none: no such file/);
  });

  test('gzip data that is cut off, spoiled, or none at all', () => {
    const cut = write('cut.jsonl.gz', bytes.subarray(0, bytes.length / 2));
    expect(messageOf(() => readTraceFile(cut))).toMatch(/cut.jsonl.gz: gzip data is truncated; restore/);
    const spoiled = write('spoiled.jsonl.gz', Buffer.from(bytes).fill(0x55, 200, 260));
    expect(messageOf(() => readTraceFile(spoiled))).toMatch(/spoiled.jsonl.gz: gzip data is corrupt/);
    expect(messageOf(() => readTraceFile(write('text.jsonl.gz', goodText)))).toMatch(/gzip data is corrupt/);
  });

  test('gzip data that unpacks to far more than a trace can be', () => {
    const bomb = write('bomb.jsonl.gz', gzipSync(Buffer.alloc(257 * 1024 * 1024), { level: 1 }));
    expect(messageOf(() => readTraceFile(bomb))).toMatch(/decompresses to more than 268435456 bytes/);
  });

  test.runIf(existsSync('/dev/zero'))('a device, which may never end', () => {
    expect(messageOf(() => readTraceFile('/dev/zero'))).toMatch(
      /^\/dev\/zero: is a device or a pipe; name a trace/,
    );
  });

  test('text that is not UTF-8', () => {
    const latin = write('latin.jsonl', Buffer.concat([Buffer.from(goodText), Buffer.from([0xe9])]));
    expect(messageOf(() => readTraceFile(latin))).toMatch(/latin.jsonl: is not UTF-8 text; restore/);
  });

  test('a directory without traces', () => {
    const empty = join(directory, 'empty');
    mkdirSync(empty);
    expect(messageOf(() => findTraces([empty]))).toMatch(/empty: no \*.jsonl/);
  });
});

describe('text that is no trace', () => {
  test.each<[string, string, RegExp]>([
    ['nothing', '', /^t.jsonl: is empty/],
    ['prose', 'a trace\n', /^t.jsonl:1: not a complete JSON value/],
    ['another JSON value', '[1]\n', /^t.jsonl:1: not a JSON object/],
    ['another JSON object', '{"a":1}\n', /^t.jsonl:1: config: .*; the first line of a trace is its header/],
    ['a header alone', `${goodLines[0]}\n`, /^t.jsonl:2: the record of op 0 is missing/],
    ['a cut line', `${goodText.slice(0, goodText.length - 40)}\n`, /^t.jsonl:30: not a complete JSON value/],
    ['too few records', goodLines.slice(0, 10).join('\n'), /^t.jsonl:11: ends after 8 of 28 operations/],
    ['too many records', withChange(1, 'nops', 27), /28 operations, but the header says 27/],
    ['more lines than any trace', '\n'.repeat(1_000_001), /^t.jsonl:1000001: more than 1000000 lines/],
  ])('%s', (_what, text, message) => {
    expect(refusal(text)).toMatch(message);
  });
});

describe('records', () => {
  test.each<[string, string, unknown, RegExp]>([
    [
      'an unknown operation',
      'op',
      'allocate',
      /^t.jsonl:3: unknown operation "allocate"; the operations are/,
    ],
    ['an operation that is no name', 'op', { a: 1 }, /unknown operation/],
    ['no operation', 'op', undefined, /unknown operation/],
    ['too few arguments', 'args', ['kernel'], /^t.jsonl:3: args/],
    ['too many arguments', 'args', ['kernel', 1, 2, 3, 4, 5, 6, 7], /^t.jsonl:3: args/],
    ['arguments that are no list', 'args', {}, /^t.jsonl:3: args: .*expected tuple/],
    ['a hundred thousand arguments', 'args', Array(100_000).fill(0), /^t.jsonl:3: args/],
    ['a missing state', 'state', undefined, /^t.jsonl:3: state is missing; record the trace again/],
    ['another number', 'i', 2, /^t.jsonl:3: i is 2, expected 1/],
    ['a result that is no object', 'result', 7, /^t.jsonl:3: result/],
    ['a nested result', 'result', { addr: [1] }, /^t.jsonl:3: result.addr/],
    ['a map without bounds', 'state.maps.kernel', {}, /^t.jsonl:3: state.maps.kernel.min/],
    ['entries that are no list', 'state.maps.kernel.entries', 'all', /^t.jsonl:3: state.maps.kernel.entries/],
    ['a negative address', 'state.maps.kernel.min', -4096, /^t.jsonl:3: state.maps.kernel.min/],
    ['a fill that is no byte', 'state.objects.kernel.pages', [{ fill: 256 }], /pages\[0\]/],
  ])('%s', (_what, path, value, message) => {
    expect(refusal(withChange(3, path, value))).toMatch(message);
  });

  const first = (path: string): unknown => fieldAt(JSON.parse(goodLines[2] ?? ''), path);
  const call = (op: string, args: readonly unknown[]): string =>
    withLine(3, JSON.stringify({ ...JSON.parse(goodLines[2] ?? ''), op, args }));

  test('the line that is spoiled is an ordinary one', () => {
    expect(first('i')).toBe(1);
  });

  test.each<[string, string, readonly unknown[]]>([
    ['a negative number', 'alloc', ['kernel', -1]],
    ['a number beyond 32 bits', 'alloc', ['kernel', 2 ** 32]],
    ['a broken number', 'alloc', ['kernel', 0.5]],
    ['a number that is a text', 'alloc', ['kernel', '4096']],
    ['a name that is a number', 'alloc', [7, 4096]],
    ['an empty name', 'alloc', ['', 4096]],
    ['a byte beyond 255', 'write', ['kernel', 4096, 256]],
    ['an object of no kind', 'insert', ['kernel', 'device', 0, 0, 4096]],
    ['a number beyond all numbers', 'resume', [1e300]],
  ])('%s as an argument', (_what, op, args) => {
    expect(refusal(call(op, args))).toMatch(/^t.jsonl:3: args\[\d\]: .*; see `\w+` in the trace format$/);
  });

  test('names that would reach into the machinery', () => {
    const keyed = goodLines[2]?.replace('"kernel":{', '"__proto__":{') ?? '';
    expect(refusal(withLine(3, keyed))).toMatch(/^t.jsonl:3: has the name "__proto__"/);
    const escaped = goodLines[2]?.replace('"kernel":{', '"\\u005f_proto__":{') ?? '';
    expect(refusal(withLine(3, escaped))).toMatch(/^t.jsonl:3: has the name "__proto__"/);
    expect(refusal(call('alloc', ['__proto__', 4096]))).toMatch(/^t.jsonl:3: has the name "__proto__"/);
  });

  test('values nested beyond all measure', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const line = goodLines[2]?.replace(/"args":\[[^\]]*\]/, `"args":${deep}`) ?? '';
    expect(refusal(withLine(3, line))).toMatch(/^t.jsonl:3: args/);
  });
});

describe('machines', () => {
  test('a header and an op 0 that contradict each other', () => {
    expect(refusal(withChange(1, 'config.npages', 99))).toMatch(
      /^t.jsonl:2: npages is \d+, but the header says 99/,
    );
  });

  test('a machine that cannot boot', () => {
    const headless = goodLines.slice(1);
    const boot = (path: string, value: number) =>
      headless.with(0, JSON.stringify(withField(JSON.parse(headless[0] ?? ''), path, value))).join('\n');
    expect(refusal(boot('result.vmin', 1))).toMatch(/^t.jsonl:1: machine.kernelMin: .*; record a machine/);
    expect(refusal(boot('result.npages', 2 ** 31))).toMatch(/^t.jsonl:1: machine.managedPages/);
  });
});

describe('an index', () => {
  const refused = (text: string): string => messageOf(() => readTraceIndex(write('index.jsonl', text)));

  test.each<[string, string, RegExp]>([
    ['no JSON', 'x', /index.jsonl:1: not a complete JSON value/],
    ['a field missing', '{"file":"a","nops":3}', /index.jsonl:1: compared: .*; an entry has file/],
    [
      'a stop nowhere',
      '{"file":"a","nops":3,"compared":3,"stop":"DEV-1","stop_op":null}',
      /index.jsonl:1: stop, stop_op and compared contradict/,
    ],
    [
      'a stop elsewhere',
      '{"file":"a","nops":3,"compared":3,"stop":"DEV-1","stop_op":2}',
      /index.jsonl:1: stop, stop_op and compared contradict/,
    ],
  ])('%s', (_what, text, message) => {
    expect(refused(text)).toMatch(message);
  });
});
