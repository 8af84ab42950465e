/** `vmlockstep bench shrink`: how short, how alike and how cheap shrunk scenarios are, over faulty kernels and seeds. */
import { dirname } from 'node:path';
import { benchShrink } from '../bench/shrink.ts';
import { type ShrinkFigures, type ShrinkSummary, summaryOf } from '../bench/shrink-summary.ts';
import { InputError } from '../contract/input-error.ts';
import { FAULTY_KERNELS } from '../faults/kernels.ts';
import { canLoadFaults } from '../faults/load.ts';
import type { Alikeness } from '../properties/symptoms.ts';
import { counted, table } from '../report/tables.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { quoted, suggestion } from './nearest.ts';
import { checkDirectory, makeDirectory } from './out-directory.ts';
import type { Output } from './output.ts';

/** The verb's flags. */
export interface BenchShrinkOptions {
  readonly seeds: number;
  /** Null: all. */
  readonly faults: readonly string[] | null;
  readonly alike: Alikeness;
  readonly json: boolean;
  readonly out: string;
}

/** Where found failures are kept from one measurement to the next. */
const CACHE = 'out/shrink-find.json';

const percent = (value: number): string => `${(100 * value).toFixed(1)}`;

/** Runs the verb. */
export async function benchShrinkCommand(options: BenchShrinkOptions, out: Output): Promise<ExitStatus> {
  if (!canLoadFaults())
    throw new InputError(
      'bench shrink: needs the TypeScript sources and compiler; run it in a clone after npm ci',
    );
  const names = FAULTY_KERNELS.map(({ name }) => name);
  const unknown = options.faults?.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new InputError(
      `bench shrink: no faulty kernel is called ${quoted(unknown)}${suggestion(unknown, names)}`,
    );
  for (const directory of new Set([dirname(options.out), dirname(CACHE)])) {
    checkDirectory(directory);
    makeDirectory(directory);
  }
  const interruption = new AbortController();
  const onSignal = (): void => {
    out.note('interrupted: finishing the scenario in progress; the same command goes on from here');
    interruption.abort();
  };
  process.once('SIGINT', onSignal);
  const measured = await benchShrink({
    seeds: options.seeds,
    faults: options.faults ?? names,
    alike: options.alike,
    file: options.out,
    cache: CACHE,
    onProgress: out.progress,
    shouldStop: () => interruption.signal.aborted,
  });
  process.off('SIGINT', onSignal);
  const summary = summaryOf(measured);
  if (options.json) out.line(JSON.stringify({ version: 1, alike: options.alike, ...summary }, null, 2));
  else out.lines(textOf(summary));
  return interruption.signal.aborted ? EXIT.interrupted : EXIT.passed;
}

const numeric = (heading: string) => ({ heading, align: 'right' as const });

const FIGURES = [
  numeric('trials'),
  numeric('minimal %'),
  numeric('ratio'),
  numeric('executions p50'),
  numeric('p90'),
  numeric('certified %'),
  numeric('same signature %'),
  numeric('sound %'),
];

const figures = ({
  trials,
  exact,
  ratio,
  executions,
  certified,
  sameSignature,
  sound,
}: ShrinkFigures): string[] => [
  `${trials}`,
  percent(exact),
  ratio.toFixed(3),
  ...executions.map(String),
  percent(certified),
  percent(sameSignature),
  percent(sound),
];

function textOf({ faults, lengths, sources, total }: ShrinkSummary): string[] {
  return [
    ...table(
      [
        { heading: 'fault' },
        numeric('minimum'),
        { heading: 'taken from' },
        ...FIGURES,
        numeric('distinct'),
        numeric('signatures found'),
      ],
      faults.map((fault) => [
        fault.name,
        `${fault.minimum}`,
        fault.source,
        ...figures(fault),
        `${fault.distinct}`,
        `${fault.signatures}`,
      ]),
    ),
    '',
    ...table(
      [numeric('minimum'), ...FIGURES],
      lengths.map((length) => [`${length.minimum}`, ...figures(length)]),
    ),
    '',
    ...table(
      [{ heading: 'minimum taken from' }, numeric('faults'), ...FIGURES],
      Object.entries(sources).map(([source, one]) => [source, `${one.faults}`, ...figures(one)]),
    ),
    '',
    `${counted(total.faults, 'faulty kernel')}, ${counted(total.trials, 'trial')}: ${percent(total.exact)} % exactly minimal, ` +
      `mean ratio ${total.ratio.toFixed(3)}, at most ${total.mostDistinct} distinct results, ` +
      `executions ${total.executions.join(' (median) and ')} (p90), ${percent(total.certified)} % certified, ${percent(total.sound)} % sound`,
  ];
}
