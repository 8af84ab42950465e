/**
 * `vmlockstep bench rivals`: how soon faulty kernels are found and how short failures become, by fast-check alone and by ours.
 *
 * Several processes share the trials; each writes those it has run beside the result file, and the first one joins them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { writeFileSync } from 'atomically';
import { ARMS } from '../bench/rivals/arms.ts';
import { DOCUMENT_MARK, documentOf } from '../bench/rivals/document.ts';
import { type Results, readResults, trialOf, writeResults } from '../bench/rivals/results.ts';
import { type RivalsSummary, summaryOf } from '../bench/rivals/summary.ts';
import { faultGrid, findingGrid, type Grid, shrinkingGrid, verdict } from '../bench/rivals/table.ts';
import { basisOf, type Due, measure, type RivalsOptions, trialsDue } from '../bench/rivals.ts';
import { InputError } from '../contract/input-error.ts';
import { FAULTY_KERNELS } from '../faults/kernels.ts';
import { canLoadFaults } from '../faults/load.ts';
import { table } from '../report/tables.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { quoted, suggestion } from './nearest.ts';
import { checkDirectory, makeDirectory } from './out-directory.ts';
import type { Output } from './output.ts';

/** The verb's flags. */
export interface BenchRivalsOptions {
  readonly seeds: number;
  /** Null: all. */
  readonly faults: readonly string[] | null;
  readonly arms: readonly string[] | null;
  readonly budget: number;
  readonly json: boolean;
  /** Result file. */
  readonly out: string;
  /** A row for each fault. */
  readonly all: boolean;
  /** Milliseconds. */
  readonly time: number;
  /** The page that is written. */
  readonly doc: string;
  /** Null: as many as cores, up to 4. */
  readonly workers: number | null;
  /** `i/n`: the i-th of n processes; null: the one that joins them. */
  readonly part: string | null;
}

const MOST_PROCESSES = 4;
/** Trials that are worth a process of their own. */
const LEAST_TRIALS = 8;

const seconds = (): number => performance.now() / 1000;

/** Says when to stop: at a signal, or when the time is over. */
class Watch {
  readonly #until: number;
  interrupted = false;

  constructor(milliseconds: number) {
    this.#until = performance.now() + milliseconds;
  }

