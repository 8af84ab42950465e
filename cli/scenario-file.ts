/** Scenario files (`*.scn.json`): a machine and its operations by value, read strictly and written in a stable order. */
import { InputError } from '../contract/input-error.ts';
import { machineFaults } from '../contract/machine.ts';
import { OPERATION_FIELDS } from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';
import type { FailureSignature } from '../properties/signature.ts';
import { bracketDepth, repeatedKey, syntaxFault } from './json-keys.ts';
import { quoted, suggestion } from './nearest.ts';
import { type RawOperation, resolved } from './scenario-handles.ts';
import { migrated, type RawObject, type ScenarioVersions, VERSIONS } from './scenario-migrations.ts';
import { readText } from './scenario-read.ts';
import {
  type FieldTable,
  fileSchema,
  firstIssue,
  MOST_OPERATIONS,
  OPERATION_SCHEMAS,
  operationSchemas,
} from './scenario-schema.ts';

export { scenarioText } from './scenario-write.ts';

/** What a stored failure is recognized by. Files of version 1 do not say which field differed; any will do then. */
export type StoredSignature = Omit<FailureSignature, 'field'> & {
  readonly field?: string | null | undefined;
};

/** Where a scenario comes from. */
export interface Provenance {
  readonly seed: number | null;
  /** The command that found it; null: none, it was written by hand. */
  readonly command: string | null;
  /** Of vmlockstep. */
  readonly version: string;
  /** The file that it was added from, or null. */
  readonly path: string | null;
}

/** A scenario as stored. */
export interface StoredScenario {
  readonly scenario: Scenario;
  readonly note?: string;
  /** What a corpus case must do; absent: hold. */
  readonly expect?: 'holds' | 'fails';
  /** The kernel on which it fails or failed. */
  readonly kernel?: string;
  /** How it fails or failed; null: it never did. */
  readonly signature?: StoredSignature | null;
  /** Number of the operation after which it failed. */
  readonly number?: number;
  readonly provenance?: Provenance;
  /** Orders of threads; nothing runs them yet. */
  readonly schedule?: readonly [] | null;
  /** What the model answered when it was stored, one word an operation. */
  readonly outcomes?: readonly string[];
}

/** What files may hold: of the kernels here, unless a test tries a change of them. */
export interface ScenarioFormat {
  readonly versions: ScenarioVersions;
  readonly fields: FieldTable;
}

const FORMAT: ScenarioFormat = { versions: VERSIONS, fields: OPERATION_FIELDS };

const DEEPEST = 8;
const MOST_BRACKETS = 64;

/** Refuses what JSON allows but no scenario needs: deep nesting and keys that mean something to JavaScript. */
function refuseTraps(path: string, value: unknown, depth: number, at: string): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > DEEPEST) throw new InputError(`${path}: ${at}: is nested too deeply; a scenario is flat`);
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__')
      throw new InputError(
        `${path}: ${at === '' ? key : `${at}.${key}`}: is no field of a scenario; remove it`,
      );
    const inside = Array.isArray(value) ? `${at}[${key}]` : at === '' ? key : `${at}.${key}`;
    refuseTraps(path, inner, depth + 1, inside.length > 200 ? `${inside.slice(0, 200)}…` : inside);
  }
}

