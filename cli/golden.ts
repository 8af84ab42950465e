/** `vmlockstep golden`: replays golden traces and reports what neither the contract nor a named deviation explains. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { InputError } from '../contract/input-error.ts';
import { findTraces, INDEX_NAME } from '../golden/find-traces.ts';
import { type Replay, replayTrace, type Side } from '../golden/replay.ts';
import { passed, stopped, type Tally, tally, tallyLines, traceCounts } from '../golden/tally.ts';
import { readTraceFile, type Trace } from '../golden/trace-file.ts';
import { type IndexEntry, indexedName, readTraceIndex } from '../golden/trace-index.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import { tallyLine } from './exit-status.ts';

export interface GoldenOptions {
  /** Which kernels are compared with the recordings. */
  readonly side: 'model' | 'impl' | 'both';
  readonly json?: boolean;
}

/** Where the command writes. */
export interface GoldenOutput {
  line(text: string): void;
  progress(text: string): void;
}

const MODEL: Side = { name: 'model', module: 'reference' };
const IMPL: Side = { name: 'impl', module: optimizedKernel };
const SIDES: Readonly<Record<GoldenOptions['side'], readonly Side[]>> = {
  model: [MODEL],
  impl: [IMPL],
  both: [MODEL, IMPL],
};
/** Milliseconds after which the command says how far it is. */
const SILENCE = 2000;

/**
 * Replays the traces under `paths`, by default those of the package. Answers the exit status: 0 when nothing is
 * unexplained and every index agrees with the triggers, else 1. Throws InputError on what is not a trace.
 */
export async function goldenCommand(
  paths: readonly string[],
  { side, json = false }: GoldenOptions,
  out: GoldenOutput,
): Promise<number> {
  if (paths.some((path) => path.trim() === ''))
    throw new InputError('golden: a path is empty; name a trace or a directory of traces');
  const files = findTraces(paths.length === 0 ? [packageTraces()] : paths);
  const replays = await replayAll(files, SIDES[side], out);
  const sums = tally(replays);
  if (json) out.line(JSON.stringify(jsonReport(sums, side), null, 2));
  else {
    for (const line of tallyLines(sums)) out.line(line);
    const { passed, failed, skipped } = traceCounts(sums);
    out.line(tallyLine(passed, failed, skipped));
  }
  return passed(sums) ? 0 : 1;
}

/** The golden directory of the package that this module belongs to, built or not; shown relative to where we are. */
export function packageTraces(): string {
  let root = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(root, 'package.json')) && dirname(root) !== root) root = dirname(root);
  const path = join(root, 'golden');
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}

async function replayAll(
  files: readonly string[],
  sides: readonly Side[],
  out: GoldenOutput,
): Promise<Replay[]> {
  const indexes = new Map<string, ReadonlyMap<string, IndexEntry>>();
  const replays: Replay[] = [];
  const began = performance.now();
  for (const [done, file] of files.entries()) {
    if (performance.now() - began > SILENCE) {
      out.progress(`golden: ${done} of ${files.length} traces replayed`);
      await setImmediate();
    }
    const trace = readTraceFile(file);
    const indexed = entryFor(trace, indexes);
    replays.push(replayTrace(trace, { sides, indexed }));
  }
  return replays;
}

/** The trace's line of the index beside it, if there is an index and it has one. */
function entryFor(
  { file, records, fromModel }: Trace,
  indexes: Map<string, ReadonlyMap<string, IndexEntry>>,
): IndexEntry | undefined {
  if (fromModel) return undefined;
  const directory = dirname(file);
  let index = indexes.get(directory);
  if (index === undefined) {
    const path = join(directory, INDEX_NAME);
    index = existsSync(path) ? readTraceIndex(path) : new Map<string, IndexEntry>();
    indexes.set(directory, index);
  }
  const entry = index.get(indexedName(basename(file)));
  if (entry !== undefined && entry.operations !== records.length)
    throw new InputError(
      `${file}: ${records.length} operations, but ${INDEX_NAME} says ${entry.operations}; restore the two from one source`,
    );
  return entry;
}

function jsonReport(sums: Tally, side: GoldenOptions['side']) {
  const { traces, operations, compared, stops, skipped, failures, disagreements } = sums;
  const { passed, failed } = traceCounts(sums);
  return {
    side,
    traces,
    operations,
    compared,
    stopped: stopped(sums),
    stops: Object.fromEntries(stops),
    skipped,
    unexplained: failures.length,
    disagreements,
    failures,
    passed,
    failed,
  };
}
