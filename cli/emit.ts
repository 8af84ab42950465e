/** `vmlockstep emit`: a stored scenario as a test of its own, to paste into a suite. */
import { existsSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { InputError } from '../contract/input-error.ts';
import { OPERATION_FIELDS, type Operation } from '../contract/operation.ts';
import type { Step } from '../contract/outcome.ts';
import { machineLine, program } from '../report/program.ts';
import { hex } from '../report/values.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { isFaultName, refuseUnknownFault } from './fault-kernel.ts';
import { looksLikePath } from './kernel-module.ts';
import type { Output } from './output.ts';
import { readScenario, type StoredScenario } from './scenario-file.ts';
import { kernelThatFailed } from './scenario-kernel.ts';
import { modelSteps } from './scenario-model.ts';

type Meanings = Readonly<Record<string, string>>;

/** A value as TypeScript: addresses in hexadecimal, texts in single quotes. */
function literal(value: unknown, meaning: string | undefined): string {
  if (typeof value === 'number' && meaning === 'address') return hex(value);
  if (typeof value === 'string')
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, undefined)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return objectLiteral(Object.entries(value), {});
  return String(value);
}

const MACHINE_ADDRESSES: Meanings = {
  kernelMin: 'address',
  kernelStart: 'address',
  kernelMax: 'address',
  start: 'address',
  end: 'address',
};

const objectLiteral = (entries: readonly (readonly [string, unknown])[], meanings: Meanings): string =>
  `{ ${entries.map(([key, value]) => `${key}: ${literal(value, meanings[key] ?? MACHINE_ADDRESSES[key])}`).join(', ')} }`;

function operationLiteral(operation: Operation): string {
  const meanings = OPERATION_FIELDS[operation.kind] as Meanings;
  const values = new Map<string, unknown>(Object.entries(operation));
  // Fields that an operation may leave out stay out.
  const entries = Object.keys(meanings).flatMap((field) =>
    values.has(field) ? [[field, values.get(field)] as const] : [],
  );
  return objectLiteral([['kind', operation.kind], ...entries], meanings);
}

/** A line of a comment: nothing in it can end the comment. */
const comment = (text: string): string => ` * ${text.replaceAll('*/', '* /')}`.trimEnd();

/** What the test is called: the failure that it keeps from coming back, else what it does. */
function titleOf({ signature, note, scenario }: StoredScenario): string {
  if (signature != null) return `${signature.property} holds after ${signature.operation ?? 'boot'}`;
  const first = note?.split('\n')[0] ?? '';
  return first === '' ? `${scenario.operations.length} operations hold` : first.slice(0, 100);
}

const FAULTS_MODULE = 'cli/fault-kernel.ts';

/** What the test imports, runs and says of its kernel. */
function kernelParts(kernel: EmittedKernel) {
  const ours = "import { expectLockstep, optimizedKernel, type Scenario } from 'vmlockstep';";
  if (kernel.kind === 'module') {
    const specifier = literal(kernel.specifier, undefined);
    return {
      imports: [
        "import { expectLockstep, type Scenario } from 'vmlockstep';",
        `import kernel from ${specifier};`,
      ],
      says: kernel.specifier.startsWith('.')
        ? ['The path of the kernel is relative to the directory in which this test was printed.']
        : [],
      call: `expectLockstep(kernel, { kernel: ${specifier}, scenarios: [scenario] })`,
    };
  }
  return {
    imports: [ours],
    says:
      kernel.kind === 'optimized'
        ? ['Put your own kernel in the place of optimizedKernel.']
        : [
            `It failed on ${kernel.name}, which only a clone of vmlockstep can make: there, this in the place of optimizedKernel,`,
            `with faultKernelOrRefuse from ${FAULTS_MODULE}, makes it fail: await faultKernelOrRefuse('${kernel.name}')`,
          ],
    call: 'expectLockstep(optimizedKernel, { scenarios: [scenario] })',
  };
}

