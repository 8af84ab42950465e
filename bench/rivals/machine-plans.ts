/**
 * Machines as an arbitrary of fast-check, drawn as `scenarios()` draws them: the same profiles with the same shares. They
 * shrink field by field, as a record of integers would.
 */
import fc, { Arbitrary, type Random, Stream, Value } from 'fast-check';
import { address, PAGE_SIZE, pages } from '../../contract/address.ts';
import { type MachineConfig, machineFaults } from '../../contract/machine.ts';
import { Draw, type Weighted } from '../../properties/generate-draw.ts';
import { drawMachine } from '../../properties/machines.ts';
import { WORKLOAD_NAMES, WORKLOADS, type WorkloadName } from '../../properties/workloads.ts';
import type { LivePlan } from './live-run.ts';

const SHARES: Weighted<WorkloadName> = WORKLOAD_NAMES.map((name) => [WORKLOADS[name].share, name]);

/** Where a simpler machine's kernel map starts. */
const PLAIN_KERNEL_MIN = 0xfe00_0000;

class MachinePlanArbitrary extends Arbitrary<LivePlan> {
  override generate(mrng: Random): Value<LivePlan> {
    const draw = new Draw(mrng);
    const workload = WORKLOADS[draw.weighted(SHARES) ?? 'balanced'];
    const plan = drawMachine(draw, draw.weighted(workload.machines) ?? 'random');
    return new Value({ ...plan, hostile: workload.hostile }, undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is LivePlan {
    return typeof value === 'object' && value !== null && 'machine' in value && 'submaps' in value;
  }

  override shrink(plan: LivePlan): Stream<Value<LivePlan>> {
    return new Stream(smallerPlans(plan)).map((smaller) => new Value(smaller, undefined));
  }
}

/** Fewer submaps, smaller ones, then smaller machines. */
function* smallerPlans(plan: LivePlan): Generator<LivePlan> {
  const { machine, submaps } = plan;
  for (const i of submaps.keys()) yield { ...plan, submaps: submaps.filter((_, at) => at !== i) };
  for (const [i, { size }] of submaps.entries())
    for (const count of smaller(size / PAGE_SIZE, 1))
      yield {
        ...plan,
        submaps: submaps.map((submap, at) => (at === i ? { ...submap, size: pages(count) } : submap)),
      };
  for (const config of smallerMachines(machine))
    if (machineFaults(config).length === 0) yield { ...plan, machine: config };
}

function* smaller(value: number, least: number): Generator<number> {
  if (value <= least) return;
  for (const { value: simpler } of fc.integer({ min: least, max: value }).shrink(value, undefined))
    yield simpler;
}

function* smallerMachines(machine: MachineConfig): Generator<MachineConfig> {
  const { kernelMin, kernelStart, kernelMax, mapEntries, scratchPages, managedPages } = machine;
  if (machine.reserved.length > 0) yield { ...machine, reserved: machine.reserved.slice(1) };
  if (machine.freeTarget > 0) yield { ...machine, freeMin: 0, freeTarget: 0, inactiveTarget: 0 };
  if (machine.scratchWindow !== null)
    yield {
      ...machine,
      managedPages: managedPages - scratchPages,
      scratchPages: 0,
      deviceFrames: 0,
      scratchWindow: null,
    };
  for (const deviceFrames of smaller(machine.deviceFrames, 0)) yield { ...machine, deviceFrames };
  for (const frames of smaller(managedPages, scratchPages + 1)) yield { ...machine, managedPages: frames };
  for (const count of smaller((kernelMax - kernelStart) / PAGE_SIZE, 1))
    yield { ...machine, kernelMax: address(kernelStart + count * PAGE_SIZE) };
  for (const count of smaller((kernelStart - kernelMin) / PAGE_SIZE, 0))
    yield { ...machine, kernelMin: address(kernelStart - count * PAGE_SIZE) };
  if (mapEntries !== null)
    for (const entries of smaller(mapEntries, 1)) yield { ...machine, mapEntries: entries };
  if (kernelMin !== PLAIN_KERNEL_MIN && machine.reserved.length === 0 && machine.scratchWindow === null) {
    const moved = (value: number) => address(value - kernelMin + PLAIN_KERNEL_MIN);
    yield {
      ...machine,
      kernelMin: address(PLAIN_KERNEL_MIN),
      kernelStart: moved(kernelStart),
      kernelMax: moved(kernelMax),
    };
  }
}

/** Machines with the submaps they start with, in the distribution of the default mix. */
export const machinePlans = (): Arbitrary<LivePlan> => new MachinePlanArbitrary();
