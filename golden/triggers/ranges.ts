/** Triggers of operations on ranges of entries: DEV-3, DEV-13, DEV-14, DEV-36. */
import { isPageAligned } from '../../contract/address.ts';
import { permits, VM_INHERIT_NONE } from '../../contract/protection.ts';
import type { VmMapInsert } from '../../contract/vm-map.ts';
import type { ModelState } from '../../model/state.ts';
import {
  entriesIn,
  entryAt,
  isEmpty,
  isStrictlyInside,
  type MapRange,
  mapOf,
  overlaps,
  rangeToChange,
  rangeToRemove,
  type Situation,
  type Trigger,
} from './situation.ts';

const isAligned = ({ start, end }: MapRange): boolean => isPageAligned(start) && isPageAligned(end);

/** DEV-3: vm_map_protect met a submap and kept the lock. */
export const protectSubmap: Trigger = (situation) => {
  const { operation } = situation;
  const range = rangeToChange(situation);
  if (operation.kind !== 'vm_map_protect' || range === null || !isAligned(range)) return null;
  const offender = entriesIn(range).find(
    ({ submap, maxProtection }) => submap !== null || !permits(maxProtection, operation.protection),
  );
  return offender !== undefined && offender.submap !== null ? 'stop' : null;
};

/** The clamped range of a wiring call; null for anything else. */
function rangeToWire(situation: Situation): MapRange | null {
  const { operation } = situation;
  return operation.kind === 'vm_map_pageable' && !operation.pageable ? rangeToChange(situation) : null;
}

/** DEV-13: wiring counted the placeholder of a submap and unwired a page inside it. */
export const wireSubmap: Trigger = (situation) => {
  const range = rangeToWire(situation);
  if (range === null || isEmpty(range) || !isAligned(range)) return null;
  if (entryAt(range.map, range.start) === undefined) return null;
  return entriesIn(range).some(({ submap }) => submap !== null) ? 'stop' : null;
};

/** DEV-14: wiring nothing inside an entry left an entry without addresses. */
export const wireNothing: Trigger = (situation) => {
  const range = rangeToWire(situation);
  if (range === null || !isEmpty(range) || !isAligned(range)) return null;
  return range.map.entries.some((entry) => isStrictlyInside(range.start, entry)) ? 'stop' : null;
};

/** DEV-36 of the operations that change or remove ranges, and of insertions: entries were split within a page. */
export const unalignedRange: Trigger = (situation) => {
  const { state, operation } = situation;
  if (operation.kind === 'vm_map_insert') return unalignedInsertion(state, operation);
  if (operation.kind === 'vm_map_inherit' && operation.inheritance > VM_INHERIT_NONE) return null;
  const removes = operation.kind === 'vm_map_remove';
  const range = removes ? rangeToRemove(situation) : rangeToChange(situation);
  return range !== null && !isAligned(range) ? 'stop' : null;
};

function unalignedInsertion(state: ModelState, { map: name, start, end, offset }: VmMapInsert) {
  const map = mapOf(state, name);
  if (map === undefined || [start, end, offset].every(isPageAligned)) return null;
  const inside = map.min <= start && start < end && end <= map.max;
  const fits = inside && !map.entries.some((entry) => overlaps(entry, { start, end }));
  return fits ? 'stop' : 'result';
}