function parsed(path: string, text: string): RawObject {
  if (text.trim() === '') throw new InputError(`${path}: is empty; a scenario file holds one JSON object`);
  if (bracketDepth(text, MOST_BRACKETS) > MOST_BRACKETS)
    throw new InputError(`${path}: is nested too deeply; a scenario is flat`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${path}: is not JSON (${syntaxFault(text, error)}); the file may be cut short`);
  }
  const twice = repeatedKey(text);
  if (twice !== null)
    throw new InputError(`${path}:${twice.line}: has ${quoted(twice.key)} twice in one object; remove one`);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InputError(`${path}: must hold one JSON object with version, machine and operations`);
  // A file that has neither is another sort of file, whatever else is wrong with it.
  if (!('machine' in value) && !('operations' in value))
    throw new InputError(
      `${path}: is JSON but no scenario file: that holds one object with "version", "machine" and "operations" (docs/scenario-files.md)`,
    );
  return value as RawObject;
}

function operationAt(
  path: string,
  value: unknown,
  index: number,
  schemas: typeof OPERATION_SCHEMAS,
): RawOperation {
  const at = `${path}: operations[${index}]`;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InputError(`${at}: must be an object with the field "kind"`);
  const kind: unknown = 'kind' in value ? value.kind : undefined;
  if (typeof kind !== 'string')
    throw new InputError(`${at}.kind: must name an operation, such as "kmem_alloc"`);
  const schema = schemas.get(kind);
  if (schema === undefined)
    throw new InputError(`${at}.kind: unknown operation ${quoted(kind)}${suggestionOf(kind, schemas)}`);
  const result = schema.safeParse(value);
  if (!result.success) throw new InputError(`${path}: ${firstIssue(result.error, ['operations', index])}`);
  return result.data as RawOperation;
}

const suggestionOf = (kind: string, schemas: typeof OPERATION_SCHEMAS): string => {
  const text = suggestion(kind, [...schemas.keys()]);
  return text.length > 80 ? '; `vmlockstep list operations` names them all' : text;
};

/** A scenario from its JSON text; `path` names it in messages. InputError on anything that is not one. */
export function parseScenario(
  path: string,
  text: string,
  { versions, fields }: ScenarioFormat = FORMAT,
): StoredScenario {
  const value = parsed(path, text);
  if (Array.isArray(value.operations) && value.operations.length > MOST_OPERATIONS)
    throw new InputError(
      `${path}: operations: holds ${value.operations.length} operations; at most ${MOST_OPERATIONS} are read`,
    );
  refuseTraps(path, value, 1, '');
  const { version: _, ...current } = migrated(path, value, versions);
  const file = fileSchema.omit({ version: true }).safeParse(current);
  if (!file.success) throw new InputError(`${path}: ${firstIssue(file.error)}`);
  const { $schema, machine, operations, ...rest } = file.data;
  refuseContradictions(path, rest, operations.length);
  const [fault] = machineFaults(machine);
  if (fault !== undefined) throw new InputError(`${path}: ${fault}`);
  const schemas = fields === OPERATION_FIELDS ? OPERATION_SCHEMAS : operationSchemas(fields);
  const raws = operations.map((operation, i) => operationAt(path, operation, i, schemas));
  return { scenario: { machine, operations: resolved(path, machine, raws) }, ...present(rest) };
}

/** Without the fields that are undefined, and without a schedule that is none. */
const present = (rest: Omit<StoredScenarioInput, 'scenario'>): Omit<StoredScenario, 'scenario'> =>
  Object.fromEntries(
    Object.entries(rest).filter(
      ([name, value]) => value !== undefined && (name !== 'schedule' || value !== null),
    ),
  );

type StoredScenarioInput = { readonly [Field in keyof StoredScenario]: StoredScenario[Field] | undefined };

/** What is well formed but cannot be true. */
function refuseContradictions(
  path: string,
  { expect, kernel, signature, number, outcomes }: Omit<StoredScenarioInput, 'scenario'>,
  length: number,
): void {
  if (number !== undefined && number > length)
    throw new InputError(`${path}: number: must be at most ${length}, the number of operations`);
  if (expect === 'fails' && (signature === undefined || signature === null))
    throw new InputError(`${path}: signature: must say how it fails, since expect is "fails"`);
  if (expect === 'fails' && kernel === undefined)
    throw new InputError(`${path}: kernel: must name the kernel on which it fails, since expect is "fails"`);
  if (outcomes !== undefined && outcomes.length !== length)
    throw new InputError(
      `${path}: outcomes: must hold one word for each of the ${length} operations, or be left out`,
    );
}

/** Reads a scenario file, or standard input for `-`. InputError names the file and the place in it. */
export const readScenario = (path: string): StoredScenario => parseScenario(path, readText(path));

/** The version that a file has before it is migrated. */
export const storedVersion = (path: string, text: string): unknown => parsed(path, text).version;
