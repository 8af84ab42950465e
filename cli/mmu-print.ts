/** What `mmu` prints: the sums, the combinations of bits, or one JSON document. */
import { COMBINATIONS, SORT_ROWS } from '../judge/combinations.ts';
import { V86_VERSION } from '../judge/guest.ts';
import type { LockstepReport } from '../properties/verdict.ts';
import { counted, table } from '../report/tables.ts';
import { type ExitStatus, tallyLine } from './exit-status.ts';
import type { MmuSums } from './mmu-crew.ts';
import { LEAST_STATES, type MmuOptions } from './mmu-options.ts';

/** What a run came to. */
export interface MmuResult {
  readonly kernel: string;
  readonly sums: MmuSums;
  /** Scenarios that hold, up to the first that does not. */
  readonly passed: number;
  readonly failure: LockstepReport | null;
  readonly interrupted: boolean;
  /** Path of the stored scenario, or null. */
  readonly stored: string | null;
  /** What the run promises and did not reach. */
  readonly unmet: readonly string[];
  /** Why the kernel is flaky, or null. */
  readonly flaky: string | null;
  /** In what way a stored scenario no longer means what it meant, or null. */
  readonly stale: string | null;
}

/** Combinations that were not seen, in the order of the table. */
export const missingIn = ({ combinations }: MmuSums): string[] =>
  COMBINATIONS.filter((name) => !combinations.has(name));

const number = (value: number): string => value.toLocaleString('en-US');

/** What was judged, and how many of the combinations of each sort were among it. */
export function sumLines({ sums }: MmuResult): string[] {
  const right = (heading: string) => ({ heading, align: 'right' as const });
  const seen = (name: string): number =>
    [...sums.combinations].filter((combination) => combination.startsWith(`${name}: `)).length;
  return [
    `${counted(sums.states.size, 'different state')} judged of ${counted(sums.scenarios, 'scenario')}:`,
    `  ${number(sums.probes)} probes, each with its word or page fault, CR2, A and D bits,`,
    `  ${number(sums.words)} words of directories and page tables through the recursive window`,
    '',
    ...table(
      [{ heading: 'words' }, right('seen'), right('possible')],
      SORT_ROWS.map(([name, possible]) => [name, number(seen(name)), number(possible)]),
    ),
  ];
}

/** The last lines of a run of generated scenarios. */
export const combinationLines = ({ sums, unmet }: MmuResult): string[] => [
  `combinations seen ${COMBINATIONS.length - missingIn(sums).length} of ${COMBINATIONS.length}`,
  ...unmet.map((what) => `gate: ${what}`),
];

/** The closing line: scenarios. */
export const mmuTally = ({ passed, failure, stale }: MmuResult): string =>
  failure === null && stale !== null ? tallyLine(0, 1, 0) : tallyLine(passed, failure === null ? 0 : 1, 0);

/** The run as one document. */
export function mmuDocument(
  { kernel, sums, failure, interrupted, stored, unmet, flaky, stale }: MmuResult,
  { file, seed, runs, workload }: MmuOptions,
  exit: ExitStatus,
): object {
  return {
    version: 1,
    verb: 'mmu',
    kernel,
    guest: `v86 ${V86_VERSION}`,
    ...(file === null ? { seed, runs, workload } : { file }),
    scenarios: sums.scenarios,
    states: { judged: sums.judged, different: sums.states.size, least: LEAST_STATES },
    probes: sums.probes,
    words: sums.words,
    combinations: {
      seen: COMBINATIONS.length - missingIn(sums).length,
      possible: COMBINATIONS.length,
      missing: missingIn(sums),
    },
    interrupted,
    unmet,
    flaky,
    stale,
    failure:
      failure === null
        ? null
        : { ...failure.failure, operations: failure.scenario.operations.length, stored },
    exit,
  };
}
