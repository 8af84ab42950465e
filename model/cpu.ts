/** Bytes of memory: checked accesses, the supervisor's own through the kernel pmap, whole frames (SPEC §10, TRACES §4; trap.c). */
import type { FrameNumber, VirtualAddress } from '../contract/address.ts';
import { ADDRESS_SPACE_END, advance, PAGE_SIZE, pdeSlot } from '../contract/address.ts';
import { recursiveSlot } from '../contract/machine.ts';
import type { Bytes, Outcome, Rejected, Trap } from '../contract/outcome.ts';
import { done, KERN_INVALID_ADDRESS, KERN_SUCCESS, rejected, USELESS_FAULTS } from '../contract/outcome.ts';
import { VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import { cite } from './bookkeeping.ts';
import { mappingAt, noteAccess, refuseFrame } from './pmap.ts';
import type { Answer, KernCode, ModelState, Rule, Sleeping, VmMap } from './state.ts';
import { vmFault } from './vm-fault.ts';
import { contentsOf, fillFrame } from './vm-page.ts';

/** A byte, or the first of a row, and what is to be done with it. */
type Access = { readonly address: VirtualAddress; readonly use: 'read' | 'write' };
/** A byte as it was read; `defined` is false where its value means nothing (DC-9). */
type ByteRead = { readonly byte: number; readonly defined: boolean };
type Reached = { readonly frame: FrameNumber };
/** Rights that the fault of an access asks for. */
const RIGHTS = { read: VM_PROT_READ, write: VM_PROT_READ | VM_PROT_WRITE };
/** Faults tolerated before a checked access gives up. */
const FAULTS_MOST = 3;

function readByte(state: ModelState, frame: FrameNumber, position: number): ByteRead {
  const { fill, writes, undefinedFill } = contentsOf(state, frame);
  const written = writes.get(position);
  return { byte: written ?? fill, defined: written !== undefined || !undefinedFill };
}

function bytesOf(read: readonly ByteRead[]): Bytes {
  const undefinedBytes = read.flatMap(({ defined }, index) => (defined ? [] : [index]));
  const bytes = read.map(({ byte }) => byte);
  return { kind: 'bytes', bytes, ...(undefinedBytes.length > 0 && { undefinedBytes }) };
}

/** The frame that a checked access reaches, or the code of the fault that could not bring that about. */
function* reach(state: ModelState, { address, use }: Access, map: VmMap): Sleeping<Reached | KernCode> {
  for (let faults = 0; ; faults += 1) {
    const mapping = mappingAt(state, address);
    if (mapping !== undefined && (use === 'read' || mapping.writable)) {
      noteAccess(state, address, use);
      return mapping;
    }
    if (faults === FAULTS_MOST) return USELESS_FAULTS;
    const code = yield* vmFault(state, { address, protection: RIGHTS[use] }, map);
    if (code !== KERN_SUCCESS) return code;
  }
}

/** checked_read; the map serves only the faults. */
export const checkedRead: Rule<'checked_read', Sleeping<Answer>> = function* (state, { address }, map) {
  const reached = yield* reach(state, { address, use: 'read' }, map);
  if (typeof reached === 'number') return reached;
  return bytesOf([readByte(state, reached.frame, address % PAGE_SIZE)]);
};

/** checked_write; the map serves only the faults. */
export const checkedWrite: Rule<'checked_write', Sleeping<Answer>> = function* (state, call, map) {
  const reached = yield* reach(state, { address: call.address, use: 'write' }, map);
  if (typeof reached === 'number') return reached;
  contentsOf(state, reached.frame).writes.set(call.address % PAGE_SIZE, call.byte);
  return KERN_SUCCESS;
};

/** Caller obligations of a supervisor access: 1 to 16 bytes, no wrap, nothing in the recursive page-table window. */
function refuse(state: ModelState, start: VirtualAddress, length: number): Rejected | undefined {
  if (length < 1 || length > 16 || start + length > ADDRESS_SPACE_END) return rejected('CPU-7');
  const slots = [pdeSlot(start), pdeSlot(advance(start, length - 1))];
  return slots.includes(recursiveSlot(state.machine)) ? rejected('PMAP-REC-1') : undefined;
}

/** Translates as the 386 does for the supervisor, who heeds READ but not R/W; faults until it can, or answers a trap. */
function* translate(state: ModelState, { address, use }: Access, kernelMap: VmMap): Sleeping<Reached | Trap> {
  cite(state, 'CPU-1');
  for (;;) {
    const mapping = mappingAt(state, address);
    if (mapping !== undefined) {
      noteAccess(state, address, use);
      return cite(state, 'CPU-2', mapping);
    }
    cite(state, 'FAULT-TRAP-1');
    const fault = { address, protection: RIGHTS[use] };
    const code = address < kernelMap.min ? KERN_INVALID_ADDRESS : yield* vmFault(state, fault, kernelMap);
    if (code !== KERN_SUCCESS) return { kind: 'trap', code, address };
  }
}

type Visit = (frame: FrameNumber, position: number, index: number) => unknown;
type Accesses = Access & { readonly length: number; readonly map: VmMap };

/** Visits bytes page by page, the lower page first; answers what refused that or cut it short, if anything. */
function* visitBytes(state: ModelState, access: Accesses, visit: Visit): Sleeping<Outcome | undefined> {
  const refusal = refuse(state, access.address, access.length);
  if (refusal !== undefined) return refusal;
  let frame: FrameNumber | undefined;
  for (let index = 0; index < access.length; index += 1) {
    const address = advance(access.address, index);
    if (frame === undefined || address % PAGE_SIZE === 0) {
      cite(state, 'CPU-7');
      const reached = yield* translate(state, { address, use: access.use }, access.map);
      if ('kind' in reached) return reached;
      frame = reached.frame;
    }
    visit(frame, address % PAGE_SIZE, index);
  }
  return undefined;
}

/** cpu_read, on the kernel map. */
export const cpuRead: Rule<'cpu_read', Sleeping<Outcome>> = function* (state, { address, length }, map) {
  const read: ByteRead[] = [];
  const visit: Visit = (frame, position) => read.push(readByte(state, frame, position));
  const cut = yield* visitBytes(state, { address, length, use: 'read', map }, visit);
  return cut ?? bytesOf(read);
};

/** cpu_write, on the kernel map. */
export const cpuWrite: Rule<'cpu_write', Sleeping<Outcome>> = function* (state, { address, bytes }, map) {
  const visit: Visit = (frame, position, index) =>
    contentsOf(state, frame).writes.set(position, bytes[index] ?? 0);
  return (yield* visitBytes(state, { address, length: bytes.length, use: 'write', map }, visit)) ?? done;
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
