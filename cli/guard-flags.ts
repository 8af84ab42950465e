/** The flags of `vmlockstep guard`. */
import { randomInt } from 'node:crypto';
import { type Command, Option } from 'commander';
import { InputError } from '../contract/input-error.ts';
import { DEFAULT_SEED, kernelOption, type NewVerb, type Run, timeoutOption } from './command-options.ts';
import { DEFAULT_CORPUS } from './corpus-files.ts';
import { runsFlag, type SeedFlag, seedFlag, textFlag } from './flags.ts';
import { DEFAULT_RUNS } from './guard-options.ts';
import type { Output } from './output.ts';

interface GuardFlags {
  readonly base: string;
  readonly kernel?: string;
  readonly kernelTimeout: number;
  readonly build?: string;
  readonly seed: SeedFlag;
  readonly runs: number;
  readonly corpus: string | false;
  readonly out: string;
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly bench: boolean;
  readonly structure?: boolean;
  readonly failOnSlower?: boolean;
}

/** Adds the verb. */
export function addGuard(verb: NewVerb, out: Output, bin: URL, run: Run): void {
  verb(
    'guard',
    'Compares the kernel of the working tree with that of another revision: the shortest scenario in which they differ, ' +
      'in meaning or in structure alone, and how much slower or larger the new one is. Whether they are right is not asked.',
  )
    .addOption(
      new Option(
        '--base <revision|path>',
        'what to compare with: a revision of git, another tree, or a module',
      )
        .makeOptionMandatory()
        .argParser(textFlag),
    )
    .addOption(kernelOption())
    .addOption(timeoutOption())
    .addOption(
      new Option('--build <command>', 'what makes the module, run in a checkout of the base').argParser(
        textFlag,
      ),
    )
    .addOption(
      new Option('--seed <n>', 'whole number, or random')
        .env('VMLOCKSTEP_SEED')
        .default(DEFAULT_SEED)
        .argParser(seedFlag),
    )
    .addOption(
      new Option('--runs <n>', 'scenarios to generate')
        .env('VMLOCKSTEP_RUNS')
        .default(DEFAULT_RUNS)
        .argParser(runsFlag),
    )
    .addOption(
      new Option('--corpus <dir>', 'stored cases to run first')
        .env('VMLOCKSTEP_CORPUS')
        .default(DEFAULT_CORPUS)
        .argParser(textFlag),
    )
    .option('--no-corpus', 'without stored cases')
    .addOption(
      new Option('--out <dir>', 'where differing scenarios are kept').default('out').argParser(textFlag),
    )
    .option('--json', 'one JSON document on stdout')
    .option('--watch', 'again at every save, until Ctrl-C')
    .option('--no-bench', 'without comparing speed and memory')
    .option('--structure', 'status 1 also for a difference in structure alone')
    .option('--fail-on-slower', 'status 1 also for an operation that has become slower')
    .action((flags: GuardFlags, command: Command) =>
      run(async () => {
        if (flags.json === true && flags.watch === true)
          throw new InputError('--watch: prints a text at every save; leave --json out');
        const { guardVerb } = await import('./guard.ts');
        const { corpus } = flags;
        return guardVerb(
          {
            base: flags.base,
            kernel: flags.kernel ?? null,
            build: flags.build ?? null,
            kernelTimeout: flags.kernelTimeout,
            seed: flags.seed === 'random' ? randomInt(0x7fff_ffff) : flags.seed,
            runs: flags.runs,
            corpus:
              corpus === false
                ? null
                : { path: corpus, given: command.getOptionValueSource('corpus') !== 'default' },
            out: flags.out,
            json: flags.json === true,
            watch: flags.watch === true,
            bench: flags.bench,
            structure: flags.structure === true,
            failOnSlower: flags.failOnSlower === true,
          },
          out,
          bin,
        );
      }),
    );
}
