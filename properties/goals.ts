/** Reachability goals: what a campaign must have met ("sometimes"), beside what must always hold. */
import type { KernelDeclaration } from '../contract/kernel-memory.ts';
import type { OperationKind } from '../contract/operation.ts';
import type { Step } from '../contract/outcome.ts';
import { ALIAS_GOALS } from './goals-alias.ts';
import { ALIKE_GOALS } from './goals-alike.ts';
import { ASLEEP_GOALS } from './goals-asleep.ts';
import type { Goal } from './goals-goal.ts';
import { MAP_GOALS } from './goals-maps.ts';
import { OUTCOME_GOALS } from './goals-outcomes.ts';
import { PAGE_GOALS } from './goals-pages.ts';
import { PMAP_GOALS } from './goals-pmap.ts';
import { SPACE_GOALS } from './goals-spaces.ts';
import { SUBMAP_GOALS } from './goals-submaps.ts';
import type { StepObserver } from './lockstep.ts';
import type { View } from './view.ts';

/** All goals. */
export const GOALS: readonly Goal[] = [
  ...OUTCOME_GOALS,
  ...MAP_GOALS,
  ...SUBMAP_GOALS,
  ...PAGE_GOALS,
  ...PMAP_GOALS,
  ...SPACE_GOALS,
  ...ASLEEP_GOALS,
  ...ALIKE_GOALS,
  ...ALIAS_GOALS,
];

/** Kinds that put pages behind memory, kinds that wire it, and kinds that make submaps. */
const TOUCHES: readonly OperationKind[] = [
  'vm_fault',
  'checked_read',
  'checked_write',
  'cpu_read',
  'cpu_write',
  'vm_map_pageable',
];
const WIRES: readonly OperationKind[] = ['kmem_alloc', 'kmem_malloc', 'vm_map_pageable'];
const FREES: readonly OperationKind[] = ['kmem_free', 'kmem_free_wakeup', 'vm_map_remove', 'vm_map_delete'];
const SUBMAPS: readonly OperationKind[] = ['kmem_suballoc', 'vm_map_submap'];

/** For situations that other operations must have prepared: of each group at least one kind. */
const GROUND: Readonly<Record<string, readonly (readonly OperationKind[])[]>> = {
  'coalesced-anonymous': [TOUCHES],
  'page-retained': [TOUCHES],
  'retained-page-dropped': [TOUCHES],
  'anonymous-object-dies': [TOUCHES],
  'submap-full': [SUBMAPS],
  'submap-in-use-kept': [SUBMAPS],
  'freed-wired-twice': [['vm_map_pageable']],
  'plain-free-wakes-nobody': [['kmem_alloc_wait']],
  'frames-wake-nobody': [WIRES],
  'daemon-poked-by-threshold': [[...TOUCHES, ...WIRES]],
  'unmapped-wired-freed': [WIRES, ['vm_map_protect']],
  'inactive-at-target': [TOUCHES, ['vm_page_deactivate']],
  'free-at-target': [[...TOUCHES, ...WIRES]],
  'free-at-minimum': [TOUCHES, ['vm_page_deactivate']],
  'empty-range-in-transition': [WIRES],
  'submap-of-itself': [['kmem_alloc_pageable']],
  'submap-over-object': [TOUCHES],
  'submap-over-cut': [['vm_map_inherit', 'vm_map_protect', 'vm_map_remove']],
  'submap-attached-again': [FREES],
};

const groundOf = (id: string): readonly (readonly OperationKind[])[] =>
  id.startsWith('sleep:transition:') ? [WIRES] : (GROUND[id] ?? []);

/** The goals that a campaign with this kernel can meet: by its operations and by what it shows. */
export function reachableGoals({ operations, shows }: KernelDeclaration): Goal[] {
  const has = (kind: OperationKind): boolean => operations.includes(kind);
  return GOALS.filter(
    (goal) =>
      goal.needs.every(has) &&
      (goal.at === 'any' || goal.at.some(has)) &&
      groundOf(goal.id).every((group) => group.some(has)) &&
      (goal.shows ?? []).every((show) => shows.includes(show)),
  );
}

/** A goal and in how many scenarios it was met. */
export interface GoalCount {
  readonly id: string;
  readonly claim: string;
  readonly count: number;
}

/** One goal in one scenario; it looks no further once it is met. */
interface Watching {
  readonly goal: number;
  readonly met: (expected: View) => boolean;
}

/** Counts in how many scenarios each goal was met. */
export class GoalCounter implements StepObserver {
  readonly #goals: readonly Goal[];
  readonly #counts: number[];
  #reached = 0;
  /** Watches of the scenario at hand by the kind of operation they wait for; `any` for all. */
  #watching = new Map<OperationKind | 'any', Watching[]>();
  #metNow = new Set<number>();

  constructor(goals: readonly Goal[]) {
    this.#goals = goals;
    this.#counts = goals.map(() => 0);
    this.begin();
  }

  /** Starts a new scenario. */
  begin(): void {
    this.#watching = new Map();
    this.#metNow = new Set();
    for (const [goal, { at, watch }] of this.#goals.entries()) {
      const watching = { goal, met: watch() };
      for (const kind of at === 'any' ? (['any'] as const) : at) {
        const list = this.#watching.get(kind);
        if (list === undefined) this.#watching.set(kind, [watching]);
        else list.push(watching);
      }
    }
  }

  step(expected: View, _expectedStep: Step, _actual: View | null): void {
    this.#look('any', expected);
    if (expected.subject !== null) this.#look(expected.subject.kind, expected);
  }

  #look(kind: OperationKind | 'any', expected: View): void {
    const list = this.#watching.get(kind);
    if (list === undefined) return;
    for (let i = list.length - 1; i >= 0; i -= 1) {
      const watching = list[i];
      if (watching === undefined) continue;
      const { goal, met } = watching;
      if (!this.#metNow.has(goal) && !met(expected)) continue;
      list.splice(i, 1);
      if (!this.#metNow.has(goal)) this.#count(goal);
    }
  }

  #count(goal: number): void {
    this.#metNow.add(goal);
    const count = this.#counts[goal] ?? 0;
    if (count === 0) this.#reached += 1;
    this.#counts[goal] = count + 1;
  }

  /** How many goals have been met at least once. */
  get reached(): number {
    return this.#reached;
  }

  counts(): GoalCount[] {
    return this.#goals.map(({ id, claim }, i) => ({ id, claim, count: this.#counts[i] ?? 0 }));
  }
}
