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
  return new Set([...failure, ...kinds, ...reached]);
}

/**
 * The cases that can go: the longest first, each that shows nothing but what those that stay show. Of two that show the
 * same the shorter stays, and of two as long the first by name.
 */
export const superfluous = (cases: readonly CorpusCase[]): CorpusCase[] =>
  superfluousOf(new Map(cases.map((each) => [each, featuresOf(each)])));

/** What becomes of a case, and why. */
export interface CaseFate {
  readonly file: string;
  readonly kept: boolean;
  readonly why: string;
}

const MOST_TOLD = 3;

/** The first few, and how many more there are. */
function fewOf(texts: readonly string[]): string {
  const more = texts.length - MOST_TOLD;
  return [...texts.slice(0, MOST_TOLD), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/** What becomes of each case, in the order given: why it is needed among those that stay, or who shows the same. */
export function fatesOf(cases: readonly CorpusCase[]): CaseFate[] {
  const features = new Map(cases.map((each) => [each, featuresOf(each)]));
  const dropped = new Set(superfluousOf(features));
  const kept = cases.filter((each) => !dropped.has(each));
  const shows = (each: CorpusCase, feature: string): boolean => features.get(each)?.has(feature) === true;
  return cases.map((each) => {
    const shown = [...(features.get(each) ?? [])];
    const { file } = each;
    if (!dropped.has(each)) {
      const alone = shown.filter((feature) => !kept.some((other) => other !== each && shows(other, feature)));
      return { file, kept: true, why: `alone shows ${fewOf(alone)}` };
    }
    const others = new Set(shown.map((feature) => kept.find((other) => shows(other, feature))?.file ?? ''));
    return {
      file,
      kept: false,
      why: shown.length === 0 ? 'shows nothing' : `all that it shows is shown by ${fewOf([...others])}`,
    };
  });
}

function superfluousOf(features: ReadonlyMap<CorpusCase, ReadonlySet<string>>): CorpusCase[] {
  const counts = new Map<string, number>();
  for (const shown of features.values())
    for (const feature of shown) counts.set(feature, (counts.get(feature) ?? 0) + 1);
  const length = ({ stored }: CorpusCase): number => stored.scenario.operations.length;
  const order = [...features.keys()].sort(
    (one, other) => length(other) - length(one) || (one.file < other.file ? 1 : -1),
  );
  return order.filter((each) => {
    const shown = [...(features.get(each) ?? [])];
    if (shown.some((feature) => (counts.get(feature) ?? 0) < 2)) return false;
    for (const feature of shown) counts.set(feature, (counts.get(feature) ?? 0) - 1);
    return true;
  });
}
