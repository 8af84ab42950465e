/** `vmlockstep explore`: an exhaustive search of a tiny machine, in threads, that goes on where an earlier one stopped. */
import { availableParallelism } from 'node:os';
import { InputError } from '../contract/input-error.ts';
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import { machineFaults } from '../contract/machine.ts';
import type { Exploration } from '../properties/explore-atlas.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { failureLines } from '../report/failure.ts';
import { machineLine } from '../report/program.ts';
import { counted } from '../report/tables.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { Checkpoint } from './explore-checkpoint.ts';
import { type CrewEnd, runCrew } from './explore-crew.ts';
import { type ExploreOptions, exploreAgain, exploreCommand, searchOf } from './explore-options.ts';
import {
  closingLine,
  coverageLine,
  type ExploreResult,
  exploreDocument,
  levelLines,
  totalOf,
} from './explore-print.ts';
import { LevelClock } from './explore-progress.ts';
import { tapeFile } from './flight-tape.ts';
import { tellTapes } from './guarded.ts';
import { settled } from './job-end.ts';
import { checkDirectory } from './out-directory.ts';
import type { Output } from './output.ts';
import { storedFailure, storeScenario } from './scenario-store.ts';
import { brokenKernelLine, plainFault, replayCommand, strayLine } from './verdict-lines.ts';
import { version } from './version.ts';

/** Threads beyond which the one that merges cannot keep up. */
const MOST_WORKERS = 8;

/** Runs the verb; `bin` is the script that a thread starts with. */
export async function exploreVerb(options: ExploreOptions, out: Output, bin: URL): Promise<ExitStatus> {
  checkDirectory(options.out);
  const { kernel, depth, kernelTimeout: timeout } = options;
  const search = searchOf(options);
  const [fault] = machineFaults(search.machine);
  if (fault !== undefined) throw new InputError(`${fault}; take smaller --pages or --sizes`);
  const checkpoint = new Checkpoint(options.out, search);
  const begun = options.fresh ? null : begunBy(checkpoint, out);
  const workers = options.workers ?? (kernel === null ? Math.min(availableParallelism(), MOST_WORKERS) : 1);
  const tapes = Array.from({ length: workers }, (_, worker) =>
    kernel === null ? null : tapeFile(options.out, 0, worker),
  );
  if (kernel !== null)
    tellTapes(
      tapes.flatMap((tape) => tape?.path ?? []),
      kernel,
    );
  let declares: KernelDeclaration | null = null;
  const clock = new LevelClock(checkpoint, { out, depth });
  const end = await runCrew(
    { verb: 'explore', kernel, directory: process.cwd(), search },
    {
      bin,
      timeout,
      depth,
      begun,
      tapes: tapes.map((tape) => tape?.path ?? null),
      onNote: out.note,
      onLoaded: (loaded) => {
        if (declares === null && !options.json) out.lines(headLines(options, search.machine));
        declares = loaded;
      },
      onTick: (exploration) => clock.tick(exploration),
    },
  ).finally(() => {
    for (const tape of tapes) tape?.remove();
  });
  if (end.exploration !== null) clock.close(end.exploration);
  const failure = end.failure ?? reportOf(end, { kernel, declares, timeout });
  return concluded({ end, failure, declares, seconds: clock.seconds }, options, out);
}

const headLines = (options: ExploreOptions, machine: Parameters<typeof machineLine>[0]): string[] => [
  `depth ${options.depth}, alphabet ${options.alphabet}, kernel ${options.kernel ?? 'optimized'}`,
  machineLine(machine),
];

function begunBy(checkpoint: Checkpoint, out: Output): Exploration | null {
  const left = checkpoint.read();
  if (typeof left === 'string') out.note(left);
  if (left === null || typeof left === 'string') return null;
  out.note(
    `going on from ${checkpoint.path}: ${counted(left.size, 'state')}, of which ${left.expanded} done`,
  );
  return left;
}

/** What became of a kernel that gave no answer; null where there is none. Throws where no scenario ran. */
function reportOf({ fault }: CrewEnd, context: Parameters<typeof settled>[1]): LockstepReport | null {
  if (fault === null) return null;
  const result = settled(fault, context);
  return result.kind === 'fault' ? result.fault.report : null;
}

