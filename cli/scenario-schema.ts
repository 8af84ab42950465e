/** What a scenario file may hold, built from the contract's own table of operation fields. */
import { z } from 'zod';
import { ADDRESS_SPACE_END, address, bytes } from '../contract/address.ts';
import { type FieldMeaning, OPERATION_FIELDS, OPTIONAL_FIELDS } from '../contract/operation.ts';
import { quoted } from './nearest.ts';
import { HANDLE, HANDLE_NAME } from './scenario-handles.ts';

/** Version of the files that are written. */
export const SCENARIO_VERSION = 2;

/** Longest scenario that is read. */
export const MOST_OPERATIONS = 100_000;

/** Any 32-bit number, for people: `"0xfe000000"`. */
const HEXADECIMAL = /^0x[0-9a-fA-F]{1,8}$/;

/** A whole number in a range, with one sentence for whatever else stands there. */
const whole = (least: number, most: number) =>
  z
    .custom<number>(
      (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
      `must be a whole number from ${least} to ${most}`,
    )
    .meta({ type: 'integer', minimum: least, maximum: most })
    // Minus zero is a zero that compares as another number.
    .transform((value) => value + 0);

const isWord = (value: unknown): boolean =>
  (Number.isInteger(value) && Number(value) >= 0 && Number(value) < ADDRESS_SPACE_END) ||
  (typeof value === 'string' && HEXADECIMAL.test(value));
const WORD_JSON = { type: 'integer', minimum: 0, maximum: ADDRESS_SPACE_END - 1 } as const;
const HEXADECIMAL_JSON = { type: 'string', pattern: HEXADECIMAL.source } as const;

/** A 32-bit number, also in hexadecimal. */
const word = z
  .custom<number | string>(isWord, `must be a whole number from 0 to ${ADDRESS_SPACE_END - 1}`)
  .meta({ anyOf: [WORD_JSON, HEXADECIMAL_JSON] })
  .transform((value) => Number(value) + 0);
/** An address of an operation: also a handle, which is resolved once the operations before it are known. */
const wordOrHandle = z
  .custom<number | string>(
    (value) => isWord(value) || (typeof value === 'string' && HANDLE.test(value)),
    `must be a whole number from 0 to ${ADDRESS_SPACE_END - 1}, a hexadecimal such as "0x1000", or a handle such as "a+0x1000" or "kernel.min"`,
  )
  .meta({ anyOf: [WORD_JSON, HEXADECIMAL_JSON, { type: 'string', pattern: HANDLE.source }] })
  .transform((value) => (typeof value === 'string' && !HEXADECIMAL.test(value) ? value : Number(value) + 0));
const truth = z.boolean('must be true or false');
/** A map's name; not `__proto__`, which JavaScript objects take for something else. */
const mapName = z
  .string('must be a name in quotes')
  .regex(
    /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/,
    'must be a name: a letter, then letters, digits, _ . or -, 64 at most',
  )
  .refine((name) => name !== '__proto__', 'must not be __proto__');
const virtualAddress = word.transform(address);
const length = word.transform(bytes);
const byte = whole(0, 255);

const MEANINGS: Readonly<Record<FieldMeaning, z.ZodType>> = {
  map: mapName,
  'new-map': mapName,
  address: wordOrHandle,
  size: word,
  offset: word,
  protection: word,
  inheritance: word,
  flag: truth,
  object: z.enum(['null', 'kernel', 'kmem', 'anon'], 'must be null, kernel, kmem or anon, in quotes'),
  byte,
  bytes: z.array(byte, 'must be a list of bytes').max(4096, 'must hold at most 4096 bytes'),
  length: word,
  frame: word,
  operation: whole(1, MOST_OPERATIONS),
  pmap: mapName,
  'new-pmap': mapName,
  mode: z.literal('user', 'must be "user", or absent for the supervisor'),
};

/** A table of kinds and their fields, such as OPERATION_FIELDS. */
export type FieldTable = Readonly<Record<string, Readonly<Record<string, FieldMeaning>>>>;

const resultName = z
  .string('must be a name in quotes')
  .regex(HANDLE_NAME, 'must be a name: a letter, then letters, digits or _, 32 at most')
  .refine((name) => name !== '__proto__', 'must not be __proto__');

/** Kinds whose result may be an address, so that it may have a name. */
const NAMEABLE: ReadonlySet<string> = new Set([
  'kmem_alloc_pageable',
  'kmem_alloc',
  'kmem_malloc',
  'kmem_alloc_wait',
  'vm_map_find',
  'vm_map_findspace',
  'resume',
]);

/** One strict schema per operation kind of a table. */
export const operationSchemas = (table: FieldTable): ReadonlyMap<string, z.ZodObject> =>
  new Map(
    Object.entries(table).map(([kind, meanings]) => {
      const optional: Readonly<Record<string, readonly string[]>> = OPTIONAL_FIELDS;
      const fields = Object.entries(meanings).map(([field, meaning]) => [
        field,
        optional[kind]?.includes(field) ? MEANINGS[meaning].optional() : MEANINGS[meaning],
      ]);
      const named = NAMEABLE.has(kind) ? { as: resultName.optional() } : {};
      return [kind, z.strictObject({ kind: z.literal(kind), ...Object.fromEntries(fields), ...named })];
    }),
  );

/** One strict schema per operation kind. */
export const OPERATION_SCHEMAS = operationSchemas(OPERATION_FIELDS);

/** The shape of a machine; whether its numbers make sense is machineFaults' business. */
export const machineSchema = z.strictObject({
  managedPages: word,
  deviceFrames: word,
  kernelMin: virtualAddress,
  kernelStart: virtualAddress,
  kernelMax: virtualAddress,
  // Its range is machineFaults' to tell.
  mapEntries: z.number('must be null or a whole number').meta({ type: 'integer' }).nullable(),
  staticMaps: word,
  kmemObjectSize: length,
  freeMin: word,
  freeTarget: word,
  inactiveTarget: word,
  reserved: z.array(z.strictObject({ start: virtualAddress, length })).max(1024),
  scratchPages: word,
  scratchWindow: z.strictObject({ start: virtualAddress, end: virtualAddress }).nullable(),
});

/** What a stored failure is recognized by; without `field` any will do. */
export const signatureSchema = z.strictObject({
  property: z.string().min(1).max(200),
  side: z.enum(['reference', 'candidate']),
  operation: z.string().max(64).nullable(),
  field: z.string().max(200).nullable().optional(),
});

/** Where a scenario comes from. */
export const provenanceSchema = z.strictObject({
  seed: whole(0, 0xffff_ffff).nullable(),
  command: z.string().max(2000).nullable(),
  version: z.string().max(64),
  path: z.string().max(2000).nullable(),
});

/** A kernel by name: a fault of this package, or a module. */
const kernelName = z.string().min(1).max(1000);

/** The file around the operations, which are judged one by one for better messages. */
export const fileSchema = z.strictObject({
  $schema: z.string().max(1000).optional(),
  version: z.literal(SCENARIO_VERSION),
  note: z.string().max(10_000).optional(),
  expect: z.enum(['holds', 'fails'], 'must be "holds" or "fails"').optional(),
  kernel: kernelName.optional(),
  signature: signatureSchema.nullable().optional(),
  number: whole(0, MOST_OPERATIONS).optional(),
  provenance: provenanceSchema.optional(),
  schedule: z.tuple([], 'must be null or an empty list: schedules are not run yet').nullable().optional(),
  machine: machineSchema,
  operations: z.array(z.unknown()).max(MOST_OPERATIONS, `must hold at most ${MOST_OPERATIONS} operations`),
  outcomes: z.array(z.string().max(200)).max(MOST_OPERATIONS).optional(),
});

/** A whole file with every operation, for editors; whether handles and machines make sense is not in it. */
export const wholeFileSchema = fileSchema.extend({
  operations: z.array(z.union([...OPERATION_SCHEMAS.values()])).max(MOST_OPERATIONS),
});

/** Version 1 had its failure without operation and field. */
export const failureOfVersion1 = z.strictObject({
  property: z.string().max(200),
  sentence: z.string().max(2000),
  side: z.enum(['reference', 'candidate']),
  number: whole(0, MOST_OPERATIONS),
});

/** A path as one would write it in JavaScript: `operations[3].size`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
}

const EXPECTED: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** An issue in our words; those that the schema words itself stay as they are. */
function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return `has the unknown field ${quoted(key)}; remove it`;
  }
  if (!/^(Invalid|Too|Expected|Unrecognized)/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${EXPECTED[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

/** The first thing that zod found wrong, as `path: what`. */
export function firstIssue(error: z.ZodError, prefix: readonly PropertyKey[] = []): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'unknown fault';
  const message = issueText(issue);
  const path = pathText([...prefix, ...issue.path]);
  return path === '' ? message : `${path}: ${message}`;
}
