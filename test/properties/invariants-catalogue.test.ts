import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { REALIZED } from '../../contract/rules.ts';
import { ALL_INVARIANTS, invariantById } from '../../properties/invariants/all.ts';
import { CATALOGUE, MODEL_AGREEMENT } from '../../properties/invariants/catalogue.ts';

const due = CATALOGUE.filter(
  ({ stage, judgedBy }) => REALIZED.includes(stage) && ['invariant', 'audit'].includes(judgedBy),
);
const others = CATALOGUE.filter((row) => !due.includes(row));

/** Text of the tests about each invariant, from its heading to the next. */
function testsById(): Map<string, string> {
  const folder = new URL('.', import.meta.url);
  const found = new Map<string, string>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.test.ts')))
    for (const block of readFileSync(new URL(file, folder), 'utf8').split(/^(?=describe|judging)/m)) {
      const id = /^(?:describe|judging)\('(INV-[A-Z-]+)'/.exec(block)?.[1];
      if (id !== undefined) found.set(id, (found.get(id) ?? '') + block);
    }
  return found;
}

describe('the catalogue', () => {
  test('names no claim twice', () => {
    const ids = CATALOGUE.map(({ id }) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    expect(ids).toHaveLength(119);
  });

  test.each(due)('has an invariant for $id', ({ id }) => {
    expect(invariantById(id)?.id).toBe(id);
  });

  test.each(others)('has no invariant for $id, which is judged elsewhere or later', ({ id }) => {
    expect(invariantById(id)).toBeUndefined();
  });

  test('lists every invariant but the audit’s own', () => {
    const listed = new Set(CATALOGUE.map(({ id }) => id));
    expect(ALL_INVARIANTS.map(({ id }) => id).filter((id) => !listed.has(id))).toEqual(['INV-AUDIT']);
  });

  test('leaves the agreement of the kernels to the runner', () => {
    expect(CATALOGUE.filter(({ judgedBy }) => judgedBy === 'runner').map(({ id }) => id)).toEqual([
      MODEL_AGREEMENT.id,
    ]);
  });
});

describe('every invariant', () => {
  test('has an ID of its own', () => {
    expect(new Set(ALL_INVARIANTS.map(({ id }) => id)).size).toBe(ALL_INVARIANTS.length);
  });

  test.each(ALL_INVARIANTS)('is one English sentence with a source: $id', ({ claim, source }) => {
    expect(claim).toMatch(/^[A-Za-z][^\n]*\.$/);
    expect(source).toMatch(/\S/);
  });

  const tests = testsById();
  test.each(ALL_INVARIANTS)('has been seen to accept and to reject: $id', ({ id }) => {
    const block = tests.get(id) ?? '';
    expect(block).toMatch(/\baccepts(\(|:)|byAudit\(/);
    expect(block).toMatch(/\brejects(\(|:)|byAudit\(/);
  });
});
