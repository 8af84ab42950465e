/**
 * Chooses the operations of one scenario while stepping the reference kernel, so that every argument is live.
 * Each operation first draws its intent (error, read-only, ordinary), then a kind with that intent.
 */
import type { KernelDeclaration, KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import { OPERATION_KINDS, type Operation, type OperationKind } from '../contract/operation.ts';
import { ACCESS_RECIPES } from './generate-access.ts';
import * as call from './generate-calls.ts';
import type { Draw, Weighted } from './generate-draw.ts';
import { type ErrorRecipe, MEMORY_ERRORS } from './generate-errors.ts';
import { MAP_ERRORS } from './generate-errors-map.ts';
import type { Feature } from './generate-features.ts';
import { FINALES } from './generate-finales.ts';
import type { Gambit, Plan, Refused } from './generate-gambits.ts';
import { ALL_GAMBITS } from './generate-gambits-all.ts';
import { Ground } from './generate-ground.ts';
import { KMEM_RECIPES } from './generate-kmem.ts';
import { MAP_RECIPES } from './generate-map.ts';
import { isPermitted } from './generate-permitted.ts';
import { PMAP_RECIPES } from './generate-pmap.ts';
import type { Recipes } from './generate-recipe.ts';
import { firstSpaces, SPARED_WITH_SPACES } from './generate-user.ts';
import { meddleWithSleepers } from './generate-wake.ts';
import type { InitialSubmap } from './machines.ts';
import { largestHole } from './selectors.ts';
import { ALLOCATOR_KINDS, READ_ONLY_KINDS, type Workload } from './workloads.ts';

/** Why an operation was generated. */
export type Intent = 'ordinary' | 'read-only' | 'error';

const RECIPES: Recipes<OperationKind> = {
  ...KMEM_RECIPES,
  ...MAP_RECIPES,
  ...ACCESS_RECIPES,
  ...PMAP_RECIPES,
};

/** Everything drawn before the first operation. */
export interface Assignment {
  readonly workload: Workload;
  readonly machine: MachineConfig;
  readonly submaps: readonly InitialSubmap[];
  readonly length: number;
  /** Kinds the kernel under test has. */
  readonly kinds: ReadonlySet<OperationKind>;
  /** Left out; null: nothing. */
  readonly without: Feature | null;
}

/** What may be drawn in this scenario, after swarm switched some kinds off. */
interface Swarm {
  readonly ordinary: Weighted<OperationKind>;
  readonly readOnly: Weighted<OperationKind>;
  readonly errors: Weighted<ErrorRecipe>;
  readonly finales: Weighted<ErrorRecipe>;
  readonly gambits: Weighted<Gambit>;
}

/** Switches a random subset of the kinds off and perturbs the weights of the others. */
function drawSwarm(draw: Draw, { workload, kinds, without }: Assignment): Swarm {
  const allocators = ALLOCATOR_KINDS.filter((kind) => kinds.has(kind) && workload.weights[kind] > 0);
  const keep = draw.one(allocators);
  const wild = draw.percent(70) && without !== 'swarm';
  const on = new Set<OperationKind>();
  const ordinary: [number, OperationKind][] = [];
  const readOnly: [number, OperationKind][] = [];
  for (const kind of OPERATION_KINDS) {
    const weight = workload.weights[kind];
    if (!kinds.has(kind) || weight === 0) continue;
    const spared = SPARED.has(kind) || (workload.name === 'pmap' && SPARED_WITH_SPACES.has(kind));
    if (wild && kind !== keep && draw.percent(spared ? 6 : 25)) continue;
    on.add(kind);
    const list = READ_ONLY_KINDS.has(kind) ? readOnly : ordinary;
    list.push([weight * (wild ? draw.pick([1, 2, 4, 4, 8, 16]) : 4), kind]);
  }
  const enabled = (recipes: readonly ErrorRecipe[]): Weighted<ErrorRecipe> =>
    recipes.filter(({ kind }) => kinds.has(kind)).map((recipe) => [recipe.weight, recipe]);
  return {
    ordinary,
    readOnly,
    errors: enabled([...MEMORY_ERRORS, ...MAP_ERRORS]).filter(([, { kind }]) => on.has(kind)),
    finales: enabled(FINALES),
    gambits: without === 'gambits' ? [] : gambitsFor(workload, kinds),
  };
}

/** Kinds whose absence makes a scenario dull: rarely switched off. */
const SPARED: ReadonlySet<OperationKind> = new Set([
  'kmem_free',
  'resume',
  'pagedaemon',
  'kmem_alloc',
  'kmem_malloc',
]);

function gambitsFor(workload: Workload, kinds: ReadonlySet<OperationKind>): Weighted<Gambit> {
  const usable = ALL_GAMBITS.filter(
    ({ needs, hostile }) => needs.every((kind) => kinds.has(kind)) && (workload.hostile || hostile !== true),
  );
  return usable.map((gambit) => [gambit.weight * (workload.favours.includes(gambit.name) ? 4 : 1), gambit]);
}

const MOST_IN_FLIGHT = 6;
/** Gambits looked at until one suits the state. */
const MOST_GAMBITS = 4;
/** Draws of one intent before another operation is taken instead. */
const MOST_ATTEMPTS = 8;

function intentOfStep(step: Operation | Refused): Intent {
  if ('refused' in step) return 'error';
  return READ_ONLY_KINDS.has(step.kind) ? 'read-only' : 'ordinary';
}

class Generation {
  readonly intents: Intent[] = [];
  readonly #ground: Ground;
  readonly #assignment: Assignment;
  readonly #swarm: Swarm;
  #plan: Plan | null = null;
  /** Next step of the plan. */
  #pending: Operation | Refused | null = null;

  constructor(ground: Ground, assignment: Assignment) {
    this.#ground = ground;
    this.#assignment = assignment;
    this.#swarm = drawSwarm(ground.draw, assignment);
  }

  run(): void {
    const { draw, operations } = this.#ground;
    const { length } = this.#assignment;
    this.#createSubmaps();
    if (this.#assignment.workload.name === 'pmap') this.#createSpaces();
    const finale = draw.percent(14) && this.#assignment.without !== 'errors';
    while (operations.length < length - (finale ? 1 : 0) && !this.#ground.panicked) this.#one();
    if (finale && !this.#ground.panicked) this.#finish();
    if (operations.length === 0) this.#one();
  }

  #createSubmaps(): void {
    const { submaps, kinds, length } = this.#assignment;
    if (!kinds.has('kmem_suballoc') || length < 3 + submaps.length) return;
    for (const { name, size, pageable } of submaps) {
      const known = name === 'sub' ? this.#ground.freshName('sub') : name;
      const fits = size <= largestHole(this.#ground, 'kernel') && this.#ground.pools().freeMaps > 0;
      if (fits) this.#emit(call.suballoc(known, 'kernel', size, { pageable }), 'ordinary');
      if (this.#ground.panicked) return;
    }
  }

  #createSpaces(): void {
    const { kinds, length } = this.#assignment;
    if (length < 6) return;
    for (const operation of firstSpaces(this.#ground, kinds))
      if (!this.#ground.panicked) this.#emit(operation, 'ordinary');
  }

  #emit(operation: Operation, intent: Intent): void {
    this.#ground.step(operation);
    this.intents.push(intent);
  }

  #one(): void {
    const { draw } = this.#ground;
    const { workload, without } = this.#assignment;
    const { readShare } = workload;
    const errorShare = without === 'errors' ? 0 : workload.errorShare;
    const roll = draw.below(10_000) / 10_000;
    const intent: Intent =
      roll < errorShare ? 'error' : roll < errorShare + readShare ? 'read-only' : 'ordinary';
    if (this.#planStep(intent)) return;
    const drawn = this.#draw(intent);
    if (drawn !== undefined) this.#emit(drawn, intent);
    else this.#fallBack();
  }

  #draw(intent: Intent): Operation | undefined {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const operation = intent === 'error' ? this.#error() : this.#recipe(intent);
      if (operation !== undefined && this.#fits(operation)) return operation;
    }
    return undefined;
  }

  #fits(operation: Operation): boolean {
    return this.#assignment.kinds.has(operation.kind) && isPermitted(this.#ground, operation);
  }

  #error(): Operation | undefined {
    return this.#ground.draw.weighted(this.#swarm.errors)?.make(this.#ground);
  }

  #recipe(intent: 'ordinary' | 'read-only'): Operation | undefined {
    const { draw, bias } = this.#ground;
    if (intent === 'ordinary' && this.#ground.inFlight() > 0) {
      const crowded = this.#ground.inFlight() >= MOST_IN_FLIGHT;
      if (crowded || draw.percent(bias.wake)) {
        const operation = meddleWithSleepers(this.#ground);
        if (operation !== undefined) return operation;
      }
    }
    const kind = draw.weighted(intent === 'ordinary' ? this.#swarm.ordinary : this.#swarm.readOnly);
    return kind === undefined ? undefined : RECIPES[kind](this.#ground);
  }

  /** What always works, for kernels and states where nothing that was drawn fits. */
  #fallBack(): void {
    const last = this.#draw('ordinary') ?? this.#draw('read-only') ?? this.#first() ?? this.#draw('error');
    const operation = last ?? call.allocPageable('kernel', 1);
    this.#emit(operation, READ_ONLY_KINDS.has(operation.kind) ? 'read-only' : 'ordinary');
  }

  /** The first kind that fits, whatever its weight. */
  #first(): Operation | undefined {
    for (const kind of this.#assignment.kinds) {
      const operation = RECIPES[kind](this.#ground);
      if (operation !== undefined && this.#fits(operation)) return operation;
    }
    return undefined;
  }

  /** Emits the next step of the plan under way, if it is that plan's turn. */
  #planStep(intent: Intent): boolean {
    const { draw, bias } = this.#ground;
    if (this.#plan === null && intent === 'error') return false;
    if (!draw.percent(this.#plan === null ? bias.gambit / 3 : 50 + bias.gambit)) return false;
    if (this.#plan === null) this.#start();
    if (this.#pending === null || intentOfStep(this.#pending) !== intent) return false;
    const next = 'refused' in this.#pending ? this.#pending.refused : this.#pending;
    if (!this.#fits(next)) {
      this.#advance(null);
      return false;
    }
    this.#emit(next, intent);
    this.#advance(this.#ground);
    return true;
  }

  #start(): void {
    for (let attempt = 0; attempt < MOST_GAMBITS; attempt += 1) {
      const plan = this.#ground.draw.weighted(this.#swarm.gambits)?.plan(this.#ground);
      const first = plan?.next();
      if (plan === undefined || first === undefined || first.done === true) continue;
      this.#plan = plan;
      this.#pending = first.value;
      return;
    }
  }

  /** Tells the plan what its step did, or gives it up. */
  #advance(ground: Ground | null): void {
    const outcome = ground?.panicked === false ? ground.lastOutcome : null;
    const next = outcome === null ? undefined : this.#plan?.next(outcome);
    this.#pending = next === undefined || next.done === true ? null : next.value;
    if (this.#pending === null) this.#plan = null;
  }

  /** Ends the scenario with an operation that stops the machine, where there is one. */
  #finish(): void {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const operation = this.#ground.draw.weighted(this.#swarm.finales)?.make(this.#ground);
      if (operation === undefined || !this.#fits(operation)) continue;
      this.#emit(operation, 'error');
      return;
    }
    this.#one();
  }
}

/** Generates the operations of one scenario, and why each was generated. */
export function generateOperations(
  draw: Draw,
  assignment: Assignment,
  kernels: { reference: KernelModule<ReferenceKernel>; follows: KernelModule | null },
): { operations: readonly Operation[]; intents: readonly Intent[] } {
  const { machine, workload, without } = assignment;
  const ground = new Ground(machine, draw, {
    kernel: kernels.reference.boot(machine),
    follows: kernels.follows?.boot(machine) ?? null,
    bias: without === 'wakes' ? { ...workload.bias, wake: 0, sleepers: 0, shortage: 0 } : workload.bias,
    blunt: without === 'boundaries',
    hostile: workload.hostile,
  });
  const generation = new Generation(ground, assignment);
  generation.run();
  return { operations: ground.operations, intents: generation.intents };
}

/** The kinds that a kernel declares; all of them where nothing is declared. */
export function declaredKinds(declares: KernelDeclaration | undefined): ReadonlySet<OperationKind> {
  return new Set(declares?.operations ?? OPERATION_KINDS);
}
