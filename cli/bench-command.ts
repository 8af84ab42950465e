/** The flags of `vmlockstep bench`. */
import { Argument, type Command, Option } from 'commander';
import { InputError } from '../contract/input-error.ts';
import type { Alikeness } from '../properties/symptoms.ts';
import type { NewVerb, Run } from './command-options.ts';
import { textFlag, wholeFlag } from './flags.ts';
import type { Output } from './output.ts';

interface BenchFlags {
  readonly json?: boolean;
  readonly seeds: number;
  readonly faults?: string;
  readonly alike: Alikeness;
  readonly out: string;
}

const MOST_SEEDS = 1000;

/** Adds the verb. */
export function addBench(verb: NewVerb, out: Output, run: Run): void {
  verb('bench', 'Measures the lockstep and the allocation workloads on this machine, or the shrinker.')
    .addArgument(
      new Argument('[what]', 'shrink: how short failures of faulty kernels become').choices(['shrink']),
    )
    .option('--json', 'one JSON document on stdout')
    .addOption(
      new Option('--seeds <n>', 'shrink: failures of each fault')
        .default(60)
        .argParser(wholeFlag(1, MOST_SEEDS)),
    )
    .addOption(new Option('--faults <names>', 'shrink: faulty kernels, separated by commas (default: all)'))
    .addOption(
      new Option('--alike <how>', 'shrink: what a shrunk failure must have in common with the one found')
        .choices(['signature', 'symptom'])
        .default('symptom'),
    )
    .addOption(
      new Option('--out <file>', 'shrink: keeps what is measured, to go on after an interruption')
        .default('out/shrink-bench.json')
        .argParser(textFlag),
    )
    .action((what: string | undefined, flags: BenchFlags, command: Command) =>
      run(async () => {
        if (what === undefined) {
          refuseForLockstep(command);
          const { benchCommand } = await import('./bench.ts');
          return benchCommand(flags, out);
        }
        const { benchShrinkCommand } = await import('./bench-shrink.ts');
        const { seeds, faults, alike, json } = flags;
        const names = faults?.split(',').map((name) => name.trim()) ?? null;
        return benchShrinkCommand({ seeds, faults: names, alike, json: json === true, out: flags.out }, out);
      }),
    );
}

/** Refuses a flag that would do nothing. */
function refuseForLockstep(command: Command): void {
  for (const name of ['seeds', 'faults', 'alike', 'out'])
    if (command.getOptionValueSource(name) === 'cli')
      throw new InputError(`--${name}: belongs to bench shrink; write bench shrink, or leave it out`);
}
