/** Compares two kernels with each other on one scenario; whether they are right is not asked. */
import { InputError } from '../contract/input-error.ts';
import type { KernelDeclaration, KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { Step } from '../contract/outcome.ts';
import type { Scenario } from '../contract/scenario.ts';
import { comparableMachine } from './agreement.ts';
import { FrameTies } from './guard-frames.ts';
import { commonDeclaration, type DifferenceKind, meaningOf, takingPart } from './guard-level.ts';
import { pairedReference } from './guard-pair.ts';
import { judgeScenario } from './lockstep.ts';
import { sameStep } from './step-equality.ts';
import type { LockstepReport } from './verdict.ts';

/** The three kernels of a comparison. */
export interface Compared {
  /** Generates, resolves, and tells what is undefined. */
  readonly model: KernelModule<ReferenceKernel>;
  readonly base: KernelModule;
  readonly working: KernelModule;
}

/** The reports of one scenario, up to the first difference of each kind; null where there is none. */
export type Differences = { readonly [Kind in DifferenceKind]: LockstepReport | null };

/** Two sides of a lockstep. */
export interface Sides {
  readonly reference: KernelModule<ReferenceKernel>;
  readonly candidate: KernelModule;
}

/** Steps between two looks at everything. */
const FULL_EVERY = 64;
/** Scenarios up to this length are looked at whole after every step at once. */
const SHORT = 6;

const holds = (report: LockstepReport): LockstepReport => ({ ...report, failure: null });

export class GuardJudge {
  readonly compared: Compared;
  /** What both kernels declare. */
  readonly declares: KernelDeclaration;
  /** What was odd and is worth a line, each once. */
  readonly notes = new Set<string>();
  /** What the kernels threw last, for the report. */
  readonly thrown: { base: string | null; working: string | null } = { base: null, working: null };
  #byCells = true;

  constructor(compared: Compared) {
    this.compared = compared;
    this.declares = commonDeclaration(compared.base.declares, compared.working.declares);
  }

  /** True where the kernels show enough to differ in structure alone. */
  get showsStructure(): boolean {
    return this.declares.shows.includes('structure');
  }

  get #placesFreely(): boolean {
    const { base, working } = this.compared;
    return base.declares.placement === 'any' || working.declares.placement === 'any';
  }

  /** The two kernels, compared in meaning or in everything that they show. */
  sides(kind: DifferenceKind): Sides {
    const { base, working, model } = this.compared;
    const byCells = this.#byCells;
    const declares = kind === 'meaning' ? meaningOf(this.declares) : this.declares;
    const part = (side: 'base' | 'working', own: KernelDeclaration) => ({
      declares: own,
      byCells,
      onThrow: (error: unknown) => {
        this.thrown[side] = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      },
    });
    const { placement } = base.declares;
    const ties = new FrameTies();
    const leader = takingPart(base, part('base', { ...this.declares, placement }));
    const candidate = takingPart(working, part('working', declares));
    return kind === 'meaning'
      ? { reference: pairedReference(ties.base(leader), model), candidate: ties.working(candidate) }
      : { reference: pairedReference(leader, model), candidate };
  }

  /** The first difference in everything that the kernels show. */
  any(scenario: Scenario): LockstepReport {
    return this.#judged(scenario, 'structure');
  }

  /** The first difference in meaning. */
  meaning(scenario: Scenario): LockstepReport {
    const report = this.#judged(scenario, 'meaning');
    return this.#isOtherPlace(report) ? holds(report) : report;
  }

  /** The first difference in structure, where none in meaning comes before it or with it. */
  structure(scenario: Scenario): LockstepReport {
    const report = this.any(scenario);
    return report.failure === null || this.#isMeant(report) ? holds(report) : report;
  }

  /** Whether a failure that a search came upon is a difference of that kind. */
  isSought(report: LockstepReport, kind: DifferenceKind): boolean {
    const { failure } = report;
    if (failure === null || failure.side === 'reference' || failure.property === 'INV-AUDIT') return false;
    return kind === 'meaning' ? !this.#isOtherPlace(report) : !this.#isMeant(report);
  }

  /** Before a last run of what will be told. */
  forgetThrown(): void {
    this.thrown.base = null;
    this.thrown.working = null;
  }

  /** The first difference of each kind. */
  differences(scenario: Scenario): Differences {
    const first = this.any(scenario);
    if (first.failure === null) return { meaning: null, structure: null };
    const meaning = this.meaning(scenario);
    return {
      meaning: meaning.failure === null ? null : meaning,
      structure: this.#isMeant(first) ? null : first,
    };
  }

  /** Whether a difference, or one before it, is one in meaning. */
  #isMeant({ scenario, failure }: LockstepReport): boolean {
    const operations = scenario.operations.slice(0, failure?.number);
    return this.meaning({ machine: scenario.machine, operations }).failure !== null;
  }

  /** False where a scenario needs an operation that one of the kernels does not declare. */
  canRun({ operations }: Scenario): boolean {
    return operations.every(({ kind }) => this.declares.operations.includes(kind));
  }

  #judged(scenario: Scenario, kind: DifferenceKind): LockstepReport {
    // The shrinker puts simpler operations in the place of others without asking who declares them.
    if (!this.canRun(scenario)) return { scenario, failure: null, expected: [], actual: [] };
    const report = judgeScenario(scenario, {
      ...this.sides(kind),
      compare: true,
      invariants: [],
      fullEvery: scenario.operations.length <= SHORT ? 1 : FULL_EVERY,
    });
    const { failure } = report;
    if (failure?.property === 'INV-AUDIT' && this.#byCells) {
      this.#byCells = false;
      const whose = failure.side === 'reference' ? 'base' : 'working';
      this.notes.add(
        `the ${whose} kernel's touched() leaves out cells that change (${failure.witnesses[0]}); whole states are compared`,
      );
      return this.#judged(scenario, kind);
    }
    if (failure?.side === 'reference')
      throw new InputError(`base kernel ${this.compared.base.declares.name}: ${failure.witnesses[0]}`, 4);
    return report;
  }

  /** True for an allocation that only went elsewhere, to a place that was as good, of kernels that may choose. */
  #isOtherPlace(report: LockstepReport): boolean {
    const { failure, expected, actual, scenario } = report;
    const [wanted, answered] = [expected.at(-1), actual.at(-1)];
    if (!this.#placesFreely || failure === null || !wanted || !answered) return false;
    if (!failure.differences.some(({ path }) => path.startsWith('outcome'))) return false;
    return this.#accepts(scenario, expected, answered) && this.#accepts(scenario, expected, wanted);
  }

  /** Whether the model, led to the last step by the base's answers, takes an answer for a legal one. */
  #accepts({ machine, operations }: Scenario, expected: readonly Step[], answer: Step): boolean {
    const kernel = this.compared.model.boot(comparableMachine(machine, meaningOf(this.declares)));
    const steps = [...expected.slice(0, -1), answer];
    let last: Step | null = null;
    for (const [i, { outcome }] of steps.entries()) {
      const operation = operations[i];
      if (operation === undefined) return false;
      last = kernel.applyPlaced(operation, i + 1, outcome);
    }
    return last !== null && sameStep(last, answer, { level: 'contract', managedPages: machine.managedPages });
  }
}
