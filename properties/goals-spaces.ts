/** Goals about address spaces beside the kernel's: their page tables, shared frames, and what the processor makes of them. */
import { PAGE_SIZE, PDE_SPAN, pdeSlot } from '../contract/address.ts';
import type { OperationKind } from '../contract/operation.ts';
import { KERNEL_PMAP, type MappingSnapshot, type UserPmapSnapshot } from '../contract/pmap.ts';
import { type Goal, pageOf, when } from './goals-goal.ts';
import type { View } from './view.ts';

/** Without them there is no address space but the kernel's. */
const SPACES: readonly OperationKind[] = ['pmap_create', 'pmap_enter'];

const spaceNow = (view: View, name: string | undefined): UserPmapSnapshot | undefined =>
  view.spaces.pmaps.find((pmap) => pmap.name === name);
const spaceBefore = (view: View, name: string | undefined): UserPmapSnapshot | undefined =>
  view.before('spaces').pmaps.find((pmap) => pmap.name === name);

const inSlot = (pmap: UserPmapSnapshot | undefined, slot: number): readonly MappingSnapshot[] =>
  (pmap?.mappings ?? []).filter((mapping) => pdeSlot(mapping.address) === slot);
const mappingIn = (pmap: UserPmapSnapshot | undefined, at: number): MappingSnapshot | undefined =>
  pmap?.mappings.find((mapping) => mapping.address === pageOf(at));
/** Slots of a pmap that have mappings, which are those that have a page table. */
const slotsOf = (pmap: UserPmapSnapshot | undefined): Set<number> =>
  new Set((pmap?.mappings ?? []).map((mapping) => pdeSlot(mapping.address)));

const lives: readonly Goal[] = [
  when(
    'space:no-room',
    'A pmap is not made, for want of room for its directory (DEV-28).',
    ['pmap_create', 'pmap_pinit'],
    ({ outcome }) => outcome.kind === 'none' || (outcome.kind === 'flag' && !outcome.value),
    { needs: SPACES },
  ),
  when(
    'space:destroyed',
    'A pmap goes with its last reference.',
    ['pmap_destroy'],
    ({ view, operation }) =>
      spaceBefore(view, operation.pmap) !== undefined && spaceNow(view, operation.pmap) === undefined,
    { needs: SPACES },
  ),
  when(
    'space:kept',
    'A pmap loses a reference and stays, for it has another.',
    ['pmap_destroy'],
    ({ view, operation, outcome }) => outcome.kind === 'done' && spaceNow(view, operation.pmap) !== undefined,
    { needs: [...SPACES, 'pmap_reference'] },
  ),
  when(
    'space:switched',
    'The processor goes from one user pmap to another, both with mappings (CPU-5).',
    ['pmap_activate'],
    ({ view, operation }) => {
      const from = spaceBefore(view, view.before('spaces').current);
      const to = spaceNow(view, operation.pmap);
      return from !== undefined && to !== undefined && from.name !== to.name
        ? from.mappings.length > 0 && to.mappings.length > 0
        : false;
    },
    { needs: SPACES },
  ),
];

/** A page table that was given back and is made again for the same line of the same pmap. */
const refilled: Goal = {
  id: 'table:refilled',
  claim: 'A line of a user pmap loses its page table and gets one again.',
  needs: [...SPACES, 'pmap_remove'],
  at: 'any',
  watch: () => {
    const emptied = new Map<string, Set<number>>();
    return (view) => {
      if (!view.touched.includes('spaces')) return false;
      const before = view.before('spaces').pmaps;
      for (const old of before) {
        const now = spaceNow(view, old.name);
        if (now === undefined) {
          emptied.delete(old.name);
          continue;
        }
        const slots = slotsOf(now);
        const lost = emptied.get(old.name) ?? new Set();
        if ([...slots].some((slot) => lost.has(slot))) return true;
        for (const slot of slotsOf(old)) if (!slots.has(slot)) lost.add(slot);
        emptied.set(old.name, lost);
      }
      return false;
    };
  },
};

const tables: readonly Goal[] = [
  refilled,
  when(
    'table:shared',
    'A mapping is made in a page table that another one holds.',
    ['pmap_enter'],
    ({ view, operation }) => {
      const slot = pdeSlot(operation.address);
      const before = inSlot(spaceBefore(view, operation.pmap), slot).length;
      return before > 0 && inSlot(spaceNow(view, operation.pmap), slot).length > before;
    },
    { needs: SPACES },
  ),
  when(
    'table:emptied',
    'The last mapping of a page table is removed, and the table with it (PMAP-PT-2).',
    ['pmap_remove'],
    ({ view, operation }) => {
      const now = spaceNow(view, operation.pmap);
      return now !== undefined && now.tables < (spaceBefore(view, operation.pmap)?.tables ?? 0);
    },
    { needs: SPACES },
  ),
  when(
    'table:emptied-of-a-device',
    'The last mapping of a page table names a device frame and is removed (DEV-22).',
    ['pmap_remove'],
    ({ view, operation }) => {
      const before = spaceBefore(view, operation.pmap);
      const now = spaceNow(view, operation.pmap);
      return [...slotsOf(before)].some((slot) => {
        const held = inSlot(before, slot);
        const isDevice = held.some(({ frame }) => frame >= view.machine.managedPages);
        return now !== undefined && held.length === 1 && isDevice && inSlot(now, slot).length === 0;
      });
    },
    { needs: SPACES },
  ),
  when(
    'table:emptied-by-page',
    'All mappings of a frame are taken away, and with one of them a page table.',
    ['pmap_page_protect'],
    ({ view }) =>
      view
        .before('spaces')
        .pmaps.some(({ name, tables: before }) => (spaceNow(view, name)?.tables ?? before) < before),
    { needs: SPACES },
  ),
  ...(['pmap_remove', 'pmap_protect'] as const).map((kind) =>
    when(
      `table:gap-under-${kind}`,
      `A range of ${kind} meets page tables on both sides of a line without one.`,
      [kind],
      ({ view, operation }) => {
        const slots = slotsOf(spaceBefore(view, operation.pmap));
        const first = pdeSlot(operation.start);
        const last = Math.floor((operation.end - 1) / PDE_SPAN);
        const within = [...slots].filter((slot) => first <= slot && slot <= last);
        return within.length > 1 && Math.max(...within) - Math.min(...within) >= within.length;
      },
      { needs: SPACES },
    ),
  ),
];

