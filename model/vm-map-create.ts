/** New maps, and maps inside maps (vm_map.c). */
import { isPageAligned } from '../contract/address.ts';
import {
  done,
  KERN_INVALID_ARGUMENT,
  KERN_SUCCESS,
  type Outcome,
  PANIC,
  rejected,
} from '../contract/outcome.ts';
import { cite, mapNamed, stopMachine, touch } from './bookkeeping.ts';
import type { Answer, Call, KernCode, ModelState, Range, VmMap } from './state.ts';
import { aligned } from './vm-map.ts';
import { clipEnd, clipStart, entryAt } from './vm-map-entry.ts';

/** Names of the maps that the kernel itself keeps. */
export const isReservedName = (name: string): boolean => ['kernel', 'kmem', 'mb'].includes(name);

/** Static map records in use. */
export const staticMapsInUse = (state: ModelState): number =>
  state.maps.filter((map) => map.staticRecord).length;

/** vm_map_create: an empty map, or a stopped machine when it needs a static record and none is left. */
export function createMap(state: ModelState, { name, min, max, pageable }: Call<'vm_map_create'>): VmMap {
  cite(state, 'MAP-CREATE-1');
  const staticRecord = mapNamed(state, 'kmem') === undefined;
  if (staticRecord && staticMapsInUse(state) >= state.machine.staticMaps) stopMachine(PANIC.outOfMaps);
  const map: VmMap = { name, min, max, pageable, staticRecord, creatorReference: true, entries: [] };
  state.maps.push(map);
  touch(state, map, 'pmap:kernel');
  return map;
}

/** vm_map_create as an operation. */
export function vmMapCreate(state: ModelState, call: Call<'vm_map_create'>): Outcome {
  const { name, min, max } = call;
  const taken = isReservedName(name) || mapNamed(state, name) !== undefined;
  if (taken || !isPageAligned(min) || !isPageAligned(max) || min > max) return rejected('MAP-CREATE-1');
  createMap(state, call);
  return done;
}

/** True when `map` is `ancestor` or lies in it, at whatever depth. */
function liesIn(state: ModelState, map: VmMap, ancestor: VmMap): boolean {
  if (map === ancestor) return true;
  return state.maps.some(
    (parent) => parent.entries.some(({ submap }) => submap === map) && liesIn(state, parent, ancestor),
  );
}

/** vm_map_submap: turns a part of an object-less entry into the placeholder of a map with exactly its bounds. */
export function makeSubmap(state: ModelState, map: VmMap, { start, end }: Range, submap: VmMap): KernCode {
  if (!aligned(state, start, end)) return KERN_INVALID_ARGUMENT;
  const entry = entryAt(map, start);
  const replaceable =
    entry !== undefined &&
    start < end &&
    end <= entry.end &&
    entry.object === null &&
    entry.submap === null &&
    entry.wiredCount === 0;
  const fits = submap.min === start && submap.max === end;
  const hasParent = state.maps.some((other) => other.entries.some((named) => named.submap === submap));
  if (!replaceable || !fits || hasParent || liesIn(state, map, submap)) {
    cite(state, 'MAP-SUB-1');
    return KERN_INVALID_ARGUMENT;
  }
  cite(state, 'MAP-SUB-2');
  const placeholder = clipStart(state, map, entry, start);
  clipEnd(state, map, placeholder, end);
  placeholder.submap = submap;
  touch(state, map, submap);
  return KERN_SUCCESS;
}

/** vm_map_submap as an operation. */
export function vmMapSubmap(state: ModelState, call: Call<'vm_map_submap'>, map: VmMap): Answer {
  const submap = mapNamed(state, call.submap);
  return submap === undefined ? rejected('CONV-4') : makeSubmap(state, map, call, submap);
}
