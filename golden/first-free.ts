/** The 1994 `first_free` pointer of every map, which decided where a search from the bottom of a map began (DEV-2). */
import type { VirtualAddress } from '../contract/address.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { MapEvent } from '../model/map-event.ts';
import type { VmMap } from '../model/state.ts';

/** Start of the entry that the pointer names; `header` for the list header, as a new map has it. */
export type FirstFree = VirtualAddress | 'header';

/** Follows the pointers of all maps of one machine. */
export class FirstFreePointers {
  readonly #pointers = new Map<MapName, FirstFree>();
  /** Start of the range that the operation under way works on. */
  #rangeStart: VirtualAddress | null = null;

  of(map: MapName): FirstFree {
    return this.#pointers.get(map) ?? 'header';
  }

  /**
   * An operation begins or goes on; `rangeStart` is the clamped start of the range whose entries it is given to change,
   * if it is given one.
   */
  begin(rangeStart: VirtualAddress | null): void {
    this.#rangeStart = rangeStart;
  }

  /** Takes note of a change of an entry list; events must come in order and without gaps. */
  note(event: MapEvent): void {
    if (event.kind === 'insert') this.#inserted(event);
    else if (event.kind === 'clip') this.#clipped(event);
    else if (event.kind === 'delete') this.#deleted(event);
    else if (this.of(event.map) === event.absorbed) this.#pointers.set(event.map, event.absorber);
  }

  /**
   * kmem_free of no bytes, or of a range beyond the map whose end wrapped: nothing to the contract, but 1994 ran a
   * deletion without addresses at `at`, which moved the pointer all the same.
   */
  noteEmptyDeletion(map: VmMap, at: VirtualAddress): void {
    const start = at > map.max ? map.max : at;
    const before = map.entries.findLast(({ end }) => end <= start);
    this.#deleted({ kind: 'delete', map: map.name, start, predecessor: before?.start ?? null });
  }

  #inserted({ map, start, coalesced, predecessor }: Extract<MapEvent, { kind: 'insert' }>): void {
    this.#rangeStart = start;
    if (coalesced) return;
    const behindPointer =
      predecessor === null
        ? this.of(map) === 'header'
        : this.of(map) === predecessor.start && predecessor.end >= start;
    if (behindPointer) this.#pointers.set(map, start);
  }

  /** vm_map_clip_start made a new entry of the front half, vm_map_clip_end of the back half: the pointer stays with the old. */
  #clipped({ map, frontStart, at }: Extract<MapEvent, { kind: 'clip' }>): void {
    if (at === this.#rangeStart && this.of(map) === frontStart) this.#pointers.set(map, at);
  }

  #deleted({ map, start, predecessor }: Extract<MapEvent, { kind: 'delete' }>): void {
    const pointer = this.of(map);
    if (pointer !== 'header' && pointer >= start) this.#pointers.set(map, predecessor ?? 'header');
  }
}
