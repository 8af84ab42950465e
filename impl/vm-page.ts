/**
 * The resident-page table (vm_page.c): which (object, offset) each managed frame holds, its wire count and flags.
 *
 * Fast because every attribute is a typed column, lookup is a hash probe, and each object's pages form an intrusive
 * list in insertion order (memq). Must stay in step: object, index, memq links, the object's resident count, queue.
 */
import { type FrameNumber, frameNumber, type ObjectOffset } from '../contract/address.ts';
import { FREED_FILL, type MachineConfig } from '../contract/machine.ts';
import { PANIC } from '../contract/outcome.ts';
import { type ChangeLog, PART } from './change-log.ts';
import type { Kernel } from './kernel.ts';
import { PageIndex } from './page-index.ts';
import { PageQueues, QUEUE, type Queue } from './page-queues.ts';
import { KernelPanic } from './panic.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { VmObject } from './vm-object.ts';

/** Page flags. CLEAN, FAKE and LAUNDRY are internal and never compared. */
export const PAGE_FLAG = { busy: 1, wanted: 2, clean: 4, fake: 8, laundry: 16 } as const;

/** Queue to the bit of the change log that stands for its cell. */
const QUEUE_PART: Readonly<Record<Queue, number>> = {
  [QUEUE.none]: 0,
  [QUEUE.free]: PART.free,
  [QUEUE.active]: PART.active,
  [QUEUE.inactive]: PART.inactive,
};

const END = -1;

export class PageTable {
  /** v_wire_count: pages wired, plus those that were freed wired. */
  wired = 0;
  readonly queues: PageQueues;
  readonly #memory: PhysicalMemory;
  readonly #changes: ChangeLog;
  readonly #index: PageIndex;
  readonly #object: (VmObject | null)[];
  readonly #offset: Float64Array;
  /** Increases with every insertion into any object, so that it orders the pages of one object. */
  readonly #sequence: Float64Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #wireCount: Uint16Array;
  readonly #flags: Uint8Array;
  #insertions = 0;

  constructor(memory: PhysicalMemory, changes: ChangeLog, { managedPages }: MachineConfig) {
    this.#memory = memory;
    this.#changes = changes;
    this.queues = new PageQueues(managedPages);
    this.#index = new PageIndex(managedPages);
    this.#object = new Array<VmObject | null>(managedPages).fill(null);
    this.#offset = new Float64Array(managedPages);
    this.#sequence = new Float64Array(managedPages);
    this.#next = new Int32Array(managedPages).fill(END);
    this.#previous = new Int32Array(managedPages).fill(END);
    this.#wireCount = new Uint16Array(managedPages);
    this.#flags = new Uint8Array(managedPages);
    for (let page = 0; page < managedPages; page++) {
      this.queues.append(QUEUE.free, frameNumber(page));
    }
  }

  objectOf(page: FrameNumber): VmObject | null {
    return this.#object[page] as VmObject | null;
  }

  offsetOf(page: FrameNumber): ObjectOffset {
    return this.#offset[page] as ObjectOffset;
  }

  wireCountOf(page: FrameNumber): number {
    return this.#wireCount[page] as number;
  }

