/** Counts what a campaign executed: every kind of operation and how it ended, and what it was generated for. */
import type { Operation, OperationKind } from '../contract/operation.ts';
import type { Outcome, Step } from '../contract/outcome.ts';
import type { Scenario } from '../contract/scenario.ts';
import type { StepObserver } from './lockstep.ts';
import { intentsOf, workloadOf } from './scenarios.ts';
import { emptyTally, rowOf, SHARE_UNITS, statisticsOf, type Tally } from './tally.ts';
import type { View } from './view.ts';
import { WORKLOADS } from './workloads.ts';

/** One row: a kind, vm_map_pageable and kmem_malloc split by what their flag makes of them. */
export interface KindCount {
  readonly name: string;
  readonly executed: number;
  readonly succeeded: number;
  /** Refusals by their form. */
  readonly none: number;
  readonly kern: number;
  readonly trap: number;
  readonly rejected: number;
  readonly slept: number;
  readonly panicked: number;
}

/** A share of all operations: as the workloads fix it before generation, and as it came out. Both 0 … 1. */
export interface Share {
  readonly name: 'error paths' | 'read-only';
  readonly fixed: number;
  readonly measured: number;
}

/** Everything counted in a campaign. */
export interface CampaignStatistics {
  readonly scenarios: number;
  readonly emptyScenarios: number;
  readonly operations: number;
  /** In the order of OPERATION_KINDS; rows that never ran included. */
  readonly kinds: readonly KindCount[];
  readonly shares: readonly Share[];
}

/** Names of the rows that operations of a kind are counted in. */
export function rowNames(kind: OperationKind): readonly string[] {
  if (kind === 'vm_map_pageable') return ['vm_map_pageable wire', 'vm_map_pageable unwire'];
  if (kind === 'kmem_malloc') return ['kmem_malloc nowait', 'kmem_malloc canwait'];
  return [kind];
}

/** Name of the row that an operation is counted in. */
export function rowName(operation: Operation): string {
  if (operation.kind === 'vm_map_pageable')
    return `vm_map_pageable ${operation.pageable ? 'unwire' : 'wire'}`;
  if (operation.kind === 'kmem_malloc') return `kmem_malloc ${operation.canWait ? 'canwait' : 'nowait'}`;
  return operation.kind;
}

type Ending = Exclude<keyof KindCount, 'name' | 'executed'>;

function endingOf(outcome: Outcome): Ending {
  switch (outcome.kind) {
    case 'none':
      return 'none';
    case 'kern':
      return outcome.code === 0 ? 'succeeded' : 'kern';
    case 'trap':
      return 'trap';
    case 'rejected':
      return 'rejected';
    case 'sleep':
      return 'slept';
    case 'panic':
      return 'panicked';
    default:
      return 'succeeded';
  }
}

/** Counts the steps of generated scenarios; not told of the runs that shrink a failure. */
export class StatisticsCounter implements StepObserver {
  readonly #tally: Tally;

  /** `kinds`: what the kernel under test declares; they get a row even if they never run. */
  constructor(kinds: readonly OperationKind[]) {
    this.#tally = emptyTally(kinds.flatMap(rowNames), 0);
  }

  step(expected: View, expectedStep: Step, _actual: View | null): void {
    if (expected.operation === null) return;
    const row = rowOf(this.#tally, rowName(expected.operation));
    row.executed += 1;
    row[endingOf(expectedStep.outcome)] += 1;
    this.#tally.operations += 1;
  }

  /** Counts a scenario after its run, of which `executed` operations were applied. */
  finished(scenario: Scenario, executed: number): void {
    const tally = this.#tally;
    tally.scenarios += 1;
    if (executed === 0) tally.emptyScenarios += 1;
    const intents = intentsOf(scenario)?.slice(0, executed);
    const name = workloadOf(scenario);
    if (intents === undefined || name === undefined) return;
    const { errorShare, readShare } = WORKLOADS[name];
    tally.intended += intents.length;
    tally.fixedErrors += Math.round(errorShare * SHARE_UNITS) * intents.length;
    tally.fixedReads += Math.round(readShare * SHARE_UNITS) * intents.length;
    for (const intent of intents) {
      if (intent === 'error') tally.errors += 1;
      if (intent === 'read-only') tally.reads += 1;
    }
  }
  /** What was counted; grows as more is. */
  get tally(): Tally {
    return this.#tally;
  }

  result(): CampaignStatistics {
    return statisticsOf(this.#tally);
  }
}
