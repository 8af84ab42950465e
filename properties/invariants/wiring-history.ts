/** What invariants of wiring remember: nowait pages, wired addresses that lost their mapping, and wiring depths. */
import { PAGE_SIZE } from '../../contract/address.ts';
import type { Operation, OperationKind } from '../../contract/operation.ts';
import { KERN_SUCCESS } from '../../contract/outcome.ts';
import { permits, VM_PROT_READ } from '../../contract/protection.ts';
import type { MapName, MapSnapshot } from '../../contract/vm-map.ts';
import type { View } from '../view.ts';
import { directoryRange } from './effect.ts';
import { type MapPiece, mapChanges } from './pages-changes.ts';
import { isPlaceholder, pageAddresses } from './pages-lookup.ts';
import { type Range, requestLength, within } from './ranges.ts';

const isWired = ({ is }: MapPiece): boolean => is !== null && is.wiredCount > 0;

/** The range that a returned allocator handed out; null for other steps. */
export function rangeHandedOut(view: View): Range | null {
  const { subject, step } = view;
  if (subject?.kind === 'pmap_create' || subject?.kind === 'pmap_pinit')
    return step?.outcome.kind === 'done' || step?.outcome.kind === 'flag'
      ? directoryRange(view, subject)
      : null;
  if (step?.outcome.kind !== 'address') return null;
  if (subject?.kind !== 'kmem_alloc' && subject?.kind !== 'kmem_malloc') return null;
  const start = step.outcome.address;
  return { map: subject.map, start, end: start + (requestLength(subject.size) ?? 0) };
}

const isNowait = (operation: Operation | null): boolean =>
  operation?.kind === 'kmem_malloc' && !operation.canWait;

/** Addresses that an access or a fault touches; an empty range for other operations. */
export function accessed(
  operation: Operation | null,
): { readonly first: number; readonly last: number } | null {
  switch (operation?.kind) {
    case 'vm_fault':
    case 'checked_read':
    case 'checked_write':
      return { first: operation.address, last: operation.address };
    case 'cpu_read':
      return { first: operation.address, last: operation.address + operation.length - 1 };
    case 'cpu_write':
      return { first: operation.address, last: operation.address + operation.bytes.length - 1 };
    default:
      return null;
  }
}

/** Operations that nowait pages must be told of; of others only if they change a map. */
export const NOWAIT_KINDS: readonly OperationKind[] = [
  'kmem_malloc',
  'vm_fault',
  'checked_read',
  'checked_write',
  'cpu_read',
  'cpu_write',
];

/** Page addresses that kmem_malloc(nowait) gave out and whose entry has been wired ever since (KM-MALLOC-6). */
export class NowaitPages {
  /** Addresses by map; the value says whether a fault or an access has been there. */
  readonly #pages = new Map<number, { readonly map: MapName; faulted: boolean }>();

  observe(view: View): void {
    if (this.#pages.size > 0) {
      for (const piece of mapChanges(view)) if (!isWired(piece)) this.#forget(piece);
      this.#noteAccess(view);
    }
    const range = isNowait(view.subject) ? rangeHandedOut(view) : null;
    if (range === null) return;
    for (const va of pageAddresses(range.start, range.end))
      this.#pages.set(va, { map: range.map, faulted: false });
  }

  get isEmpty(): boolean {
    return this.#pages.size === 0;
  }

  has(map: MapName, va: number): boolean {
    return this.#pages.get(va)?.map === map;
  }

  /** What is known of the nowait page at an address; undefined: there is none. */
  at(va: number): { readonly map: MapName; readonly faulted: boolean } | undefined {
    return this.#pages.get(va);
  }

  #forget({ map, start, end }: MapPiece): void {
    for (const va of pageAddresses(start, end)) if (this.has(map, va)) this.#pages.delete(va);
  }

  #noteAccess({ subject }: View): void {
    const range = accessed(subject);
    if (range === null) return;
    for (const va of [range.first, range.last]) {
      const page = this.#pages.get(va - (va % PAGE_SIZE));
      if (page !== undefined) page.faulted = true;
    }
  }
}

/** Wired addresses that were once unreadable: their mapping may be missing until the next fault (MAP-PROT-5, FAULT-WIRE-1). */
export class LostMappings {
  readonly #pages = new Map<number, MapName>();

