/** Tells two plain values apart, field by field (TRACES §6). */
import { atContractLevel } from './contract-level.ts';
import type { ObservedState } from './observed-state.ts';
import type { TraceRecord } from './trace-file.ts';

/** One place where two values differ; undefined stands for absent. */
export interface Difference {
  /** Such as `state.maps.kernel.entries[3].wired`. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** `bsd`: exact structure and order. `contract`: meaning only (SPEC §13). */
export type Level = 'bsd' | 'contract';

/** What one kernel answered for one record, in the words of the trace format. */
export type Answer = Pick<TraceRecord, 'result' | 'woken' | 'resumed' | 'console'>;

/** Differences between the recorded answer and a kernel's; `skipResult` leaves the result itself out (scope result). */
export function answerDifferences(
  expected: Answer,
  actual: Answer,
  { skipResult }: { readonly skipResult: boolean },
): Difference[] {
  const found: Difference[] = [];
  if (!skipResult) compareValues(expected.result, actual.result, 'result', found);
  compareValues(expected.woken ?? [], actual.woken ?? [], 'woken', found);
  compareValues(expected.resumed, actual.resumed, 'resumed', found);
  compareValues(expected.console ?? [], actual.console ?? [], 'console', found);
  return found;
}

/** Differences between a recorded state and a kernel's. */
export function stateDifferences(expected: ObservedState, actual: ObservedState, level: Level): Difference[] {
  const found: Difference[] = [];
  if (level === 'bsd') compareValues(expected, actual, 'state', found);
  else compareValues(atContractLevel(expected), atContractLevel(actual), 'state', found);
  return found;
}

/** Equality alone: nearly every comparison finds no difference, and building paths would dominate it. */
function same(expected: unknown, actual: unknown): boolean {
  if (Object.is(expected, actual)) return true;
  if (Array.isArray(expected) && Array.isArray(actual))
    return expected.length === actual.length && expected.every((item, index) => same(item, actual[index]));
  if (!isRecord(expected) || !isRecord(actual)) return false;
  const keys = Object.keys(expected);
  return (
    keys.length === Object.keys(actual).length &&
    keys.every((key) => Object.hasOwn(actual, key) && same(expected[key], actual[key]))
  );
}

/** Appends every difference between two plain values. Lists of numbers or names differ as wholes. */
function compareValues(expected: unknown, actual: unknown, path: string, found: Difference[]): void {
  if (same(expected, actual)) return;
  if (Array.isArray(expected) && Array.isArray(actual)) compareLists(expected, actual, path, found);
  else if (isRecord(expected) && isRecord(actual)) compareRecords(expected, actual, path, found);
  else found.push({ path, expected, actual });
}

function compareLists(
  expected: readonly unknown[],
  actual: readonly unknown[],
  path: string,
  found: Difference[],
): void {
  if ([...expected, ...actual].every((item) => typeof item !== 'object')) {
    found.push({ path, expected, actual });
    return;
  }
  const length = Math.max(expected.length, actual.length);
  for (let index = 0; index < length; index++)
    compareValues(expected[index], actual[index], `${path}[${index}]`, found);
}

type PlainRecord = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is PlainRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function compareRecords(expected: PlainRecord, actual: PlainRecord, path: string, found: Difference[]): void {
  for (const key of Object.keys(expected))
    compareValues(
      expected[key],
      Object.hasOwn(actual, key) ? actual[key] : undefined,
      `${path}.${key}`,
      found,
    );
  for (const key of Object.keys(actual))
    if (!Object.hasOwn(expected, key) && actual[key] !== undefined)
      found.push({ path: `${path}.${key}`, expected: undefined, actual: actual[key] });
}