  hasFlag(page: FrameNumber, flag: number): boolean {
    return ((this.#flags[page] as number) & flag) !== 0;
  }

  /** Position of a page in the insertion order of its object, as a number to sort by (CONV-7). */
  sequenceOf(page: FrameNumber): number {
    return this.#sequence[page] as number;
  }

  /** vm_page_lookup (PAGE-LOOKUP-1). */
  lookup(object: VmObject, offset: ObjectOffset): FrameNumber | undefined {
    return this.#index.lookup(object.serial, offset);
  }

  /** The page behind `page` in its object's insertion order. */
  nextInObject(page: FrameNumber): FrameNumber | undefined {
    const next = this.#next[page] as FrameNumber;
    return next === END ? undefined : next;
  }

  /** vm_page_alloc: the longest-free frame, busy, contents as they are; undefined when FREE is empty (PAGE-ALLOC-1, 2). */
  allocate(object: VmObject, offset: ObjectOffset): FrameNumber | undefined {
    const page = this.queues.head(QUEUE.free);
    if (page === undefined) return undefined;
    this.#leaveQueue(page);
    this.#flags[page] = PAGE_FLAG.busy | PAGE_FLAG.clean | PAGE_FLAG.fake;
    this.#wireCount[page] = 0;
    this.insert(page, object, offset);
    return page;
  }

  /** vm_page_insert: gives a page without object its identity, at the end of the object's list. */
  insert(page: FrameNumber, object: VmObject, offset: ObjectOffset): void {
    if (this.#object[page] !== null) throw new KernelPanic(PANIC.pageAlreadyInserted);
    const last = object.lastPage;
    this.#object[page] = object;
    this.#offset[page] = offset;
    this.#sequence[page] = this.#insertions++;
    this.#previous[page] = last ?? END;
    this.#next[page] = END;
    if (last === undefined) object.firstPage = page;
    else this.#next[last] = page;
    object.lastPage = page;
    object.residentCount++;
    this.#index.insert(page, object.serial, offset);
    this.#changes.object(object);
  }

  /** vm_page_free: to the tail of FREE, poisoned. Wire count and v_wire stay (PAGE-FREE-1, Q-24). */
  free(page: FrameNumber): void {
    this.#removeFromObject(page);
    this.leavePagingQueue(page);
    this.#memory.fill(page, FREED_FILL);
    this.#flags[page] = 0;
    this.#enterQueue(QUEUE.free, page);
  }

  /** vm_page_wire (PAGE-WIRE-1). */
  wire(page: FrameNumber): void {
    const count = this.wireCountOf(page);
    if (count === 0) {
      this.leavePagingQueue(page);
      this.#addWired(1);
    }
    this.#wireCount[page] = count + 1;
    this.#markPage(page);
  }

  /** vm_page_unwire; a nowait page has count 0 and just becomes pageable (PAGE-WIRE-2, DEV-6). */
  unwire(page: FrameNumber): void {
    const count = this.wireCountOf(page);
    if (count > 0) this.#wireCount[page] = count - 1;
    if (count === 1) this.#addWired(-1);
    if (count <= 1 && this.queues.queueOf(page) === QUEUE.none) this.#enterQueue(QUEUE.active, page);
    this.#markPage(page);
  }

  /** vm_page_activate (PAGE-ACT-1). */
  activate(page: FrameNumber): void {
    if (this.queues.queueOf(page) === QUEUE.inactive) this.#leaveQueue(page);
    if (this.wireCountOf(page) > 0) return;
    if (this.queues.queueOf(page) === QUEUE.active) throw new KernelPanic(PANIC.pageAlreadyActive);
    this.#enterQueue(QUEUE.active, page);
  }

  /** Moves an active page to the tail of INACTIVE; `written` says whether some mapping has D (PAGE-ACT-2). */
  moveToInactive(page: FrameNumber, { written }: { written: boolean }): void {
    this.#leaveQueue(page);
    this.#enterQueue(QUEUE.inactive, page);
    if (written) this.noteWritten(page);
    if (!this.hasFlag(page, PAGE_FLAG.clean)) this.setFlag(page, PAGE_FLAG.laundry);
  }

  /** Takes a page off ACTIVE or INACTIVE, if it is on one. */
  leavePagingQueue(page: FrameNumber): void {
    if (this.queues.queueOf(page) !== QUEUE.none) this.#leaveQueue(page);
  }

  /** vm_page_zero_fill (PAGE-FILL-1). */
  zeroFill(page: FrameNumber): void {
    this.#memory.fill(page, 0);
    this.noteWritten(page);
  }

  /** Remembers that a page has been written since it was last cleaned. */
  noteWritten(page: FrameNumber): void {
    this.clearFlag(page, PAGE_FLAG.clean);
  }

  setFlag(page: FrameNumber, flag: number): void {
    this.#flags[page] = (this.#flags[page] as number) | flag;
    this.#markPage(page);
  }

  clearFlag(page: FrameNumber, flag: number): void {
    this.#flags[page] = (this.#flags[page] as number) & ~flag;
    this.#markPage(page);
  }

  #removeFromObject(page: FrameNumber): void {
    const object = this.objectOf(page);
    if (object === null) throw new Error(`page ${page} has no object to leave`);
    const next = this.#next[page] as FrameNumber;
    const previous = this.#previous[page] as FrameNumber;
    if (previous === END) object.firstPage = next === END ? undefined : next;
    else this.#next[previous] = next;
    if (next === END) object.lastPage = previous === END ? undefined : previous;
    else this.#previous[next] = previous;
    object.residentCount--;
    this.#index.remove(page);
    this.#object[page] = null;
    this.#changes.object(object);
  }

  #enterQueue(queue: Queue, page: FrameNumber): void {
    this.queues.append(queue, page);
    this.#changes.part(PART.counters | QUEUE_PART[queue]);
    this.#markPage(page);
  }

  #leaveQueue(page: FrameNumber): void {
    const queue = this.queues.queueOf(page);
    this.queues.remove(page);
    this.#changes.part(PART.counters | QUEUE_PART[queue]);
    this.#markPage(page);
  }

  #addWired(change: 1 | -1): void {
    this.wired += change;
    this.#changes.part(PART.counters);
  }

  #markPage(page: FrameNumber): void {
    const object = this.objectOf(page);
    if (object !== null) this.#changes.object(object);
  }
}

/** vm_page_alloc with its call for help: pokes the page-out daemon when few pages are left (PAGE-ALLOC-1 to 3). */
export function vmPageAlloc(
  { pages, sched, config }: Kernel,
  object: VmObject,
  offset: ObjectOffset,
): FrameNumber | undefined {
  const page = pages.allocate(object, offset);
  if (page === undefined) return undefined;
  const free = pages.queues.count(QUEUE.free);
  const inactive = pages.queues.count(QUEUE.inactive);
  if (free < config.freeMin || (free < config.freeTarget && inactive < config.inactiveTarget))
    sched.pokeDaemon();
  return page;
}

/** vm_page_deactivate: only an active page moves, and its mappings forget that it was referenced (PAGE-ACT-2). */
export function vmPageDeactivate({ pages, pmap }: Kernel, page: FrameNumber): void {
  if (pages.queues.queueOf(page) !== QUEUE.active) return;
  pmap.clearReference(page);
  pages.moveToInactive(page, { written: pmap.isModified(page) });
}
