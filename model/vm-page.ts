/** Pages, page queues and frame contents (vm_page.c). */
import type { FrameNumber, ObjectOffset, VirtualAddress } from '../contract/address.ts';
import { FREED_FILL } from '../contract/machine.ts';
import { PANIC } from '../contract/outcome.ts';
import type { PageSnapshot } from '../contract/vm-page.ts';
import { assert, cite, isManaged, stopMachine, touch } from './bookkeeping.ts';
import { mappingAt, pmapClearBit } from './pmap-mapping.ts';
import type { FrameContents, ModelState, Rule, VmObject, VmPage } from './state.ts';

/** The page resident at an offset of an object. */
export function vmPageLookup(state: ModelState, object: VmObject, offset: ObjectOffset): VmPage | undefined {
  cite(state, 'PAGE-LOOKUP-1');
  return object.pages.find((page) => page.offset === offset);
}

/** The page mapped at an address; undefined also where a device frame is. */
export function mappedPage(state: ModelState, address: VirtualAddress): VmPage | undefined {
  const frame = mappingAt(state, address)?.frame;
  if (frame === undefined || !isManaged(state, frame)) return undefined;
  for (const { pages } of state.objects) for (const page of pages) if (page.frame === frame) return page;
  return undefined;
}

/** vm_page_alloc: the longest-free frame, as it is, becomes the page at (object, offset); undefined if FREE is empty. */
export function vmPageAlloc(state: ModelState, object: VmObject, offset: ObjectOffset): VmPage | undefined {
  const { free, inactive } = state.queues;
  const frame = free.shift();
  if (frame === undefined) return cite(state, 'PAGE-ALLOC-1', undefined);
  cite(state, 'PAGE-ALLOC-2');
  const page: VmPage = { object, offset, frame, wireCount: 0 };
  object.pages.push(page);
  contentsOf(state, frame).undefinedFill = true;
  touch(state, 'queue:free', object);
  const { freeMin, freeTarget, inactiveTarget } = state.machine;
  if (free.length < freeMin || (free.length < freeTarget && inactive.length < inactiveTarget))
    state.step.daemonPoked = cite(state, 'PAGE-ALLOC-3', true);
  return page;
}

/** vm_page_free: the frame goes to the tail of FREE; its wire count is forgotten, not given back. */
export function vmPageFree(state: ModelState, page: VmPage): void {
  cite(state, 'PAGE-FREE-1');
  leaveQueues(state, page);
  const { object } = page;
  object.pages.splice(object.pages.indexOf(page), 1);
  if (page.wireCount > 0) state.freedWhileWired += 1;
  fillFrame(state, page.frame, FREED_FILL);
  state.queues.free.push(page.frame);
  touch(state, 'queue:free', object);
}

/** The paging queue that a page is on. */
export function queueOf({ queues }: ModelState, { frame }: VmPage): PageSnapshot['queue'] {
  if (queues.active.includes(frame)) return 'active';
  return queues.inactive.includes(frame) ? 'inactive' : 'none';
}

/** Takes a page off ACTIVE or INACTIVE, if it is on one. */
export function leaveQueues(state: ModelState, page: VmPage): void {
  const name = queueOf(state, page);
  if (name === 'none') return;
  const queue = state.queues[name];
  queue.splice(queue.indexOf(page.frame), 1);
  touch(state, `queue:${name}`, page.object);
}

function joinQueue(state: ModelState, page: VmPage, name: 'active' | 'inactive'): void {
  state.queues[name].push(page.frame);
  touch(state, `queue:${name}`, page.object);
}

/** vm_page_wire: one more holder; a wired page is on no queue. */
export function vmPageWire(state: ModelState, page: VmPage): void {
  cite(state, 'PAGE-WIRE-1');
  if (page.wireCount === 0) leaveQueues(state, page);
  page.wireCount += 1;
  touch(state, page.object);
}

/** vm_page_unwire: one holder fewer; the last one leaves the page on ACTIVE. A nowait page had none to begin with. */
export function vmPageUnwire(state: ModelState, page: VmPage): void {
  cite(state, 'PAGE-WIRE-2');
  if (page.wireCount > 0) page.wireCount -= 1;
  touch(state, page.object);
  const queued = queueOf(state, page) !== 'none';
  if (page.wireCount === 0 && !queued) joinQueue(state, page, 'active');
}

/** vm_page_activate: to the tail of ACTIVE, unless the page is wired. */
export function vmPageActivate(state: ModelState, page: VmPage): void {
  cite(state, 'PAGE-ACT-1');
  const queue = queueOf(state, page);
  if (queue === 'inactive') leaveQueues(state, page);
  if (page.wireCount > 0) return;
  if (queue === 'active') stopMachine(PANIC.pageAlreadyActive);
  joinQueue(state, page, 'active');
}

/** vm_page_deactivate of the page mapped at an address: from ACTIVE to the tail of INACTIVE, no longer referenced. */
export const vmPageDeactivate: Rule<'vm_page_deactivate'> = (state, { address }) => {
  const page = mappedPage(state, address);
  if (page === undefined || queueOf(state, page) !== 'active') return page !== undefined;
  cite(state, 'PAGE-ACT-2');
  pmapClearBit(state, page.frame, 'accessed');
  leaveQueues(state, page);
  joinQueue(state, page, 'inactive');
  return true;
};

/** vm_page_zero_fill: 4096 zero bytes, all of them defined. */
export function vmPageZeroFill(state: ModelState, page: VmPage): void {
  cite(state, 'PAGE-FILL-1');
  fillFrame(state, page.frame, 0);
}

/** The contents record of a frame, device frames included. */
export function contentsOf(state: ModelState, frame: FrameNumber): FrameContents {
  const contents = state.frames[frame];
  assert(contents !== undefined, `frame ${frame} exists`);
  return contents;
}

/** Gives every byte of a frame one value. */
export function fillFrame(state: ModelState, frame: FrameNumber, fill: number): void {
  const contents = contentsOf(state, frame);
  contents.fill = fill;
  contents.writes.clear();
  contents.undefinedFill = false;
}
