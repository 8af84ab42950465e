/**
 * The whole state of one machine, as every module of this implementation sees it, and its boot (SPEC §2).
 *
 * `maps` and `objects` hold the live ones in creation order.
 */
import { byteDistance, objectOffset, PAGE_SIZE, pages } from '../contract/address.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { ObjectName } from '../contract/vm-object.ts';
import { ChangeLog } from './change-log.ts';
import { kernelPageTables, type PageTables } from './page-tables.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { Pmap } from './pmap.ts';
import { PvTable } from './pv-table.ts';
import { Scheduler } from './sched.ts';
import { Spaces } from './spaces.ts';
import { Tlb } from './tlb.ts';
import { VmMap, vmMapFind, vmMapInsert } from './vm-map.ts';
import { VmObject, vmObjectReference } from './vm-object.ts';
import { PAGE_FLAG, PageTable } from './vm-page.ts';

export interface Kernel {
  readonly config: MachineConfig;
  readonly changes: ChangeLog;
  readonly memory: PhysicalMemory;
  /** Those of the kernel pmap. */
  readonly tables: PageTables;
  readonly pv: PvTable;
  readonly pages: PageTable;
  /** The kernel pmap. */
  readonly pmap: Pmap;
  readonly spaces: Spaces;
  readonly tlb: Tlb;
  readonly sched: Scheduler;
  readonly maps: Map<MapName, VmMap>;
  readonly objects: Map<ObjectName, VmObject>;
  readonly kernelMap: VmMap;
  readonly kernelObject: VmObject;
  readonly kmemObject: VmObject;
  /** Anonymous objects allocated since boot (OBJ-1). */
  anonymousObjects: number;
  /** Free static records; null for an unlimited entry pool. */
  freeEntries: number | null;
  freeMaps: number;
  /** Lines printed by the running operation. */
  console: string[];
}

/** Serial numbers of the objects that exist from boot on; anonymous ones count from 1. */
const KERNEL_SERIAL = 0;
const KMEM_SERIAL = -1;
const SCRATCH_SERIAL = -2;

export function bootKernel(config: MachineConfig): Kernel {
  const changes = new ChangeLog();
  const memory = new PhysicalMemory(config);
  const tables = kernelPageTables(memory, config);
  const pv = new PvTable(config.managedPages);
  const pageTable = new PageTable(memory, changes, config);
  const spaces = new Spaces();
  const tlb = new Tlb(tables.directoryBase);
  const pmap = new Pmap({ memory, tables, pv, pages: pageTable, changes, spaces, tlb }, config, null);
  spaces.enroll(pmap);
  const { kernelMin, kernelMax, kmemObjectSize, mapEntries, staticMaps } = config;
  const kernelMap = new VmMap('kernel', { min: kernelMin, max: kernelMax, pageable: false, fromPool: true });
  const kernelObject = new VmObject('kernel', KERNEL_SERIAL, byteDistance(kernelMin, kernelMax));
  const kmemObject = new VmObject('kmem', KMEM_SERIAL, kmemObjectSize);
  const kernel: Kernel = {
    config,
    changes,
    memory,
    tables,
    pv,
    pages: pageTable,
    pmap,
    spaces,
    tlb,
    sched: new Scheduler(changes),
    maps: new Map([[kernelMap.name, kernelMap]]),
    objects: new Map([
      [kernelObject.name, kernelObject],
      [kmemObject.name, kmemObject],
    ]),
    kernelMap,
    kernelObject,
    kmemObject,
    anonymousObjects: 0,
    freeEntries: mapEntries,
    freeMaps: staticMaps - 1,
    console: [],
  };
  vmMapInsert(kernel, kernelMap, { object: null, offset: objectOffset(0) }, kernelMin, config.kernelStart);
  reserveRanges(kernel);
  takeScratchPages(kernel);
  changes.begin();
  return kernel;
}

/** Reservations keep their object reference even where the range is taken already (BOOT-6, Q-22). */
function reserveRanges(kernel: Kernel): void {
  const { kernelMap, kernelObject: object, config } = kernel;
  for (const { start, length } of config.reserved) {
    vmObjectReference(kernel, object);
    const offset = objectOffset(start - config.kernelMin);
    vmMapFind(kernel, kernelMap, { object, offset }, { address: start, length, findSpace: false });
  }
}

function takeScratchPages(kernel: Kernel): void {
  const { pages: pageTable, config, objects } = kernel;
  if (config.scratchPages === 0) return;
  const scratch = new VmObject('scratch', SCRATCH_SERIAL, pages(config.scratchPages));
  objects.set(scratch.name, scratch);
  for (let i = 0; i < config.scratchPages; i++) {
    const page = pageTable.allocate(scratch, objectOffset(i * PAGE_SIZE));
    if (page === undefined) return;
    pageTable.zeroFill(page);
    pageTable.clearFlag(page, PAGE_FLAG.busy | PAGE_FLAG.fake);
    pageTable.wire(page);
  }
}
