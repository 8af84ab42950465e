/** Faults and memory accesses (SPEC §7, §10; TRACES §4). */
import type { VirtualAddress } from './address.ts';
import type { VmProt } from './protection.ts';
import type { MapName } from './vm-map.ts';

/** vm_fault(map, trunc(address), protection, no wiring change). Outcome kern 0, 1 INVALID_ADDRESS, 2 PROTECTION_FAILURE; sleeps on `pages`. */
export interface VmFault {
  readonly kind: 'vm_fault';
  readonly map: MapName;
  readonly address: VirtualAddress;
  readonly protection: VmProt;
}

/**
 * A checked read of one byte: uses the mapping if it grants READ, else faults in `map` and retries, at most 3 faults.
 * Outcome bytes, or kern with the fault's code, 100 after three useless faults; sleeps on `pages`.
 */
export interface CheckedRead {
  readonly kind: 'checked_read';
  readonly map: MapName;
  readonly address: VirtualAddress;
}

/** A checked write of one byte: as checked_read, needing READ and WRITE. Outcome kern 0 or the fault's code or 100. */
export interface CheckedWrite {
  readonly kind: 'checked_write';
  readonly map: MapName;
  readonly address: VirtualAddress;
  /** 0 … 255. */
  readonly byte: number;
}

/** What the code runs as. Absent: the supervisor, the kernel itself. */
export type CpuMode = 'user';

/**
 * A read through the current pmap (CPU-1 to 3, CPU-7, FAULT-TRAP-1), each page translated as it is reached. Outcome bytes, or trap.
 *
 * The supervisor reaches every mapped page, of the current user pmap and of the kernel. From kernelMin on a missing mapping
 * is faulted in, in the kernel map (sleeps on `pages`); below there is no map: trap INVALID_ADDRESS.
 * User mode reaches the mappings of the current user pmap, those that are writable for a write. Nothing is faulted in: trap
 * PROTECTION_FAILURE where there is a mapping, of the user or the kernel pmap, that does not permit it, INVALID_ADDRESS where
 * there is none. The recursive window is never mapped for it:
 * PRE (rejected): 1 ≤ length ≤ 16 and address + length ≤ 2^32 (CPU-7), then no byte inside the recursive slot's 4 MiB (PMAP-REC-1).
 */
export interface CpuRead {
  readonly kind: 'cpu_read';
  readonly mode?: CpuMode;
  readonly address: VirtualAddress;
  /** Bytes, 1 … 16. */
  readonly length: number;
}

/** A write through the current pmap, the supervisor ignoring R/W; bytes before a trapping page stay written (CPU-7). Outcome done, or trap. PRE as cpu_read. */
export interface CpuWrite {
  readonly kind: 'cpu_write';
  readonly mode?: CpuMode;
  readonly address: VirtualAddress;
  /** 1 … 16 values of 0 … 255, lowest address first. */
  readonly bytes: readonly number[];
}

export type VmFaultOperation = VmFault | CheckedRead | CheckedWrite | CpuRead | CpuWrite;
