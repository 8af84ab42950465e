/** Deletion (vm_map.c): ranges, whole maps, and the page-wise release of kernel memory. */
import {
  advanceOffset,
  byteDistance,
  bytes,
  isPageAligned,
  type VirtualAddress,
} from '../contract/address.ts';
import { KERN_INVALID_ARGUMENT, KERN_SUCCESS, rejected } from '../contract/outcome.ts';
import { PART } from './change-log.ts';
import type { Kernel } from './kernel.ts';
import type { VmMapEntry } from './map-entry.ts';
import { clippedFrom, entryDispose, type VmMap, vmMapClipEnd } from './vm-map.ts';
import type { Range } from './vm-map-attributes.ts';
import { vmFaultUnwire } from './vm-map-pageable.ts';
import { freesPagesOnUnmap, vmObjectDeallocate, vmObjectPageRemove } from './vm-object.ts';

/** vm_map_remove on a clamped, settled range (MAP-DEL-4): SUCCESS or INVALID_ARGUMENT. */
export function vmMapRemove(kernel: Kernel, map: VmMap, { start, end }: Range): number {
  if (!isPageAligned(start) || !isPageAligned(end)) return KERN_INVALID_ARGUMENT;
  return vmMapDelete(kernel, map, start, end);
}

/** vm_map_delete with the map locked (MAP-DEL-1 to 3): SUCCESS, or INVALID_ARGUMENT over a submap in use. */
export function vmMapDelete(kernel: Kernel, map: VmMap, start: VirtualAddress, end: VirtualAddress): number {
  if (start < end && !submapsMayGo(kernel, map, start, end)) return KERN_INVALID_ARGUMENT;
  let entry = clippedFrom(kernel, map, start);
  while (entry !== null && entry.start < end) {
    vmMapClipEnd(kernel, map, entry, end);
    const { next } = entry;
    deleteEntry(kernel, map, entry);
    entry = next;
  }
  return KERN_SUCCESS;
}

/** Every submap met by [start, end) must lie in it whole, be empty, and have nobody waiting for its space (DEV-12). */
export function submapsMayGo(
  kernel: Kernel,
  map: VmMap,
  start: VirtualAddress,
  end: VirtualAddress,
): boolean {
  if (map.submapEntries === 0) return true;
  let entry = map.entries.atOrAbove(start);
  for (; entry !== null && entry.start < end; entry = entry.next) {
    const { submap } = entry;
    if (submap === null) continue;
    if (submap.min < start || submap.max > end) return false;
    if (submap.entries.count > 0 || kernel.sched.isAwaited(submap.space)) return false;
  }
  return true;
}

/** The answer to a deletion that would free the directory of a live pmap. */
export const FREES_DIRECTORY = rejected('PMAP-REL-1');

/** Would deleting [start, end) free the page of a live pmap's directory, through whatever entry? (PMAP-REL-1) */
export function freesDirectory(kernel: Kernel, map: VmMap, { start, end }: Range): boolean {
  const { spaces, kernelObject } = kernel;
  if (spaces.live.size === 0) return false;
  // What is refused anyway frees nothing.
  if (!isPageAligned(start) || !isPageAligned(end) || !submapsMayGo(kernel, map, start, end)) return false;
  let entry = map.entries.atOrAbove(start);
  for (; entry !== null && entry.start < end; entry = entry.next) {
    if (entry.object !== kernelObject) continue;
    const from = Math.max(entry.start, start);
    const offset = advanceOffset(entry.offset, from - entry.start);
    if (spaces.directoryWithin(offset, Math.min(entry.end, end) - from)) return true;
  }
  return false;
}

/** Unwires, unmaps and unlinks one entry and gives up what it refers to (MAP-DEL-2, OBJ-7, Q-28). */
function deleteEntry(kernel: Kernel, map: VmMap, entry: VmMapEntry): void {
  const { object, submap } = entry;
  const length = byteDistance(entry.start, entry.end);
  if (entry.wiredCount > 0) {
    vmFaultUnwire(kernel, entry);
    entry.wiredCount = 0;
  }
  if (object !== null && freesPagesOnUnmap(kernel, object))
    vmObjectPageRemove(kernel, object, entry.offset, length);
  else kernel.pmap.remove(entry.start, entry.end);
  map.entries.remove(entry);
  map.size = bytes(map.size - length);
  entryDispose(kernel, map);
  vmObjectDeallocate(kernel, object);
  if (submap !== null) releasePlaceholder(kernel, map, submap);
}

/** A placeholder is gone; with the last one the submap is detached. */
function releasePlaceholder(kernel: Kernel, map: VmMap, submap: VmMap): void {
  map.submapEntries--;
  submap.placeholders--;
  if (submap.placeholders === 0) submap.parent = null;
  vmMapDeallocate(kernel, submap);
}

/** vm_map_deallocate: drops one reference; with the last one the map and all in it go (MAP-CREATE-2). */
export function vmMapDeallocate(kernel: Kernel, map: VmMap): void {
  map.references--;
  kernel.changes.map(map);
  if (map.references > 0) return;
  vmMapDelete(kernel, map, map.min, map.max);
  kernel.pmap.references--;
  kernel.changes.part(PART.pmap);
  kernel.maps.delete(map.name);
  if (!map.fromPool) return;
  kernel.freeMaps++;
  kernel.changes.part(PART.pools);
}
