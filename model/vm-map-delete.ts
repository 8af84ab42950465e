/** Taking ranges out of maps, and maps out of the machine (vm_map.c). */
import { byteDistance, isPageAligned } from '../contract/address.ts';
import { done, KERN_INVALID_ARGUMENT, KERN_SUCCESS, type Outcome, rejected } from '../contract/outcome.ts';
import { cite, touch } from './bookkeeping.ts';
import { pmapRemove } from './pmap.ts';
import { inTransition } from './sched.ts';
import type { Answer, Call, KernCode, ModelState, Range, Sleeping, VmMap, VmMapEntry } from './state.ts';
import { faultUnwire } from './vm-fault.ts';
import { admit } from './vm-map.ts';
import { isReservedName } from './vm-map-create.ts';
import { clipEnd, clipResidue, entriesIn, entryBefore, unlink } from './vm-map-entry.ts';
import { vmObjectDeallocate, vmObjectPageRemove } from './vm-object.ts';

/** The number of references to a map: its creator's, and every entry of every map that names it. */
export function mapReferences(state: ModelState, map: VmMap): number {
  let references = map.creatorReference ? 1 : 0;
  for (const { entries } of state.maps) for (const { submap } of entries) if (submap === map) references += 1;
  return references;
}

/** True when the range meets a submap that it does not cover or that is in use: then nothing of it may be deleted. */
function cutsSubmap(state: ModelState, map: VmMap, range: Range): boolean {
  return entriesIn(map, range).some(({ submap }) => {
    if (submap === null) return false;
    const covered = range.start <= submap.min && submap.max <= range.end;
    return !covered || submap.entries.length > 0 || isAwaited(state, submap);
  });
}

/** True when somebody sleeps for space in the map, or was woken from that and has not run yet. */
const isAwaited = ({ flights }: ModelState, { name }: VmMap): boolean =>
  flights.some(({ status, event }) => status !== 'running' && event === `map:${name}`);

/** vm_map_delete, with the map locked: a KERN code. Holes are skipped, and there may be nothing else. */
export function deleteRange(state: ModelState, map: VmMap, range: Range): KernCode {
  if (cutsSubmap(state, map, range)) {
    cite(state, 'MAP-DEL-1');
    return KERN_INVALID_ARGUMENT;
  }
  clipResidue(state, map, range.start);
  const predecessor = entryBefore(map, range.start)?.start ?? null;
  state.onMapEvent?.({ kind: 'delete', map: map.name, start: range.start, predecessor });
  const doomed = entriesIn(map, range);
  if (doomed.length === 0) cite(state, 'MAP-DEL-3');
  for (const entry of doomed) {
    clipEnd(state, map, entry, range.end);
    deleteEntry(state, map, entry);
  }
  return KERN_SUCCESS;
}

function deleteEntry(state: ModelState, map: VmMap, entry: VmMapEntry): void {
  cite(state, 'MAP-DEL-2');
  if (entry.wiredCount > 0) faultUnwire(state, entry);
  const { object, submap } = entry;
  if (object !== null && (object === state.kernelObject || object === state.kmemObject))
    vmObjectPageRemove(state, object, entry.offset, byteDistance(entry.start, entry.end));
  else {
    if (object !== null) cite(state, 'OBJ-7');
    pmapRemove(state, entry);
  }
  unlink(state, map, entry);
  if (submap === null) vmObjectDeallocate(state, object);
  else dropMapReference(state, submap);
}

/** vm_map_remove: a KERN code, once nobody is filling or wiring a part of the range. */
export function* vmMapRemove(
  state: ModelState,
  bounds: { readonly start: number; readonly end: number },
  map: VmMap,
): Sleeping<KernCode> {
  const range = yield* admit(state, map, bounds, ['filling', 'wiring']);
  cite(state, 'MAP-DEL-4');
  return range === undefined ? KERN_INVALID_ARGUMENT : deleteRange(state, map, range);
}

/** vm_map_delete as an operation, for a caller that holds the lock and has looked at the range. */
export function vmMapDelete(state: ModelState, range: Call<'vm_map_delete'>, map: VmMap): Answer {
  const { start, end } = range;
  if (!isPageAligned(start) || !isPageAligned(end)) return rejected('MAP-0');
  if (start < map.min || start > end || end > map.max) return rejected('MAP-CLAMP');
  if (inTransition(state, map, range, ['filling', 'wiring'])) return rejected('MAP-TRANS-1');
  return deleteRange(state, map, range);
}

/** What happens after a reference to a map has gone: the last one takes everything in it along. */
function dropMapReference(state: ModelState, map: VmMap): void {
  touch(state, map);
  if (mapReferences(state, map) > 0) return;
  deleteRange(state, map, { start: map.min, end: map.max });
  state.maps.splice(state.maps.indexOf(map), 1);
  touch(state, 'pmap:kernel');
}

/** vm_map_deallocate: the creator gives the map up. */
export function vmMapDeallocate(state: ModelState, _: Call<'vm_map_deallocate'>, map: VmMap): Outcome {
  if (!mayGiveUp(state, map)) return rejected('MAP-CREATE-2');
  cite(state, 'MAP-CREATE-2');
  map.creatorReference = false;
  dropMapReference(state, map);
  return done;
}

/** A creator gives a map up once, with nothing under way in it and no submap in use that would lose its parent. */
function mayGiveUp(state: ModelState, map: VmMap): boolean {
  if (isReservedName(map.name) || !map.creatorReference) return false;
  if (state.flights.some(({ operation }) => 'map' in operation && operation.map === map.name)) return false;
  const last = mapReferences(state, map) === 1;
  return !(last && cutsSubmap(state, map, { start: map.min, end: map.max }));
}
