/**
 * A scenario with its inner references laid open: which allocation an address belongs to, which operation a resume
 * means, which map a name stands for. They are found by running it on the reference.
 */
import { PAGE_SIZE, roundPageUnwrapped } from '../contract/address.ts';
import type { KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import { OPERATION_FIELDS, type Operation } from '../contract/operation.ts';
import type { Outcome } from '../contract/outcome.ts';
import { KERNEL_PMAP, NULL_PMAP } from '../contract/pmap.ts';
import type { Scenario } from '../contract/scenario.ts';

/** What an address is measured from: a range that an operation handed out, a bound of the kernel map, or nothing. */
type Base =
  | { readonly kind: 'range'; readonly item: Item }
  | { readonly kind: 'bound'; readonly bound: Bound }
  | null;
/** A place that the machine names. */
export type Bound = 'kernelMin' | 'kernelStart' | 'kernelMax' | 'scratchWindow';

/** Where an address lies relative to what it belongs to. */
export interface Anchor {
  readonly base: Base;
  /** Bytes from the base, or from the end of the base range. */
  readonly distance: number;
  readonly fromEnd: boolean;
}

/** One operation of a traced scenario. */
export interface Item {
  readonly operation: Operation;
  /** Where each address field points to. */
  readonly anchors: ReadonlyMap<string, { readonly place: Anchor; readonly value: number }>;
  /** The allocation whose whole size the `size` field repeats. */
  readonly sizeOf: Item | null;
  /** The operation that a resume names. */
  readonly resumes: Item | null;
  /** Items it refers to: without them it means something else. */
  readonly needs: ReadonlySet<Item>;
  readonly rejected: boolean;
  /** The range it handed out when traced, whenever it returned. */
  handed: Extent | null;
}

/** A range in whole pages. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** A whole scenario, traced. */
export interface Trace {
  readonly machine: MachineConfig;
  readonly items: readonly Item[];
}

/** A range handed out in the run at hand. */
interface Handed extends Extent {
  readonly item: Item;
}

/** The range that an operation handed out with this outcome; undefined for none. */
function handedOut(operation: Operation, outcome: Outcome): Extent | undefined {
  const size = 'size' in operation ? operation.size : 'length' in operation ? operation.length : 0;
  if (outcome.kind === 'submap') return { start: outcome.min, end: outcome.max };
  if (operation.kind === 'vm_map_create')
    return outcome.kind === 'done' ? { start: operation.min, end: operation.max } : undefined;
  if (operation.kind === 'vm_map_insert')
    return outcome.kind === 'kern' && outcome.code === 0
      ? { start: operation.start, end: operation.end }
      : undefined;
  const start = outcome.kind === 'address' || outcome.kind === 'kern' ? outcome.address : undefined;
  if (start === undefined || operation.kind === 'vm_map_findspace') return undefined;
  return { start, end: start + roundPageUnwrapped(size) };
}

const BOUNDS: readonly Bound[] = ['kernelMax', 'kernelStart', 'kernelMin'];

function anchorOf(
  value: number,
  handed: readonly Handed[],
  machine: MachineConfig,
  first: Item | null,
): Anchor {
  const within = (range: Handed): boolean => value >= range.start && value < range.end;
  const own =
    first === null
      ? undefined
      : handed.findLast(({ item, start, end }) => item === first && value >= start && value <= end);
  const range = own ?? handed.findLast(within) ?? handed.findLast(({ end }) => value === end);
  if (range !== undefined) {
    const fromEnd = value === range.end;
    return {
      base: { kind: 'range', item: range.item },
      distance: value - (fromEnd ? range.end : range.start),
      fromEnd,
    };
  }
  const { scratchWindow: window } = machine;
  const inWindow = window !== null && value >= window.start && value <= window.end;
  const bound = inWindow
    ? 'scratchWindow'
    : BOUNDS.find((name) => value >= boundOf(machine, name) - PAGE_SIZE);
  if (bound === undefined) return { base: null, distance: value, fromEnd: false };
  if (inWindow && value === window.end) return { base: { kind: 'bound', bound }, distance: 0, fromEnd: true };
  return { base: { kind: 'bound', bound }, distance: value - boundOf(machine, bound), fromEnd: false };
}

/** Where a bound of a machine is; the end of the kernel map's image stands for a window that it has not. */
export const boundOf = (machine: MachineConfig, bound: Bound): number =>
  bound === 'scratchWindow' ? (machine.scratchWindow?.start ?? machine.kernelMin) : machine[bound];

/**
 * The range that an operation has in hand: what it handed out, or what it fills or wires while it sleeps.
 * `number` is the operation's own, `operation` the call as it was made.
 */
export function rangeInHand(
  kernel: ReferenceKernel,
  { operation, number, outcome }: { operation: Operation; number: number; outcome: Outcome },
): Extent | undefined {
  if (outcome.kind !== 'sleep') return handedOut(operation, outcome);
  return kernel.cell('transitions').find((transition) => transition.operation === number);
}

/** Runs an operation, or answers undefined where the kernel throws: then nothing more can be learned. */
export function applied(kernel: ReferenceKernel, operation: Operation, number: number): Outcome | undefined {
  try {
    return kernel.apply(operation, number).outcome;
  } catch {
    return undefined;
  }
}

/** Lays the references of a scenario open. */
export function traceScenario(
  { machine, operations }: Scenario,
  reference: KernelModule<ReferenceKernel>,
): Trace {
  const kernel = reference.boot(machine);
  const items: Item[] = [];
  const handed: Handed[] = [];
  let alive = true;
  for (const [i, operation] of operations.entries()) {
    const outcome: Outcome | undefined = alive ? applied(kernel, operation, i + 1) : undefined;
    alive = outcome !== undefined;
    const item = traceItem(operation, { machine, handed, items, rejected: outcome?.kind === 'rejected' });
    items.push(item);
    const subject = item.resumes ?? item;
    const number = operation.kind === 'resume' ? operation.operation : i + 1;
    const range = outcome && rangeInHand(kernel, { operation: subject.operation, number, outcome });
    if (range === undefined) continue;
    subject.handed = range;
    handed.push({ item: subject, ...range });
  }
  return { machine, items };
}

function traceItem(
  operation: Operation,
  {
    machine,
    handed,
    items,
    rejected,
  }: { machine: MachineConfig; handed: readonly Handed[]; items: readonly Item[]; rejected: boolean },
): Item {
  const anchors = new Map<string, { place: Anchor; value: number }>();
  const needs = new Set<Item>();
  let first: Item | null = null;
  // A map of its own has addresses of its own: they mean nothing to operations on other maps.
  const names = namesIn(operation);
  const near = handed.filter(
    ({ item: { operation: other } }) => other.kind !== 'vm_map_create' || names.includes(other.name),
  );
  for (const [name, value] of addressesIn(operation)) {
    const place = anchorOf(value, near, machine, first);
    anchors.set(name, { place, value });
    if (place.base?.kind === 'range') {
      needs.add(place.base.item);
      first ??= place.base.item;
    }
  }
  if ('offset' in operation && operation.object === 'kernel') {
    // The kernel object's offsets are addresses from kernelMin on: an insert may share pages with another range.
    const value = machine.kernelMin + operation.offset;
    const place = anchorOf(value, handed, machine, null);
    anchors.set('offset', { place, value });
    if (place.base?.kind === 'range') needs.add(place.base.item);
  }
  const resumes = operation.kind === 'resume' ? (items[operation.operation - 1] ?? null) : null;
  if (resumes !== null) needs.add(resumes);
  const named = names.map((name) => items.findLast(({ operation: other }) => createdMap(other) === name));
  for (const creator of named) if (creator !== undefined) needs.add(creator);
  for (const pmap of pmapsIn(operation)) {
    const creator = items.findLast(({ operation: other }) => createdPmap(other) === pmap);
    if (creator !== undefined) needs.add(creator);
  }
  return { operation, anchors, sizeOf: wholeSize(operation, first), resumes, needs, rejected, handed: null };
}

/** The allocation that a free covers with exactly the size it was asked for. */
function wholeSize(operation: Operation, first: Item | null): Item | null {
  if (first === null || !('size' in operation) || !('address' in operation)) return null;
  return 'size' in first.operation && first.operation.size === operation.size ? first : null;
}

/** The name of the map that an operation creates. */
export const createdMap = (operation: Operation): string | undefined =>
  operation.kind === 'kmem_suballoc' || operation.kind === 'vm_map_create' ? operation.name : undefined;

/** The name of the pmap that an operation creates. */
export const createdPmap = (operation: Operation): string | undefined =>
  operation.kind === 'pmap_create' || operation.kind === 'pmap_pinit' ? operation.name : undefined;

/** Names of the user pmaps that an operation works on. */
export const pmapsIn = (operation: Operation): string[] =>
  'pmap' in operation && operation.pmap !== undefined && !BUILT_IN_PMAPS.has(operation.pmap)
    ? [operation.pmap]
    : [];
const BUILT_IN_PMAPS: ReadonlySet<string> = new Set([KERNEL_PMAP, NULL_PMAP]);

/** Names of the maps that an operation works on. */
export function namesIn(operation: Operation): string[] {
  const names: string[] = [];
  if ('map' in operation) names.push(operation.map);
  if (operation.kind === 'kmem_suballoc') names.push(operation.parent);
  if (operation.kind === 'vm_map_submap') names.push(operation.submap);
  return names;
}

function addressesIn(operation: Operation): [string, number][] {
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(operation));
  const found: [string, number][] = [];
  for (const [name, meaning] of Object.entries(OPERATION_FIELDS[operation.kind])) {
    const value = values.get(name);
    if (meaning === 'address' && typeof value === 'number') found.push([name, value]);
  }
  return found;
}
