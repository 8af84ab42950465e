/**
 * Older scenario files made new, before anything else looks at them. A change of the format or of the operations adds
 * a step here and one to SCENARIO_VERSION; without a step, stored scenarios that it concerns are refused.
 */
import { InputError } from '../contract/input-error.ts';
import { quoted } from './nearest.ts';
import { failureOfVersion1, firstIssue, SCENARIO_VERSION } from './scenario-schema.ts';

/** A JSON object of a file, not yet judged. */
export type RawObject = Readonly<Record<string, unknown>>;

/** One thing that a new version does to the files of the version before. */
export type MigrationEdit =
  | { readonly edit: 'rename-kind'; readonly from: string; readonly to: string }
  | {
      readonly edit: 'rename-argument';
      readonly kind: string;
      readonly from: string;
      readonly to: string;
    }
  /** Where old files lack it. */
  | {
      readonly edit: 'add-argument';
      readonly kind: string;
      readonly field: string;
      readonly value: unknown;
    }
  | { readonly edit: 'remove-argument'; readonly kind: string; readonly field: string }
  /** Anything about the file outside its operations; throws InputError where the old file is wrong. */
  | { readonly edit: 'file'; change(file: RawObject, path: string): RawObject };

/** What leads from one version to the next, in this order. */
export interface Migration {
  /** The version that it makes one higher. */
  readonly from: number;
  readonly edits: readonly MigrationEdit[];
}

const isObject = (value: unknown): value is RawObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The failure of version 1 as a signature that matches any field. */
function withSignature({ failure, ...file }: RawObject, path: string): RawObject {
  if (failure === undefined) return file;
  const judged = failureOfVersion1.safeParse(failure);
  if (!judged.success) throw new InputError(`${path}: ${firstIssue(judged.error, ['failure'])}`);
  const { property, side, number } = judged.data;
  const operations = Array.isArray(file.operations) ? (file.operations as readonly unknown[]) : [];
  const failing = operations[number - 1];
  const kind = isObject(failing) && typeof failing.kind === 'string' ? failing.kind : null;
  return { ...file, signature: { property, side, operation: kind }, number };
}

/** All steps from version 1 on. */
export const MIGRATIONS: readonly Migration[] = [
  { from: 1, edits: [{ edit: 'file', change: withSignature }] },
];

/** An object with one key renamed in its place; anything that is there under the new name already stays to be refused. */
const renamed = (object: RawObject, from: string, to: string): RawObject =>
  to in object
    ? object
    : Object.fromEntries(Object.entries(object).map(([key, value]) => [key === from ? to : key, value]));

function editedOperation(operation: unknown, edit: MigrationEdit): unknown {
  if (edit.edit === 'file' || !isObject(operation)) return operation;
  if (edit.edit === 'rename-kind')
    return operation.kind === edit.from ? { ...operation, kind: edit.to } : operation;
  if (operation.kind !== edit.kind) return operation;
  switch (edit.edit) {
    case 'rename-argument':
      return renamed(operation, edit.from, edit.to);
    case 'add-argument':
      return edit.field in operation ? operation : { ...operation, [edit.field]: edit.value };
    case 'remove-argument': {
      const { [edit.field]: _, ...rest } = operation;
      return rest;
    }
  }
}

/** A stored signature names an operation, which may be called otherwise now. */
function editedSignature(signature: unknown, edit: MigrationEdit): unknown {
  const renames = edit.edit === 'rename-kind' && isObject(signature) && signature.operation === edit.from;
  return renames ? { ...signature, operation: edit.to } : signature;
}

function edited(file: RawObject, edit: MigrationEdit, path: string): RawObject {
  if (edit.edit === 'file') return edit.change(file, path);
  const { operations, signature } = file;
  return {
    ...file,
    ...(signature !== undefined && { signature: editedSignature(signature, edit) }),
    ...(Array.isArray(operations) && {
      operations: operations.map((operation: unknown) => editedOperation(operation, edit)),
    }),
  };
}

/** What is read, and how older files come to it. */
export interface ScenarioVersions {
  readonly version: number;
  readonly migrations: readonly Migration[];
}

/** The versions of this package. */
export const VERSIONS: ScenarioVersions = { version: SCENARIO_VERSION, migrations: MIGRATIONS };

/** The version that a file says it has; InputError where it says none that can be read. */
export function versionOf(path: string, { version }: RawObject, newest: number): number {
  if (Number.isInteger(version) && Number(version) > newest)
    throw new InputError(
      `${path}: version: must be at most ${newest}, which this vmlockstep writes; read ${quoted(String(version))} with a newer one`,
    );
  if (!Number.isInteger(version) || Number(version) < 1)
    throw new InputError(`${path}: version: must be a whole number from 1 to ${newest}`);
  return Number(version);
}

/** The file as the newest version has it. */
export function migrated(
  path: string,
  file: RawObject,
  { version: newest, migrations }: ScenarioVersions = VERSIONS,
): RawObject {
  let current = file;
  for (let version = versionOf(path, file, newest); version < newest; version++) {
    const step = migrations.find(({ from }) => from === version);
    if (step === undefined)
      throw new InputError(
        `${path}: version: ${version} can no longer be read; use the vmlockstep that wrote it`,
      );
    for (const edit of step.edits) current = edited(current, edit, path);
  }
  return { ...current, version: newest };
}
