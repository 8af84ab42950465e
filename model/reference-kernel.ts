/** The reference model as a kernel: boot, dispatch, and the record of each step. */
import { type KernelModule, type ReferenceKernel, SHOWS } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation, OperationKind, OperationOf } from '../contract/operation.ts';
import { OPERATION_KINDS } from '../contract/operation.ts';
import type { Outcome, Step } from '../contract/outcome.ts';
import { flag, KERN_NO_SPACE, KERN_SUCCESS, kern, PANIC, panic, rejected } from '../contract/outcome.ts';
import type { CellName, CellValue } from '../contract/snapshot.ts';
import { cite, KernelPanic, mapNamed, touch } from './bookkeeping.ts';
import { bootState } from './boot.ts';
import * as cpu from './cpu.ts';
import type { MapEvent } from './map-event.ts';
import { takeCell, takeSnapshot, touchedCells } from './observation.ts';
import * as pmap from './pmap.ts';
import * as space from './pmap-create.ts';
import * as mapping from './pmap-mapping.ts';
import { pagedaemon } from './sched.ts';
import type { Answer, Flight, ModelState, Rule, Sleeping, VmMap } from './state.ts';
import { takeUnshown } from './unshown.ts';
import { vmFault } from './vm-fault.ts';
import * as kmem from './vm-kern.ts';
import * as map from './vm-map.ts';
import { vmMapSimplify } from './vm-map-entry.ts';
import * as range from './vm-map-range.ts';
import { vmPageDeactivate } from './vm-page.ts';

type StartedKind = Exclude<OperationKind, 'resume'>;

/** The rule of each operation. One that may sleep answers a computation. */
const RULES: { readonly [Kind in StartedKind]: Rule<Kind, Answer | Sleeping<Answer>> } = {
  kmem_alloc_pageable: kmem.kmemAllocPageable,
  kmem_alloc: kmem.kmemAlloc,
  kmem_malloc: kmem.kmemMalloc,
  kmem_alloc_wait: kmem.kmemAllocWait,
  kmem_free: kmem.kmemFree,
  kmem_free_wakeup: kmem.kmemFreeWakeup,
  kmem_suballoc: kmem.kmemSuballoc,
  vm_map_create: map.vmMapCreate,
  vm_map_deallocate: range.vmMapDeallocate,
  vm_map_insert: map.vmMapInsert,
  vm_map_findspace: map.vmMapFindspace,
  vm_map_find: map.vmMapFind,
  vm_map_lookup_entry: map.vmMapLookupEntry,
  vm_map_submap: map.vmMapSubmap,
  vm_map_protect: range.vmMapProtect,
  vm_map_inherit: range.vmMapInherit,
  vm_map_pageable: range.vmMapPageable,
  vm_map_remove: range.vmMapRemove,
  vm_map_delete: range.vmMapDelete,
  vm_map_check_protection: map.vmMapCheckProtection,
  vm_map_simplify: vmMapSimplify,
  vm_page_deactivate: vmPageDeactivate,
  vm_fault: vmFault,
  checked_read: cpu.checkedRead,
  checked_write: cpu.checkedWrite,
  cpu_read: cpu.cpuRead,
  cpu_write: cpu.cpuWrite,
  pmap_create: space.pmapCreate,
  pmap_pinit: space.pmapPinit,
  pmap_reference: space.pmapReference,
  pmap_destroy: space.pmapDestroy,
  pmap_release: space.pmapRelease,
  pmap_activate: space.pmapActivate,
  tlb_evict: space.tlbEvict,
  pmap_enter: pmap.enter,
  pmap_kenter: pmap.kenter,
  pmap_remove: pmap.pmapRemove,
  pmap_protect: pmap.pmapProtect,
  pmap_page_protect: pmap.pmapPageProtect,
  pmap_change_wiring: pmap.pmapChangeWiring,
  pmap_extract: pmap.pmapExtract,
  pmap_is_modified: mapping.pmapIsModified,
  pmap_is_referenced: mapping.pmapIsReferenced,
  pmap_clear_modify: mapping.pmapClearModify,
  pmap_clear_reference: mapping.pmapClearReference,
  pmap_zero_page: cpu.pmapZeroPage,
  pmap_copy_page: cpu.pmapCopyPage,
  pmap_update: pmap.pmapUpdate,
  pagedaemon,
};

function start<Kind extends StartedKind>(state: ModelState, kind: Kind, call: OperationOf<Kind>, map: VmMap) {
  return RULES[kind](state, call, map);
}

/** Runs an operation until it returns, sleeps or stops the machine. */
function run(state: ModelState, operation: Operation, number: number): Outcome {
  if (operation.kind === 'resume') return resume(state, operation.operation);
  state.current = number;
  const name = 'map' in operation ? operation.map : 'parent' in operation ? operation.parent : 'kernel';
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  const begun = start(state, operation.kind, operation, map);
  if (typeof begun !== 'object' || 'kind' in begun) return outcomeOf(begun);
  return proceed(state, { number, operation, progress: begun, event: 'pages', status: 'running' });
}

