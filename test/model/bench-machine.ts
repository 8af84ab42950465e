/** A small machine with the reference model on it, for worked examples: page n of the kernel map is at(n). */
import {
  address,
  byteDistance,
  bytes,
  objectOffset,
  pages,
  type VirtualAddress,
} from '../../contract/address.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import type { Operation, OperationOf } from '../../contract/operation.ts';
import type { Outcome, Step } from '../../contract/outcome.ts';
import type { EntrySnapshot, MapName } from '../../contract/vm-map.ts';
import type { ObjectSnapshot } from '../../contract/vm-object.ts';
import type { MapEvent } from '../../model/map-event.ts';
import { bootReference, type OpenReference } from '../../model/reference-kernel.ts';

/** Start of the kernel map. */
export const BASE = 0xf000_0000;

/** Address of the nth page of the kernel map. */
export const at = (page: number): VirtualAddress => address(BASE + pages(page));

/** Twelve frames, 64 pages of kernel map, no boot entry. */
export const SMALL: MachineConfig = {
  managedPages: 12,
  deviceFrames: 2,
  kernelMin: at(0),
  kernelStart: at(0),
  kernelMax: at(64),
  mapEntries: 40,
  staticMaps: 10,
  kmemObjectSize: bytes(2359296),
  freeMin: 0,
  freeTarget: 0,
  inactiveTarget: 0,
  reserved: [],
  scratchPages: 0,
  scratchWindow: null,
};

/** One booted machine that numbers its operations itself. */
export interface Bench {
  readonly kernel: OpenReference;
  readonly events: MapEvent[];
  /** Number of the last operation. */
  last(): number;
  step(operation: Operation): Step;
  run(operation: Operation): Outcome;
  /** Entries of a map as `start-end` in pages of the kernel map, with what backs them. */
  entries(map?: MapName): string[];
  entry(map: MapName, page: number): EntrySnapshot;
  object(name: string): ObjectSnapshot;
  free(): readonly number[];
}

/** Boots SMALL with changes. */
export function bench(changes: Partial<MachineConfig> = {}): Bench {
  const events: MapEvent[] = [];
  const kernel = bootReference({ ...SMALL, ...changes }, { onMapEvent: (event) => events.push(event) });
  let number = 0;
  const step = (operation: Operation): Step => {
    number += 1;
    return kernel.apply(operation, number);
  };
  const entriesOf = (map: MapName) => kernel.cell(`map:${map}`)?.entries ?? [];
  return {
    kernel,
    events,
    last: () => number,
    step,
    run: (operation) => step(operation).outcome,
    entries: (map = 'kernel') => entriesOf(map).map(describe),
    entry: (map, page) => {
      const found = entriesOf(map).find(({ start, end }) => start <= at(page) && at(page) < end);
      if (found === undefined) throw new Error(`no entry at page ${page} of ${map}`);
      return found;
    },
    object: (name) => {
      const found = kernel.cell(`object:${name}`);
      if (found === null) throw new Error(`no object ${name}`);
      return found;
    },
    free: () => kernel.cell('queue:free'),
  };
}

function describe({ start, end, backing }: EntrySnapshot): string {
  const page = (where: VirtualAddress) => byteDistance(at(0), where) / 4096;
  const what = backing === null ? 'null' : 'object' in backing ? backing.object : `submap ${backing.submap}`;
  return `${page(start)}-${page(end)} ${what}`;
}

export const alloc = (count: number, map = 'kernel'): Operation => ({
  kind: 'kmem_alloc',
  map,
  size: pages(count),
});
export const allocPageable = (count: number, map = 'kernel'): Operation => ({
  kind: 'kmem_alloc_pageable',
  map,
  size: pages(count),
});
export const allocWait = (count: number, map: MapName): Operation => ({
  kind: 'kmem_alloc_wait',
  map,
  size: pages(count),
});
export const malloc = (count: number, canWait = false, map = 'kmem'): Operation => ({
  kind: 'kmem_malloc',
  map,
  size: pages(count),
  canWait,
});
export const free = (page: number, count: number, map = 'kernel'): Operation => ({
  kind: 'kmem_free',
  map,
  address: at(page),
  size: pages(count),
});
export const suballoc = (name: MapName, count: number, parent = 'kernel'): Operation => ({
  kind: 'kmem_suballoc',
  name,
  parent,
  size: pages(count),
  pageable: false,
});
export const insert = (
  start: number,
  end: number,
  object: 'null' | 'kernel' | 'kmem' | 'anon' = 'null',
  map = 'kernel',
  offset = 0,
): Operation => ({
  kind: 'vm_map_insert',
  map,
  object,
  offset: objectOffset(offset),
  start: at(start),
  end: at(end),
});
export const wire = (start: number, end: number, map = 'kernel'): Operation => ({
  kind: 'vm_map_pageable',
  map,
  start: at(start),
  end: at(end),
  pageable: false,
});
export const unwire = (start: number, end: number, map = 'kernel'): Operation => ({
  kind: 'vm_map_pageable',
  map,
  start: at(start),
  end: at(end),
  pageable: true,
});
export const protect = (
  start: number,
  end: number,
  protection: number,
  setMax = false,
): OperationOf<'vm_map_protect'> => ({
  kind: 'vm_map_protect',
  map: 'kernel',
  start: at(start),
  end: at(end),
  protection,
  setMax,
});
export const write = (page: number, byte: number, map = 'kernel'): Operation => ({
  kind: 'checked_write',
  map,
  address: at(page),
  byte,
});
export const read = (page: number, map = 'kernel'): Operation => ({
  kind: 'checked_read',
  map,
  address: at(page),
});
export const resume = (operation: number): Operation => ({ kind: 'resume', operation });
export const pagedaemon: Operation = { kind: 'pagedaemon' };
export const addressAt = (page: number): Outcome => ({ kind: 'address', address: at(page) });
