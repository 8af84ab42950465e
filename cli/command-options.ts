/** What the verbs of the command line have in common. */
import { type Command, Option } from 'commander';
import { InputError } from '../contract/input-error.ts';
import { DEFAULT_KERNEL_TIMEOUT, DEFAULT_SHRINK_TIME } from './command-text.ts';
import type { ExitStatus } from './exit-status.ts';
import { durationFlag, textFlag } from './flags.ts';

/** Seed of a run that names none, so that two people see the same. */
export const DEFAULT_SEED = 1994;

/** A verb's work: its status, or what it throws. */
export type Action = () => Promise<ExitStatus | number>;

/** Adds a verb to the command line. */
export type NewVerb = (name: string, description: string) => Command;
/** Keeps the work of the verb that was named, to be done once everything is parsed. */
export type Run = (action: Action) => void;

/** `--kernel`. */
export const kernelOption = (): Option =>
  new Option(
    '--kernel <module>',
    'path or package of an outside kernel, or fault:NAME for one of our faulty ones (list faults)',
  ).argParser(textFlag);

/** `--kernel-timeout`. */
export const timeoutOption = (): Option =>
  new Option('--kernel-timeout <time>', 'longest time one call of the kernel may take')
    .default(DEFAULT_KERNEL_TIMEOUT, '5s')
    .argParser(durationFlag);

/** `--shrink-time`, or `--time` where shrinking is all that is done. */
export const shrinkTimeOption = (flags: string): Option =>
  new Option(flags, 'longest time to shrink a failure, such as 10s; what it came to by then is kept')
    .default(DEFAULT_SHRINK_TIME, '10s')
    .argParser(durationFlag);

/** Refuses a timeout without a kernel that it could be about: it would be ignored. */
export function refuseLoneTimeout(command: Command): void {
  const given = command.getOptionValueSource('kernelTimeout') === 'cli';
  if (given && command.getOptionValue('kernel') === undefined)
    throw new InputError('--kernel-timeout: there is no outside kernel; add --kernel FILE, or leave it out');
}
