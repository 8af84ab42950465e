/**
 * Memory accesses as operations: checked ones (TRACES §4) and the CPU's own with its trap handler (SPEC §10, FAULT-TRAP-1).
 *
 * Fast because an access that needs no fault never builds a generator.
 */
import { advance, PAGE_SIZE, truncPage, unwrappedEnd, type VirtualAddress } from '../contract/address.ts';
import {
  KERN_INVALID_ADDRESS,
  KERN_PROTECTION_FAILURE,
  KERN_SUCCESS,
  kern,
  type Outcome,
  rejected,
  USELESS_FAULTS,
} from '../contract/outcome.ts';
import { VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import type { CpuMode } from '../contract/vm-fault.ts';
import {
  type Access,
  CHECKED,
  isMapped,
  PAGE_FAULT,
  reachesTable,
  SUPERVISOR,
  TABLE_FRAME,
  translate,
  USER,
} from './cpu.ts';
import type { Kernel } from './kernel.ts';
import type { PhysicalAddress } from './physical-memory.ts';
import type { Continuation } from './sched.ts';
import { vmFault } from './vm-fault.ts';
import type { VmMap } from './vm-map.ts';

/** Faults that a checked access tries before it gives up. */
const MOST_FAULTS = 3;
const READ_WRITE = VM_PROT_READ | VM_PROT_WRITE;
/** The answer to a write that would change a directory or a page table. */
const WRITES_TABLE = rejected('PMAP-PINIT-1');

/** A checked read of the byte at `va`; the map is used only for faults. */
export function checkedRead(kernel: Kernel, map: VmMap, va: VirtualAddress): Outcome | Continuation {
  return checked(kernel, map, { va, access: 'read' }, (at) => ({
    kind: 'bytes',
    bytes: [kernel.memory.byte(at)],
  }));
}

/** A checked write of one byte at `va`; needs READ and WRITE. */
export function checkedWrite(
  kernel: Kernel,
  map: VmMap,
  va: VirtualAddress,
  byte: number,
): Outcome | Continuation {
  return checked(kernel, map, { va, access: 'write' }, (at) => {
    kernel.memory.setByte(at, byte);
    return kern(KERN_SUCCESS);
  });
}

interface ByteAccess {
  readonly va: VirtualAddress;
  readonly access: Access;
}

function checked(
  kernel: Kernel,
  map: VmMap,
  wanted: ByteAccess,
  act: (at: PhysicalAddress) => Outcome,
): Outcome | Continuation {
  const at = translateChecked(kernel, wanted);
  if (at === PAGE_FAULT) return checkedAfterFaults(kernel, map, wanted, act);
  return at === TABLE_FRAME ? WRITES_TABLE : act(at);
}

/** As the CPU translates, but only where a mapping of the kernel grants the right. */
function translateChecked(kernel: Kernel, { va, access }: ByteAccess): PhysicalAddress {
  return kernel.tables.covers(va) ? translate(kernel, va, access, CHECKED) : PAGE_FAULT;
}

function* checkedAfterFaults(
  kernel: Kernel,
  map: VmMap,
  wanted: ByteAccess,
  act: (at: PhysicalAddress) => Outcome,
): Continuation {
  const type = wanted.access === 'read' ? VM_PROT_READ : READ_WRITE;
  for (let faults = 0; faults < MOST_FAULTS; faults++) {
    const code = yield* vmFault(kernel, map, truncPage(wanted.va), type);
    if (code !== KERN_SUCCESS) return kern(code);
    const at = translateChecked(kernel, wanted);
    if (at === TABLE_FRAME) return WRITES_TABLE;
    if (at !== PAGE_FAULT) return act(at);
  }
  return kern(USELESS_FAULTS);
}

/** What a CPU access reaches, and as what it runs: absent for the supervisor. */
export interface CpuAccess {
  readonly address: VirtualAddress;
  readonly mode: CpuMode | undefined;
}

/**
 * A read of `length` bytes through the current pmap (CPU-7): the supervisor faults in what the kernel map has at a page
 * that is not mapped, user mode traps. Outcome bytes, or trap.
 */
export function* cpuRead(kernel: Kernel, { address, mode }: CpuAccess, length: number): Continuation {
  const bytes: number[] = [];
  const failure = yield* eachByte(kernel, { address, mode, length, access: 'read' }, (at) => {
    bytes.push(kernel.memory.byte(at));
  });
  return failure ?? { kind: 'bytes', bytes };
}

/**
 * A write through the current pmap; bytes below a page that traps stay written (CPU-7). Outcome done, trap, or rejected
 * where it would reach a page table or directory of a user pmap.
 */
export function* cpuWrite(
  kernel: Kernel,
  { address, mode }: CpuAccess,
  bytes: readonly number[],
): Continuation {
  let next = 0;
  const length = bytes.length;
  const last = advance(address, length - 1);
  // What is refused changes nothing (CONV-4), the bytes on the first page neither.
  if (truncPage(last) !== truncPage(address) && mode !== 'user' && reachesTable(kernel, last))
    return WRITES_TABLE;
  const failure = yield* eachByte(kernel, { address, mode, length, access: 'write' }, (at) => {
    kernel.memory.setByte(at, bytes[next++] ?? 0);
  });
  return failure ?? { kind: 'done' };
}

/** Visits the RAM behind a range byte by byte, translating each page when it is reached. Returns what stopped it, if anything. */
function* eachByte(
  kernel: Kernel,
  { address, mode, length, access }: CpuAccess & { length: number; access: Access },
  visit: (at: PhysicalAddress) => void,
): Continuation<Outcome | undefined> {
  const end = unwrappedEnd(address, length);
  const rights = mode === 'user' ? USER : SUPERVISOR;
  let va: number = address;
  while (va < end) {
    const from = va as VirtualAddress;
    const pageEnd = Math.min(end, unwrappedEnd(truncPage(from), PAGE_SIZE));
    const at = translate(kernel, from, access, rights);
    if (at === TABLE_FRAME) return WRITES_TABLE;
    if (at === PAGE_FAULT) {
      const code = mode === 'user' ? userTrap(kernel, from) : yield* handleTrap(kernel, from, access);
      if (code !== KERN_SUCCESS) return { kind: 'trap', code, address: from };
      continue;
    }
    for (let i = 0; va < pageEnd; i++, va++) visit((at + i) as PhysicalAddress);
  }
  return undefined;
}

/** No user map is there to fault in: the code only tells a mapping that refuses from none. */
function userTrap(kernel: Kernel, va: VirtualAddress): number {
  return isMapped(kernel, va) ? KERN_PROTECTION_FAILURE : KERN_INVALID_ADDRESS;
}

/** The trap handler: below the kernel map there is no map to fault in (FAULT-TRAP-1). */
function* handleTrap(kernel: Kernel, va: VirtualAddress, access: Access): Continuation<number> {
  if (va < kernel.config.kernelMin) return KERN_INVALID_ADDRESS;
  return yield* vmFault(
    kernel,
    kernel.kernelMap,
    truncPage(va),
    access === 'read' ? VM_PROT_READ : READ_WRITE,
  );
}
