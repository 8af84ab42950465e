/** The operations on the kernel pmap itself; what they do is in pmap.ts (pmap.c). */
import { type FrameNumber, isPageAligned, PAGE_SIZE, type VirtualAddress } from '../contract/address.ts';
import { done, flag, none, type Outcome, rejected } from '../contract/outcome.ts';
import type * as Pmap from '../contract/pmap.ts';
import { permits, VM_PROT_ALL } from '../contract/protection.ts';
import {
  clearBit,
  mappingAt,
  pmapChangeWiring,
  pmapClearReference,
  pmapEnter,
  pmapKenter,
  pmapPageProtect,
  pmapProtect,
  pmapRemove,
  pvMappings,
  requirePageTable,
} from './pmap.ts';
import { cite, isManaged, type ModelState } from './state.ts';
import { contentsOf, fillFrame } from './vm-page.ts';

const exists = ({ machine }: ModelState, frame: FrameNumber): boolean =>
  frame >= 0 && frame < machine.managedPages + machine.deviceFrames;

/** The harness may map or fill device frames and its scratch pages only: any other page has an owner (PAGE-FREE-1). */
const isHarnessFrame = (state: ModelState, frame: FrameNumber): boolean =>
  !isManaged(state, frame) || frame < state.machine.scratchPages;

/** Refuses a frame that does not exist, or that the harness must not touch. */
function refuse(state: ModelState, frame: FrameNumber, rule: string): Outcome | undefined {
  if (!exists(state, frame)) return rejected('CONV-4');
  return isHarnessFrame(state, frame) ? undefined : rejected(rule);
}

export function enter(state: ModelState, { address, frame, protection, wired }: Pmap.PmapEnter): Outcome {
  requirePageTable(state, address);
  const refusal = refuse(state, frame, 'PAGE-FREE-1');
  if (refusal !== undefined) return refusal;
  pmapEnter(state, address, { frame, protection, wired });
  return done;
}

export function kenter(state: ModelState, { address, frame }: Pmap.PmapKenter): Outcome {
  requirePageTable(state, address);
  const refusal = refuse(state, frame, 'PAGE-FREE-1');
  if (refusal !== undefined) return refusal;
  pmapKenter(state, address, frame);
  return done;
}

const isSoundRange = (start: VirtualAddress, end: VirtualAddress): boolean =>
  isPageAligned(start) && isPageAligned(end) && start <= end;

export function remove(state: ModelState, { start, end }: Pmap.PmapRemove): Outcome {
  if (!isSoundRange(start, end)) return rejected('CONV-4');
  pmapRemove(state, start, end);
  return done;
}

export function protect(state: ModelState, { start, end, protection }: Pmap.PmapProtect): Outcome {
  if (!isSoundRange(start, end) || !permits(VM_PROT_ALL, protection)) return rejected('CONV-4');
  pmapProtect(state, { start, end }, protection);
  return done;
}

export function pageProtect(state: ModelState, { frame, protection }: Pmap.PmapPageProtect): Outcome {
  if (!exists(state, frame)) return rejected('CONV-4');
  pmapPageProtect(state, frame, protection);
  return done;
}

export function changeWiring(state: ModelState, { address, wired }: Pmap.PmapChangeWiring): Outcome {
  pmapChangeWiring(state, address, { wired });
  return done;
}

export function extract(state: ModelState, { address }: Pmap.PmapExtract): Outcome {
  cite(state, 'PMAP-EXTR-1');
  const mapping = mappingAt(state, address);
  if (mapping === undefined) return none;
  return { kind: 'frame', frame: mapping.frame, offset: address % PAGE_SIZE };
}

/** pmap_is_modified and pmap_is_referenced: has a page been written to, or used, through any of its mappings? */
export function test(state: ModelState, { kind, frame }: Pmap.PmapTest): Outcome {
  if (!exists(state, frame)) return rejected('CONV-4');
  const bit = kind === 'pmap_is_modified' ? 'dirty' : 'accessed';
  return flag(pvMappings(state, frame).some((mapping) => mapping[bit]));
}

/** pmap_clear_modify and pmap_clear_reference. */
export function clear(state: ModelState, { kind, frame }: Pmap.PmapClear): Outcome {
  if (!exists(state, frame)) return rejected('CONV-4');
  if (kind === 'pmap_clear_modify') clearBit(state, frame, 'dirty');
  else pmapClearReference(state, frame);
  return done;
}

export function zeroPage(state: ModelState, { frame }: Pmap.PmapZeroPage): Outcome {
  const refusal = refuse(state, frame, 'PMAP-ZERO-1');
  if (refusal !== undefined) return refusal;
  cite(state, 'PMAP-ZERO-1');
  fillFrame(state, frame, 0);
  return done;
}

export function copyPage(state: ModelState, { from, to }: Pmap.PmapCopyPage): Outcome {
  const refusal = refuse(state, from, 'PMAP-ZERO-1') ?? refuse(state, to, 'PMAP-ZERO-1');
  if (refusal !== undefined) return refusal;
  const { fill, writes } = contentsOf(state, from);
  const copied = [...writes];
  fillFrame(state, to, fill);
  for (const [position, byte] of copied) contentsOf(state, to).writes.set(position, byte);
  return done;
}

/** pmap_update: there is no TLB to flush. */
export function update(state: ModelState): Outcome {
  cite(state, 'PMAP-UPD-1');
  return done;
}
