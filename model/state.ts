/**
 * Everything the reference model remembers, as plain data. Sizes, counts, reference counts, pools, counters and
 * pv lists are not here: they are computed from these facts whenever somebody asks.
 */
import type { ByteCount, FrameNumber, ObjectOffset, VirtualAddress } from '../contract/address.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation, OperationKind, OperationOf } from '../contract/operation.ts';
import type { Outcome } from '../contract/outcome.ts';
import type { MappingSnapshot, PmapName } from '../contract/pmap.ts';
import type { RuleId } from '../contract/rules.ts';
import type { SleepEvent } from '../contract/sched.ts';
import type { CellName } from '../contract/snapshot.ts';
import type { EntrySnapshot, MapSnapshot, TransitionSnapshot } from '../contract/vm-map.ts';
import type { ObjectName } from '../contract/vm-object.ts';
import type { QueuesSnapshot } from '../contract/vm-page.ts';
import type { MapEvent } from './map-event.ts';

/** A resident page: one frame as a slot of one object, in whose list it is. */
export interface VmPage {
  readonly object: VmObject;
  readonly offset: ObjectOffset;
  readonly frame: FrameNumber;
  wireCount: number; // Wired entries that hold it; 0 for a nowait page
}

export interface VmObject {
  readonly name: ObjectName;
  size: ByteCount;
  baseReferences: number; // No map entry explains these: 1 if a base object, 1 per failed boot reservation
  readonly pages: VmPage[]; // In insertion order
}

/** Addresses from `start` on, without `end`. */
export type Range = Readonly<Pick<EntrySnapshot, 'start' | 'end'>>;
type Changeable<Shown> = { -readonly [Field in keyof Shown]: Shown[Field] };
type EntryAttributes = Omit<EntrySnapshot, 'backing' | 'copyOnWrite' | 'needsCopy'>;

/** One range of a map. At most one of `object` and `submap` is set; both null: no object yet. */
export interface VmMapEntry extends Changeable<EntryAttributes> {
  object: VmObject | null;
  submap: VmMap | null;
}

export interface VmMap extends Pick<MapSnapshot, 'name' | 'min' | 'max' | 'pageable'> {
  readonly staticRecord: boolean; // True when the map record itself is one of the static ones (MAP-CREATE-1)
  creatorReference: boolean; // False once vm_map_deallocate gave the creator's reference up
  readonly entries: VmMapEntry[]; // In address order, never overlapping, never empty
}

/** A record of the flat page table. Without READ it is no mapping to any rule, kept only for replayers (DEV-18). */
export interface Mapping extends Omit<MappingSnapshot, 'address'> {
  readonly readable: boolean;
}

/** A flat page table, by page address. */
export type Mappings = Map<VirtualAddress, Mapping>;

/** The pmap of a user's address space. Its page tables are where its mappings need them; their frames are its object's. */
export interface UserPmap {
  readonly name: PmapName;
  references: number;
  readonly directory: VirtualAddress; // Of its page, in the kernel map
  readonly pteObject: VmObject; // The page tables: that of slot s at offset 4096 · s
  readonly mappings: Mappings; // Readable ones only
}
/** Any pmap but the null one. The kernel's table is part of the state itself. */
export type Pmap = UserPmap | 'kernel';

/** 4096 bytes: a fill byte and what was written over it, by position. */
export interface FrameContents {
  fill: number;
  readonly writes: Map<number, number>;
  undefinedFill: boolean; // True while bytes outside `writes` mean nothing (DC-9)
}

/** Where an operation may fall asleep (SPEC §11) and what wakes it. */
export interface YieldPoint {
  readonly point: 'Y-KA-MEM' | 'Y-FAULT-MEM' | 'Y-KAW' | 'Y-MAP-TRANS';
  readonly event: SleepEvent;
}

/** A computation that may sleep on its way to a result. */
export type Sleeping<Result> = Generator<YieldPoint, Result, void>;
/** A KERN code (SPEC §0), or 100 for useless faults. */
export type KernCode = 0 | 1 | 2 | 3 | 4 | 100;
/** What an operation returns: a KERN code, a truth value, or another outcome. */
export type Answer = Outcome | KernCode | boolean;
/** The arguments of an operation but for the map it works on. */
export type Call<Kind extends OperationKind> = Omit<OperationOf<Kind>, 'kind' | 'map' | 'parent'>;
/** What an operation does on a map: the one it names, or the kernel's where it names none. */
export type Rule<Kind extends OperationKind, Result = Answer> = (
  state: ModelState,
  call: Call<Kind>,
  map: VmMap,
) => Result;

/** An operation that has slept and has not returned yet. */
export interface Flight {
  readonly number: number;
  readonly operation: Operation;
  readonly progress: Sleeping<Answer>;
  event: SleepEvent; // What it slept on last
  status: 'asleep' | 'runnable' | 'running';
}

/** A range that its owner is filling or wiring (MAP-TRANS-0). */
export interface Transition extends Omit<TransitionSnapshot, 'map'> {
  readonly map: VmMap;
  position: VirtualAddress; // Address of the page that the owner is working on or waiting for
}

export interface ModelState {
  readonly machine: MachineConfig;
  readonly maps: VmMap[]; // Live maps in creation order
  readonly objects: VmObject[]; // Live objects in creation order
  readonly kernelObject: VmObject;
  readonly kmemObject: VmObject;
  anonymousSerial: number; // Objects allocated since boot, dead ones included (OBJ-1)
  readonly queues: { readonly [Name in keyof QueuesSnapshot]: FrameNumber[] }; // Head first
  freedWhileWired: number; // Pages that were freed while wired: v_wire counts them for ever
  readonly frames: readonly FrameContents[]; // Contents by frame number, device frames included
  readonly mappings: Mappings; // Of the kernel pmap
  kernelPmapReferences: number; // Those that pmap_reference took on the kernel pmap; every map holds another
  readonly userPmaps: UserPmap[]; // Live ones in creation order
  activePmap: Pmap; // The one that the processor translates through
  readonly flights: Flight[]; // In operation order
  readonly transitions: Transition[];
  current: number; // Number of the operation that runs now
  panicked: string | null; // Text of the panic that stopped the machine
  readonly step: { readonly woken: number[]; readonly console: string[]; daemonPoked: boolean }; // Shown so far
  placement: VirtualAddress | 'nowhere' | null; // Where the current operation is to allocate; null: first fit
  readonly touched: Set<VmMap | VmObject | CellName>; // What the step under way may have changed
  readonly citations: Map<RuleId, { times: number }>; // How often each rule has been exercised
  readonly onMapEvent: ((event: MapEvent) => void) | null;
}
