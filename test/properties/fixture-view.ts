/**
 * Hand-made views for tests of invariants: name what matters, the rest has defaults.
 *
 * Without `before` the state did not change in the step; without `touched` every cell of either state counts as touched.
 */
import {
  type ByteCount,
  bytes,
  frameNumber,
  objectOffset,
  PAGE_SIZE,
  pages,
  address as toAddress,
  type VirtualAddress,
} from '../../contract/address.ts';
import type { AuditFinding } from '../../contract/kernel-memory.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';
import type { Outcome, Step } from '../../contract/outcome.ts';
import type { MappingSnapshot, PageTableSnapshot, TlbEntrySnapshot } from '../../contract/pmap.ts';
import { VM_INHERIT_COPY, VM_PROT_ALL } from '../../contract/protection.ts';
import type { CellName } from '../../contract/snapshot.ts';
import type { EntrySnapshot, MapName, MapSnapshot } from '../../contract/vm-map.ts';
import type { ObjectName, ObjectSnapshot } from '../../contract/vm-object.ts';
import type { PageSnapshot } from '../../contract/vm-page.ts';
import { cellNames, readCell } from '../../properties/cells.ts';
import type { Invariant } from '../../properties/invariant.ts';
import type { View } from '../../properties/view.ts';
import { type StateSpec, stateOf } from './fixture-state.ts';

export type { StateSpec };

/** Page 0 of the fixture machine's kernel map. */
export const KERNEL_MIN = toAddress(0xfe00_0000);

/** A kernel map of 64 pages whose first 4 belong to the boot entry, on 16 frames. */
export const MACHINE: MachineConfig = {
  managedPages: 16,
  deviceFrames: 0,
  kernelMin: KERNEL_MIN,
  kernelStart: toAddress(KERNEL_MIN + 4 * PAGE_SIZE),
  kernelMax: toAddress(KERNEL_MIN + 64 * PAGE_SIZE),
  mapEntries: 40,
  staticMaps: 10,
  kmemObjectSize: bytes(2359296),
  freeMin: 0,
  freeTarget: 0,
  inactiveTarget: 0,
  reserved: [],
  scratchPages: 0,
  scratchWindow: null,
};

/** Address of page `page` of the kernel map; fractions give addresses inside a page. */
export const at = (page: number): VirtualAddress => toAddress(KERNEL_MIN + page * PAGE_SIZE);

/** The entry over pages [from, to), with defaults of a fresh null-object insertion. */
export function entryOf(from: number, to: number, fields: Partial<EntrySnapshot> = {}): EntrySnapshot {
  return {
    start: at(from),
    end: at(to),
    backing: null,
    offset: objectOffset(0),
    protection: VM_PROT_ALL,
    maxProtection: VM_PROT_ALL,
    inheritance: VM_INHERIT_COPY,
    wiredCount: 0,
    copyOnWrite: false,
    needsCopy: false,
    ...fields,
  };
}

/** An entry on the kernel object at the offset that its address demands. */
export const kernelEntry = (from: number, to: number, fields: Partial<EntrySnapshot> = {}): EntrySnapshot =>
  entryOf(from, to, {
    backing: { object: 'kernel' },
    offset: objectOffset(from * PAGE_SIZE),
    wiredCount: 1,
    ...fields,
  });

/** The placeholder of `submap` over pages [from, to). */
export const placeholderOf = (
  submap: MapName,
  from: number,
  to: number,
  fields: Partial<EntrySnapshot> = {},
): EntrySnapshot => entryOf(from, to, { backing: { submap }, ...fields });

/** A map that spans the kernel map's addresses; size, count and references follow from its entries unless given. */
export function mapOf(
  name: MapName,
  entries: readonly EntrySnapshot[],
  fields: Partial<MapSnapshot> = {},
): MapSnapshot {
  return {
    name,
    min: MACHINE.kernelMin,
    max: MACHINE.kernelMax,
    size: bytes(entries.reduce((sum, { start, end }) => sum + end - start, 0)),
    pageable: false,
    entryCount: entries.length,
    references: 1,
    locked: false,
    entries,
    ...fields,
  };
}

/** The kernel map with its boot entry followed by `entries`. */
export const kernelMapOf = (
  entries: readonly EntrySnapshot[] = [],
  fields: Partial<MapSnapshot> = {},
): MapSnapshot => mapOf('kernel', [entryOf(0, 4), ...entries], fields);

