/** `corpus min`: which stored cases show nothing that others do not show. */
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { GoalCounter, reachableGoals } from '../properties/goals.ts';
import { runLockstep } from '../properties/lockstep.ts';
import type { CorpusCase } from './corpus-files.ts';
import { signatureWord } from './corpus-verify.ts';

/** What a case shows: kinds that it runs, goals that it reaches, how and where it fails. */
export function featuresOf({ stored }: CorpusCase): Set<string> {
  const { scenario, signature, kernel, expect } = stored;
  const goals = new GoalCounter(reachableGoals(optimizedKernel.declares));
  goals.begin();
  const { expected } = runLockstep(scenario, {
    reference: referenceKernel,
    candidate: optimizedKernel,
    compare: false,
    invariants: [],
    fullEvery: 64,
    observers: [goals],
  });
  const reached = goals.counts().flatMap(({ id, count }) => (count > 0 ? [`goal ${id}`] : []));
  const kinds = scenario.operations.slice(0, expected.length).map(({ kind }) => `kind ${kind}`);
  const where = expect === 'fails' ? ` on ${kernel}` : '';
  const failure = signature == null ? [] : [`signature ${signatureWord(signature)}${where}`];
  return new Set([...kinds, ...reached, ...failure]);
}

/**
 * The cases that can go: the longest first, each that shows nothing but what those that stay show. Of two that show the
 * same the shorter stays, and of two as long the first by name.
 */
export function superfluous(cases: readonly CorpusCase[]): CorpusCase[] {
  const features = new Map(cases.map((each) => [each, featuresOf(each)]));
  const counts = new Map<string, number>();
  for (const shown of features.values())
    for (const feature of shown) counts.set(feature, (counts.get(feature) ?? 0) + 1);
  const length = ({ stored }: CorpusCase): number => stored.scenario.operations.length;
  const order = [...cases].sort(
    (one, other) => length(other) - length(one) || (one.file < other.file ? 1 : -1),
  );
  return order.filter((each) => {
    const shown = [...(features.get(each) ?? [])];
    if (shown.some((feature) => (counts.get(feature) ?? 0) < 2)) return false;
    for (const feature of shown) counts.set(feature, (counts.get(feature) ?? 0) - 1);
    return true;
  });
}
