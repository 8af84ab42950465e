/** What is wrong with the present state of a run, if anything. */
import { cellDifferences } from './differences.ts';
import { sameTransitions } from './equality.ts';
import { MODEL_AGREEMENT } from './invariants/catalogue.ts';
import { type Extent, Jury } from './jury.ts';
import { blaming, type Side } from './kernel-threw.ts';
import { KernelView } from './kernel-view.ts';
import { type Finding, follow, type Party, type Progress, type Reference, type Run } from './lockstep-run.ts';
import type { Difference } from './verdict.ts';

/** Judges the present state: stale cells first, then invariants by name, then agreement. `scan` asks those of cost F. */
export function judge(
  run: Run,
  progress: Progress,
  { full, scan }: { readonly full: boolean; readonly scan: boolean },
): Finding | null {
  const { reference, visible, options, agreement } = run;
  const expected = progress.expected.at(-1) ?? null;
  const actual = progress.actual.at(-1) ?? null;
  const stale = full ? firstStale(run) : null;
  if (stale !== null) return stale;
  const agree =
    !options.compare || agreement.holds(reference.view, visible?.view ?? null, expected, actual, full);
  tellJuries(run);
  const extent = scan ? 'everything' : 'touched';
  if (agree && visible !== null && isUnited(run, visible.view) && holdsForBoth(reference, visible, extent))
    return null;
  reference.jury ??= recalledJury(run, progress);
  const violated = firstViolation(
    [...(visible ? [visible] : []), { side: 'reference', view: reference.view, jury: reference.jury }],
    extent,
  );
  if (violated === null && agree) return null;
  const differences = agree
    ? []
    : agreement.differences(reference.view, visible?.view ?? null, expected, actual, full);
  return violated === null ? disagreement(differences) : { ...violated, differences };
}

/** Tells the invariants of both kernels of the step just taken. */
export function tellJuries({ reference, visible }: Run): void {
  visible?.jury.observe(visible.view, visible.view.touchedClasses);
  (reference.jury ?? reference.inside).observe(reference.view, reference.view.touchedClasses);
}

/** Whether what an invariant says of the candidate, which agrees with the reference, it also says of the reference. */
function isUnited(run: Run, candidate: KernelView): boolean {
  const { view } = run.reference;
  if (candidate.isInUnisonWith(view)) return run.united;
  run.united &&= sameTransitions(view.transitions, candidate.transitions);
  // Of pv lists, which need not be in one order, claims about steps tell only whether they changed.
  return run.united && view.touchedClasses === candidate.touchedClasses;
}

/** Judges two states that are equal: the candidate's stands for both, but for what lies inside the kernels. */
const holdsForBoth = (reference: Reference, candidate: Party, extent: Extent): boolean =>
  candidate.jury.firstViolation(candidate.view, extent) === null &&
  (extent !== 'everything' ||
    (reference.jury ?? reference.inside).firstViolation(reference.view, extent) === null);

/** The jury that would have watched the reference so far: a second run of the reference brings its memory back. */
function recalledJury({ options, invariants, machine, operations }: Run, progress: Progress): Jury {
  const { reference, fullEvery, sparing = true } = options;
  const kernel = blaming('reference', () => reference.boot(machine));
  const view = new KernelView('reference', kernel, machine);
  const jury = new Jury(invariants, reference.declares, sparing);
  jury.observe(view, view.touchedClasses);
  for (let number = 1; number <= progress.number; number++) {
    const operation = operations[number - 1];
    const actual = progress.actual[number - 1];
    if (operation === undefined || actual === undefined) break;
    const step = blaming('reference', () => follow(kernel, operation, number, options, actual));
    view.advance(operation, number, step);
    if (number % fullEvery === 0 && step.outcome.kind !== 'panic') view.lookAtAll();
    jury.observe(view, view.touchedClasses);
  }
  return jury;
}

/** Stands among the witnesses of an invariant that both kernels break. */
export const REFERENCE_TOO = 'the reference breaks it too';

/** The candidate is asked first; what the reference breaks too is more likely wrong in the claim or in the contract. */
function firstViolation(parties: readonly Party[], extent: Extent): Finding | null {
  const [first, second] = parties.flatMap(({ side, jury, view }) => {
    const violation = jury.firstViolation(view, extent);
    return violation === null ? [] : [{ side, ...violation }];
  });
  if (first === undefined) return null;
  const { side, invariant, witnesses } = first;
  const both = second?.invariant === invariant ? [REFERENCE_TOO] : [];
  return {
    property: invariant.id,
    sentence: invariant.claim,
    side,
    witnesses: [...witnesses, ...both],
    differences: [],
  };
}

const disagreement = (differences: readonly Difference[]): Finding => ({
  property: MODEL_AGREEMENT.id,
  sentence: MODEL_AGREEMENT.claim,
  side: 'candidate',
  witnesses: differences.length === 1 ? ['1 difference'] : [`${differences.length} differences`],
  differences,
});

/** A cell that changed without being among those touched; the differences show what was told beside what is. */
function findStaleCells(side: Side, view: KernelView): Finding | null {
  const { stale, fresh } = view.lookAtAll();
  if (stale.length === 0) return null;
  return {
    property: 'INV-AUDIT',
    sentence: 'touched() names every cell that an operation changes.',
    side,
    witnesses: stale.map((name) => `${name} changed but was not named`),
    differences: stale.flatMap((name) => [...cellDifferences(name, view.mirrored, fresh)]),
  };
}

const firstStale = ({ reference, visible }: Run): Finding | null =>
  (visible && findStaleCells('candidate', visible.view)) ?? findStaleCells('reference', reference.view);
