/** New maps, and maps inside maps (vm_map.c). */
import { isPageAligned, type VirtualAddress } from '../contract/address.ts';
import {
  done,
  KERN_INVALID_ARGUMENT,
  KERN_SUCCESS,
  kern,
  type Outcome,
  PANIC,
  rejected,
} from '../contract/outcome.ts';
import type { MapName, VmMapCreate, VmMapSubmap } from '../contract/vm-map.ts';
import { cite, type ModelState, mapNamed, stopMachine, touch, type VmMap } from './state.ts';
import { aligned } from './vm-map.ts';
import { clipEnd, clipStart, entryAt, type Range, touchBacking, touchMap } from './vm-map-entry.ts';

/** Bounds and entry source of a new map. */
interface NewMap {
  readonly name: MapName;
  readonly min: VirtualAddress;
  /** Exclusive. */
  readonly max: VirtualAddress;
  readonly pageable: boolean;
}

/** Static map records in use. */
export const staticMapsInUse = (state: ModelState): number =>
  state.maps.filter((map) => map.staticRecord).length;

/** vm_map_create: an empty map, or a stopped machine when it needs a static record and none is left. */
export function createMap(state: ModelState, { name, min, max, pageable }: NewMap): VmMap {
  cite(state, 'MAP-CREATE-1');
  const staticRecord = mapNamed(state, 'kmem') === undefined;
  if (staticRecord && staticMapsInUse(state) >= state.machine.staticMaps) stopMachine(PANIC.outOfMaps);
  const map: VmMap = { name, min, max, pageable, staticRecord, creatorReference: true, entries: [] };
  state.maps.push(map);
  touchMap(state, map);
  touch(state, 'pools', 'pmap:kernel');
  return map;
}

/** vm_map_create as an operation. */
export function vmMapCreate(state: ModelState, operation: VmMapCreate): Outcome {
  const { name, min, max } = operation;
  const taken = mapNamed(state, name) !== undefined || ['kernel', 'kmem', 'mb'].includes(name);
  if (taken || !isPageAligned(min) || !isPageAligned(max) || min > max) return rejected('CONV-4');
  createMap(state, operation);
  return done;
}

/** True when `map` is `ancestor` or lies in it, at whatever depth. */
function liesIn(state: ModelState, map: VmMap, ancestor: VmMap): boolean {
  if (map === ancestor) return true;
  return state.maps.some(
    (parent) => parent.entries.some((entry) => entry.submap === map) && liesIn(state, parent, ancestor),
  );
}

/** vm_map_submap: turns a part of an object-less entry into the placeholder of a map with exactly its bounds. */
export function makeSubmap(state: ModelState, map: VmMap, { start, end }: Range, submap: VmMap): number {
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
  touchMap(state, map);
  touchBacking(state, placeholder);
  return KERN_SUCCESS;
}

/** vm_map_submap as an operation. */
export function vmMapSubmap(state: ModelState, { map: name, start, end, submap }: VmMapSubmap): Outcome {
  const map = mapNamed(state, name);
  const child = mapNamed(state, submap);
  if (map === undefined || child === undefined) return rejected('CONV-4');
  return kern(makeSubmap(state, map, { start, end }, child));
}
