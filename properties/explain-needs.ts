/** Which operations of a failing scenario it takes to fail, and what becomes of it without each of them. */
import type { KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { Operation } from '../contract/operation.ts';
import type { Step } from '../contract/outcome.ts';
import { rebuild } from './scenarios-rebuild.ts';
import type { Item, Trace } from './scenarios-trace.ts';
import type { Judge } from './shrinker.ts';
import type { Likeness } from './symptoms.ts';
import type { LockstepReport } from './verdict.ts';

/** A failing scenario and the means to try others like it. */
export interface Trial {
  readonly report: LockstepReport;
  readonly trace: Trace;
  readonly reference: KernelModule<ReferenceKernel>;
  readonly judge: Judge;
  /** Whether another run fails as this one does. */
  readonly isAlike: Likeness;
  readonly shouldStop: () => boolean;
}

/**
 * What becomes of the scenario without one operation. `same`: it fails as before, so the operation is not needed.
 * `holds`: it fails no more. `other`: it fails otherwise. `empty`: nothing is left of it.
 */
export type Without = 'same' | 'holds' | 'other' | 'empty';

/** One operation and what it is for. */
export interface Need {
  /** Its number, from 1. */
  readonly number: number;
  readonly without: Without;
  /** Property and number of the operation, in the numbers of the whole scenario, of another failure; else null. */
  readonly other: { readonly property: string; readonly number: number } | null;
  /** Numbers of operations that lose what they name, and go with it. */
  readonly taken: readonly number[];
  /** The first later operation that the reference answers otherwise, with both answers; null where there is none. */
  readonly changed: { readonly number: number; readonly before: Step; readonly now: Step } | null;
}

/** The numbers that the operations of a rebuilt scenario had: they kept their order and their kinds. */
function numbersOf(items: readonly Item[], operations: readonly Operation[]): number[] {
  const numbers: number[] = [];
  let at = 0;
  for (const { kind } of operations) {
    while (at < items.length && items[at]?.operation.kind !== kind) at += 1;
    numbers.push(at++);
  }
  return numbers;
}

/** Tries the scenario without each of its operations, with addresses moved along. */
export function needsOf(trial: Trial): Need[] {
  const { trace, shouldStop } = trial;
  const needs: Need[] = [];
  for (let number = 1; number <= trace.items.length && !shouldStop(); number++)
    needs.push(needOf(trial, number));
  return needs;
}

function needOf({ report, trace, reference, judge, isAlike }: Trial, number: number): Need {
  const kept = trace.items.flatMap((item, i) => (i + 1 === number ? [] : [{ item, i }]));
  const edited = kept.map(({ item }) => ({ item, operation: item.operation }));
  const scenario = rebuild(trace, edited, { reference, machine: trace.machine, relocate: true });
  if (scenario === undefined) return { number, without: 'empty', other: null, taken: [], changed: null };
  const tried = judge(scenario);
  const { failure } = tried;
  const old = numbersOf(
    kept.map(({ item }) => item),
    scenario.operations,
  ).map((at) => (kept[at]?.i ?? 0) + 1);
  const left = new Set(old);
  // Behind a machine that stops nothing was rebuilt, and nothing lost either.
  const last = old.at(-1) ?? 0;
  const taken = kept.map(({ i }) => i + 1).filter((each) => each < last && !left.has(each));
  const without = failure === null ? 'holds' : isAlike(tried) ? 'same' : 'other';
  return {
    number,
    without,
    other:
      without === 'other' && failure !== null
        ? { property: failure.property, number: old[failure.number - 1] ?? 0 }
        : null,
    taken,
    changed: without === 'same' ? null : firstChange(report, tried, old),
  };
}

/** Where the reference first answers otherwise than in the whole scenario; addresses may have moved along. */
function firstChange(
  { expected }: LockstepReport,
  { expected: now }: LockstepReport,
  old: readonly number[],
): Need['changed'] {
  for (const [i, step] of now.entries()) {
    const number = old[i] ?? 0;
    const before = expected[number - 1];
    if (before !== undefined && answerOf(before) !== answerOf(step)) return { number, before, now: step };
  }
  return null;
}

/** An answer without its addresses. */
const answerOf = ({ outcome }: Step): string =>
  JSON.stringify(outcome, (name, value: unknown) =>
    name === 'address' || name === 'min' || name === 'max' || name === 'start' ? 'address' : value,
  );
