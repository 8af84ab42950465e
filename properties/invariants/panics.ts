/** When the machine may stop, and when it must (SPEC §12). */

import { address, pdeSlot, truncPage, type VirtualAddress } from '../../contract/address.ts';
import { highestKernelAddress, kernelSlots, type MachineConfig } from '../../contract/machine.ts';
import type { Operation, OperationKind } from '../../contract/operation.ts';
import { PANIC } from '../../contract/outcome.ts';
import { KERNEL_PMAP, NULL_PMAP } from '../../contract/pmap.ts';
import { type Invariant, stateless } from '../invariant.ts';
import { PAGE_TAKERS } from '../page-takers.ts';
import type { View } from '../view.ts';
import { isFreeing, requestLength } from './ranges.ts';

const CLIPPING: readonly OperationKind[] = [
  'kmem_free',
  'kmem_free_wakeup',
  'pmap_destroy',
  'pmap_release',
  'kmem_suballoc',
  'vm_map_submap',
  'vm_map_protect',
  'vm_map_inherit',
  'vm_map_pageable',
  'vm_map_remove',
  'vm_map_delete',
];
const INSERTING: readonly OperationKind[] = [
  'kmem_alloc_pageable',
  'kmem_alloc',
  'kmem_malloc',
  'kmem_alloc_wait',
  'kmem_suballoc',
  'vm_map_insert',
  'vm_map_find',
  'pmap_create',
  'pmap_pinit',
];
/** An operation makes two entries at most, so one free entry is the most that can fail to be enough. */
const MOST_ENTRIES_LEFT = 1;

/** Why a panic with that text is wrong in the state before the operation; null: it is right. */
function objection(view: View, text: string): string | null {
  const { subject } = view;
  if (subject === null) return 'no operation was under way';
  switch (text) {
    case PANIC.mallocWrongMap:
      return isMallocOnWrongMap(subject) ? null : 'no kmem_malloc on a map other than kmem and mb';
    case PANIC.mallocMapTooSmall:
      return subject.kind === 'kmem_malloc' && subject.canWait ? null : 'no kmem_malloc that may wait';
    case PANIC.suballoc:
      return subject.kind === 'kmem_suballoc' ? suballocObjection(view) : 'no kmem_suballoc';
    case PANIC.suballocUnableToChange:
      return subject.kind === 'kmem_suballoc' ? null : 'no kmem_suballoc';
    case PANIC.outOfMaps:
      return mapPoolObjection(view);
    case PANIC.outOfMapEntries:
      return entryPoolObjection(view, subject);
    case PANIC.unwireNotInPmap:
      return unwireObjection(view, subject);
    case PANIC.enterTooBig:
    case PANIC.invalidPageDirectory:
      return [mappingPanic(view), ...mapPanics(view)].includes(text)
        ? null
        : 'no mapping entered at such an address';
    case PANIC.noPageTablePage:
      return subject.kind === 'pmap_enter' && view.before('counters').free === 0
        ? null
        : 'no page table is wanted, or frames are free';
    default:
      return 'no rule raises it';
  }
}

const isMallocOnWrongMap = (subject: Operation): boolean =>
  subject.kind === 'kmem_malloc' && subject.map !== 'kmem' && subject.map !== 'mb';

/** KM-SUB-1: one line is printed before the machine stops. */
function suballocObjection({ subject, step }: View): string | null {
  const nothing = subject?.kind === 'kmem_suballoc' && requestLength(subject.size) === null;
  const wanted = `kmem_suballoc: bad status return of ${nothing ? 1 : 3}.`;
  return step?.console?.length === 1 && step.console[0] === wanted
    ? null
    : `it should print "${wanted}" first`;
}

function mapPoolObjection(view: View): string | null {
  const { subject, maps, machine } = view;
  if (subject?.kind !== 'kmem_suballoc' && subject?.kind !== 'vm_map_create') return 'no map is created';
  if (maps.has('kmem')) return 'kmem_map exists, so map records come from the heap';
  return maps.size >= machine.staticMaps ? null : `${machine.staticMaps - maps.size} map records are free`;
}

