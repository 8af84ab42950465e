/** How `replay` and `explain` end: the status of one stored scenario, and the lines below what they tell of it. */
import type { LockstepReport } from '../properties/verdict.ts';
import { EXIT, type ExitStatus, strongest, tallyLine } from './exit-status.ts';
import type { Output } from './output.ts';
import type { StoredScenario } from './scenario-file.ts';
import { otherKernelLine } from './scenario-kernel.ts';
import { outcomesRemedy, staleness } from './scenario-outcomes.ts';
import { brokenKernelLine, strayLine } from './verdict-lines.ts';

/** What a run of the scenario showed. */
export interface ScenarioRun {
  readonly report: LockstepReport;
  /** How another run of it ended otherwise; null where it did not. */
  readonly flaky: string | null;
  /** What an outside kernel threw outside of any call, or null. */
  readonly stray: string | null;
}

/** What follows from it. */
export interface ScenarioVerdict {
  readonly status: ExitStatus;
  /** In what way the file no longer means what it meant when it was stored, or null. */
  readonly stale: string | null;
  /** Last lines of the text on stdout. */
  readonly closing: readonly string[];
  /** Prints on stderr what is wrong with the kernel itself, and which other one failed where this one held. */
  tellKernels(out: Output): void;
}

/** Judges a run of the scenario stored in `file`; `kernel` is the outside kernel, or null for the optimized one. */
export function scenarioVerdict(
  file: string,
  stored: StoredScenario,
  { report, flaky, stray }: ScenarioRun,
  kernel: string | null,
): ScenarioVerdict {
  const broken = brokenKernelLine(report, kernel);
  const { scenario, outcomes } = stored;
  const stale = staleness(scenario, outcomes);
  const other = report.failure === null ? otherKernelLine(stored, kernel) : null;
  const status = strongest([
    ...(broken !== null || stray !== null ? [EXIT.kernel] : []),
    ...(report.failure !== null && flaky === null ? [EXIT.failed] : []),
    ...(flaky === null ? [] : [EXIT.flaky]),
    ...(stale === null ? [] : [EXIT.stale]),
  ]);
  return {
    status,
    stale,
    closing: [
      ...(flaky === null ? [] : [`flaky: ${flaky}`]),
      ...(stale === null ? [] : [`stale: ${file}: ${stale}; ${outcomesRemedy(file)}`]),
      status === EXIT.passed ? tallyLine(1, 0, 0) : tallyLine(0, 1, 0),
    ],
    tellKernels(out: Output): void {
      if (other !== null) out.note(other);
      if (broken !== null) out.note(`error: ${broken}`);
      if (stray !== null) out.note(strayLine(kernel, stray));
    },
  };
}
