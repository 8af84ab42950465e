/**
 * Callers leave the scratch window to direct pmap operations (OPERATIONS): what is mapped there belongs to no entry, so
 * that an operation on the map would take one page for another.
 */
import { isPageAligned, PAGE_SIZE, roundPageUnwrapped } from '../contract/address.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { Range } from './generate-reading.ts';

/** What is asked of a state. */
export interface WindowGround {
  readonly machine: MachineConfig;
  /** The mapping of the page at that address; null for none. */
  mapping(page: number): { readonly writable: boolean } | null;
}

const pageDown = (value: number): number => value - (value % PAGE_SIZE);

/** The range of a map that an operation changes, faults in or reads through; undefined for none. */
export function reach(operation: Operation): { map: MapName; range: Range } | undefined {
  switch (operation.kind) {
    case 'kmem_free':
    case 'kmem_free_wakeup': {
      const { map, address: at, size } = operation;
      return {
        map,
        range: { start: pageDown(at), end: size === 0 ? pageDown(at) : roundPageUnwrapped(at + size) },
      };
    }
    case 'vm_map_protect':
    case 'vm_map_inherit':
    case 'vm_map_pageable':
    case 'vm_map_remove':
    case 'vm_map_delete':
    case 'vm_map_submap':
      return { map: operation.map, range: operation };
    case 'vm_fault':
    case 'checked_read':
    case 'checked_write':
    case 'vm_page_deactivate': {
      const start = pageDown(operation.address);
      return { map: operation.map, range: { start, end: start + PAGE_SIZE } };
    }
    default:
      return undefined;
  }
}

/** True when an access to the bytes of [start, end) uses scratch mappings as they are, without a fault. */
function windowAccessIsMapped(ground: WindowGround, operation: Operation, { start, end }: Range): boolean {
  if (operation.kind === 'vm_fault' || operation.kind === 'vm_page_deactivate') return false;
  for (let page = pageDown(start); page < end; page += PAGE_SIZE) {
    const mapping = ground.mapping(page);
    if (mapping === null || (operation.kind === 'checked_write' && !mapping.writable)) return false;
  }
  return true;
}

const meetsWindow = ({ machine: { scratchWindow } }: WindowGround, { start, end }: Range): boolean =>
  scratchWindow !== null && start < scratchWindow.end && end > scratchWindow.start;

/** True for page-aligned addresses of the window. */
export function insideWindow({ machine: { scratchWindow } }: WindowGround, { start, end }: Range): boolean {
  if (scratchWindow === null || !isPageAligned(start) || !isPageAligned(end) || start > end) return false;
  return start >= scratchWindow.start && end <= scratchWindow.end;
}

/** True unless an operation on a map reaches into the window; reading and writing what is mapped there does no harm. */
export function leavesWindow(ground: WindowGround, operation: Operation): boolean {
  const reached = reach(operation);
  if (reached?.map !== 'kernel' || !meetsWindow(ground, reached.range)) return true;
  if (operation.kind === 'vm_map_pageable') return insideWindow(ground, reached.range);
  const isAccess = operation.kind === 'checked_read' || operation.kind === 'checked_write';
  return isAccess && windowAccessIsMapped(ground, operation, reached.range);
}

/** The same of the processor's accesses, to the bytes of a range. */
export const accessLeavesWindow = (ground: WindowGround, operation: Operation, range: Range): boolean =>
  !meetsWindow(ground, range) || windowAccessIsMapped(ground, operation, range);
