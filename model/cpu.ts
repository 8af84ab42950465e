/** Memory accesses: checked ones, and the supervisor's own through the kernel pmap (SPEC §10, TRACES §4; trap.c). */
import {
  ADDRESS_SPACE_END,
  address as addressOf,
  type FrameNumber,
  PAGE_SIZE,
  pdeSlot,
  truncPage,
  type VirtualAddress,
} from '../contract/address.ts';
import { recursiveSlot } from '../contract/machine.ts';
import {
  type Bytes,
  done,
  KERN_INVALID_ADDRESS,
  KERN_SUCCESS,
  kern,
  type Outcome,
  rejected,
  USELESS_FAULTS,
} from '../contract/outcome.ts';
import { VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import type { CheckedRead, CheckedWrite, CpuRead, CpuWrite } from '../contract/vm-fault.ts';
import { mappingAt, noteAccess } from './pmap.ts';
import { cite, type Mapping, type ModelState, mapNamed, type Sleeping, type VmMap } from './state.ts';
import { fault } from './vm-fault.ts';
import { readByte, writeByte } from './vm-page.ts';

type Use = 'read' | 'write';

const rightsFor = (use: Use): number => (use === 'write' ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ);

/** Faults tolerated before a checked access gives up. */
const FAULTS_MOST = 3;

/** A mapping that grants the access, or the code of the fault that could not bring one about. */
function* checkedMapping(
  state: ModelState,
  map: VmMap,
  address: VirtualAddress,
  use: Use,
): Sleeping<Mapping | number> {
  for (let faults = 0; ; faults += 1) {
    const mapping = mappingAt(state, address);
    if (mapping !== undefined && (use === 'read' || mapping.writable)) return mapping;
    if (faults === FAULTS_MOST) return USELESS_FAULTS;
    const request = { type: rightsFor(use), changeWiring: false };
    const code = yield* fault(state, map, truncPage(address), request);
    if (code !== KERN_SUCCESS) return code;
  }
}

/** A byte read, with the mark that it means nothing where that is so. */
function bytesFrom(state: ModelState, cells: readonly { frame: FrameNumber; position: number }[]): Bytes {
  const read = cells.map(({ frame, position }) => readByte(state, frame, position));
  const bytes = read.map(({ byte }) => byte);
  const undefinedBytes = read.flatMap(({ defined }, index) => (defined ? [] : [index]));
  return undefinedBytes.length > 0 ? { kind: 'bytes', bytes, undefinedBytes } : { kind: 'bytes', bytes };
}

/** checked_read as an operation; the map serves only the faults. */
export function* checkedRead(state: ModelState, { map: name, address }: CheckedRead): Sleeping<Outcome> {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  const mapping = yield* checkedMapping(state, map, address, 'read');
  if (typeof mapping === 'number') return kern(mapping);
  noteAccess(state, address, 'read');
  return bytesFrom(state, [{ frame: mapping.frame, position: address % PAGE_SIZE }]);
}

/** checked_write as an operation; the map serves only the faults. */
export function* checkedWrite(state: ModelState, operation: CheckedWrite): Sleeping<Outcome> {
  const map = mapNamed(state, operation.map);
  if (map === undefined) return rejected('CONV-4');
  const { address, byte } = operation;
  const mapping = yield* checkedMapping(state, map, address, 'write');
  if (typeof mapping === 'number') return kern(mapping);
  noteAccess(state, address, 'write');
  writeByte(state, mapping.frame, address % PAGE_SIZE, byte);
  return kern(KERN_SUCCESS);
}

/** Caller obligations of a supervisor access: 1 to 16 bytes, no wrap, nothing in the recursive page-table window. */
function isAccessible(state: ModelState, address: VirtualAddress, length: number): boolean {
  if (length < 1 || length > 16 || address + length > ADDRESS_SPACE_END) return false;
  const window = recursiveSlot(state.machine);
  return pdeSlot(address) !== window && pdeSlot(addressOf(address + length - 1)) !== window;
}

/** Translates as the 386 does for the supervisor, who heeds READ but not R/W; faults until it can, or answers a trap. */
function* translate(state: ModelState, address: VirtualAddress, use: Use): Sleeping<Mapping | Outcome> {
  cite(state, 'CPU-1');
  for (;;) {
    const mapping = mappingAt(state, address);
    if (mapping !== undefined) {
      cite(state, 'CPU-2');
      return mapping;
    }
    cite(state, 'FAULT-TRAP-1');
    const kernelMap = address < state.machine.kernelMin ? undefined : mapNamed(state, 'kernel');
    if (kernelMap === undefined) return { kind: 'trap', code: KERN_INVALID_ADDRESS, address };
    const request = { type: rightsFor(use), changeWiring: false };
    const code = yield* fault(state, kernelMap, truncPage(address), request);
    if (code !== KERN_SUCCESS) return { kind: 'trap', code, address };
  }
}

/** Visits the bytes of an access page by page, the lower page first; answers the trap that cut it short, if any. */
function* accessBytes(
  state: ModelState,
  { address, length, use }: { readonly address: VirtualAddress; readonly length: number; readonly use: Use },
  visit: (frame: FrameNumber, position: number, index: number) => void,
): Sleeping<Outcome | undefined> {
  let frame: FrameNumber | undefined;
  for (let index = 0; index < length; index += 1) {
    const at = addressOf(address + index);
    if (frame === undefined || at % PAGE_SIZE === 0) {
      cite(state, 'CPU-7');
      const reached = yield* translate(state, at, use);
      if ('kind' in reached) return reached;
      noteAccess(state, at, use);
      frame = reached.frame;
    }
    visit(frame, at % PAGE_SIZE, index);
  }
  return undefined;
}

/** cpu_read as an operation. */
export function* cpuRead(state: ModelState, { address, length }: CpuRead): Sleeping<Outcome> {
  if (!isAccessible(state, address, length)) return rejected('CONV-4');
  const reads: Bytes[] = [];
  const trap = yield* accessBytes(state, { address, length, use: 'read' }, (frame, position) => {
    reads.push(bytesFrom(state, [{ frame, position }]));
  });
  if (trap !== undefined) return trap;
  const bytes = reads.flatMap((read) => read.bytes);
  const undefinedBytes = reads.flatMap((read, index) => (read.undefinedBytes === undefined ? [] : [index]));
  return undefinedBytes.length > 0 ? { kind: 'bytes', bytes, undefinedBytes } : { kind: 'bytes', bytes };
}

/** cpu_write as an operation. */
export function* cpuWrite(state: ModelState, { address, bytes }: CpuWrite): Sleeping<Outcome> {
  if (!isAccessible(state, address, bytes.length)) return rejected('CONV-4');
  const access = { address, length: bytes.length, use: 'write' as const };
  const trap = yield* accessBytes(state, access, (frame, position, index) => {
    writeByte(state, frame, position, bytes[index] ?? 0);
  });
  return trap ?? done;
}
