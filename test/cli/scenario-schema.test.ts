/** The shipped schema is that of the reader. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SCHEMA_FILE, schemaText } from '../../cli/scenario-json-schema.ts';
import { OPERATION_KINDS } from '../../contract/operation.ts';
import { root } from './command.ts';

test('schema/scenario.schema.json is what npm run docs writes', () => {
  expect(readFileSync(join(root, SCHEMA_FILE), 'utf8')).toBe(schemaText());
});

test('it has every operation with its arguments, and nothing that says less than the reader', () => {
  const schema = JSON.parse(schemaText()) as {
    properties: { operations: { items: { anyOf: { properties: { kind: { const: string } } }[] } } };
  };
  const kinds = schema.properties.operations.items.anyOf.map(({ properties }) => properties.kind.const);
  expect(kinds).toEqual(OPERATION_KINDS);
  // An empty schema accepts anything: a custom check that nobody described.
  expect(schemaText()).not.toMatch(/: \{\}/);
});
