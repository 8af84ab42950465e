/** States up to renaming: what an exhaustive search takes for one and the same. */
import type { Unshown } from '../contract/kernel-memory.ts';
import type { MappingSnapshot } from '../contract/pmap.ts';
import type { MapSnapshot } from '../contract/vm-map.ts';
import type { ObjectName, ObjectSnapshot } from '../contract/vm-object.ts';
import type { View } from './view.ts';

/**
 * Everything of the reference's state that can change what comes, as text: the snapshot at level `bsd` and what it leaves
 * out. Renamed are objects (their names count allocations since boot), operations in flight (only their order means
 * anything) and frames (they are taken from the head of FREE, whatever their number). Left out are pv lists and counts that
 * follow from the rest. Where an operation sleeps, its own progress is missing: see `Node.since`.
 */
export function stateText(view: View, unshown: Unshown): string {
  const words = new Words(view);
  const parts = [view.aliased ? 'aliased' : 'plain', unshown.rest];
  for (const map of view.maps.values()) parts.push(words.map(map));
  for (const object of view.objects.values()) parts.push(words.object(object));
  const { free, active, inactive } = view.queues;
  parts.push(words.frames(free), words.frames(active), words.frames(inactive));
  for (const address of [...view.mappings.keys()].sort((one, other) => one - other))
    parts.push(words.mapping(view.mappings.get(address)));
  if (view.spaces.pmaps.length > 0) parts.push(words.spaces());
  const { pools, pmap, counters } = view;
  parts.push(`${pools.freeEntries} ${pools.freeMaps} ${pmap.references} ${counters.wired}`);
  if (view.inFlight.size > 0) parts.push(words.sched());
  parts.push(words.contents(unshown.frames));
  return parts.join('\n');
}

/** Names as they are in every state that differs by names alone. */
class Words {
  readonly #view: View;
  readonly #objects = new Map<ObjectName, string>();
  /** Place of each frame in the order in which the state names them first. */
  readonly #frames = new Map<number, number>();
  readonly #operations: ReadonlyMap<number, number>;

  constructor(view: View) {
    this.#view = view;
    for (const name of view.objects.keys())
      this.#objects.set(name, name.startsWith('anon') ? `~${this.#objects.size}` : name);
    const scratch = view.machine.scratchPages;
    // The caller names the frames of the harness by their numbers, so these keep them.
    for (let frame = 0; frame < scratch; frame++) this.#frame(frame);
    this.#operations = rankOf(view.inFlight.keys());
  }

  #frame(frame: number): number {
    const known = this.#frames.get(frame);
    if (known !== undefined) return known;
    const managed = frame < this.#view.machine.managedPages;
    const name = managed ? this.#frames.size : -1 - frame;
    if (managed) this.#frames.set(frame, name);
    return name;
  }

  map(map: MapSnapshot): string {
    const { name, min, max, pageable, references, locked, entries } = map;
    const own = `${name} ${min} ${max} ${+pageable} ${references} ${+locked}`;
    return [own, ...entries.map((entry) => this.#entry(entry))].join('|');
  }

  #entry(entry: MapSnapshot['entries'][number]): string {
    const { start, end, backing, offset, protection, maxProtection, inheritance, wiredCount } = entry;
    const what =
      backing === null ? '' : 'object' in backing ? this.#objectName(backing.object) : `>${backing.submap}`;
    const flags = `${protection}${maxProtection}${inheritance}${+entry.copyOnWrite}${+entry.needsCopy}`;
    return `${start} ${end} ${what} ${offset} ${flags} ${wiredCount}`;
  }

  #objectName = (name: ObjectName): string => this.#objects.get(name) ?? name;

  object({ name, references, size, pages }: ObjectSnapshot): string {
    const own = `${this.#objectName(name)} ${references} ${size}`;
    const shown = pages.map(
      ({ offset, frame, wireCount, busy, wanted, queue }) =>
        `${offset} ${this.#frame(frame)} ${wireCount} ${+busy}${+wanted}${queue}`,
    );
    return [own, ...shown].join('|');
  }

  frames = (frames: readonly number[]): string => frames.map((frame) => this.#frame(frame)).join(' ');

  mapping(mapping: MappingSnapshot | undefined): string {
    if (mapping === undefined) return '';
    const { address, frame, writable, wired, accessed, dirty } = mapping;
    return `${address} ${this.#frame(frame)} ${+writable}${+wired}${+accessed}${+dirty}`;
  }

  /** User pmaps in their order; their counts follow from their mappings. */
  spaces(): string {
    const { current, pmaps } = this.#view.spaces;
    const shown = pmaps.map(({ name, references, mappings }) =>
      [`${name} ${references}`, ...mappings.map((mapping) => this.mapping(mapping))].join(' '),
    );
    return [current, ...shown].join('|');
  }

  /** Who sleeps on what and who owns which range in transition, by rank. */
  sched(): string {
    const { sched, transitions } = this.#view;
    const rank = (operation: number): number => this.#operations.get(operation) ?? -1;
    const asleep = sched.asleep.map(({ operation, event }) => `${rank(operation)} ${event}`);
    const held = transitions.map(
      ({ map, start, end, state, operation }) => `${map} ${start} ${end} ${state} ${rank(operation)}`,
    );
    return [asleep, sched.runnable.map(rank), held].map((list) => list.join(',')).join('|');
  }

  /** Contents of the frames in the order of their new names, device frames last. */
  contents(frames: readonly string[]): string {
    const { managedPages } = this.#view.machine;
    const managed = [...this.#frames.keys()].map((frame) => frames[frame]);
    return [...managed, ...frames.slice(managedPages)].join(',');
  }
}

/** Place of each operation in flight among them. */
export const rankOf = (numbers: Iterable<number>): ReadonlyMap<number, number> =>
  new Map([...numbers].sort((one, other) => one - other).map((number, rank) => [number, rank]));
