/** The flags of `vmlockstep shrink`. */
import { type Command, Option } from 'commander';
import { InputError } from '../contract/input-error.ts';
import {
  kernelOption,
  type NewVerb,
  type Run,
  refuseLoneTimeout,
  shrinkTimeOption,
  timeoutOption,
} from './command-options.ts';
import { textFlag } from './flags.ts';
import type { Output } from './output.ts';

interface ShrinkFlags {
  readonly kernel?: string;
  readonly kernelTimeout: number;
  readonly time: number;
  readonly json?: boolean;
  readonly out: string;
}

/** Adds the verb. */
export function addShrink(verb: NewVerb, out: Output, bin: URL, run: Run): void {
  verb(
    'shrink',
    'Shrinks a stored scenario that fails (*.scn.json, or - for standard input) to the smallest that fails alike, and ' +
      'says whether a shorter one can exist.',
  )
    .argument('<file>', 'scenario file')
    .addOption(shrinkTimeOption('--time <time>'))
    .addOption(kernelOption())
    .addOption(timeoutOption())
    .option('--json', 'one JSON document on stdout')
    .addOption(
      new Option('--out <dir>', 'where shrunk scenarios are kept').default('out').argParser(textFlag),
    )
    .action((file: string, flags: ShrinkFlags, command: Command) =>
      run(async () => {
        refuseLoneTimeout(command);
        if (file.trim() === '') throw new InputError('shrink: the file name is empty; name a scenario file');
        const { shrinkVerb } = await import('./shrink.ts');
        const { kernel = null, kernelTimeout, time: milliseconds, out: directory } = flags;
        const options = { kernel, kernelTimeout, milliseconds, out: directory, json: flags.json === true };
        return shrinkVerb(file, options, out, bin);
      }),
    );
}
