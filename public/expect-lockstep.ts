/** The whole of `vmlockstep check` as one assertion, for a test suite of one's own. */

import { shellWord } from '../cli/command-text.ts';
import { type CorpusCase, DEFAULT_CORPUS, readCorpus } from '../cli/corpus-files.ts';
import { flakyFailure, judgeCase } from '../cli/corpus-job.ts';
import { FailureShelf } from '../cli/failure-shelf.ts';
import { staleness } from '../cli/scenario-outcomes.ts';
import { brokenKernelLine, plainFault, replayCommand } from '../cli/verdict-lines.ts';
import { InputError } from '../contract/input-error.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { runCampaign } from '../properties/campaign.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import type { WorkloadName } from '../properties/workloads.ts';
import { type FailureContext, failureLines } from '../report/failure.ts';
import { lengthWords } from '../report/shrinking.ts';
import {
  candidateOf,
  type ExpectLockstepOptions,
  type ExpectSettings,
  type MakeKernel,
  settingsOf,
} from './expect-options.ts';
import { LockstepFailure } from './lockstep-failure.ts';

/** What `expectLockstep` did where nothing failed. */
export interface LockstepSummary {
  /** Name that the kernel declares. */
  readonly kernel: string;
  readonly seed: number;
  /** Scenarios that ran: the given or stored ones and the generated ones. */
  readonly scenarios: number;
  /** Operations of the generated scenarios. */
  readonly operations: number;
  /** Stored cases that the kernel cannot run, since it does not declare all of their operations. */
  readonly skipped: number;
  /** True where the time limit came before the last scenario. */
  readonly interrupted: boolean;
}

/** What all parts of one call know. */
interface Call {
  readonly candidate: KernelModule;
  readonly settings: ExpectSettings;
}

/**
 * Runs a kernel in lockstep with the reference model: the stored cases of `corpus/` first, then generated scenarios,
 * all invariants on. Returns what it did, or throws a LockstepFailure whose message is the report of `vmlockstep check`:
 * the shortest failing program found, expected beside actual, where it is stored and the command that replays it.
 *
 * It returns when it is done; nothing watches over a kernel that never answers, as `check --kernel` does.
 *
 * @throws InputError, one line, where the kernel or an option cannot be used.
 *
 * @example
 * ```ts
 * import { expect, test } from 'vitest';
 * import { expectLockstep } from 'vmlockstep';
 * import kernel from '../src/kernel.ts';
 *
 * test('my kernel does what the model does', () => {
 *   expect(expectLockstep(kernel, { runs: 200 }).scenarios).toBeGreaterThanOrEqual(200);
 * }, 60_000);
 * ```
 */
export function expectLockstep(makeKernel: MakeKernel, options: ExpectLockstepOptions = {}): LockstepSummary {
  const settings = settingsOf(options);
  const call: Call = { settings, candidate: candidateOf(makeKernel, settings) };
  const stored = settings.scenarios === null ? storedCases(call) : givenScenarios(call);
  const generated = settings.scenarios === null && settings.runs > 0 ? campaigns(call) : [];
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    kernel: call.candidate.declares.name,
    seed: settings.seed,
    scenarios: stored.ran + sum(generated.map(({ runs }) => runs)),
    operations: sum(generated.map(({ operations }) => operations)),
    skipped: stored.skipped,
    interrupted: generated.some(({ interrupted }) => interrupted),
  };
}

/** The cases of the corpus; one that fails, or no longer says anything, ends the call. */
function storedCases({ candidate, settings }: Call): { ran: number; skipped: number } {
  const { corpus, invariants } = settings;
  if (corpus === null) return { ran: 0, skipped: 0 };
  const cases = readCorpus({ path: corpus ?? DEFAULT_CORPUS, given: corpus !== undefined });
  let skipped = 0;
  for (const { file, stored } of cases) {
    const result = judgeCase({ file, scenario: stored.scenario }, candidate, 1, invariants);
    if (result.status === 'skipped') skipped += 1;
    else if (result.report !== null && result.status !== 'passed')
      throw failureOf(result.report, { candidate, settings }, { ...storedContext(file), flaky: result.why });
    else refuseStale({ file, stored });
  }
  return { ran: cases.length - skipped, skipped };
}

const storedContext = (file: string) => ({ origin: `stored case ${file}`, again: null, path: file, why: '' });

function refuseStale({ file, stored }: CorpusCase): void {
  const stale = staleness(stored.scenario, stored.outcomes);
  if (stale !== null) throw new InputError(`stale: ${file}: ${stale}; see docs/scenario-files.md`);
}

