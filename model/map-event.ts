/** Changes of entry lists, for a replayer that keeps 1994's own bookkeeping (the `first_free` pointer) beside the model. */
import type { VirtualAddress } from '../contract/address.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { Range } from './state.ts';

/** A range was inserted (MAP-INSERT-5, 6). */
interface Insertion extends Range {
  readonly kind: 'insert';
  readonly coalesced: boolean; // True when the range extended the predecessor and no entry was created
  readonly predecessor: Range | null; // The entry before the range, as it was; null: the header
}

/** An entry was split in two at `at`, the start of the back half (MAP-CLIP-1). */
interface Clip {
  readonly kind: 'clip';
  readonly frontStart: VirtualAddress;
  readonly at: VirtualAddress;
}

/** The range from `start`, clamped, is about to lose its entries, if any; the clip at its start is done (MAP-DEL-2). */
interface Deletion {
  readonly kind: 'delete';
  readonly start: VirtualAddress;
  readonly predecessor: VirtualAddress | null; // Start of the last entry before the first affected
}

/** The entry that started at `absorbed` was merged into its predecessor, which starts at `absorber` (MAP-SIMPL-1). */
interface Merger {
  readonly kind: 'simplify';
  readonly absorbed: VirtualAddress;
  readonly absorber: VirtualAddress;
}

export type MapEvent = (Insertion | Clip | Deletion | Merger) & { readonly map: MapName };
