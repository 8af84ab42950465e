/** Cells by name: telling their kinds apart, listing them, and reading one from a state. */

import type { CellName, CellValue } from '../contract/snapshot.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { ObjectName } from '../contract/vm-object.ts';
import type { StateView } from './view.ts';

export type MapCell = `map:${MapName}`;
export type ObjectCell = `object:${ObjectName}`;
export type MappingCell = `mapping:${number}`;
export type PvCell = `pv:${number}`;
/** The cells that exist once in every kernel. */
export type SingleCell = Exclude<CellName, MapCell | ObjectCell | MappingCell | PvCell>;

// Names are told apart by single characters: this runs for every cell of every step.
const COLON = 58;
const LETTER_B = 98;
const LETTER_M = 109;
const LETTER_P = 112;

export const isMapCell = (name: CellName): name is MapCell =>
  name.charCodeAt(3) === COLON && name.charCodeAt(0) === LETTER_M;
export const isObjectCell = (name: CellName): name is ObjectCell => name.charCodeAt(1) === LETTER_B;
export const isMappingCell = (name: CellName): name is MappingCell =>
  name.charCodeAt(3) === LETTER_P && name.charCodeAt(0) === LETTER_M;
export const isPvCell = (name: CellName): name is PvCell => name.charCodeAt(2) === COLON;

/** What a cell shows, whichever map, object, queue, address or frame it is of. */
export type CellClass =
  | 'map'
  | 'object'
  | 'queue'
  | 'mapping'
  | 'pv'
  | 'counters'
  | 'pools'
  | 'pmap'
  | 'spaces'
  | 'sched'
  | 'transitions';

/** A set of classes, one bit for each. */
export type CellClasses = number;

const CLASS_BIT: { readonly [Class in CellClass]: CellClasses } = {
  map: 1,
  object: 2,
  queue: 4,
  mapping: 8,
  pv: 16,
  counters: 32,
  pools: 64,
  pmap: 128,
  sched: 256,
  transitions: 512,
  spaces: 1024,
};
export const CELL_CLASSES = Object.keys(CLASS_BIT) as readonly CellClass[];
export const NO_CELLS: CellClasses = 0;
export const EVERY_CELL: CellClasses = 2047;

/** The set of some classes. */
export function cellClasses(classes: readonly CellClass[]): CellClasses {
  let bits = NO_CELLS;
  for (const one of classes) bits |= CLASS_BIT[one];
  return bits;
}

/** The set with the one class of a cell. */
export function classOfCell(name: CellName): CellClasses {
  if (isMappingCell(name)) return CLASS_BIT.mapping;
  if (isPvCell(name)) return CLASS_BIT.pv;
  if (isMapCell(name)) return CLASS_BIT.map;
  if (isObjectCell(name)) return CLASS_BIT.object;
  return SINGLE_BIT[name];
}

const SINGLE_BIT: { readonly [Name in SingleCell]: CellClasses } = {
  'queue:free': CLASS_BIT.queue,
  'queue:active': CLASS_BIT.queue,
  'queue:inactive': CLASS_BIT.queue,
  counters: CLASS_BIT.counters,
  pools: CLASS_BIT.pools,
  'pmap:kernel': CLASS_BIT.pmap,
  spaces: CLASS_BIT.spaces,
  sched: CLASS_BIT.sched,
  transitions: CLASS_BIT.transitions,
};

/** Name of the map that a cell shows. */
export const mapOfCell = (name: MapCell): MapName => name.slice('map:'.length);
/** Name of the object that a cell shows. */
export const objectOfCell = (name: ObjectCell): ObjectName => name.slice('object:'.length);
/** Address that a mapping cell shows. */
export const addressOfCell = (name: MappingCell): number => Number(name.slice('mapping:'.length));
/** Frame that a pv cell shows. */
export const frameOfCell = (name: PvCell): number => Number(name.slice('pv:'.length));

/** False for `transitions` and `pv`, which no two kernels need to agree on (SPEC §13, internal). */
export const isCompared = (name: CellName): boolean => name !== 'transitions' && !isPvCell(name);

export const SINGLE_CELLS: readonly SingleCell[] = [
  'queue:free',
  'queue:active',
  'queue:inactive',
  'counters',
  'pools',
  'pmap:kernel',
  'spaces',
  'sched',
  'transitions',
];

/** Every cell that has a value in a state. */
export function cellNames(state: StateView): CellName[] {
  const names: CellName[] = [...SINGLE_CELLS];
  for (const name of state.maps.keys()) names.push(`map:${name}`);
  for (const name of state.objects.keys()) names.push(`object:${name}`);
  for (const address of state.mappings.keys()) names.push(`mapping:${address}`);
  for (const frame of state.pv.keys()) names.push(`pv:${frame}`);
  return names;
}

/** Value of a cell in a state; null, or for pv cells an empty list, where nothing of that name exists. */
export function readCell<Name extends CellName>(state: StateView, name: Name): CellValue<Name>;
export function readCell(state: StateView, name: CellName): CellValue<CellName> {
  if (isMappingCell(name)) return state.mappings.get(addressOfCell(name)) ?? null;
  if (isMapCell(name)) return state.maps.get(mapOfCell(name)) ?? null;
  if (isObjectCell(name)) return state.objects.get(objectOfCell(name)) ?? null;
  if (isPvCell(name)) return state.pv.get(frameOfCell(name)) ?? [];
  return readSingle(state, name);
}

function readSingle(state: StateView, name: SingleCell): CellValue<SingleCell> {
  switch (name) {
    case 'queue:free':
      return state.queues.free;
    case 'queue:active':
      return state.queues.active;
    case 'queue:inactive':
      return state.queues.inactive;
    case 'counters':
      return state.counters;
    case 'pools':
      return state.pools;
    case 'pmap:kernel':
      return state.pmap;
    case 'spaces':
      return state.spaces;
    case 'sched':
      return state.sched;
    case 'transitions':
      return state.transitions;
  }
}
