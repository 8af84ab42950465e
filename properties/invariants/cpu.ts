/** Claims about what the CPU sees: memory keeps its bytes, new memory is zero, wired memory never traps. */
import { PAGE_SIZE } from '../../contract/address.ts';
import { permits, VM_PROT_READ, VM_PROT_WRITE, type VmProt } from '../../contract/protection.ts';
import type { Invariant } from '../invariant.ts';
import { Memories } from '../memories.ts';
import type { View } from '../view.ts';
import { inScratchWindow, inTransition, leavesAt, pageAddresses, pageAt } from './pages-lookup.ts';
import { hex } from './phrase.ts';
import type { Range } from './ranges.ts';
import { type Mismatch, SHADOWED, ShadowMemory } from './shadow-memory.ts';
import { accessed, LostMappings, rangeHandedOut } from './wiring-history.ts';

const phrase = ({ address, expected, actual }: Mismatch): string =>
  `${hex(address)} reads ${hex(actual)}, expected ${hex(expected)}`;

const isolation: Invariant = {
  id: 'INV-CPU-ISOLATION',
  claim:
    'A byte written to an allocation is read back until it is overwritten or its memory is freed, whatever happens elsewhere.',
  source: 'vm_fault.c, vm_kern.c, pmap.c; CPU-7, DEV-5, DEV-11, DEV-12, DEV-33',
  scope: 'R',
  cost: 't',
  // A detached submap shares addresses with its parent (MAP-DEL-1).
  exemptWhenAliased: true,
  shows: ['outcomes', 'maps', 'pmap'],
  looksAt: ['map'],
  judges: SHADOWED,
  watch: (memories = new Memories()) => {
    const told = memories.of(ShadowMemory);
    const memory = told.memory;
    return {
      observe: (view) => told.observe(view),
      violations: () => memory.mismatches.filter(({ fresh }) => !fresh).map(phrase),
    };
  },
};

const zero: Invariant = {
  id: 'INV-PAGE-ZERO',
  claim:
    'Memory from kmem_alloc, kmem_malloc(canwait) and first touches of null or fresh objects holds zeroes until it is written.',
  source: 'vm_kern.c: kmem_alloc; vm_fault.c: vm_fault; KM-ALLOC-5, KM-MALLOC-4, FAULT-7, Q-26, DEV-33',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: true,
  shows: ['outcomes', 'maps', 'pages', 'pmap'],
  looksAt: ['map'],
  judges: SHADOWED,
  watch: (memories = new Memories()) => {
    const told = memories.of(ShadowMemory);
    const memory = told.memory;
    return {
      observe: (view) => told.observe(view),
      violations: (view) =>
        memory.mismatches.length > 0
          ? memory.mismatches.filter(({ fresh }) => fresh).map(phrase)
          : dirtyAllocation(view, memory),
    };
  },
};

function dirtyAllocation(view: View, memory: ShadowMemory): Iterable<string> {
  const range = rangeHandedOut(view);
  return range === null || !carriesContents(view) ? [] : dirtyPages(view, range, memory);
}

/** Whether the view shows the contents of pages: of all but those that hold page tables, or of none. */
function carriesContents({ objects }: View): boolean {
  for (const { pages } of objects.values())
    if (pages.some(({ contents }) => contents !== undefined)) return true;
  return false;
}

/** Pages of the range just returned that do not hold zeroes. */
function* dirtyPages(view: View, range: Range, memory: ShadowMemory): Generator<string> {
  for (const va of pageAddresses(range.start, range.end)) {
    const contents = leavesAt(view, va).map(({ entry }) => pageAt(view, entry, va)?.contents)[0];
    if (contents === undefined) return;
    if (contents !== 0 && memory.isZero(va))
      yield `the new page at ${hex(va)} in map ${range.map} holds ${contents}`;
  }
}

const wiredNeverTraps: Invariant = {
  id: 'INV-CPU-WIREDNOFAULT',
  claim:
    'A CPU access to wired, readable memory neither traps nor sleeps, unless READ was once taken away from it, or a write slept in a fault before its memory was wired read-only.',
  source: 'vm_map.c: vm_map_pageable; trap.c: trap_pfault; CPU-2, FAULT-TRAP-1, MAP-PROT-5, DEV-16, DEV-18',
  scope: 'A',
  cost: 't',
  // Freeing an alias takes pages away from under a wired entry.
  exemptWhenAliased: true,
  shows: ['outcomes', 'maps', 'pmap'],
  looksAt: ['map', 'mapping'],
  judges: ['cpu_read', 'cpu_write'],
  watch: (memories = new Memories()) => {
    const told = memories.of(LostMappings);
    const lost = told.memory;
    return {
      observe: (view) => told.observe(view),
      violations: (view) =>
        view.step?.outcome.kind === 'trap' || view.step?.outcome.kind === 'sleep'
          ? brokenAccess(view, lost)
          : [],
    };
  },
};

function* brokenAccess(view: View, lost: LostMappings): Generator<string> {
  const { subject, step } = view;
  if (subject?.kind !== 'cpu_read' && subject?.kind !== 'cpu_write') return;
  // User code may not touch kernel addresses, wired or not (CPU-1).
  if (subject.mode === 'user') return;
  const range = accessed(subject);
  if (range === null) return;
  // A fault that goes on asks the entry (FAULT-2), where a new access would need no fault.
  const goesOn = view.operation?.kind === 'resume' && subject.kind === 'cpu_write';
  const rights = goesOn ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ;
  const isReadyAt = (va: number): boolean => isWiredAndReady(view, lost, va, rights);
  if (step?.outcome.kind === 'trap') {
    if (isReadyAt(step.outcome.address))
      yield `${hex(step.outcome.address)} is wired and readable, ${subject.kind} trapped with ${step.outcome.code}`;
  } else if (step?.outcome.kind === 'sleep')
    if (isReadyAt(range.first) && isReadyAt(range.last))
      yield `${hex(range.first)} is wired and readable, ${subject.kind} sleeps on ${step.outcome.event}`;
}

/** True where memory is wired, grants those rights and waits for nobody. */
function isWiredAndReady(view: View, lost: LostMappings, va: number, rights: VmProt): boolean {
  const page = va - (va % PAGE_SIZE);
  if (inScratchWindow(view.machine, page)) return false;
  return leavesAt(view, page).some(
    ({ map, entry }) =>
      entry.wiredCount > 0 &&
      permits(entry.protection, rights) &&
      !inTransition(view, map.name, page) &&
      !lost.has(map.name, page),
  );
}

/** Section TLB and CPU of INVARIANTS.md as far as it needs no TLB, and INV-PAGE-ZERO. */
export const cpuInvariants: readonly Invariant[] = [isolation, zero, wiredNeverTraps];
