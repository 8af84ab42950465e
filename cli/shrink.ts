/** `vmlockstep shrink`: a stored scenario that fails, shrunk to the smallest that fails alike. */
import { basename } from 'node:path';
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { signatureOf } from '../properties/signature.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { failureLines } from '../report/failure.ts';
import { lengthWords, type ShrinkTale, shrinkLines, signatureWords } from '../report/shrinking.ts';
import { shrinkLine } from './check-progress.ts';
import { DEFAULT_SHRINK_TIME, durationText, kernelFlags, outFlags, shellWord } from './command-text.ts';
import { EXIT, type ExitStatus, tallyLine } from './exit-status.ts';
import { FailureShelf, taleOf } from './failure-shelf.ts';
import type { ShrinkAnswer } from './job.ts';
import { type Settled, settled } from './job-end.ts';
import { checkDirectory } from './out-directory.ts';
import type { Output } from './output.ts';
import { readScenario, type StoredScenario } from './scenario-file.ts';
import { otherKernelLine } from './scenario-kernel.ts';
import { nameWarnings } from './scenario-names.ts';
import { outcomesRemedy, staleness } from './scenario-outcomes.ts';
import type { FailurePlace, Kept } from './scenario-store.ts';
import { supervised } from './supervisor.ts';
import { brokenKernelLine, plainFault, replayCommand, strayLine } from './verdict-lines.ts';

/** The verb's flags. */
export interface ShrinkVerbOptions {
  readonly kernel: string | null;
  readonly kernelTimeout: number;
  /** Most milliseconds to shrink. */
  readonly milliseconds: number;
  readonly out: string;
  readonly json: boolean;
}

/** What is known while the thread runs. */
interface Course {
  declares: KernelDeclaration | null;
  /** The failure as the file gives it. */
  found: LockstepReport | null;
  best: LockstepReport | null;
  path: string | null;
  tried: number;
}

/** How names in the output directory begin: as the file does, whatever was made of it before. */
const stemOf = (file: string): string =>
  basename(file === '-' ? 'stdin' : file)
    .replace(/\.json$/, '')
    .replace(/\.scn$/, '')
    .replace(/(\.(unshrunk|shrinking|other)(-\d+)?)+$/, '');

function placeOf(file: string, { provenance }: StoredScenario, options: ShrinkVerbOptions): FailurePlace {
  return {
    out: options.out,
    seed: provenance?.seed ?? null,
    again: provenance?.command ?? null,
    stem: stemOf(file),
    kernel: options.kernel,
    ...(file !== '-' && { from: file }),
  };
}

/** Runs the verb; `bin` is the script that a thread starts with. */
export async function shrinkVerb(
  file: string,
  options: ShrinkVerbOptions,
  out: Output,
  bin: URL,
): Promise<ExitStatus> {
  const stored = readScenario(file);
  for (const warning of nameWarnings(file, stored)) out.note(warning);
  checkDirectory(options.out);
  const shelf = new FailureShelf(placeOf(file, stored, options));
  const course: Course = { declares: null, found: null, best: null, path: null, tried: 0 };
  let interrupted = false;
  const result = await watched(file, stored, options, {
    ...{ out, bin, shelf, course },
    onInterruption: () => {
      interrupted = true;
    },
  });
  if (result.kind === 'answer' && result.answer.verb === 'shrink')
    return concluded(file, stored, result.answer, { options, out, shelf, interrupted });
  if (result.kind === 'fault') {
    const report = plainFault(result.fault.report, options.kernel);
    const context = contextOf(file, report, { kept: { path: null, storeFault: null }, flaky: null }, options);
    out.lines([...failureLines(report, context), tallyLine(0, 1, 0)]);
    const line = brokenKernelLine(report, options.kernel);
    if (line !== null) out.note(`error: ${line}`);
  } else out.note('interrupted: stopped at once');
  if (course.path !== null)
    out.note(`the smallest so far is stored; this goes on from it: ${goingOn(course.path, options)}`);
  if (result.kind !== 'fault') return EXIT.interrupted;
  return options.kernel === null ? EXIT.failed : EXIT.kernel;
}

async function watched(
  file: string,
  { scenario }: StoredScenario,
  { kernel, kernelTimeout: timeout, milliseconds }: ShrinkVerbOptions,
  {
    out,
    bin,
    shelf,
    course,
    onInterruption,
  }: { out: Output; bin: URL; shelf: FailureShelf; course: Course; onInterruption: () => void },
): Promise<Settled> {
  const began = performance.now();
  const { ends } = supervised(
    { verb: 'shrink', kernel, directory: process.cwd(), file, scenario, milliseconds },
    {
      ...{ bin, timeout, tapes: [null], onInterruption },
      onNote: out.note,
      onTelling: (telling) => {
        if (telling.type === 'loaded') course.declares = telling.declares;
        else if (telling.type === 'better') {
          course.found ??= telling.report;
          course.best = telling.report;
          if (telling.report !== course.found) course.path = shelf.better(telling.report);
        } else if (telling.type === 'trying') {
          course.tried = telling.progress.tried;
          const property = course.found?.failure?.property ?? '';
          const left = (milliseconds - (performance.now() - began)) / 1000;
          const from = scenario.operations.length;
          const now = course.best?.scenario.operations.length ?? from;
          out.progress(shrinkLine(property, { from, now, tried: course.tried, left }));
        }
      },
    },
  );
  const [end = { kind: 'interrupted' as const }] = await ends;
  return settled(end, { kernel, declares: course.declares, timeout });
}

