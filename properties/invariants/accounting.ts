/** What is freed is gone, all of it and nothing else, and no frame gets lost on the way. */
import { PAGE_SIZE } from '../../contract/address.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import { KERN_SUCCESS } from '../../contract/outcome.ts';
import type { MappingSnapshot } from '../../contract/pmap.ts';
import type { MapSnapshot } from '../../contract/vm-map.ts';
import { isObjectCell, objectOfCell } from '../cells.ts';
import { type Invariant, stateless, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { sameValue } from './changes.ts';
import { hex, span } from './phrase.ts';
import { placeholders } from './placeholders.ts';
import { coveredBytes, entryAt, FREEING, freedPages, isFreeing, type Range, within } from './ranges.ts';

/** A range that the step freed, with its map before and after. */
interface Freed {
  readonly range: Range;
  readonly before: MapSnapshot;
  readonly after: MapSnapshot;
  /** Where the request ended before the map cut it. */
  readonly requestedEnd: number;
}

/** What the step freed; null: nothing, or the map refused because a submap in use lies there (MAP-DEL-1). */
function freed(view: View): Freed | null {
  const { subject, step } = view;
  if (!isFreeing(subject)) return null;
  const outcome = step?.outcome;
  if (outcome?.kind !== 'done' && (outcome?.kind !== 'kern' || outcome.code !== KERN_SUCCESS)) return null;
  const after = view.maps.get(subject.map);
  const before = view.mapBefore(subject.map);
  if (after === undefined || before === null) return null;
  const requested = freedPages(subject);
  const range = within(after, requested);
  if (range.end <= range.start || isRefused(range, before, after)) return null;
  return { range, before, after, requestedEnd: requested.end };
}

const frees = ({ subject }: View): boolean => isFreeing(subject);

const isRefused = ({ start, end }: Range, before: MapSnapshot, after: MapSnapshot): boolean =>
  placeholders(before).some(({ entry }) => entry.start < end && start < entry.end) &&
  sameValue(before, after);

const clamped: Invariant = {
  id: 'INV-ACC-FREECLAMP',
  claim:
    'Freeing past the end of a map, or past the end of the address space, frees exactly up to the end of the map.',
  source: 'vm_kern.c: kmem_free; KM-FREE-1, MAP-CLAMP, CONV-1',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps'],
  judges: FREEING,
  watch: statelessWhere(frees, function* (view) {
    const free = freed(view);
    if (free === null || free.requestedEnd <= free.after.max) return;
    const { range, before, after } = free;
    const lost =
      coveredBytes(before.entries, 0, Number.MAX_SAFE_INTEGER) -
      coveredBytes(after.entries, 0, Number.MAX_SAFE_INTEGER);
    const wanted = coveredBytes(before.entries, range.start, range.end);
    if (lost !== wanted)
      yield `map ${range.map}: freeing up to ${hex(free.requestedEnd)} took ${lost} bytes; ${span(range.start, range.end)} held ${wanted}`;
  }),
};

const holes: Invariant = {
  id: 'INV-ACC-HOLES',
  claim: 'A range that was freed has room for a new allocation of its length at its start.',
  source: 'vm_kern.c: kmem_free; vm_map.c: vm_map_delete; KM-FREE-2, MAP-DEL-2',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps'],
  judges: FREEING,
  watch: statelessWhere(frees, function* (view) {
    const free = freed(view);
    if (free === null) return;
    const { map, start, end } = free.range;
    for (const entry of free.after.entries)
      if (entry.start < end && start < entry.end)
        yield `map ${map}: ${span(entry.start, entry.end)} is still allocated after ${span(start, end)} was freed`;
  }),
};

const unmapped: Invariant = {
  id: 'INV-ACC-UNMAPPED',
  claim: 'No address of a range that was freed is mapped, unless another map allocates it.',
  source:
    'vm_map.c: vm_map_entry_delete; vm_object.c: vm_object_page_remove; KM-FREE-2, MAP-DEL-2, PMAP-REMOVE-1',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: true,
  shows: ['outcomes', 'maps', 'pmap'],
  judges: FREEING,
  watch: statelessWhere(frees, function* (view) {
    const free = freed(view);
    if (free === null) return;
    for (const { address, frame } of mappingsIn(view, free.range))
      if (!isDirectlyEntered(view.machine, frame) && !isAllocated(view, address))
        yield `${hex(address)} still maps frame ${frame} after ${span(free.range.start, free.range.end)} was freed`;
  }),
};

/** Looks at the pages of the range or at all mappings, whichever are fewer. */
function* mappingsIn({ mappings }: View, { start, end }: Range): Generator<MappingSnapshot> {
  if ((end - start) / PAGE_SIZE > mappings.size) {
    for (const mapping of mappings.values())
      if (start <= mapping.address && mapping.address < end) yield mapping;
    return;
  }
  for (let page = start; page < end; page += PAGE_SIZE) {
    const mapping = mappings.get(page);
    if (mapping !== undefined) yield mapping;
  }
}

/** Whether a leaf entry of any map covers the address: a map that is tied to no parent may span addresses of others. */
function isAllocated({ maps }: View, address: number): boolean {
  for (const { entries } of maps.values()) {
    const entry = entryAt(entries, address);
    if (entry !== undefined && (entry.backing === null || 'object' in entry.backing)) return true;
  }
  return false;
}

/** Frames that only direct pmap operations map, and that no map knows of. */
const isDirectlyEntered = ({ scratchPages, managedPages }: MachineConfig, frame: number): boolean =>
  frame < scratchPages || frame >= managedPages;

const frames: Invariant = {
  id: 'INV-ACC-FRAMES',
  claim:
    'The number of free frames falls by exactly the pages that objects gain in a step, and rises by those they lose.',
  source: 'vm_page.c: vm_page_alloc, vm_page_free; PAGE-ALLOC-2, PAGE-FREE-1',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['objects', 'pages'],
  looksAt: ['object', 'counters'],
  watch: stateless((view) => {
    let gained = 0;
    for (const cell of view.touched)
      if (isObjectCell(cell)) {
        const now = view.objects.get(objectOfCell(cell))?.pages.length ?? 0;
        gained += now - (view.before(cell)?.pages.length ?? 0);
      }
    const taken = view.before('counters').free - view.counters.free;
    return taken === gained ? [] : [`v_free fell by ${taken}, objects gained ${gained} pages`];
  }),
};

/** Conservation of addresses, mappings and frames. */
export const accountingInvariants: readonly Invariant[] = [clamped, holes, unmapped, frames];
