/** What `expectLockstep` is asked for, and what is wrong with how it is asked. */
import { z } from 'zod';
import { judgedModule } from '../cli/judged-kernel.ts';
import { generationFault } from '../cli/kernel-schema.ts';
import { suggestion } from '../cli/nearest.ts';
import { parseScenario } from '../cli/scenario-file.ts';
import { firstIssue, SCENARIO_VERSION } from '../cli/scenario-schema.ts';
import { thrownText } from '../cli/thrown.ts';
import { InputError } from '../contract/input-error.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import type { Invariant } from '../properties/invariant.ts';
import { WORKLOAD_NAMES, type WorkloadName } from '../properties/workloads.ts';

/** How long and how `expectLockstep` looks; everything has a default. */
export interface ExpectLockstepOptions {
  /** Scenarios to generate, for each workload. Default 100, some 6,000 operations; 0: only the stored cases. */
  readonly runs?: number;
  /** Seed of the generator, from 0 to 2147483647. Default 1994, so that a suite does the same every time. */
  readonly seed?: number;
  /** Names as `vmlockstep list workloads` has them. Default: the mix of all. */
  readonly workload?: WorkloadName | readonly WorkloadName[];
  /** Most milliseconds of generated scenarios, for each workload; fewer run then. Default: no limit. */
  readonly timeLimit?: number;
  /** Directory of stored cases that run first; null: none. Default `corpus`, where that exists. */
  readonly corpus?: string | null;
  /** Exactly these instead of stored and generated ones, as `vmlockstep emit` writes them. They are not shrunk. */
  readonly scenarios?: readonly Scenario[];
  /** Claims that must hold on both kernels, your own among them if you like. Default: ALL_INVARIANTS. */
  readonly invariants?: readonly Invariant[];
  /** False leaves a failing scenario as it was found. Default true. */
  readonly shrink?: boolean;
  /** Directory that keeps failing scenarios; null: none. Default `out`. */
  readonly out?: string | null;
  /** Path of the kernel's module, for the commands in the report. */
  readonly kernel?: string;
}

/** A kernel module, or a function that makes one for this call. */
export type MakeKernel = KernelModule | (() => KernelModule);

const MOST_RUNS = 10_000_000;
const MOST_MILLISECONDS = 7 * 24 * 3_600_000;

const whole = (least: number, most: number) =>
  z.custom<number>(
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    `must be a whole number from ${least} to ${most}`,
  );
const directory = z
  .string('must be the path of a directory, or null')
  .min(1, 'must not be empty; leave it out, or give null');
const workload = z.enum(WORKLOAD_NAMES, 'is no workload; `npx vmlockstep list workloads` names them');
const invariant = z.custom<Invariant>(
  (value) => typeof value === 'object' && value !== null && 'id' in value && 'watch' in value,
  'must be an invariant, such as invariantById(ID) or one of ALL_INVARIANTS',
);

const FIELDS = {
  runs: whole(0, MOST_RUNS).default(100),
  seed: whole(0, 0x7fff_ffff).default(1994),
  workload: z
    .preprocess(
      (value) => (typeof value === 'string' ? [value] : value),
      z.array(workload, 'must be a name or a list of names').min(1, 'must name at least one workload'),
    )
    .optional(),
  timeLimit: whole(1, MOST_MILLISECONDS).optional(),
  corpus: directory.nullable().optional(),
  scenarios: z.array(z.unknown(), 'must be a list of scenarios').min(1, 'must hold at least one').optional(),
  invariants: z.array(invariant, 'must be a list of invariants').optional(),
  shrink: z.boolean('must be true or false').default(true),
  out: directory.nullable().default('out'),
  kernel: z.string('must be the path of a module').min(1, 'must not be empty').optional(),
} as const;
const optionsSchema = z.object(FIELDS);

/** The options with their defaults. */
export type ExpectSettings = Omit<z.infer<typeof optionsSchema>, 'scenarios'> & {
  readonly scenarios: readonly Scenario[] | null;
};

const fault = (text: string): InputError => new InputError(`expectLockstep: ${text}`);

/** Judges the options. InputError names the first that is wrong. */
export function settingsOf(options: unknown): ExpectSettings {
  if (typeof options !== 'object' || options === null)
    throw fault(`options: must be an object, such as { runs: 500 }, or be left out`);
  const known = Object.keys(FIELDS);
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw fault(`options.${name}: there is no such option${suggestion(name, known)}`);
  const read = optionsSchema.safeParse(options);
  if (!read.success) throw fault(`options.${firstIssue(read.error)}`);
  return { ...read.data, scenarios: read.data.scenarios?.map(judgedScenario) ?? null };
}

/** A scenario as strictly read as a file; its numbers may come from anywhere. */
function judgedScenario(value: unknown, index: number): Scenario {
  const place = `expectLockstep: options.scenarios[${index}]`;
  if (typeof value !== 'object' || value === null)
    throw new InputError(`${place}: must be an object with machine and operations`);
  return parseScenario(place, JSON.stringify({ version: SCENARIO_VERSION, ...value })).scenario;
}

const SHAPE = '{ declares, boot }';

/** What is wrong with a value that should be a kernel module, or null. */
function moduleFault(value: unknown): string | null {
  if (value === undefined)
    return `is undefined; pass a kernel module ${SHAPE}, such as the default export of its file`;
  if (value === null) return `is null; pass a kernel module ${SHAPE}`;
  if (value instanceof Promise) return `is a promise; await it and pass the kernel module`;
  if (typeof value === 'string')
    return `is a text; import the module and pass its default export, since only the command line takes paths`;
  if (typeof value !== 'object') return `is a ${typeof value}; pass a kernel module ${SHAPE}`;
  if ('declares' in value && 'boot' in value) return null;
  if ('default' in value) return `is all that a module exports; pass its default export alone`;
  if ('apply' in value)
    return `is a booted kernel; pass ${SHAPE}, whose boot(machine) makes one afresh for each scenario`;
  const lacking = ['declares', 'boot'].filter((name) => !(name in value));
  return `lacks ${lacking.join(' and ')}; a kernel module is ${SHAPE}, see KernelModule`;
}

/** The kernel module, judged as one from outside. InputError says what was passed instead. */
export function candidateOf(makeKernel: unknown, { scenarios, runs }: ExpectSettings): KernelModule {
  const made = typeof makeKernel === 'function' ? called(makeKernel) : makeKernel;
  const wrong = moduleFault(made);
  if (wrong !== null) throw fault(`makeKernel${typeof makeKernel === 'function' ? '()' : ''} ${wrong}`);
  const { declares } = made as { declares?: { name?: unknown } };
  const module = judgedModule(made, typeof declares?.name === 'string' ? declares.name : 'makeKernel');
  const unfit = scenarios === null && runs > 0 ? generationFault(module.declares.operations) : null;
  if (unfit !== null) throw fault(`kernel ${module.declares.name}: ${unfit}`);
  // Our own needs no judge that checks and copies every answer.
  return made === optimizedKernel ? optimizedKernel : module;
}

function called(makeKernel: unknown): unknown {
  const text = Function.prototype.toString.call(makeKernel);
  const name = /^class\s+([A-Za-z_$][\w$]*)?/.exec(text);
  if (name !== null)
    throw fault(
      `makeKernel is the class ${name[1] ?? ''}; pass { declares, boot: (machine) => new ${name[1] ?? 'Kernel'}(machine) }`,
    );
  try {
    return (makeKernel as () => unknown)();
  } catch (error) {
    throw fault(`makeKernel: threw ${thrownText(error)}; it takes no arguments and returns ${SHAPE}`);
  }
}