/** The scenarios of the options, and nothing else. */
function givenScenarios({ candidate, settings }: Call): { ran: number; skipped: number } {
  const { scenarios, invariants } = settings;
  for (const [i, scenario] of (scenarios ?? []).entries()) {
    const place = `scenarios[${i}]`;
    const { status, report, why } = judgeCase({ file: place, scenario }, candidate, 1, invariants);
    if (status === 'skipped') throw new InputError(`expectLockstep: options.${place}: ${why}; leave it out`);
    if (report === null || status === 'passed') continue;
    const kept = keep({ candidate, settings }, null)?.shrunk(report);
    throw failureOf(
      report,
      { candidate, settings },
      {
        origin: `${place} of the test`,
        again: null,
        path: kept?.path ?? null,
        why: kept?.storeFault ?? 'out is null',
        flaky: why,
      },
    );
  }
  return { ran: scenarios?.length ?? 0, skipped: 0 };
}

/** One campaign for each workload; the first that fails ends the call. */
const campaigns = (call: Call) =>
  (call.settings.workload ?? ['default' as const]).map((workload) => campaign(call, workload));

function campaign({ candidate, settings }: Call, workload: WorkloadName | 'default') {
  const { seed, runs, timeLimit, shrink, invariants } = settings;
  const again = againCommand({ candidate, settings }, workload);
  const shelf = keep({ candidate, settings }, again);
  const result = runCampaign({
    reference: referenceKernel,
    candidate,
    seed,
    runs,
    workload,
    ...(timeLimit !== undefined && { timeLimit }),
    ...(invariants !== undefined && { invariants }),
    ...(!shrink && { shrinkLimit: 0 }),
    onFailure: (report) => shelf?.found(report),
    onBetter: (report) => shelf?.better(report),
  });
  const { failure } = result;
  if (failure !== null) {
    const { first, shrunk } = failure;
    const kept = shelf?.shrunk(shrunk);
    const flaky = flakyFailure([first, shrunk], candidate, invariants);
    const lengths = {
      found: first.scenario.operations.length,
      shrunk: shrunk.scenario.operations.length,
      flaky: flaky !== null,
    };
    throw failureOf(
      shrunk,
      { candidate, settings },
      {
        origin: `seed ${seed}, scenario ${result.runs}, ${lengthWords(lengths)}`,
        again,
        path: kept?.path ?? null,
        why: kept?.storeFault ?? 'out is null',
        flaky,
      },
    );
  }
  if (result.runs === 0)
    throw new InputError(
      `expectLockstep: options.timeLimit: no scenario ran within ${timeLimit} ms; allow more`,
    );
  return result;
}

/** The shelf for what fails; null where nothing is to be kept. */
function keep({ settings: { out, seed, kernel } }: Call, again: string | null): FailureShelf | null {
  return out === null ? null : new FailureShelf({ out, seed, again, kernel: kernel ?? null });
}

/** The kernel as commands name it; null for ours, which they take by themselves. */
function kernelWord({ candidate, settings }: Call): string | null {
  return settings.kernel ?? (candidate === optimizedKernel ? null : 'FILE');
}

function againCommand(call: Call, workload: WorkloadName | 'default'): string {
  const { seed, runs } = call.settings;
  const kernel = kernelWord(call);
  return [
    `npx vmlockstep check --seed ${seed} --runs ${runs}`,
    ...(workload === 'default' ? [] : [`--workload ${workload}`]),
    ...(kernel === null ? [] : [`--kernel ${shellWord(kernel)}`]),
  ].join(' ');
}

/** What a report says of where it comes from. */
interface Origin extends Pick<FailureContext, 'origin' | 'again'> {
  /** File that keeps the scenario, or null, and then why there is none. */
  readonly path: string | null;
  readonly why: string;
  /** Why the kernel is flaky, or null. */
  readonly flaky: string | null;
}

function failureOf(found: LockstepReport, call: Call, origin: Origin): LockstepFailure {
  const { path, why, flaky } = origin;
  const kernel = kernelWord(call);
  const { name } = call.candidate.declares;
  const report = plainFault(found, name);
  // In full: in the report a long one is cut.
  const broken = brokenKernelLine(report, name);
  // Commands know our own claims alone.
  const own = call.settings.invariants?.find(({ id }) => id === found.failure?.property);
  const unknown = own !== undefined && !ALL_INVARIANTS.includes(own);
  const lines = failureLines(report, {
    origin: origin.origin,
    again: unknown ? null : origin.again,
    stored: path === null ? `not stored: ${why}` : `stored in ${path}`,
    replay: path === null || unknown ? null : replayCommand(path, kernel),
  });
  return new LockstepFailure(
    [
      ...lines,
      ...(kernel === 'FILE' && !unknown
        ? ['  (FILE: the module of your kernel; options.kernel fills it in)']
        : []),
      ...(broken === null ? [] : [`error: ${broken}`]),
      ...(flaky === null ? [] : [`flaky: ${flaky}`]),
    ].join('\n'),
    { report, stored: path },
    expectLockstep,
  );
}
