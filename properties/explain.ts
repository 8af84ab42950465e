/** Explains what a scenario does to a kernel: where it goes wrong, and what of it matters for that. */
import type { KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { RuleId } from '../contract/rules.ts';
import type { Scenario } from '../contract/scenario.ts';
import { type ArgumentFreedom, argumentsOf } from './explain-arguments.ts';
import { type Need, needsOf } from './explain-needs.ts';
import { type StatesAround, statesAround, stepRules } from './explain-states.ts';
import { ALL_INVARIANTS } from './invariants/all.ts';
import { judgeScenario } from './lockstep.ts';
import { traceScenario } from './scenarios-trace.ts';
import { cutToFailure, type Judge } from './shrinker.ts';
import { likenessTo } from './symptoms.ts';
import type { LockstepReport } from './verdict.ts';

/** What to explain. */
export interface ExplainOptions {
  readonly reference: KernelModule<ReferenceKernel>;
  readonly candidate: KernelModule;
  readonly scenario: Scenario;
  /** Asked before each scenario; true leaves out what is still to come. */
  readonly shouldStop?: () => boolean;
  /** Before each scenario that is run. */
  readonly onTry?: () => void;
}

/** What is known of a scenario. */
export interface Explanation {
  /** The scenario up to its failure, everything looked at after every step. */
  readonly report: LockstepReport;
  /** Operations behind the failure, which have no part in it. */
  readonly behind: number;
  /** The rules that the reference applied in each step; `[0]` at boot. */
  readonly rules: readonly (readonly RuleId[])[];
  /** Null where nothing fails. */
  readonly states: StatesAround | null;
  /** One for each operation; empty where nothing fails, or where there are too many. */
  readonly needs: readonly Need[];
  readonly freedoms: readonly ArgumentFreedom[];
  /** Why needs or freedoms are missing, or null. */
  readonly leftOut: string | null;
  /** Scenarios that were run to find out. */
  readonly executions: number;
}

/** Scenarios up to this length are taken apart operation by operation, and argument by argument. */
const MOST_NEEDS = 200;
const MOST_ARGUMENTS = 20;

/** Runs a scenario and, where it fails, as many others as it takes to tell what matters. */
export function explainScenario(options: ExplainOptions): Explanation {
  const { reference, candidate, scenario, shouldStop = () => false, onTry } = options;
  let executions = 0;
  const judge: Judge = (tried) => {
    executions += 1;
    onTry?.();
    return judgeScenario(tried, {
      ...{ reference, candidate, compare: true, invariants: ALL_INVARIANTS },
      fullEvery: 1,
    });
  };
  const whole = judge(scenario);
  const report = cutToFailure(whole);
  const rules = stepRules(report, { reference, candidate });
  const about = { report, behind: scenario.operations.length - report.scenario.operations.length, rules };
  if (report.failure === null)
    return { ...about, behind: 0, states: null, needs: [], freedoms: [], leftOut: null, executions };
  const states = statesAround(report, { reference, candidate });
  const { length } = report.scenario.operations;
  const trial = {
    ...{ judge, reference, shouldStop, isAlike: likenessTo(report, 'symptom') },
    trace: traceScenario(report.scenario, reference),
    report,
  };
  const needs = length > MOST_NEEDS ? [] : needsOf(trial);
  const freedoms = length > MOST_ARGUMENTS ? [] : argumentsOf(trial);
  return { ...about, states, needs, freedoms, leftOut: leftOut(length, shouldStop()), executions };
}

function leftOut(length: number, stopped: boolean): string | null {
  if (stopped) return 'interrupted: what comes last is not complete';
  if (length > MOST_NEEDS) return `it has more than ${MOST_NEEDS} operations; shrink it first`;
  if (length > MOST_ARGUMENTS)
    return `it has more than ${MOST_ARGUMENTS} operations, so arguments were not varied; shrink it first`;
  return null;
}
