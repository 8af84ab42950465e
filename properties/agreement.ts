/** When two kernels agree: the level they are compared at, whether they agree after a step, and what differs if not. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Step } from '../contract/outcome.ts';
import type { CellName } from '../contract/snapshot.ts';
import { cellNames, isCompared } from './cells.ts';
import { cellDifferences, wordDifference } from './differences.ts';
import { sameCell, sameContents, sameOrder, sameState } from './equality.ts';
import type { KernelView } from './kernel-view.ts';
import { meaningDifferences } from './meaning.ts';
import { type StepComparison, sameStep, stepDifferences } from './step-equality.ts';
import type { Difference } from './verdict.ts';
import type { StateView } from './view.ts';
import { listWord } from './wording.ts';

/** One way of comparing two kernels. The candidate's view is null where it shows outcomes only; steps are null at boot. */
export interface Agreement {
  /** `full`: everything instead of what was touched, and page contents. */
  holds(
    expected: KernelView,
    actual: KernelView | null,
    expectedStep: Step | null,
    actualStep: Step | null,
    full: boolean,
  ): boolean;
  /** What differs, steps first; for the same arguments empty exactly where `holds`. */
  differences(
    expected: KernelView,
    actual: KernelView | null,
    expectedStep: Step | null,
    actualStep: Step | null,
    full: boolean,
  ): Difference[];
}

/** States are compared unless a step panicked. */
interface StateAgreement {
  holds(expected: KernelView, actual: KernelView, full: boolean): boolean;
  differences(expected: KernelView, actual: KernelView, full: boolean): Iterable<Difference>;
}

/** More static map records than any run can use. */
const PLENTY_OF_MAPS = 65535;

/** The machine to compare on: without `structure` the pools of static records are out of sight and must not run dry. */
export const comparableMachine = (machine: MachineConfig, { shows }: KernelDeclaration): MachineConfig =>
  shows.includes('structure') ? machine : { ...machine, mapEntries: null, staticMaps: PLENTY_OF_MAPS };

/** The comparison that fits what a candidate shows. */
export function agreementOf({ shows }: KernelDeclaration, { managedPages }: MachineConfig): Agreement {
  const level = shows.includes('structure') ? 'bsd' : 'contract';
  const comparison: StepComparison = { level, managedPages };
  const states = level === 'bsd' ? EXACT : inMeaning(new Set(shows), managedPages);
  return {
    holds(expected, actual, expectedStep, actualStep, full) {
      if (expectedStep !== null && actualStep !== null) {
        if (!sameStep(expectedStep, actualStep, comparison)) return false;
        if (expectedStep.outcome.kind === 'panic') return true;
      }
      return actual === null || states.holds(expected, actual, full);
    },
    differences(expected, actual, expectedStep, actualStep, full) {
      if (expectedStep === null || actualStep === null)
        return actual === null ? [] : [...states.differences(expected, actual, full)];
      const steps = [...stepDifferences(expectedStep, actualStep, comparison)];
      const stopped = expectedStep.outcome.kind === 'panic' || actualStep.outcome.kind === 'panic';
      return actual === null || stopped ? steps : [...steps, ...states.differences(expected, actual, full)];
    },
  };
}

/** Level `bsd`. Both mirrors agreed before the step, so between full looks only touched cells can differ. */
const EXACT: StateAgreement = {
  holds(expected, actual, full) {
    if (full) return sameWhole(expected, actual);
    if (actual.isInUnisonWith(expected)) return true;
    for (const name of expected.touched) if (!agreeOn(name, expected, actual)) return false;
    for (const name of actual.touched)
      if (!expected.hasTouched(name) && !agreeOn(name, expected, actual)) return false;
    return true;
  },
  *differences(expected, actual, full) {
    const names = full
      ? new Set([...cellNames(expected), ...cellNames(actual)])
      : new Set([...expected.touched, ...actual.touched]);
    for (const name of names) if (isCompared(name)) yield* cellDifferences(name, expected, actual);
    if (full) yield* orderDifferences(expected, actual);
  },
};

const agreeOn = (name: CellName, expected: StateView, actual: StateView): boolean =>
  !isCompared(name) || sameCell(name, expected, actual);

const sameWhole = (expected: KernelView, actual: KernelView): boolean =>
  (actual.isConfirmedWith(expected) || sameState(expected, actual, false)) &&
  sameOrder(expected.maps, actual.maps) &&
  sameOrder(expected.objects, actual.objects) &&
  sameContents(expected, actual);

/** Maps and objects are listed in the order of their creation. */
function* orderDifferences(expected: StateView, actual: StateView): Generator<Difference> {
  const names = (table: ReadonlyMap<string, unknown>) => listWord([...table.keys()]);
  yield* wordDifference('maps', names(expected.maps), names(actual.maps));
  yield* wordDifference('objects', names(expected.objects), names(actual.objects));
}

const inMeaning = (
  shows: Parameters<typeof meaningDifferences>[2],
  managedPages: number,
): StateAgreement => ({
  holds: (expected, actual) => meaningDifferences(expected, actual, shows, managedPages).next().done === true,
  differences: (expected, actual) => meaningDifferences(expected, actual, shows, managedPages),
});
