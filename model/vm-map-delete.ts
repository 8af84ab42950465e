/** Taking ranges out of maps, and maps out of the machine (vm_map.c). */
import { byteDistance, isPageAligned } from '../contract/address.ts';
import {
  done,
  KERN_INVALID_ARGUMENT,
  KERN_SUCCESS,
  kern,
  type Outcome,
  rejected,
} from '../contract/outcome.ts';
import type { VmMapDeallocate, VmMapDelete, VmMapRemove } from '../contract/vm-map.ts';
import { pmapRemove } from './pmap.ts';
import { inTransition, waitForTransitions } from './sched.ts';
import {
  cite,
  type ModelState,
  mapNamed,
  type Sleeping,
  touch,
  type VmMap,
  type VmMapEntry,
} from './state.ts';
import { faultUnwire } from './vm-fault-wire.ts';
import { aligned, clamp } from './vm-map.ts';
import {
  clipEnd,
  clipResidue,
  entriesIn,
  entryBefore,
  type Range,
  touchMap,
  unlink,
} from './vm-map-entry.ts';
import { vmObjectDeallocate, vmObjectPageRemove } from './vm-object.ts';

/** The number of references to a map: its creator's, and every entry of every map that names it. */
export function mapReferences(state: ModelState, map: VmMap): number {
  let references = map.creatorReference ? 1 : 0;
  for (const parent of state.maps)
    for (const entry of parent.entries) if (entry.submap === map) references += 1;
  return references;
}

/** True when somebody sleeps for space in the map, or was woken from that and has not run yet. */
function isAwaited(state: ModelState, map: VmMap): boolean {
  return state.flights.some(({ status, event }) => status !== 'running' && event === `map:${map.name}`);
}

/** True when the range meets a submap that it does not cover or that is in use: then nothing of it may be deleted. */
function cutsSubmap(state: ModelState, map: VmMap, range: Range): boolean {
  return entriesIn(map, range).some(({ submap }) => {
    if (submap === null) return false;
    const covered = range.start <= submap.min && submap.max <= range.end;
    return !covered || submap.entries.length > 0 || isAwaited(state, submap);
  });
}

/** vm_map_delete, with the map locked: a KERN code. Holes are skipped, and there may be nothing else. */
export function deleteRange(state: ModelState, map: VmMap, range: Range): number {
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
  const { object } = entry;
  if (object !== null && (object === state.kernelObject || object === state.kmemObject)) {
    const length = byteDistance(entry.start, entry.end);
    vmObjectPageRemove(state, object, { offset: entry.offset, length });
  } else {
    if (object !== null) cite(state, 'OBJ-7');
    pmapRemove(state, entry.start, entry.end);
  }
  unlink(state, map, entry);
  if (entry.submap === null) vmObjectDeallocate(state, object);
  else dropMapReference(state, entry.submap);
}

/** vm_map_remove: a KERN code; waits while another operation is filling or wiring a part of the range. */
export function* remove(state: ModelState, map: VmMap, start: number, end: number): Sleeping<number> {
  const range = clamp(state, map, start, end);
  yield* waitForTransitions(state, map, range, ['filling', 'wiring']);
  cite(state, 'MAP-DEL-4');
  if (!aligned(state, range.start, range.end)) return KERN_INVALID_ARGUMENT;
  return deleteRange(state, map, range);
}

/** vm_map_remove as an operation. */
export function* vmMapRemove(state: ModelState, { map: name, start, end }: VmMapRemove): Sleeping<Outcome> {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  return kern(yield* remove(state, map, start, end));
}

/** vm_map_delete as an operation, for a caller that holds the lock and has looked at the range. */
export function vmMapDelete(state: ModelState, { map: name, start, end }: VmMapDelete): Outcome {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  const sound =
    isPageAligned(start) && isPageAligned(end) && map.min <= start && start <= end && end <= map.max;
  if (!sound || inTransition(state, map, { start, end }, ['filling', 'wiring'])) return rejected('CONV-4');
  return kern(deleteRange(state, map, { start, end }));
}

/** What happens after a reference to a map has gone: the last one takes everything in it along. */
function dropMapReference(state: ModelState, map: VmMap): void {
  touchMap(state, map);
  if (mapReferences(state, map) > 0) return;
  deleteRange(state, map, { start: map.min, end: map.max });
  state.maps.splice(state.maps.indexOf(map), 1);
  touch(state, 'pools', 'pmap:kernel');
}

/** vm_map_deallocate as an operation: the creator gives the map up. */
export function vmMapDeallocate(state: ModelState, { map: name }: VmMapDeallocate): Outcome {
  const map = mapNamed(state, name);
  if (map === undefined) return rejected('CONV-4');
  if (!mayGiveUp(state, map)) return rejected('MAP-CREATE-2');
  cite(state, 'MAP-CREATE-2');
  map.creatorReference = false;
  dropMapReference(state, map);
  return done;
}

/** A creator gives a map up once, with nothing under way in it and no submap in use that would lose its parent. */
function mayGiveUp(state: ModelState, map: VmMap): boolean {
  if (['kernel', 'kmem', 'mb'].includes(map.name) || !map.creatorReference) return false;
  if (state.flights.some(({ operation }) => 'map' in operation && operation.map === map.name)) return false;
  const last = mapReferences(state, map) === 1;
  return !(last && cutsSubmap(state, map, { start: map.min, end: map.max }));
}
