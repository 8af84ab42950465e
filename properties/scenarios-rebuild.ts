/**
 * Puts an edited scenario together again: it is run on the reference, and addresses move with the allocations they
 * belong to, so that dropping or shrinking one operation does not turn the later ones into nonsense.
 */
import { ADDRESS_SPACE_END, objectOffset, PAGE_SIZE } from '../contract/address.ts';
import type { KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import { OPERATION_FIELDS, type Operation } from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';
import {
  type Anchor,
  applied,
  type Bound,
  boundOf,
  createdMap,
  createdPmap,
  type Extent,
  type Item,
  namesIn,
  pmapsIn,
  rangeInHand,
  type Trace,
} from './scenarios-trace.ts';

/** One item of an edited scenario with the operation that it has become. */
export interface Edited {
  readonly item: Item;
  readonly operation: Operation;
}

/** How to put an edited scenario together. */
export interface RebuildOptions {
  readonly reference: KernelModule<ReferenceKernel>;
  readonly machine: MachineConfig;
  /** False: every address stays as it is, whatever it named before. */
  readonly relocate: boolean;
}

/** An operation with some of its fields replaced by values of the same types. */
export const withFields = (operation: Operation, fields: ReadonlyMap<string, unknown>): Operation =>
  fields.size === 0 ? operation : { ...operation, ...Object.fromEntries(fields) };

const clamp = (value: number): number => Math.min(ADDRESS_SPACE_END - 1, Math.max(0, value));

class Rebuild {
  readonly operations: Operation[] = [];
  readonly #trace: Trace;
  readonly #options: RebuildOptions;
  readonly #kernel: ReferenceKernel;
  readonly #numbers = new Map<Item, number>();
  readonly #emitted = new Map<Item, Operation>();
  readonly #handed = new Map<Item, Extent>();
  readonly #maps = new Set<string>(['kernel']);
  readonly #pmaps = new Set<string>();

  constructor(trace: Trace, options: RebuildOptions) {
    this.#trace = trace;
    this.#options = options;
    this.#kernel = options.reference.boot(options.machine);
  }

  /** Adds one item unless it has lost its meaning; false when the machine has stopped. */
  add({ item, operation }: Edited): boolean {
    const moved = this.#move(item, operation);
    if (moved === undefined) return true;
    const number = this.operations.length + 1;
    const outcome = applied(this.#kernel, moved, number);
    if (outcome?.kind === 'rejected' && !item.rejected) return true;
    this.operations.push(moved);
    this.#numbers.set(item, number);
    this.#emitted.set(item, moved);
    const created = createdMap(moved);
    if (created !== undefined) this.#maps.add(created);
    const pmap = createdPmap(moved);
    if (pmap !== undefined) this.#pmaps.add(pmap);
    const subject = item.resumes ?? item;
    const own = {
      operation: this.#emitted.get(subject) ?? moved,
      number: this.#numbers.get(subject) ?? number,
    };
    const range = outcome && rangeInHand(this.#kernel, { ...own, outcome });
    if (range !== undefined) this.#handed.set(subject, range);
    return outcome?.kind !== 'panic';
  }

  /** The operation where its references are now; undefined when one of them is gone. */
  #move(item: Item, operation: Operation): Operation | undefined {
    if (operation.kind === 'resume') {
      if (item.resumes === null) return operation;
      const number = this.#numbers.get(item.resumes);
      return number === undefined ? undefined : { kind: 'resume', operation: number };
    }
    const isLost =
      namesIn(operation).some((name) => !this.#maps.has(name)) ||
      pmapsIn(operation).some((name) => !this.#pmaps.has(name));
    if (isLost && !item.rejected) return undefined;
    if (!this.#options.relocate) return operation;
    return withFields(operation, this.#movedFields(item, operation));
  }

  #movedFields(item: Item, operation: Operation): Map<string, unknown> {
    const values: ReadonlyMap<string, unknown> = new Map(Object.entries(operation));
    const fields = new Map<string, unknown>();
    for (const [name, { place, value }] of item.anchors) {
      if (name === 'offset') continue;
      const now = values.get(name);
      const shift = this.#placeOf(place) - value;
      if (typeof now === 'number' && shift !== 0) fields.set(name, clamp(now + shift));
    }
    const followed = item.sizeOf === null ? undefined : this.#emitted.get(item.sizeOf);
    const unedited =
      'size' in operation && 'size' in item.operation && operation.size === item.operation.size;
    if (unedited && followed !== undefined && 'size' in followed && followed.size !== operation.size)
      fields.set('size', followed.size);
    this.#moveOffset(item, operation, fields);
    this.#moveFrames(operation, values, fields);
    return fields;
  }

  /** Where an anchor points now; where its base is gone, where it pointed before. */
  #placeOf({ base, distance, fromEnd }: Anchor): number {
    if (base === null) return distance;
    if (base.kind === 'bound') return this.#besideBound(base.bound, distance, fromEnd);
    const now = this.#handed.get(base.item) ?? base.item.handed;
    if (now === null) return distance;
    if (fromEnd) return now.end + distance;
    const inside = Math.min(distance, now.end - now.start - PAGE_SIZE + (distance % PAGE_SIZE));
    return now.start + Math.max(inside, 0);
  }

  /** Places in a window that has become smaller are on its last page. */
  #besideBound(bound: Bound, distance: number, fromEnd: boolean): number {
    const { machine } = this.#options;
    const window = bound === 'scratchWindow' ? machine.scratchWindow : null;
    if (window === null) return boundOf(machine, bound) + distance;
    if (fromEnd) return window.end;
    return window.start + Math.min(distance, window.end - window.start - PAGE_SIZE + (distance % PAGE_SIZE));
  }

  /** An object inserted at its own offset stays at its own offset (the insert's range may have moved). */
  #moveOffset(item: Item, operation: Operation, fields: Map<string, unknown>): void {
    if (operation.kind !== 'vm_map_insert' && operation.kind !== 'vm_map_find') return;
    const name = operation.kind === 'vm_map_insert' ? 'start' : 'address';
    const old = operation.kind === 'vm_map_insert' ? operation.start : operation.address;
    const moved = fields.get(name);
    const start = typeof moved === 'number' ? moved : old;
    const anchor = item.anchors.get('offset');
    const [before, after] = this.#objectBase(operation.object);
    if (before !== undefined && after !== undefined && operation.offset === objectOffset(old - before))
      fields.set('offset', objectOffset(start - after));
    else if (anchor !== undefined && before !== undefined && after !== undefined) {
      const place = this.#placeOf(anchor.place) + (operation.offset - (anchor.value - before));
      fields.set('offset', objectOffset(Math.max(0, place - after)));
    }
  }

  /** Address of offset 0 of a base object, before the edit and now. */
  #objectBase(object: string): [number | undefined, number | undefined] {
    const { trace, machine } = { trace: this.#trace, machine: this.#options.machine };
    if (object === 'kernel') return [trace.machine.kernelMin, machine.kernelMin];
    const kmem = trace.items.find(({ operation }) => createdMap(operation) === 'kmem');
    if (object !== 'kmem' || kmem === undefined) return [undefined, undefined];
    return [kmem.handed?.start, this.#handed.get(kmem)?.start];
  }

  /** Device frames keep their place behind the managed ones. */
  #moveFrames(
    operation: Operation,
    values: ReadonlyMap<string, unknown>,
    fields: Map<string, unknown>,
  ): void {
    const before = this.#trace.machine.managedPages;
    const after = this.#options.machine.managedPages;
    if (before === after) return;
    for (const [name, meaning] of Object.entries(OPERATION_FIELDS[operation.kind])) {
      const frame = values.get(name);
      if (meaning === 'frame' && typeof frame === 'number' && frame >= before)
        fields.set(name, frame - before + after);
    }
  }
}

/** The edited scenario, without the operations that have lost what they refer to; undefined when nothing is left. */
export function rebuild(
  trace: Trace,
  edited: readonly Edited[],
  options: RebuildOptions,
): Scenario | undefined {
  const run = new Rebuild(trace, options);
  for (const one of edited) if (!run.add(one)) break;
  if (run.operations.length === 0 && trace.items.length > 0) return undefined;
  return { machine: options.machine, operations: run.operations };
}
