/**
 * Tells when a caller has made one page reachable under two addresses that this subsystem cannot keep apart.
 * From then on the invariants marked † say nothing (INVARIANTS.md).
 */
import { objectOffset } from '../contract/address.ts';
import type { Operation } from '../contract/operation.ts';
import { KERN_SUCCESS, type Outcome } from '../contract/outcome.ts';
import type { InsertedObject, MapName, MapSnapshot } from '../contract/vm-map.ts';
import { isMapCell, type MapCell, mapOfCell } from './cells.ts';
import type { View } from './view.ts';

const NONE: ReadonlySet<MapName> = new Set();

/** Watches one kernel for aliasing; once seen, it stays. */
export class Aliasing {
  #aliased = false;
  /** Maps that exist without an entry naming them: not yet made a submap, or no longer one. */
  readonly #unattached: Set<MapName>;
  #aliasedBefore: boolean;
  #unattachedBefore: ReadonlySet<MapName> = NONE;

  constructor(aliased = false, unattached: ReadonlySet<MapName> = NONE) {
    this.#aliased = aliased;
    this.#aliasedBefore = aliased;
    this.#unattached = new Set(unattached);
  }

  /** A watch that knows what this one knew before the last step. */
  asBefore(): Aliasing {
    return new Aliasing(this.#aliasedBefore, this.#unattachedBefore);
  }

  get aliased(): boolean {
    return this.#aliased;
  }

  /** Takes a step into account; `view` must show the state after it. */
  observe(view: View): void {
    this.#aliasedBefore = this.#aliased;
    this.#unattachedBefore = this.#unattached.size === 0 ? NONE : new Set(this.#unattached);
    if (this.#aliased) return;
    if (view.operation !== null && view.step !== null)
      this.#aliased = insertsForeignOffset(view.operation, view.step.outcome, view);
    if (view.maps.size === 1 && this.#unattached.size === 0) return;
    for (const name of view.touched) if (isMapCell(name)) this.#followMap(name, view);
    if (this.#unattached.size > 0 && view.touchedMaps.length > 0 && this.#overlaps(view))
      this.#aliased = true;
  }

  #followMap(cell: MapCell, view: View): void {
    const name = mapOfCell(cell);
    const before = view.operation === null ? null : view.before(cell);
    const now = view.maps.get(name);
    if (now === undefined) this.#unattached.delete(name);
    else if (before === null && name !== 'kernel' && !isNamed(name, view)) this.#unattached.add(name);
    for (const { backing } of now?.entries ?? [])
      if (backing !== null && 'submap' in backing) this.#unattached.delete(backing.submap);
    for (const { backing } of before?.entries ?? [])
      if (backing !== null && 'submap' in backing) this.#detach(backing.submap, view);
  }

  /** Losing the last naming entry is the caller's doing where the submap was empty, else the kernel's fault (MAP-DEL-1). */
  #detach(name: MapName, view: View): void {
    const submap = view.maps.get(name);
    if (submap === undefined || isNamed(name, view)) return;
    this.#unattached.add(name);
    const before = view.mapBefore(name) ?? submap;
    if (before.entries.length === 0) this.#aliased = true;
  }

  /** True when an unattached map hands out addresses that another map hands out too. */
  #overlaps(view: View): boolean {
    for (const name of this.#unattached) {
      const map = view.maps.get(name);
      if (map === undefined || map.entries.length === 0) continue;
      for (const other of view.maps.values()) if (other !== map && sharesAddresses(map, other)) return true;
    }
    return false;
  }
}

const isNamed = (name: MapName, view: View): boolean => {
  for (const { entries } of view.maps.values())
    for (const { backing } of entries)
      if (backing !== null && 'submap' in backing && backing.submap === name) return true;
  return false;
};

const sharesAddresses = (map: MapSnapshot, other: MapSnapshot): boolean =>
  map.entries.some((entry) =>
    other.entries.some(
      ({ start, end, backing }) =>
        start < entry.end && entry.start < end && (backing === null || 'object' in backing),
    ),
  );

/** An object inserted where its pages do not belong: then two addresses may name one page. */
function insertsForeignOffset(operation: Operation, outcome: Outcome, view: View): boolean {
  if (operation.kind !== 'vm_map_insert' && operation.kind !== 'vm_map_find') return false;
  if (outcome.kind !== 'kern' || outcome.code !== KERN_SUCCESS) return false;
  const start = operation.kind === 'vm_map_insert' ? operation.start : outcome.address;
  return start !== undefined && operation.offset !== ownOffset(operation.object, start, view);
}

/** The one offset at which an address may show an object; null objects take any, null where there is none. */
function ownOffset(object: InsertedObject, start: number, view: View): number | null {
  switch (object) {
    case 'null':
    case 'anon':
      return 0;
    case 'kernel':
      return objectOffset(start - view.machine.kernelMin);
    case 'kmem': {
      const kmem = view.maps.get('kmem');
      return kmem === undefined ? null : objectOffset(start - kmem.min);
    }
  }
}
