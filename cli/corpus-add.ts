/** `corpus add`: a scenario becomes a case once it is known what it does. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../contract/input-error.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import { signatureOf } from '../properties/signature.ts';
import { RUNS_TO_CONFIRM } from './confirm.ts';
import { type CorpusCase, type CorpusDirectory, corpusFiles } from './corpus-files.ts';
import { judgeCase } from './corpus-job.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import type { CaseResult } from './job.ts';
import { readScenario, type StoredScenario, scenarioText } from './scenario-file.ts';
import { keptKernel } from './scenario-kernel.ts';
import { outcomesOf, staleness } from './scenario-outcomes.ts';
import { version } from './version.ts';

/** What becomes of a file, before anything is written. */
export type Addition =
  | {
      readonly kind: 'case';
      readonly name: string;
      readonly stored: StoredScenario;
      /** What its owner should know, or null. */
      readonly note: string | null;
    }
  | { readonly kind: 'refused'; readonly why: string; readonly status: ExitStatus };

const HASH_DIGITS = 8;

/** What makes two cases the same case: the scenario, and the kernel that is to fail on it. */
function identityOf({ scenario, expect, kernel }: StoredScenario): string {
  const { machine, operations } = scenario;
  const text = scenarioText({ scenario: { machine, operations } });
  const where = expect === 'fails' ? (kernel ?? '') : '';
  return createHash('sha256').update(`${where}\n${text}`).digest('hex');
}

/** The name that follows from how a case fails or failed: `INV-PAGE-COUNTERS-kmem_free-1a2b3c4d`. */
export function caseName(stored: StoredScenario): string {
  const { signature, scenario } = stored;
  const parts =
    signature == null
      ? ['holds', scenario.operations.at(-1)?.kind ?? 'boot']
      : [signature.property, signature.operation ?? 'boot'];
  const name = parts.join('-').replace(/[^A-Za-z0-9._-]+/g, '-');
  return `${name.slice(0, 100)}-${identityOf(stored).slice(0, HASH_DIGITS)}.scn.json`;
}

const refused = (why: string, status: ExitStatus = EXIT.usage): Addition => ({
  kind: 'refused',
  why,
  status,
});

/** Who judges a file: one of our faults, which is to fail on it for ever, or an outside kernel, where it is to hold. */
export type Judging =
  | { readonly kind: 'fault'; readonly name: string; readonly kernel: KernelModule }
  | { readonly kind: 'outside'; readonly name: string; readonly result: CaseResult };

/** What becomes of a file; `judging`: null for the optimized kernel, where it is to hold. */
export function additionOf({ file, stored }: CorpusCase, judging: Judging | null): Addition {
  const stale = staleness(stored.scenario, stored.outcomes);
  if (stale !== null)
    return refused(
      `${file}: stale: ${stale}; if the change was meant, remove "outcomes" from the file and add it again`,
      EXIT.stale,
    );
  const outcomes = outcomesOf(stored.scenario);
  if (outcomes === null) return refused(`${file}: operations: is too large for a case; shrink it first`);
  const { scenario } = stored;
  const result =
    judging?.kind === 'outside'
      ? judging.result
      : judgeCase({ file, scenario }, judging?.kernel ?? optimizedKernel, RUNS_TO_CONFIRM);
  if (result.status === 'flaky') return refused(`${file}: flaky: ${result.why}`, EXIT.flaky);
  if (result.report === null) return refused(`${file}: ${result.why}; remove it`);
  const found = signatureOf(result.report);
  const provenance = stored.provenance ?? { seed: null, command: null, version: version(), path: file };
  const { note } = stored;
  const common = { scenario, ...(note !== undefined && { note }), provenance, outcomes };
  if (judging?.kind !== 'fault') {
    const signature = found ?? stored.signature ?? null;
    const number = found === null ? stored.number : result.report.failure?.number;
    const kernel =
      found === null || judging === null ? stored.kernel : keptKernel(judging.name, process.cwd());
    const kept = {
      ...common,
      expect: 'holds' as const,
      ...(kernel !== undefined && signature !== null && { kernel }),
      signature,
      ...(number !== undefined && { number }),
    };
    const told =
      found === null ? null : `${file}: fails at present: ${found.property}; check fails until it holds`;
    return { kind: 'case', name: caseName(kept), stored: kept, note: told };
  }
  if (found === null)
    return refused(
      `${file}: holds on ${judging.name}; name the kernel that fails on it, or leave --kernel out`,
    );
  const kept = {
    ...common,
    expect: 'fails' as const,
    kernel: judging.name,
    signature: found,
    number: result.report.failure?.number ?? 0,
  };
  return { kind: 'case', name: caseName(kept), stored: kept, note: null };
}

/** Refuses a case that the directory has already, under whatever name. */
export function withoutDuplicates(
  additions: readonly { readonly file: string; readonly addition: Addition }[],
  directory: CorpusDirectory,
): { readonly file: string; readonly addition: Addition }[] {
  const known = new Map<string, string>();
  const files = directory.given && !existsSync(directory.path) ? [] : corpusFiles(directory);
  for (const file of files) known.set(identityOf(readScenario(file)), file);
  return additions.map(({ file, addition }) => {
    if (addition.kind === 'refused') return { file, addition };
    const identity = identityOf(addition.stored);
    const twin = known.get(identity);
    known.set(identity, file);
    return twin === undefined
      ? { file, addition }
      : { file, addition: refused(`${file}: is stored already as ${twin}; nothing to add`) };
  });
}

/** Where a case goes; InputError where something else has its name. */
export function placeOf(directory: CorpusDirectory, name: string): string {
  const path = join(directory.path, name);
  if (existsSync(path)) throw new InputError(`${path}: exists already with other contents; move it away`);
  return path;
}
