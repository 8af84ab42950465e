/** Bytes of memory: checked accesses, the processor's own through the current pmap, whole frames (SPEC §10, TRACES §4; trap.c). */
import type { FrameNumber, VirtualAddress } from '../contract/address.ts';
import { ADDRESS_SPACE_END, advance, PAGE_SIZE, pdeSlot } from '../contract/address.ts';
import { recursiveSlot } from '../contract/machine.ts';
import type { Bytes, Kern, Outcome, Rejected, Trap } from '../contract/outcome.ts';
import {
  done,
  KERN_INVALID_ADDRESS,
  KERN_PROTECTION_FAILURE,
  KERN_SUCCESS,
  kern,
  rejected,
  USELESS_FAULTS,
} from '../contract/outcome.ts';
import { VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import type { CpuMode } from '../contract/vm-fault.ts';
import { cite } from './bookkeeping.ts';
import { refuseFrame } from './pmap.ts';
import { mappingAt, noteAccess, type Placed } from './pmap-mapping.ts';
import { holdsTable } from './pmap-table.ts';
import type { Answer, KernCode, ModelState, Rule, Sleeping, VmMap } from './state.ts';
import { vmFault } from './vm-fault.ts';
import { contentsOf, fillFrame } from './vm-page.ts';

/** A byte, or the first of a row, and what is to be done with it. */
type Access = { readonly address: VirtualAddress; readonly use: 'read' | 'write' };
/** The same, by the processor on its own account. */
type CpuAccess = Access & { readonly mode: CpuMode | undefined };
/** A byte as it was read; `defined` is false where its value means nothing (DC-9), `ofTable` where only the tables give it one. */
type ByteRead = { readonly byte: number; readonly defined: boolean; readonly ofTable: boolean };
/** What an access came to where it was not cut short. */
type Reached = { readonly kind: 'reached'; readonly frame: FrameNumber };
/** Rights that the fault of an access asks for. */
const RIGHTS = { read: VM_PROT_READ, write: VM_PROT_READ | VM_PROT_WRITE };
/** Faults tolerated before a checked access gives up. */
const FAULTS_MOST = 3;

function readByte(state: ModelState, frame: FrameNumber, position: number): ByteRead {
  const { fill, writes, undefinedFill } = contentsOf(state, frame);
  const written = writes.get(position);
  const defined = written !== undefined || !undefinedFill;
  return { byte: written ?? fill, defined, ofTable: holdsTable(state, frame) };
}

function bytesOf(read: readonly ByteRead[]): Bytes {
  const undefinedBytes = read.flatMap(({ defined }, index) => (defined ? [] : [index]));
  const tableBytes = read.flatMap(({ ofTable }, index) => (ofTable ? [index] : []));
  const bytes = read.map(({ byte }) => byte);
  return {
    kind: 'bytes',
    bytes,
    ...(undefinedBytes.length > 0 && { undefinedBytes }),
    ...(tableBytes.length > 0 && { tableBytes }),
  };
}

/** Uses a mapping as the processor does. Nobody writes into a live directory or page table. */
function through(state: ModelState, place: Placed, use: Access['use']): Reached | Rejected {
  const { frame } = place.mapping;
  if (use === 'write' && holdsTable(state, frame)) return rejected('PMAP-PINIT-1');
  noteAccess(state, place, use);
  return { kind: 'reached', frame };
}

type Checked = Reached | Rejected | Kern;

/** What a checked access reaches, or the code of the fault that could not bring that about. */
function* reach(state: ModelState, { address, use }: Access, map: VmMap): Sleeping<Checked> {
  for (let faults = 0; ; faults += 1) {
    const mapping = mappingAt(state, address);
    if (mapping !== undefined && (use === 'read' || mapping.writable))
      return through(state, { pmap: 'kernel', address, mapping }, use);
    if (faults === FAULTS_MOST) return kern(USELESS_FAULTS);
    const code = yield* vmFault(state, { address, protection: RIGHTS[use] }, map);
    if (code !== KERN_SUCCESS) return kern(code);
  }
}

/** checked_read; the map serves only the faults. */
export const checkedRead: Rule<'checked_read', Sleeping<Answer>> = function* (state, { address }, map) {
  const reached = yield* reach(state, { address, use: 'read' }, map);
  if (reached.kind !== 'reached') return reached;
  return bytesOf([readByte(state, reached.frame, address % PAGE_SIZE)]);
};

/** checked_write; the map serves only the faults. */
export const checkedWrite: Rule<'checked_write', Sleeping<Answer>> = function* (state, call, map) {
  const reached = yield* reach(state, { address: call.address, use: 'write' }, map);
  if (reached.kind !== 'reached') return reached;
  contentsOf(state, reached.frame).writes.set(call.address % PAGE_SIZE, call.byte);
  return KERN_SUCCESS;
};

/**
 * Caller obligations of the processor's accesses: 1 to 16 bytes, no wrap, nothing in the recursive page-table window,
 * no write to a live directory or page table. A table that comes about while a fault sleeps is refused when reached.
 */
function refuse(state: ModelState, access: Accesses): Rejected | undefined {
  const { address: start, length, use } = access;
  if (length < 1 || length > 16 || start + length > ADDRESS_SPACE_END) return rejected('CPU-7');
  const ends = [start, advance(start, length - 1)];
  if (ends.some((end) => pdeSlot(end) === recursiveSlot(state.machine))) return rejected('PMAP-REC-1');
  if (use === 'read') return undefined;
  const places = ends.map((end) => walk(state, end));
  return places.some((place) => place && isOpen(place, access) && holdsTable(state, place.mapping.frame))
    ? rejected('PMAP-PINIT-1')
    : undefined;
}

/** The mapping that the processor finds, whoever asks: the current pmap's own, or the kernel's, which all pmaps share. */
function walk(state: ModelState, address: VirtualAddress): Placed | undefined {
  for (const pmap of [state.activePmap, 'kernel'] as const) {
    const mapping = mappingAt(state, address, pmap);
    if (mapping !== undefined) return { pmap, address, mapping };
  }
  return undefined;
}

/** The supervisor heeds READ but not R/W; a user only has what is not the kernel's, and heeds both. */
const isOpen = ({ pmap, mapping }: Placed, { use, mode }: CpuAccess): boolean =>
  mode === undefined || (pmap !== 'kernel' && (use === 'read' || mapping.writable));

/** Translates as the 386 does, or answers a trap; for the supervisor it faults until it can. */
function* translate(
  state: ModelState,
  access: CpuAccess,
  kernelMap: VmMap,
): Sleeping<Reached | Rejected | Trap> {
  const { address, use, mode } = access;
  const trap = (code: KernCode): Trap => ({ kind: 'trap', code, address });
  cite(state, 'CPU-1');
  for (;;) {
    const place = walk(state, address);
    if (place !== undefined) {
      cite(state, 'CPU-2');
      return isOpen(place, access) ? through(state, place, use) : trap(KERN_PROTECTION_FAILURE);
    }
    cite(state, 'FAULT-TRAP-1');
    if (mode === 'user' || address < kernelMap.min) return trap(KERN_INVALID_ADDRESS);
    const code = yield* vmFault(state, { address, protection: RIGHTS[use] }, kernelMap);
    if (code !== KERN_SUCCESS) return trap(code);
  }
}

type Visit = (frame: FrameNumber, position: number, index: number) => unknown;
type Accesses = CpuAccess & { readonly length: number; readonly map: VmMap };

/** Visits bytes page by page, the lower page first; answers what refused that or cut it short, if anything. */
function* visitBytes(state: ModelState, access: Accesses, visit: Visit): Sleeping<Outcome | undefined> {
  const refusal = refuse(state, access);
  if (refusal !== undefined) return refusal;
  let frame: FrameNumber | undefined;
  for (let index = 0; index < access.length; index += 1) {
    const address = advance(access.address, index);
    if (frame === undefined || address % PAGE_SIZE === 0) {
      cite(state, 'CPU-7');
      const reached = yield* translate(state, { ...access, address }, access.map);
      if (reached.kind !== 'reached') return reached;
      frame = reached.frame;
    }
    visit(frame, address % PAGE_SIZE, index);
  }
  return undefined;
}

/** cpu_read; what it faults in is the kernel map's. */
export const cpuRead: Rule<'cpu_read', Sleeping<Outcome>> = function* (
  state,
  { mode, address, length },
  map,
) {
  const read: ByteRead[] = [];
  const visit: Visit = (frame, position) => read.push(readByte(state, frame, position));
  const cut = yield* visitBytes(state, { mode, address, length, use: 'read', map }, visit);
  return cut ?? bytesOf(read);
};

/** cpu_write; what it faults in is the kernel map's. */
export const cpuWrite: Rule<'cpu_write', Sleeping<Outcome>> = function* (
  state,
  { mode, address, bytes },
  map,
) {
  const { length } = bytes;
  const visit: Visit = (frame, position, index) =>
    contentsOf(state, frame).writes.set(position, bytes[index] ?? 0);
  return (yield* visitBytes(state, { mode, address, length, use: 'write', map }, visit)) ?? done;
};

/** pmap_zero_page: every byte of a device or scratch frame is zero. */
export const pmapZeroPage: Rule<'pmap_zero_page'> = (state, { frame }) => {
  const refusal = refuseFrame(state, frame, 'PMAP-ZERO-1');
  if (refusal !== undefined) return refusal;
  fillFrame(state, frame, 0);
  return cite(state, 'PMAP-ZERO-1', done);
};

/** pmap_copy_page: a device or scratch frame gets the bytes of another. */
export const pmapCopyPage: Rule<'pmap_copy_page'> = (state, { from, to }) => {
  const refusal = refuseFrame(state, from, 'PMAP-ZERO-1') ?? refuseFrame(state, to, 'PMAP-ZERO-1');
  if (refusal !== undefined) return refusal;
  const { fill, writes } = contentsOf(state, from);
  const copied = [...writes];
  fillFrame(state, to, fill);
  for (const [position, byte] of copied) contentsOf(state, to).writes.set(position, byte);
  return done;
};
