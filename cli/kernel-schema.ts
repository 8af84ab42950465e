/** What an outside kernel must hand over: its declaration, steps, cells and snapshots. */
import { z } from 'zod';
import { ADDRESS_SPACE_END } from '../contract/address.ts';
import { SHOWS } from '../contract/kernel-memory.ts';
import { OPERATION_KINDS, type OperationKind } from '../contract/operation.ts';
import { NO_SPACES } from '../contract/pmap.ts';

const word = z
  .int()
  .min(0)
  .max(ADDRESS_SPACE_END - 1);
const count = z.int();
const name = z.string().min(1);
const event = z.templateLiteral([z.enum(['pages', 'map:', 'trans:']), z.string()]);

/** The `declares` of a kernel module. */
export const declarationSchema = z.object({
  name,
  operations: z
    .array(z.enum(OPERATION_KINDS, 'is no operation; `vmlockstep list operations` names them'))
    .min(1, 'must name at least one operation')
    .superRefine((kinds, { addIssue }) => {
      const at = kinds.findIndex((kind, i) => kinds.indexOf(kind) !== i);
      if (at >= 0) addIssue({ code: 'custom', path: [at], message: `names ${kinds[at]} twice; remove one` });
    }),
  shows: z.array(z.enum(SHOWS, `must be one of ${SHOWS.join(', ')}`)).min(1, "must name at least 'outcomes'"),
  placement: z.enum(['first-fit', 'any'], "must be 'first-fit' or 'any'"),
});

/** Kinds that can run on any machine as it boots. The others need memory, a map, a mapping or a sleeper to be there. */
const OPENING: readonly OperationKind[] = [
  'kmem_alloc',
  'kmem_alloc_pageable',
  'kmem_alloc_wait',
  'vm_map_insert',
  'vm_map_findspace',
  'vm_map_find',
  'vm_map_lookup_entry',
  'vm_map_simplify',
  'pmap_extract',
  'pmap_is_modified',
  'pmap_is_referenced',
  'pmap_clear_modify',
  'pmap_clear_reference',
  'pmap_update',
  'pagedaemon',
];

/** Why no scenario can be generated for a kernel with these operations; null where one can. */
export const generationFault = (operations: readonly OperationKind[]): string | null =>
  operations.some((kind) => OPENING.includes(kind))
    ? null
    : `declares.operations: nothing in it can be the first operation of a scenario, since ${operations[0]} needs what ` +
      'another operation makes; add kmem_alloc, kmem_alloc_pageable or vm_map_find';

const outcomeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('done') }),
  z.object({ kind: z.literal('address'), address: word }),
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('kern'), code: word, address: word.optional() }),
  z.object({ kind: z.literal('submap'), map: name, min: word, max: word }),
  z.object({ kind: z.literal('entry'), found: z.boolean(), start: word.nullable() }),
  z.object({ kind: z.literal('flag'), value: z.boolean() }),
  z.object({ kind: z.literal('bytes'), bytes: z.array(z.int().min(0).max(255)) }),
  z.object({ kind: z.literal('trap'), code: word, address: word }),
  z.object({ kind: z.literal('frame'), frame: word, offset: word }),
  z.object({ kind: z.literal('sleep'), event }),
  z.object({ kind: z.literal('panic'), text: z.string() }),
  z.object({ kind: z.literal('rejected'), rule: z.string() }),
]);

/** What `apply` returns. */
export const stepSchema = z.object({
  outcome: outcomeSchema,
  woken: z.array(count).optional(),
  resumed: count.optional(),
  console: z.array(z.string()).optional(),
  daemonPoked: z.literal(true).optional(),
});

const entrySchema = z.object({
  start: word,
  end: word,
  backing: z.union([z.object({ object: name }), z.object({ submap: name }), z.null()]),
  offset: word,
  protection: word,
  maxProtection: word,
  inheritance: word,
  wiredCount: count,
  copyOnWrite: z.boolean(),
  needsCopy: z.boolean(),
});

const mapSchema = z.object({
  name,
  min: word,
  max: word,
  size: word,
  pageable: z.boolean(),
  entryCount: count,
  references: count,
  locked: z.boolean(),
  entries: z.array(entrySchema),
});

