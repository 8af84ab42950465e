/** Simplifications that only work together, each on a scenario that nothing else makes simpler. */
import { describe, expect, test } from 'vitest';
import { address, bytes, objectOffset, pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { judgeScenario } from '../../properties/lockstep.ts';
import type { Edits } from '../../properties/scenarios-edits.ts';
import {
  foldSubmaps,
  foldWiring,
  lowerWithOffsets,
  mergeMapsTightly,
  sortNeighbours,
} from '../../properties/scenarios-joint.ts';
import { simplifyMachine } from '../../properties/scenarios-machine.ts';
import { isSmaller, measure } from '../../properties/scenarios-measure.ts';
import { rebuild } from '../../properties/scenarios-rebuild.ts';
import { traceScenario } from '../../properties/scenarios-trace.ts';
import { smallMachine } from './generated.ts';

const KERNEL = { map: 'kernel' } as const;
const machine = { ...smallMachine, kernelStart: smallMachine.kernelMin };
const page = (n: number) => address(machine.kernelMin + n * 4096);
const alloc: Operation = { kind: 'kmem_alloc_pageable', ...KERNEL, size: pages(1) };

/** What a family makes of a scenario: smaller ones, addresses moved along and as they are. */
function madeBy(family: Edits, operations: readonly Operation[], on = machine): Scenario[] {
  const scenario: Scenario = { machine: on, operations };
  const trace = traceScenario(scenario, referenceKernel);
  return family(trace).flatMap((edit) => {
    const { items, machine: its } = edit();
    return [true, false].flatMap((relocate) => {
      const made = rebuild(trace, items, { reference: referenceKernel, machine: its, relocate });
      return made !== undefined && isSmaller(measure(made), measure(scenario)) ? [made] : [];
    });
  });
}
const holds = (scenario: Scenario): boolean =>
  judgeScenario(scenario, {
    ...{ reference: referenceKernel, candidate: optimizedKernel },
    ...{ compare: true, invariants: [], fullEvery: 1 },
  }).failure === null;

describe('sizes', () => {
  test('are lowered together with the offset of what lies at their end', () => {
    const made = madeBy(lowerWithOffsets, [
      { kind: 'kmem_suballoc', name: 'kmem', parent: 'kernel', size: pages(3), pageable: false },
      {
        kind: 'vm_map_insert',
        ...KERNEL,
        ...{ object: 'kmem', offset: objectOffset(8192), start: page(3), end: page(4) },
      },
      { kind: 'kmem_malloc', map: 'kmem', size: pages(3), canWait: false },
    ]);
    expect(made.map(({ operations }) => operations)).toContainEqual([
      expect.objectContaining({ kind: 'kmem_suballoc', size: 4096 }),
      expect.objectContaining({ kind: 'vm_map_insert', offset: 0 }),
      expect.objectContaining({ kind: 'kmem_malloc', size: 4096 }),
    ]);
    expect(made.every(holds)).toBe(true);
  });

  test('without offsets are left to others', () => {
    expect(madeBy(lowerWithOffsets, [{ ...alloc, size: pages(2) } as Operation])).toEqual([]);
  });
});

describe('neighbours', () => {
  const submap: Operation = {
    kind: 'kmem_suballoc',
    ...{ name: 'map0', parent: 'kernel', size: pages(1), pageable: false },
  };
  const inside: Operation = { kind: 'kmem_alloc_pageable', map: 'map0', size: pages(1) };
  const fault: Operation = { kind: 'vm_fault', map: 'map0', address: page(1), protection: 7 };

  test('change places where what is used more often then lies nearer to the start', () => {
    const made = madeBy(sortNeighbours, [alloc, submap, inside, fault]);
    expect(made.map(({ operations }) => operations)).toContainEqual([
      submap,
      alloc,
      inside,
      { ...fault, address: page(0) },
    ]);
  });

  test('stay where the second needs the first', () => {
    const free: Operation = { kind: 'kmem_free', ...KERNEL, address: page(0), size: bytes(4096) };
    expect(madeBy(sortNeighbours, [alloc, free])).toEqual([]);
  });
});

test('a map made over an allocation and put in its place becomes a submap, and the allocation goes', () => {
  const range = { start: page(0), end: page(1) };
  const made = madeBy(foldSubmaps, [
    alloc,
    { kind: 'vm_map_create', name: 'map0', min: page(0), max: page(1), pageable: false },
    { kind: 'vm_map_submap', ...KERNEL, ...range, submap: 'map0' },
    { kind: 'kmem_free', ...KERNEL, address: page(0), size: bytes(4096) },
  ]);
  expect(made.map(({ operations }) => operations.map(({ kind }) => kind))).toContainEqual([
    'kmem_suballoc',
    'kmem_free',
  ]);
});

test('pages that are allocated and faulted in are allocated at once', () => {
  const made = madeBy(foldWiring, [alloc, { kind: 'vm_fault', ...KERNEL, address: page(0), protection: 7 }]);
  expect(made.map(({ operations }) => operations)).toContainEqual([{ ...alloc, kind: 'kmem_alloc' }]);
});

test('what was full stays full where a submap is merged into the kernel map', () => {
  const made = madeBy(mergeMapsTightly, [
    { kind: 'kmem_suballoc', name: 'sub0', parent: 'kernel', size: pages(1), pageable: false },
    { kind: 'kmem_alloc_pageable', map: 'sub0', size: pages(1) },
    { kind: 'kmem_alloc_wait', map: 'sub0', size: pages(1) },
  ]);
  expect(made).toContainEqual({
    machine: { ...machine, kernelMax: page(1) },
    operations: [alloc, { kind: 'kmem_alloc_wait', ...KERNEL, size: pages(1) }],
  });
});

test('a machine with less room than the plainest is made the plainest', () => {
  const scarce = { ...machine, kernelMax: page(2), mapEntries: 2 };
  const machines = madeBy(simplifyMachine, [alloc], scarce).map((made) => made.machine);
  expect(machines).toContainEqual({ ...scarce, kernelMax: page(4) });
  expect(machines).toContainEqual({ ...scarce, mapEntries: 4 });
  expect(machines.every(({ kernelMax }) => kernelMax >= page(2))).toBe(true);
});
