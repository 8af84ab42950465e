/**
 * Compares the speed and the memory of two kernels: the same work on both, turn by turn, and only ratios are told. Of each call
 * the quickest of a few rounds counts, since a shared machine takes time away but never gives any; several such groups of
 * rounds tell how far the ratio spreads.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { runWorkload, type WorkloadName } from '../bench/workloads.ts';
import type { KernelMemory, KernelModule } from '../contract/kernel-memory.ts';
import type { Operation, OperationKind } from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';
import { CALL, type FlightRecorder } from './flight-recorder.ts';
import { isSlower, type Ratio, ratioOf } from './guard-ratio.ts';

/** How much longer the working kernel takes than the base. */
export interface SpeedRow extends Ratio {
  /** Operation kind, `all operations`, or a workload. */
  readonly what: string;
  /** Calls that were timed in each round. */
  readonly calls: number;
}

/** What the comparison came to. */
export interface SpeedResult {
  readonly rows: readonly SpeedRow[];
  /** Names of the rows that are slower beyond doubt, in two comparisons. */
  readonly slower: readonly string[];
  /** Kinds with too few calls, or too short ones, to tell. */
  readonly untold: readonly string[];
  /** Bytes that machines keep, working over base; null where that cannot be measured. */
  readonly memory: Ratio | null;
}

export interface SpeedOptions {
  /** What to choose the work from. */
  readonly scenarios: readonly Scenario[];
  readonly recorder: FlightRecorder;
  readonly onProgress: (what: string) => void;
}

type Pair<Value> = readonly [base: Value, working: Value];

const GROUPS = 7;
const ROUNDS_IN_GROUP = 3;
const WARM_UP_GROUPS = 1;
/** Calls of each kind that are wanted in a round, and operations that a round has at most. */
const CALLS_WANTED = 80;
const MOST_OPERATIONS = 12_000;
/** Below this a kind is not told about: calls, and nanoseconds in all. */
const FEWEST_CALLS = 20;
const SHORTEST = 10_000;
const WORKLOADS: readonly { readonly workload: WorkloadName; readonly n: number; readonly steps: number }[] =
  [
    { workload: 'A', n: 100, steps: 3000 },
    { workload: 'A', n: 1000, steps: 2000 },
    { workload: 'B', n: 100, steps: 3000 },
    { workload: 'B', n: 1000, steps: 1000 },
  ];
/** Machines that are kept to see what they weigh. */
const KEPT_MACHINES = 150;

const now = (): number => performance.now() * 1e6;

/** Scenarios of which each adds a kind that is still rare. */
function chosen(scenarios: readonly Scenario[]): Scenario[] {
  const counts = new Map<OperationKind, number>();
  const taken: Scenario[] = [];
  let operations = 0;
  for (const scenario of scenarios) {
    if (operations >= MOST_OPERATIONS) break;
    if (!scenario.operations.some(({ kind }) => (counts.get(kind) ?? 0) < CALLS_WANTED)) continue;
    for (const { kind } of scenario.operations) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    operations += scenario.operations.length;
    taken.push(scenario);
  }
  return taken;
}

/** Applies an operation; true where the machine stops, or the kernel throws, which the other one does too. */
function isOver(kernel: KernelMemory, operation: Operation, number: number): boolean {
  try {
    return kernel.apply(operation, number).outcome.kind === 'panic';
  } catch {
    return true;
  }
}

/** The quickest time of every call of a list of scenarios, in nanoseconds. */
class Times {
  readonly quickest: Float64Array;

  constructor(length: number) {
    this.quickest = new Float64Array(length).fill(Number.POSITIVE_INFINITY);
  }

  /** Runs a scenario to its end or its panic; `from` is the place of its first call. */
  run(module: KernelModule, { machine, operations }: Scenario, from: number): void {
    const kernel = module.boot(machine);
    for (let i = 0; i < operations.length; i++) {
      const operation = operations[i];
      if (operation === undefined) return;
      const begun = now();
      if (isOver(kernel, operation, i + 1)) return;
      const taken = now() - begun;
      if (taken < (this.quickest[from + i] ?? 0)) this.quickest[from + i] = taken;
    }
  }
}

class Comparison {
  readonly #kernels: Pair<KernelModule>;
  readonly #recorder: FlightRecorder;
  readonly #scenarios: readonly Scenario[];
  /** Calls by kind, as places in a round. */
  readonly #places = new Map<string, number[]>();
  #length = 0;

