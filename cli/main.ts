/** The command line: verbs, flags, environment, exit statuses. Each verb's module is loaded only when it is used. */
import { randomInt } from 'node:crypto';
import { Command, CommanderError, Option } from 'commander';
import { InputError } from '../contract/input-error.ts';
import { SHOWN_PARTS, type ShownPart } from '../report/state.ts';
import { addBench } from './bench-command.ts';
import { addCheck } from './check-command.ts';
import {
  type Action,
  DEFAULT_SEED,
  kernelOption,
  type NewVerb,
  type Run,
  refuseLoneTimeout,
  timeoutOption,
} from './command-options.ts';
import { addCorpus } from './corpus-command.ts';
import { EXIT } from './exit-status.ts';
import { addExplain } from './explain-flags.ts';
import { addExplore } from './explore-flags.ts';
import { namesFlag, runsFlag, type SeedFlag, seedFlag } from './flags.ts';
import { addGuard } from './guard-flags.ts';
import { endNow } from './guarded.ts';
import type { ListName } from './list.ts';
import { addMmu } from './mmu-flags.ts';
import { quoted, suggestion } from './nearest.ts';
import { type Output, standardOutput } from './output.ts';
import { addShrink } from './shrink-command.ts';
import { oneLine, refuseRepetition, refuseUnknownHelp, withMend } from './usage.ts';
import { version } from './version.ts';

const EXIT_HELP = `
Exit status: 0 passed, 1 a property failed, 2 bad usage or input, 3 the run did not reach what it promises,
4 an outside kernel could not be run, 5 a kernel's verdict changes from run to run, 6 a stored scenario no longer means
what it meant, 70 a bug of vmlockstep, 130 interrupted. Of several the first of 70, 4, 1, 5, 6, 3 counts.
Without a verb, vmlockstep runs check. Values come from flags, else from VMLOCKSTEP_SEED, VMLOCKSTEP_RUNS,
VMLOCKSTEP_TIME, VMLOCKSTEP_WORKERS and VMLOCKSTEP_CORPUS, else from the defaults. NO_COLOR and FORCE_COLOR are honoured.`;

/**
 * Runs the command line and returns the exit status. `bin` is the script that starts runner threads.
 */
export async function main(argv: readonly string[], bin: URL): Promise<number> {
  const out = standardOutput();
  try {
    const state: { action: Action | null } = { action: null };
    const program = commandLine(out, bin, (action) => {
      state.action = action;
    });
    refuseUnknownHelp(argv, program);
    await program.parseAsync(withDefaultVerb(argv), { from: 'user' });
    return await ended(state.action === null ? EXIT.passed : await state.action());
  } catch (error) {
    return await ended(statusOfError(error, out));
  }
}

/** The status; a thread that hangs in a call of the system would keep the process for ever, so it is ended here. */
async function ended(status: number): Promise<number> {
  const { threadIsStuck } = await import('./supervisor.ts');
  return threadIsStuck() ? endNow(status) : status;
}

/** Flags without a verb belong to check, help and version apart. */
function withDefaultVerb(argv: readonly string[]): string[] {
  const [first] = argv;
  const bare = first === undefined || (first.startsWith('-') && !/^(-h|--help|-V|--version)$/.test(first));
  return bare ? ['check', ...argv] : [...argv];
}

function statusOfError(error: unknown, out: Output): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.passed : EXIT.usage;
  if (error instanceof InputError) {
    out.note(`error: ${oneLine(error.message)}`);
    return error.exitStatus;
  }
  const message = error instanceof Error ? error.message : String(error);
  out.note(`internal error: ${oneLine(message)}; this is a bug of vmlockstep`);
  if (process.env.VMLOCKSTEP_DEBUG !== undefined && error instanceof Error) out.note(error.stack ?? '');
  return EXIT.internal;
}

function commandLine(out: Output, bin: URL, run: (action: Action) => void): Command {
  const program = new Command('vmlockstep')
    .description(
      'Runs a kernel memory system in lockstep with its reference model under generated operations.',
    )
    .version(version())
    .addHelpText('after', EXIT_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out.line(text.trimEnd()),
      writeErr: (text) => out.note(oneLine(text)),
      outputError: (text, write) => write(withMend(text)),
    });
  program.allowExcessArguments(false);
  const verb = (name: string, description: string): Command =>
    program.command(name).description(description).allowExcessArguments(false);
  addCheck(verb, out, bin, run);
  addExplore(verb, out, bin, run);
  addGuard(verb, out, bin, run);
  addExplain(verb, out, bin, run);
  addReplay(verb, out, bin, run);
  addShrink(verb, out, bin, run);
  addEmit(verb, out, run);
  addCorpus(verb, out, bin, run);
  addMmu(verb, out, bin, run);
  addGolden(verb, out, run);
  addFaults(verb, out, run);
  addBench(verb, out, run);
  addList(verb, out, run);
  for (const command of program.commands) refuseRepetition(command);
  return program;
}

