/** The operations of vm_map.c as calls: caller obligations, clamping, waiting for transitions, outcomes. */
import { bytes, isPageAligned, objectOffset } from '../contract/address.ts';
import {
  allocated,
  done,
  flag,
  KERN_INVALID_ARGUMENT,
  KERN_SUCCESS,
  kern,
  none,
  rejected,
} from '../contract/outcome.ts';
import { permits, VM_INHERIT_NONE, VM_PROT_ALL } from '../contract/protection.ts';
import type { InsertedObject, VmMapOperation } from '../contract/vm-map.ts';
import { type Calls, withMap } from './call.ts';
import { PART } from './change-log.ts';
import type { Kernel } from './kernel.ts';
import type { Continuation } from './sched.ts';
import { meetsTransition, whenSettled } from './transitions.ts';
import {
  type Backing,
  type VmMap,
  vmMapCreate,
  vmMapFind,
  vmMapFindspace,
  vmMapInsert,
  vmMapSimplify,
} from './vm-map.ts';
import { clamp, vmMapCheckProtection, vmMapInherit, vmMapProtect, vmMapSubmap } from './vm-map-attributes.ts';
import {
  FREES_DIRECTORY,
  freesDirectory,
  submapsMayGo,
  vmMapDeallocate,
  vmMapDelete,
  vmMapRemove,
} from './vm-map-delete.ts';
import { vmMapUnwire, vmMapWire } from './vm-map-pageable.ts';
import { type VmObject, vmObjectAllocate, vmObjectDeallocate, vmObjectReference } from './vm-object.ts';

/** Maps that the kernel itself owns. */
const KERNEL_MAPS: readonly string[] = ['kernel', 'kmem', 'mb'];