  observe(view: View): void {
    for (const piece of mapChanges(view)) {
      if (piece.is === null || !isWired(piece)) this.#forget(piece);
      else if (!permits(piece.is.protection, VM_PROT_READ))
        for (const va of pageAddresses(piece.start, piece.end)) this.#pages.set(va, piece.map);
    }
    if (this.#pages.size === 0) return;
    for (const va of view.touchedMappings) if (view.mappings.has(va)) this.#pages.delete(va);
  }

  has(map: MapName, va: number): boolean {
    return this.#pages.get(va) === map;
  }

  #forget({ map, start, end }: MapPiece): void {
    if (this.#pages.size === 0) return;
    for (const va of pageAddresses(start, end)) if (this.has(map, va)) this.#pages.delete(va);
  }
}

/** A range and how often it is wired; depth 0 is left out of lists. */
export interface DepthRun {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly depth: number;
}

/** A list of runs with the depth inside [start, end) changed; neighbours of equal depth become one run. */
export function rewired(
  runs: readonly DepthRun[],
  { start, end }: { readonly start: number; readonly end: number },
  change: (depth: number) => number,
): readonly DepthRun[] {
  if (start >= end) return runs;
  const changed: DepthRun[] = [];
  for (const run of runs) addRun(changed, run.start, Math.min(run.end, start), run.depth);
  for (const piece of depthsWithin(runs, start, end))
    addRun(changed, piece.start, piece.end, change(piece.depth));
  for (const run of runs) addRun(changed, Math.max(run.start, end), run.end, run.depth);
  return changed;
}

/** Adds a run above all others, unless it is empty or of depth 0; it may make the last one longer. */
function addRun(runs: DepthRun[], start: number, end: number, depth: number): void {
  if (start >= end || depth === 0) return;
  const last = runs[runs.length - 1];
  if (last !== undefined && last.end === start && last.depth === depth)
    runs[runs.length - 1] = { start: last.start, end, depth };
  else runs.push({ start, end, depth });
}

/** The runs inside [start, end) in address order, gaps as runs of depth 0. */
export function depthsWithin(runs: readonly DepthRun[], start: number, end: number): DepthRun[] {
  const pieces: DepthRun[] = [];
  let cursor = start;
  for (const run of runs) {
    if (run.end <= cursor || run.start >= end) continue;
    if (run.start > cursor) pieces.push({ start: cursor, end: run.start, depth: 0 });
    const from = Math.max(run.start, cursor);
    cursor = Math.min(run.end, end);
    pieces.push({ start: from, end: cursor, depth: run.depth });
  }
  if (cursor < end) pieces.push({ start: cursor, end, depth: 0 });
  return pieces;
}

/** How often each address of each map should be wired, from the operations that succeeded since it was allocated. */
export class WiringDepths {
  /** Maps whose history the last step changed. */
  readonly changed = new Set<MapName>();
  readonly #runs = new Map<MapName, readonly DepthRun[]>();

  observe(view: View): void {
    if (this.changed.size > 0) this.changed.clear();
    if (this.#runs.size > 0)
      for (const piece of mapChanges(view))
        if (piece.is === null || isPlaceholder(piece.is)) this.#change(piece.map, piece, () => 0);
    const rewiring = rewiringOf(view);
    if (rewiring !== null) this.#change(rewiring.map, rewiring, (depth) => depth + rewiring.by);
  }

  of(map: MapName): readonly DepthRun[] {
    return this.#runs.get(map) ?? [];
  }

  #change(
    map: MapName,
    range: { readonly start: number; readonly end: number },
    change: (depth: number) => number,
  ) {
    const runs = rewired(this.of(map), range, change);
    this.changed.add(map);
    if (runs.length > 0) this.#runs.set(map, runs);
    else this.#runs.delete(map);
  }
}

/** The wiring or unwiring that the step completed. */
function rewiringOf(view: View): (Range & { readonly by: 1 | -1 }) | null {
  const { subject, step } = view;
  if (subject?.kind === 'vm_map_pageable') {
    const map = view.maps.get(subject.map);
    if (map === undefined || step === null) return null;
    const succeeded = step.outcome.kind === 'kern' && step.outcome.code === KERN_SUCCESS;
    return succeeded ? { ...within(map, subject), by: subject.pageable ? -1 : 1 } : null;
  }
  const range = rangeHandedOut(view);
  // An allocation whose range others freed in part while it slept gets its memory unwired (KM-ALLOC-4).
  const map = range && view.maps.get(range.map);
  return range !== null && map && isWireable(map, range) ? { ...range, by: 1 } : null;
}

/** True when entries cover a range without holes or submaps, as wiring demands. */
function isWireable({ entries }: MapSnapshot, { start, end }: Range): boolean {
  let cursor = start;
  for (const entry of entries)
    if (entry.start <= cursor && cursor < entry.end && !isPlaceholder(entry)) cursor = entry.end;
  return cursor >= end;
}
