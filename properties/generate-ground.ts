/**
 * What a generator stands on: the reference kernel it steps, read cell by cell and no more than needed,
 * and what it remembers about the scenario so far (allocations, freed ranges, maps, operations in flight).
 */
import { PDE_SPAN } from '../contract/address.ts';
import type { KernelMemory, ReferenceKernel } from '../contract/kernel-memory.ts';
import { type MachineConfig, recursiveSlot } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { Outcome, Step } from '../contract/outcome.ts';
import type { MapName, TransitionSnapshot } from '../contract/vm-map.ts';
import type { Draw } from './generate-draw.ts';
import { type Range, Reading } from './generate-reading.ts';

/** A range that an operation handed out and nobody is known to have freed whole. */
export interface Allocation {
  readonly map: MapName;
  readonly address: number;
  /** Bytes as requested, not rounded. */
  readonly size: number;
  readonly by: Operation['kind'];
  /** kmem_malloc without waiting: pages with wire count 0. */
  readonly nowait: boolean;
}

/** A map the generator may name. */
export interface KnownMap {
  readonly name: MapName;
  readonly min: number;
  readonly max: number;
  readonly pageable: boolean;
  /** `attached`: reachable from `kernel`. `loose`: created, not reachable yet. `detached`: lost its placeholder. */
  standing: 'attached' | 'loose' | 'detached';
  parent: MapName | null;
  /** True once vm_map_deallocate was called on it. */
  deallocated: boolean;
}

/** How strongly the state at hand steers the choices, each in percent. */
export interface Bias {
  /** An allocation asks for about as many pages as are free, or for more. */
  readonly shortage: number;
  /** kmem_alloc_wait asks for more than there is room for. */
  readonly sleepers: number;
  /** While operations sleep, the next operation concerns them: wakes, feeds, resumes or meddles. */
  readonly wake: number;
  /** The next operation is a step of a gambit under way. */
  readonly gambit: number;
}

const KEPT_STALE_RANGES = 8;
const KEPT_ALLOCATIONS = 64;

/** The state at hand together with what the scenario has done to get there. */
export class Ground extends Reading {
  readonly machine: MachineConfig;
  readonly draw: Draw;
  readonly bias: Bias;
  /** True where broken caller promises short of PRE are wanted: aliases, detached submaps, the boot entry. */
  readonly hostile: boolean;
  /** True where sizes and ranges at bounds are not to be preferred. */
  readonly blunt: boolean;
  readonly operations: Operation[] = [];
  readonly maps: KnownMap[] = [];
  /** Oldest first. */
  readonly allocations: Allocation[] = [];
  /** Ranges that were allocated once and then freed, latest last. */
  readonly stale: Allocation[] = [];
  /** First byte of the recursive window, which no access may touch. */
  readonly recursiveWindow: number;
  lastOutcome: Outcome | null = null;
  panicked = false;
  #serial = 0;
  /** The latest range in transition of each operation in flight. */
  readonly #owned = new Map<number, TransitionSnapshot>();
  readonly #follows: KernelMemory | null;

  constructor(
    machine: MachineConfig,
    draw: Draw,
    options: {
      kernel: ReferenceKernel;
      follows: KernelMemory | null;
      bias: Bias;
      hostile: boolean;
      blunt?: boolean;
    },
  ) {
    super(options.kernel);
    this.machine = machine;
    this.draw = draw;
    this.bias = options.bias;
    this.hostile = options.hostile;
    this.blunt = options.blunt === true;
    this.#follows = options.follows;
    this.recursiveWindow = recursiveSlot(machine) * PDE_SPAN;
    const { kernelMin: min, kernelMax: max } = machine;
    this.maps.push({
      name: 'kernel',
      min,
      max,
      pageable: false,
      standing: 'attached',
      parent: null,
      deallocated: false,
    });
  }

  known(name: MapName): KnownMap | undefined {
    return this.maps.find((map) => map.name === name);
  }

  /** Maps that callers may use as they like: reachable ones, and detached ones where hostility is wanted. */
  usable(): readonly KnownMap[] {
    return this.maps.filter(
      ({ standing }) => standing === 'attached' || (standing === 'detached' && this.hostile),
    );
  }

  /** A name that no live map has. */
  freshName(stem: 'sub' | 'map'): MapName {
    const name = `${stem}${this.#serial}`;
    this.#serial += 1;
    return this.known(name) === undefined ? name : this.freshName(stem);
  }

