/** Snapshots in the form that invariants read. */
import type { Snapshot } from '../contract/snapshot.ts';
import type { StateView } from './view.ts';

/** Puts a snapshot into the indexed form that invariants read. */
export function indexSnapshot(snapshot: Snapshot): StateView {
  return {
    maps: new Map(snapshot.maps.map((map) => [map.name, map])),
    objects: new Map(snapshot.objects.map((object) => [object.name, object])),
    mappings: new Map(snapshot.mappings.map((mapping) => [mapping.address, mapping])),
    pv: new Map(snapshot.pv.map(({ frame, addresses }) => [frame, addresses])),
    queues: snapshot.queues,
    counters: snapshot.counters,
    pools: snapshot.pools,
    pmap: snapshot.pmap,
    spaces: snapshot.spaces,
    sched: snapshot.sched,
    transitions: snapshot.transitions,
  };
}
