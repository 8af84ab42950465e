/** Every call into the subsystem as plain JSON, tagged with its C name. */
import type { PmapOperation } from './pmap.ts';
import type { SchedOperation } from './sched.ts';
import type { VmFaultOperation } from './vm-fault.ts';
import type { VmKernOperation } from './vm-kern.ts';
import type { VmMapOperation } from './vm-map.ts';
import type { VmPageOperation } from './vm-page.ts';

export type Operation =
  | VmKernOperation
  | VmMapOperation
  | VmPageOperation
  | VmFaultOperation
  | PmapOperation
  | SchedOperation;

export type OperationKind = Operation['kind'];

type IfOfKind<Member, Kind> = Member extends { readonly kind: infer Kinds }
  ? Kind extends Kinds
    ? Member
    : never
  : never;

/** The operation data of one kind; also where one interface serves several kinds. */
export type OperationOf<Kind extends OperationKind> = IfOfKind<Operation, Kind>;

/** What the value of an operation's field means; drives parsing, printing and shrinking alike. */
export type FieldMeaning =
  | 'map'
  | 'new-map'
  | 'address'
  | 'size'
  | 'offset'
  | 'protection'
  | 'inheritance'
  | 'flag'
  | 'object'
  | 'byte'
  | 'bytes'
  | 'length'
  | 'frame'
  | 'operation'
  /** A pmap; of fields that may be absent, which then means the kernel's. */
  | 'pmap'
  | 'new-pmap'
  /** Absent: supervisor. */
  | 'mode';

/** Fields that may be absent, by kind. */
export const OPTIONAL_FIELDS: { readonly [Kind in OperationKind]?: readonly string[] } = {
  cpu_read: ['mode'],
  cpu_write: ['mode'],
  pmap_enter: ['pmap'],
  pmap_remove: ['pmap'],
  pmap_protect: ['pmap'],
  pmap_change_wiring: ['pmap'],
  pmap_extract: ['pmap'],
};

/**
 * Each operation kind's fields in C argument order. Adding a kind without its row, or a row with a wrong field,
 * does not compile.
 */
export const OPERATION_FIELDS: {
  readonly [Kind in OperationKind]: {
    readonly [Field in Exclude<keyof OperationOf<Kind>, 'kind'>]-?: FieldMeaning;
  };
} = {
  kmem_alloc_pageable: { map: 'map', size: 'size' },
  kmem_alloc: { map: 'map', size: 'size' },
  kmem_malloc: { map: 'map', size: 'size', canWait: 'flag' },
  kmem_alloc_wait: { map: 'map', size: 'size' },
  kmem_free: { map: 'map', address: 'address', size: 'size' },
  kmem_free_wakeup: { map: 'map', address: 'address', size: 'size' },
  kmem_suballoc: { name: 'new-map', parent: 'map', size: 'size', pageable: 'flag' },
  vm_map_create: { name: 'new-map', min: 'address', max: 'address', pageable: 'flag' },
  vm_map_deallocate: { map: 'map' },
  vm_map_insert: { map: 'map', object: 'object', offset: 'offset', start: 'address', end: 'address' },
  vm_map_findspace: { map: 'map', start: 'address', length: 'size' },
  vm_map_find: {
    map: 'map',
    object: 'object',
    offset: 'offset',
    address: 'address',
    length: 'size',
    findSpace: 'flag',
  },
  vm_map_lookup_entry: { map: 'map', address: 'address' },
  vm_map_submap: { map: 'map', start: 'address', end: 'address', submap: 'map' },
  vm_map_protect: { map: 'map', start: 'address', end: 'address', protection: 'protection', setMax: 'flag' },
  vm_map_inherit: { map: 'map', start: 'address', end: 'address', inheritance: 'inheritance' },
  vm_map_pageable: { map: 'map', start: 'address', end: 'address', pageable: 'flag' },
  vm_map_remove: { map: 'map', start: 'address', end: 'address' },
  vm_map_delete: { map: 'map', start: 'address', end: 'address' },
  vm_map_check_protection: { map: 'map', start: 'address', end: 'address', protection: 'protection' },
  vm_map_simplify: { map: 'map', start: 'address' },
  vm_page_deactivate: { map: 'map', address: 'address' },
  vm_fault: { map: 'map', address: 'address', protection: 'protection' },
  checked_read: { map: 'map', address: 'address' },
  checked_write: { map: 'map', address: 'address', byte: 'byte' },
  cpu_read: { mode: 'mode', address: 'address', length: 'length' },
  cpu_write: { mode: 'mode', address: 'address', bytes: 'bytes' },
  pmap_create: { name: 'new-pmap', size: 'size' },
  pmap_pinit: { name: 'new-pmap' },
  pmap_reference: { pmap: 'pmap' },
  pmap_destroy: { pmap: 'pmap' },
  pmap_release: { pmap: 'pmap' },
  pmap_activate: { pmap: 'pmap' },
  tlb_evict: { start: 'address', end: 'address' },
  pmap_enter: { pmap: 'pmap', address: 'address', frame: 'frame', protection: 'protection', wired: 'flag' },
  pmap_kenter: { address: 'address', frame: 'frame' },
  pmap_remove: { pmap: 'pmap', start: 'address', end: 'address' },
  pmap_protect: { pmap: 'pmap', start: 'address', end: 'address', protection: 'protection' },
  pmap_page_protect: { frame: 'frame', protection: 'protection' },
  pmap_change_wiring: { pmap: 'pmap', address: 'address', wired: 'flag' },
  pmap_extract: { pmap: 'pmap', address: 'address' },
  pmap_is_modified: { frame: 'frame' },
  pmap_is_referenced: { frame: 'frame' },
  pmap_clear_modify: { frame: 'frame' },
  pmap_clear_reference: { frame: 'frame' },
  pmap_zero_page: { frame: 'frame' },
  pmap_copy_page: { from: 'frame', to: 'frame' },
  pmap_update: {},
  pagedaemon: {},
  resume: { operation: 'operation' },
};

/** All operation kinds, in the order of the table above. */
export const OPERATION_KINDS = Object.keys(OPERATION_FIELDS) as readonly OperationKind[];
