/** The text of scenario files: keys in a fixed order, so that equal scenarios give equal bytes, and handles for people. */
import type { MachineConfig } from '../contract/machine.ts';
import { type FieldMeaning, OPERATION_FIELDS, type Operation } from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';
import { addressOf, allocatedBytes, handleName } from '../report/program.ts';
import { hex } from '../report/values.ts';
import type { StoredScenario } from './scenario-file.ts';
import { Handles } from './scenario-handles.ts';
import { modelSteps } from './scenario-model.ts';
import { SCENARIO_VERSION } from './scenario-schema.ts';

/** Where editors find the schema. The same in all files, wherever they lie; nothing here follows it. */
export const SCHEMA_REFERENCE = 'https://unpkg.com/vmlockstep/schema/scenario.schema.json';

type Written = Record<string, unknown>;

/** An operation with its kind first and its fields in C argument order; addresses as `named` writes them. */
function ordered(operation: Operation, named: (value: number) => string | null): Written {
  const values = new Map(Object.entries(operation));
  const fields = Object.entries(OPERATION_FIELDS[operation.kind] as Readonly<Record<string, FieldMeaning>>);
  const entries = fields.flatMap(([field, meaning]) => {
    const value: unknown = values.get(field);
    if (value === undefined) return [];
    const text = meaning === 'address' && typeof value === 'number' ? (named(value) ?? hex(value)) : value;
    return [[field, text]];
  });
  return { kind: operation.kind, ...Object.fromEntries(entries) };
}

/** The operations as they are written: with handles where the model tells what they stand for, else with numbers. */
function written(scenario: Scenario): Written[] {
  const steps = modelSteps(scenario);
  if (steps === null) return scenario.operations.map((operation) => ordered(operation, () => null));
  const handles = new Handles(scenario.machine);
  const names = resultNames(
    scenario,
    steps.map(({ outcome }) => addressOf(outcome)),
  );
  const used = new Set<string>();
  const lines = scenario.operations.map((operation, i) => {
    const map = 'map' in operation ? operation.map : undefined;
    const line = ordered(operation, (value) => {
      const text = handles.textOf(value, map);
      if (text !== null) used.add(/^[A-Za-z0-9_]+/.exec(text)?.[0] ?? '');
      return text;
    });
    const step = steps[i];
    if (step !== undefined) handles.learn(operation, step, names[i]);
    return line;
  });
  return lines.map((line, i) => {
    const name = names[i];
    return name !== undefined && used.has(name) ? { ...line, as: name } : line;
  });
}

/** The names that the printed program gives to results: a, b, c … in their order. */
function resultNames(
  { operations }: Scenario,
  addresses: readonly (number | undefined)[],
): (string | undefined)[] {
  let given = 0;
  const owner = (number: number): Operation | undefined => {
    const operation = operations[number - 1];
    return operation?.kind === 'resume' && operation.operation < number
      ? owner(operation.operation)
      : operation;
  };
  return addresses.map((address, i) => {
    const origin = owner(i + 1);
    const allocates = address !== undefined && origin !== undefined && allocatedBytes(origin) > 0;
    return allocates ? handleName(given++) : undefined;
  });
}

/** A machine with its fields in the order of the contract, addresses in hexadecimal. */
const orderedMachine = (machine: MachineConfig): Written => ({
  managedPages: machine.managedPages,
  deviceFrames: machine.deviceFrames,
  kernelMin: hex(machine.kernelMin),
  kernelStart: hex(machine.kernelStart),
  kernelMax: hex(machine.kernelMax),
  mapEntries: machine.mapEntries,
  staticMaps: machine.staticMaps,
  kmemObjectSize: machine.kmemObjectSize,
  freeMin: machine.freeMin,
  freeTarget: machine.freeTarget,
  inactiveTarget: machine.inactiveTarget,
  reserved: machine.reserved.map(({ start, length }) => ({ start: hex(start), length })),
  scratchPages: machine.scratchPages,
  scratchWindow:
    machine.scratchWindow === null
      ? null
      : { start: hex(machine.scratchWindow.start), end: hex(machine.scratchWindow.end) },
});

/** A list with one item a line. */
const column = (name: string, items: readonly unknown[]): string =>
  items.length === 0
    ? `  "${name}": []`
    : `  "${name}": [\n${items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`;

/** The text of a scenario file: one operation a line, keys in a fixed order, so that equal scenarios give equal bytes. */
export function scenarioText(stored: StoredScenario): string {
  const { scenario, note, expect, kernel, signature, number, provenance, schedule, outcomes } = stored;
  const fields: (readonly [string, unknown])[] = [
    ['$schema', SCHEMA_REFERENCE],
    ['version', SCENARIO_VERSION],
    ['note', note],
    ['expect', expect],
    ['kernel', kernel],
    ['signature', signature && orderedSignature(signature)],
    ['number', number],
    ['provenance', provenance && orderedProvenance(provenance)],
    ['schedule', schedule ?? null],
    ['machine', orderedMachine(scenario.machine)],
  ];
  const lines = fields
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  lines.push(column('operations', written(scenario)));
  if (outcomes !== undefined) lines.push(column('outcomes', outcomes));
  return `{\n${lines.join(',\n')}\n}\n`;
}

const orderedSignature = ({
  property,
  side,
  operation,
  field,
}: NonNullable<StoredScenario['signature']>): Written => ({
  property,
  side,
  operation,
  ...(field !== undefined && { field }),
});

const orderedProvenance = ({
  seed,
  command,
  version,
  path,
}: NonNullable<StoredScenario['provenance']>): Written => ({ seed, command, version, path });