/** The kernel that an emitted test runs. */
export type EmittedKernel =
  | { readonly kind: 'optimized' }
  /** One of our faults, which a test cannot import: it runs the optimized kernel and says so. */
  | { readonly kind: 'fault'; readonly name: string }
  | { readonly kind: 'module'; readonly specifier: string };

/** The kernel of a test that will lie in `directory`; `kernel` as `--kernel` takes it, null for the optimized one. */
export function emittedKernel(kernel: string | null, directory: string): EmittedKernel {
  if (kernel === null) return { kind: 'optimized' };
  if (isFaultName(kernel)) return { kind: 'fault', name: kernel };
  const file = resolve(directory, kernel);
  if (!looksLikePath(kernel) && !existsSync(file)) return { kind: 'module', specifier: kernel };
  const path = relative(directory, file).split(sep).join('/');
  return { kind: 'module', specifier: path.startsWith('../') ? path : `./${path}` };
}

/** The test as TypeScript text, one statement of each operation a line. */
export function emittedTest(stored: StoredScenario, kernel: EmittedKernel = { kind: 'optimized' }): string {
  const { scenario, note, provenance } = stored;
  const { imports, says, call } = kernelParts(kernel);
  const steps: readonly Step[] = modelSteps(scenario) ?? [];
  const lines = program(scenario, steps, { marked: stored.number ?? 0, most: Number.POSITIVE_INFINITY });
  return [
    "import { expect, test } from 'vitest';",
    ...imports,
    '',
    '/**',
    ...(note === undefined ? [] : note.split('\n').map(comment)),
    ...(provenance?.command == null ? [] : [comment(`Found by ${provenance.command}`)]),
    comment(machineLine(scenario.machine)),
    ...lines.map(comment),
    ' */',
    'const scenario = {',
    `  machine: ${objectLiteral(Object.entries(scenario.machine), {})},`,
    '  operations: [',
    ...scenario.operations.map((operation) => `    ${operationLiteral(operation)},`),
    '  ],',
    '} as unknown as Scenario;',
    '',
    ...says.map((line) => `// ${line}`),
    `test(${literal(titleOf(stored), undefined)}, () => {`,
    `  expect(${call}.scenarios).toBe(1);`,
    '});',
    '',
  ].join('\n');
}

/** Why the test does not run the kernel that failed, in one line for its owner; null where it does. */
export function unnamedKernelLine(
  file: string,
  stored: StoredScenario,
  { given, directory }: { readonly given: string | null; readonly directory: string },
): string | null {
  const failed = given ?? kernelThatFailed(stored);
  const kernel = emittedKernel(failed, directory);
  if (kernel.kind === 'fault')
    return `${file}: kernel ${kernel.name} can only be made in a clone of vmlockstep, so the test runs the optimized kernel; its comment says how to run it there`;
  if (kernel.kind === 'module') {
    const missing = kernel.specifier.startsWith('.') && !existsSync(resolve(directory, kernel.specifier));
    return missing && given === null
      ? `${file}: was failed by kernel ${failed}, which is not there; mend the import in the test, or name the kernel with --kernel FILE`
      : null;
  }
  const { signature, expect, provenance } = stored;
  return signature == null || expect !== undefined || provenance?.command != null
    ? null
    : `${file}: does not say which kernel failed, so the test runs the optimized kernel; name another with --kernel FILE`;
}

/** Prints the test; `given`: the kernel that it is to run, null for the one that the file names. */
export async function emitVerb(file: string, given: string | null, out: Output): Promise<ExitStatus> {
  const directory = process.cwd();
  if (given !== null) await refuseMissingKernel(given, directory);
  const stored = readScenario(file);
  out.line(emittedTest(stored, emittedKernel(given ?? kernelThatFailed(stored), directory)).trimEnd());
  const unnamed = unnamedKernelLine(file, stored, { given, directory });
  if (unnamed !== null) out.note(unnamed);
  return EXIT.passed;
}

async function refuseMissingKernel(given: string, directory: string): Promise<void> {
  if (isFaultName(given)) return refuseUnknownFault(given);
  if (looksLikePath(given) && !existsSync(resolve(directory, given)))
    throw new InputError(`kernel ${given}: there is no such file; give a path or a package`);
}
