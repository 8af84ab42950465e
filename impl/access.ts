/**
 * Memory accesses as operations: checked ones (TRACES §4) and the CPU's own with its trap handler (SPEC §10, FAULT-TRAP-1).
 *
 * Fast because an access that needs no fault never builds a generator.
 */
import { PAGE_SIZE, truncPage, unwrappedEnd, type VirtualAddress } from '../contract/address.ts';
import {
  KERN_INVALID_ADDRESS,
  KERN_SUCCESS,
  kern,
  type Outcome,
  USELESS_FAULTS,
} from '../contract/outcome.ts';
import { PG_P, PG_RW } from '../contract/pmap.ts';
import { VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import { translate } from './cpu.ts';
import type { Kernel } from './kernel.ts';
import type { PhysicalAddress } from './physical-memory.ts';
import type { Continuation } from './sched.ts';
import { vmFault } from './vm-fault.ts';
import type { VmMap } from './vm-map.ts';

/** Faults that a checked access tries before it gives up. */
const MOST_FAULTS = 3;
const READ_WRITE = VM_PROT_READ | VM_PROT_WRITE;

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

interface Access {
  readonly va: VirtualAddress;
  readonly access: 'read' | 'write';
}

function checked(
  kernel: Kernel,
  map: VmMap,
  wanted: Access,
  act: (at: PhysicalAddress) => Outcome,
): Outcome | Continuation {
  const at = translateChecked(kernel, wanted);
  return at === undefined ? checkedAfterFaults(kernel, map, wanted, act) : act(at);
}

/** As the CPU translates, but only where the mapping grants the right. */
function translateChecked(kernel: Kernel, { va, access }: Access): PhysicalAddress | undefined {
  const bits = access === 'read' ? PG_P : PG_P | PG_RW;
  return (kernel.tables.pte(va) & bits) === bits ? translate(kernel, va, access) : undefined;
}

function* checkedAfterFaults(
  kernel: Kernel,
  map: VmMap,
  wanted: Access,
  act: (at: PhysicalAddress) => Outcome,
): Continuation {
  const type = wanted.access === 'read' ? VM_PROT_READ : READ_WRITE;
  for (let faults = 0; faults < MOST_FAULTS; faults++) {
    const code = yield* vmFault(kernel, map, truncPage(wanted.va), type);
    if (code !== KERN_SUCCESS) return kern(code);
    const at = translateChecked(kernel, wanted);
    if (at !== undefined) return act(at);
  }
  return kern(USELESS_FAULTS);
}

/** A supervisor read of `length` bytes; a page that is not mapped is faulted in (CPU-7). Outcome bytes, or trap. */
export function* cpuRead(kernel: Kernel, address: VirtualAddress, length: number): Continuation {
  const bytes: number[] = [];
  const trap = yield* eachByte(kernel, { address, length, access: 'read' }, (at) => {
    bytes.push(kernel.memory.byte(at));
  });
  return trap ?? { kind: 'bytes', bytes };
}

/** A supervisor write; bytes below a page that traps stay written (CPU-7). Outcome done, or trap. */
export function* cpuWrite(kernel: Kernel, address: VirtualAddress, bytes: readonly number[]): Continuation {
  let next = 0;
  const trap = yield* eachByte(kernel, { address, length: bytes.length, access: 'write' }, (at) => {
    kernel.memory.setByte(at, bytes[next++] ?? 0);
  });
  return trap ?? { kind: 'done' };
}

/** Visits the RAM behind a range byte by byte, translating each page when it is reached. Returns the trap, if any. */
function* eachByte(
  kernel: Kernel,
  { address, length, access }: { address: VirtualAddress; length: number; access: 'read' | 'write' },
  visit: (at: PhysicalAddress) => void,
): Continuation<Outcome | undefined> {
  const end = unwrappedEnd(address, length);
  let va: number = address;
  while (va < end) {
    const from = va as VirtualAddress;
    const pageEnd = Math.min(end, unwrappedEnd(truncPage(from), PAGE_SIZE));
    const at = translate(kernel, from, access);
    if (at === undefined) {
      const code = yield* handleTrap(kernel, from, access);
      if (code !== KERN_SUCCESS) return { kind: 'trap', code, address: from };
      continue;
    }
    for (let i = 0; va < pageEnd; i++, va++) visit((at + i) as PhysicalAddress);
  }
  return undefined;
}

/** The trap handler: below the kernel map there is no map to fault in (FAULT-TRAP-1). */
function* handleTrap(kernel: Kernel, va: VirtualAddress, access: 'read' | 'write'): Continuation<number> {
  if (va < kernel.config.kernelMin) return KERN_INVALID_ADDRESS;
  return yield* vmFault(
    kernel,
    kernel.kernelMap,
    truncPage(va),
    access === 'read' ? VM_PROT_READ : READ_WRITE,
  );
}
