/** The line of an event stream that tells of one scenario. */
import type { Outcome } from '../contract/outcome.ts';
import type { Scenario } from '../contract/scenario.ts';
import { workloadOf } from '../properties/scenarios.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import type { ScenarioEvent } from './events-schema.ts';

/** What is beside the report. */
interface EventContext {
  readonly kernel: string;
  /** When it began, as `performance.now` counts; null where times are not wanted. */
  readonly began: number | null;
}

/** Kinds that a representation names before it breaks off. */
const MOST_KINDS = 6;
const MILLISECONDS = 1000;

/** The first few operations by kind, repetitions counted. */
function representation({ operations }: Scenario): string {
  const runs: { kind: string; count: number }[] = [];
  for (const { kind } of operations) {
    const last = runs.at(-1);
    if (last?.kind === kind) last.count += 1;
    else if (runs.push({ kind, count: 1 }) > MOST_KINDS) break;
  }
  const words = runs
    .slice(0, MOST_KINDS)
    .map(({ kind, count }) => (count === 1 ? kind : `${kind} ×${count}`));
  return [...words, ...(runs.length > MOST_KINDS ? ['…'] : [])].join(', ');
}

const isRefusal = ({ kind }: Outcome): boolean => kind === 'none' || kind === 'trap' || kind === 'rejected';

/** The line; `index` counts from 0. */
export function eventOf(
  { scenario, failure, expected }: LockstepReport,
  index: number,
  { kernel, began }: EventContext,
): ScenarioEvent {
  const outcomes = expected.map(({ outcome }) => outcome);
  const count = (is: (outcome: Outcome) => boolean): number => outcomes.filter(is).length;
  const now = performance.now();
  return {
    event: 'scenario',
    type: 'test_case',
    number: index + 1,
    run_start: began === null ? 0 : (performance.timeOrigin + began) / MILLISECONDS,
    property: `check ${kernel}`,
    status: failure === null ? (expected.length === 0 ? 'gave_up' : 'passed') : 'failed',
    status_reason: failure === null ? '' : `${failure.property} after operation ${failure.number}`,
    representation: representation(scenario),
    how_generated: 'generated',
    features: {
      workload: workloadOf(scenario) ?? null,
      operations: scenario.operations.length,
      executed: expected.length,
      frames: scenario.machine.managedPages,
      refused: count((outcome) => isRefusal(outcome) || (outcome.kind === 'kern' && outcome.code !== 0)),
      slept: count(({ kind }) => kind === 'sleep'),
      panicked: count(({ kind }) => kind === 'panic') > 0,
    },
    timing: began === null ? {} : { execute: (now - began) / MILLISECONDS },
  };
}
