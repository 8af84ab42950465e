/** Goals about submaps, and about rights and wiring of ranges. */
import { ADDRESS_SPACE_END, PAGE_SIZE } from '../contract/address.ts';
import {
  entryAt,
  FREES,
  freedRange,
  type Goal,
  mapBefore,
  submapName,
  succeeded,
  when,
} from './goals-goal.ts';
import type { View } from './view.ts';

/** A submap that lived before the step and is gone after it. */
function diedSubmap(view: View): boolean {
  return view.touched.some((cell) => {
    if (!cell.startsWith('map:')) return false;
    const name = cell.slice('map:'.length);
    return !view.maps.has(name) && view.mapBefore(name) !== null;
  });
}

const submaps: readonly Goal[] = [
  when(
    'submap-nested',
    'A submap is made inside a submap.',
    ['kmem_suballoc'],
    ({ operation, outcome }) => outcome.kind === 'submap' && operation.parent !== 'kernel',
  ),
  when(
    'mb-below-kmem',
    'mb lies below kmem, so that its offsets wrap (DEV-33).',
    ['kmem_malloc'],
    ({ view, operation, outcome }) => {
      const [mb, kmem] = [view.maps.get('mb'), view.maps.get('kmem')];
      return (
        outcome.kind === 'address' &&
        operation.map === 'mb' &&
        mb !== undefined &&
        kmem !== undefined &&
        mb.min < kmem.min
      );
    },
  ),
  when(
    'submap-in-use-kept',
    'kmem_free over a submap in use is refused and says nothing (DEV-12).',
    ['kmem_free'],
    ({ view, operation, outcome }) => {
      const range = freedRange(operation);
      if (outcome.kind !== 'done' || range === undefined) return false;
      const entries = view.maps.get(operation.map)?.entries ?? [];
      return entries.some(
        (entry) => submapName(entry) !== null && entry.start < range.end && entry.end > range.start,
      );
    },
  ),
  when(
    'submap-removed',
    'The placeholder of an empty submap is freed, and the submap ends.',
    FREES,
    ({ view }) => diedSubmap(view),
    { needs: ['vm_map_deallocate'] },
  ),
  when(
    'map-deallocated',
    'vm_map_deallocate ends a map.',
    ['vm_map_deallocate'],
    ({ view, operation, outcome }) => outcome.kind === 'done' && !view.maps.has(operation.map),
  ),
  when(
    'submap-over-touched',
    'A fault through a parent map lands in a submap.',
    ['vm_fault', 'checked_write', 'cpu_write'],
    ({ view, operation, outcome }) => {
      const at = operation.address;
      if (outcome.kind !== 'done' && !succeeded(outcome)) return false;
      const map = 'map' in operation ? operation.map : 'kernel';
      const entry = entryAt(view.maps.get(map), at);
      return entry !== undefined && submapName(entry) !== null && view.touchedMappings.length > 0;
    },
  ),
  when(
    'map-attached',
    'vm_map_submap attaches a map that vm_map_create made.',
    ['vm_map_submap'],
    ({ outcome }) => succeeded(outcome),
    { needs: ['vm_map_create'] },
  ),
  when(
    'static-map-released',
    'A static map record comes back after kmem made new ones come from the heap (DEV-34).',
    ['vm_map_deallocate', ...FREES],
    ({ view }) => view.maps.has('kmem') && view.pools.freeMaps > view.before('pools').freeMaps,
    { needs: ['kmem_suballoc', 'vm_map_deallocate'] },
  ),
];

