/**
 * Range operations of vm_map.c about what entries say: protection, inheritance, submap; and the clamp they share.
 */
import { isPageAligned, type VirtualAddress } from '../contract/address.ts';
import { KERN_INVALID_ARGUMENT, KERN_PROTECTION_FAILURE, KERN_SUCCESS } from '../contract/outcome.ts';
import { permits, VM_PROT_ALL, type VmInherit, type VmProt } from '../contract/protection.ts';
import type { Kernel } from './kernel.ts';
import { clippedFrom, type VmMap, vmMapClipEnd, vmMapClipStart } from './vm-map.ts';

export interface Range {
  readonly start: VirtualAddress;
  readonly end: VirtualAddress;
}

/** VM_MAP_RANGE_CHECK: pulls a range into the map; what lies outside becomes empty (MAP-CLAMP). */
export function clamp({ min, max }: VmMap, start: VirtualAddress, end: number): Range {
  const upper = end > max ? max : (end as VirtualAddress);
  const lower = start < min ? min : start;
  return { start: lower > upper ? upper : lower, end: upper };
}

/** vm_map_protect on a clamped, settled range (MAP-PROT-1 to 5): SUCCESS, INVALID_ARGUMENT or PROTECTION_FAILURE. */
export function vmMapProtect(
  kernel: Kernel,
  map: VmMap,
  { start, end }: Range,
  { protection, setMax }: { readonly protection: VmProt; readonly setMax: boolean },
): number {
  if (!isPageAligned(start) || !isPageAligned(end)) return KERN_INVALID_ARGUMENT;
  const first = clippedFrom(kernel, map, start);
  for (let entry = first; entry !== null && entry.start < end; entry = entry.next) {
    if (entry.submap !== null) return KERN_INVALID_ARGUMENT;
    if (!permits(entry.maxProtection, protection)) return KERN_PROTECTION_FAILURE;
  }
  for (let entry = first; entry !== null && entry.start < end; entry = entry.next) {
    vmMapClipEnd(kernel, map, entry, end);
    const old = entry.protection;
    if (setMax) entry.maxProtection = protection;
    entry.protection = setMax ? old & protection : protection;
    kernel.changes.map(map);
    if (entry.protection !== old) kernel.pmap.protect(entry.start, entry.end, entry.protection);
  }
  return KERN_SUCCESS;
}

/** vm_map_inherit on a clamped, settled range, with a legal value (MAP-INH-1): SUCCESS or INVALID_ARGUMENT. */
export function vmMapInherit(
  kernel: Kernel,
  map: VmMap,
  { start, end }: Range,
  inheritance: VmInherit,
): number {
  if (!isPageAligned(start) || !isPageAligned(end)) return KERN_INVALID_ARGUMENT;
  let entry = clippedFrom(kernel, map, start);
  for (; entry !== null && entry.start < end; entry = entry.next) {
    vmMapClipEnd(kernel, map, entry, end);
    entry.inheritance = inheritance;
    kernel.changes.map(map);
  }
  return KERN_SUCCESS;
}

/** vm_map_submap: turns an untouched null range into the placeholder of `submap` (MAP-SUB-1, 2): SUCCESS or INVALID_ARGUMENT. */
export function vmMapSubmap(kernel: Kernel, map: VmMap, { start, end }: Range, submap: VmMap): number {
  if (start >= end || !isPageAligned(start) || !isPageAligned(end)) return KERN_INVALID_ARGUMENT;
  if (submap.min !== start || submap.max !== end || submap.parent !== null) return KERN_INVALID_ARGUMENT;
  if (isWithin(map, submap)) return KERN_INVALID_ARGUMENT;
  const entry = map.entries.containing(start);
  if (entry === null || entry.end < end || entry.submap !== null) return KERN_INVALID_ARGUMENT;
  if (entry.object !== null || entry.wiredCount > 0) return KERN_INVALID_ARGUMENT;

  const placeholder = vmMapClipStart(kernel, map, entry, start);
  vmMapClipEnd(kernel, map, placeholder, end);
  placeholder.submap = submap;
  map.submapEntries++;
  submap.references++;
  submap.placeholders++;
  submap.parent = map;
  kernel.changes.map(map);
  kernel.changes.map(submap);
  return KERN_SUCCESS;
}

/** True when `map` is `outer` or one of its direct or indirect submaps: then `outer` cannot become a submap of `map`. */
function isWithin(map: VmMap, outer: VmMap): boolean {
  for (let at: VmMap | null = map; at !== null; at = at.parent) if (at === outer) return true;
  return false;
}

/** vm_map_check_protection: covered from `start` to `end` without holes, everywhere with `protection` (MAP-CHK-1, Q-3). */
export function vmMapCheckProtection(
  map: VmMap,
  start: VirtualAddress,
  end: VirtualAddress,
  protection: VmProt,
): boolean {
  let entry = map.entries.containing(start);
  if (entry === null) return false;
  let covered: number = start;
  while (covered < end) {
    if (entry === null || entry.start > covered) return false;
    if (!permits(entry.submap === null ? entry.protection : VM_PROT_ALL, protection)) return false;
    covered = entry.end;
    entry = entry.next;
  }
  return true;
}
