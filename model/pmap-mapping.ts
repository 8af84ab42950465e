/** Records of the flat page tables: finding and changing them, and the bits that the processor leaves in them (pmap.c). */
import type { FrameNumber, VirtualAddress } from '../contract/address.ts';
import { truncPage } from '../contract/address.ts';
import { done, type Outcome, type Rejected, rejected } from '../contract/outcome.ts';
import { cite, isManaged, touch } from './bookkeeping.ts';
import type { Mapping, Mappings, ModelState, Pmap, Range, Rule } from './state.ts';

/** The table of a pmap. */
export const tableOf = ({ mappings }: ModelState, pmap: Pmap): Mappings =>
  pmap === 'kernel' ? mappings : pmap.mappings;

/** The usable mapping of the page that holds an address: one that grants READ. */
export function mappingAt(
  state: ModelState,
  address: VirtualAddress,
  pmap: Pmap = 'kernel',
): Mapping | undefined {
  const mapping = tableOf(state, pmap).get(truncPage(address));
  return mapping?.readable ? mapping : undefined;
}

/** One record, where it stands. */
export interface Placed {
  readonly pmap: Pmap;
  readonly address: VirtualAddress;
  readonly mapping: Mapping;
}

/** Writes a record, or with `gone` takes it away; nothing else changes a table. */
export function setRecord(state: ModelState, { pmap, address, mapping }: Placed, gone: boolean): void {
  const table = tableOf(state, pmap);
  const old = table.get(address);
  if (gone) table.delete(address);
  else table.set(address, mapping);
  if (pmap !== 'kernel') touch(state, 'spaces');
  else
    touch(state, old ? `pv:${old.frame}` : null, `pv:${mapping.frame}`, `mapping:${address}`, 'pmap:kernel');
}

/** The wanted records of a pmap, readable or not, in ascending order: that in which page tables are given back. */
function recordsWhere(
  state: ModelState,
  pmap: Pmap,
  wanted: (address: VirtualAddress, mapping: Mapping) => boolean,
): Placed[] {
  const found: Placed[] = [];
  tableOf(state, pmap).forEach((mapping, address) => {
    if (wanted(address, mapping)) found.push({ pmap, address, mapping });
  });
  return found.sort((one, other) => one.address - other.address);
}

/** The records of a range. */
export const recordsIn = (state: ModelState, pmap: Pmap, { start, end }: Range): Placed[] =>
  recordsWhere(state, pmap, (address) => start <= address && address < end);

/** Those of a managed frame in every pmap, the kernel's first and the others in creation order. */
export function recordsOf(state: ModelState, frame: FrameNumber): Placed[] {
  if (!isManaged(state, frame)) return [];
  const pmaps: readonly Pmap[] = ['kernel', ...state.userPmaps];
  return pmaps.flatMap((pmap) => recordsWhere(state, pmap, (_, mapping) => mapping.frame === frame));
}

/** Where the kernel pmap maps a managed frame, ascending. */
export function pvAddresses(state: ModelState, frame: FrameNumber): VirtualAddress[] {
  const addresses: VirtualAddress[] = [];
  if (!isManaged(state, frame)) return addresses;
  state.mappings.forEach((record, address) => {
    if (record.frame === frame && record.readable) addresses.push(address);
  });
  return addresses.sort((a, b) => a - b);
}

/** What the walker leaves behind when it uses a mapping: accessed, and dirty on a write. */
export function noteAccess(
  state: ModelState,
  { pmap, address, mapping }: Placed,
  use: 'read' | 'write',
): void {
  cite(state, 'CPU-3');
  const noted = { ...mapping, accessed: true, dirty: mapping.dirty || use === 'write' };
  setRecord(state, { pmap, address: truncPage(address), mapping: noted }, false);
}

/** Refuses a frame that does not exist. */
export const refuseMissing = ({ frames }: ModelState, frame: FrameNumber): Rejected | undefined =>
  frames[frame] === undefined ? rejected('CONV-4') : undefined;

type Bit = 'accessed' | 'dirty';
const isBitSet = (state: ModelState, frame: FrameNumber, bit: Bit): boolean =>
  recordsOf(state, frame).some(({ mapping }) => mapping[bit]);

/** Clears a bit in every mapping of a page. */
export function pmapClearBit(state: ModelState, frame: FrameNumber, bit: Bit): Outcome {
  cite(state, 'PMAP-BIT-1');
  for (const record of recordsOf(state, frame))
    if (record.mapping[bit])
      setRecord(state, { ...record, mapping: { ...record.mapping, [bit]: false } }, false);
  return done;
}

/** Has a page been written to through any of its mappings? The three below are alike. */
export const pmapIsModified: Rule<'pmap_is_modified'> = (state, { frame }) =>
  refuseMissing(state, frame) ?? isBitSet(state, frame, 'dirty');
export const pmapIsReferenced: Rule<'pmap_is_referenced'> = (state, { frame }) =>
  refuseMissing(state, frame) ?? isBitSet(state, frame, 'accessed');
export const pmapClearModify: Rule<'pmap_clear_modify'> = (state, { frame }) =>
  refuseMissing(state, frame) ?? pmapClearBit(state, frame, 'dirty');
export const pmapClearReference: Rule<'pmap_clear_reference'> = (state, { frame }) =>
  refuseMissing(state, frame) ?? pmapClearBit(state, frame, 'accessed');
