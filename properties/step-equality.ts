/** Agreement of two kernels on what one operation answered. */
import type { Outcome, Step } from '../contract/outcome.ts';
import { wordDifference } from './differences.ts';
import { sameNumbers } from './equality.ts';
import type { Difference } from './verdict.ts';
import { ABSENT, hex, kernName, listWord, outcomeWord } from './wording.ts';

/** `bsd`: exactly; `contract`: in meaning (SPEC §13), for kernels that do not show `structure`. */
export type Level = 'bsd' | 'contract';

/** What is needed to judge two steps. */
export interface StepComparison {
  readonly level: Level;
  /** Frames below this number have no meaning of their own at level `contract`. */
  readonly managedPages: number;
}

const NOBODY: readonly number[] = [];
const SILENCE: readonly string[] = [];

/**
 * True when two steps agree. Of a panic only its text and the lines printed before it count:
 * what else the operation had done by then is nobody's business (CONV-4).
 */
export function sameStep(expected: Step, actual: Step, comparison: StepComparison): boolean {
  if (!sameOutcome(expected.outcome, actual.outcome, comparison)) return false;
  if (!sameWords(expected.console ?? SILENCE, actual.console ?? SILENCE)) return false;
  if (expected.outcome.kind === 'panic') return true;
  return (
    expected.resumed === actual.resumed &&
    expected.daemonPoked === actual.daemonPoked &&
    sameNumbers(expected.woken ?? NOBODY, actual.woken ?? NOBODY)
  );
}

const sameWords = (expected: readonly string[], actual: readonly string[]): boolean =>
  expected.length === actual.length && expected.every((line, i) => line === actual[i]);

function sameOutcome(expected: Outcome, actual: Outcome, comparison: StepComparison): boolean {
  switch (expected.kind) {
    case 'done':
    case 'none':
      return actual.kind === expected.kind;
    case 'address':
      return actual.kind === 'address' && expected.address === actual.address;
    case 'kern':
      return actual.kind === 'kern' && expected.code === actual.code && expected.address === actual.address;
    case 'submap':
      return (
        actual.kind === 'submap' &&
        expected.map === actual.map &&
        expected.min === actual.min &&
        expected.max === actual.max
      );
    case 'entry':
      return (
        actual.kind === 'entry' &&
        expected.found === actual.found &&
        (comparison.level === 'contract' || expected.start === actual.start)
      );
    case 'flag':
      return actual.kind === 'flag' && expected.value === actual.value;
    case 'bytes':
      return actual.kind === 'bytes' && sameBytes(expected, actual.bytes, comparison.level);
    case 'trap':
      return actual.kind === 'trap' && expected.code === actual.code && expected.address === actual.address;
    case 'frame':
      return (
        actual.kind === 'frame' &&
        expected.offset === actual.offset &&
        sameFrame(expected.frame, actual.frame, comparison)
      );
    case 'sleep':
      return actual.kind === 'sleep' && expected.event === actual.event;
    case 'panic':
      return actual.kind === 'panic' && expected.text === actual.text;
    case 'rejected':
      return actual.kind === 'rejected' && expected.rule === actual.rule;
  }
}

/** At level `contract` managed frames are interchangeable; device frames are not. */
export function sameFrame(
  expected: number,
  actual: number,
  { level, managedPages }: StepComparison,
): boolean {
  if (level === 'contract' && expected < managedPages) return actual < managedPages;
  return expected === actual;
}

function sameBytes(
  expected: Extract<Outcome, { kind: 'bytes' }>,
  actual: readonly number[],
  level: Level,
): boolean {
  const { undefinedBytes = [], tableBytes = [] } = expected;
  const anything = level === 'bsd' ? tableBytes : [...undefinedBytes, ...tableBytes];
  if (anything.length === 0) return sameNumbers(expected.bytes, actual);
  const free = new Set(anything);
  return (
    expected.bytes.length === actual.length &&
    expected.bytes.every((byte, i) => free.has(i) || byte === actual[i])
  );
}

/** What differs between two steps that do not agree. */
export function* stepDifferences(
  expected: Step,
  actual: Step,
  comparison: StepComparison,
): Generator<Difference> {
  if (!sameOutcome(expected.outcome, actual.outcome, comparison))
    yield* outcomeDifferences(expected.outcome, actual.outcome, comparison);
  const lines = (step: Step) => listWord((step.console ?? SILENCE).map((line) => `"${line}"`));
  yield* wordDifference('console', lines(expected), lines(actual));
  if (expected.outcome.kind === 'panic') return;
  const woken = (step: Step) => listWord(step.woken ?? NOBODY);
  yield* wordDifference('woken', woken(expected), woken(actual));
  yield* wordDifference('resumed', `${expected.resumed ?? ABSENT}`, `${actual.resumed ?? ABSENT}`);
  yield* wordDifference('daemonPoked', `${expected.daemonPoked ?? false}`, `${actual.daemonPoked ?? false}`);
}

/** One field where only that differs, else the two outcomes. */
function* outcomeDifferences(
  expected: Outcome,
  actual: Outcome,
  comparison: StepComparison,
): Generator<Difference> {
  const fields = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  fields.delete('undefinedBytes');
  fields.delete('tableBytes');
  const wrong = [...fields].filter((field) => {
    const mixed: Outcome = { ...expected, ...pick(actual, field) };
    return !sameOutcome(expected, mixed, comparison);
  });
  const [field] = wrong;
  if (expected.kind !== actual.kind || wrong.length !== 1 || field === undefined)
    yield { path: 'outcome', expected: outcomeWord(expected), actual: outcomeWord(actual) };
  else
    yield {
      path: `outcome.${field}`,
      expected: fieldWord(expected, field),
      actual: fieldWord(actual, field),
    };
}

const pick = (outcome: Outcome, field: string): object =>
  Object.fromEntries(Object.entries(outcome).filter(([name]) => name === field));

const ADDRESSES: readonly string[] = ['address', 'min', 'max', 'start'];

function fieldWord(outcome: Outcome, field: string): string {
  const value: unknown = Object.entries(outcome).find(([name]) => name === field)?.[1];
  if (value === undefined) return ABSENT;
  if (typeof value === 'number' && field === 'code') return kernName(value);
  if (typeof value === 'number' && ADDRESSES.includes(field)) return hex(value);
  return Array.isArray(value) ? listWord(value) : String(value);
}
