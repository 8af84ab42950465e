/** Reduces a state to level `contract`: meaning only, whatever the order of allocation and the entry structure (SPEC §13). */
import { ADDRESS_SPACE_END } from '../contract/address.ts';
import type { ObservedEntry, ObservedMapping, ObservedObject, ObservedState } from './observed-state.ts';

type ContractEntry = Omit<ObservedEntry, 'offset'> & { readonly offset: number | null };

/** Drops what level `contract` leaves free: reference counts, pools, orders, frame numbers, entry boundaries. */
export function atContractLevel(state: ObservedState) {
  const maps = Object.entries(state.maps).map(
    ([name, { min, max, size, pageable, entries }]): [string, object] => [
      name,
      { min, max, size, pageable, runs: maximalRuns(entries) },
    ],
  );
  const objects = Object.entries(state.objects).map(([name, object]): [string, object] => [
    name,
    meaningOf(object),
  ]);
  const { counters, asleep, runnable } = state;
  return {
    maps: Object.fromEntries(maps),
    objects: Object.fromEntries(objects),
    counters,
    pmap: namePages(state.pmap, state.objects),
    asleep,
    runnable,
  };
}

/** Adjacent entries with equal attributes and continuing offsets as one; offsets of null entries do not count. */
function maximalRuns(entries: readonly ObservedEntry[]): ContractEntry[] {
  const runs: ContractEntry[] = [];
  for (const entry of entries) {
    const run: ContractEntry = { ...entry, offset: entry.obj === null ? null : entry.offset };
    const last = runs.at(-1);
    if (last !== undefined && continuesRun(last, run)) runs[runs.length - 1] = { ...last, end: run.end };
    else runs.push(run);
  }
  return runs;
}

function continuesRun(last: ContractEntry, next: ContractEntry): boolean {
  const offset = last.offset === null ? null : (last.offset + (last.end - last.start)) % ADDRESS_SPACE_END;
  return (
    last.end === next.start &&
    last.obj === next.obj &&
    offset === next.offset &&
    last.prot === next.prot &&
    last.max_prot === next.max_prot &&
    last.inherit === next.inherit &&
    last.wired === next.wired &&
    last.cow === next.cow &&
    last.needs_copy === next.needs_copy
  );
}

function meaningOf({ size, shadow, shadow_offset, paging_in_progress, pages }: ObservedObject) {
  const byOffset = pages.map(({ ppn: _, ...page }) => page).sort((a, b) => a.offset - b.offset);
  return { size, shadow, shadow_offset, paging_in_progress, pages: byOffset };
}

/** Mappings with the page's place in its object instead of its frame. */
function namePages(pmap: readonly ObservedMapping[], objects: Readonly<Record<string, ObservedObject>>) {
  const places = new Map<number, string>();
  for (const [name, { pages }] of Object.entries(objects))
    for (const { ppn, offset } of pages) places.set(ppn, `${name}+${offset}`);
  return pmap.map(({ va, ppn, writable, wired }) => ({
    va,
    page: places.get(ppn) ?? 'free frame',
    writable,
    wired,
  }));
}
