/** What a campaign did, as text. */
import { counted, table, wrapped } from './tables.ts';

/** How often one kind of operation ran and how it ended. */
export interface KindRow {
  readonly name: string;
  readonly executed: number;
  readonly succeeded: number;
  /** Answered none, a KERN code, a trap or a rejection. */
  readonly refused: number;
  readonly slept: number;
  readonly panicked: number;
}

/** One reachability goal and how often it was met. */
export interface GoalRow {
  readonly id: string;
  readonly claim: string;
  readonly count: number;
}

/** A share of all operations: as the workload fixes it, and as it was measured. */
export interface ShareRow {
  readonly name: string;
  readonly fixed: number;
  readonly measured: number;
}

/** Everything that the closing table of a campaign shows. */
export interface CampaignSummary {
  readonly kernel: string;
  readonly seed: number;
  readonly workload: string;
  readonly scenarios: number;
  readonly emptyScenarios: number;
  readonly operations: number;
  /** Wall-clock seconds; null where output must not depend on the machine. */
  readonly seconds: number | null;
  readonly kinds: readonly KindRow[];
  readonly goals: readonly GoalRow[];
  readonly shares: readonly ShareRow[];
}

const LINE = 104;
const count = (value: number): string => value.toLocaleString('en-US');
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** So few operations take no time that would say anything about speed. */
const FEW_OPERATIONS = 1_000;

/** Operations a second, or an empty text for an untimed summary. */
function speed({ operations, seconds }: CampaignSummary): string {
  if (seconds === null || seconds <= 0) return '';
  if (operations < FEW_OPERATIONS) return `${seconds.toFixed(1)} s`;
  return `${count(Math.round(operations / seconds))} operations per second, ${seconds.toFixed(1)} s`;
}

/** The workload that is meant to reach every goal; a single one is not, so that nothing is missed there. */
const WHOLE_MIX = 'default';
/** Goals that are named where more are missed. */
const MOST_MISSED = 12;

function missedLines(missed: readonly GoalRow[]): string[] {
  const more = missed.length - MOST_MISSED;
  return [
    ...missed
      .slice(0, MOST_MISSED)
      .flatMap(({ id, claim }) => wrapped(`missed ${id}: ${claim}`, LINE - 2, '  ')),
    ...(more > 0 ? [`  … and ${more} more missed (--json has all)`] : []),
  ];
}

/** The table per kind, the goals that were missed by the mix of all workloads, and what `totalLines` says. */
export function summaryLines(summary: CampaignSummary): string[] {
  const reached = summary.goals.filter((goal) => goal.count > 0).length;
  const missed = summary.goals.filter((goal) => goal.count === 0);
  return [
    ...kindTable(summary.kinds),
    '',
    `goals reached: ${reached}/${summary.goals.length}`,
    ...(summary.workload === WHOLE_MIX ? missedLines(missed) : []),
    ...summary.shares.map(
      ({ name, fixed, measured }) => `${name}: ${percent(measured)} measured, ${percent(fixed)} fixed`,
    ),
    ...totalLines(summary),
  ];
}

/** What ran, how much of it and how fast: all that matters beside a failure. */
export const totalLines = (summary: CampaignSummary): string[] => [
  `kernel ${summary.kernel}, seed ${summary.seed}, workload ${summary.workload}`,
  [counted(summary.scenarios, 'scenario'), counted(summary.operations, 'operation'), speed(summary)]
    .filter((part) => part !== '')
    .join(', '),
  ...(summary.emptyScenarios > 0 ? [counted(summary.emptyScenarios, 'empty scenario')] : []),
];

function kindTable(kinds: readonly KindRow[]): string[] {
  const columns = ['operation', 'executed', 'succeeded', 'refused', 'slept', 'panicked'];
  return table(
    columns.map((heading, i) => ({ heading, align: i === 0 ? 'left' : 'right' })),
    kinds.map((kind) => [
      kind.name,
      count(kind.executed),
      count(kind.succeeded),
      count(kind.refused),
      count(kind.slept),
      count(kind.panicked),
    ]),
  );
}
