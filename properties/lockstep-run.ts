/** A run of the lockstep: how it is asked for, and what it consists of. */
import { InputError } from '../contract/input-error.ts';
import type { KernelMemory, KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { Step } from '../contract/outcome.ts';
import type { Scenario } from '../contract/scenario.ts';
import { type Agreement, agreementOf, comparableMachine } from './agreement.ts';
import type { Invariant } from './invariant.ts';
import { Jury } from './jury.ts';
import { blaming, type Side } from './kernel-threw.ts';
import { KernelView } from './kernel-view.ts';

import type { Failure } from './verdict.ts';
import type { View } from './view.ts';
import type { VisibleKernel } from './visible-kernel.ts';

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
export interface Party {
  readonly side: Side;
  readonly view: KernelView;
  readonly jury: Jury;
}

/** The reference in a run. */
export interface Reference {
  readonly kernel: ReferenceKernel;
  readonly view: KernelView;
  /** Invariants that look inside a kernel, asked of the reference while the kernels are united. */
  readonly inside: Jury;
  /** All invariants; null while the kernels are united, when nothing else is said of the one than of the other. */
  jury: Jury | null;
}

/** Everything that a run consists of. */
export interface Run {
  readonly options: LockstepOptions;
  /** Those of the options that apply to the candidate's way of placing. */
  readonly invariants: readonly Invariant[];
  readonly machine: MachineConfig;
  readonly operations: readonly Operation[];
  readonly reference: Reference;
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
export interface Progress {
  number: number;
  readonly expected: Step[];
  readonly actual: Step[];
}

/** A failure before it is known at which step it shows. */
export type Finding = Omit<Failure, 'number'>;

/** One list for each list of invariants, so that what is worked out for it serves all runs. */
function selection(
  applies: (invariant: Invariant) => boolean,
): (invariants: readonly Invariant[]) => readonly Invariant[] {
  const known = new WeakMap<readonly Invariant[], readonly Invariant[]>();
  return (invariants) => {
    const selected = known.get(invariants) ?? invariants.filter(applies);
    known.set(invariants, selected);
    return selected;
  };
}

/** INV-MAP-FIRSTFIT is a claim that a kernel with placement `any` does not make, nor the reference that follows it. */
const withoutFirstFit = selection(({ id }) => id !== 'INV-MAP-FIRSTFIT');
const insideOf = selection(({ looksInside }) => looksInside === true);

const copyOf = (machine: MachineConfig): MachineConfig => ({
  ...machine,
  reserved: machine.reserved.map((range) => ({ ...range })),
  scratchWindow: machine.scratchWindow && { ...machine.scratchWindow },
});

/**
 * Boots both kernels.
 *
 * @throws InputError (exit status 4) where the candidate declares that it shows something but cannot.
 */
export function boot(scenario: Scenario, options: LockstepOptions): Run {
  const { reference, candidate, sparing = true } = options;
  const machine = comparableMachine(scenario.machine, candidate.declares);
  const invariants = choosesPlaces(options) ? withoutFirstFit(options.invariants) : options.invariants;
  const model = blaming('reference', () => reference.boot(machine));
  // A copy of its own, so that a kernel that writes to it harms nobody else.
  const kernel = blaming('candidate', () => candidate.boot(copyOf(machine)));
  const shown = candidate.declares.shows.some((show) => show !== 'outcomes');
  if (shown && !isVisible(kernel))
    throw new InputError(
      `kernel ${candidate.declares.name}: declares ${candidate.declares.shows.join(', ')} but has no snapshot(); ` +
        'add it or declare outcomes only',
      4,
    );
  const united = sparing && options.compare && candidate.declares.shows.includes('structure');
  const view = new KernelView('reference', model, machine);
  return {
    options,
    invariants,
    machine,
    operations: scenario.operations,
    reference: {
      kernel: model,
      view,
      inside: new Jury(insideOf(invariants), reference.declares, sparing),
      jury: united ? null : new Jury(invariants, reference.declares, sparing),
    },
    candidate: kernel,
    visible:
      shown && isVisible(kernel)
        ? {
            side: 'candidate',
            view: new KernelView('candidate', kernel, machine, united ? view : null),
            jury: new Jury(invariants, candidate.declares, sparing),
          }
        : null,
    agreement: agreementOf(candidate.declares, machine),
    united,
  };
}

const isVisible = (kernel: KernelMemory): kernel is VisibleKernel => kernel.snapshot !== undefined;

/** True where the candidate places allocations as it likes, and the reference follows. */
export const choosesPlaces = ({ candidate }: LockstepOptions): boolean =>
  candidate.declares.placement === 'any';

/** The reference's own step, at the place that the candidate chose if it is one that chooses. */
export const follow = (
  kernel: ReferenceKernel,
  operation: Operation,
  number: number,
  options: LockstepOptions,
  { outcome }: Step,
): Step =>
  choosesPlaces(options) ? kernel.applyPlaced(operation, number, outcome) : kernel.apply(operation, number);
