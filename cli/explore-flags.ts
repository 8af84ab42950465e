/** The flags of `vmlockstep explore`. */
import { InvalidArgumentError, Option } from 'commander';
import type { AlphabetName } from '../properties/explore-ground.ts';
import { kernelOption, type NewVerb, type Run, refuseLoneTimeout, timeoutOption } from './command-options.ts';
import { DEFAULTS } from './explore-options.ts';
import { textFlag, wholeFlag, workersFlag } from './flags.ts';
import type { Output } from './output.ts';

const MOST_PAGES_EACH = 64;

/** `--sizes`: `0..3`, or `0,1,3`. */
export function sizesFlag(text: string): number[] {
  const range = /^(\d{1,2})\.\.(\d{1,2})$/.exec(text);
  const [least, most] = [Number(range?.[1] ?? 0), Number(range?.[2] ?? 0)];
  const list = /^\d{1,2}(,\d{1,2})*$/.test(text) ? text.split(',').map(Number) : [];
  const sizes =
    range === null ? list : Array.from({ length: Math.max(0, most - least + 1) }, (_, i) => least + i);
  const ascending = [...new Set(sizes)].sort((one, other) => one - other);
  if ((ascending.at(-1) ?? 0) === 0 || ascending.some((size) => size > MOST_PAGES_EACH))
    throw new InvalidArgumentError(
      `Give sizes in pages, such as 0..3 or 0,1,3, of which one is above 0 and none above ${MOST_PAGES_EACH}.`,
    );
  return ascending;
}

interface ExploreFlags {
  readonly depth: number;
  readonly pages: number;
  readonly entries: number;
  readonly maps: number;
  readonly sizes: readonly number[];
  readonly alphabet: AlphabetName;
  readonly workers?: number;
  readonly kernel?: string;
  readonly kernelTimeout: number;
  readonly json?: boolean;
  readonly out: string;
  readonly fresh?: boolean;
}

const count = (flag: string, what: string, preset: number, most: number): Option =>
  new Option(`${flag} <n>`, what).default(preset).argParser(wholeFlag(1, most));

/** Adds the verb. */
export function addExplore(verb: NewVerb, out: Output, bin: URL, run: Run): void {
  const command = verb(
    'explore',
    'Runs every sequence of operations up to a depth on a tiny machine, each state once, breadth first: what it finds ' +
      'first is as short as can be. Goes on where an earlier run of the same search stopped.',
  );
  command
    .addOption(count('--depth', 'most operations in a sequence', DEFAULTS.depth, 50))
    .addOption(count('--pages', 'managed frames of the machine', DEFAULTS.pages, 64))
    .addOption(count('--entries', 'static map entries', DEFAULTS.entries, 64))
    .addOption(count('--maps', 'live maps, the kernel map included', DEFAULTS.maps, 6))
    .addOption(
      new Option('--sizes <pages>', 'sizes of allocations, such as 0..3 or 0,1,3')
        .default(sizesFlag(DEFAULTS.sizes), DEFAULTS.sizes)
        .argParser(sizesFlag),
    )
    .addOption(
      new Option('--alphabet <name>', 'core: what callers do; full: every operation, everywhere')
        .choices(['core', 'full'])
        .default(DEFAULTS.alphabet),
    )
    .addOption(
      new Option(
        '--workers <n>',
        'threads to search in (default: one for each core; one for an outside kernel)',
      )
        .env('VMLOCKSTEP_WORKERS')
        .argParser(workersFlag),
    )
    .addOption(kernelOption())
    .addOption(timeoutOption())
    .option('--json', 'one JSON document on stdout')
    .addOption(
      new Option('--out <dir>', 'where checkpoints and failing scenarios are kept')
        .default('out')
        .argParser(textFlag),
    )
    .option('--fresh', 'begin anew, whatever an earlier run left')
    .action((flags: ExploreFlags) => {
      refuseLoneTimeout(command);
      run(async () => {
        const { exploreVerb } = await import('./explore.ts');
        return exploreVerb(
          {
            ...flags,
            workers: flags.workers ?? null,
            kernel: flags.kernel ?? null,
            json: flags.json === true,
            fresh: flags.fresh === true,
          },
          out,
          bin,
        );
      });
    });
}
