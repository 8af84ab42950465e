/**
 * What a generator may emit: no operation breaks a caller obligation (CONV-4, PRE), none reaches into the scratch
 * window behind the back of the pmap operations, and only hostile scenarios detach a submap.
 */
import {
  ADDRESS_SPACE_END,
  isPageAligned,
  PAGE_SIZE,
  PDE_SPAN,
  roundPageUnwrapped,
} from '../contract/address.ts';
import { highestKernelAddress, kernelSlots } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import { KERNEL_PMAP } from '../contract/pmap.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { Ground } from './generate-ground.ts';
import type { Range } from './generate-reading.ts';
import { accessLeavesWindow, insideWindow, leavesWindow, reach } from './scratch-window.ts';

const pageDown = (value: number): number => value - (value % PAGE_SIZE);

/** Maps that callers may not create or give up by vm_map_create and vm_map_deallocate. */
const BASE_MAPS: readonly MapName[] = ['kernel', 'kmem', 'mb'];

const DELETES: ReadonlySet<Operation['kind']> = new Set([
  'kmem_free',
  'kmem_free_wakeup',
  'vm_map_remove',
  'vm_map_delete',
]);

/** True when the submap stays because somebody waits for its space, or did so and has not run since (MAP-DEL-1). */
function keptByWaiter(ground: Ground, name: MapName): boolean {
  if (ground.inFlight() === 0 || ground.transitions().length > 0) return false;
  const { asleep, runnable } = ground.sched();
  return [...runnable, ...asleep.map(({ operation }) => operation)].some((number) => {
    const operation = ground.operationOf(number);
    return operation?.kind === 'kmem_alloc_wait' && operation.map === name;
  });
}

/** True when the deletion would take a placeholder away that must stay: somebody still counts on the submap. */
function detaches(ground: Ground, map: MapName, { start, end }: Range): boolean {
  return ground.maps.some(
    (known) =>
      known.parent === map &&
      start <= known.min &&
      end >= known.max &&
      ground.map(known.name)?.entryCount === 0 &&
      !keptByWaiter(ground, known.name) &&
      (known.deallocated ? ground.inFlight() > 0 : !ground.hostile),
  );
}

function reachIsFair(ground: Ground, operation: Operation): boolean {
  const reached = reach(operation);
  if (reached === undefined) return true;
  const { map, range } = reached;
  if (!leavesWindow(ground, operation)) return false;
  if (!DELETES.has(operation.kind)) return true;
  if (ground.spaces().pmaps.length > 0 && !isOwnAllocation(ground, range)) return false;
  return !meetsUnguarded(ground, map, range) && (ground.maps.length === 1 || !detaches(ground, map, range));
}

/** True for a range inside one allocation of the scenario: the directory of a pmap never lies there. */
const isOwnAllocation = (ground: Ground, { start, end }: Range): boolean =>
  ground.allocations.some(
    ({ address, size }) => start >= address && end <= roundPageUnwrapped(address + size),
  );

const meetsUnguarded = (ground: Ground, map: MapName, { start, end }: Range): boolean =>
  ground.unguarded().some((own) => own.map === map && start < own.end && end > own.start);

/** True for a map whose contents callers may change or read; a loose map only takes part in few operations. */
function mapIsFair(ground: Ground, operation: Operation): boolean {
  if (!('map' in operation)) return true;
  const known = ground.known(operation.map);
  if (known === undefined) return false;
  const apart = known.max <= ground.machine.kernelMin;
  if (!apart && (known.standing === 'attached' || ground.hostile)) return true;
  switch (operation.kind) {
    case 'vm_map_deallocate':
    case 'vm_map_findspace':
    case 'vm_map_lookup_entry':
    case 'vm_map_check_protection':
      return true;
    // A map away from kernel_map shares its addresses with nobody, and has no page tables.
    case 'kmem_alloc_pageable':
    case 'kmem_free':
    case 'vm_map_submap':
      return apart;
    default:
      return false;
  }
}

function deallocationIsFair(ground: Ground, name: MapName): boolean {
  const known = ground.known(name);
  if (known === undefined || known.deallocated || BASE_MAPS.includes(name) || ground.inFlight() > 0)
    return false;
  return !ground.maps.some(({ parent }) => parent === name);
}

function deletionIsFair(ground: Ground, map: MapName, { start, end }: Range): boolean {
  const known = ground.known(map);
  if (known === undefined || start < known.min || end > known.max || end < start) return false;
  if (!isPageAligned(start) || !isPageAligned(end)) return false;
  return !ground.transitions().some((range) => range.map === map && start <= range.end && end >= range.start);
}

