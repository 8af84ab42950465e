/**
 * Everything the reference model remembers, as plain data. Sizes, counts, reference counts, pools, counters and
 * pv lists are not here: they are computed from these facts whenever somebody asks.
 */
import type { ByteCount, FrameNumber, ObjectOffset, VirtualAddress } from '../contract/address.ts';
import type { MachineConfig } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import type { Outcome } from '../contract/outcome.ts';
import type { VmInherit, VmProt } from '../contract/protection.ts';
import type { RuleId } from '../contract/rules.ts';
import type { SleepEvent } from '../contract/sched.ts';
import type { CellName } from '../contract/snapshot.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { ObjectName } from '../contract/vm-object.ts';
import type { MapEvent } from './map-event.ts';

/** A resident page: one frame as a slot of one object. It lives in that object's list and nowhere else. */
export interface VmPage {
  readonly frame: FrameNumber;
  readonly offset: ObjectOffset;
  /** Wired entries that hold it; 0 for a nowait page. */
  wireCount: number;
}

export interface VmObject {
  readonly name: ObjectName;
  size: ByteCount;
  /** References that no map entry explains: 1 for a base object, plus one per failed boot reservation. */
  baseReferences: number;
  /** In insertion order. */
  readonly pages: VmPage[];
}

/** One range of a map. At most one of `object` and `submap` is set; both null: no object yet. */
export interface VmMapEntry {
  start: VirtualAddress;
  /** Exclusive. */
  end: VirtualAddress;
  object: VmObject | null;
  submap: VmMap | null;
  offset: ObjectOffset;
  protection: VmProt;
  maxProtection: VmProt;
  inheritance: VmInherit;
  wiredCount: number;
}

export interface VmMap {
  readonly name: MapName;
  readonly min: VirtualAddress;
  /** Exclusive. */
  readonly max: VirtualAddress;
  /** True: entries come from the unbounded heap; false: from the static pool. */
  readonly pageable: boolean;
  /** True when the map record itself is one of the static ones (MAP-CREATE-1). */
  readonly staticRecord: boolean;
  /** False once vm_map_deallocate gave the creator's reference up. */
  creatorReference: boolean;
  /** In address order, never overlapping, never empty. */
  readonly entries: VmMapEntry[];
}

/**
 * One record of the flat page table. A record without READ is no mapping at all to every rule;
 * it stays only so that a replayer of 1994 can tell it from a removed one (DEV-18).
 */
export interface Mapping {
  readonly frame: FrameNumber;
  readable: boolean;
  writable: boolean;
  wired: boolean;
  accessed: boolean;
  dirty: boolean;
}

/** 4096 bytes: a fill byte and what was written over it. */
export interface FrameContents {
  fill: number;
  /** Byte by position in the frame, 0 … 4095. */
  readonly writes: Map<number, number>;
  /** True while bytes outside `writes` mean nothing (DC-9). */
  undefinedFill: boolean;
}

/** Where an operation may fall asleep (SPEC §11) and what wakes it. */
export interface YieldPoint {
  readonly point: 'Y-KA-MEM' | 'Y-FAULT-MEM' | 'Y-KAW' | 'Y-MAP-TRANS';
  readonly event: SleepEvent;
}

/** A computation that may sleep on its way to a result. */
export type Sleeping<Result> = Generator<YieldPoint, Result, void>;

/** An operation that has slept and has not returned yet. */
export interface Flight {
  readonly number: number;
  readonly operation: Operation;
  readonly progress: Sleeping<Outcome>;
  /** What it slept on last. */
  event: SleepEvent;
  status: 'asleep' | 'runnable' | 'running';
}

/** A range that its owner is filling or wiring (MAP-TRANS-0). */
export interface Transition {
  readonly map: VmMap;
  readonly start: VirtualAddress;
  /** Exclusive. */
  readonly end: VirtualAddress;
  readonly state: 'filling' | 'wiring';
  /** Number of the operation that owns it. */
  readonly operation: number;
  /** Address of the page that the owner is working on or waiting for. */
  position: VirtualAddress;
}

/** What the step under way has shown so far; cleared at each apply. */
export interface StepRecord {
  readonly woken: number[];
  readonly console: string[];
  daemonPoked: boolean;
}

/** Where the candidate put an allocation: an address, or nowhere. */
export type Placement = VirtualAddress | 'nowhere';

export interface ModelState {
  readonly machine: MachineConfig;
  /** Live maps in creation order. */
  readonly maps: VmMap[];
  /** Live objects in creation order. */
  readonly objects: VmObject[];
  readonly kernelObject: VmObject;
  readonly kmemObject: VmObject;
  /** Objects allocated since boot, dead ones included (OBJ-1). */
  anonymousSerial: number;
  /** Frames of each queue, head first. */
  readonly queues: {
    readonly free: FrameNumber[];
    readonly active: FrameNumber[];
    readonly inactive: FrameNumber[];
  };
  /** Pages that were freed while wired: v_wire counts them for ever. */
  freedWhileWired: number;
  /** Contents by frame number, device frames included. */
  readonly frames: readonly FrameContents[];
  /** The flat page table, by page address. */
  readonly mappings: Map<VirtualAddress, Mapping>;
  /** In operation order. */
  readonly flights: Flight[];
  readonly transitions: Transition[];
  /** Number of the operation that runs now. */
  current: number;
  /** Text of the panic that stopped the machine. */
  panicked: string | null;
  readonly step: StepRecord;
  /** Where the operation that runs now is to allocate; null: first fit. */
  placement: Placement | null;
  readonly touched: Set<CellName>;
  readonly rules: Map<RuleId, number>;
  readonly onMapEvent: ((event: MapEvent) => void) | null;
}

/** Counts one exercise of a rule, at the code that states the rule. */
export function cite(state: ModelState, rule: RuleId): void {
  state.rules.set(rule, (state.rules.get(rule) ?? 0) + 1);
}

/** Notes that a cell may have changed in this step. */
export function touch(state: ModelState, ...cells: readonly CellName[]): void {
  for (const cell of cells) state.touched.add(cell);
}

/** The way out of a kernel that stops in the middle of an operation; `apply` turns it into the panic outcome. */
export class KernelPanic {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Stops the machine (CONV-4). Does not return, as in the kernel. */
export function stopMachine(text: string): never {
  throw new KernelPanic(text);
}

/** Stops the program when the model contradicts itself. */
export function assert(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(`reference model: ${sentence}`);
}

/** The live map of that name. */
export function mapNamed(state: ModelState, name: MapName): VmMap | undefined {
  return state.maps.find((map) => map.name === name);
}

/** True for frames that have a page record; false for device frames. */
export const isManaged = (state: ModelState, frame: FrameNumber): boolean =>
  frame < state.machine.managedPages;
