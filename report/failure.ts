/** A failed run as text: what a person needs to understand it, on one screen. */
import type { Failure, LockstepReport } from '../properties/verdict.ts';
import { machineLine, program } from './program.ts';
import { clipped, table, wrapped } from './tables.ts';

/** Where the failure came from and where it was kept; the command line fills it in. */
export interface FailureContext {
  /** How the scenario arose, as in `seed 1994, shrunk from 63 to 4 operations`. */
  readonly origin: string;
  /** A command that finds the failure again from the seed; null when there is none. */
  readonly again: string | null;
  /** Path of the stored scenario, or why there is none. */
  readonly stored: string;
  /** What shrinking came to, below the program; absent: nothing. */
  readonly remarks?: readonly string[];
  /** The copy-paste line; null when nothing was stored. */
  readonly replay: string | null;
}

const MOST_OPERATIONS = 14;
const MOST_DIFFERENCES = 7;
const MOST_WITNESSES = 3;
const LINE = 104;
const VALUE = 44;

const more = (count: number, noun: string, kind = ''): string[] =>
  count > 0 ? [`    … and ${count} more ${noun}${count === 1 ? '' : 's'} ${kind}`.trimEnd()] : [];

/** At most 40 lines; the last one is the replay command where there is one. */
export function failureLines(report: LockstepReport, context: FailureContext): string[] {
  const { failure, scenario, expected } = report;
  if (failure === null) return [];
  const place = failure.number === 0 ? 'at boot' : `after operation ${failure.number}`;
  const whose = failure.side === 'reference' ? 'in the reference model ' : '';
  return [
    `FAILED ${failure.property} ${whose}${place}`,
    `  ${context.origin}`,
    ...(context.again === null ? [] : [`  again: ${context.again}`]),
    '',
    ...wrapped(machineLine(scenario.machine), LINE - 4, '    '),
    ...program(scenario, expected, { marked: failure.number, most: MOST_OPERATIONS }).map(
      (line) => `  ${line}`,
    ),
    '',
    ...remarkLines(context.remarks ?? []),
    ...differenceLines(report),
    ...witnessLines(failure),
    ...wrapped(`${failure.property}: ${failure.sentence}`, LINE, '  '),
    `  ${context.stored}`,
    ...(context.replay === null ? [] : [`  ${context.replay}`]),
  ];
}

const remarkLines = (remarks: readonly string[]): string[] =>
  remarks.length === 0 ? [] : [...remarks.flatMap((remark) => wrapped(remark, LINE - 2, '  ')), ''];

/** Expected beside actual, only what differs; nothing for a failure that is no disagreement. */
function differenceLines({ failure }: LockstepReport): string[] {
  if (failure === null || failure.differences.length === 0) return [];
  const rows = failure.differences
    .slice(0, MOST_DIFFERENCES)
    .map(({ path, expected, actual }) => [path, clipped(expected, VALUE), clipped(actual, VALUE)]);
  return [
    ...table([{ heading: '' }, { heading: 'expected' }, { heading: 'actual' }], rows, '    '),
    ...more(failure.differences.length - MOST_DIFFERENCES, 'difference'),
    '',
  ];
}

/** What the property saw; a bare count of differences says nothing beside the differences themselves. */
function witnessLines({ witnesses, differences }: Failure): string[] {
  const telling =
    differences.length === 0 ? witnesses : witnesses.filter((text) => !/^\d+ differences?$/.test(text));
  return [
    ...telling
      .slice(0, MOST_WITNESSES)
      .map((witness) => `    ${clipped(witness.split('\n')[0] ?? '', LINE - 4)}`),
    ...more(telling.length - MOST_WITNESSES, 'line', 'of evidence'),
  ];
}
