/** Stored scenarios outlive changes of the operations: they still replay, or are called stale, or are refused. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseScenario, type ScenarioFormat, scenarioText } from '../../cli/scenario-file.ts';
import { MIGRATIONS, type MigrationEdit } from '../../cli/scenario-migrations.ts';
import { staleness } from '../../cli/scenario-outcomes.ts';
import type { FieldTable } from '../../cli/scenario-schema.ts';
import { InputError } from '../../contract/input-error.ts';
import { OPERATION_FIELDS, type Operation } from '../../contract/operation.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { root } from './command.ts';

const CORPUS = join(root, 'corpus');
const texts = readdirSync(CORPUS)
  .sort()
  .map((name) => [name, readFileSync(join(CORPUS, name), 'utf8')] as const);

/** The next version, in which the operations have other fields and the edits lead there. */
const next = (fields: FieldTable, edits: readonly MigrationEdit[]): ScenarioFormat => ({
  versions: { version: 3, migrations: [...MIGRATIONS, { from: 2, edits }] },
  fields,
});

/** kmem_alloc with `size` called otherwise. */
const RENAMED: FieldTable = { ...OPERATION_FIELDS, kmem_alloc: { map: 'map', length: 'size' } };
const RENAME = { edit: 'rename-argument', kind: 'kmem_alloc', from: 'size', to: 'length' } as const;

type Fate = 'replays' | 'stale' | 'refused' | 'silently other';

/** What becomes of a stored case; `back` gives operations of the next version to a kernel of this one. */
function fateOf(text: string, format: ScenarioFormat, back: (operation: Operation) => object): Fate {
  try {
    // Handles are resolved by a model that knows the fields of this version only: numbers will do here.
    const plain = withoutHandles(text);
    const { scenario, outcomes } = parseScenario('x', plain, format);
    const operations = scenario.operations.map((operation) => back(operation) as Operation);
    const now: Scenario = { ...scenario, operations };
    if (staleness(now, outcomes) !== null) return 'stale';
    const original = parseScenario('x', text).scenario;
    return JSON.stringify(sorted(now)) === JSON.stringify(sorted(original)) ? 'replays' : 'silently other';
  } catch (error) {
    if (error instanceof InputError) return 'refused';
    throw error;
  }
}

function withoutHandles(text: string): string {
  const { operations } = parseScenario('x', text).scenario;
  return JSON.stringify({ ...(JSON.parse(text) as object), operations });
}

const sorted = ({ machine, operations }: Scenario): object => ({
  machine,
  operations: operations.map((operation) => Object.entries(operation).sort()),
});

const fates = (format: ScenarioFormat, back: (operation: Operation) => object = (same) => same): Fate[] =>
  texts.map(([, text]) => fateOf(text, format, back));

const asSize = (operation: Operation): object => {
  if (operation.kind !== 'kmem_alloc') return operation;
  const { length, ...rest } = operation as unknown as { length: number };
  return { ...rest, size: length };
};

describe('stored cases', () => {
  test('are there', () => {
    expect(texts.length).toBeGreaterThanOrEqual(15);
  });

  test('replay when an operation kind is added', () => {
    const format = next({ ...OPERATION_FIELDS, vm_map_fork: { map: 'map', name: 'new-map' } }, []);
    expect(new Set(fates(format))).toEqual(new Set(['replays']));
  });

  test('replay when the kinds and their fields are in another order', () => {
    const reversed = Object.fromEntries(
      Object.entries(OPERATION_FIELDS)
        .reverse()
        .map(([kind, fields]) => [kind, Object.fromEntries(Object.entries(fields).reverse())]),
    ) as FieldTable;
    expect(new Set(fates(next(reversed, [])))).toEqual(new Set(['replays']));
  });

  test('replay when an argument is renamed with a migration', () => {
    expect(new Set(fates(next(RENAMED, [RENAME]), asSize))).toEqual(new Set(['replays']));
  });

  test('are refused where an argument is renamed without one, and only where they have it', () => {
    const concerned = texts.map(([, text]) => text.includes('"kind":"kmem_alloc",'));
    expect(fates(next(RENAMED, []), asSize)).toEqual(concerned.map((has) => (has ? 'refused' : 'replays')));
    expect(concerned).toContain(true);
  });

  test('replay when a kind is renamed, and when an argument comes with its default', () => {
    const { kmem_alloc: fields, ...others } = OPERATION_FIELDS;
    const table = { ...others, kmem_alloc_wired: { ...fields, zero: 'flag' } } as FieldTable;
    const format = next(table, [
      { edit: 'rename-kind', from: 'kmem_alloc', to: 'kmem_alloc_wired' },
      { edit: 'add-argument', kind: 'kmem_alloc_wired', field: 'zero', value: true },
    ]);
    const back = (operation: Operation): object => {
      const { zero, kind, ...rest } = operation as unknown as { zero?: boolean; kind: string };
      if (kind !== 'kmem_alloc_wired') return operation;
      expect(zero).toBe(true);
      return { kind: 'kmem_alloc', ...rest };
    };
    expect(new Set(fates(format, back))).toEqual(new Set(['replays']));
    const signature = texts
      .map(([, text]) => parseScenario('x', withoutHandles(text), format).signature?.operation)
      .filter((kind) => kind?.startsWith('kmem_alloc_wired') || kind === 'kmem_alloc');
    expect(new Set(signature)).toEqual(new Set(['kmem_alloc_wired']));
  });

  test('are stale where an operation means something else now', () => {
    const half = (operation: Operation): object =>
      operation.kind === 'kmem_alloc' ? { ...operation, size: 0 } : operation;
    const told = fates({ ...next(OPERATION_FIELDS, []) }, half);
    const concerned = texts.filter(([, text]) => /"kind":"kmem_alloc",.*"size":(?!0\b)/.test(text)).length;
    expect(told.filter((fate) => fate === 'stale')).toHaveLength(concerned);
    expect(told).not.toContain('silently other');
    expect(concerned).toBeGreaterThan(3);
  });
});

describe('version 1', () => {
  const [, text = ''] = texts.find(([name]) => name.startsWith('INV-PAGE-COUNTERS-kmem_free')) ?? [];
  const { scenario } = parseScenario('x', text);
  const failure = { property: 'INV-PAGE-COUNTERS', sentence: 's', side: 'candidate', number: 3 };
  const old = JSON.stringify({ version: 1, note: 'n', failure, ...scenario });

  test('is read, its failure as a signature that fits any field', () => {
    expect(parseScenario('x', old)).toEqual({
      scenario,
      note: 'n',
      signature: { property: 'INV-PAGE-COUNTERS', side: 'candidate', operation: 'kmem_free' },
      number: 3,
    });
  });

  test('is written as the present version', () => {
    expect(scenarioText(parseScenario('x', old))).toContain('"version": 2,');
    expect(parseScenario('x', scenarioText(parseScenario('x', old)))).toEqual(parseScenario('x', old));
  });

  test.each<[string, string, RegExp]>([
    [
      'a wrong failure',
      old.replace('"side":"candidate"', '"side":"both"'),
      /^x: failure\.side: must be one of/,
    ],
    ['no version', old.replace('"version":1,', ''), /^x: version: must be a whole number from 1 to 2$/],
    ['version 0', old.replace('"version":1', '"version":0'), /^x: version: must be a whole number from 1/],
    [
      'a later version',
      old.replace('"version":1', '"version":7'),
      /^x: version: must be at most 2, .* read "7"/,
    ],
  ])('%s is refused with its place', (_, source, says) => {
    expect(() => parseScenario('x', source)).toThrow(says);
  });
});
