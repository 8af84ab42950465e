/** The scenarios that a comparison begins with: stored cases, and the operations of recorded traces. */
import { basename } from 'node:path';
import { machineFaults } from '../contract/machine.ts';
import type { Operation, OperationKind } from '../contract/operation.ts';
import { findTraces } from '../golden/find-traces.ts';
import { readText } from '../golden/trace-file.ts';
import { traceConfigSchema, traceOperationSchema } from '../golden/trace-schema.ts';
import { machineOf, operationOf } from '../golden/translate.ts';
import type { GivenScenario } from '../properties/guard.ts';
import { type CorpusDirectory, readCorpus } from './corpus-files.ts';

/** Stored cases as they are. */
export const corpusScenarios = (directory: CorpusDirectory): GivenScenario[] =>
  readCorpus(directory).map(({ file, stored }) => ({ origin: file, scenario: stored.scenario }));

/** What a directory of traces gives to kernels with some operations. */
export interface TraceScenarios {
  readonly given: readonly GivenScenario[];
  /** Traces that need another operation. */
  readonly skipped: number;
}

/**
 * The operations of the traces in a directory. What they recorded of results and states is not even parsed: the kernels
 * are compared with each other.
 */
export function traceScenarios(directory: string, declared: ReadonlySet<OperationKind>): TraceScenarios {
  const scenarios = findTraces([directory]).map((file) => traceScenario(file, declared));
  return {
    given: scenarios.flatMap((scenario) => (scenario === 'skipped' ? [] : (scenario ?? []))),
    skipped: scenarios.filter((scenario) => scenario === 'skipped').length,
  };
}

/** How a line of a trace begins: its number, what it calls, and with what. */
const CALL = /^\{"i":\d+,"op":"(\w+)","args":(\[[^\]]*\])/;
const CONFIG = /^\{"i":0,"op":"config","args":\[[^\]]*\],"result":(\{[^}]*\})/;

/** Null for a trace that holds no scenario of this stage, such as one with `copy`. */
function traceScenario(file: string, declared: ReadonlySet<OperationKind>): GivenScenario | 'skipped' | null {
  const lines = readText(file).split('\n');
  const boot = lines.findIndex((line) => CONFIG.test(line));
  const config = traceConfigSchema.safeParse(JSON.parse(CONFIG.exec(lines[boot] ?? '')?.[1] ?? 'null'));
  if (!config.success) return null;
  const machine = machineOf(config.data);
  const operations: Operation[] = [];
  for (const line of lines.slice(boot + 1)) {
    const [, op, args = 'null'] = CALL.exec(line) ?? [];
    const call = traceOperationSchema.safeParse({ op, args: JSON.parse(args) });
    const operation = call.success ? operationOf(call.data) : undefined;
    // `resume` names operations by their place, so that what follows a line that calls nothing would be out of place.
    if (operation === undefined) break;
    if (!declared.has(operation.kind)) return 'skipped';
    operations.push(operation);
  }
  if (operations.length === 0 || machineFaults(machine).length > 0) return null;
  const origin = `trace ${basename(file).replace(/\.jsonl(\.gz)?$/, '')}`;
  return { origin, scenario: { machine, operations } };
}
