/**
 * `vmlockstep faults`: puts every faulty kernel through the same scenarios, once with the comparison switched off and
 * once with it on, and says who saw it first.
 */
import fc from 'fast-check';
import { InputError } from '../contract/input-error.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import { canLoadFaults, loadFaultyKernel } from '../faults/load.ts';
import type { FaultPatch } from '../faults/patch.ts';
import { SOUGHT, type SoughtWith, soughtWith } from '../faults/sought.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { type CampaignFailure, runCampaign } from '../properties/campaign.ts';
import type { Invariant } from '../properties/invariant.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';
import { runLockstep } from '../properties/lockstep.ts';
import { scenarios } from '../properties/scenarios.ts';
import { signatureOf } from '../properties/signature.ts';
import { failureLines } from '../report/failure.ts';
import { shrinkLines } from '../report/shrinking.ts';
import { counted } from '../report/tables.ts';
import { EXIT, type ExitStatus, tallyLine } from './exit-status.ts';
import { nearest, quoted } from './nearest.ts';

/** Who saw a fault first: the property, the number of the scenario and of the operation in it, all from 1. */
export interface FirstSight {
  readonly property: string;
  readonly scenario: number;
  readonly operation: number;
}

/** One faulty kernel's fate; null: nobody saw it. */
export interface FaultFate {
  readonly fault: FaultPatch;
  readonly withoutComparison: FirstSight | null;
  readonly withComparison: FirstSight | null;
}

/** The first scenario of the list in which the candidate fails, as far as these invariants see it. */
export function firstSight(
  candidate: KernelModule,
  list: readonly Scenario[],
  compare: boolean,
  invariants: readonly Invariant[] = ALL_INVARIANTS,
): FirstSight | null {
  for (const [i, scenario] of list.entries()) {
    const { failure } = runLockstep(scenario, {
      reference: referenceKernel,
      candidate,
      compare,
      invariants,
      fullEvery: 64,
    });
    if (failure !== null) return { property: failure.property, scenario: i + 1, operation: failure.number };
  }
  return null;
}

/** The scenarios that every fault sought with that workload is tried on. */
export const faultScenarios = (seed: number, count: number, workload: SoughtWith = 'default'): Scenario[] =>
  fc.sample(scenarios({ reference: referenceKernel, workload }), { seed, numRuns: count });

/** Runs one fault through the scenarios, both ways. */
export function fateOf(fault: FaultPatch, list: readonly Scenario[]): FaultFate {
  const candidate = loadFaultyKernel(fault);
  return {
    fault,
    withoutComparison: firstSight(candidate, list, false),
    withComparison: firstSight(candidate, list, true),
  };
}

const show = (sight: FirstSight | null): string =>
  sight === null ? 'nobody' : `${sight.property} (scenario ${sight.scenario}, operation ${sight.operation})`;

/** Scenarios that a search for shorter ones tries: enough for the certificates of most faults, in seconds. */
const FEW_SEARCHED = 250;

/** The fault as a diff, and the shortest scenario found that shows it. */
function storyOf(
  fault: FaultPatch,
  { seed, scenarios: runs }: { seed: number; scenarios: number },
): string[] {
  const { failure } = runCampaign({
    reference: referenceKernel,
    candidate: loadFaultyKernel(fault),
    seed,
    runs,
    workload: soughtWith(fault),
    searchLimit: FEW_SEARCHED,
  });
  const prefixed = (sign: string, text: string): string[] =>
    text.split('\n').map((line) => `  ${sign} ${line}`);
  return [
    '',
    `${fault.name}: ${fault.source}`,
    `  ${fault.file}`,
    ...prefixed('-', fault.find),
    ...prefixed('+', fault.replace),
    '',
    ...(failure === null
      ? []
      : failureLines(failure.shrunk, {
          origin: `seed ${seed}, shrunk from ${failure.first.scenario.operations.length} to ${failure.shrunk.scenario.operations.length} operations`,
          again: `npx vmlockstep faults ${fault.name} --seed ${seed} --runs ${runs}`,
          stored: 'not stored: the fault is deliberate',
          remarks: remarksOf(failure),
          replay: null,
        })),
    '',
  ];
}

/** What is known of shorter scenarios, and whether it still fails as it was found. */
function remarksOf({ first, shrunk, details }: CampaignFailure): string[] {
  if (details === null) return [];
  const { certificate } = details;
  return shrinkLines({ certificate, found: signatureOf(first), shrunk: signatureOf(shrunk), others: [] });
}

const ALL: readonly FaultPatch[] = Object.values(SOUGHT).flat();

/** The name that was meant, or where to find the names. */
function nearestFault(name: string): string {
  const best = nearest(
    name,
    ALL.map((fault) => fault.name),
  );
  return best === undefined
    ? '; vmlockstep faults without a name tries and names them all'
    : `; did you mean '${best}'?`;
}

/** Runs the verb: failed where a fault escaped the comparison. */
export function faultsCommand(
  names: readonly string[],
  options: { readonly seed: number; readonly scenarios: number; readonly json?: boolean },
  out: { line(text: string): void; lines(texts: readonly string[]): void; progress(text: string): void },
): ExitStatus {
  if (!canLoadFaults())
    throw new InputError('faults: needs the TypeScript sources and compiler; run it in a clone after npm ci');
  const chosen = names.length === 0 ? ALL : ALL.filter(({ name }) => names.includes(name));
  const unknown = names.find((name) => !ALL.some((fault) => fault.name === name));
  if (unknown !== undefined)
    throw new InputError(`faults: no faulty kernel is called ${quoted(unknown)}${nearestFault(unknown)}`);
  const lists = new Map<SoughtWith, Scenario[]>();
  const listFor = (fault: FaultPatch): readonly Scenario[] => {
    const workload = soughtWith(fault);
    const list = lists.get(workload) ?? faultScenarios(options.seed, options.scenarios, workload);
    lists.set(workload, list);
    return list;
  };
  const fates = chosen.map((fault, i) => {
    out.progress(`fault ${i + 1} of ${chosen.length}: ${fault.name}`);
    return fateOf(fault, listFor(fault));
  });
  const named = fates.filter(({ withoutComparison }) => withoutComparison !== null).length;
  const seen = fates.filter(({ withComparison }) => withComparison !== null).length;
  const unseen = fates.length - seen;
  const exit = unseen === 0 ? EXIT.passed : EXIT.failed;
  if (options.json === true) {
    const { seed, scenarios: runs } = options;
    const counts = { passed: seen, failed: unseen, skipped: 0, exit };
    out.line(JSON.stringify({ version: 1, verb: 'faults', seed, runs, ...counts, faults: fates }, null, 2));
    return exit;
  }
  const width = Math.max(...fates.map(({ fault }) => fault.name.length));
  out.line(`${'fault'.padEnd(width)}  first seen without comparison / with it`);
  for (const { fault, withoutComparison, withComparison } of fates)
    out.line(`${fault.name.padEnd(width)}  ${show(withoutComparison)} / ${show(withComparison)}`);
  const [only] = chosen;
  if (names.length === 1 && only !== undefined) out.lines(storyOf(only, options));
  out.line(
    `${counted(fates.length, 'faulty kernel')}, ${options.scenarios} scenarios of seed ${options.seed}: ` +
      `${named} fell to an invariant alone, ${seen} with the comparison`,
  );
  out.line(tallyLine(seen, unseen, 0));
  return exit;
}
