/** What `check --json` prints. */
import { type CheckOptions, DEFAULT_WORKLOAD } from './check-options.ts';
import type { CheckResult } from './check-result.ts';
import { type CorpusOutcome, corpusCounts, corpusDocument } from './corpus-check.ts';
import type { ExitStatus } from './exit-status.ts';

/** What the document needs beside the campaign. */
export interface DocumentContext {
  readonly gate: readonly string[];
  readonly status: ExitStatus;
  readonly corpus: CorpusOutcome;
}

/** The whole result as one document: fixed key order, nothing that differs from run to run. */
export function checkDocument(
  answer: CheckResult,
  options: CheckOptions,
  { gate, status, corpus }: DocumentContext,
): object {
  const stored = corpusCounts(corpus);
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
    passed: stored.passed + (failure === null ? scenarios : Math.max(0, scenarios - 1)),
    failed: stored.failed + (failure === null ? 0 : 1),
    skipped: stored.skipped,
    interrupted: answer.interrupted,
    exit: status,
    gate,
    corpus: corpusDocument(corpus),
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
            flaky: failure.flaky,
            shrinking: failure.tale,
          },
  };
}
