/** The flags of `vmlockstep mmu`. */
import { randomInt } from 'node:crypto';
import { type Command, Option } from 'commander';
import { InputError } from '../contract/input-error.ts';
import {
  DEFAULT_SEED,
  kernelOption,
  type NewVerb,
  type Run,
  refuseLoneTimeout,
  timeoutOption,
} from './command-options.ts';
import { runsFlag, type SeedFlag, seedFlag, textFlag, workersFlag } from './flags.ts';
import { MMU_DEFAULTS } from './mmu-options.ts';
import { quoted, suggestion } from './nearest.ts';
import type { Output } from './output.ts';

interface MmuFlags {
  readonly seed: SeedFlag;
  readonly runs: number;
  readonly workload: string;
  readonly workers?: number;
  readonly kernel?: string;
  readonly kernelTimeout: number;
  readonly json?: boolean;
  readonly out: string;
}

/** Adds the verb. */
export function addMmu(verb: NewVerb, out: Output, bin: URL, run: Run): void {
  const command = verb(
    'mmu',
    'Lets an i386 emulator walk the page tables that the kernel under test has built, and compares what it finds with ' +
      'what the reference says is mapped. Needs the package v86.',
  );
  command
    .argument('[file]', 'scenario file whose states are judged, each of them (default: generated scenarios)')
    .addOption(
      new Option('--seed <n>', 'whole number, or random')
        .env('VMLOCKSTEP_SEED')
        .default(DEFAULT_SEED)
        .argParser(seedFlag),
    )
    .addOption(
      new Option('--runs <n>', 'scenarios to generate').default(MMU_DEFAULTS.runs).argParser(runsFlag),
    )
    .addOption(
      new Option('--workload <name>', 'mix of operations').default(MMU_DEFAULTS.workload).argParser(textFlag),
    )
    .addOption(
      new Option('--workers <n>', 'threads to judge in (default: one for each core, up to 4)')
        .env('VMLOCKSTEP_WORKERS')
        .argParser(workersFlag),
    )
    .addOption(kernelOption())
    .addOption(timeoutOption())
    .option('--json', 'one JSON document on stdout')
    .addOption(
      new Option('--out <dir>', 'where failing scenarios are kept').default('out').argParser(textFlag),
    )
    .action((file: string | undefined, flags: MmuFlags) => {
      refuseLoneTimeout(command);
      refuseLoneFile(file, command);
      run(async () => {
        await refuseUnknownWorkload(flags.workload);
        const { mmuVerb } = await import('./mmu.ts');
        return mmuVerb(
          {
            ...flags,
            file: file ?? null,
            seed: flags.seed === 'random' ? randomInt(0x7fff_ffff) : flags.seed,
            workers: flags.workers ?? null,
            kernel: flags.kernel ?? null,
            json: flags.json === true,
          },
          out,
          bin,
        );
      });
    });
}

/** A file is judged as it is: flags about what to generate would be ignored. */
function refuseLoneFile(file: string | undefined, command: Command): void {
  if (file === undefined) return;
  if (file.trim() === '') throw new InputError('mmu: the file name is empty; name a scenario file');
  for (const flag of ['seed', 'runs', 'workload', 'workers'])
    if (command.getOptionValueSource(flag) === 'cli')
      throw new InputError(`--${flag}: a stored scenario is judged as it is; leave out the flag or the file`);
}

async function refuseUnknownWorkload(name: string): Promise<void> {
  const { WORKLOADS } = await import('../properties/workloads.ts');
  const names = Object.keys(WORKLOADS);
  if (!names.includes(name))
    throw new InputError(`--workload: no workload is called ${quoted(name)}${suggestion(name, names)}`);
}
