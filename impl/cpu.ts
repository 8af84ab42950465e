/**
 * The CPU's view of memory: the TLB, and behind it a two-level walk through the page tables in RAM, as the 386 does it
 * (SPEC §10). Only a translation that succeeds leaves anything behind: a cached entry, A and D bits.
 */
import { PAGE_SIZE, truncPage, type VirtualAddress } from '../contract/address.ts';
import { PG_A, PG_D, PG_P, PG_RW, PG_U } from '../contract/pmap.ts';
import { PART } from './change-log.ts';
import type { Kernel } from './kernel.ts';
import { PAGE_SHIFT, SLOT_MASK, SLOT_SHIFT } from './page-tables.ts';
import type { PhysicalAddress, PhysicalFrame } from './physical-memory.ts';
import { TLB_MISS } from './tlb.ts';

export type Access = 'read' | 'write';

/** Whose access it is: the bits that both levels must have set. */
export interface Rights {
  readonly read: number;
  readonly write: number;
}

/** R/W and U/S stop nothing (CPU-2, Q-13). */
export const SUPERVISOR: Rights = { read: PG_P, write: PG_P };
export const USER: Rights = { read: PG_P | PG_U, write: PG_P | PG_U | PG_RW };
/** The kernel where it minds R/W: checked accesses (TRACES §4). */
export const CHECKED: Rights = { read: PG_P, write: PG_P | PG_RW };

/** Of a translation: there is no mapping, or it does not grant the access. */
export const PAGE_FAULT = -1 as PhysicalAddress;
/** Of a translation: a write that would reach a directory or page table of a user pmap (PMAP-PINIT-1). */
export const TABLE_FRAME = -2 as PhysicalAddress;

/** Where `va` lies in RAM; or PAGE_FAULT or TABLE_FRAME, and then nothing has changed (CPU-1 to 4). */
export function translate(
  kernel: Kernel,
  va: VirtualAddress,
  access: Access,
  rights: Rights,
): PhysicalAddress {
  const { tlb, memory } = kernel;
  const place = tlb.find(va);
  if (place === TLB_MISS) return walk(kernel, va, access, rights);
  const needed = access === 'write' ? rights.write | PG_D : rights.read;
  if ((tlb.bitsAt(place) & needed) !== needed) return walk(kernel, va, access, rights);
  const frame = tlb.frameAt(place);
  if (access === 'write' && isTable(kernel, frame)) return TABLE_FRAME;
  return (memory.wordsOf(frame) * 4 + (va & (PAGE_SIZE - 1))) as PhysicalAddress;
}

/** Does the current directory lead to a page at `va`, whoever may use it? Sets no bits. */
export function isMapped({ tlb, memory }: Kernel, va: VirtualAddress): boolean {
  const pde = memory.word(tlb.directoryBase + (va >>> SLOT_SHIFT));
  if ((pde & PG_P) === 0) return false;
  return (memory.word(memory.wordsOf(pde >>> PAGE_SHIFT) + ((va >>> PAGE_SHIFT) & SLOT_MASK)) & PG_P) !== 0;
}

/** Sets A at both levels, and D on a write (CPU-3), and caches what it found. */
function walk(kernel: Kernel, va: VirtualAddress, access: Access, rights: Rights): PhysicalAddress {
  const { tlb, memory } = kernel;
  const pdeIndex = tlb.directoryBase + (va >>> SLOT_SHIFT);
  const pde = memory.word(pdeIndex);
  if ((pde & PG_P) === 0) return PAGE_FAULT;
  const pteIndex = memory.wordsOf(pde >>> PAGE_SHIFT) + ((va >>> PAGE_SHIFT) & SLOT_MASK);
  const pte = memory.word(pteIndex);
  const granted = pde & pte & (PG_P | PG_RW | PG_U);
  const needed = rights[access];
  if ((granted & needed) !== needed) return PAGE_FAULT;
  const frame = pte >>> PAGE_SHIFT;
  if (access === 'write' && isTable(kernel, frame)) return TABLE_FRAME;
  memory.setWord(pdeIndex, pde | PG_A);
  const touched = pte | (access === 'write' ? PG_A | PG_D : PG_A);
  if (touched !== pte) {
    memory.setWord(pteIndex, touched);
    markMapping(kernel, va);
  }
  tlb.insert(va, frame, granted | (touched & PG_D));
  return (memory.wordsOf(frame) * 4 + (va & (PAGE_SIZE - 1))) as PhysicalAddress;
}

/** Would a write of the supervisor at `va` reach a directory or page table? Sets no bits; open to users is none. */
export function reachesTable(kernel: Kernel, va: VirtualAddress): boolean {
  const { tlb, memory } = kernel;
  const pde = memory.word(tlb.directoryBase + (va >>> SLOT_SHIFT));
  if ((pde & PG_P) === 0) return false;
  const pte = memory.word(memory.wordsOf(pde >>> PAGE_SHIFT) + ((va >>> PAGE_SHIFT) & SLOT_MASK));
  return (pte & PG_P) !== 0 && isTable(kernel, pte >>> PAGE_SHIFT);
}

function isTable({ spaces, memory }: Kernel, frame: number): boolean {
  return spaces.isTable(memory.frameAt(frame as PhysicalFrame));
}

function markMapping({ tables, changes }: Kernel, va: VirtualAddress): void {
  if (tables.covers(va)) changes.mapping(truncPage(va));
  else changes.part(PART.spaces);
}
