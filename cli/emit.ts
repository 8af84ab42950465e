/** `vmlockstep emit`: a stored scenario as a test of its own, to paste into a suite. */
import { OPERATION_FIELDS, type Operation } from '../contract/operation.ts';
import type { Step } from '../contract/outcome.ts';
import { machineLine, program } from '../report/program.ts';
import { hex } from '../report/values.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import type { Output } from './output.ts';
import { readScenario, type StoredScenario } from './scenario-file.ts';
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
  const entries = Object.keys(meanings).map((field) => [field, values.get(field)] as const);
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

/** The test as TypeScript text, one statement of each operation a line. */
export function emittedTest(stored: StoredScenario): string {
  const { scenario, note, provenance } = stored;
  const steps: readonly Step[] = modelSteps(scenario) ?? [];
  const lines = program(scenario, steps, { marked: stored.number ?? 0, most: Number.POSITIVE_INFINITY });
  return [
    "import { expect, test } from 'vitest';",
    "import { expectLockstep, optimizedKernel, type Scenario } from 'vmlockstep';",
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
    '// Put your own kernel in the place of optimizedKernel.',
    `test(${literal(titleOf(stored), undefined)}, () => {`,
    '  expect(expectLockstep(optimizedKernel, { scenarios: [scenario] }).scenarios).toBe(1);',
    '});',
    '',
  ].join('\n');
}

/** Prints the test. */
export function emitVerb(file: string, out: Output): ExitStatus {
  out.line(emittedTest(readScenario(file)).trimEnd());
  return EXIT.passed;
}
