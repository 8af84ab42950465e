/**
 * The CPU's view of memory: a two-level walk through the page tables in RAM, as the 386 does it (SPEC §10).
 * Supervisor mode only: R/W and U/S bits stop nothing (CPU-2, Q-13). There is no TLB, so nothing can be stale.
 */
import { PAGE_SIZE, truncPage, type VirtualAddress } from '../contract/address.ts';
import { PG_A, PG_D, PG_P } from '../contract/pmap.ts';
import type { Kernel } from './kernel.ts';
import { PAGE_SHIFT, SLOT_MASK, SLOT_SHIFT } from './page-tables.ts';
import type { PhysicalAddress } from './physical-memory.ts';

/** Where `va` lies in RAM, or undefined for a page fault (CPU-1). Sets A at both levels, and D on a write (CPU-3). */
export function translate(
  { memory, changes }: Kernel,
  va: VirtualAddress,
  access: 'read' | 'write',
): PhysicalAddress | undefined {
  const pdeIndex = memory.wordsOf(memory.directory) + (va >>> SLOT_SHIFT);
  const pde = memory.word(pdeIndex);
  if ((pde & PG_P) === 0) return undefined;
  const pteIndex = memory.wordsOf(pde >>> PAGE_SHIFT) + ((va >>> PAGE_SHIFT) & SLOT_MASK);
  const pte = memory.word(pteIndex);
  if ((pte & PG_P) === 0) return undefined;
  memory.setWord(pdeIndex, pde | PG_A);
  const touched = pte | (access === 'write' ? PG_A | PG_D : PG_A);
  if (touched !== pte) {
    memory.setWord(pteIndex, touched);
    changes.mapping(truncPage(va));
  }
  return (memory.wordsOf(pte >>> PAGE_SHIFT) * 4 + (va & (PAGE_SIZE - 1))) as PhysicalAddress;
}
