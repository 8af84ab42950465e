/** How complicated a scenario is: what shrinking lowers, and therefore why it ends. */
import { PAGE_SIZE } from '../contract/address.ts';
import { type MachineConfig, TRACE_KMEM_OBJECT_SIZE } from '../contract/machine.ts';
import {
  type FieldMeaning,
  OPERATION_FIELDS,
  OPERATION_KINDS,
  type Operation,
  type OperationKind,
} from '../contract/operation.ts';
import type { Scenario } from '../contract/scenario.ts';

/** Compared from the left: operations, how special their kinds are, their arguments, the machine, their disorder. */
export type Measure = readonly [
  operations: number,
  kinds: number,
  values: number,
  machine: number,
  disorder: number,
];

/** Where a shrunk machine's kernel map starts, if it can. */
export const CANONICAL_KERNEL_MIN = 0xfe00_0000;
/** Static map records of a shrunk machine. */
export const CANONICAL_STATIC_MAPS = 10;

/** Bytes of its kmem object, which shows nowhere else than there. */
export const CANONICAL_KMEM_OBJECT_SIZE = TRACE_KMEM_OBJECT_SIZE;

/** Kinds that a simpler one may stand in for; all others rank 0. */
const RANKS: { readonly [Kind in OperationKind]?: number } = {
  kmem_alloc: 1,
  kmem_alloc_wait: 1,
  kmem_malloc: 2,
  vm_map_insert: 1,
  vm_map_find: 2,
  kmem_free_wakeup: 1,
  vm_map_protect: 1,
  vm_map_pageable: 2,
  vm_map_remove: 1,
  vm_map_delete: 2,
  checked_read: 1,
  checked_write: 1,
  cpu_read: 2,
  cpu_write: 2,
  pmap_kenter: 1,
};

const aligned = (value: number): number => (value % PAGE_SIZE === 0 ? 0 : 0.5);
/** By the number of the protection. */
export const PROTECTION_COSTS: readonly number[] = [4, 2, 5, 1, 6, 3, 7, 0];

/** Where a shrunk map of its own begins, if it can. */
export const CANONICAL_MAP_MIN = 0x1000_0000;

/** To the kernel map, or to where maps of their own are. */
const distanceOf = (value: number, kernelMin: number): number =>
  Math.min(Math.abs(value - kernelMin) + PAGE_SIZE, Math.abs(value - CANONICAL_MAP_MIN));

/**
 * A little more than a page of distance costs: of ranges with one end the shorter is the simpler. A sum of such costs is
 * exact, in whatever order it is taken: else two scenarios could each be smaller than the other.
 */
const PAGE_COST = 1 + 2 ** -10;

/** Cost of one number by its meaning; one page is the simplest size, and full rights the simplest protection. */
function numberCost(value: number, meaning: FieldMeaning, kernelMin: number): number {
  switch (meaning) {
    case 'size':
      return value === 0 ? 0.25 : PAGE_COST * (Math.ceil(value / PAGE_SIZE) - 1) + aligned(value);
    case 'address':
      return Math.floor(distanceOf(value, kernelMin) / PAGE_SIZE) + aligned(value);
    case 'protection':
      return PROTECTION_COSTS[value] ?? 8;
    case 'inheritance':
      return value === 1 ? 0 : 1 + value;
    case 'byte':
      return value === 1 ? 0 : 1;
    case 'length':
    case 'frame':
      return value;
    default:
      return 0;
  }
}

const OBJECT_COSTS: readonly string[] = ['null', 'anon', 'kernel', 'kmem'];

function valueCost(value: unknown, meaning: FieldMeaning, kernelMin: number): number {
  if (typeof value === 'number') return numberCost(value, meaning, kernelMin);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string') {
    if (meaning === 'object') return OBJECT_COSTS.indexOf(value);
    if (value === 'mb') return 1.5;
    if (meaning === 'new-map')
      return Number(/\d+$/.exec(value)?.[0] ?? 0) + (value.startsWith('sub') ? 0 : 0.25);
    if (meaning === 'new-pmap') return Number(/\d+$/.exec(value)?.[0] ?? 0);
    return meaning === 'mode' || ((meaning === 'map' || meaning === 'pmap') && value !== 'kernel') ? 1 : 0;
  }
  if (!Array.isArray(value)) return 0;
  return value.reduce((sum: number, byte: unknown) => sum + (byte === 1 ? 1 : 2), 0);
}

/** Cost of an operation's arguments. */
export function operationCost(operation: Operation, kernelMin: number): number {
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(operation));
  let sum = 0;
  for (const [name, meaning] of Object.entries(OPERATION_FIELDS[operation.kind]))
    sum += valueCost(values.get(name), meaning, kernelMin);
  return sum;
}

/** Room, in pages, and entries of the plainest machine: one with less is made for a shortage. */
export const PLAIN_ROOM = 4;
export const PLAIN_ENTRIES = 4;
/** Entries without a limit cost more than a few, so that what does not depend on them has one form. */
const UNLIMITED = 32;

/** What is scarce costs a little more than what is plain, and what is plentiful much more. */
const scarcity = (count: number, plain: number): number => count + Math.max(0, 1.5 * (plain - count));

function machineCost(machine: MachineConfig): number {
  const { kernelMin, kernelStart, kernelMax, mapEntries, reserved, scratchWindow, staticMaps } = machine;
  const reservedCost = reserved.reduce((sum, { length }) => sum + 5 + length / PAGE_SIZE, 0);
  return (
    machine.managedPages +
    machine.deviceFrames +
    machine.scratchPages +
    machine.freeMin +
    machine.freeTarget +
    machine.inactiveTarget +
    scarcity((kernelMax - kernelStart) / PAGE_SIZE, PLAIN_ROOM) +
    (2 * (kernelStart - kernelMin)) / PAGE_SIZE +
    (mapEntries === null ? UNLIMITED : scarcity(mapEntries, PLAIN_ENTRIES)) / 4 +
    reservedCost +
    (scratchWindow === null ? 0 : (scratchWindow.end - scratchWindow.start) / PAGE_SIZE) +
    (kernelMin === CANONICAL_KERNEL_MIN ? 0 : 1) +
    (staticMaps === CANONICAL_STATIC_MAPS ? 0 : 1) +
    (machine.kmemObjectSize === CANONICAL_KMEM_OBJECT_SIZE ? 0 : 1)
  );
}

/** The measure of a scenario. */
export function measure({ machine, operations }: Scenario): Measure {
  let kinds = 0;
  let values = 0;
  for (const operation of operations) {
    kinds += RANKS[operation.kind] ?? 0;
    values += operationCost(operation, machine.kernelMin);
  }
  return [operations.length, kinds, values, machineCost(machine), disorderOf(operations)];
}

/** Scenarios longer than this are not put in order. */
const LONGEST_SORTED = 12;

/** Pairs of operations whose kinds stand the other way round in the contract. */
function disorderOf(operations: readonly Operation[]): number {
  if (operations.length > LONGEST_SORTED) return 0;
  const ranks = operations.map(({ kind }) => KIND_ORDER.get(kind) ?? 0);
  return ranks.reduce((sum, rank, i) => sum + ranks.slice(i + 1).filter((later) => later < rank).length, 0);
}
const KIND_ORDER: ReadonlyMap<OperationKind, number> = new Map(
  OPERATION_KINDS.map((kind, i): [OperationKind, number] => [kind, i]),
);

/** True when the first measure is strictly smaller. */
export function isSmaller(first: Measure, second: Measure): boolean {
  for (const [i, value] of first.entries()) {
    const other = second[i] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}
