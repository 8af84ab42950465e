/** The flags of `vmlockstep check`. */
import { randomInt } from 'node:crypto';
import { type Command, Option } from 'commander';
import { InputError } from '../contract/input-error.ts';
import {
  DEFAULT_SEED,
  kernelOption,
  type NewVerb,
  type Run,
  refuseLoneTimeout,
  shrinkTimeOption,
  timeoutOption,
} from './command-options.ts';
import { type CorpusDirectory, DEFAULT_CORPUS } from './corpus-files.ts';
import type { EventOptions } from './events.ts';
import { durationFlag, runsFlag, type SeedFlag, seedFlag, textFlag, workersFlag } from './flags.ts';
import { quoted, suggestion } from './nearest.ts';
import type { Output } from './output.ts';

interface CheckFlags {
  readonly seed: SeedFlag;
  readonly runs?: number;
  readonly time?: number;
  readonly shrinkTime: number;
  readonly workload?: string;
  readonly kernel?: string;
  readonly kernelTimeout: number;
  readonly json?: boolean;
  readonly requireGoals?: boolean;
  readonly out: string;
  readonly corpus: string | false;
  readonly workers?: number;
  readonly events?: string;
  readonly eventsTiming?: boolean;
}

/** Adds the verb. */
export function addCheck(verb: NewVerb, out: Output, bin: URL, run: Run): void {
  verb(
    'check',
    'Generates scenarios and runs them on the model and the kernel, all invariants on. Without --runs, --time and ' +
      '--workload: about 120,000 operations, and every operation and goal must have been reached (of an outside ' +
      'kernel: every operation that it declares; its goals bind with --require-goals).',
  )
    .addOption(
      new Option('--seed <n>', 'whole number, or random')
        .env('VMLOCKSTEP_SEED')
        .default(DEFAULT_SEED)
        .argParser(seedFlag),
    )
    .addOption(new Option('--runs <n>', 'scenarios to run').env('VMLOCKSTEP_RUNS').argParser(runsFlag))
    .addOption(
      new Option('--time <time>', 'time to run, such as 60s or 5m')
        .env('VMLOCKSTEP_TIME')
        .argParser(durationFlag),
    )
    .addOption(shrinkTimeOption('--shrink-time <time>'))
    .addOption(
      new Option(
        '--workload <name>',
        'one workload instead of the mix of all (see list workloads)',
      ).argParser(textFlag),
    )
    .addOption(kernelOption())
    .addOption(timeoutOption())
    .addOption(
      new Option(
        '--workers <n>',
        'threads to run in (default: one for each core, at most 4; 1 with --kernel)',
      )
        .env('VMLOCKSTEP_WORKERS')
        .argParser(workersFlag),
    )
    .option('--json', 'one JSON document on stdout')
    .addOption(
      new Option('--events <file>', 'new file for one JSON line per scenario, or - for stdout').argParser(
        textFlag,
      ),
    )
    .option('--events-timing', 'with times in it, which differ from run to run')
    .option('--require-goals', 'fail with status 3 also in a run with --runs, --time or --workload')
    .addOption(
      new Option('--out <dir>', 'where failing scenarios are kept').default('out').argParser(textFlag),
    )
    .addOption(
      new Option('--corpus <dir>', 'stored cases to run first')
        .env('VMLOCKSTEP_CORPUS')
        .default(DEFAULT_CORPUS)
        .argParser(textFlag),
    )
    .option('--no-corpus', 'without stored cases')
    .action((flags: CheckFlags, command: Command) =>
      run(async () => {
        refuseLoneTimeout(command);
        const { checkVerb } = await import('./check.ts');
        if (flags.workload !== undefined) await refuseUnknownWorkload(flags.workload);
        return checkVerb(
          {
            seed: flags.seed === 'random' ? randomInt(0x7fff_ffff) : flags.seed,
            runs: flags.runs ?? null,
            milliseconds: flags.time ?? null,
            shrinkMilliseconds: flags.shrinkTime,
            workload: flags.workload ?? null,
            kernel: flags.kernel ?? null,
            kernelTimeout: flags.kernelTimeout,
            json: flags.json === true,
            requireGoals: flags.requireGoals === true,
            out: flags.out,
            corpus: corpusOption(flags.corpus, command),
            workers: flags.workers ?? null,
            events: eventOptions(flags),
          },
          out,
          bin,
        );
      }),
    );
}

/** The directory that a flag or the environment names must be there; `corpus` may be missing. */
function corpusOption(corpus: string | false, command: Command): CorpusDirectory | null {
  if (corpus === false) return null;
  return { path: corpus, given: command.getOptionValueSource('corpus') !== 'default' };
}

function eventOptions({ events, eventsTiming, json }: CheckFlags): EventOptions | null {
  if (events === '-' && json === true)
    throw new InputError('--events -: stdout is taken by --json; name a file for one of the two');
  if (events === undefined && eventsTiming === true)
    throw new InputError('--events-timing: there is no event stream; add --events FILE');
  return events === undefined ? null : { file: events, timing: eventsTiming === true };
}

async function refuseUnknownWorkload(name: string): Promise<void> {
  const { WORKLOADS } = await import('../properties/workloads.ts');
  const names = Object.keys(WORKLOADS);
  if (!names.includes(name))
    throw new InputError(`--workload: no workload is called ${quoted(name)}${suggestion(name, names)}`);
}
