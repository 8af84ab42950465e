/** Adds the replays of many traces up, and prints the sums. */
import type { Difference } from './compare.ts';
import type { Disagreement, Failure, Replay } from './replay.ts';
import type { TraceOperation } from './trace-schema.ts';

/** Most lines spent on differences. */
const LINES_FOR_FAILURES = 40;
/** Most differing fields shown of one failure. */
const FIELDS_SHOWN = 6;
const LONGEST_VALUE = 48;

export interface LocatedFailure extends Failure {
  readonly file: string;
}

export interface LocatedDisagreement extends Disagreement {
  readonly file: string;
}

/** What replaying a set of traces has shown. Traces and operations count once, whatever the number of sides. */
export interface Tally {
  readonly traces: number;
  /** Of the traces that were not skipped, also behind a stop. */
  readonly operations: number;
  readonly compared: number;
  /** Traces whose comparison ended at a deviation, by its name, in the order of the names. */
  readonly stops: ReadonlyMap<string, number>;
  /** Traces that belong to a later stage. */
  readonly skipped: number;
  /** First difference of each trace and side. */
  readonly failures: readonly LocatedFailure[];
  readonly disagreements: readonly LocatedDisagreement[];
}

export function tally(replays: Iterable<Replay>): Tally {
  const stops = new Map<string, number>();
  const failures: LocatedFailure[] = [];
  const disagreements: LocatedDisagreement[] = [];
  let [traces, operations, compared, skipped] = [0, 0, 0, 0];
  for (const replay of replays) {
    const { file } = replay;
    traces += 1;
    compared += replay.compared;
    if (replay.skipped) skipped += 1;
    else operations += replay.operations;
    if (replay.stop !== null) stops.set(replay.stop.deviation, (stops.get(replay.stop.deviation) ?? 0) + 1);
    failures.push(...replay.failures.map((failure) => ({ ...failure, file })));
    disagreements.push(...replay.disagreements.map((one) => ({ ...one, file })));
  }
  return {
    traces,
    operations,
    compared,
    stops: new Map([...stops].sort(([a], [b]) => byNumber(a, b))),
    skipped,
    failures,
    disagreements,
  };
}

/** `DEV-2` before `DEV-12`, names without a number behind. */
function byNumber(a: string, b: string): number {
  const number = (name: string) => Number(/^DEV-(\d+)$/.exec(name)?.[1] ?? Number.POSITIVE_INFINITY);
  const [first, second] = [number(a), number(b)];
  if (first !== second) return first - second;
  return a < b ? -1 : 1;
}

/** Traces that stopped at some deviation. */
export function stopped({ stops }: Tally): number {
  return [...stops.values()].reduce((sum, count) => sum + count, 0);
}

/** True when nothing is unexplained and every file agrees with the triggers. */
export function passed({ failures, disagreements }: Tally): boolean {
  return failures.length === 0 && disagreements.length === 0;
}

/** Traces by what became of them: all that is not unexplained or in disagreement about deviations has passed. */
export function traceCounts({ traces, skipped, failures, disagreements }: Tally): {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
} {
  const failed = new Set([...failures, ...disagreements].map(({ file }) => file)).size;
  return { passed: Math.max(0, traces - skipped - failed), failed, skipped };
}

/** An operation as scenarios write it, with addresses in hexadecimal. */
function operationLine({ op, args }: TraceOperation): string {
  return [op, ...args.map((arg) => (op === 'resume' ? String(arg) : shown(arg)))].join(' ');
}

/** The report: stops, disagreements, failures, and one line of sums at the end. */
export function tallyLines(sums: Tally): string[] {
  return [...stopLines(sums), ...disagreementLines(sums), ...failureLines(sums), lastLine(sums)];
}

function stopLines({ stops }: Tally): string[] {
  if (stops.size === 0) return [];
  const width = Math.max(...[...stops.keys()].map((name) => name.length), 'deviation'.length);
  const rows = [...stops].map(([name, count]) => `${name.padEnd(width)}  ${String(count).padStart(6)}`);
  return [`${'deviation'.padEnd(width)}  traces stopped`, ...rows, ''];
}

function disagreementLines({ disagreements }: Tally): string[] {
  const lines = disagreements.map(
    ({ file, number, operation, recorded, evaluated }) =>
      `${file} operation ${number} (${operationLine(operation)}): the file says ${recorded ?? 'nothing'}, the triggers say ${evaluated.join(', ') || 'nothing'}`,
  );
  return lines.length === 0 ? [] : ['disagreements about deviations:', ...capped(lines, 'disagreements'), ''];
}

function failureLines({ failures }: Tally): string[] {
  const lines: string[] = [];
  for (const [index, failure] of failures.entries()) {
    const block = linesOf(failure);
    if (lines.length + block.length > LINES_FOR_FAILURES && index > 0)
      return [...lines, `… and ${failures.length - index} more unexplained differences`, ''];
    lines.push(...block, '');
  }
  return lines;
}

function capped(lines: readonly string[], what: string): string[] {
  if (lines.length <= LINES_FOR_FAILURES) return [...lines];
  const rest = lines.length - LINES_FOR_FAILURES;
  return [...lines.slice(0, LINES_FOR_FAILURES), `… and ${rest} more ${what}`];
}

function linesOf({ file, side, number, operation, differences, thrown }: LocatedFailure): string[] {
  const title = `unexplained: ${file} operation ${number}, ${side}: ${operation === null ? 'after boot' : operationLine(operation)}`;
  if (thrown !== undefined) return [title, `  the kernel threw: ${thrown}`];
  const rest = differences.length - FIELDS_SHOWN;
  const table = aligned(differences.slice(0, FIELDS_SHOWN));
  return [title, ...table, ...(rest > 0 ? [`  … and ${rest} more fields`] : [])];
}

function aligned(differences: readonly Difference[]): string[] {
  const rows = differences.map(
    ({ path, expected, actual }) => [path, shown(expected), shown(actual)] as const,
  );
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length));
  return rows.map(
    ([path, expected, actual]) =>
      `  ${path.padEnd(width(0))}  expected ${expected.padEnd(width(1))}  actual ${actual}`,
  );
}

/** A value in one short line; numbers that look like addresses or sizes in hexadecimal. */
function shown(value: unknown): string {
  const text = spelled(value);
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE - 1)}…`;
}

function spelled(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return value >= 4096 ? `0x${value.toString(16)}` : String(value);
  if (Array.isArray(value)) return `[${value.map(spelled).join(' ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([key, field]) => `${key} ${spelled(field)}`)
    .join(', ')}}`;
}

function lastLine(sums: Tally): string {
  const { traces, operations, compared, skipped, failures } = sums;
  return (
    `golden: ${traces} traces, ${operations} operations, ${compared} compared, ` +
    `${stopped(sums)} stopped at named deviations, ${skipped} skipped, ${failures.length} unexplained`
  );
}