const frames: readonly Goal[] = [
  when(
    'frame:in-two-spaces',
    'A frame is mapped by two pmaps.',
    ['pmap_enter'],
    ({ view, operation }) =>
      view.spaces.pmaps.filter(({ mappings }) => mappings.some(({ frame }) => frame === operation.frame))
        .length > 1,
    { needs: SPACES },
  ),
  when(
    'frame:twice-in-a-space',
    'A user pmap maps a frame at two addresses.',
    ['pmap_enter'],
    ({ view, operation }) =>
      (spaceNow(view, operation.pmap)?.mappings ?? []).filter(({ frame }) => frame === operation.frame)
        .length > 1,
    { needs: SPACES },
  ),
  when(
    'frame:replaced',
    'A mapping of a user pmap gives way to one of another frame, and is the only one of its page table (DEV-23).',
    ['pmap_enter'],
    ({ view, operation }) => {
      const before = spaceBefore(view, operation.pmap);
      const old = mappingIn(before, operation.address);
      const now = mappingIn(spaceNow(view, operation.pmap), operation.address);
      return (
        old !== undefined &&
        now !== undefined &&
        old.frame !== now.frame &&
        inSlot(before, pdeSlot(operation.address)).length === 1
      );
    },
    { needs: SPACES },
  ),
  when(
    'frame:same-address',
    'Two user pmaps map different frames at the same address.',
    ['pmap_enter'],
    ({ view, operation }) => {
      const there = view.spaces.pmaps.flatMap((pmap) => mappingIn(pmap, operation.address) ?? []);
      return new Set(there.map(({ frame }) => frame)).size > 1;
    },
    { needs: SPACES },
  ),
];

/** The processor uses a page that pmap_kenter mapped, and nobody called pmap_update in between. */
const usedBeforeUpdate: Goal = {
  id: 'cpu:kenter-before-update',
  claim: 'The processor uses what pmap_kenter mapped before pmap_update is called.',
  needs: ['pmap_kenter', 'pmap_update'],
  at: ['pmap_kenter', 'pmap_update', 'cpu_read', 'cpu_write'],
  watch: () => {
    const fresh = new Set<number>();
    return ({ subject, step }) => {
      if (subject?.kind === 'pmap_update') fresh.clear();
      else if (subject?.kind === 'pmap_kenter') fresh.add(pageOf(subject.address));
      else if (subject?.kind === 'cpu_read' || subject?.kind === 'cpu_write')
        return (
          (step?.outcome.kind === 'bytes' || step?.outcome.kind === 'done') &&
          fresh.has(pageOf(subject.address))
        );
      return false;
    };
  },
};

const ACCESSES = ['cpu_read', 'cpu_write'] as const;

const cpu: readonly Goal[] = [
  usedBeforeUpdate,
  when(
    'cpu:user-access',
    'User code reads or writes its memory.',
    ACCESSES,
    ({ operation, outcome }) =>
      operation.mode === 'user' && (outcome.kind === 'bytes' || outcome.kind === 'done'),
    { needs: SPACES },
  ),
  when(
    'cpu:user-write-denied',
    'User code writes to a page that it may only read, and traps (CPU-2).',
    ['cpu_write'],
    ({ view, operation, outcome }) => {
      if (operation.mode !== 'user' || outcome.kind !== 'trap') return false;
      return mappingIn(spaceNow(view, view.spaces.current), outcome.address)?.writable === false;
    },
    { needs: SPACES },
  ),
  when(
    'cpu:user-kernel-denied',
    'User code reaches for memory that the kernel maps, and traps (CPU-2).',
    ACCESSES,
    ({ view, operation, outcome }) =>
      operation.mode === 'user' && outcome.kind === 'trap' && view.mappings.has(pageOf(outcome.address)),
    { needs: SPACES },
  ),
  when(
    'cpu:translation-dropped',
    'The processor drops the cached translations of a mapped page (CPU-4).',
    ['tlb_evict'],
    ({ view, operation }) => {
      const current = spaceNow(view, view.spaces.current)?.mappings ?? [];
      const lies = (at: number): boolean => operation.start <= at && at < operation.end;
      return (
        current.some((mapping) => mapping.accessed && lies(mapping.address)) ||
        [...view.mappings.values()].some((mapping) => mapping.accessed && lies(mapping.address))
      );
    },
  ),
  when(
    'cpu:last-line',
    'A mapping is made in the last 4 MiB that an address can name.',
    ['pmap_enter', 'pmap_kenter'],
    ({ view, operation, outcome }) =>
      outcome.kind === 'done' &&
      (!('pmap' in operation) || (operation.pmap ?? KERNEL_PMAP) === KERNEL_PMAP) &&
      pageOf(operation.address) + PDE_SPAN > 2 ** 32 - PAGE_SIZE &&
      view.mappings.has(pageOf(operation.address)),
  ),
];

/** All goals of this file. */
export const SPACE_GOALS: readonly Goal[] = [...lives, ...tables, ...frames, ...cpu];
