/** What all recipes share: their shape, and the choice of the map they work on. */
import { ADDRESS_SPACE_END, address, type VirtualAddress } from '../contract/address.ts';
import type { OperationKind, OperationOf } from '../contract/operation.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { Ground, KnownMap } from './generate-ground.ts';
import type { Range } from './generate-reading.ts';

/** Builds one operation that fits the state at hand, or undefined where none does. */
export type Recipe<Kind extends OperationKind = OperationKind> = (
  ground: Ground,
) => OperationOf<Kind> | undefined;

/** One recipe for each of some kinds; a kind without its row does not compile. */
export type Recipes<Kinds extends OperationKind> = { readonly [Kind in Kinds]: Recipe<Kind> };

/** A range as the two address fields of an operation, cut off below 2^32 and never below 0. */
export function bounds({ start, end }: Range): { start: VirtualAddress; end: VirtualAddress } {
  return { start: clip(start), end: clip(end) };
}

/** A plain number as an address: the nearest one that exists. */
export function clip(value: number): VirtualAddress {
  return address(Math.min(ADDRESS_SPACE_END - 1, Math.max(0, value)));
}

/** `kernel` in `kernelShare` of a hundred cases, else some submap that answers the condition. */
export function someMap(
  ground: Ground,
  kernelShare: number,
  wanted: (map: KnownMap) => boolean = () => true,
): MapName {
  if (ground.maps.length === 1 || ground.draw.percent(kernelShare)) return 'kernel';
  const submaps = ground.usable().filter((map) => map.name !== 'kernel' && wanted(map));
  return ground.draw.one(submaps)?.name ?? 'kernel';
}

/** kmem or mb, where they exist. */
export function mallocMap(ground: Ground): MapName | undefined {
  if (ground.known('kmem') === undefined) return undefined;
  return ground.known('mb') !== undefined && ground.draw.percent(32) ? 'mb' : 'kmem';
}
