/** What a scenario file may hold, built from the contract's own table of operation fields. */
import { z } from 'zod';
import { ADDRESS_SPACE_END, address, bytes } from '../contract/address.ts';
import { type FieldMeaning, OPERATION_FIELDS, OPERATION_KINDS } from '../contract/operation.ts';

/** Longest scenario that is read. */
export const MOST_OPERATIONS = 100_000;

const word = z
  .int()
  .min(0)
  .max(ADDRESS_SPACE_END - 1);
/** A map's name; not `__proto__`, which JavaScript objects take for something else. */
const mapName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/,
    'must be a name: a letter, then letters, digits, _ . or -, 64 at most',
  )
  .refine((name) => name !== '__proto__', 'must not be __proto__');
const virtualAddress = word.transform(address);
const length = word.transform(bytes);
const byte = z.int().min(0).max(255);

const MEANINGS: Readonly<Record<FieldMeaning, z.ZodType>> = {
  map: mapName,
  'new-map': mapName,
  address: word,
  size: word,
  offset: word,
  protection: word,
  inheritance: word,
  flag: z.boolean(),
  object: z.enum(['null', 'kernel', 'kmem', 'anon']),
  byte,
  bytes: z.array(byte).max(4096),
  length: word,
  frame: word,
  operation: z.int().min(1).max(MOST_OPERATIONS),
};

/** One strict schema per operation kind. */
export const OPERATION_SCHEMAS: ReadonlyMap<string, z.ZodType> = new Map(
  OPERATION_KINDS.map((kind) => {
    const fields = Object.entries(OPERATION_FIELDS[kind] as Readonly<Record<string, FieldMeaning>>);
    const shape = Object.fromEntries(fields.map(([field, meaning]) => [field, MEANINGS[meaning]]));
    return [kind, z.strictObject({ kind: z.literal(kind), ...shape })];
  }),
);

/** The shape of a machine; whether its numbers make sense is machineFaults' business. */
export const machineSchema = z.strictObject({
  managedPages: word,
  deviceFrames: word,
  kernelMin: virtualAddress,
  kernelStart: virtualAddress,
  kernelMax: virtualAddress,
  mapEntries: word.nullable(),
  staticMaps: word,
  kmemObjectSize: length,
  freeMin: word,
  freeTarget: word,
  inactiveTarget: word,
  reserved: z.array(z.strictObject({ start: virtualAddress, length })).max(1024),
  scratchPages: word,
  scratchWindow: z.strictObject({ start: virtualAddress, end: virtualAddress }).nullable(),
});

/** How the scenario failed when it was stored. */
export const failureSchema = z.strictObject({
  property: z.string().max(200),
  sentence: z.string().max(2000),
  side: z.enum(['reference', 'candidate']),
  number: z.int().min(0).max(MOST_OPERATIONS),
});

/** The file around the operations, which are judged one by one for better messages. */
export const fileSchema = z.strictObject({
  version: z.literal(1),
  note: z.string().max(10_000).optional(),
  failure: failureSchema.optional(),
  machine: machineSchema,
  operations: z.array(z.unknown()).max(MOST_OPERATIONS, `must hold at most ${MOST_OPERATIONS} operations`),
});

/** A path as one would write it in JavaScript: `operations[3].size`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
}

/** The first thing that zod found wrong, as `path: what`. */
export function firstIssue(error: z.ZodError, prefix: readonly PropertyKey[] = []): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'unknown fault';
  const path = pathText([...prefix, ...issue.path]);
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}