interface Conclusion {
  readonly end: CrewEnd;
  readonly failure: LockstepReport | null;
  readonly declares: KernelDeclaration | null;
  readonly seconds: ReadonlyMap<number, number>;
}

/** Prints what a search came to, and the status that follows from it. */
function concluded(
  { end, failure, declares, seconds }: Conclusion,
  options: ExploreOptions,
  out: Output,
): ExitStatus {
  const { kernel, depth } = options;
  const { exploration, interrupted, stray } = end;
  const report = failure === null ? null : plainFault(failure, kernel);
  const complete = exploration !== null && report === null && exploration.next(depth) === null;
  const kept = report === null ? null : stored(report, options);
  const result: ExploreResult = {
    kernel: declares?.name ?? 'optimized',
    levels: (exploration?.levels ?? []).filter((level) => level.depth <= depth),
    complete,
    interrupted: interrupted && !complete,
    failure: report,
    stored: kept?.path ?? null,
  };
  const broken = report === null ? null : brokenKernelLine(report, kernel);
  const status = statusOf(result, broken !== null || stray !== null);
  if (options.json) out.line(JSON.stringify(exploreDocument(result, options, status), null, 2));
  else
    out.lines([
      '',
      ...(report === null
        ? []
        : [
            ...failureLines(report, contextOf(report, kept, { options, shortest: isShortest(end, depth) })),
            '',
          ]),
      ...levelLines(result.levels, seconds),
      '',
      coverageLine(result, options),
      ...(result.interrupted ? [`interrupted; the same command goes on: ${exploreAgain(options)}`] : []),
      ...(isVain(result)
        ? ['gate: no operation that the kernel declares is ever tried on this machine']
        : []),
      closingLine(result),
    ]);
  if (broken !== null)
    out.note(`error: ${broken}${kept?.path ? `; stored: ${replayCommand(kept.path, kernel)}` : ''}`);
  if (stray !== null) out.note(strayLine(kernel, stray));
  return status;
}

function statusOf(result: ExploreResult, faulty: boolean): ExitStatus {
  const { failure, interrupted } = result;
  if (faulty) return EXIT.kernel;
  if (failure !== null) return EXIT.failed;
  if (interrupted) return EXIT.interrupted;
  return isVain(result) ? EXIT.gate : EXIT.passed;
}

/** A search that tried nothing has shown nothing. */
const isVain = ({ levels, failure, complete }: ExploreResult): boolean =>
  failure === null && complete && totalOf(levels).transitions === 0;

type Kept = { readonly path: string | null; readonly fault: string | null };

function stored(report: LockstepReport, options: ExploreOptions): Kept {
  const { failure } = report;
  if (failure === null) return { path: null, fault: null };
  const provenance = { seed: null, command: exploreCommand(options), version: version(), path: null };
  try {
    const kept = storedFailure(report, provenance, options.kernel);
    return { path: storeScenario(options.out, `${failure.property}-explore`, kept), fault: null };
  } catch (error) {
    if (error instanceof InputError) return { path: null, fault: error.message };
    throw error;
  }
}

/** Whether every shorter sequence was tried: not where Ctrl-C came first, nor for a kernel that gave no answer. */
const isShortest = ({ failure, exploration }: CrewEnd, depth: number): boolean =>
  failure !== null && (exploration === null || exploration.next(depth) === null);

function contextOf(
  { scenario }: LockstepReport,
  kept: Kept | null,
  { options, shortest }: { readonly options: ExploreOptions; readonly shortest: boolean },
) {
  const { path = null, fault = null } = kept ?? {};
  const length = counted(scenario.operations.length, 'operation');
  return {
    origin: `explore, alphabet ${options.alphabet}: ${length}${shortest ? ', and no shorter sequence of it fails' : ''}`,
    again: exploreAgain(options),
    stored: path === null ? `not stored: ${fault}` : `stored in ${path}`,
    replay: path === null ? null : replayCommand(path, options.kernel),
  };
}