function outcomeOf(answer: Answer): Outcome {
  if (typeof answer === 'number') return kern(answer);
  return typeof answer === 'boolean' ? flag(answer) : answer;
}

function resume(state: ModelState, number: number): Outcome {
  const flight = runnableFlight(state, number);
  if (flight === undefined) return rejected('SCHED-2');
  cite(state, 'SCHED-8');
  state.current = number;
  flight.status = 'running';
  touch(state, 'sched');
  return proceed(state, flight);
}

const runnableFlight = ({ flights }: ModelState, number: number): Flight | undefined =>
  flights.find((flight) => flight.number === number && flight.status === 'runnable');

/** Lets an operation go on from where it is, and keeps it among the flights exactly as long as it sleeps. */
function proceed(state: ModelState, flight: Flight): Outcome {
  const { done, value } = flight.progress.next();
  const at = state.flights.indexOf(flight);
  if (done) {
    if (at >= 0) state.flights.splice(at, 1);
    return outcomeOf(value);
  }
  flight.event = value.event;
  flight.status = 'asleep';
  if (at < 0) state.flights.push(flight);
  touch(state, 'sched');
  return { kind: 'sleep', event: value.event };
}

/** `run`, with the panic of a kernel that stopped half way as its outcome. */
function runOrStop(state: ModelState, operation: Operation, number: number): Outcome {
  try {
    return run(state, operation, number);
  } catch (thrown) {
    if (!(thrown instanceof KernelPanic)) throw thrown;
    state.panicked = thrown.message;
    return panic(thrown.message);
  }
}

function step(state: ModelState, operation: Operation, number: number): Step {
  state.touched.clear();
  if (state.panicked !== null) {
    cite(state, 'CONV-4');
    return { outcome: panic(state.panicked) };
  }
  const { woken, console: lines } = state.step;
  woken.length = 0;
  lines.length = 0;
  state.step.daemonPoked = false;
  const resumed = operation.kind === 'resume' && runnableFlight(state, operation.operation)?.number;
  const outcome = runOrStop(state, operation, number);
  if (woken.length + lines.length === 0 && !state.step.daemonPoked && typeof resumed !== 'number')
    return { outcome };
  return {
    outcome,
    ...(woken.length > 0 && { woken: woken.toSorted((a, b) => a - b) }),
    ...(typeof resumed === 'number' && { resumed }),
    ...(lines.length > 0 && { console: [...lines] }),
    ...(state.step.daemonPoked ? { daemonPoked: true as const } : {}),
  };
}

/** Panics by which an allocator says that it found no room. */
const NO_ROOM: readonly string[] = [PANIC.mallocMapTooSmall, PANIC.suballoc];

/** The place that an outcome of an allocator names, or that it found none; null where it says neither. */
function placementOf(outcome: Outcome): ModelState['placement'] {
  const { kind } = outcome;
  if (kind === 'submap') return outcome.min;
  if (kind === 'address' || (kind === 'kern' && outcome.code === KERN_SUCCESS))
    return outcome.address ?? null;
  const refused =
    kind === 'none' ||
    (kind === 'flag' && !outcome.value) ||
    (kind === 'kern' && outcome.code === KERN_NO_SPACE) ||
    (kind === 'sleep' && outcome.event.startsWith('map:')) ||
    (kind === 'panic' && NO_ROOM.includes(outcome.text));
  return refused ? 'nowhere' : null;
}

/** The reference model with its state laid open, for replayers that keep more books than the contract. */
export type OpenReference = ReferenceKernel & { readonly state: ModelState };

/** Boots the reference model; `onMapEvent` hears of every change of an entry list, boot included. */
export function bootReference(
  machine: MachineConfig,
  { onMapEvent }: { readonly onMapEvent?: (event: MapEvent) => void } = {},
): OpenReference {
  const state = bootState(machine, onMapEvent ?? null);
  return {
    state,
    get rules() {
      return new Map([...state.citations].map(([rule, { times }]) => [rule, times]));
    },
    apply: (operation, number) => step(state, operation, number),
    applyPlaced: (operation, number, candidate) => {
      state.placement = placementOf(candidate);
      const placed = step(state, operation, number);
      state.placement = null;
      return placed;
    },
    snapshot: (options) => takeSnapshot(state, options),
    // The name decides which cell is built; the type system cannot follow it there.
    cell: <Name extends CellName>(name: Name) => takeCell(state, name) as CellValue<Name>,
    touched: () => touchedCells(state),
    unshown: () => takeUnshown(state),
  };
}

/** The executable specification. */
export const referenceKernel: KernelModule<ReferenceKernel> = {
  declares: { name: 'reference', operations: OPERATION_KINDS, shows: SHOWS, placement: 'first-fit' },
  boot: (machine) => bootReference(machine),
};
