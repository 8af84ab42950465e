/** Bytes of memory: checked accesses, the supervisor's own through the kernel pmap, whole frames (SPEC §10, TRACES §4; trap.c). */
import {
  ADDRESS_SPACE_END,
  address as addressOf,
  type FrameNumber,
  PAGE_SIZE,
  pdeSlot,
  type VirtualAddress,
} from '../contract/address.ts';
import { recursiveSlot } from '../contract/machine.ts';
import {
  type Bytes,
  done,
  KERN_INVALID_ADDRESS,
  KERN_SUCCESS,
  type Outcome,
  type Rejected,
  rejected,
  USELESS_FAULTS,
} from '../contract/outcome.ts';
import { VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import { cite } from './bookkeeping.ts';
import { mappingAt, noteAccess, refuseFrame } from './pmap.ts';
import type { Answer, Call, KernCode, Mapping, ModelState, Sleeping, VmMap } from './state.ts';
import { vmFault } from './vm-fault.ts';
import { contentsOf, fillFrame } from './vm-page.ts';

type Use = 'read' | 'write';

/** Rights that the fault of an access asks for. */
const RIGHTS = { read: VM_PROT_READ, write: VM_PROT_READ | VM_PROT_WRITE };

/** Faults tolerated before a checked access gives up. */
const FAULTS_MOST = 3;

/** The mapping that serves a checked access, or the code of the fault that could not bring one about. */
function* checkedMapping(
  state: ModelState,
  map: VmMap,
  address: VirtualAddress,
  use: Use,
): Sleeping<Mapping | KernCode> {
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

/** One byte; `defined` is false where its value means nothing (DC-9). */
interface ByteRead {
  readonly byte: number;
  readonly defined: boolean;
}

function readByte(state: ModelState, frame: FrameNumber, position: number): ByteRead {
  const { fill, writes, undefinedFill } = contentsOf(state, frame);
  const written = writes.get(position);
  return { byte: written ?? fill, defined: written !== undefined || !undefinedFill };
}

function bytesOf(read: readonly ByteRead[]): Bytes {
  const bytes = read.map(({ byte }) => byte);
  const undefinedBytes = read.flatMap(({ defined }, index) => (defined ? [] : [index]));
  return { kind: 'bytes', bytes, ...(undefinedBytes.length > 0 && { undefinedBytes }) };
}

/** checked_read; the map serves only the faults. */
export function* checkedRead(
  state: ModelState,
  { address }: Call<'checked_read'>,
  map: VmMap,
): Sleeping<Answer> {
  const mapping = yield* checkedMapping(state, map, address, 'read');
  if (typeof mapping === 'number') return mapping;
  return bytesOf([readByte(state, mapping.frame, address % PAGE_SIZE)]);
}

/** checked_write; the map serves only the faults. */
export function* checkedWrite(
  state: ModelState,
  { address, byte }: Call<'checked_write'>,
  map: VmMap,
): Sleeping<Answer> {
  const mapping = yield* checkedMapping(state, map, address, 'write');
  if (typeof mapping === 'number') return mapping;
  contentsOf(state, mapping.frame).writes.set(address % PAGE_SIZE, byte);
  return KERN_SUCCESS;
}

/** Caller obligations of a supervisor access: 1 to 16 bytes, no wrap, nothing in the recursive page-table window. */
function refuseAccess(state: ModelState, start: VirtualAddress, length: number): Rejected | undefined {
  if (length < 1 || length > 16 || start + length > ADDRESS_SPACE_END) return rejected('CPU-7');
  const ends = [start, addressOf(start + length - 1)];
  const window = recursiveSlot(state.machine);
  return ends.some((end) => pdeSlot(end) === window) ? rejected('PMAP-REC-1') : undefined;
}

/** Translates as the 386 does for the supervisor, who heeds READ but not R/W; faults until it can, or answers a trap. */
function* translate(
  state: ModelState,
  kernelMap: VmMap,
  address: VirtualAddress,
  use: Use,
): Sleeping<Mapping | Outcome> {
  cite(state, 'CPU-1');
  for (;;) {
    const mapping = mappingAt(state, address);
    if (mapping !== undefined) {
      cite(state, 'CPU-2');
      return mapping;
    }
    cite(state, 'FAULT-TRAP-1');
    if (address < kernelMap.min) return { kind: 'trap', code: KERN_INVALID_ADDRESS, address };
    const code = yield* vmFault(state, { address, protection: RIGHTS[use] }, kernelMap);
    if (code !== KERN_SUCCESS) return { kind: 'trap', code, address };
  }
}

/** Visits the bytes of an access page by page, the lower page first; answers what refused it or cut it short, if anything. */
function* visitBytes(
  state: ModelState,
  kernelMap: VmMap,
  access: { readonly start: VirtualAddress; readonly length: number; readonly use: Use },
  visit: (frame: FrameNumber, position: number, index: number) => void,
): Sleeping<Outcome | undefined> {
  const { start, length, use } = access;
  const refusal = refuseAccess(state, start, length);
  if (refusal !== undefined) return refusal;
  let frame: FrameNumber | undefined;
  for (let index = 0; index < length; index += 1) {
    const address = addressOf(start + index);
    if (frame === undefined || address % PAGE_SIZE === 0) {
      cite(state, 'CPU-7');
      const reached = yield* translate(state, kernelMap, address, use);
      if ('kind' in reached) return reached;
      noteAccess(state, address, use);
      frame = reached.frame;
    }
    visit(frame, address % PAGE_SIZE, index);
  }
  return undefined;
}

/** cpu_read. */
export function* cpuRead(state: ModelState, call: Call<'cpu_read'>, kernelMap: VmMap): Sleeping<Outcome> {
  const read: ByteRead[] = [];
  const access = { start: call.address, length: call.length, use: 'read' as const };
  const trap = yield* visitBytes(state, kernelMap, access, (frame, position) => {
    read.push(readByte(state, frame, position));
  });
  return trap ?? bytesOf(read);
}

/** cpu_write. */
export function* cpuWrite(state: ModelState, call: Call<'cpu_write'>, kernelMap: VmMap): Sleeping<Outcome> {
  const { address, bytes } = call;
  const access = { start: address, length: bytes.length, use: 'write' as const };
  const trap = yield* visitBytes(state, kernelMap, access, (frame, position, index) => {
    contentsOf(state, frame).writes.set(position, bytes[index] ?? 0);
  });
  return trap ?? done;
}

/** pmap_zero_page: every byte of a device or scratch frame is zero. */
export function pmapZeroPage(state: ModelState, { frame }: Call<'pmap_zero_page'>): Outcome {
  const refusal = refuseFrame(state, frame, 'PMAP-ZERO-1');
  if (refusal !== undefined) return refusal;
  cite(state, 'PMAP-ZERO-1');
  fillFrame(state, frame, 0);
  return done;
}

/** pmap_copy_page: a device or scratch frame gets the bytes of another. */
export function pmapCopyPage(state: ModelState, { from, to }: Call<'pmap_copy_page'>): Outcome {
  const refusal = refuseFrame(state, from, 'PMAP-ZERO-1') ?? refuseFrame(state, to, 'PMAP-ZERO-1');
  if (refusal !== undefined) return refusal;
  const { fill, writes } = contentsOf(state, from);
  const copied = [...writes];
  fillFrame(state, to, fill);
  for (const [position, byte] of copied) contentsOf(state, to).writes.set(position, byte);
  return done;
}