  /** An allocation that still has an entry at its address, the newer ones more often. */
  allocation(wanted?: (allocation: Allocation) => boolean): Allocation | undefined {
    const pool = wanted === undefined ? this.allocations : this.allocations.filter(wanted);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const found = this.draw.recent(pool);
      if (found === undefined || this.entryAt(found.map, found.address) !== undefined) return found;
      this.#forget(found);
    }
    return undefined;
  }

  #forget(allocation: Allocation): void {
    const at = this.allocations.indexOf(allocation);
    if (at >= 0) this.allocations.splice(at, 1);
    this.stale.push(allocation);
    if (this.stale.length > KEPT_STALE_RANGES) this.stale.shift();
  }

  /** True when the range meets [kernelMin, kernelStart), which careful callers leave alone. */
  meetsBootRange({ start, end }: Range): boolean {
    return start < this.machine.kernelStart && end > this.machine.kernelMin;
  }

  operationOf(number: number): Operation | undefined {
    return this.operations[number - 1];
  }

  /** The reference's step; undefined when the kernel whose choices are followed throws, which its own run will show. */
  #applied(operation: Operation, number: number): Step | undefined {
    if (this.#follows === null) return this.kernel.apply(operation, number);
    let outcome: Outcome;
    try {
      outcome = this.#follows.apply(operation, number).outcome;
    } catch {
      return undefined;
    }
    return this.kernel.applyPlaced(operation, number, outcome);
  }

  /** Runs one operation on the reference and remembers what it did. */
  step(operation: Operation): void {
    this.operations.push(operation);
    const number = this.operations.length;
    const step = this.#applied(operation, number);
    if (step === undefined) {
      this.panicked = true;
      return;
    }
    this.forgetTouched();
    this.lastOutcome = step.outcome;
    this.panicked = step.outcome.kind === 'panic';
    const begun = operation.kind === 'resume' ? operation.operation : number;
    this.#rememberOwner(begun, step.outcome);
    const subject = this.operationOf(begun);
    if (subject !== undefined && !this.panicked) this.#remember(subject, step.outcome);
  }

  #rememberOwner(operation: number, outcome: Outcome): void {
    if (outcome.kind !== 'sleep') this.#owned.delete(operation);
    else
      for (const transition of this.transitions())
        if (transition.operation === operation) this.#owned.set(operation, transition);
  }

  /**
   * Ranges that an operation in flight has filled and still has to wire, but may not: somebody else is wiring part of
   * them. No mark protects them meanwhile (KM-ALLOC-4), so that whoever frees them breaks the allocation.
   */
  unguarded(): TransitionSnapshot[] {
    if (this.#owned.size === 0) return [];
    const marked = new Set(this.transitions().map(({ operation }) => operation));
    return [...this.#owned.values()].filter(({ operation }) => !marked.has(operation));
  }

  #remember(operation: Operation, outcome: Outcome): void {
    if (outcome.kind === 'rejected' || outcome.kind === 'sleep') return;
    if (outcome.kind === 'address') this.#rememberAllocation(operation, outcome.address);
    if (operation.kind === 'kmem_free' || operation.kind === 'kmem_free_wakeup') {
      const freed = this.allocations.find(
        ({ map, address }) => map === operation.map && address === operation.address,
      );
      if (freed !== undefined && freed.size <= operation.size) this.#forget(freed);
    }
    const succeeded = outcome.kind === 'kern' && outcome.code === 0;
    if (succeeded && operation.kind === 'vm_map_insert')
      this.#allocated(operation.map, operation.start, operation.end - operation.start, operation.kind);
    if (succeeded && operation.kind === 'vm_map_find' && outcome.address !== undefined)
      this.#allocated(operation.map, outcome.address, operation.length, operation.kind);
    this.#rememberMaps(operation, outcome);
  }

  #rememberAllocation(operation: Operation, address: number): void {
    if (!('size' in operation) || !('map' in operation)) return;
    this.#allocated(operation.map, address, operation.size, operation.kind, {
      nowait: operation.kind === 'kmem_malloc' && !operation.canWait,
    });
  }

  #allocated(
    map: MapName,
    address: number,
    size: number,
    by: Operation['kind'],
    { nowait } = { nowait: false },
  ) {
    this.allocations.push({ map, address, size, by, nowait });
    if (this.allocations.length > KEPT_ALLOCATIONS) this.allocations.shift();
  }

  #rememberMaps(operation: Operation, outcome: Outcome): void {
    if (operation.kind === 'kmem_suballoc' && outcome.kind === 'submap') {
      const { name, parent, pageable } = operation;
      const { min, max } = outcome;
      this.maps.push({ name, parent, min, max, pageable, standing: 'attached', deallocated: false });
    }
    if (operation.kind === 'vm_map_create' && outcome.kind === 'done') {
      const { name, min, max, pageable } = operation;
      this.maps.push({ name, parent: null, min, max, pageable, standing: 'loose', deallocated: false });
    }
    if (operation.kind === 'vm_map_submap' && outcome.kind === 'kern' && outcome.code === 0) {
      const submap = this.known(operation.submap);
      if (submap !== undefined) {
        submap.parent = operation.map;
        this.#stand(submap, this.known(operation.map)?.standing ?? 'loose');
      }
    }
    if (operation.kind === 'vm_map_deallocate') {
      const map = this.known(operation.map);
      if (map !== undefined) map.deallocated = true;
    }
    if (this.maps.length > 1) this.#dropLostMaps();
  }

  /** A map's standing is that of all maps in it. */
  #stand(map: KnownMap, standing: KnownMap['standing']): void {
    map.standing = standing;
    for (const inner of this.maps) if (inner.parent === map.name) this.#stand(inner, standing);
  }

  /** Notices maps that died and submaps whose placeholder went away. */
  #dropLostMaps(): void {
    for (let i = this.maps.length - 1; i > 0; i -= 1) {
      const known = this.maps[i];
      if (known === undefined || this.remembers(`map:${known.name}`)) continue;
      const map = this.map(known.name);
      if (map === null) this.maps.splice(i, 1);
      else if (known.parent !== null && map.references === (known.deallocated ? 0 : 1)) {
        known.parent = null;
        known.standing = 'detached';
      }
    }
  }
}
