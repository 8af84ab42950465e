/** Searches of maps: where allocators find room, and what look-ups answer. */
import { PAGE_SIZE, roundPageUnwrapped } from '../../contract/address.ts';
import type { Operation, OperationKind } from '../../contract/operation.ts';
import { KERN_NO_SPACE, KERN_SUCCESS } from '../../contract/outcome.ts';
import { permits, VM_PROT_ALL } from '../../contract/protection.ts';
import type { EntrySnapshot, MapName, MapSnapshot } from '../../contract/vm-map.ts';
import { type Invariant, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { hex, span } from './phrase.ts';
import { coveredBytes, entryAt, requestLength } from './ranges.ts';

/** A request for room: the lowest address at or above `from` where `length` bytes are free. */
interface Search {
  readonly map: MapName;
  readonly from: number;
  readonly length: number;
}

/** Operations that may make a search. */
const SEARCHING: readonly OperationKind[] = [
  'kmem_alloc_pageable',
  'kmem_alloc',
  'kmem_malloc',
  'kmem_alloc_wait',
  'kmem_suballoc',
  'vm_map_findspace',
  'vm_map_find',
];

/** The search that an operation makes, or null: it makes none, or asks for nothing. */
function searchOf(operation: Operation | null): Search | null {
  switch (operation?.kind) {
    case 'kmem_alloc_pageable':
    case 'kmem_alloc':
    case 'kmem_malloc':
    case 'kmem_alloc_wait':
      return search(operation.map, 0, requestLength(operation.size));
    case 'kmem_suballoc':
      return search(operation.parent, 0, requestLength(operation.size));
    case 'vm_map_findspace':
      return search(operation.map, operation.start, operation.length);
    case 'vm_map_find':
      return operation.findSpace ? search(operation.map, operation.address, operation.length) : null;
    default:
      return null;
  }
}

const search = (map: MapName, from: number, length: number | null): Search | null =>
  length === null || length === 0 ? null : { map, from, length };

/** The least address of a map that satisfies a search; null when there is none. */
function leastFit({ min, max, entries }: MapSnapshot, { from, length }: Search): number | null {
  let candidate = roundPageUnwrapped(Math.max(from, min));
  for (const { start, end } of entries) if (end > candidate && start < candidate + length) candidate = end;
  return candidate + length <= max ? candidate : null;
}

const firstFit: Invariant = {
  id: 'INV-MAP-FIRSTFIT',
  claim:
    'An allocator takes the lowest address where the request fits, and fails or waits only if there is none.',
  source: 'vm_map.c: vm_map_findspace; MAP-SPACE-1, KM-ALLOC-1, KM-MALLOC-2, KM-WAIT-1',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps', 'structure'],
  judges: SEARCHING,
  watch: () => {
    /** Where operations that sleep for pages must end, by number. */
    const promised = new Map<number, number | null>();
    const expected = (view: View, wanted: Search): number | null | undefined => {
      const remembered = promised.get(view.subjectNumber);
      if (remembered !== undefined) return remembered;
      const map = view.mapBefore(wanted.map);
      return map === null ? undefined : leastFit(map, wanted);
    };
    return {
      observe(view) {
        const wanted = view.step?.outcome.kind === 'sleep' ? searchOf(view.subject) : null;
        if (wanted === null || view.subject?.kind === 'kmem_alloc_wait') return;
        const place = expected(view, wanted);
        if (place !== undefined) promised.set(view.subjectNumber, place);
      },
      violations(view) {
        const wanted = searchOf(view.subject);
        const place = wanted === null ? undefined : expected(view, wanted);
        return wanted !== null && place !== undefined ? misplaced(view, wanted, place) : [];
      },
    };
  },
};

function misplaced(view: View, { map, length }: Search, place: number | null): string[] {
  const wrong: string[] = [];
  const outcome = view.step?.outcome;
  const given = givenAddress(view);
  if (given !== null && given !== place)
    wrong.push(
      `${length} bytes in map ${map}: got ${hex(given)}, the lowest fit is ${place === null ? 'none' : hex(place)}`,
    );
  if (place === null) return wrong;
  if (outcome?.kind === 'none' && !ranOutOfPages(view, length))
    wrong.push(`${length} bytes in map ${map}: refused although ${span(place, place + length)} is free`);
  if (outcome?.kind === 'kern' && outcome.code === KERN_NO_SPACE)
    wrong.push(
      `${length} bytes in map ${map}: KERN_NO_SPACE although ${span(place, place + length)} is free`,
    );
  if (outcome?.kind === 'sleep' && outcome.event === `map:${map}`)
    wrong.push(
      `${length} bytes in map ${map}: sleeps for space although ${span(place, place + length)} is free`,
    );
  return wrong;
}

function givenAddress({ step }: View): number | null {
  const outcome = step?.outcome;
  if (outcome?.kind === 'address') return outcome.address;
  if (outcome?.kind === 'submap') return outcome.min;
  return outcome?.kind === 'kern' && outcome.code === KERN_SUCCESS ? (outcome.address ?? null) : null;
}

const ranOutOfPages = (view: View, length: number): boolean =>
  view.subject?.kind === 'kmem_malloc' &&
  !view.subject.canWait &&
  length / PAGE_SIZE > view.before('counters').free;

const checkProtection: Invariant = {
  id: 'INV-MAP-CHKPROT',
  claim:
    'vm_map_check_protection is true exactly if the start is allocated and every address of the range is allocated with the protection asked for.',
  source: 'vm_map.c: vm_map_check_protection; MAP-CHK-1, Q-3',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps'],
  judges: ['vm_map_check_protection'],
  watch: statelessWhere(isProtectionCheck, function* ({ subject, step, maps }) {
    if (subject?.kind !== 'vm_map_check_protection' || step?.outcome.kind !== 'flag') return;
    const { map, start, end, protection } = subject;
    const entries = maps.get(map)?.entries ?? [];
    if (entries.some((entry) => isUndecided(entry, start, end))) return;
    const granting = entries.filter((entry) => permits(entry.protection, protection));
    const granted = coveredBytes(granting, start, end);
    const wanted = Math.max(0, end - start);
    const truth = entryAt(entries, start) !== undefined && granted === wanted;
    if (step.outcome.value !== truth)
      yield `map ${map}: protection ${protection} on ${span(start, end)} answered ${step.outcome.value}; ${granted} of ${wanted} bytes grant it`;
  }),
};

function isProtectionCheck({ subject }: View): boolean {
  return subject?.kind === 'vm_map_check_protection';
}

/** A placeholder made from an entry without all rights: Q-3 counts it as all rights, the C code as those it has. */
const isUndecided = ({ backing, protection, ...entry }: EntrySnapshot, start: number, end: number): boolean =>
  backing !== null &&
  'submap' in backing &&
  protection !== VM_PROT_ALL &&
  entry.start < end &&
  start < entry.end;

const lookup: Invariant = {
  id: 'INV-MAP-LOOKUP',
  claim:
    'vm_map_lookup_entry finds the containing entry, or else the last one below the address, as a linear scan does, whatever the hint.',
  source: 'vm_map.c: vm_map_lookup_entry; MAP-LOOKUP-1',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['outcomes', 'maps', 'structure'],
  judges: ['vm_map_lookup_entry'],
  looksInside: true,
  watch: () => {
    const wrong: string[] = [];
    return {
      observe(view) {
        if (view.subject?.kind === 'vm_map_lookup_entry') wrong.push(...wrongLookup(view));
      },
      *violations(view) {
        yield* wrong;
        for (const { invariant, witness } of view.audit()) if (invariant === 'INV-MAP-LOOKUP') yield witness;
      },
    };
  },
};

function* wrongLookup({ subject, step, maps }: View): Generator<string> {
  if (subject?.kind !== 'vm_map_lookup_entry' || step?.outcome.kind !== 'entry') return;
  const { found, start } = step.outcome;
  const below = (maps.get(subject.map)?.entries ?? []).filter((entry) => entry.start <= subject.address);
  const nearest = below.reduce<EntrySnapshot | null>(
    (a, b) => (a !== null && a.start > b.start ? a : b),
    null,
  );
  const contains = nearest !== null && subject.address < nearest.end;
  if (found !== contains || start !== (nearest?.start ?? null))
    yield `map ${subject.map}: look-up of ${hex(subject.address)} answered ${named(found, start)}, a scan finds ${named(contains, nearest?.start ?? null)}`;
}

const named = (found: boolean, start: number | null): string =>
  `${found ? 'inside' : 'after'} ${start === null ? 'the header' : `the entry at ${hex(start)}`}`;

/** Allocators' placement and the answers of read-only searches. */
export const mapSearchInvariants: readonly Invariant[] = [firstFit, checkProtection, lookup];
