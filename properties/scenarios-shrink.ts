/**
 * Shrinking: simpler scenarios, lazily and in a fixed order, each strictly smaller by `measure`. After a success the
 * search goes on where it was; it has ended when a whole round over all families brings nothing.
 */
import type { KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { Scenario } from '../contract/scenario.ts';
import {
  dropBlocks,
  dropPairs,
  dropWithDependents,
  type Edit,
  type Edits,
  lowerArguments,
  mergeMaps,
  mergeSizes,
  simplifyKinds,
  simplifyNames,
} from './scenarios-edits.ts';
import { simplifyMachine } from './scenarios-machine.ts';
import { isSmaller, type Measure, measure } from './scenarios-measure.ts';
import { rebuild } from './scenarios-rebuild.ts';
import { type Trace, traceScenario } from './scenarios-trace.ts';

/** A simpler scenario and where to go on if it is taken. */
export interface Candidate {
  readonly scenario: Scenario;
  readonly next: number;
}

/** All families, coarse ones first. */
const FAMILIES: readonly Edits[] = [
  ...[1024, 256, 128, 64, 32, 16, 8, 4].map(dropBlocks),
  dropWithDependents,
  mergeMaps,
  dropBlocks(2),
  dropBlocks(1),
  mergeSizes,
  simplifyKinds,
  lowerArguments,
  simplifyMachine,
  simplifyNames,
  dropPairs,
];

/** Positions of one family; a family with more edits is cut off there. */
const FAMILY_SPAN = 100_000;

interface Shrink {
  readonly trace: Trace;
  readonly measure: Measure;
  readonly reference: KernelModule<ReferenceKernel>;
}

/** The candidates of one edit: with addresses moved along, then with addresses as they are. */
function* candidatesOf(
  { trace, measure: limit, reference }: Shrink,
  { items, machine }: Edit,
): Generator<Scenario> {
  let first: string | undefined;
  for (const relocate of [true, false]) {
    const scenario = rebuild(trace, items, { reference, machine, relocate });
    if (scenario === undefined || !isSmaller(measure(scenario), limit)) continue;
    const text = JSON.stringify(scenario);
    if (text === first) continue;
    first = text;
    yield scenario;
  }
}

/**
 * Simpler scenarios than this one. `from` is where an earlier round left off: a candidate's `next`, or 0.
 */
export function* smallerScenarios(
  scenario: Scenario,
  { reference, from }: { readonly reference: KernelModule<ReferenceKernel>; readonly from: number },
): Generator<Candidate> {
  const trace = traceScenario(scenario, reference);
  const shrink: Shrink = { trace, measure: measure(scenario), reference };
  const firstFamily = Math.floor(from / FAMILY_SPAN) % FAMILIES.length;
  for (let turn = 0; turn < FAMILIES.length; turn += 1) {
    const family = (firstFamily + turn) % FAMILIES.length;
    const edits = FAMILIES[family]?.(trace) ?? [];
    const start = turn === 0 ? Math.min(from % FAMILY_SPAN, edits.length) : 0;
    const order = [...edits.keys()].map((i) => (i + start) % edits.length);
    for (const position of order) {
      const edit = edits[position]?.();
      if (edit === undefined) continue;
      const next = family * FAMILY_SPAN + position;
      for (const candidate of candidatesOf(shrink, edit)) yield { scenario: candidate, next };
    }
  }
}
