/** States of the optimized kernel to judge, and places in their tables to spoil. */
import { address, bytes, frameNumber, PAGE_SIZE } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import type { PmapName } from '../../contract/pmap.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import type { GuestPool } from '../../judge/guest-pool.ts';
import { judgeState } from '../../judge/judge.ts';
import { CLOSELY } from '../../judge/scenario.ts';
import type { JudgedState } from '../../judge/state.ts';
import { statesOf } from '../../judge/states.ts';
import { TOUR } from '../../judge/tour.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import type { Difference } from '../../properties/verdict.ts';

/** Mappings of the state: kernel, user; managed frames and the device frames 24 and 25. */
export const KERNEL = 0xfe00_0000;
export const USER = 0x0040_0000;
export const FAR = 0x0100_0000;
export const DEVICE = 24;

const enter = (pmap: PmapName | null, at: number, frame: number, protection: number): Operation => ({
  kind: 'pmap_enter',
  ...(pmap === null ? {} : { pmap }),
  address: address(at),
  frame: frameNumber(frame),
  protection: protection as 0,
  wired: false,
});

/** Two user pmaps; writable, read-only, used and removed pages in each space. */
export const OPERATIONS: readonly Operation[] = [
  { kind: 'pmap_create', name: 'u0', size: bytes(0) },
  { kind: 'pmap_create', name: 'u1', size: bytes(0) },
  enter(null, KERNEL, 0, 7),
  enter(null, KERNEL + 2 * PAGE_SIZE, 1, 1),
  enter(null, KERNEL + 4 * PAGE_SIZE, DEVICE, 7),
  enter('u0', USER, 0, 7),
  enter('u0', USER + PAGE_SIZE, 1, 1),
  enter('u0', USER + 3 * PAGE_SIZE, DEVICE + 1, 7),
  enter('u0', FAR, 1, 7),
  enter('u1', USER, 1, 7),
  { kind: 'pmap_activate', pmap: 'u0' },
  { kind: 'cpu_read', mode: 'user', address: address(FAR), length: 1 },
];

/** The state after OPERATIONS, with a copy of its RAM for each caller. */
export function freshState(): JudgedState {
  const scenario = { ...TOUR, operations: OPERATIONS };
  const kernels = { reference: referenceKernel, candidate: optimizedKernel };
  for (const { state } of statesOf(scenario, kernels, (number) => number === OPERATIONS.length)) return state;
  throw new Error('the scenario ended before its last operation');
}

/** The words of a state's RAM by the places that tables have in it. */
export class Tables {
  readonly state: JudgedState;
  readonly words: Uint32Array;

  constructor(state: JudgedState) {
    this.state = state;
    this.words = new Uint32Array(state.image.bytes.buffer);
  }

  frameOf(pmap: PmapName): number {
    return this.state.registers.directories.find((one) => one.pmap === pmap)?.frame ?? 0;
  }

  /** Index of a directory word. */
  pde(pmap: PmapName, slot: number): number {
    return this.#indexOf(this.frameOf(pmap)) + slot;
  }

  /** Index of a page-table word; its table must be there. */
  pte(pmap: PmapName, at: number): number {
    const pde = this.words[this.pde(pmap, at >>> 22)] ?? 0;
    return this.#indexOf(pde >>> 12) + ((at >>> 12) & 1023);
  }

  #indexOf(frame: number): number {
    return (frame - this.state.image.firstFrame) * 1024;
  }

  /** Exchanges bits of a word. */
  flip(index: number, bits: number): void {
    this.words[index] = ((this.words[index] ?? 0) ^ bits) >>> 0;
  }

  /** Replaces a word and answers the old one. */
  put(index: number, word: number): number {
    const old = this.words[index] ?? 0;
    this.words[index] = word;
    return old;
  }
}

/** What differs in a state, under all orders of accesses up to the first that shows something. */
export async function differencesOf(state: JudgedState, guests: GuestPool): Promise<readonly Difference[]> {
  for (const salt of CLOSELY) {
    const { differences } = await judgeState(state, guests, { salt });
    if (differences.length > 0) return differences;
  }
  return [];
}
