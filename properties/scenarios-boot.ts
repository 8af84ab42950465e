/** Operations that go together with what the machine begins with: its boot entry, its targets. */
import { type MachineConfig, machineFaults } from '../contract/machine.ts';
import { bounds } from './generate-recipe.ts';
import type { Edits } from './scenarios-edits.ts';
import type { Item } from './scenarios-trace.ts';

/** Scenarios longer than this are not simplified by two things at once: there are too many pairs. */
const LONGEST = 12;

/** The machine whose boot entry reaches so far; null where no such machine is sound. */
function bootedTo(machine: MachineConfig, end: number): MachineConfig | null {
  if (machine.scratchWindow !== null || machine.reserved.length > 0) return null;
  const { start: kernelMin, end: kernelStart } = bounds({ start: machine.kernelMin, end });
  const booted = { ...machine, kernelMin, kernelStart };
  return machineFaults(booted).length > 0 ? null : booted;
}

/** Where an allocation ends that begins the free part of the kernel map; null for any other operation. */
function endOfFirst({ kernelStart }: MachineConfig, { operation, handed }: Item): number | null {
  const isOne = operation.kind === 'kmem_alloc_pageable' && operation.map === 'kernel';
  return isOne && handed?.start === kernelStart ? handed.end : null;
}

/**
 * Pageable memory that the kernel map begins with, there from boot on without an allocation. The map keeps its end, or has as
 * much room behind that memory as before.
 */
export const bootInstead: Edits = ({ machine, items }) => {
  if (items.length > LONGEST) return [];
  return items.flatMap((item) => {
    const end = endOfFirst(machine, item);
    const booted = end === null ? null : bootedTo(machine, end);
    if (end === null || booted === null) return [];
    const { end: kernelMax } = bounds({
      start: machine.kernelMin,
      end: machine.kernelMax + end - machine.kernelStart,
    });
    const roomier = { ...booted, kernelMax };
    const stays = items
      .filter((other) => other !== item)
      .map((other) => ({ item: other, operation: other.operation }));
    return [booted, roomier]
      .filter((one) => machineFaults(one).length === 0)
      .map((one) => () => ({ machine: one, items: stays }));
  });
};

/** Two operations left out with a frame less to be had and a page less to be kept free or inactive. */
export const dropPairsWithTargets: Edits = ({ machine, items }) => {
  const { managedPages, freeTarget, inactiveTarget } = machine;
  const fewer = { ...machine, managedPages: managedPages - 1 };
  const machines = [
    { ...fewer, freeTarget: freeTarget - 1 },
    { ...fewer, inactiveTarget: inactiveTarget - 1 },
  ].filter((one) => one.freeTarget >= 0 && one.inactiveTarget >= 0 && machineFaults(one).length === 0);
  if (items.length > LONGEST || freeTarget + inactiveTarget === 0) return [];
  return items.flatMap((first, i) =>
    items.slice(i + 1).flatMap((second) =>
      machines.map((one) => () => ({
        machine: one,
        items: items
          .filter((item) => item !== first && item !== second)
          .map((item) => ({ item, operation: item.operation })),
      })),
    ),
  );
};