export const MAP_CALLS: Calls<VmMapOperation['kind']> = {
  vm_map_create(kernel, { name, min, max, pageable }) {
    const fresh = !KERNEL_MAPS.includes(name) && !kernel.maps.has(name);
    if (!fresh || !isPageAligned(min) || !isPageAligned(max) || min > max) return rejected('MAP-CREATE-1');
    kernel.pmap.references++;
    kernel.changes.part(PART.pmap);
    vmMapCreate(kernel, name, { min, max, pageable });
    return done;
  },

  vm_map_deallocate: (kernel, { map: name }) =>
    withMap(kernel, name, (map) => {
      if (KERNEL_MAPS.includes(name) || map.deallocated || isInUse(kernel, map))
        return rejected('MAP-CREATE-2');
      if (map.references === 1 && !submapsMayGo(kernel, map, map.min, map.max))
        return rejected('MAP-CREATE-2');
      if (map.references === 1 && freesDirectory(kernel, map, { start: map.min, end: map.max }))
        return FREES_DIRECTORY;
      map.deallocated = true;
      vmMapDeallocate(kernel, map);
      return done;
    }),

  vm_map_insert: (kernel, { map: name, object, offset, start, end }) =>
    withMap(kernel, name, (map) => {
      const backing = { object: takeObject(kernel, object, objectOffset(end - start)), offset };
      const code = vmMapInsert(kernel, map, backing, start, end);
      if (code !== KERN_SUCCESS) vmObjectDeallocate(kernel, backing.object);
      return kern(code);
    }),

  vm_map_findspace: (kernel, { map: name, start, length }) =>
    withMap(kernel, name, (map) => {
      const found = vmMapFindspace(map, start, length);
      return found === undefined ? none : allocated(found);
    }),

  vm_map_find: (kernel, { map: name, object, offset, address, length, findSpace }) =>
    withMap(kernel, name, (map) => {
      const backing: Backing = { object: takeObject(kernel, object, length), offset };
      const found = vmMapFind(kernel, map, backing, { address, length, findSpace });
      if (found.code !== KERN_SUCCESS) vmObjectDeallocate(kernel, backing.object);
      return { kind: 'kern', ...found };
    }),

  vm_map_lookup_entry: (kernel, { map: name, address }) =>
    withMap(kernel, name, (map) => {
      const entry = map.entries.floor(address);
      return {
        kind: 'entry',
        found: entry !== null && address < entry.end,
        start: entry === null ? null : entry.start,
      };
    }),

  vm_map_submap: (kernel, { map: name, start, end, submap: submapName }) =>
    withMap(kernel, name, (map) =>
      withMap(kernel, submapName, (submap) => kern(vmMapSubmap(kernel, map, { start, end }, submap))),
    ),

  vm_map_protect: (kernel, { map: name, start, end, protection, setMax }) =>
    withMap(kernel, name, (map) => {
      if (!permits(VM_PROT_ALL, protection)) return rejected('MAP-PROT-1');
      const range = clamp(map, start, end);
      return whenSettled(map, range, 'wiring', () =>
        kern(vmMapProtect(kernel, map, range, { protection, setMax })),
      );
    }),

  vm_map_inherit: (kernel, { map: name, start, end, inheritance }) =>
    withMap(kernel, name, (map) => {
      if (inheritance < 0 || inheritance > VM_INHERIT_NONE) return kern(KERN_INVALID_ARGUMENT);
      const range = clamp(map, start, end);
      return whenSettled(map, range, 'wiring', () => kern(vmMapInherit(kernel, map, range, inheritance)));
    }),

  vm_map_pageable: (kernel, { map: name, start, end, pageable }, number) =>
    withMap(kernel, name, (map) => {
      if (!pageable) return wire(kernel, map, { start, end, operation: number, point: 'Y-MAP-TRANS' });
      const range = clamp(map, start, end);
      return whenSettled(map, range, 'wiring', () => kern(vmMapUnwire(kernel, map, range)));
    }),

  vm_map_remove: (kernel, { map: name, start, end }) =>
    withMap(kernel, name, (map) => {
      const range = clamp(map, start, end);
      if (freesDirectory(kernel, map, range)) return FREES_DIRECTORY;
      return whenSettled(map, range, 'any', () =>
        freesDirectory(kernel, map, range) ? FREES_DIRECTORY : kern(vmMapRemove(kernel, map, range)),
      );
    }),

  vm_map_delete: (kernel, { map: name, start, end }) =>
    withMap(kernel, name, (map) => {
      if (!isPageAligned(start) || !isPageAligned(end)) return rejected('MAP-0');
      if (start < map.min || start > end || end > map.max) return rejected('MAP-CLAMP');
      if (meetsTransition(map, start, end, 'any')) return rejected('MAP-TRANS-1');
      if (freesDirectory(kernel, map, { start, end })) return FREES_DIRECTORY;
      return kern(vmMapDelete(kernel, map, start, end));
    }),

  vm_map_check_protection: (kernel, { map: name, start, end, protection }) =>
    withMap(kernel, name, (map) => flag(vmMapCheckProtection(map, start, end, protection))),

  vm_map_simplify: (kernel, { map: name, start }) =>
    withMap(kernel, name, (map) => {
      vmMapSimplify(kernel, map, start);
      return done;
    }),
};

/** The object that the caller of an insertion brings along, with a reference for the entry. */
function takeObject(kernel: Kernel, kind: InsertedObject, length: number): VmObject | null {
  if (kind === 'null') return null;
  if (kind === 'anon') return vmObjectAllocate(kernel, bytes(length));
  const object = kind === 'kernel' ? kernel.kernelObject : kernel.kmemObject;
  vmObjectReference(kernel, object);
  return object;
}

/** True while an operation on the map has not returned yet. */
function isInUse({ sched }: Kernel, map: VmMap): boolean {
  for (const operation of sched.inFlight()) if ('map' in operation && operation.map === map.name) return true;
  return false;
}

function* wire(kernel: Kernel, map: VmMap, range: Parameters<typeof vmMapWire>[2]): Continuation {
  return kern(yield* vmMapWire(kernel, map, range));
}
