/** The verb `corpus` and its own verbs. */
import { type Command, Option } from 'commander';
import { InputError } from '../contract/input-error.ts';
import { kernelOption, type NewVerb, type Run, refuseLoneTimeout, timeoutOption } from './command-options.ts';
import { type CorpusDirectory, DEFAULT_CORPUS } from './corpus-files.ts';
import { textFlag } from './flags.ts';
import type { Output } from './output.ts';
import { refuseRepetition } from './usage.ts';

interface CorpusFlags {
  readonly corpus: string;
  readonly kernel?: string;
  readonly kernelTimeout: number;
  readonly dryRun?: boolean;
}

const corpusOption = (): Option =>
  new Option('--corpus <dir>', 'directory of the cases')
    .env('VMLOCKSTEP_CORPUS')
    .default(DEFAULT_CORPUS)
    .argParser(textFlag);

/** The directory that a flag or the environment names must be there; `corpus` may not have been begun. */
const directoryOf = ({ corpus: path }: CorpusFlags, command: Command): CorpusDirectory => ({
  path,
  given: command.getOptionValueSource('corpus') !== 'default',
});

/** Adds the verb; `bin` is the script that a thread starts with. */
export function addCorpus(verb: NewVerb, out: Output, bin: URL, run: Run): void {
  const corpus = verb(
    'corpus',
    'Stored cases, which check runs first: each says what it means, and is stale when it no longer means that.',
  );
  const part = (name: string, description: string): Command =>
    corpus.command(name).description(description).allowExcessArguments(false).addOption(corpusOption());
  part('list', 'One line a case: operations, what is expected, signature, status.').action(
    (flags: CorpusFlags, command: Command) =>
      run(async () => {
        const { listCorpus } = await import('./corpus.ts');
        return listCorpus(directoryOf(flags, command), out);
      }),
  );
  part('add', 'Judges scenario files and keeps them under the name that follows from their failure.')
    .argument('<files...>', 'scenario files')
    .addOption(
      new Option(
        '--kernel <module>',
        'fault:NAME that is to fail on them for ever, or an outside kernel that they are judged on, where they are to hold',
      ).argParser(textFlag),
    )
    .addOption(timeoutOption())
    .action((files: string[], flags: CorpusFlags, command: Command) =>
      run(async () => {
        refuseLoneTimeout(command);
        const { addToCorpus } = await import('./corpus-add-command.ts');
        const { kernel = null, kernelTimeout } = flags;
        return addToCorpus(directoryOf(flags, command), files, { kernel, kernelTimeout, bin }, out);
      }),
    );
  part('verify', 'Runs every case several times: ok, failed, flaky (status 5) or stale (status 6).')
    .addOption(kernelOption())
    .addOption(timeoutOption())
    .action((flags: CorpusFlags, command: Command) =>
      run(async () => {
        refuseLoneTimeout(command);
        const { verifyCorpus } = await import('./corpus.ts');
        const { kernel = null, kernelTimeout } = flags;
        return verifyCorpus(directoryOf(flags, command), { kernel, kernelTimeout, bin }, out);
      }),
    );
  part('min', 'Drops the cases whose operations, goals and signatures others show too.')
    .option('--dry-run', 'only say which')
    .action((flags: CorpusFlags, command: Command) =>
      run(async () => {
        const { minimizeCorpus } = await import('./corpus.ts');
        return minimizeCorpus(directoryOf(flags, command), flags.dryRun === true, out);
      }),
    );
  part('migrate', 'Rewrites files of older versions, the cases or the files named.')
    .argument('[files...]', 'scenario files (default: all cases)')
    .option('--dry-run', 'only say which')
    .action((files: string[], flags: CorpusFlags, command: Command) =>
      run(async () => {
        if (files.some((file) => file === '-'))
          throw new InputError('corpus migrate: standard input cannot be rewritten; name files');
        const { migrateCorpus } = await import('./corpus.ts');
        return migrateCorpus(directoryOf(flags, command), files, flags.dryRun === true, out);
      }),
    );
  for (const command of corpus.commands) refuseRepetition(command);
}
