/** Runs a scenario again to see whether the kernel gives the same verdict: one that does not is flaky. */
import type { Step } from '../contract/outcome.ts';
import { signatureOf } from '../properties/signature.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { clipped } from '../report/tables.ts';
import { step as stepText } from '../report/values.ts';

/** Runs that have to agree. */
export const RUNS_TO_CONFIRM = 3;
const LONGEST_ANSWER = 60;

/** A verdict in a few words; equal words are equal verdicts. */
function verdictWord(report: LockstepReport): string {
  const signature = signatureOf(report);
  if (signature === null) return 'held';
  const field = signature.field === null ? '' : ` (${signature.field})`;
  return `${signature.property}${field} after operation ${report.failure?.number}`;
}

/** How often each verdict came, in the order in which they came first. */
function verdictCounts(reports: readonly LockstepReport[]): string[] {
  const counts = new Map<string, number>();
  for (const report of reports) {
    const word = verdictWord(report);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => `${word} (${count} of ${reports.length})`);
}

const answer = (step: Step | undefined): string =>
  step === undefined ? 'nothing' : clipped(stepText(step), LONGEST_ANSWER);

/** Where the kernel first answered otherwise than in the first run; null where all answers are the same. */
function firstChange([first, ...others]: readonly LockstepReport[]): string | null {
  if (first === undefined) return null;
  const changes = others.flatMap(({ actual }) => {
    const most = Math.min(first.actual.length, actual.length);
    const at = first.actual.slice(0, most).findIndex((step, i) => answer(step) !== answer(actual[i]));
    return at < 0 ? [] : [{ at, now: actual[at] }];
  });
  const [earliest] = changes.sort((one, other) => one.at - other.at);
  if (earliest === undefined) return null;
  const kind = first.scenario.operations[earliest.at]?.kind;
  return `operation ${earliest.at + 1} (${kind}) answered ${answer(first.actual[earliest.at])} and ${answer(earliest.now)}`;
}

/**
 * Why the kernel is flaky, in one line; null where all verdicts are the same. Where every answer was the same too, the
 * step is the earliest at which a verdict fell.
 */
export function flakiness(reports: readonly LockstepReport[]): string | null {
  const verdicts = verdictCounts(reports);
  if (verdicts.length < 2) return null;
  const numbers = reports.flatMap(({ failure }) => (failure === null ? [] : [failure.number]));
  const change = firstChange(reports) ?? `the runs part at operation ${Math.min(...numbers)}`;
  return `${reports.length} runs of the same scenario gave ${verdicts.join(', ')}; ${change}`;
}

/** The first report and those of more runs, as flakiness() takes them. */
export const confirmed = (first: LockstepReport, run: () => LockstepReport): LockstepReport[] => [
  first,
  ...Array.from({ length: RUNS_TO_CONFIRM - 1 }, run),
];
