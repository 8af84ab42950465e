/** What `guard` prints and writes. */
import type { GuardFinding, GuardResult } from '../properties/guard.ts';
import { guardLines } from '../report/guard.ts';
import { counted, table } from '../report/tables.ts';
import { shellWord } from './command-text.ts';
import { type ExitStatus, tallyLine } from './exit-status.ts';
import { type GuardOptions, guardCommand } from './guard-options.ts';
import type { Places } from './guard-places.ts';
import { ratioWord } from './guard-ratio.ts';
import type { SpeedResult, SpeedRow } from './guard-speed.ts';

/** A difference and where its scenario lies. */
export interface KeptFinding {
  readonly finding: GuardFinding;
  readonly path: string | null;
  /** Why it could not be kept, or null. */
  readonly fault: string | null;
}

/** All that a comparison came to. */
export interface GuardOutcome {
  readonly result: GuardResult;
  readonly kept: readonly KeptFinding[];
  readonly speed: SpeedResult | null;
  readonly status: ExitStatus;
}

type Names = Pick<Places, 'base' | 'working'>;

const SENTENCES = {
  meaning: 'A caller can tell the two apart.',
  structure:
    'No caller can tell the two apart: only entries, orders, frames or counts within the kernel differ.',
} as const;

function shortness({ shorter, doubt }: GuardFinding): string {
  return doubt === null
    ? `no shorter scenario differs so: ${counted(shorter, 'shorter one')} tried`
    : `a shorter one may exist: ${doubt}`;
}

function findingLines({ finding, path, fault }: KeptFinding, names: Names, options: GuardOptions): string[] {
  const { kind, origin, foundLength, report, thrown } = finding;
  const length = report.scenario.operations.length;
  const found = foundLength === length ? origin : `${origin}, shrunk from ${foundLength} to ${length}`;
  const kernel = options.kernel === null ? '' : ` --kernel ${shellWord(options.kernel)}`;
  return guardLines(report, {
    kind,
    base: names.base.label,
    working: names.working.label,
    origin: [SENTENCES[kind], found, shortness(finding)],
    thrown: { base: plainThrow(thrown.base), working: plainThrow(thrown.working) },
    kept:
      path === null
        ? [`not stored: ${fault}`]
        : [`stored in ${path}`, `npx vmlockstep replay ${shellWord(path)}${kernel} --show maps`],
  });
}

/** What a kernel threw, without the words that say which kernel and where: the scenario does. */
const plainThrow = (text: string | null): string | null =>
  text?.replace(/^InputError: kernel .*?: operation \d+ \(\w+\): (threw )?/, '') ?? null;

const percent = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${Math.round((ratio - 1) * 100)} %`;

/** `kmem_free: 2.1 times slower (1.9 to 2.3)`. */
export const slowerLine = ({ what, median, low, high }: SpeedRow): string =>
  `SLOWER ${what}: ${median.toFixed(1)} times slower (${low.toFixed(1)} to ${high.toFixed(1)})`;

/** Percent that nobody needs to hear of. */
const WITHIN = 20;
const isTelling = ({ low, high }: SpeedRow): boolean =>
  low > 1 + WITHIN / 100 || high < 1 / (1 + WITHIN / 100);

function speedLines({ rows, slower, untold, memory }: SpeedResult): string[] {
  const shown = rows.filter(
    (row) =>
      row.what === 'all operations' ||
      row.what.startsWith('workload') ||
      slower.includes(row.what) ||
      isTelling(row),
  );
  const alike = rows.length - shown.length;
  return [
    'time of the working kernel over that of the base (middle half of the rounds)',
    ...table(
      [
        { heading: '' },
        { heading: 'ratio', align: 'right' },
        { heading: '' },
        { heading: 'calls', align: 'right' },
      ],
      shown.map((row) => [row.what, ratioWord(row), percent(row.median), String(row.calls)]),
      '  ',
    ),
    ...(alike > 0
      ? [`  ${counted(alike, 'more operation')} within ${WITHIN} % of the base; --json has all`]
      : []),
    ...(memory === null ? [] : [`  memory of booted machines  ${ratioWord(memory)}`]),
    ...(untold.length === 0 ? [] : [`  too few calls to tell: ${untold.join(', ')}`]),
    ...rows.filter(({ what }) => slower.includes(what)).map(slowerLine),
  ];
}

/** The line that says what was compared with what, before anything runs. */
export const headLine = (names: Names): string =>
  `guard: ${names.working.label} against ${names.base.label}; whether either is right is not asked (check asks that)`;

/** What was run, in one line. */
function runLine({ given, generated, skipped, operations }: GuardResult, { seed }: GuardOptions): string {
  const parts = [
    counted(given, 'stored or recorded scenario'),
    `${counted(generated, 'generated one')} (seed ${seed})`,
    counted(operations, 'operation'),
  ];
  if (skipped > 0) parts.push(`${counted(skipped, 'scenario')} left out for operations that a kernel lacks`);
  return parts.join(', ');
}

/** Everything for a person. */
export function guardText(
  { result, kept, speed }: GuardOutcome,
  names: Names,
  options: GuardOptions,
): string[] {
  const { findings, uncompared, structural, notes } = result;
  const kinds = findings.map(({ kind }) => kind);
  return [
    ...kept.flatMap((each) => ['', ...findingLines(each, names, options)]),
    '',
    ...(speed === null ? [] : [...speedLines(speed), '']),
    runLine(result, options),
    ...notes.map((note) => `note: ${note}`),
    ...(uncompared.length > 0
      ? [`note: declared by one kernel alone, not compared: ${uncompared.join(', ')}`]
      : []),
    ...(structural ? [] : ['note: the kernels do not show their structure; only meaning is compared']),
    ...(kinds.includes('meaning') && options.bench
      ? ['note: speed is compared only of kernels that mean the same']
      : []),
    verdictLine(result),
    ...(findings.length > 0 ? [`again: ${guardCommand(options)}`] : []),
    closingLine(result),
  ];
}

function verdictLine({ findings, interrupted }: GuardResult): string {
  const kinds = findings.map(({ kind }) => kind);
  if (kinds.includes('meaning')) return 'the kernels differ in meaning';
  const so = interrupted ? ' so far' : '';
  if (kinds.includes('structure')) return `the kernels differ in structure alone${so}`;
  return `no difference${so}`;
}

const closingLine = ({ findings, given, generated, skipped }: GuardResult): string => {
  const failed = findings.filter(({ kind }) => kind === 'meaning').length;
  return tallyLine(given + generated - failed, failed, skipped);
};

/** Everything for a program. */
export const guardDocument = (
  { result, kept, speed, status }: GuardOutcome,
  names: Names,
  { seed, runs }: GuardOptions,
) => ({
  verb: 'guard',
  base: names.base.label,
  working: names.working.label,
  seed,
  runs,
  given: result.given,
  generated: result.generated,
  skipped: result.skipped,
  operations: result.operations,
  interrupted: result.interrupted,
  uncompared: result.uncompared,
  structural: result.structural,
  notes: result.notes,
  findings: kept.map(({ finding, path }) => ({
    kind: finding.kind,
    operations: finding.report.scenario.operations.length,
    number: finding.report.failure?.number ?? null,
    scenario: finding.report.scenario,
    differences: finding.report.failure?.differences ?? [],
    base: finding.report.expected,
    working: finding.report.actual,
    thrown: finding.thrown,
    found: { origin: finding.origin, operations: finding.foundLength },
    shorterTried: finding.shorter,
    doubt: finding.doubt,
    stored: path,
  })),
  speed,
  exitStatus: status,
});
