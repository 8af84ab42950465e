import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { REALIZED, RULE_IDS, RULES, type RuleId } from '../../contract/rules.ts';
import { RULES_STATED_ELSEWHERE } from '../../model/rules-stated-elsewhere.ts';

const MODEL = new URL('../../model/', import.meta.url);
const TESTS = new URL('./', import.meta.url);

function sources(folder: URL): string {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts') && name !== 'rules.test.ts');
  return files.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n');
}

const citations = (text: string): string[] =>
  [...text.matchAll(/cite\(state, '([^']+)'/g)].map(([, id = '']) => id);

/** Rules of the stages that the model realizes. */
const RULES_DUE = RULE_IDS.filter((id) => REALIZED.includes(RULES[id].stage));

/** What is wrong with the citations of a text, given the rules that are excused. */
function faults(text: string, elsewhere: readonly string[]): string[] {
  const cited = citations(text);
  return RULE_IDS.flatMap((id) => {
    const times = cited.filter((other) => other === id).length;
    const wanted = RULES_DUE.includes(id) && !elsewhere.includes(id) ? 1 : 0;
    return times === wanted ? [] : [`${id}: cited ${times} times, expected ${wanted}`];
  });
}

test('every realized rule is cited exactly once in the model, or listed as stated elsewhere', () => {
  expect(faults(sources(MODEL), Object.keys(RULES_STATED_ELSEWHERE))).toEqual([]);
});

test('a rule that is cited twice, or not at all, is a fault', () => {
  const text = RULES_DUE.map((id) => `cite(state, '${id}')`).join('\n');
  expect(faults(text, [])).toEqual([]);
  expect(faults(`${text} cite(state, 'OBJ-1')`, [])).toEqual(['OBJ-1: cited 2 times, expected 1']);
  expect(faults(text.replace("cite(state, 'OBJ-1')", ''), [])).toEqual(['OBJ-1: cited 0 times, expected 1']);
  expect(faults(text, ['OBJ-1'])).toEqual(['OBJ-1: cited 1 times, expected 0']);
});

test('only rules that exist are cited or excused', () => {
  const known: readonly string[] = RULE_IDS;
  const named = [...citations(sources(MODEL)), ...Object.keys(RULES_STATED_ELSEWHERE)];
  expect(named.filter((id) => !known.includes(id))).toEqual([]);
});

test('every rule has one sentence of at most 140 characters', () => {
  const odd = RULE_IDS.filter((id) => !/^[A-Z][^\n]{10,138}\.$/.test(RULES[id].sentence));
  expect(odd).toEqual([]);
});

test('every realized rule is named in a test of the model', () => {
  const text = sources(TESTS);
  const named = (id: RuleId) => new RegExp(`\\b${id}\\b(?!-)`).test(text);
  expect(RULES_DUE.filter((id) => !named(id))).toEqual([]);
});