function cpuAccessIsFair(ground: Ground, operation: Operation, { start, end }: Range): boolean {
  if (start < 0 || end > ADDRESS_SPACE_END) return false;
  if (start < ground.recursiveWindow + PDE_SPAN && end > ground.recursiveWindow) return false;
  if (operation.kind === 'cpu_write' && mayReachDirectory(ground, { start, end })) return false;
  return accessLeavesWindow(ground, operation, { start, end });
}

/** True when the page behind the first may be the directory of a live pmap: the first is seen to be none. */
const mayReachDirectory = (ground: Ground, { start, end }: Range): boolean =>
  ground.spaces().pmaps.length > 0 &&
  end > ground.machine.kernelMin &&
  pageDown(start) !== pageDown(end - 1) &&
  !isOwnAllocation(ground, { start, end });

const range = (start: number, end: number): Range => ({ start, end });

/** True when the frame belongs to the harness: a scratch page or a device frame. */
function isOwnFrame({ machine }: Ground, frame: number): boolean {
  const all = machine.managedPages + machine.deviceFrames;
  return frame < machine.scratchPages || (frame >= machine.managedPages && frame < all);
}

/** True when entering a mapping there must panic: no page table, or above the last kernel address. */
function entersNowhere({ machine }: Ground, at: number): boolean {
  const { first, end } = kernelSlots(machine);
  const slot = Math.floor(at / PDE_SPAN);
  return pageDown(at) > highestKernelAddress(machine) || slot < first || slot >= end;
}

const isOnUserPmap = (operation: Operation): boolean =>
  'pmap' in operation && operation.pmap !== undefined && operation.pmap !== KERNEL_PMAP;

function pmapIsFair(ground: Ground, operation: Operation): boolean {
  switch (operation.kind) {
    case 'pmap_enter':
    case 'pmap_kenter': {
      if (isOnUserPmap(operation)) return isOwnFrame(ground, operation.frame);
      const page = range(pageDown(operation.address), pageDown(operation.address) + PAGE_SIZE);
      const place = insideWindow(ground, page) || entersNowhere(ground, operation.address);
      return place && isOwnFrame(ground, operation.frame);
    }
    case 'pmap_remove':
    case 'pmap_protect':
      return isOnUserPmap(operation) || insideWindow(ground, operation);
    case 'pmap_change_wiring': {
      if (isOnUserPmap(operation)) return true;
      const start = pageDown(operation.address);
      return insideWindow(ground, { start, end: start + PAGE_SIZE });
    }
    case 'pmap_page_protect':
    case 'pmap_zero_page':
      return isOwnFrame(ground, operation.frame);
    case 'pmap_copy_page':
      return isOwnFrame(ground, operation.from) && isOwnFrame(ground, operation.to);
    default:
      return true;
  }
}

function resumeIsFair(ground: Ground, operation: number): boolean {
  if (ground.sched().runnable.includes(operation)) {
    const resumed = ground.operationOf(operation);
    return resumed === undefined || !DELETES.has(resumed.kind) || reachIsFair(ground, resumed);
  }
  return ground.hostile && ground.draw.percent(1);
}

/** True when the operation may be emitted in the state at hand. */
export function isPermitted(ground: Ground, operation: Operation): boolean {
  switch (operation.kind) {
    case 'resume':
      return resumeIsFair(ground, operation.operation);
    case 'kmem_suballoc':
      return (
        ground.known(operation.name) === undefined && ground.known(operation.parent)?.standing === 'attached'
      );
    case 'vm_map_create':
      return ground.known(operation.name) === undefined && !BASE_MAPS.includes(operation.name);
    case 'vm_map_deallocate':
      return deallocationIsFair(ground, operation.map);
    case 'vm_map_delete':
      if (!deletionIsFair(ground, operation.map, operation)) return false;
      break;
    case 'kmem_malloc':
      if (operation.map === 'mb' && ground.known('kmem') === undefined) return false;
      break;
    case 'vm_map_submap':
      if (ground.known(operation.submap) === undefined) return false;
      break;
    case 'cpu_read': {
      const { address: start, length } = operation;
      return cpuAccessIsFair(ground, operation, { start, end: start + length });
    }
    case 'cpu_write': {
      const { address: start, bytes } = operation;
      return cpuAccessIsFair(ground, operation, { start, end: start + bytes.length });
    }
    default:
      if (operation.kind.startsWith('pmap_')) return pmapIsFair(ground, operation);
  }
  return mapIsFair(ground, operation) && reachIsFair(ground, operation);
}
