/**
 * Two kernels in unison: as long as the second agrees with the first in every cell, one mirror shows both, and of the
 * second only what it touched is compared.
 */
import type { VirtualAddress } from '../contract/address.ts';
import type { MappingSnapshot } from '../contract/pmap.ts';
import type { CellName } from '../contract/snapshot.ts';
import type { MapName, MapSnapshot } from '../contract/vm-map.ts';
import type { ObjectName, ObjectSnapshot } from '../contract/vm-object.ts';
import {
  addressOfCell,
  frameOfCell,
  isMapCell,
  isMappingCell,
  isObjectCell,
  isPvCell,
  mapOfCell,
  objectOfCell,
  type SingleCell,
} from './cells.ts';
import {
  sameCounters,
  sameMap,
  sameMapping,
  sameNumbers,
  sameObject,
  samePmap,
  samePools,
  sameSched,
  sameSpaces,
  sameState,
  sameTransitions,
} from './equality.ts';
import type { Mirror } from './mirror.ts';
import type { StateView } from './view.ts';
import { type CellKernel, hasCells, type VisibleKernel } from './visible-kernel.ts';

const NOWHERE: readonly VirtualAddress[] = [];

/** The second kernel of a pair, and whether it still says what the mirror of the first shows. */
export class Unison {
  readonly #kernel: CellKernel;
  readonly #leader: Mirror;
  /** Cells that the kernel named after the last step. */
  readonly #named = new Set<CellName>();

  private constructor(kernel: CellKernel, leader: Mirror) {
    this.#kernel = kernel;
    this.#leader = leader;
  }

  /** The pair, if at boot both are equal; null where they are not, or where the kernel shows no single cells. */
  static begin(kernel: VisibleKernel, own: StateView, leader: Mirror): Unison | null {
    return hasCells(kernel) && sameState(own, leader, true) ? new Unison(kernel, leader) : null;
  }

  /**
   * True when the last step left every cell that either kernel touched with one value, and the kernel named each cell
   * that changed, but for pv lists, which change with the mappings. The leader must be ahead.
   */
  lasts(): boolean {
    const named = this.#named;
    named.clear();
    for (const name of this.#kernel.touched()) {
      if (named.has(name)) continue;
      named.add(name);
      if (!agreesOn(name, this.#kernel, this.#leader)) return false;
    }
    for (const name of this.#leader.touched)
      if (!named.has(name) && !(isPvCell(name) && agreesOn(name, this.#kernel, this.#leader))) return false;
    return true;
  }
}

/** Whether one cell of a kernel has the value that a state shows. */
function agreesOn(name: CellName, kernel: CellKernel, state: StateView): boolean {
  if (isMappingCell(name))
    return sameMapping(state.mappings.get(addressOfCell(name)), kernel.cell(name) ?? undefined);
  if (isMapCell(name)) return sameMap(state.maps.get(mapOfCell(name)), kernel.cell(name) ?? undefined);
  if (isObjectCell(name))
    return sameObject(state.objects.get(objectOfCell(name)), kernel.cell(name) ?? undefined);
  if (isPvCell(name)) return sameNumbers(state.pv.get(frameOfCell(name)) ?? NOWHERE, kernel.cell(name));
  return agreesOnSingle(name, kernel, state);
}

function agreesOnSingle(name: SingleCell, kernel: CellKernel, state: StateView): boolean {
  switch (name) {
    case 'queue:free':
      return sameNumbers(state.queues.free, kernel.cell(name));
    case 'queue:active':
      return sameNumbers(state.queues.active, kernel.cell(name));
    case 'queue:inactive':
      return sameNumbers(state.queues.inactive, kernel.cell(name));
    case 'counters':
      return sameCounters(state.counters, kernel.cell(name));
    case 'pools':
      return samePools(state.pools, kernel.cell(name));
    case 'pmap:kernel':
      return samePmap(state.pmap, kernel.cell(name));
    case 'spaces':
      return sameSpaces(state.spaces, kernel.cell(name));
    case 'sched':
      return sameSched(state.sched, kernel.cell(name));
    case 'transitions':
      return sameTransitions(state.transitions, kernel.cell(name));
  }
}

/** The state that a mirror showed before its last refresh, as a copy. */
export function stateBefore(mirror: Mirror): StateView {
  const { queues, counters, pools, pmap, spaces, sched, transitions } = mirror;
  const maps = new Map<MapName, MapSnapshot>(mirror.maps);
  const objects = new Map<ObjectName, ObjectSnapshot>(mirror.objects);
  const mappings = new Map<number, MappingSnapshot>(mirror.mappings);
  const pv = new Map<number, readonly VirtualAddress[]>(mirror.pv);
  const singles = { queues, counters, pools, pmap, spaces, sched, transitions };
  for (const name of mirror.touched)
    if (isMappingCell(name)) putBack(mappings, addressOfCell(name), mirror.before(name));
    else if (isMapCell(name)) putBack(maps, mapOfCell(name), mirror.before(name));
    else if (isObjectCell(name)) putBack(objects, objectOfCell(name), mirror.before(name));
    else if (isPvCell(name)) putBackPv(pv, frameOfCell(name), mirror.before(name));
    else putBackSingle(singles, name, mirror);
  return { ...singles, maps, objects, mappings, pv };
}

function putBack<Key, Value>(table: Map<Key, Value>, key: Key, value: Value | null): void {
  if (value === null) table.delete(key);
  else table.set(key, value);
}

function putBackPv(
  pv: Map<number, readonly VirtualAddress[]>,
  frame: number,
  value: readonly VirtualAddress[],
): void {
  if (value.length === 0) pv.delete(frame);
  else pv.set(frame, value);
}

type Singles = {
  -readonly [Field in Exclude<keyof StateView, 'maps' | 'objects' | 'mappings' | 'pv'>]: StateView[Field];
};

function putBackSingle(singles: Singles, name: SingleCell, mirror: Mirror): void {
  switch (name) {
    case 'queue:free':
      singles.queues = { ...singles.queues, free: mirror.before(name) };
      break;
    case 'queue:active':
      singles.queues = { ...singles.queues, active: mirror.before(name) };
      break;
    case 'queue:inactive':
      singles.queues = { ...singles.queues, inactive: mirror.before(name) };
      break;
    case 'counters':
      singles.counters = mirror.before(name);
      break;
    case 'pools':
      singles.pools = mirror.before(name);
      break;
    case 'pmap:kernel':
      singles.pmap = mirror.before(name);
      break;
    case 'spaces':
      singles.spaces = mirror.before(name);
      break;
    case 'sched':
      singles.sched = mirror.before(name);
      break;
    case 'transitions':
      singles.transitions = mirror.before(name);
      break;
  }
}