  get left(): number {
    return Math.max(0, this.#until - performance.now());
  }

  /** Lets signals come through before it answers. */
  readonly shouldStop = (): Promise<boolean> =>
    new Promise((resolve) => setImmediate(() => resolve(this.interrupted || this.left === 0)));
}

function chosen<Name extends string>(kind: string, names: readonly Name[] | null, known: readonly Name[]) {
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new InputError(
      `bench rivals: no ${kind} is called ${quoted(unknown)}${suggestion(unknown, known)}`,
    );
  return known.filter((name) => names === null || names.includes(name));
}

function rivalsOptions({ arms, faults, seeds, budget }: BenchRivalsOptions): RivalsOptions {
  if (!canLoadFaults())
    throw new InputError(
      'bench rivals: needs the TypeScript sources and compiler; run it in a clone after npm ci',
    );
  const faultNames = FAULTY_KERNELS.map(({ name }) => name);
  const armNames = chosen(
    'arm',
    arms,
    ARMS.map(({ name }) => name),
  );
  return {
    arms: ARMS.filter(({ name }) => armNames.includes(name)),
    faults: chosen('faulty kernel', faults, faultNames),
    seeds,
    budget,
  };
}

/** Runs the verb. */
export async function benchRivalsCommand(options: BenchRivalsOptions, out: Output): Promise<ExitStatus> {
  const rivals = rivalsOptions(options);
  const { out: file, part } = options;
  if (part === null) {
    checkDirectory(dirname(file));
    makeDirectory(dirname(file));
  }
  if (writesDocument(options)) refuseForeign(options.doc);
  if (part === null && writesDocument(options)) checkDirectory(dirname(options.doc), '--doc');
  const results = readResults(file, basisOf(rivals));
  const watch = new Watch(options.time);
  const onSignal = (): void => {
    if (part === null)
      out.note('interrupted: finishing the trials in progress; the same command goes on from here');
    watch.interrupted = true;
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    if (part !== null) return await runPart(part, rivals, { results, file, watch, out });
    joinParts(file, results);
    await runMissing(options, rivals, { results, file, watch, out });
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
  return told(options, rivals, { results, watch, out });
}

interface Work {
  readonly results: Results;
  readonly file: string;
  readonly watch: Watch;
  readonly out: Output;
}

const missingOf = (rivals: RivalsOptions, { trials }: Results): Due[] =>
  trialsDue(rivals).filter(
    ({ fault, seed, arm }) => trialOf(trials, { fault, seed, arm: arm.name }) === undefined,
  );

const partFile = (file: string, part: string): string => `${file}.part-${part.replace('/', '-of-')}`;

/** One process of several: every n-th of the missing trials, kept in a file of its own. */
async function runPart(part: string, rivals: RivalsOptions, work: Work): Promise<ExitStatus> {
  const { results, file, watch, out } = work;
  const [index = 1, of = 1] = part.split('/').map(Number);
  const own = missingOf(rivals, results).filter((_, i) => i % of === index - 1);
  await measure(own, rivals.budget, {
    now: seconds,
    onProgress: index === 1 ? out.progress : () => undefined,
    onTrials: (trials) => writeResults(partFile(file, part), { ...results, trials: [...trials] }),
    shouldStop: watch.shouldStop,
  });
  return watch.interrupted ? EXIT.interrupted : EXIT.passed;
}

/** Takes over what processes have left beside the result file, also those of a run that was killed. */
function joinParts(file: string, results: Results): void {
  const prefix = `${basename(file)}.part-`;
  const parts = readdirSync(dirname(file)).filter((name) => name.startsWith(prefix));
  for (const name of parts) {
    const path = join(dirname(file), name);
    for (const trial of readResults(path, results).trials)
      if (trialOf(results.trials, trial) === undefined) results.trials.push(trial);
    writeResults(file, results);
    unlinkSync(path);
  }
}

async function runMissing(options: BenchRivalsOptions, rivals: RivalsOptions, work: Work): Promise<void> {
  const { results, file, watch, out } = work;
  const missing = missingOf(rivals, results);
  const wanted = options.workers ?? Math.min(MOST_PROCESSES, availableParallelism());
  const processes = Math.min(wanted, Math.floor(missing.length / LEAST_TRIALS));
  if (processes > 1) {
    writeResults(file, results);
    await runProcesses(options, processes, watch);
    joinParts(file, results);
    return;
  }
  const before = [...results.trials];
  await measure(missing, rivals.budget, {
    now: seconds,
    onProgress: out.progress,
    onTrials: (trials) => {
      results.trials.splice(0, results.trials.length, ...before, ...trials);
      if (trials.length > 0) writeResults(file, results);
    },
    shouldStop: watch.shouldStop,
  });
}

/** Starts the same command several times, each for its part; ends when all have. */
async function runProcesses(options: BenchRivalsOptions, of: number, watch: Watch): Promise<void> {
  const { seeds, budget, faults, arms, out: file } = options;
  const argv = ['bench', 'rivals', '--seeds', `${seeds}`, '--budget', `${budget}`, '--out', file];
  argv.push('--time', `${Math.max(1, Math.round(watch.left))}ms`);
  if (faults !== null) argv.push('--faults', faults.join(','));
  if (arms !== null) argv.push('--arms', arms.join(','));
  const script = process.argv[1] ?? '';
  const children = Array.from({ length: of }, (_, i) =>
    spawn(process.execPath, [script, ...argv, '--part', `${i + 1}/${of}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  const stop = (): void => {
    for (const child of children) child.kill('SIGTERM');
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  const statuses = await Promise.all(children.map(ended)).finally(() =>
    process.off('SIGTERM', stop).off('SIGINT', stop),
  );
  const failed = statuses.find((status) => status !== EXIT.passed && status !== EXIT.interrupted);
  if (failed !== undefined) throw new Error(`a process of bench rivals ended with ${failed}`);
}

const ended = (child: ChildProcess): Promise<number | string> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'nothing'));
  });

/** Prints what there is, and writes the page where everything is there. */
function told(
  options: BenchRivalsOptions,
  rivals: RivalsOptions,
  { results, watch, out }: Omit<Work, 'file'>,
): ExitStatus {
  const due = trialsDue(rivals);
  const wanted = new Set(due.map(({ fault, seed, arm }) => `${fault} ${seed} ${arm.name}`));
  const trials = results.trials.filter(({ fault, seed, arm }) => wanted.has(`${fault} ${seed} ${arm}`));
  const summary = summaryOf(
    { budget: results.budget, trials },
    rivals.arms.map(({ name }) => name),
  );
  const complete = trials.length === due.length;
  if (options.json) out.line(JSON.stringify({ version: 1, complete, ...summary }, null, 2));
  else out.lines(textOf(summary, options));
  if (!complete)
    out.note(`${trials.length} of ${due.length} trials are done; the same command goes on from here`);
  else if (writesDocument(options)) writeDocument(options.doc, documentOf(summary, rivals.seeds));
  return watch.interrupted ? EXIT.interrupted : EXIT.passed;
}

const laidOut = ({ headings, rows }: Grid): string[] => table(headings, rows);

function textOf(summary: RivalsSummary, { all, faults }: BenchRivalsOptions): string[] {
  const shown = all || faults !== null ? summary.faults : [];
  return [
    'finding: operations on the faulty kernel to the first failure',
    ...laidOut(findingGrid(summary)),
    '',
    'shrinking: length, how different the results for one fault are, and what it takes',
    ...laidOut(shrinkingGrid(summary)),
    '',
    ...(shown.length === 0 ? [] : ['faults: operations, median', ...laidOut(faultGrid(summary, shown)), '']),
    ...(summary.losses.length === 0
      ? []
      : ['losses: operations, median', ...laidOut(faultGrid(summary, summary.losses)), '']),
    ...verdict(summary),
  ];
}

/** A page tells of all faults and all arms. */
const writesDocument = ({ faults, arms }: BenchRivalsOptions): boolean => faults === null && arms === null;

function refuseForeign(file: string): void {
  if (existsSync(file) && !readFileSync(file, 'utf8').startsWith(DOCUMENT_MARK))
    throw new InputError(
      `--doc ${file}: is not a page of bench rivals and stays as it is; name another file`,
    );
}

/** Writes the page, unless something else is in its place by now. */
function writeDocument(file: string, text: string): void {
  refuseForeign(file);
  makeDirectory(dirname(file), '--doc');
  writeFileSync(file, text);
}