/** A page at object page `page` in frame `frame`: wired once, on no queue. */
export function pageOf(page: number, frame: number, fields: Partial<PageSnapshot> = {}): PageSnapshot {
  return {
    offset: objectOffset(page * PAGE_SIZE),
    frame: frameNumber(frame),
    wireCount: 1,
    busy: false,
    wanted: false,
    queue: 'none',
    ...fields,
  };
}

/** An object of 64 pages with one reference. */
export function objectOf(
  name: ObjectName,
  resident: readonly PageSnapshot[] = [],
  fields: Partial<ObjectSnapshot> = {},
): ObjectSnapshot {
  return {
    name,
    references: 1,
    size: pages(64),
    shadow: null,
    shadowOffset: objectOffset(0),
    pages: resident,
    ...fields,
  };
}

/** A writable wired mapping of kernel-map page `page` to frame `frame`. */
export function mappingOf(
  page: number,
  frame: number,
  fields: Partial<MappingSnapshot> = {},
): MappingSnapshot {
  return {
    address: at(page),
    frame: frameNumber(frame),
    writable: true,
    wired: true,
    accessed: false,
    dirty: false,
    ...fields,
  };
}

export interface ViewSpec extends StateSpec {
  readonly machine?: Partial<MachineConfig>;
  readonly number?: number;
  readonly operation?: Operation | null;
  /** Shorthand for `step: { outcome }`. */
  readonly outcome?: Outcome;
  readonly step?: Step | null;
  /** By default the operation itself. */
  readonly subject?: Operation | null;
  readonly subjectNumber?: number;
  readonly inFlight?: readonly (readonly [number, Operation])[];
  readonly touched?: readonly CellName[];
  /** The state before the step. */
  readonly before?: StateSpec;
  readonly aliased?: boolean;
  readonly audit?: readonly AuditFinding[];
  readonly pageTables?: PageTableSnapshot | null;
  readonly tlb?: readonly TlbEntrySnapshot[] | null;
}

/** Maps and objects where a specification says nothing about them. */
const AT_BOOT: StateSpec = { maps: [kernelMapOf()], objects: [objectOf('kernel'), objectOf('kmem')] };

/** A view of a state, with the step that led to it. */
export function viewOf(spec: ViewSpec = {}): View {
  const machine = { ...MACHINE, ...spec.machine };
  const state = stateOf({ ...AT_BOOT, ...spec }, machine);
  const past = spec.before ? stateOf({ ...AT_BOOT, ...spec.before }, machine) : state;
  const touched = spec.touched ?? [...new Set([...cellNames(past), ...cellNames(state)])];
  const operation = spec.operation ?? null;
  const number = spec.number ?? (operation === null ? 0 : 1);
  return {
    ...state,
    machine,
    number,
    operation,
    step: spec.step ?? (spec.outcome ? { outcome: spec.outcome } : null),
    subject: spec.subject ?? operation,
    subjectNumber: spec.subjectNumber ?? number,
    inFlight: new Map(spec.inFlight),
    touched,
    touchedMaps: named(touched, 'map:', state.maps),
    touchedObjects: named(touched, 'object:', state.objects),
    touchedMappings: touched
      .filter((cell) => cell.startsWith('mapping:'))
      .map((cell) => Number(cell.slice(8))),
    before: (name) => readCell(past, name),
    mapBefore: (name) => past.maps.get(name) ?? null,
    objectBefore: (name) => past.objects.get(name) ?? null,
    aliased: spec.aliased ?? false,
    audit: () => spec.audit ?? [],
    pageTables: () => spec.pageTables ?? null,
    tlb: () => spec.tlb ?? null,
  };
}

/** Witnesses of one invariant over a run of views, of which only the last is judged. */
export function witnesses(invariant: Invariant, ...views: readonly View[]): string[] {
  const watch = invariant.watch();
  let found: string[] = [];
  for (const view of views) {
    watch.observe?.(view);
    if (view === views.at(-1)) found = [...watch.violations(view)];
  }
  return found;
}

/** Bytes in `count` pages. */
export const size = (count: number): ByteCount => bytes(Math.round(count * PAGE_SIZE));

function named<Part>(
  touched: readonly CellName[],
  prefix: string,
  live: ReadonlyMap<string, Part>,
): readonly Part[] {
  return touched.flatMap((cell) => {
    const part = cell.startsWith(prefix) ? live.get(cell.slice(prefix.length)) : undefined;
    return part === undefined ? [] : [part];
  });
}
