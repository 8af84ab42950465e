/** Measures the shrinker: failures of many seeds on faulty kernels, shrunk, and compared with the least that is known. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { writeFileSync } from 'atomically';
import { z } from 'zod';
import { address, PAGE_SIZE } from '../contract/address.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import { FAULTY_KERNELS } from '../faults/kernels.ts';
import { loadFaultyKernel } from '../faults/load.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import type { SearchMemory } from '../properties/certificate.ts';
import { shortestFailure } from '../properties/explore.ts';
import { tinyMachine } from '../properties/explore-machine.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import type { Alikeness } from '../properties/symptoms.ts';
import { FoundFailures, resultFile } from './shrink-cache.ts';
import { type ShrinkTrial, shrinkTrial } from './shrink-trial.ts';

/** What to measure and where to keep it. */
export interface ShrinkBenchOptions {
  /** Seeds 1 … `seeds`. */
  readonly seeds: number;
  /** Names of faulty kernels. */
  readonly faults: readonly string[];
  readonly alike: Alikeness;
  /** Keeps what is measured; a file of the same sources and options is gone on with. */
  readonly file: string;
  /** Keeps found failures. */
  readonly cache: string;
  readonly onProgress: (text: string) => void;
  readonly shouldStop: () => boolean;
}

/** All that was measured on one faulty kernel. */
export interface MeasuredFault {
  readonly name: string;
  /** Operations of the shortest failure that an exhaustive search finds; null where it does not come so far. */
  readonly explored: number | null;
  /** By seed; null where no scenario of the seed fails. */
  readonly trials: Record<string, ShrinkTrial | null>;
}

interface Content {
  readonly mark: string;
  readonly faults: Record<string, MeasuredFault>;
}

/** What tells a result file from any other; what lies in one of the same mark was written by the same sources. */
const ContentSchema = z.strictObject({ mark: z.string(), faults: z.record(z.string(), z.looseObject({})) });

const root = resolve(import.meta.dirname, '..');
/** Milliseconds between two writings of what was measured. */
const BETWEEN_WRITINGS = 10_000;
/** States that the exhaustive search goes on from: four operations deep on the machine of `explore`. */
const MOST_STATES = 950;
const LONGEST_EXPLORED = 4;

/** Another shrinker, other kernels or options give another text. */
function markOf({ alike }: ShrinkBenchOptions): string {
  const hash = createHash('sha256').update(alike);
  for (const folder of ['contract', 'impl', 'model', 'properties', 'properties/invariants'])
    for (const file of readdirSync(join(root, folder)).sort())
      if (/\.[jt]s$/.test(file)) hash.update(readFileSync(join(root, folder, file)));
  return hash.digest('hex').slice(0, 16);
}

function contentOf(file: string, mark: string): Content {
  if (!existsSync(file)) return { mark, faults: {} };
  const content = resultFile(file, ContentSchema) as Content;
  return content.mark === mark ? content : { mark, faults: {} };
}

const TINY = { frames: 4, entries: 6, maps: 2, largest: 3 };
const PLAIN = tinyMachine({ ...TINY, scratch: false });
const BOOT_ENTRY = 3 * PAGE_SIZE;
/** What is explored: the machine of `explore`, one with a boot entry, one for direct pmap operations. */
const EXPLORED: readonly MachineConfig[] = [
  PLAIN,
  {
    ...PLAIN,
    kernelStart: address(PLAIN.kernelStart + BOOT_ENTRY),
    kernelMax: address(PLAIN.kernelMax + BOOT_ENTRY),
  },
  tinyMachine({ ...TINY, scratch: true }),
];

/** Operations of the shortest failure that an exhaustive search finds on any of its machines; null for none. */
function exploredLength(candidate: KernelModule): number | null {
  let shortest: number | null = null;
  for (const machine of EXPLORED) {
    const failure = shortestFailure(candidate, {
      reference: referenceKernel,
      invariants: ALL_INVARIANTS,
      machine,
      vocabulary: { alphabet: 'core', sizes: [0, 1, 2, 3], maps: 2 },
      depth: Math.min(LONGEST_EXPLORED, (shortest ?? LONGEST_EXPLORED + 1) - 1),
      mostStates: MOST_STATES,
    });
    shortest = failure?.scenario.operations.length ?? shortest;
  }
  return shortest;
}

/** Measures fault by fault and seed by seed; ends early with what it has when it is told to. */
export async function benchShrink(options: ShrinkBenchOptions): Promise<MeasuredFault[]> {
  const { seeds, faults, alike, file, cache, onProgress, shouldStop } = options;
  const content = contentOf(file, markOf(options));
  const found = new FoundFailures(cache);
  let written = performance.now();
  const write = (): void => {
    writeFileSync(file, JSON.stringify(content));
    written = performance.now();
  };
  const kernels = FAULTY_KERNELS.filter(({ name }) => faults.includes(name)).map((fault) => ({
    name: fault.name,
    candidate: loadFaultyKernel(fault),
    memory: new Map() satisfies SearchMemory,
  }));
  // Seeds outermost, so that an interrupted measurement is one of all faults.
  for (let seed = 1; seed <= seeds; seed += 1)
    for (const [i, { name, candidate, memory }] of kernels.entries()) {
      await setImmediate();
      if (shouldStop()) break;
      onProgress(`seed ${seed} of ${seeds}, fault ${i + 1} of ${kernels.length}: ${name}`);
      content.faults[name] ??= { name, explored: exploredLength(candidate), trials: {} };
      const trials = content.faults[name]?.trials ?? {};
      if (trials[seed] !== undefined) continue;
      const scenario = found.of(faults, seed).get(name) ?? null;
      trials[seed] = scenario === null ? null : shrinkTrial(scenario, { candidate, memory, alike });
      if (performance.now() - written > BETWEEN_WRITINGS) write();
    }
  write();
  return faults.flatMap((name) => content.faults[name] ?? []);
}
