/**
 * The RAM of the machine: page directory, page tables, managed frames and device frames in one buffer.
 *
 * Fast because a frame whose bytes are all equal is kept as that one byte until somebody writes to it, so that
 * zero-filling, poisoning and inspecting a frame cost O(1) and untouched RAM costs nothing. Must stay in step:
 * bytes of the buffer mean something only where `#uniform` is VARIED.
 *
 *   physical frame  0 │ 1         │ 2 …          │ firstManaged …  │ … frames − 1
 *               unused│ directory │ page tables  │ managed frames  │ device frames
 */
import { type FrameNumber, frameNumber, PAGE_SIZE } from '../contract/address.ts';
import { BOOT_FILL, kernelSlots, type MachineConfig } from '../contract/machine.ts';
import type { PageContents } from '../contract/vm-page.ts';

declare const physical: unique symbol;
/** Number of a 4 KiB frame of RAM; FrameNumber n is physical frame firstManaged + n. */
export type PhysicalFrame = number & { readonly [physical]: true };
/** A byte address in RAM; may exceed 32 bits. */
export type PhysicalAddress = number & { readonly [physical]: 'address' };

/** 32-bit words in a frame: entries of a page table or directory. */
export const WORDS_PER_FRAME = PAGE_SIZE / 4;

const VARIED = -1;
const DIRECTORY = 1 as PhysicalFrame;
const FIRST_TABLE = 2 as PhysicalFrame;
const FNV_OFFSET_BASIS = 2166136261;
const FNV_PRIME = 16777619;

export class PhysicalMemory {
  readonly directory: PhysicalFrame = DIRECTORY;
  readonly firstTable: PhysicalFrame = FIRST_TABLE;
  readonly firstManaged: PhysicalFrame;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #uniform: Int16Array;

  constructor(config: MachineConfig) {
    const { first, end } = kernelSlots(config);
    this.firstManaged = (FIRST_TABLE + end - first) as PhysicalFrame;
    const frames = this.firstManaged + config.managedPages + config.deviceFrames;
    const buffer = new ArrayBuffer(frames * PAGE_SIZE);
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#uniform = new Int16Array(frames).fill(BOOT_FILL);
    this.#uniform.fill(VARIED, 0, this.firstManaged);
  }

  /** Where a managed or device frame lies in RAM. */
  physical(frame: FrameNumber): PhysicalFrame {
    return (this.firstManaged + frame) as PhysicalFrame;
  }

  /** The managed or device frame at a physical frame that lies behind the page tables. */
  frameAt(frame: PhysicalFrame): FrameNumber {
    return frameNumber(frame - this.firstManaged);
  }

  /** A word of the directory or of a page table, by its index in all of RAM. */
  word(index: number): number {
    return this.#words[index] as number;
  }

  /** Stores a word of the directory or of a page table; `value` is taken as unsigned. */
  setWord(index: number, value: number): void {
    this.#words[index] = value;
  }

  byte(at: PhysicalAddress): number {
    const uniform = this.#uniform[Math.floor(at / PAGE_SIZE)] as number;
    return uniform === VARIED ? (this.#bytes[at] as number) : uniform;
  }

  setByte(at: PhysicalAddress, byte: number): void {
    const frame = Math.floor(at / PAGE_SIZE);
    const uniform = this.#uniform[frame] as number;
    if (uniform === byte) return;
    if (uniform !== VARIED) {
      this.#bytes.fill(uniform, frame * PAGE_SIZE, (frame + 1) * PAGE_SIZE);
      this.#uniform[frame] = VARIED;
    }
    this.#bytes[at] = byte;
  }

  /** Sets every byte of a managed or device frame. */
  fill(frame: FrameNumber, byte: number): void {
    this.#uniform[this.physical(frame)] = byte;
  }

  /** Copies a frame onto another (both managed or device frames). */
  copy(from: FrameNumber, to: FrameNumber): void {
    const source = this.physical(from);
    const target = this.physical(to);
    const uniform = this.#uniform[source] as number;
    if (uniform === VARIED)
      this.#bytes.copyWithin(target * PAGE_SIZE, source * PAGE_SIZE, (source + 1) * PAGE_SIZE);
    this.#uniform[target] = uniform;
  }

  /** What a managed or device frame holds, in the form that snapshots show. */
  contents(frame: FrameNumber): PageContents {
    const at = this.physical(frame);
    const uniform = this.#uniform[at] as number;
    if (uniform !== VARIED) return uniform;
    const bytes = this.#bytes.subarray(at * PAGE_SIZE, (at + 1) * PAGE_SIZE);
    const first = bytes[0] as number;
    if (bytes.every((byte) => byte === first)) return first;
    let hash = FNV_OFFSET_BASIS;
    for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME);
    return `fnv:${(hash >>> 0).toString(16).padStart(8, '0')}`;
  }
}
