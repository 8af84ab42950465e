/** What `check --json` prints. */
import { type CheckOptions, DEFAULT_WORKLOAD } from './check-options.ts';
import type { CheckResult } from './check-result.ts';
import type { ExitStatus } from './exit-status.ts';

/** The whole result as one document: fixed key order, nothing that differs from run to run. */
export function checkDocument(
  answer: CheckResult,
  options: CheckOptions,
  gate: readonly string[],
  status: ExitStatus,
): object {
  const { kernel, scenarios, emptyScenarios, operations, kinds, goals, shares, rules, failure } = answer;
  return {
    version: 1,
    verb: 'check',
    kernel,
    seed: options.seed,
    workload: options.workload ?? DEFAULT_WORKLOAD,
    scenarios,
    emptyScenarios,
    operations,
    passed: failure === null ? scenarios : Math.max(0, scenarios - 1),
    failed: failure === null ? 0 : 1,
    interrupted: answer.interrupted,
    exit: status,
    gate,
    kinds,
    goals: goals.map(({ id, count }) => ({ id, count })),
    shares,
    rules: Object.fromEntries(rules),
    failure:
      failure === null
        ? null
        : {
            ...failure.report.failure,
            foundLength: failure.foundLength,
            scenario: failure.report.scenario,
            expected: failure.report.expected,
            actual: failure.report.actual,
            stored: failure.path,
          },
  };
}
