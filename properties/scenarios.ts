/** The generator of whole scenarios as a fast-check arbitrary: concrete values, never preconditions. */
import { Arbitrary, type Random, Stream, Value } from 'fast-check';
import { InputError } from '../contract/input-error.ts';
import type { KernelDeclaration, KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { OperationKind } from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';
import { declaredKinds, generateOperations, type Intent } from './generate.ts';
import { Draw, type Weighted } from './generate-draw.ts';
import type { Feature } from './generate-features.ts';
import { drawMachine, initialSubmaps, type MachinePlan } from './machines.ts';
import { isScenario } from './scenarios-form.ts';
import { smallerScenarios } from './scenarios-shrink.ts';
import { knowsSpaces, WORKLOAD_NAMES, WORKLOADS, type Workload, type WorkloadName } from './workloads.ts';

/** What kind of scenarios to make. */
export interface ScenarioOptions {
  /** Stepped while generating and while shrinking. */
  readonly reference: KernelModule<ReferenceKernel>;
  /** The kernel under test: only its operations are generated, and only what it shows limits the machine. */
  readonly declares?: KernelDeclaration;
  /** A kernel with placement `any`, whose choices the generated addresses follow. */
  readonly follows?: KernelModule;
  /** One mix, or `default`: one of all mixes for each scenario, by their shares. */
  readonly workload?: WorkloadName | 'default';
  /** Always this machine. */
  readonly machine?: MachineConfig;
  /** Operations per scenario, both included; `min` at least 1. */
  readonly length?: { readonly min: number; readonly max: number };
  /** Switched off, to measure what it is worth. */
  readonly without?: Feature;
  /** Asked before each simpler scenario while shrinking; false ends the search. Absent: never ends it. */
  readonly keepShrinking?: () => boolean;
}

const intents = new WeakMap<Scenario, readonly Intent[]>();
const workloads = new WeakMap<Scenario, WorkloadName>();

/** Why each operation of a generated scenario was generated; undefined for any other scenario. */
export const intentsOf = (scenario: Scenario): readonly Intent[] | undefined => intents.get(scenario);
/** The mix that a generated scenario was drawn from; undefined for any other scenario. */
export const workloadOf = (scenario: Scenario): WorkloadName | undefined => workloads.get(scenario);

/** Lengths of the default mix: mostly some dozens, a few very short, a few long. */
const LENGTHS: Weighted<readonly [number, number]> = [
  [4, [1, 6]],
  [46, [20, 80]],
  [46, [50, 120]],
  [2, [200, 400]],
];

/** The order is part of what a seed means. */
const SHARES: Weighted<WorkloadName> = [
  ...(['balanced', 'pmap'] as const),
  ...WORKLOAD_NAMES.filter((name) => name !== 'balanced' && name !== 'pmap'),
].map((name) => [WORKLOADS[name].share, name]);

class ScenarioArbitrary extends Arbitrary<Scenario> {
  readonly #options: ScenarioOptions;
  readonly #kinds: ReadonlySet<OperationKind>;

  constructor(options: ScenarioOptions) {
    super();
    this.#options = options;
    this.#kinds = declaredKinds(options.declares);
  }

  override generate(mrng: Random): Value<Scenario> {
    const { reference, follows, without = null } = this.#options;
    const draw = new Draw(mrng);
    const workload = this.#workload(draw);
    const { machine, submaps } = this.#machine(draw, workload);
    const assignment = {
      workload,
      machine,
      submaps,
      length: this.#length(draw),
      kinds: this.#kinds,
      without,
    };
    const generated = generateOperations(draw, assignment, { reference, follows: follows ?? null });
    const scenario: Scenario = { machine, operations: generated.operations };
    intents.set(scenario, generated.intents);
    workloads.set(scenario, workload.name);
    return new Value(scenario, undefined);
  }

  #workload(draw: Draw): Workload {
    const { workload = 'default', machine } = this.#options;
    if (workload !== 'default') return WORKLOADS[workload];
    const drawn = draw.weighted(SHARES) ?? 'balanced';
    // It brings machines of its own, and shows nothing of a kernel that has one address space.
    const isVain = drawn === 'pmap' && (machine !== undefined || !knowsSpaces(this.#kinds));
    return WORKLOADS[isVain ? 'balanced' : drawn];
  }

  /** Kernels that do not show their structure run with an unlimited entry pool: its panics are not comparable. */
  #machine(draw: Draw, workload: Workload): MachinePlan {
    const { declares, machine: given } = this.#options;
    const profile = draw.weighted(workload.machines) ?? 'random';
    const plan =
      given === undefined
        ? drawMachine(draw, profile)
        : { machine: given, submaps: initialSubmaps(draw, given, profile) };
    const structural = declares === undefined || declares.shows.includes('structure');
    return structural ? plan : { ...plan, machine: { ...plan.machine, mapEntries: null } };
  }

  #length(draw: Draw): number {
    const { length } = this.#options;
    if (length !== undefined) return draw.between(length.min, length.max);
    const [least, most] = draw.weighted(LENGTHS) ?? [20, 80];
    return draw.between(least, most);
  }

  override canShrinkWithoutContext(value: unknown): value is Scenario {
    return isScenario(value);
  }

  override shrink(value: Scenario, context: unknown): Stream<Value<Scenario>> {
    const from = typeof context === 'number' ? context : 0;
    const { reference, keepShrinking = () => true } = this.#options;
    const candidates = new Stream(smallerScenarios(value, { reference, from }));
    return candidates.takeWhile(keepShrinking).map(({ scenario, next }) => new Value(scenario, next));
  }
}

/** Scenarios for a kernel under test, by value; they shrink whether generated or written by hand. */
export function scenarios(options: ScenarioOptions): Arbitrary<Scenario> {
  const { length, declares } = options;
  if (length !== undefined && (length.min < 1 || length.max < length.min))
    throw new InputError(
      `length: ${length.min} … ${length.max} must start at 1 or above and not run backwards`,
    );
  if (declares !== undefined && declares.operations.length === 0)
    throw new InputError(`kernel ${declares.name}: declares no operations; list at least one`, 4);
  return new ScenarioArbitrary(options);
}
