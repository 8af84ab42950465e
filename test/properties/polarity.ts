/** Tests an invariant in both directions: states it must accept, and states it must reject with a fitting witness. */
import { describe, expect, test } from 'vitest';
import type { Operation } from '../../contract/operation.ts';
import type { Outcome } from '../../contract/outcome.ts';
import type { View } from '../../properties/view.ts';
import { type StateSpec, type ViewSpec, viewOf } from './fixture-view.ts';
import { judged } from './judge.ts';

/** A run of views, told to the invariant in order; the last one is judged. */
export type Run = View | readonly View[];

/** A run that must be rejected, and what the witnesses must say. */
export type Rejection = readonly [run: Run, witness: RegExp];

/** Registers one test for each case; the keys complete the sentence "accepts …" or "rejects …". */
export function judging(
  id: string,
  cases: {
    readonly accepts: { readonly [state: string]: Run };
    readonly rejects: { readonly [state: string]: Rejection };
  },
): void {
  const [accepted, rejected] = [Object.entries(cases.accepts), Object.entries(cases.rejects)];
  if (accepted.length === 0 || rejected.length === 0)
    throw new Error(`${id} is judged in one direction only`);
  describe(id, () => {
    test.each(accepted)('accepts %s', (_, run) => {
      expect(judge(id, run)).toEqual([]);
    });
    test.each(rejected)('rejects %s', (_, [run, witness]) => {
      expect(judge(id, run).join('\n')).toMatch(witness);
    });
  });
}

const judge = (id: string, run: Run): string[] => judged(id, ...('maps' in run ? [run] : run));

/** The view after an operation that led from one state to another; `rest` for anything else a view can tell. */
export const after = (
  operation: Operation,
  outcome: Outcome,
  before: StateSpec,
  now: StateSpec = before,
  rest: ViewSpec = {},
): View => viewOf({ operation, outcome, before, ...now, ...rest });
