/** The shape of a golden trace, line by line, checked where a file is read (TRACES §1, §3, §4). */
import { z } from 'zod';

const U32_MAX = 0xffff_ffff;
const LARGEST_ARRAY = 1 << 20;

const u32 = z.int().min(0).max(U32_MAX);
const byte = z.int().min(0).max(255);
const operationNumber = z.int().min(1).max(LARGEST_ARRAY);
const name = z
  .string()
  .min(1)
  .max(64)
  .refine((text) => text !== '__proto__', 'is no name for a map or object');
const many = <Item extends z.ZodType>(item: Item) => z.array(item).max(LARGEST_ARRAY);

/** The machine of a trace: frames, VM_MIN_KERNEL_ADDRESS, end of the boot entry, end of kernel_map, static entries. */
export const traceConfigSchema = z.object({
  npages: u32,
  vmin: u32,
  start: u32,
  end: u32,
  kentries: u32,
});
export type TraceConfig = z.infer<typeof traceConfigSchema>;

/** Line 1 of a trace with a header; other keys are for readers. */
export const traceHeaderSchema = z.object({
  config: traceConfigSchema,
  page_size: z.literal(4096),
  nops: z.int().min(0).max(LARGEST_ARRAY),
  origin: z.string().optional(),
});

const call = <Op extends string, Args extends z.ZodTuple>(op: Op, args: Args) =>
  z.object({ op: z.literal(op), args });
const mapRange = z.tuple([name, u32, u32]);
const mapSize = z.tuple([name, u32]);
const mapAddress = z.tuple([name, u32]);
const nothing = z.tuple([]);

/** Every operation of TRACES §4 with its arguments in order. */
export const traceOperationSchema = z.discriminatedUnion('op', [
  call('suballoc', z.tuple([name, name, u32, u32])),
  call('alloc', mapSize),
  call('alloc_pageable', mapSize),
  call('malloc', z.tuple([name, u32, u32])),
  call('alloc_wait', mapSize),
  call('free', mapRange),
  call('free_wakeup', mapRange),
  call('fault', z.tuple([name, u32, u32])),
  call('wire', mapRange),
  call('unwire', mapRange),
  call('protect', z.tuple([name, u32, u32, u32, u32])),
  call('inherit', z.tuple([name, u32, u32, u32])),
  call('insert', z.tuple([name, z.enum(['null', 'kernel', 'kmem', 'anon']), u32, u32, u32])),
  call('remove', mapRange),
  call('findspace', mapRange),
  call('lookup', mapAddress),
  call('simplify', mapAddress),
  call('check', z.tuple([name, u32, u32, u32])),
  call('read', mapAddress),
  call('write', z.tuple([name, u32, byte])),
  call('deactivate', mapAddress),
  call('copy', z.tuple([name, u32, u32, name, u32])),
  call('pagedaemon', nothing),
  call('resume', z.tuple([u32])),
  call('dump', nothing),
]);
export type TraceOperation = z.infer<typeof traceOperationSchema>;

/** Operation names that a record may carry. */
export const TRACE_OPERATIONS: ReadonlySet<string> = new Set(
  traceOperationSchema.options.flatMap((option) => [...option.shape.op.values]),
);

// Behind a stop a recorded state shows a damaged machine: what only counts there is not held to a range.
const entrySchema = z.object({
  start: u32,
  end: u32,
  obj: z.string().nullable(),
  offset: u32,
  prot: u32,
  max_prot: u32,
  inherit: u32,
  wired: z.int(),
  cow: z.int(),
  needs_copy: z.int(),
});
export type TraceEntry = z.infer<typeof entrySchema>;

const mapSchema = z.object({
  min: u32,
  max: u32,
  size: u32,
  nentries: z.int(),
  ref_count: z.int(),
  pageable: z.boolean(),
  locked: z.boolean(),
  first_free: z.union([u32, z.literal('header')]).optional(),
  entries: many(entrySchema),
});
export type TraceMap = z.infer<typeof mapSchema>;

const pageSchema = z.object({
  offset: u32,
  ppn: z.int(),
  wire_count: u32,
  flags: z.array(z.string()).max(16),
  fill: z.union([byte, z.templateLiteral(['fnv:', z.string().regex(/^[0-9a-f]{8}$/)])]),
});
export type TracePage = z.infer<typeof pageSchema>;

const objectSchema = z.object({
  ref_count: z.int(),
  size: u32,
  shadow: z.string().nullable().optional(),
  shadow_offset: u32.optional(),
  paging_in_progress: z.int().optional(),
  pages: many(pageSchema),
});
export type TraceObject = z.infer<typeof objectSchema>;

/** The observable state after an operation (TRACES §3). */
export const traceStateSchema = z.object({
  maps: z.record(name, mapSchema),
  objects: z.record(name, objectSchema),
  counters: z.object({ free: z.int(), active: z.int(), inactive: z.int(), wired: z.int() }),
  queues: z.object({ free: many(z.int()), active: many(z.int()), inactive: many(z.int()) }),
  pmap: many(z.object({ va: u32, ppn: z.int(), prot: u32, wired: z.union([z.boolean(), z.int()]) })),
  kentries_free: z.int(),
  kmaps_free: z.int(),
  asleep: many(z.object({ op: operationNumber, event: z.string() })),
  runnable: many(operationNumber),
});
export type TraceState = z.infer<typeof traceStateSchema>;

/** What an operation answered; which keys there are depends on the operation (TRACES §4). */
export const traceResultSchema = z.record(
  z.string(),
  z.union([z.number(), z.string(), z.boolean(), z.null()]),
);
export type TraceResult = Readonly<Record<string, number | string | boolean | null>>;

/** The record of op 0: its result repeats the configuration, among keys that do not matter. */
export const bootRecordSchema = z.object({
  i: z.literal(0),
  op: z.literal('config'),
  result: traceConfigSchema,
  state: traceStateSchema,
});

/** A record, but for `op` and `args`. */
export const traceRecordSchema = z.object({
  i: operationNumber,
  result: traceResultSchema,
  woken: many(operationNumber).optional(),
  resumed: operationNumber.optional(),
  console: z.array(z.string()).max(1024).optional(),
  dev: z.string().optional(),
  state: traceStateSchema.optional(),
});