interface Conclusion {
  readonly options: ShrinkVerbOptions;
  readonly out: Output;
  readonly shelf: FailureShelf;
  readonly interrupted: boolean;
}

/** Keeps and prints the result, and the status that follows from it. */
function concluded(
  file: string,
  stored: StoredScenario,
  { kernel: name, found, shrunk, flaky, stray }: ShrinkAnswer,
  { options, out, shelf, interrupted }: Conclusion,
): ExitStatus {
  const { kernel, json } = options;
  const kept = shrunk === null ? null : shelf.shrunk(shrunk.report);
  const tale = shrunk === null ? null : taleOf({ found, shrunk, flaky }, shelf);
  // What fails is worth shrinking whatever it once meant.
  const stale = shrunk === null ? staleness(stored.scenario, stored.outcomes) : null;
  const held = stale === null ? EXIT.passed : EXIT.stale;
  const failed = flaky !== null ? EXIT.flaky : shrunk === null ? held : EXIT.failed;
  const broken = brokenKernelLine(shrunk?.report ?? found, kernel);
  const exit = broken !== null || stray !== null ? EXIT.kernel : interrupted ? EXIT.interrupted : failed;
  if (json)
    out.line(
      JSON.stringify({ ...head(name, exit), flaky, stale, ...document(found, shrunk, kept, tale) }, null, 2),
    );
  else if (shrunk === null || kept === null || tale === null)
    out.lines([
      `held by kernel ${name}: ${file} has nothing to shrink`,
      ...flakyLines(flaky),
      ...(stale === null ? [] : [`stale: ${file}: ${stale}; ${outcomesRemedy(file)}`]),
      flaky === null && stale === null ? tallyLine(1, 0, 0) : tallyLine(0, 1, 0),
    ]);
  else {
    const report = plainFault(shrunk.report, kernel);
    out.lines([
      ...failureLines(report, {
        ...contextOf(file, found, { kept, flaky }, options, report),
        remarks: [...recordedLines(stored, found), ...shrinkLines(tale)],
      }),
      '',
      ...(interrupted
        ? [
            `interrupted: this is the best so far${kept.path === null ? '' : `; this goes on from it: ${goingOn(kept.path, options)}`}`,
          ]
        : []),
      ...flakyLines(flaky),
      tallyLine(0, 1, 0),
    ]);
  }
  const other = shrunk === null ? otherKernelLine(stored, kernel) : null;
  if (other !== null) out.note(other);
  if (broken !== null) out.note(`error: ${broken}`);
  if (stray !== null) out.note(strayLine(kernel, stray));
  return exit;
}

const flakyLines = (flaky: string | null): string[] => (flaky === null ? [] : [`flaky: ${flaky}`]);

const head = (kernel: string, exit: ExitStatus) => ({ version: 1, verb: 'shrink', kernel, exit });

const document = (
  found: LockstepReport,
  shrunk: ShrinkAnswer['shrunk'],
  kept: Kept | null,
  tale: ShrinkTale | null,
): object => ({
  foundLength: found.scenario.operations.length,
  failure: shrunk?.report.failure ?? null,
  scenario: shrunk?.report.scenario ?? null,
  executions: shrunk?.executions ?? 0,
  searched: shrunk?.searched ?? 0,
  stored: kept?.path ?? null,
  shrinking: tale,
});

/** Says where a file that records a failure now fails in another way. */
function recordedLines({ signature }: StoredScenario, found: LockstepReport): string[] {
  const now = signatureOf(found);
  if (signature == null || now === null) return [];
  const recorded = { ...signature, field: signature.field === undefined ? now.field : signature.field };
  return signatureWords(recorded) === signatureWords(now)
    ? []
    : [`the file records ${signatureWords(recorded)}; it fails as ${signatureWords(now)}`];
}

/** The command that shrinks a file with the same flags. */
export function goingOn(
  file: string,
  { kernel, kernelTimeout, milliseconds, out }: Omit<ShrinkVerbOptions, 'json'>,
): string {
  const time = milliseconds === DEFAULT_SHRINK_TIME ? [] : [`--time ${durationText(milliseconds)}`];
  const flags = [...kernelFlags(kernel, kernelTimeout), ...time, ...outFlags(out)];
  return ['npx vmlockstep shrink', shellWord(file), ...flags].join(' ');
}

function contextOf(
  file: string,
  found: LockstepReport,
  { kept: { path, storeFault }, flaky }: { readonly kept: Kept; readonly flaky: string | null },
  options: ShrinkVerbOptions,
  shrunk: LockstepReport = found,
) {
  const { kernel } = options;
  const lengths = {
    found: found.scenario.operations.length,
    shrunk: shrunk.scenario.operations.length,
    flaky: flaky !== null,
  };
  return {
    origin: `${file}, ${lengthWords(lengths)}`,
    again: goingOn(file, options),
    stored: path === null ? `not stored: ${storeFault}` : `stored in ${path}`,
    replay: path === null ? null : replayCommand(path, kernel),
  };
}
