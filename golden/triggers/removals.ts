/** Triggers of freeing and removing ranges: DEV-8, DEV-12, DEV-33, DEV-37. */
import { ADDRESS_SPACE_END, isPageAligned, truncPage } from '../../contract/address.ts';
import {
  entriesIn,
  forbidsRemoval,
  freedEnd,
  freesPages,
  isEmpty,
  isStrictlyInside,
  type MapRange,
  mapOf,
  piecesIn,
  rangeToRemove,
  residentPages,
  type Situation,
  type Trigger,
} from './situation.ts';

/** DEV-8: the end of the range wrapped, so that nothing was freed. */
export const wrappedEnd: Trigger = ({ state, operation }) => {
  if (operation.kind !== 'kmem_free' && operation.kind !== 'kmem_free_wakeup') return null;
  const map = mapOf(state, operation.map);
  const end = freedEnd(operation);
  if (map === undefined || operation.size === 0 || end < ADDRESS_SPACE_END) return null;
  const touches = truncPage(operation.address) < map.max || end - ADDRESS_SPACE_END > map.min;
  return touches ? 'stop' : null;
};

/** DEV-37: freeing no bytes freed the page around an unaligned address, or split the entry around an aligned one. */
export const emptyFree: Trigger = ({ state, operation }) => {
  if (operation.kind !== 'kmem_free' && operation.kind !== 'kmem_free_wakeup') return null;
  const map = mapOf(state, operation.map);
  if (map === undefined || operation.size !== 0) return null;
  const { address } = operation;
  const effect = !isPageAligned(address) || map.entries.some((entry) => isStrictlyInside(address, entry));
  return effect ? 'stop' : null;
};

/** DEV-12: a submap in use lost its place in the parent. */
export const submapInUse: Trigger = (situation) => {
  const range = rangeToRemove(situation);
  return range !== null && isRefused(situation, range) ? 'stop' : null;
};

function isRefused(situation: Situation, range: MapRange): boolean {
  return entriesIn(range).some(({ submap }) => submap !== null && forbidsRemoval(situation, range, submap));
}

/** The range whose entries the operation really deletes; null when it deletes none, by kind or by refusal. */
export function deletedRange(situation: Situation): MapRange | null {
  const range = rangeToRemove(situation);
  if (range === null || isEmpty(range)) return null;
  if (!isPageAligned(range.start) || !isPageAligned(range.end)) return null;
  return isRefused(situation, range) ? null : range;
}

/** DEV-33: pages stayed behind where the offset range of a deleted piece reaches 2^32. */
export const wrappedOffsets: Trigger = (situation) => {
  const range = deletedRange(situation);
  if (range === null) return null;
  const leak = piecesIn(range).some(({ entry: { object }, offset, length }) => {
    if (!freesPages(situation.state, object) || offset + length < ADDRESS_SPACE_END) return false;
    return residentPages(object, offset, length).length > 0;
  });
  return leak ? 'stop' : null;
};
