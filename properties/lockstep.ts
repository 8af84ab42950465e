/**
 * Runs one scenario on the reference model and on another kernel at once, and stops where they disagree
 * or where either breaks an invariant. Knows nothing of how scenarios are made.
 */
import { InputError } from '../contract/input-error.ts';
import type { KernelMemory, KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { Step } from '../contract/outcome.ts';
import type { Scenario } from '../contract/scenario.ts';
import { type Agreement, agreementOf, comparableMachine } from './agreement.ts';
import { cellDifferences } from './differences.ts';
import { sameTransitions } from './equality.ts';
import type { Invariant } from './invariant.ts';
import { MODEL_AGREEMENT } from './invariants/catalogue.ts';
import { type Extent, Jury } from './jury.ts';
import { blamed, blaming, KernelThrew, type Side } from './kernel-threw.ts';
import { KernelView } from './kernel-view.ts';
import type { VisibleKernel } from './mirror.ts';
import type { Difference, Failure, LockstepReport } from './verdict.ts';
import type { View } from './view.ts';

/** How to run a scenario. */
export interface LockstepOptions {
  readonly reference: KernelModule<ReferenceKernel>;
  readonly candidate: KernelModule;
  /** False: the kernels need not agree, only invariants judge. */
  readonly compare: boolean;
  readonly invariants: readonly Invariant[];
  /** Steps between two full looks (cost F, page contents, staleness of cells); there is one more at the end. */
  readonly fullEvery: number;
  readonly observers?: readonly StepObserver[];
  /**
   * False: every invariant is asked of both kernels after every step, whatever the step did. It finds nothing more,
   * and takes several times as long. Default true.
   */
  readonly sparing?: boolean;
}

/** Something that counts what happens; told of every step before it is judged. */
export interface StepObserver {
  /** `actual` is null for a candidate that shows nothing but outcomes. */
  step(expected: View, expectedStep: Step, actual: View | null): void;
}

/** One kernel in a run. */
interface Party {
  readonly side: Side;
  readonly kernel: KernelMemory;
  readonly view: KernelView;
  readonly jury: Jury;
}

interface Run {
  readonly options: LockstepOptions;
  readonly reference: Party & { readonly kernel: ReferenceKernel };
  readonly candidate: KernelMemory;
  /** The candidate as far as it shows its state; null where it shows outcomes only. */
  readonly visible: Party | null;
  readonly agreement: Agreement;
  /**
   * True while the kernels have agreed on every cell there is, ranges in transition included: what holds of one state
   * then holds of the other, and is judged once.
   */
  united: boolean;
}

/** What a run has come to; outlives an exception. */
interface Progress {
  number: number;
  readonly expected: Step[];
  readonly actual: Step[];
}

type Finding = Omit<Failure, 'number'>;

/**
 * Runs a scenario until something is wrong, the machine panics, or it ends.
 *
 * @throws InputError where the scenario needs an operation that the candidate does not declare.
 */
export function runLockstep(scenario: Scenario, options: LockstepOptions): LockstepReport {
  refuseWhatCannotRun(scenario, options.candidate);
  const progress: Progress = { number: 0, expected: [], actual: [] };
  const finding = play(scenario, options, progress);
  const failure = finding === null ? null : { ...finding, number: progress.number };
  return { scenario, failure, expected: progress.expected, actual: progress.actual };
}

/**
 * Runs a scenario as `runLockstep` does; a failure is looked at again with a full look after every step,
 * so that it is reported at the earliest step where it shows and under the invariant that tells most.
 */
export function judgeScenario(scenario: Scenario, options: LockstepOptions): LockstepReport {
  const report = runLockstep(scenario, options);
  if (report.failure === null || options.fullEvery === 1) return report;
  const { observers: _, ...unobserved } = options;
  const closer = runLockstep(scenario, { ...unobserved, fullEvery: 1 });
  const earlier = closer.failure !== null && closer.failure.number <= report.failure.number;
  return earlier ? closer : report;
}

function refuseWhatCannotRun({ operations }: Scenario, { declares }: KernelModule): void {
  const known = new Set<string>(declares.operations);
  const at = operations.findIndex(({ kind }) => !known.has(kind));
  if (at >= 0)
    throw new InputError(
      `operations[${at}].kind: kernel ${declares.name} does not declare ${operations[at]?.kind}; leave it out`,
    );
}

function play(scenario: Scenario, options: LockstepOptions, progress: Progress): Finding | null {
  try {
    const run = boot(scenario, options);
    const atBoot = judge(run, null, null, { full: true, scan: options.fullEvery === 1 });
    if (atBoot !== null) return atBoot;
    for (const operation of scenario.operations) {
      progress.number++;
      const finding = takeStep(run, operation, progress, progress.number === scenario.operations.length);
      if (finding !== null || progress.actual.at(-1)?.outcome.kind === 'panic') return finding;
    }
    return null;
  } catch (error) {
    if (!(error instanceof KernelThrew)) throw error;
    const { side, witnesses } = error;
    return {
      property: 'KERNEL-THREW',
      sentence: 'A kernel answers every operation; it throws no exception.',
      side,
      witnesses,
      differences: [],
    };
  }
}

/** The claim that a kernel with placement `any` does not make, nor the reference that follows it. */
const FIRST_FIT = 'INV-MAP-FIRSTFIT';

const copyOf = (machine: MachineConfig): MachineConfig => ({
  ...machine,
  reserved: machine.reserved.map((range) => ({ ...range })),
  scratchWindow: machine.scratchWindow && { ...machine.scratchWindow },
});

function boot(scenario: Scenario, options: LockstepOptions): Run {
  const { reference, candidate, invariants, sparing = true } = options;
  const machine = comparableMachine(scenario.machine, candidate.declares);
  const applicable =
    candidate.declares.placement === 'any' ? invariants.filter(({ id }) => id !== FIRST_FIT) : invariants;
  const model = blaming('reference', () => reference.boot(machine));
  // A copy of its own, so that a kernel that writes to it harms nobody else.
  const kernel = blaming('candidate', () => candidate.boot(copyOf(machine)));
  const party = (side: Side, { declares }: KernelModule, visible: VisibleKernel): Party => ({
    side,
    kernel: visible,
    view: new KernelView(side, visible, machine),
    jury: new Jury(applicable, declares, sparing),
  });
  const shown = candidate.declares.shows.some((show) => show !== 'outcomes');
  if (shown && !isVisible(kernel))
    throw new InputError(
      `kernel ${candidate.declares.name}: declares ${candidate.declares.shows.join(', ')} but has no snapshot(); ` +
        'add it or declare outcomes only',
      4,
    );
  return {
    options,
    reference: { ...party('reference', reference, model), kernel: model },
    candidate: kernel,
    visible: shown && isVisible(kernel) ? party('candidate', candidate, kernel) : null,
    agreement: agreementOf(candidate.declares, machine),
    united: sparing && options.compare && candidate.declares.shows.includes('structure'),
  };
}

const isVisible = (kernel: KernelMemory): kernel is VisibleKernel => kernel.snapshot !== undefined;

function takeStep(run: Run, operation: Operation, progress: Progress, last: boolean): Finding | null {
  const { reference, visible, options } = run;
  const { number } = progress;
  const [expected, actual] = applyBoth(run, operation, progress);
  reference.view.advance(operation, number, expected);
  visible?.view.advance(operation, number, actual, run.united ? reference.view : null);
  const panicked = expected.outcome.kind === 'panic' || actual.outcome.kind === 'panic';
  const full = !panicked && (last || number % options.fullEvery === 0);
  for (const observer of options.observers ?? [])
    observer.step(reference.view, expected, visible?.view ?? null);
  return judge(run, expected, actual, { full, scan: full });
}

/** A candidate that chooses addresses itself goes first, and the reference follows its choice. */
function applyBoth(run: Run, operation: Operation, { number, expected, actual }: Progress): [Step, Step] {
  const { reference, candidate, options } = run;
  let side: Side = 'candidate';
  try {
    if (options.candidate.declares.placement === 'any') {
      const chosen = candidate.apply(operation, number);
      actual.push(chosen);
      side = 'reference';
      const followed = reference.kernel.applyPlaced(operation, number, chosen.outcome);
      expected.push(followed);
      return [followed, chosen];
    }
    side = 'reference';
    const wanted = reference.kernel.apply(operation, number);
    expected.push(wanted);
    side = 'candidate';
    const answered = candidate.apply(operation, number);
    actual.push(answered);
    return [wanted, answered];
  } catch (error) {
    throw blamed(side, error);
  }
}

/** Judges the present state: stale cells first, then invariants by name, then agreement. `scan` asks those of cost F. */
function judge(
  run: Run,
  expected: Step | null,
  actual: Step | null,
  { full, scan }: { readonly full: boolean; readonly scan: boolean },
): Finding | null {
  const { reference, visible, options, agreement } = run;
  const parties: readonly Party[] = visible === null ? [reference] : [visible, reference];
  if (full)
    for (const party of parties) {
      const stale = findStaleCells(party);
      if (stale !== null) return stale;
    }
  const agree =
    !options.compare || agreement.holds(reference.view, visible?.view ?? null, expected, actual, full);
  for (const { jury, view } of parties) jury.observe(view, view.touchedClasses);
  const extent = scan ? 'everything' : 'touched';
  if (agree && visible !== null && isUnited(run, visible.view) && holdsForBoth(reference, visible, extent))
    return null;
  const violated = firstViolation(parties, extent);
  if (violated === null && agree) return null;
  const differences = agree
    ? []
    : agreement.differences(reference.view, visible?.view ?? null, expected, actual, full);
  return violated === null ? disagreement(differences) : { ...violated, differences };
}

/** Whether what an invariant says of the candidate, which agrees with the reference, it also says of the reference. */
function isUnited(run: Run, candidate: KernelView): boolean {
  const { view } = run.reference;
  run.united &&= sameTransitions(view.transitions, candidate.transitions);
  // Of pv lists, which need not be in one order, claims about steps tell only whether they changed.
  return run.united && view.touchedClasses === candidate.touchedClasses;
}

/** Judges two states that are equal: the candidate's stands for both, but for what lies inside the kernels. */
const holdsForBoth = (reference: Party, candidate: Party, extent: Extent): boolean =>
  candidate.jury.firstViolation(candidate.view, extent) === null &&
  (extent !== 'everything' || reference.jury.firstViolation(reference.view, 'inside') === null);

/** The candidate is asked first; what the reference breaks too is more likely wrong in the claim or in the contract. */
function firstViolation(parties: readonly Party[], extent: Extent): Finding | null {
  const [first, second] = parties.flatMap(({ side, jury, view }) => {
    const violation = jury.firstViolation(view, extent);
    return violation === null ? [] : [{ side, ...violation }];
  });
  if (first === undefined) return null;
  const { side, invariant, witnesses } = first;
  const both = second?.invariant === invariant ? ['the reference breaks it too'] : [];
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
function findStaleCells({ side, view }: Party): Finding | null {
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
