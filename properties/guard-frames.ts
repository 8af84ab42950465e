/**
 * Frames by number in operations: at level `contract` a number means nothing, the page in the frame does. What names a
 * frame of the base is led to the frame in which the working kernel keeps the same page.
 */
import type { KernelMemory, KernelModule } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import { OPERATION_FIELDS, type Operation } from '../contract/operation.ts';
import type { Snapshot } from '../contract/snapshot.ts';
import type { ObjectName } from '../contract/vm-object.ts';
import { startRenaming } from './renaming.ts';

/** For each object of one kernel, what another calls it: objects correspond that lie at the same place of a map. */
export function namesElsewhere(here: Snapshot, there: Snapshot): ReadonlyMap<ObjectName, ObjectName> {
  const names = startRenaming();
  const others = new Map(there.maps.map((map) => [map.name, map.entries]));
  for (const { name, entries } of here.maps)
    for (const { start, backing } of entries) {
      const other = others.get(name)?.find((entry) => entry.start <= start && start < entry.end);
      if (backing === null || !('object' in backing) || !other?.backing || !('object' in other.backing))
        continue;
      names.pair(backing.object, other.backing.object);
    }
  return new Map(here.objects.map((object) => [object.name, names.actualOf(object.name)]));
}

/** The frame in which `there` keeps what `here` keeps in a frame; for a free one some free one. */
function frameElsewhere(frame: number, here: Snapshot, there: Snapshot): number {
  for (const { name, pages } of here.objects) {
    const page = pages.find((each) => each.frame === frame);
    if (page === undefined) continue;
    const other = namesElsewhere(here, there).get(name);
    const twin = there.objects.find((object) => object.name === other);
    return twin?.pages.find(({ offset }) => offset === page.offset)?.frame ?? frame;
  }
  const { free } = there.queues;
  return free.some((each) => each === frame) ? frame : (free[0] ?? frame);
}

/** Names of the fields of an operation that name frames. */
const frameFields = (operation: Operation): string[] =>
  Object.entries(OPERATION_FIELDS[operation.kind]).flatMap(([field, meaning]) =>
    meaning === 'frame' ? [field] : [],
  );

/** Two kernels that run side by side. */
export class FrameTies {
  #base: KernelMemory | null = null;

  /** The base, whose machines are booted first. */
  base(module: KernelModule): KernelModule {
    return {
      declares: module.declares,
      boot: (machine) => {
        this.#base = module.boot(machine);
        return this.#base;
      },
    };
  }

  /** The working kernel, which is told of its own frames. */
  working(module: KernelModule): KernelModule {
    return {
      declares: module.declares,
      boot: (machine) => {
        const [base, working] = [this.#base, module.boot(machine)];
        if (base?.snapshot === undefined || working.snapshot === undefined) return working;
        const { apply } = working;
        return {
          ...working,
          apply: (operation, number) => apply(this.#translated(operation, machine, [base, working]), number),
        };
      },
    };
  }

  #translated(
    operation: Operation,
    { managedPages, scratchPages }: MachineConfig,
    [base, working]: readonly [KernelMemory, KernelMemory],
  ): Operation {
    const named = frameFields(operation).flatMap((field): [string, number][] => {
      const value: unknown = new Map(Object.entries(operation)).get(field);
      const free = typeof value === 'number' && value >= scratchPages && value < managedPages;
      return free ? [[field, value]] : [];
    });
    if (named.length === 0) return operation;
    const here = base.snapshot?.({ contents: false });
    const there = working.snapshot?.({ contents: false });
    if (here === undefined || there === undefined) return operation;
    const frames = named.map(([field, frame]) => [field, frameElsewhere(frame, here, there)]);
    return { ...operation, ...Object.fromEntries(frames) };
  }
}
