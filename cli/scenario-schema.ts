/** What a scenario file may hold, built from the contract's own table of operation fields. */
import { z } from 'zod';
import { ADDRESS_SPACE_END, address, bytes } from '../contract/address.ts';
import { type FieldMeaning, OPERATION_FIELDS, OPERATION_KINDS } from '../contract/operation.ts';
import { quoted } from './nearest.ts';

/** Longest scenario that is read. */
export const MOST_OPERATIONS = 100_000;

/** A whole number in a range, with one sentence for whatever else stands there. */
const whole = (least: number, most: number) =>
  z
    .custom<number>(
      (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
      `must be a whole number from ${least} to ${most}`,
    )
    // Minus zero is a zero that compares as another number.
    .transform((value) => value + 0);
const word = whole(0, ADDRESS_SPACE_END - 1);
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
  address: word,
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
  // Its range is machineFaults' to tell.
  mapEntries: z.number('must be null or a whole number').nullable(),
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
  number: whole(0, MOST_OPERATIONS),
});

/** The file around the operations, which are judged one by one for better messages. */
export const fileSchema = z.strictObject({
  version: z.literal(1, 'must be 1, the only version that this vmlockstep reads'),
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
