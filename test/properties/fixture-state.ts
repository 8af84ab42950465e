/** Whole states from the few parts that a test names: queues, counters, pools and pv lists follow from the rest. */

import { frameNumber, type VirtualAddress } from '../../contract/address.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import type { MappingSnapshot, PmapSnapshot } from '../../contract/pmap.ts';
import { NO_SPACES, type SpacesSnapshot } from '../../contract/pmap.ts';
import type { SchedSnapshot } from '../../contract/sched.ts';
import type { PoolsSnapshot } from '../../contract/snapshot.ts';
import type { MapSnapshot, TransitionSnapshot } from '../../contract/vm-map.ts';
import type { ObjectSnapshot } from '../../contract/vm-object.ts';
import type { CountersSnapshot, QueuesSnapshot } from '../../contract/vm-page.ts';
import type { StateView } from '../../properties/view.ts';

/** The parts of a state; what is left out follows from the rest or is what boot leaves. */
export interface StateSpec {
  readonly maps?: readonly MapSnapshot[];
  readonly objects?: readonly ObjectSnapshot[];
  readonly mappings?: readonly MappingSnapshot[];
  readonly pv?: readonly { readonly frame: number; readonly addresses: readonly VirtualAddress[] }[];
  readonly queues?: { readonly [Queue in keyof QueuesSnapshot]?: readonly number[] };
  readonly counters?: Partial<CountersSnapshot>;
  readonly pools?: Partial<PoolsSnapshot>;
  readonly pmap?: Partial<PmapSnapshot>;
  readonly spaces?: SpacesSnapshot;
  readonly sched?: Partial<SchedSnapshot>;
  readonly transitions?: readonly TransitionSnapshot[];
}

/** The whole state that a specification describes. */
export function stateOf(spec: StateSpec, machine: MachineConfig): StateView {
  const { maps = [], objects = [], mappings = [] } = spec;
  const queues = queuesOf(spec, objects, machine);
  return {
    maps: new Map(maps.map((map) => [map.name, map])),
    objects: new Map(objects.map((object) => [object.name, object])),
    mappings: new Map(mappings.map((mapping) => [mapping.address, mapping])),
    pv: spec.pv ? new Map(spec.pv.map((p) => [p.frame, p.addresses])) : pvOf(mappings),
    queues,
    counters: {
      free: queues.free.length,
      active: queues.active.length,
      inactive: queues.inactive.length,
      wired: objects.flatMap((object) => object.pages).filter(({ wireCount }) => wireCount > 0).length,
      ...spec.counters,
    },
    pools: {
      freeEntries: machine.mapEntries === null ? null : machine.mapEntries - staticEntries(maps),
      freeMaps: machine.staticMaps - maps.length,
      ...spec.pools,
    },
    spaces: spec.spaces ?? NO_SPACES,
    pmap: {
      references: maps.length,
      resident: mappings.length,
      wired: mappings.filter(({ wired }) => wired).length,
      ...spec.pmap,
    },
    sched: { asleep: [], runnable: [], ...spec.sched },
    transitions: spec.transitions ?? [],
  };
}

function queuesOf(
  { queues = {} }: StateSpec,
  objects: readonly ObjectSnapshot[],
  machine: MachineConfig,
): QueuesSnapshot {
  const resident = objects.flatMap((object) => object.pages);
  const taken = new Set<number>(resident.map(({ frame }) => frame));
  const untaken = Array.from({ length: machine.managedPages }, (_, frame) => frame).filter(
    (f) => !taken.has(f),
  );
  const on = (queue: 'active' | 'inactive') =>
    queues[queue] ?? resident.filter((page) => page.queue === queue).map(({ frame }) => frame);
  return {
    free: (queues.free ?? untaken).map(frameNumber),
    active: on('active').map(frameNumber),
    inactive: on('inactive').map(frameNumber),
  };
}

function pvOf(mappings: readonly MappingSnapshot[]): Map<number, VirtualAddress[]> {
  const pv = new Map<number, VirtualAddress[]>();
  for (const { frame, address } of mappings) pv.set(frame, [...(pv.get(frame) ?? []), address]);
  return pv;
}

const staticEntries = (maps: readonly MapSnapshot[]): number =>
  maps.filter(({ pageable }) => !pageable).reduce((sum, { entries }) => sum + entries.length, 0);
