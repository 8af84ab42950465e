/** Found failures kept from one measurement to the next: finding them does not depend on the shrinker. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFileSync } from 'atomically';
import { z } from 'zod';
import { InputError } from '../contract/input-error.ts';
import type { Scenario } from '../contract/scenario.ts';
import { FAULTY_KERNELS } from '../faults/kernels.ts';
import { loadFaultyKernel } from '../faults/load.ts';
import { firstFailures, firstScenario } from './shrink-find.ts';

/** Scenarios of a seed that are tried on each faulty kernel. */
const RUNS = 200;

interface Content {
  /** By seed: the fingerprint of its scenarios, and by fault the first that fails; null where none does. */
  readonly seeds: Record<string, { mark: string; found: Record<string, Scenario | null> }>;
}

const ContentSchema = z.strictObject({
  seeds: z.record(
    z.string(),
    z.strictObject({ mark: z.string(), found: z.record(z.string(), z.looseObject({}).nullable()) }),
  ),
});

/**
 * What a file holds that a measurement has written.
 *
 * @throws InputError where it is another file.
 */
export function resultFile(file: string, schema: z.ZodType): unknown {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new InputError(`${file}: not JSON; name another file with --out, or one that bench shrink wrote`);
  }
  const found = schema.safeParse(content);
  if (found.success) return content;
  const [issue] = found.error.issues;
  throw new InputError(
    `${file}: not a file of bench shrink (${issue?.path.join('.') || 'at its top'}: ${issue?.message}); ` +
      'name another file with --out, or one that bench shrink wrote',
  );
}

const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** The failures of faulty kernels by fault and seed, from a file where it knows them. */
export class FoundFailures {
  readonly #file: string;
  readonly #content: Content;

  constructor(file: string) {
    this.#file = file;
    this.#content = existsSync(file) ? (resultFile(file, ContentSchema) as Content) : { seeds: {} };
  }

  /** The first failing scenario of each named fault; null where none of the seed fails. */
  of(names: readonly string[], seed: number): ReadonlyMap<string, Scenario | null> {
    const faults = FAULTY_KERNELS.filter(({ name }) => names.includes(name));
    const mark = short(JSON.stringify([RUNS, firstScenario(seed)]));
    const known = this.#content.seeds[seed];
    const entry = known?.mark === mark ? known : { mark, found: {} };
    this.#content.seeds[seed] = entry;
    const keyOf = (fault: (typeof faults)[number]): string =>
      `${fault.name} ${short(JSON.stringify([fault.find, fault.replace, fault.also]))}`;
    const missing = faults.filter((fault) => entry.found[keyOf(fault)] === undefined);
    if (missing.length > 0) {
      const kernels = missing.map((fault) => ({ name: fault.name, kernel: loadFaultyKernel(fault) }));
      const found = firstFailures(kernels, { seed, runs: RUNS });
      for (const fault of missing) entry.found[keyOf(fault)] = found.get(fault.name) ?? null;
      writeFileSync(this.#file, JSON.stringify(this.#content));
    }
    return new Map(faults.map((fault) => [fault.name, entry.found[keyOf(fault)] ?? null]));
  }
}