interface ReplayFlags {
  readonly show?: readonly ShownPart[];
  readonly breakAt?: number;
  readonly kernel?: string;
  readonly kernelTimeout: number;
  readonly json?: boolean;
}

function addReplay(verb: NewVerb, out: Output, bin: URL, run: Run): void {
  verb(
    'replay',
    'Runs a stored scenario (*.scn.json, or - for standard input), looking at everything after each step.',
  )
    .argument('<file>', 'scenario file')
    .addOption(
      new Option('--show <parts>', `draw the state after each step: ${SHOWN_PARTS.join(',')}`).argParser(
        namesFlag(SHOWN_PARTS),
      ),
    )
    .addOption(
      new Option(
        '--break-at <n>',
        'stop after operation n, draw the state, and break there under node --inspect',
      ).argParser(runsFlag),
    )
    .addOption(kernelOption())
    .addOption(timeoutOption())
    .option('--json', 'one JSON document on stdout')
    .action((file: string, flags: ReplayFlags, command: Command) =>
      run(async () => {
        refuseLoneTimeout(command);
        const { replayVerb } = await import('./replay.ts');
        return replayVerb(
          textArgument('replay', file),
          {
            show: flags.show ?? [],
            kernel: flags.kernel ?? null,
            kernelTimeout: flags.kernelTimeout,
            json: flags.json === true,
            breakAt: flags.breakAt ?? null,
          },
          out,
          bin,
        );
      }),
    );
}

function addEmit(verb: NewVerb, out: Output, run: Run): void {
  verb('emit', 'Prints a stored scenario as a stand-alone vitest test to paste.')
    .argument('<file>', 'scenario file, or - for standard input')
    .addOption(kernelOption().default(undefined, 'the one that the file was failed by'))
    .action((file: string, { kernel = null }: { readonly kernel?: string | null }) =>
      run(async () => {
        const { emitVerb } = await import('./emit.ts');
        return emitVerb(textArgument('emit', file), kernel, out);
      }),
    );
}

function textArgument(verb: string, text: string): string {
  if (text.trim() === '') throw new InputError(`${verb}: the file name is empty; name a scenario file`);
  return text;
}

interface GoldenFlags {
  readonly side: 'model' | 'impl' | 'both';
  readonly json?: boolean;
}

function addGolden(verb: NewVerb, out: Output, run: Run): void {
  verb('golden', 'Replays traces recorded from the original C code; directories are searched.')
    .argument('[paths...]', 'trace files or directories (default: the traces of this package)')
    .addOption(
      new Option('--side <side>', 'who replays them').choices(['model', 'impl', 'both']).default('both'),
    )
    .option('--json', 'one JSON document on stdout')
    .action((paths: string[], flags: GoldenFlags) =>
      run(async () => {
        const { goldenCommand } = await import('./golden.ts');
        const options = { side: flags.side, ...(flags.json === true ? { json: true } : {}) };
        return goldenCommand(paths, options, out);
      }),
    );
}

interface FaultsFlags {
  readonly seed: SeedFlag;
  readonly runs: number;
  readonly json?: boolean;
}

function addFaults(verb: NewVerb, out: Output, run: Run): void {
  verb('faults', 'Runs deliberately faulty kernels and says which property sees each of them (in a clone).')
    .argument('[names...]', 'faults to try (default: all)')
    .addOption(
      new Option('--seed <n>', 'whole number, or random')
        .env('VMLOCKSTEP_SEED')
        .default(DEFAULT_SEED)
        .argParser(seedFlag),
    )
    .addOption(new Option('--runs <n>', 'scenarios for each fault').default(200).argParser(runsFlag))
    .option('--json', 'one JSON document on stdout')
    .action((names: string[], flags: FaultsFlags) =>
      run(async () => {
        const { faultsCommand } = await import('./faults.ts');
        const seed = flags.seed === 'random' ? randomInt(0x7fff_ffff) : flags.seed;
        const options = { seed, scenarios: flags.runs, ...(flags.json === true ? { json: true } : {}) };
        return faultsCommand(names, options, out);
      }),
    );
}

function addList(verb: NewVerb, out: Output, run: Run): void {
  verb(
    'list',
    'Prints the vocabulary: operations, invariants, goals, rules, workloads, panics or faulty kernels.',
  )
    .argument('[what]', 'operations, invariants, goals, rules, workloads, panics or faults')
    .action((what: string | undefined) =>
      run(async () => {
        const { LISTS, listLines } = await import('./list.ts');
        if (what === undefined) throw new InputError(`list: name what to list: ${LISTS.join(', ')}`);
        if (!LISTS.some((name) => name === what))
          throw new InputError(`list: nothing is called ${quoted(what)}${suggestion(what, LISTS)}`);
        out.lines(await listLines(what as ListName));
        return EXIT.passed;
      }),
    );
}
