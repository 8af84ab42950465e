/** What the guest's answers look like in a report. */
import type { MachineConfig } from '../contract/machine.ts';
import { PG_A, PG_D, PG_N, PG_P, PG_RW, PG_U, PG_W } from '../contract/pmap.ts';
import { FAULT_P } from './expect.ts';
import type { GuestResult } from './guest.ts';
import type { Registers } from './state.ts';

/** 32 bits as an address is written. */
export const hex32 = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;

const BITS: readonly (readonly [bit: number, name: string])[] = [
  [PG_P, 'P'],
  [PG_RW, 'RW'],
  [PG_U, 'U'],
  [PG_N, 'N'],
  [PG_A, 'A'],
  [PG_D, 'D'],
  [PG_W, 'W'],
];

/** The bits that are set in a word of a table, as in `P RW A`. */
export const bitNames = (word: number): string =>
  BITS.filter(([bit]) => (word & bit) === bit)
    .map(([, name]) => name)
    .join(' ');

/** A physical frame by the number that the model knows it by. */
export function frameName(
  physical: number,
  { firstManagedFrame, directories }: Registers,
  machine: MachineConfig,
) {
  const directory = directories.find(({ frame }) => frame === physical);
  if (directory !== undefined) return `directory of ${directory.pmap}`;
  const frame = physical - firstManagedFrame;
  if (frame < 0) return `physical frame ${physical}`;
  if (frame < machine.managedPages) return `frame ${frame}`;
  if (frame < machine.managedPages + machine.deviceFrames) return `device frame ${frame}`;
  return `no frame (${physical})`;
}

/** A word of a page table or directory. */
export const tableWord = (word: number, registers: Registers, machine: MachineConfig): string =>
  word === 0 ? '0' : `${frameName(word >>> 12, registers, machine)}, ${bitNames(word)}`;

/** A page fault by its error code. */
export function faultWord(error: number, cr2: number): string {
  const why = (error & FAULT_P) === 0 ? 'not present' : 'protection';
  return `page fault ${error}: ${why}, CR2 ${hex32(cr2)}`;
}

/** A word that was read or written: the judge puts 0x4d…… into each frame, and writes 0x57……. */
export const valueWord = (word: number): string =>
  word >>> 24 === 0x4d ? `${hex32(word)}, the word of frame ${word & 0xff_ffff}` : hex32(word);

/** An answer of the guest, where it is no page of a table. */
export function resultWord(result: GuestResult, asTable: (word: number) => string): string {
  if (result.kind === 'fault') return faultWord(result.error, result.cr2);
  return result.kind === 'word' ? asTable(result.word) : 'words';
}
