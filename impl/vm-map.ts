/**
 * Address maps (vm_map.c): records, lookup, insertion, search, clipping and merging. The range operations are in
 * vm-map-attributes.ts, vm-map-delete.ts and vm-map-pageable.ts.
 *
 * Fast because EntryTree answers every search in O(log n). Must stay in step: the tree, `size`, the references that
 * entries hold on objects and submaps, and the pool counts of the kernel.
 */
import {
  advance,
  advanceOffset,
  type ByteCount,
  byteDistance,
  bytes,
  isPageAligned,
  type ObjectOffset,
  roundPageUnwrapped,
  unwrappedEnd,
  type VirtualAddress,
} from '../contract/address.ts';
import {
  KERN_INVALID_ADDRESS,
  KERN_INVALID_ARGUMENT,
  KERN_NO_SPACE,
  KERN_SUCCESS,
  PANIC,
} from '../contract/outcome.ts';
import { VM_INHERIT_COPY, VM_PROT_ALL } from '../contract/protection.ts';
import type { SleepEvent } from '../contract/sched.ts';
import type { MapName } from '../contract/vm-map.ts';
import { PART } from './change-log.ts';
import { EntryTree } from './entry-tree.ts';
import type { Kernel } from './kernel.ts';
import { VmMapEntry } from './map-entry.ts';
import { KernelPanic } from './panic.ts';
import type { Transition } from './transitions.ts';
import { type VmObject, vmObjectCoalesce, vmObjectDeallocate, vmObjectReference } from './vm-object.ts';

export class VmMap {
  readonly name: MapName;
  readonly entries: EntryTree;
  /** Entries come from the unbounded heap instead of the static pool (MAP-ENTRY-1). */
  readonly pageable: boolean;
  /** The record itself is a static one (MAP-CREATE-1). */
  readonly fromPool: boolean;
  /** Bytes covered by entries. */
  size: ByteCount = bytes(0);
  references = 1;
  /** The map whose entries name this one, and how many do (MAP-CLIP-2); null for none. */
  parent: VmMap | null = null;
  placeholders = 0;
  /** How many of the own entries are placeholders of submaps. */
  submapEntries = 0;
  /** The creator has given up its reference (MAP-CREATE-2). */
  deallocated = false;
  /** Ranges that operations in flight are filling or wiring (MAP-TRANS-0). */
  readonly transitions: Transition[] = [];
  /** Event of waiters for space, and of waiters for a transition to end. */
  readonly space: SleepEvent;
  readonly settled: SleepEvent;
  markedIn = 0;

  constructor(
    name: MapName,
    {
      min,
      max,
      pageable,
      fromPool,
    }: { min: VirtualAddress; max: VirtualAddress; pageable: boolean; fromPool: boolean },
  ) {
    this.name = name;
    this.entries = new EntryTree(min, max);
    this.pageable = pageable;
    this.fromPool = fromPool;
    this.space = `map:${name}`;
    this.settled = `trans:${name}`;
  }

  get min(): VirtualAddress {
    return this.entries.min;
  }

  get max(): VirtualAddress {
    return this.entries.max;
  }
}

/** The object that a new entry maps, and where in it; the reference passes to the entry (MAP-INSERT-3). */
export interface Backing {
  readonly object: VmObject | null;
  readonly offset: ObjectOffset;
}

/** vm_map_create on the kernel pmap, whose reference the caller has taken (MAP-CREATE-1). */
export function vmMapCreate(
  kernel: Kernel,
  name: MapName,
  bounds: { readonly min: VirtualAddress; readonly max: VirtualAddress; readonly pageable: boolean },
): VmMap {
  const fromPool = !kernel.maps.has('kmem');
  if (fromPool) {
    if (kernel.freeMaps === 0) throw new KernelPanic(PANIC.outOfMaps);
    kernel.freeMaps--;
    kernel.changes.part(PART.pools);
  }
  const map = new VmMap(name, { ...bounds, fromPool });
  kernel.maps.set(name, map);
  kernel.changes.map(map);
  return map;
}

/** vm_map_entry_create: from the static pool unless the map is pageable (MAP-ENTRY-1). */
function entryCreate(
  kernel: Kernel,
  map: VmMap,
  { start, end, object, offset }: { start: VirtualAddress; end: VirtualAddress } & Backing,
): VmMapEntry {
  if (!map.pageable && kernel.freeEntries !== null) {
    if (kernel.freeEntries === 0) throw new KernelPanic(PANIC.outOfMapEntries);
    kernel.freeEntries--;
    kernel.changes.part(PART.pools);
  }
  kernel.changes.map(map);
  return new VmMapEntry(start, end, object, offset);
}

/** vm_map_entry_dispose: returns the record of an unlinked entry to where it came from. */
export function entryDispose(kernel: Kernel, map: VmMap): void {
  kernel.changes.map(map);
  if (map.pageable || kernel.freeEntries === null) return;
  kernel.freeEntries++;
  kernel.changes.part(PART.pools);
}

/** vm_map_findspace: the exact first fit at or above `start` (MAP-SPACE-1). */
export function vmMapFindspace(
  map: VmMap,
  start: VirtualAddress,
  length: ByteCount,
): VirtualAddress | undefined {
  const from = roundPageUnwrapped(Math.max(start, map.min));
  if (from > map.max || length === 0) return undefined;
  return map.entries.firstFit(advance(map.min, from - map.min), length);
}

/**
 * vm_map_insert with the map locked (MAP-0, MAP-INSERT-1 to 6): KERN_SUCCESS, INVALID_ARGUMENT, INVALID_ADDRESS or
 * NO_SPACE. Only success takes over the reference.
 */
