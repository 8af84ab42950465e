/** The form of an example: a short program, what is looked at afterwards, and what is seen there now and in 1994. */
import { address, bytes, PAGE_SIZE, type VirtualAddress } from '../../contract/address.ts';
import type { KernelModule, ObservableKernel } from '../../contract/kernel-memory.ts';
import { type MachineConfig, TRACE_KMEM_OBJECT_SIZE } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';
import type { PageTableSnapshot } from '../../contract/pmap.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import type { EntrySnapshot, MapName } from '../../contract/vm-map.ts';
import type { ObjectSnapshot } from '../../contract/vm-object.ts';
import * as report from '../../report/values.ts';

/** What a kernel has come to at the end of a program. */
export interface Run {
  /** What each operation answered, as reports print it; shorter than the program where the kernel threw. */
  readonly answers: readonly string[];
  /** Text of the exception that the kernel threw, if it did. */
  readonly threw: string | null;
  readonly state: Snapshot;
  /** Words of the page tables; null where the kernel keeps none. */
  readonly tables: PageTableSnapshot | null;
}

/** One deviation by example. */
export interface Example {
  /** IDs in docs/deviations.md. */
  readonly dev: readonly string[];
  /** What 1994 does, as a claim; where it can only be imitated, how. */
  readonly symptomIs: string;
  /** Left out: MACHINE. */
  readonly machine?: MachineConfig;
  readonly operations: readonly Operation[];
  /** What is looked at. */
  readonly look: (run: Run) => unknown;
  /** What must be seen there on both kernels. */
  readonly contract: unknown;
  /** Name of the faulty kernel that restores 1994. */
  readonly fault: string;
  /** What is seen there on the faulty kernel. */
  readonly symptom: unknown;
}

const BASE = 0xfe00_0000;

/** Address of the nth page of the kernel map. */
export const at = (page: number): VirtualAddress => address(BASE + page * PAGE_SIZE);

/** Eight frames, 64 pages of kernel map, no boot entry: the first allocation lies at at(0). */
export const MACHINE: MachineConfig = {
  managedPages: 8,
  deviceFrames: 0,
  kernelMin: at(0),
  kernelStart: at(0),
  kernelMax: at(64),
  mapEntries: 40,
  staticMaps: 10,
  kmemObjectSize: bytes(TRACE_KMEM_OBJECT_SIZE),
  freeMin: 0,
  freeTarget: 0,
  inactiveTarget: 0,
  reserved: [],
  scratchPages: 0,
  scratchWindow: null,
};

/** With frames 0 and 1 for direct pmap operations, device frames 8 and 9, and pages 8 to 15 as their window. */
export const SCRATCH: MachineConfig = {
  ...MACHINE,
  deviceFrames: 2,
  kernelStart: at(16),
  scratchPages: 2,
  scratchWindow: { start: at(8), end: at(16) },
};

/** Runs a program on one kernel alone, to its end, its panic or its exception. */
export function runAlone(
  module: KernelModule,
  machine: MachineConfig,
  operations: readonly Operation[],
): Run {
  const kernel = module.boot(machine) as ObservableKernel;
  const answers: string[] = [];
  let threw: string | null = null;
  try {
    for (const [i, operation] of operations.entries())
      answers.push(report.outcome(kernel.apply(operation, i + 1).outcome));
  } catch (error) {
    threw = error instanceof Error ? error.message : String(error);
  }
  return {
    answers,
    threw,
    state: kernel.snapshot({ contents: true }),
    tables: kernel.pageTables?.() ?? null,
  };
}

/** The answer of the last operation. */
export const last = ({ answers }: Run): string | undefined => answers.at(-1);

export const entriesOf = ({ state }: Run, name: MapName): readonly EntrySnapshot[] =>
  state.maps.find((map) => map.name === name)?.entries ?? [];

/** The entries of a map in pages of the kernel map, as `0-2 wired 1`. */
export const layout = (run: Run, name: MapName): string[] =>
  entriesOf(run, name).map(
    ({ start, end, wiredCount }) =>
      `${(start - BASE) / PAGE_SIZE}-${(end - BASE) / PAGE_SIZE}${wiredCount > 0 ? ` wired ${wiredCount}` : ''}`,
  );

export const objectOf = ({ state }: Run, name: string): ObjectSnapshot | undefined =>
  state.objects.find((object) => object.name === name);

/** Wire count and queue of every page of an object. */
export const pagesOf = (run: Run, name: string): string[] =>
  (objectOf(run, name)?.pages ?? []).map(({ wireCount, queue }) => `wire count ${wireCount}, queue ${queue}`);
