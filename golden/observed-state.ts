/**
 * What is compared of a state, in one form for both sides: a recorded state and a kernel's snapshot become the same
 * plain data, without the fields that are never compared (TRACES §3).
 */
import { VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import type { Snapshot } from '../contract/snapshot.ts';
import type { EntrySnapshot, MapSnapshot } from '../contract/vm-map.ts';
import type { ObjectSnapshot } from '../contract/vm-object.ts';
import type { PageSnapshot } from '../contract/vm-page.ts';
import type { TraceMap, TraceObject, TracePage, TraceState } from './trace-schema.ts';

export interface ObservedEntry {
  readonly start: number;
  readonly end: number;
  readonly obj: string | null;
  readonly offset: number;
  readonly prot: number;
  readonly max_prot: number;
  readonly inherit: number;
  readonly wired: number;
  readonly cow: boolean;
  readonly needs_copy: boolean;
}

export interface ObservedMap {
  readonly min: number;
  readonly max: number;
  readonly size: number;
  readonly pageable: boolean;
  readonly nentries: number;
  readonly ref_count: number;
  readonly locked: boolean;
  readonly entries: readonly ObservedEntry[];
}

export interface ObservedPage {
  readonly offset: number;
  readonly ppn: number;
  readonly wire_count: number;
  readonly busy: boolean;
  readonly wanted: boolean;
  readonly active: boolean;
  readonly inactive: boolean;
  readonly fill: number | string;
}

export interface ObservedObject {
  readonly ref_count: number;
  readonly size: number;
  readonly shadow: string | null;
  readonly shadow_offset: number;
  readonly paging_in_progress: number;
  readonly pages: readonly ObservedPage[];
}

export interface ObservedMapping {
  readonly va: number;
  readonly ppn: number;
  readonly writable: boolean;
  readonly wired: boolean;
}

/** A state at level `bsd`, in the words of the trace format. */
export interface ObservedState {
  readonly maps: Readonly<Record<string, ObservedMap>>;
  readonly objects: Readonly<Record<string, ObservedObject>>;
  readonly counters: {
    readonly free: number;
    readonly active: number;
    readonly inactive: number;
    readonly wired: number;
  };
  readonly queues: {
    readonly free: readonly number[];
    readonly active: readonly number[];
    readonly inactive: readonly number[];
  };
  readonly pmap: readonly ObservedMapping[];
  readonly kentries_free: number | null;
  readonly kmaps_free: number;
  readonly asleep: readonly { readonly op: number; readonly event: string }[];
  readonly runnable: readonly number[];
}

/** The part of a recorded state that is compared. */
export function observedInTrace(state: TraceState): ObservedState {
  return {
    maps: named(Object.entries(state.maps), mapInTrace),
    objects: named(Object.entries(state.objects), objectInTrace),
    counters: state.counters,
    queues: state.queues,
    pmap: state.pmap
      .filter(({ prot }) => (prot & VM_PROT_READ) !== 0)
      .map(({ va, ppn, prot, wired }) => ({
        va,
        ppn,
        writable: (prot & VM_PROT_WRITE) !== 0,
        wired: Boolean(wired),
      })),
    kentries_free: state.kentries_free,
    kmaps_free: state.kmaps_free,
    asleep: state.asleep,
    runnable: state.runnable,
  };
}

/** The part of a kernel's state that is compared. */
export function observedInSnapshot(snapshot: Snapshot): ObservedState {
  return {
    maps: named(
      snapshot.maps.map((map) => [map.name, map]),
      mapInSnapshot,
    ),
    objects: named(
      snapshot.objects.map((object) => [object.name, object]),
      objectInSnapshot,
    ),
    counters: snapshot.counters,
    queues: snapshot.queues,
    pmap: snapshot.mappings.map(({ address, frame, writable, wired }) => ({
      va: address,
      ppn: frame,
      writable,
      wired,
    })),
    kentries_free: snapshot.pools.freeEntries,
    kmaps_free: snapshot.pools.freeMaps,
    asleep: snapshot.sched.asleep.map(({ operation, event }) => ({ op: operation, event })),
    runnable: snapshot.sched.runnable,
  };
}

function named<From, To>(
  entries: readonly (readonly [string, From])[],
  observe: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(entries.map(([name, value]) => [name, observe(value)]));
}

function mapInTrace(map: TraceMap): ObservedMap {
  const { min, max, size, pageable, nentries, ref_count, locked } = map;
  const entries = map.entries.map(({ cow, needs_copy, ...entry }) => ({
    ...entry,
    cow: cow !== 0,
    needs_copy: needs_copy !== 0,
  }));
  return { min, max, size, pageable, nentries, ref_count, locked, entries };
}

function mapInSnapshot(map: MapSnapshot): ObservedMap {
  const { min, max, size, pageable, entryCount, references, locked } = map;
  const entries = map.entries.map(entryInSnapshot);
  return { min, max, size, pageable, nentries: entryCount, ref_count: references, locked, entries };
}

function entryInSnapshot(entry: EntrySnapshot): ObservedEntry {
  return {
    start: entry.start,
    end: entry.end,
    obj: backingName(entry.backing),
    offset: entry.offset,
    prot: entry.protection,
    max_prot: entry.maxProtection,
    inherit: entry.inheritance,
    wired: entry.wiredCount,
    cow: entry.copyOnWrite,
    needs_copy: entry.needsCopy,
  };
}

function backingName(backing: EntrySnapshot['backing']): string | null {
  if (backing === null) return null;
  return 'object' in backing ? backing.object : `submap:${backing.submap}`;
}

function objectInTrace(object: TraceObject): ObservedObject {
  return {
    ref_count: object.ref_count,
    size: object.size,
    shadow: object.shadow ?? null,
    shadow_offset: object.shadow_offset ?? 0,
    paging_in_progress: object.paging_in_progress ?? 0,
    pages: object.pages.map(pageInTrace),
  };
}

function objectInSnapshot(object: ObjectSnapshot): ObservedObject {
  return {
    ref_count: object.references,
    size: object.size,
    shadow: object.shadow,
    shadow_offset: object.shadowOffset,
    // Between operations of stage 1 no fault is under way, so no object has paging in progress.
    paging_in_progress: 0,
    pages: object.pages.map(pageInSnapshot),
  };
}

function pageInTrace({ offset, ppn, wire_count, flags, fill }: TracePage): ObservedPage {
  const has = (flag: string) => flags.includes(flag);
  return {
    offset,
    ppn,
    wire_count,
    busy: has('busy'),
    wanted: has('wanted'),
    active: has('active'),
    inactive: has('inactive'),
    fill,
  };
}

function pageInSnapshot(page: PageSnapshot): ObservedPage {
  return {
    offset: page.offset,
    ppn: page.frame,
    wire_count: page.wireCount,
    busy: page.busy,
    wanted: page.wanted,
    active: page.queue === 'active',
    inactive: page.queue === 'inactive',
    fill: page.contents ?? 'not shown',
  };
}
