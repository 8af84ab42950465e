/** The scenarios that a comparison begins with: stored cases, and the operations of recorded traces. */
import { basename } from 'node:path';
import { machineFaults } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import { findTraces } from '../golden/find-traces.ts';
import { readText } from '../golden/trace-file.ts';
import { bootRecordSchema, traceOperationSchema } from '../golden/trace-schema.ts';
import { machineOf, operationOf } from '../golden/translate.ts';
import type { GivenScenario } from '../properties/guard.ts';
import { type CorpusDirectory, readCorpus } from './corpus-files.ts';

/** Stored cases as they are. */
export const corpusScenarios = (directory: CorpusDirectory): GivenScenario[] =>
  readCorpus(directory).map(({ file, stored }) => ({ origin: file, scenario: stored.scenario }));

/**
 * The operations of the traces in a directory. What the traces recorded of states is not read: the kernels are compared with
 * each other. Traces with `copy` belong to a later stage and are left out.
 */
export const traceScenarios = (directory: string): GivenScenario[] =>
  findTraces([directory]).flatMap((file) => traceScenario(file) ?? []);

function traceScenario(file: string): GivenScenario | null {
  const lines: unknown[] = readText(file)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const boot = lines.findIndex((line) => bootRecordSchema.safeParse(line).success);
  const record = bootRecordSchema.safeParse(lines[boot]);
  if (!record.success) return null;
  const machine = machineOf(record.data.result);
  const operations: Operation[] = [];
  // `resume` names operations by their place, so a line that calls nothing would put all later ones out of place.
  for (const line of lines.slice(boot + 1)) {
    const parsed = traceOperationSchema.safeParse(line);
    const operation = parsed.success ? operationOf(parsed.data) : undefined;
    if (operation === undefined) break;
    operations.push(operation);
  }
  if (operations.length === 0 || machineFaults(machine).length > 0) return null;
  return {
    origin: `trace ${basename(file).replace(/\.jsonl(\.gz)?$/, '')}`,
    scenario: { machine, operations },
  };
}
