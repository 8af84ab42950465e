/** Pages, page queues and frame contents (vm_page.c). */
import { type FrameNumber, type ObjectOffset, PAGE_SIZE } from '../contract/address.ts';
import { FREED_FILL } from '../contract/machine.ts';
import { flag, type Outcome, PANIC, rejected } from '../contract/outcome.ts';
import type { VmPageDeactivate } from '../contract/vm-page.ts';
import { mappingAt, pmapClearReference } from './pmap.ts';
import {
  assert,
  cite,
  type FrameContents,
  isManaged,
  type ModelState,
  mapNamed,
  stopMachine,
  touch,
  type VmObject,
  type VmPage,
} from './state.ts';

/** The page resident at an offset of an object. */
export function vmPageLookup(state: ModelState, object: VmObject, offset: ObjectOffset): VmPage | undefined {
  cite(state, 'PAGE-LOOKUP-1');
  return object.pages.find((page) => page.offset === offset);
}

/** The page that a managed frame holds; undefined while the frame is free. */
export function pageOfFrame(state: ModelState, frame: FrameNumber): VmPage | undefined {
  for (const object of state.objects) {
    const page = object.pages.find((candidate) => candidate.frame === frame);
    if (page !== undefined) return page;
  }
  return undefined;
}

/**
 * vm_page_alloc: the longest-free frame becomes the page at (object, offset), on no queue, with whatever it held.
 * Undefined when FREE is empty; the daemon is not told of that.
 */
export function vmPageAlloc(state: ModelState, object: VmObject, offset: ObjectOffset): VmPage | undefined {
  const frame = state.queues.free[0];
  if (frame === undefined) {
    cite(state, 'PAGE-ALLOC-1');
    return undefined;
  }
  cite(state, 'PAGE-ALLOC-2');
  state.queues.free.shift();
  const page: VmPage = { frame, offset, wireCount: 0 };
  object.pages.push(page);
  contentsOf(state, frame).undefinedFill = true;
  touch(state, 'queue:free', 'counters', `object:${object.name}`);
  pokeDaemonWhenLow(state);
  return page;
}

function pokeDaemonWhenLow(state: ModelState): void {
  const { freeMin, freeTarget, inactiveTarget } = state.machine;
  const { free, inactive } = state.queues;
  if (free.length < freeMin || (free.length < freeTarget && inactive.length < inactiveTarget)) {
    cite(state, 'PAGE-ALLOC-3');
    state.step.daemonPoked = true;
  }
}

/** vm_page_free: the frame goes to the tail of FREE; its wire count is forgotten, not given back. */
export function vmPageFree(state: ModelState, object: VmObject, page: VmPage): void {
  cite(state, 'PAGE-FREE-1');
  const at = object.pages.indexOf(page);
  assert(at >= 0, `page of frame ${page.frame} is freed out of the object that holds it`);
  leaveQueues(state, page);
  object.pages.splice(at, 1);
  if (page.wireCount > 0) state.freedWhileWired += 1;
  fillFrame(state, page.frame, FREED_FILL);
  state.queues.free.push(page.frame);
  touch(state, 'queue:free', 'counters', `object:${object.name}`);
}

/** Takes a page off ACTIVE or INACTIVE, if it is on one. */
export function leaveQueues(state: ModelState, page: VmPage): void {
  for (const name of ['active', 'inactive'] as const) {
    const at = state.queues[name].indexOf(page.frame);
    if (at < 0) continue;
    state.queues[name].splice(at, 1);
    touch(state, `queue:${name}`, 'counters');
    touchPage(state, page);
  }
}

function joinQueue(state: ModelState, page: VmPage, name: 'active' | 'inactive'): void {
  state.queues[name].push(page.frame);
  touch(state, `queue:${name}`, 'counters');
  touchPage(state, page);
}

/** Notes that a page's wire count or queue may have changed. */
function touchPage(state: ModelState, page: VmPage): void {
  const holder = state.objects.find((object) => object.pages.includes(page));
  assert(holder !== undefined, `the page of frame ${page.frame} has an object`);
  touch(state, `object:${holder.name}`);
}

/** vm_page_wire: one more holder; a wired page is on no queue. */
export function vmPageWire(state: ModelState, page: VmPage): void {
  cite(state, 'PAGE-WIRE-1');
  if (page.wireCount === 0) leaveQueues(state, page);
  page.wireCount += 1;
  touch(state, 'counters');
  touchPage(state, page);
}

/** vm_page_unwire: one holder fewer; the last one leaves the page on ACTIVE. A nowait page had none to begin with. */
export function vmPageUnwire(state: ModelState, page: VmPage): void {
  cite(state, 'PAGE-WIRE-2');
  const { active, inactive } = state.queues;
  if (page.wireCount > 0) page.wireCount -= 1;
  const queued = active.includes(page.frame) || inactive.includes(page.frame);
  if (page.wireCount === 0 && !queued) joinQueue(state, page, 'active');
  else touchPage(state, page);
}

/** vm_page_activate: to the tail of ACTIVE, unless the page is wired. */
export function vmPageActivate(state: ModelState, page: VmPage): void {
  cite(state, 'PAGE-ACT-1');
  if (state.queues.inactive.includes(page.frame)) leaveQueues(state, page);
  if (page.wireCount > 0) return;
  if (state.queues.active.includes(page.frame)) stopMachine(PANIC.pageAlreadyActive);
  joinQueue(state, page, 'active');
}

/** vm_page_deactivate of the page mapped at an address: from ACTIVE to the tail of INACTIVE, no longer referenced. */
export function vmPageDeactivate(state: ModelState, { map: name, address }: VmPageDeactivate): Outcome {
  if (mapNamed(state, name) === undefined) return rejected('CONV-4');
  const mapping = mappingAt(state, address);
  if (mapping === undefined || !isManaged(state, mapping.frame)) return flag(false);
  const page = pageOfFrame(state, mapping.frame);
  if (page !== undefined && state.queues.active.includes(page.frame)) {
    cite(state, 'PAGE-ACT-2');
    pmapClearReference(state, page.frame);
    leaveQueues(state, page);
    joinQueue(state, page, 'inactive');
  }
  return flag(true);
}

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

/** One byte of a frame; `defined` is false where its value means nothing (DC-9). */
export function readByte(
  state: ModelState,
  frame: FrameNumber,
  position: number,
): { readonly byte: number; readonly defined: boolean } {
  const { fill, writes, undefinedFill } = contentsOf(state, frame);
  const written = writes.get(position);
  return { byte: written ?? fill, defined: written !== undefined || !undefinedFill };
}

/** Stores one byte of a frame. */
export function writeByte(state: ModelState, frame: FrameNumber, position: number, byte: number): void {
  assert(position < PAGE_SIZE, `position ${position} lies in a frame`);
  contentsOf(state, frame).writes.set(position, byte);
}