  constructor(kernels: Pair<KernelModule>, { scenarios, recorder }: SpeedOptions) {
    this.#kernels = kernels;
    this.#recorder = recorder;
    this.#scenarios = chosen(scenarios);
    for (const { operations } of this.#scenarios)
      for (const { kind } of operations) {
        const places = this.#places.get(kind) ?? [];
        places.push(this.#length++);
        this.#places.set(kind, places);
      }
  }

  get scenarios(): readonly Scenario[] {
    return this.#scenarios;
  }

  /** Both kernels, one after the other; who is first changes from turn to turn. */
  #both(turn: number, run: (module: KernelModule, side: 0 | 1) => void): void {
    for (const side of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      this.#recorder.enter(side === 0 ? CALL.base : CALL.apply);
      run(this.#kernels[side], side);
      this.#recorder.leave();
    }
  }

  /** One group of rounds over all scenarios. */
  #group(): Pair<Float64Array> {
    const times = [new Times(this.#length), new Times(this.#length)] as const;
    for (let round = 0; round < ROUNDS_IN_GROUP; round++) {
      let from = 0;
      this.#scenarios.forEach((scenario, i) => {
        const at = from;
        this.#both(round + i, (module, side) => times[side].run(module, scenario, at));
        from += scenario.operations.length;
      });
    }
    return [times[0].quickest, times[1].quickest];
  }

  /** A row for each kind, and the kinds that nothing can be told of. */
  operations(): { readonly rows: SpeedRow[]; readonly untold: string[] } {
    for (let group = 0; group < WARM_UP_GROUPS; group++) this.#group();
    const groups = Array.from({ length: GROUPS }, () => this.#group());
    const every = Array.from({ length: this.#length }, (_, place) => place);
    const rows: SpeedRow[] = [];
    const untold: string[] = [];
    for (const [what, places] of [['all operations', every] as const, ...this.#places]) {
      const row = rowOf(what, places, groups);
      if (row === null) untold.push(what);
      else rows.push(row);
    }
    return { rows, untold };
  }

  /** The allocation workloads that both kernels can run. */
  workloads(): SpeedRow[] {
    return WORKLOADS.filter(({ workload }) => this.#canRun(workload)).map(({ workload, n, steps }) => {
      const ratios = Array.from({ length: GROUPS + 1 }, (_, group) => {
        const quickest: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
        for (let round = 0; round < ROUNDS_IN_GROUP; round++)
          this.#both(group + round, (module, side) => {
            const { nanosecondsPerStep } = runWorkload(workload, { n, steps }, now, module);
            quickest[side] = Math.min(quickest[side], nanosecondsPerStep);
          });
        return quickest[1] / quickest[0];
      });
      return { what: `workload ${workload}, n = ${n}`, calls: steps, ...ratioOf(ratios.slice(1)) };
    });
  }

  #canRun(workload: WorkloadName): boolean {
    const needed: readonly OperationKind[] =
      workload === 'A' ? ['kmem_alloc_pageable', 'kmem_free'] : ['kmem_suballoc', 'kmem_malloc', 'kmem_free'];
    return this.#kernels.every(({ declares }) => needed.every((kind) => declares.operations.includes(kind)));
  }

  /** What machines weigh after their scenarios. */
  memory(): Ratio | null {
    const collect = collector();
    const kept = this.#scenarios.slice(0, KEPT_MACHINES);
    if (collect === null || kept.length === 0) return null;
    const ratios = Array.from({ length: GROUPS + 1 }, (_, turn) => {
      const bytes: [number, number] = [0, 0];
      this.#both(turn, (module, side) => {
        bytes[side] = weightOf(module, kept, collect);
      });
      return bytes[1] / bytes[0];
    });
    return ratios.every(Number.isFinite) ? ratioOf(ratios.slice(1)) : null;
  }
}

function rowOf(
  what: string,
  places: readonly number[],
  groups: readonly Pair<Float64Array>[],
): SpeedRow | null {
  // Behind a panic no call was timed, on neither side.
  const timed = places.filter((place) =>
    groups.every(([base, working]) => Number.isFinite(base[place]) && Number.isFinite(working[place])),
  );
  const sum = (times: Float64Array): number => timed.reduce((total, place) => total + (times[place] ?? 0), 0);
  const totals = groups.map(([base, working]) => [sum(base), sum(working)] as const);
  if (timed.length < FEWEST_CALLS || totals.some(([base]) => base < SHORTEST)) return null;
  return { what, calls: timed.length, ...ratioOf(totals.map(([base, working]) => working / base)) };
}

/** Runs the collector of garbage; null where it is out of reach. */
function collector(): (() => void) | null {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  return typeof collect === 'function' ? () => collect() : null;
}

function weightOf(module: KernelModule, scenarios: readonly Scenario[], collect: () => void): number {
  const weight = (): number => {
    collect();
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = weight();
  const kept: KernelMemory[] = scenarios.map(({ machine, operations }) => {
    const kernel = module.boot(machine);
    for (const [i, operation] of operations.entries()) if (isOver(kernel, operation, i + 1)) break;
    return kernel;
  });
  const after = weight();
  return kept.length > 0 ? after - before : 0;
}

/** Compares two kernels that answer alike. */
export function compareSpeed(base: KernelModule, working: KernelModule, options: SpeedOptions): SpeedResult {
  const comparison = new Comparison([base, working], options);
  options.onProgress('comparing speed');
  const { rows: operations, untold } = comparison.operations();
  const rows = [...operations, ...comparison.workloads()];
  let slower = rows.filter(isSlower).map(({ what }) => what);
  if (slower.length > 0) {
    options.onProgress('comparing speed once more');
    const again = [...comparison.operations().rows, ...comparison.workloads()];
    slower = slower.filter((what) => again.some((row) => row.what === what && isSlower(row)));
  }
  options.onProgress('comparing memory');
  return { rows, slower, untold, memory: comparison.memory() };
}