function entryPoolObjection(view: View, subject: Operation): string | null {
  if (!CLIPPING.includes(subject.kind) && !INSERTING.includes(subject.kind)) return 'no entry is made';
  const { freeEntries } = view.before('pools');
  if (view.machine.mapEntries === null || freeEntries === null) return 'the entry pool is unlimited';
  const name = subject.kind === 'kmem_suballoc' ? subject.parent : 'map' in subject ? subject.map : null;
  if (name !== null && view.maps.get(name)?.pageable === true)
    return `entries of map ${name} come from the heap`;
  return freeEntries <= MOST_ENTRIES_LEFT ? null : `${freeEntries} entries are free`;
}

/** A wired page can only be missing where addresses or objects are aliased (FAULT-UNW-1, Q-24). */
function unwireObjection({ aliased }: View, subject: Operation): string | null {
  const unwires =
    isFreeing(subject) || subject.kind === 'vm_map_pageable' || subject.kind === 'vm_map_deallocate';
  if (!unwires) return 'nothing is unwired';
  return aliased ? null : 'every wired page is resident';
}

/** The panics that entering a page of the operation's map may raise: none but on a created map that lies elsewhere. */
function mapPanics({ subject, machine, maps }: View): (string | null)[] {
  if (subject === null || !PAGE_TAKERS.includes(subject.kind) || !('map' in subject)) return [];
  const map = maps.get(subject.map);
  if (map === undefined || map.min >= map.max) return [];
  return [map.min, address(map.max - 1)].map((at) => panicOfEntering(at, machine));
}

/** The panic that entering a mapping at the operation's address must raise; null: none. */
function mappingPanic({ subject, machine }: View): string | null {
  if (subject?.kind !== 'pmap_enter' && subject?.kind !== 'pmap_kenter') return null;
  const { pmap = KERNEL_PMAP } = subject.kind === 'pmap_enter' ? subject : {};
  if (pmap === NULL_PMAP) return null;
  if (pmap !== KERNEL_PMAP)
    return truncPage(subject.address) > highestKernelAddress(machine) ? PANIC.enterTooBig : null;
  return panicOfEntering(subject.address, machine);
}

function panicOfEntering(at: VirtualAddress, machine: MachineConfig): string | null {
  const page = truncPage(at);
  if (page > highestKernelAddress(machine)) return PANIC.enterTooBig;
  const { first, end } = kernelSlots(machine);
  const slot = pdeSlot(page);
  return slot < first || slot >= end ? PANIC.invalidPageDirectory : null;
}

/** The panic that this operation must have raised in any state; null: none. */
function unavoidablePanic(view: View): string | null {
  const { subject } = view;
  if (subject !== null && isMallocOnWrongMap(subject)) return PANIC.mallocWrongMap;
  if (subject?.kind === 'kmem_suballoc' && requestLength(subject.size) === null) return PANIC.suballoc;
  return mappingPanic(view);
}

const panicText: Invariant = {
  id: 'INV-ACC-PANICTEXT',
  claim:
    'The machine stops only for a listed reason that holds, with its text, and always where the caller cannot be answered.',
  source:
    'SPEC §12: KM-MALLOC-1, KM-MALLOC-2, KM-SUB-1, KM-SUB-2, MAP-CREATE-1, MAP-ENTRY-1, FAULT-UNW-1, PMAP-ENTER-1',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps'],
  judges: ['kmem_malloc', 'kmem_suballoc', 'pmap_enter', 'pmap_kenter'],
  watch: stateless(function* (view) {
    const outcome = view.step?.outcome;
    if (outcome === undefined || outcome.kind === 'rejected') return;
    const due = unavoidablePanic(view);
    if (outcome.kind === 'panic') {
      const wrong = objection(view, outcome.text);
      if (wrong !== null) yield `panic "${outcome.text}" in ${view.subject?.kind}: ${wrong}`;
    } else if (due !== null)
      yield `${view.subject?.kind} answered ${outcome.kind} where it must panic "${due}"`;
  }),
};

/** Where and how the machine stops. */
export const panicInvariants: readonly Invariant[] = [panicText];
