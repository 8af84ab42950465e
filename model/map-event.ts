/** Changes of entry lists, for a replayer that keeps 1994's own bookkeeping (the `first_free` pointer) beside the model. */
import type { VirtualAddress } from '../contract/address.ts';
import type { MapName } from '../contract/vm-map.ts';

/** A range was inserted (MAP-INSERT-5, 6). */
export interface InsertEvent {
  readonly kind: 'insert';
  readonly map: MapName;
  readonly start: VirtualAddress;
  /** Exclusive. */
  readonly end: VirtualAddress;
  /** True when the range extended the predecessor and no entry was created. */
  readonly coalesced: boolean;
  /** The entry before the range, as it was; null: the header. */
  readonly predecessor: { readonly start: VirtualAddress; readonly end: VirtualAddress } | null;
}

/** An entry was split in two (MAP-CLIP-1). */
export interface ClipEvent {
  readonly kind: 'clip';
  readonly map: MapName;
  readonly frontStart: VirtualAddress;
  /** Start of the back half. */
  readonly at: VirtualAddress;
}

/** A range is about to lose its entries, if any; the clip at its start is done (MAP-DEL-2). */
export interface DeleteEvent {
  readonly kind: 'delete';
  readonly map: MapName;
  /** The argument after the clamp. */
  readonly start: VirtualAddress;
  /** Start of the last entry before the first affected one; null: the header. */
  readonly predecessor: VirtualAddress | null;
}

/** An entry was merged into its predecessor (MAP-SIMPL-1). */
export interface SimplifyEvent {
  readonly kind: 'simplify';
  readonly map: MapName;
  /** Start of the entry that is gone. */
  readonly absorbed: VirtualAddress;
  /** Start of the entry that has grown. */
  readonly absorber: VirtualAddress;
}

export type MapEvent = InsertEvent | ClipEvent | DeleteEvent | SimplifyEvent;
