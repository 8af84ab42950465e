/**
 * The observable state of a kernel as plain data, and its named cells (SPEC §13).
 *
 * Level `bsd` compares everything but `transitions` and `pv`; level `contract` compares meaning only:
 * see properties/equality.ts.
 */
import type { FrameNumber, VirtualAddress } from './address.ts';
import type { MappingSnapshot, PmapSnapshot, PvSnapshot, SpacesSnapshot } from './pmap.ts';
import type { SchedSnapshot } from './sched.ts';
import type { MapName, MapSnapshot, TransitionSnapshot } from './vm-map.ts';
import type { ObjectName, ObjectSnapshot } from './vm-object.ts';
import type { CountersSnapshot, QueuesSnapshot } from './vm-page.ts';

export interface Snapshot {
  /** Live maps in creation order, `kernel` first. */
  readonly maps: readonly MapSnapshot[];
  /** Live objects in creation order: kernel, kmem, scratch (if any), then anonN and pte:NAME. */
  readonly objects: readonly ObjectSnapshot[];
  readonly queues: QueuesSnapshot;
  readonly counters: CountersSnapshot;
  /** Ascending by address. */
  readonly mappings: readonly MappingSnapshot[];
  readonly pmap: PmapSnapshot;
  readonly spaces: SpacesSnapshot;
  readonly pools: PoolsSnapshot;
  readonly sched: SchedSnapshot;
  /** In operation order; never compared. */
  readonly transitions: readonly TransitionSnapshot[];
  /** Frames that are mapped somewhere, ascending; never compared. */
  readonly pv: readonly PvSnapshot[];
}

/** Free static records; freeEntries is null when the pool is unlimited. Cell `pools`. */
export interface PoolsSnapshot {
  readonly freeEntries: number | null;
  readonly freeMaps: number;
}

/** The part of the state that one name addresses. */
export type CellName =
  | `map:${MapName}`
  | `object:${ObjectName}`
  | 'queue:free'
  | 'queue:active'
  | 'queue:inactive'
  | `mapping:${number}`
  | `pv:${number}`
  | 'counters'
  | 'pools'
  | 'pmap:kernel'
  | 'spaces'
  | 'sched'
  | 'transitions';

/** Value of a cell; null where no such map, object or mapping exists. Object cells never carry contents. */
export type CellValue<Name extends CellName> = Name extends `map:${string}`
  ? MapSnapshot | null
  : Name extends `object:${string}`
    ? ObjectSnapshot | null
    : Name extends `queue:${string}`
      ? readonly FrameNumber[]
      : Name extends `mapping:${number}`
        ? MappingSnapshot | null
        : Name extends `pv:${number}`
          ? readonly VirtualAddress[]
          : Name extends 'counters'
            ? CountersSnapshot
            : Name extends 'pools'
              ? PoolsSnapshot
              : Name extends 'pmap:kernel'
                ? PmapSnapshot
                : Name extends 'spaces'
                  ? SpacesSnapshot
                  : Name extends 'sched'
                    ? SchedSnapshot
                    : readonly TransitionSnapshot[];
