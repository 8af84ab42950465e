/** Shorter scenarios in which one operation stands for two: what single simplifications cannot reach. */
import type { Operation } from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';

/** Scenarios shorter than this are searched whole, longer ones have too many pairs. */
const SHORTEST = 4;
const LONGEST = 7;
const LONGEST_RESTATED = 10;

/** The operations without some of them, resumes renumbered; null where one of those is resumed. */
function without(operations: readonly Operation[], dropped: ReadonlySet<number>): Operation[] | null {
  const numbers = new Map<number, number>();
  const kept: Operation[] = [];
  for (const [i, operation] of operations.entries()) {
    if (dropped.has(i)) continue;
    numbers.set(i + 1, kept.length + 1);
    if (operation.kind !== 'resume') kept.push(operation);
    else {
      const number = numbers.get(operation.operation);
      if (number === undefined) return null;
      kept.push({ kind: 'resume', operation: number });
    }
  }
  return kept;
}

/** The operations with one more; resumes of what comes behind it name the next number. */
const withOneMore = (operations: readonly Operation[], at: number, one: Operation): Operation[] =>
  [...operations.slice(0, at), one, ...operations.slice(at)].map((operation, i) =>
    operation.kind === 'resume' && i > at && operation.operation > at
      ? { kind: 'resume', operation: operation.operation + 1 }
      : operation,
  );

/** Scenarios with one operation in the place of one other, the last one first. */
export function* restatements(
  { machine, operations }: Scenario,
  choicesAfter: (way: readonly Operation[]) => readonly Operation[],
): Generator<Scenario> {
  if (operations.length < SHORTEST || operations.length > LONGEST_RESTATED) return;
  for (let at = operations.length - 1; at >= 0; at -= 1) {
    const rest = without(operations, new Set([at]));
    if (rest === null) continue;
    for (const one of choicesAfter(rest.slice(0, at)))
      yield { machine, operations: withOneMore(rest, at, one) };
  }
}

/**
 * All ways to put one operation in the place of two; `choicesAfter` says what there is to try behind some operations.
 * The operation that shows the failure is replaced last.
 */
export function* replacements(
  { machine, operations }: Scenario,
  choicesAfter: (way: readonly Operation[]) => readonly Operation[],
): Generator<Scenario> {
  const { length } = operations;
  if (length < SHORTEST || length > LONGEST) return;
  for (let first = length - 2; first >= 0; first -= 1)
    for (let second = length - 1; second > first; second -= 1) {
      const rest = without(operations, new Set([first, second]));
      if (rest === null) continue;
      const showing = second === length - 1;
      for (let at = showing ? rest.length : 0; at < rest.length + (showing ? 1 : 0); at += 1)
        for (const one of choicesAfter(rest.slice(0, at)))
          yield { machine, operations: withOneMore(rest, at, one) };
    }
}
