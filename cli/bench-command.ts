/** The flags of `vmlockstep bench`. */
import { Argument, type Command, Option } from 'commander';
import { InputError } from '../contract/input-error.ts';
import type { Alikeness } from '../properties/symptoms.ts';
import type { NewVerb, Run } from './command-options.ts';
import { durationFlag, textFlag, wholeFlag, workersFlag } from './flags.ts';
import type { Output } from './output.ts';

type What = 'lockstep' | 'shrink' | 'rivals';

interface BenchFlags {
  readonly json?: boolean;
  readonly seeds?: number;
  readonly faults?: string;
  readonly alike: Alikeness;
  readonly out?: string;
  readonly arms?: string;
  readonly budget: number;
  readonly all?: boolean;
  readonly time: number;
  readonly workers?: number;
  readonly doc: string;
  readonly part?: string;
}

const MOST_SEEDS = 1000;
const MOST_OPERATIONS = 10_000_000;

/** Which measurements each flag belongs to. */
const BELONGS: Readonly<Record<string, readonly What[]>> = {
  seeds: ['shrink', 'rivals'],
  faults: ['shrink', 'rivals'],
  out: ['shrink', 'rivals'],
  alike: ['shrink'],
  arms: ['rivals'],
  budget: ['rivals'],
  all: ['rivals'],
  time: ['rivals'],
  workers: ['rivals'],
  doc: ['rivals'],
};

/** Adds the verb. */
export function addBench(verb: NewVerb, out: Output, run: Run): void {
  const bench = verb(
    'bench',
    'Measures the lockstep and the allocation workloads on this machine, the shrinker, or ours against rivals.',
  )
    .addArgument(
      new Argument(
        '[what]',
        'shrink: how short failures of faulty kernels become; rivals: how soon they are found, beside fast-check alone',
      ).choices(['shrink', 'rivals']),
    )
    .option('--json', 'one JSON document on stdout')
    .addOption(
      new Option(
        '--seeds <n>',
        'shrink, rivals: failures of each fault (default: 60 for shrink, 5 for rivals)',
      ).argParser(wholeFlag(1, MOST_SEEDS)),
    )
    .addOption(
      new Option('--faults <names>', 'shrink, rivals: faulty kernels, separated by commas (default: all)'),
    )
    .addOption(
      new Option('--alike <how>', 'shrink: what a shrunk failure must have in common with the one found')
        .choices(['signature', 'symptom'])
        .default('symptom'),
    )
    .addOption(
      new Option(
        '--out <file>',
        'shrink, rivals: keeps what is measured, to go on after an interruption (default: out/WHAT-bench.json)',
      ).argParser(textFlag),
    );
  addRivalsFlags(bench).action(
    (what: Exclude<What, 'lockstep'> | undefined, flags: BenchFlags, command: Command) =>
      run(async () => {
        refuseStrange(what ?? 'lockstep', command);
        const names = flags.faults?.split(',').map((name) => name.trim()) ?? null;
        const json = flags.json === true;
        if (what === undefined) {
          const { benchCommand } = await import('./bench.ts');
          return benchCommand(flags, out);
        }
        if (what === 'shrink') {
          const { benchShrinkCommand } = await import('./bench-shrink.ts');
          const { alike, seeds = 60, out: file = 'out/shrink-bench.json' } = flags;
          return benchShrinkCommand({ seeds, faults: names, alike, json, out: file }, out);
        }
        const { benchRivalsCommand } = await import('./bench-rivals.ts');
        const { seeds = 5, out: file = 'out/rivals-bench.json', budget, time, doc } = flags;
        const arms = flags.arms?.split(',').map((name) => name.trim()) ?? null;
        const options = {
          seeds,
          faults: names,
          arms,
          budget,
          json,
          out: file,
          all: flags.all === true,
          time,
          doc,
        };
        return benchRivalsCommand(
          { ...options, workers: flags.workers ?? null, part: flags.part ?? null },
          out,
        );
      }),
  );
}

const addRivalsFlags = (bench: Command): Command =>
  bench
    .addOption(
      new Option('--arms <names>', 'rivals: arms, separated by commas (default: all)').argParser(textFlag),
    )
    .addOption(
      new Option('--budget <operations>', 'rivals: operations until a failure is found')
        .default(10_000)
        .argParser(wholeFlag(1, MOST_OPERATIONS)),
    )
    .addOption(new Option('--all', 'rivals: a row for each fault'))
    .addOption(
      new Option('--time <time>', 'rivals: ends after that time with what there is; the same command goes on')
        .default(14 * 60_000, '14m')
        .argParser(durationFlag),
    )
    .addOption(
      new Option('--workers <n>', 'rivals: processes (default: as many as cores, up to 4)').argParser(
        workersFlag,
      ),
    )
    .addOption(
      new Option('--doc <file>', 'rivals: the page that a complete measurement of all faults writes')
        .default('docs/rivals.md')
        .argParser(textFlag),
    )
    .addOption(new Option('--part <i/n>', 'rivals: one process of several').hideHelp());

/** Refuses a flag that would do nothing. */
function refuseStrange(what: What, command: Command): void {
  for (const [name, whats] of Object.entries(BELONGS)) {
    if (command.getOptionValueSource(name) !== 'cli' || whats.includes(what)) continue;
    const right = whats.map((other) => `bench ${other}`).join(' and ');
    throw new InputError(`--${name}: belongs to ${right}; write that, or leave it out`);
  }
}