export function vmMapInsert(
  kernel: Kernel,
  map: VmMap,
  { object, offset }: Backing,
  start: VirtualAddress,
  end: VirtualAddress,
): number {
  if (!isPageAligned(start) || !isPageAligned(end) || !isPageAligned(offset)) return KERN_INVALID_ARGUMENT;
  if (start < map.min || end > map.max || start >= end) return KERN_INVALID_ADDRESS;
  const previous = map.entries.floor(start);
  const next = previous === null ? map.entries.first : previous.next;
  if (previous !== null && start < previous.end) return KERN_NO_SPACE;
  if (next !== null && next.start < end) return KERN_NO_SPACE;

  const length = byteDistance(start, end);
  if (object === null && previous !== null && extendsOver(kernel, previous, start, length)) {
    map.entries.grow(previous, end);
    kernel.changes.map(map);
  } else {
    map.entries.insertAfter(previous, entryCreate(kernel, map, { start, end, object, offset }));
  }
  map.size = bytes(map.size + length);
  return KERN_SUCCESS;
}

/** May `previous` simply grow over a null range that starts where it ends? (MAP-INSERT-5; attributes as if fresh, Q-7, Q-17) */
function extendsOver(
  kernel: Kernel,
  previous: VmMapEntry,
  start: VirtualAddress,
  length: ByteCount,
): boolean {
  return (
    previous.end === start &&
    previous.submap === null &&
    previous.inheritance === VM_INHERIT_COPY &&
    previous.protection === VM_PROT_ALL &&
    previous.maxProtection === VM_PROT_ALL &&
    previous.wiredCount === 0 &&
    vmObjectCoalesce(
      kernel,
      {
        object: previous.object,
        offset: previous.offset,
        length: byteDistance(previous.start, previous.end),
      },
      length,
    )
  );
}

/** vm_map_find (MAP-FIND-1): where the range went, or the KERN code of the failure. */
export function vmMapFind(
  kernel: Kernel,
  map: VmMap,
  backing: Backing,
  {
    address,
    length,
    findSpace,
  }: { readonly address: VirtualAddress; readonly length: ByteCount; readonly findSpace: boolean },
): { readonly code: number; readonly address?: VirtualAddress } {
  if (!isPageAligned(address) || !isPageAligned(length) || !isPageAligned(backing.offset))
    return { code: KERN_INVALID_ARGUMENT };
  if (length === 0) return { code: KERN_INVALID_ADDRESS };
  const start = findSpace ? vmMapFindspace(map, address, length) : address;
  if (start === undefined) return { code: KERN_NO_SPACE };
  if (unwrappedEnd(start, length) > map.max) return { code: KERN_INVALID_ADDRESS };
  const code = vmMapInsert(kernel, map, backing, start, advance(start, length));
  return code === KERN_SUCCESS ? { code, address: start } : { code };
}

/** Splits `entry` at an address strictly inside it; both halves keep every attribute (MAP-CLIP-1, 2). Returns the back half. */
function split(kernel: Kernel, map: VmMap, entry: VmMapEntry, at: VirtualAddress): VmMapEntry {
  const { object, submap } = entry;
  const offset = advanceOffset(entry.offset, byteDistance(entry.start, at));
  const back = entryCreate(kernel, map, { start: at, end: entry.end, object, offset });
  back.submap = submap;
  back.protection = entry.protection;
  back.maxProtection = entry.maxProtection;
  back.inheritance = entry.inheritance;
  back.wiredCount = entry.wiredCount;
  vmObjectReference(kernel, object);
  if (submap !== null) {
    submap.references++;
    submap.placeholders++;
    map.submapEntries++;
    kernel.changes.map(submap);
  }
  map.entries.split(entry, back);
  return back;
}

/** vm_map_clip_start: the part of `entry` from `start` on. */
export function vmMapClipStart(
  kernel: Kernel,
  map: VmMap,
  entry: VmMapEntry,
  start: VirtualAddress,
): VmMapEntry {
  return entry.start < start ? split(kernel, map, entry, start) : entry;
}

/** vm_map_clip_end: makes `entry` end at or below `end`. */
export function vmMapClipEnd(kernel: Kernel, map: VmMap, entry: VmMapEntry, end: VirtualAddress): void {
  if (end < entry.end) split(kernel, map, entry, end);
}

/** The first entry of a range that begins at `start`, clipped to begin there if it reaches below (MAP-CLIP-4). */
export function clippedFrom(kernel: Kernel, map: VmMap, start: VirtualAddress): VmMapEntry | null {
  const entry = map.entries.atOrAbove(start);
  return entry === null ? null : vmMapClipStart(kernel, map, entry, start);
}

/** vm_map_simplify: merges the entry that starts at `start` into a seamless predecessor (MAP-SIMPL-1). */
export function vmMapSimplify(kernel: Kernel, map: VmMap, start: VirtualAddress): void {
  const entry = map.entries.containing(start);
  if (entry === null || entry.start !== start) return;
  const { previous } = entry;
  if (previous === null || !continues(previous, entry)) return;
  map.entries.absorbNext(previous, entry);
  entryDispose(kernel, map);
  vmObjectDeallocate(kernel, entry.object);
}

function continues(previous: VmMapEntry, entry: VmMapEntry): boolean {
  return (
    previous.end === entry.start &&
    previous.submap === null &&
    entry.submap === null &&
    previous.object === entry.object &&
    previous.inheritance === entry.inheritance &&
    previous.protection === entry.protection &&
    previous.maxProtection === entry.maxProtection &&
    previous.wiredCount === entry.wiredCount &&
    advanceOffset(previous.offset, byteDistance(previous.start, previous.end)) === entry.offset
  );
}
