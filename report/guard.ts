/** Two kernels that differ, as text: the scenario, and what each of them made of it. */
import type { LockstepReport } from '../properties/verdict.ts';
import { machineLine, program } from './program.ts';
import { clipped, counted, table, wrapped } from './tables.ts';
import { step as stepText } from './values.ts';

/** What the command line knows of a difference. */
export interface GuardContext {
  readonly kind: 'meaning' | 'structure';
  /** What the two kernels are called. */
  readonly base: string;
  readonly working: string;
  /** Lines on how the scenario was found and how short it is. */
  readonly origin: readonly string[];
  /** What the kernels threw, if they did. */
  readonly thrown: { readonly base: string | null; readonly working: string | null };
  /** Where the scenario is kept, and how to look at it. */
  readonly kept: readonly string[];
}

const MOST_OPERATIONS = 14;
const MOST_DIFFERENCES = 8;
const LINE = 104;
const VALUE = 40;

/** The difference, its scenario, and both outcomes side by side. */
export function guardLines(report: LockstepReport, context: GuardContext): string[] {
  const { scenario, failure, expected, actual } = report;
  if (failure === null) return [];
  const { kind, base, working, thrown } = context;
  const place = failure.number === 0 ? 'at boot' : `after ${counted(failure.number, 'operation')}`;
  const rows = failure.differences
    .slice(0, MOST_DIFFERENCES)
    .map(({ path, expected: one, actual: other }) => [path, clipped(one, VALUE), clipped(other, VALUE)]);
  const more = failure.differences.length - rows.length;
  const [answered, instead] = [expected.at(failure.number - 1), actual.at(failure.number - 1)];
  const outcomes =
    failure.number > 0 && answered !== undefined && instead !== undefined
      ? [['answer', clipped(stepText(answered), VALUE), clipped(stepText(instead), VALUE)]]
      : [];
  return [
    `DIFFERENT IN ${kind.toUpperCase()} ${place}`,
    ...context.origin.map((line) => `  ${line}`),
    '',
    ...wrapped(machineLine(scenario.machine), LINE - 4, '    '),
    ...program(scenario, expected, { marked: failure.number, most: MOST_OPERATIONS }).map(
      (line) => `  ${line}`,
    ),
    '',
    ...table(
      [{ heading: '' }, { heading: clipped(base, VALUE) }, { heading: clipped(working, VALUE) }],
      [...outcomes, ...rows.filter(([path]) => path !== 'outcome')],
      '    ',
    ),
    ...(more > 0 ? [`    … and ${counted(more, 'more difference')}`] : []),
    '',
    ...(thrown.base === null ? [] : wrapped(`${base} threw ${thrown.base}`, LINE, '  ')),
    ...(thrown.working === null ? [] : wrapped(`${working} threw ${thrown.working}`, LINE, '  ')),
    ...context.kept.map((line) => `  ${line}`),
  ];
}
