/** What `explore` prints: a table by depth, the failure, or one JSON document. */
import type { LevelCounts } from '../properties/explore-atlas.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { counted, table } from '../report/tables.ts';
import { type ExitStatus, tallyLine } from './exit-status.ts';
import { type ExploreOptions, searchOf } from './explore-options.ts';

/** What a search came to. */
export interface ExploreResult {
  readonly kernel: string;
  /** Counts by depth, up to the depth asked for. */
  readonly levels: readonly LevelCounts[];
  /** True where every sequence was tried that the depth allows. */
  readonly complete: boolean;
  readonly interrupted: boolean;
  readonly failure: LockstepReport | null;
  /** Path of the stored scenario, or null. */
  readonly stored: string | null;
}

/** Counts of all depths together. */
export const totalOf = (levels: readonly LevelCounts[]): Omit<LevelCounts, 'depth'> => {
  const sum = (of: keyof LevelCounts): number => levels.reduce((total, level) => total + level[of], 0);
  return {
    states: sum('states'),
    transitions: sum('transitions'),
    duplicates: sum('duplicates'),
    panics: sum('panics'),
  };
};

const number = (value: number): string => value.toLocaleString('en-US');
const share = ({ duplicates, transitions }: Pick<LevelCounts, 'duplicates' | 'transitions'>): string =>
  transitions === 0 ? '' : ((100 * duplicates) / transitions).toFixed(1);

/** A row for each depth. `seconds`: time spent on it by this run; missing where an earlier run did it. */
export function levelLines(levels: readonly LevelCounts[], seconds: ReadonlyMap<number, number>): string[] {
  const right = (heading: string) => ({ heading, align: 'right' as const });
  const speed = (transitions: number, time: number | undefined): string =>
    time === undefined || time < 0.05 ? '' : number(Math.round(transitions / time));
  const row = (name: string, level: Omit<LevelCounts, 'depth'>, time: number | undefined): string[] => [
    name,
    number(level.states),
    number(level.transitions),
    number(level.duplicates),
    share(level),
    number(level.panics),
    speed(level.states, time),
    speed(level.transitions, time),
  ];
  return table(
    [
      { heading: 'depth' },
      right('states'),
      right('transitions'),
      right('duplicates'),
      right('merged %'),
      right('panics'),
      right('states/s'),
      right('transitions/s'),
    ],
    [
      ...levels.map((level) => row(String(level.depth), level, seconds.get(level.depth))),
      row('all', totalOf(levels), undefined),
    ],
  );
}

/** Transitions that held. */
const passedOf = ({ levels, failure }: ExploreResult): number =>
  Math.max(0, totalOf(levels).transitions - (failure === null ? 0 : 1));

/** The closing line: transitions that held. */
export const closingLine = (result: ExploreResult): string =>
  tallyLine(passedOf(result), result.failure === null ? 0 : 1, 0);

/** What the search covered, in a sentence. */
export const coverageLine = ({ levels, complete }: ExploreResult, { depth }: ExploreOptions): string => {
  const { states, transitions } = totalOf(levels);
  const what = `${counted(states, 'state')}, ${counted(transitions, 'transition')}`;
  return complete ? `every sequence of up to ${depth} operations: ${what}` : `not finished: ${what}`;
};

/** The whole result: fixed key order, nothing that differs from run to run. */
export function exploreDocument(result: ExploreResult, options: ExploreOptions, exit: ExitStatus): object {
  const { kernel, levels, complete, interrupted, failure, stored } = result;
  const { depth, pages, entries, maps, sizes, alphabet } = options;
  return {
    version: 1,
    verb: 'explore',
    kernel,
    depth,
    alphabet,
    pages,
    entries,
    maps,
    sizes,
    machine: searchOf(options).machine,
    ...totalOf(levels),
    levels,
    complete,
    interrupted,
    passed: passedOf(result),
    failed: failure === null ? 0 : 1,
    skipped: 0,
    exit,
    failure:
      failure === null
        ? null
        : {
            ...failure.failure,
            scenario: failure.scenario,
            expected: failure.expected,
            actual: failure.actual,
            stored,
          },
  };
}
