/** What is judged: RAM with page tables in it, and what the reference says that those tables mean. */
import { type FrameNumber, PAGE_SIZE, PDE_SPAN } from '../contract/address.ts';
import { InputError } from '../contract/input-error.ts';
import { kernelSlots, type MachineConfig, recursiveSlot } from '../contract/machine.ts';
import {
  KERNEL_PMAP,
  type MappingSnapshot,
  type MemoryImage,
  type PageTableSnapshot,
  PG_A,
  PG_D,
  PG_N,
  PG_P,
  PG_RW,
  PG_U,
  PG_W,
  type PmapName,
  pteObjectOf,
} from '../contract/pmap.ts';
import type { Snapshot } from '../contract/snapshot.ts';

/** Physical frames by which a CPU is told where the tables begin: what CR3 is loaded with, and where frame 0 lies. */
export interface Registers {
  readonly firstManagedFrame: number;
  /** Directory of each address space, the kernel's first. */
  readonly directories: readonly { readonly pmap: PmapName; readonly frame: number }[];
}

/** One state of a kernel. */
export interface JudgedState {
  readonly machine: MachineConfig;
  readonly image: MemoryImage;
  readonly registers: Registers;
  /** Of the reference model: nothing else says what is mapped. */
  readonly reference: Pick<Snapshot, 'mappings' | 'spaces' | 'objects'>;
}

/** The registers that go with raw page tables. */
export const registersOf = ({ firstManagedFrame, directoryFrame, spaces }: PageTableSnapshot): Registers => ({
  firstManagedFrame,
  directories: [
    { pmap: KERNEL_PMAP, frame: directoryFrame },
    ...spaces.map(({ pmap, directoryFrame: frame }) => ({ pmap, frame })),
  ],
});

/** A mapping as a CPU finds it; its A and D bits change as the CPU uses it. */
export interface FlatPage {
  readonly frame: FrameNumber;
  readonly writable: boolean;
  readonly user: boolean;
  /** Whether a frame lies behind the managed ones. */
  readonly device: boolean;
  readonly wired: boolean;
  accessed: boolean;
  dirty: boolean;
}

/** Everything that can be reached through one directory: the kernel's mappings and those of one user pmap. */
export interface FlatSpace {
  readonly name: PmapName;
  /** Physical frame of its directory. */
  readonly directory: number;
  /** By page address. */
  readonly pages: ReadonlyMap<number, FlatPage>;
  /** Frames of its own page tables by directory slot; the kernel has none of these. */
  readonly tables: ReadonlyMap<number, FrameNumber>;
}

const flatPage = (mapping: MappingSnapshot, user: boolean, { managedPages }: MachineConfig): FlatPage => ({
  frame: mapping.frame,
  writable: mapping.writable,
  user,
  device: mapping.frame >= managedPages,
  wired: mapping.wired,
  accessed: mapping.accessed,
  dirty: mapping.dirty,
});

/** The address spaces as the reference has them. Kernel pages are the same objects in all of them. */
export function flatSpaces({ machine, registers, reference }: JudgedState): FlatSpace[] {
  const { mappings, spaces, objects } = reference;
  const kernel = mappings.map((mapping): [number, FlatPage] => [
    mapping.address,
    flatPage(mapping, false, machine),
  ]);
  return registers.directories.map(({ pmap, frame }) => {
    const own = spaces.pmaps.find(({ name }) => name === pmap)?.mappings ?? [];
    const held = objects.find(({ name }) => name === pteObjectOf(pmap))?.pages ?? [];
    return {
      name: pmap,
      directory: frame,
      pages: new Map([
        ...kernel,
        ...own.map((mapping): [number, FlatPage] => [mapping.address, flatPage(mapping, true, machine)]),
      ]),
      tables: new Map(held.map((page) => [page.offset / PAGE_SIZE, page.frame])),
    };
  });
}

/** The page-table word that a mapping stands for (PMAP-ENTER-6). */
export const wordOf = (page: FlatPage, firstManagedFrame: number): number =>
  ((firstManagedFrame + page.frame) * PAGE_SIZE +
    PG_P +
    (page.writable ? PG_RW : 0) +
    (page.user ? PG_U : 0) +
    (page.accessed ? PG_A : 0) +
    (page.dirty ? PG_D : 0) +
    (page.wired ? PG_W : 0) +
    (page.device ? PG_N : 0)) >>>
  0;

/** Whether a directory slot leads to a page table: all of the kernel's, and those that a user pmap has pages for. */
export function hasTable(space: FlatSpace, slot: number, machine: MachineConfig): boolean {
  const { first, end } = kernelSlots(machine);
  return (slot >= first && slot < end) || slot === recursiveSlot(machine) || space.tables.has(slot);
}

/** Directory slots that no space has a use for, from `least` up to `end`. */
export function freeSlots(state: JudgedState, spaces: readonly FlatSpace[], least: number, end: number) {
  const used = new Set(
    spaces.flatMap(({ pages }) => [...pages.keys()].map((at) => Math.floor(at / PDE_SPAN))),
  );
  const free: number[] = [];
  for (let slot = least; slot < end; slot++)
    if (!used.has(slot) && spaces.every((space) => !hasTable(space, slot, state.machine))) free.push(slot);
  return free;
}

/** Throws InputError where the image cannot be the RAM of the machine. `label` names the kernel. */
export function checkImage({ machine, image, registers }: JudgedState, label: string): void {
  const { firstFrame, bytes } = image;
  const fault = (what: string): InputError =>
    new InputError(`${label}: memoryImage(): ${what}; return { firstFrame, bytes } with all of the RAM`);
  if (bytes.length === 0 || bytes.length % PAGE_SIZE !== 0)
    throw fault(`${bytes.length} bytes are not whole frames of ${PAGE_SIZE}`);
  if (!Number.isInteger(firstFrame) || firstFrame < 0) throw fault(`firstFrame ${firstFrame} is no frame`);
  const end = firstFrame + bytes.length / PAGE_SIZE;
  const needed = registers.firstManagedFrame + machine.managedPages + machine.deviceFrames;
  if (end < needed) throw fault(`it ends at physical frame ${end}, but the last frame is ${needed - 1}`);
  for (const { pmap, frame } of registers.directories)
    if (frame < firstFrame || frame >= end)
      throw fault(`the directory of ${pmap} is physical frame ${frame}, outside of it`);
}
