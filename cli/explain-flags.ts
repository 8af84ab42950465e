/** The flags of `vmlockstep explain`. */
import type { Command } from 'commander';
import { InputError } from '../contract/input-error.ts';
import { kernelOption, type NewVerb, type Run, refuseLoneTimeout, timeoutOption } from './command-options.ts';
import type { Output } from './output.ts';

interface ExplainFlags {
  readonly kernel?: string;
  readonly kernelTimeout: number;
  readonly json?: boolean;
}

/** Adds the verb. */
export function addExplain(verb: NewVerb, out: Output, bin: URL, run: Run): void {
  verb(
    'explain',
    'Tells of a stored scenario (*.scn.json, or - for standard input) what goes wrong in it, which operations that takes, which ' +
      'arguments may be others, by which rules, and what the state is before and after; of one that holds what it does.',
  )
    .argument('<file>', 'scenario file')
    .addOption(kernelOption())
    .addOption(timeoutOption())
    .option('--json', 'one JSON document on stdout')
    .action((file: string, flags: ExplainFlags, command: Command) =>
      run(async () => {
        refuseLoneTimeout(command);
        if (file.trim() === '') throw new InputError('explain: the file name is empty; name a scenario file');
        const { explainVerb } = await import('./explain.ts');
        const { kernel = null, kernelTimeout, json = false } = flags;
        return explainVerb(file, { kernel, kernelTimeout, json }, out, bin);
      }),
    );
}
