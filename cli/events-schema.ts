/** The lines of an event stream. docs/events.md describes them in words. */
import { z } from 'zod';
import { DEFAULT_WORKLOAD } from './check-options.ts';

const whole = z.int().min(0);
const status = z.enum(['passed', 'failed', 'gave_up']);

/** First line: what runs. */
const runEvent = z.strictObject({
  event: z.literal('run'),
  /** Of the stream; grows when a field changes its meaning or goes. */
  version: z.literal(1),
  verb: z.literal('check'),
  versions: z.strictObject({ vmlockstep: z.string(), node: z.string() }),
  seed: whole,
  /** Scenarios asked for; null with a time limit alone. */
  runs: whole.nullable(),
  /** Time limit in milliseconds. */
  time: z.number().nullable(),
  workload: z.string().default(DEFAULT_WORKLOAD),
  kernel: z.string(),
  /** When it began, in seconds since 1970; 0 without --events-timing. */
  run_start: z.number(),
});

/** One stored case that ran before anything was generated. */
const corpusEvent = z.strictObject({
  event: z.literal('corpus'),
  file: z.string(),
  status: z.enum(['passed', 'failed', 'stale', 'flaky']),
  property: z.string().nullable(),
});

/** One generated scenario. The names are those of Hypothesis' observations, for viewers that know these. */
const scenarioEvent = z.strictObject({
  event: z.literal('scenario'),
  type: z.literal('test_case'),
  /** Number of the scenario in its run, from 1. */
  number: whole,
  run_start: z.number(),
  property: z.string(),
  /** `gave_up`: it had no operation. */
  status,
  /** What failed, or an empty text. */
  status_reason: z.string(),
  representation: z.string(),
  how_generated: z.string(),
  features: z.strictObject({
    workload: z.string().nullable(),
    operations: whole,
    executed: whole,
    frames: whole,
    refused: whole,
    slept: whole,
    panicked: z.boolean(),
  }),
  /** Seconds that generating and running it took; empty without --events-timing. */
  timing: z.strictObject({ execute: z.number().optional() }),
});

const signature = z.strictObject({
  property: z.string(),
  side: z.enum(['reference', 'candidate']),
  operation: z.string().nullable(),
  field: z.string().nullable(),
});

/** The first failure, once it is on disk. */
const failureEvent = z.strictObject({
  event: z.literal('failure'),
  /** Number of the failing scenario, from 1. */
  number: whole,
  signature,
  operations: whole,
  /** Path of the scenario as it was found; null where it could not be stored. */
  stored: z.string().nullable(),
});

/** A smaller scenario with the same failure, once it is on disk. */
const shrinkEvent = z.strictObject({
  event: z.literal('shrink'),
  /** How many were found, this one included. */
  step: whole,
  operations: whole,
});

/** Last line. */
const endEvent = z.strictObject({
  event: z.literal('end'),
  scenarios: whole,
  operations: whole,
  passed: whole,
  failed: whole,
  goals: z.strictObject({ reached: whole, of: whole }),
  /** The failure as shrunk. */
  failure: z
    .strictObject({ property: z.string(), operations: whole, stored: z.string().nullable() })
    .nullable(),
  interrupted: z.boolean(),
  exit: whole,
  /** Seconds of the whole run; absent without --events-timing. */
  seconds: z.number().optional(),
});

/** Any line of the stream. */
export const eventSchema = z.discriminatedUnion('event', [
  runEvent,
  corpusEvent,
  scenarioEvent,
  failureEvent,
  shrinkEvent,
  endEvent,
]);

/** Any line of the stream, parsed. */
export type StreamEvent = z.infer<typeof eventSchema>;
export type ScenarioEvent = z.infer<typeof scenarioEvent>;