const attributes: readonly Goal[] = [
  when(
    'protect-over-submap',
    'vm_map_protect is refused over a submap, and the map stays usable (DEV-3).',
    ['vm_map_protect'],
    ({ view, operation, outcome }) => {
      if (outcome.kind !== 'kern' || outcome.code !== 4) return false;
      const entries = view.maps.get(operation.map)?.entries ?? [];
      return entries.some(
        (entry) => submapName(entry) !== null && entry.start < operation.end && entry.end > operation.start,
      );
    },
  ),
  when(
    'wire-over-submap',
    'vm_map_pageable refuses to wire over a submap (DEV-13).',
    ['vm_map_pageable'],
    ({ view, operation, outcome }) => {
      if (operation.pageable || outcome.kind !== 'kern' || outcome.code !== 4) return false;
      const entries = view.maps.get(operation.map)?.entries ?? [];
      return entries.some(
        (entry) => submapName(entry) !== null && entry.start < operation.end && entry.end > operation.start,
      );
    },
  ),
  when(
    'wire-empty-range',
    'Wiring an empty range inside an entry changes nothing (DEV-14).',
    ['vm_map_pageable'],
    ({ view, operation, outcome }) => {
      const entry = entryAt(view.maps.get(operation.map), operation.start);
      return (
        !operation.pageable &&
        succeeded(outcome) &&
        operation.start === operation.end &&
        entry !== undefined &&
        entry.start < operation.start
      );
    },
  ),
  when(
    'wired-twice',
    'A range is wired twice (Q-16).',
    ['vm_map_pageable'],
    ({ view, operation, outcome }) =>
      !operation.pageable &&
      succeeded(outcome) &&
      (entryAt(view.maps.get(operation.map), operation.start)?.wiredCount ?? 0) > 1,
  ),
  when('freed-wired-twice', 'Memory wired more than once is freed (Q-6).', FREES, ({ view, operation }) => {
    const range = freedRange(operation);
    const entry = range && entryAt(mapBefore(view, operation.map), range.start);
    return (
      entry !== undefined &&
      entry.wiredCount > 1 &&
      entryAt(view.maps.get(operation.map), entry.start) === undefined
    );
  }),
  when(
    'maximum-lowered',
    'vm_map_protect lowers the maximum for good.',
    ['vm_map_protect'],
    ({ view, operation, outcome }) =>
      operation.setMax &&
      succeeded(outcome) &&
      (entryAt(view.maps.get(operation.map), operation.start)?.maxProtection ?? 7) !== 7,
  ),
  when(
    'residue-clip',
    'A refused operation leaves a clip behind (Q-21).',
    ['vm_map_protect', 'vm_map_pageable'],
    ({ view, operation, outcome }) =>
      outcome.kind === 'kern' &&
      outcome.code === 4 &&
      (view.maps.get(operation.map)?.entryCount ?? 0) > (mapBefore(view, operation.map)?.entryCount ?? 0),
  ),
  when(
    'unaligned-refused',
    'An unaligned bound is refused (DEV-36).',
    ['vm_map_protect', 'vm_map_inherit', 'vm_map_pageable', 'vm_map_remove'],
    ({ operation, outcome }) =>
      outcome.kind === 'kern' &&
      outcome.code === 4 &&
      (operation.start % PAGE_SIZE !== 0 || operation.end % PAGE_SIZE !== 0),
  ),
  when(
    'free-past-memory',
    'kmem_free of a range that reaches past 2^32 frees up to the end of the map (DEV-8).',
    ['kmem_free'],
    ({ view, operation }) =>
      operation.address + operation.size >= ADDRESS_SPACE_END &&
      (view.maps.get(operation.map)?.size ?? 0) < (mapBefore(view, operation.map)?.size ?? 0),
  ),
  when(
    'free-of-nothing',
    'kmem_free of zero bytes inside an entry neither frees nor clips (DEV-37).',
    ['kmem_free'],
    ({ view, operation }) =>
      operation.size === 0 &&
      operation.address % PAGE_SIZE !== 0 &&
      entryAt(view.maps.get(operation.map), operation.address) !== undefined,
  ),
];

/** All goals of this file. */
export const SUBMAP_GOALS: readonly Goal[] = [...submaps, ...attributes];
