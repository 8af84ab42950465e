/** One entry of an address map (vm_map_entry): its meaning, its list neighbours and its place in the gap tree. */
import type { ObjectOffset, VirtualAddress } from '../contract/address.ts';
import { VM_INHERIT_COPY, VM_PROT_ALL, type VmInherit, type VmProt } from '../contract/protection.ts';
import type { VmMap } from './vm-map.ts';
import type { VmObject } from './vm-object.ts';

/**
 * A range [start, end) of a map. `object` and `submap` are never both set; neither: no object yet.
 * The fields from `previous` on belong to EntryTree alone.
 */
export class VmMapEntry {
  start: VirtualAddress;
  end: VirtualAddress;
  object: VmObject | null;
  submap: VmMap | null = null;
  /** Offset in the object of the byte at `start`; meaningless but carried along for submaps (MAP-CLIP-2). */
  offset: ObjectOffset;
  protection: VmProt = VM_PROT_ALL;
  maxProtection: VmProt = VM_PROT_ALL;
  inheritance: VmInherit = VM_INHERIT_COPY;
  wiredCount = 0;

  previous: VmMapEntry | null = null;
  next: VmMapEntry | null = null;
  parent: VmMapEntry | null = null;
  left: VmMapEntry | null = null;
  right: VmMapEntry | null = null;
  /** Heap order of the treap. */
  priority = 0;
  /** Free bytes between the previous entry (or the map's minimum) and this one. */
  gap = 0;
  /** Largest `gap` in the subtree of this entry. */
  widestGap = 0;

  constructor(start: VirtualAddress, end: VirtualAddress, object: VmObject | null, offset: ObjectOffset) {
    this.start = start;
    this.end = end;
    this.object = object;
    this.offset = offset;
  }
}