const pageSchema = z.object({
  offset: word,
  frame: word,
  wireCount: count,
  busy: z.boolean(),
  wanted: z.boolean(),
  queue: z.enum(['active', 'inactive', 'none']),
  contents: z.union([z.int().min(0).max(255), z.templateLiteral(['fnv:', z.string()])]).optional(),
  undefinedContents: z.literal(true).optional(),
});

const objectSchema = z.object({
  name,
  references: count,
  size: word,
  shadow: name.nullable(),
  shadowOffset: word,
  pages: z.array(pageSchema),
});

const mappingSchema = z.object({
  address: word,
  frame: word,
  writable: z.boolean(),
  wired: z.boolean(),
  accessed: z.boolean(),
  dirty: z.boolean(),
});

const queueSchema = z.array(word);
const countersSchema = z.object({ free: count, active: count, inactive: count, wired: count });
const poolsSchema = z.object({ freeEntries: count.nullable(), freeMaps: count });
const pmapSchema = z.object({ references: count, resident: count, wired: count });
const spacesSchema = z.object({
  current: name,
  pmaps: z.array(pmapSchema.extend({ name, tables: count, mappings: z.array(mappingSchema) })),
});
const schedSchema = z.object({
  asleep: z.array(z.object({ operation: count, event })),
  runnable: z.array(count),
});
const transitionsSchema = z.array(
  z.object({ map: name, start: word, end: word, state: z.enum(['filling', 'wiring']), operation: count }),
);

/** What `snapshot` returns. */
export const snapshotSchema = z.object({
  maps: z.array(mapSchema),
  objects: z.array(objectSchema),
  queues: z.object({ free: queueSchema, active: queueSchema, inactive: queueSchema }),
  counters: countersSchema,
  mappings: z.array(mappingSchema),
  pmap: pmapSchema,
  spaces: spacesSchema.default({ current: NO_SPACES.current, pmaps: [] }),
  pools: poolsSchema,
  sched: schedSchema,
  transitions: transitionsSchema,
  pv: z.array(z.object({ frame: word, addresses: z.array(word) })),
});

const CELLS: Readonly<Record<string, z.ZodType>> = {
  map: mapSchema.nullable(),
  object: objectSchema.nullable(),
  queue: queueSchema,
  mapping: mappingSchema.nullable(),
  pv: z.array(word),
  counters: countersSchema,
  pools: poolsSchema,
  pmap: pmapSchema,
  spaces: spacesSchema,
  sched: schedSchema,
  transitions: transitionsSchema,
};

/** The schema of the cell with that name; undefined for a name that no cell has. */
export const cellSchema = (cell: string): z.ZodType | undefined => {
  const [family = ''] = cell.split(':', 1);
  return Object.hasOwn(CELLS, family) ? CELLS[family] : undefined;
};

/** What `touched` returns. */
export const touchedSchema = z.array(
  z.string().refine((cell) => cellSchema(cell) !== undefined, 'is the name of no cell'),
);

/** What `audit` returns. */
export const auditSchema = z.array(z.object({ invariant: z.string(), witness: z.string() }));

const wordAt = z.object({ word });

/** What `pageTables` returns. */
export const pageTablesSchema = z.object({
  directoryFrame: word,
  firstManagedFrame: word,
  directory: z.array(wordAt.extend({ slot: word })),
  tables: z.array(wordAt.extend({ address: word })),
  spaces: z
    .array(
      z.object({
        pmap: name,
        directoryFrame: word,
        directory: z.array(wordAt.extend({ slot: word })),
        tables: z.array(wordAt.extend({ address: word })),
        holds: z.array(z.object({ slot: word, hold: count })),
        records: z.array(z.object({ address: word, frame: word })),
      }),
    )
    .default([]),
});

/** What `memoryImage` returns. */
export const memoryImageSchema = z.object({ firstFrame: count, bytes: z.instanceof(Uint8Array) });

/** What `tlb` returns. */
export const tlbSchema = z.array(
  z.object({ address: word, frame: word, user: z.boolean(), writable: z.boolean(), dirty: z.boolean() }),
);
