/**
 * The RAM of the machine: page directory, page tables, managed frames and device frames in one buffer.
 *
 * Fast because one frame is filled, copied or inspected by the word. Nothing is kept beside the bytes.
 *
 *   physical frame  0x100     │ 0x101 …      │ firstManaged …  │ …
 *                   directory │ page tables  │ managed frames  │ device frames
 *
 * It begins at 1 MiB, behind the hole that a PC has below it.
 */
import { type FrameNumber, frameNumber, PAGE_SIZE } from '../contract/address.ts';
import { BOOT_FILL, kernelSlots, type MachineConfig } from '../contract/machine.ts';
import type { MemoryImage } from '../contract/pmap.ts';
import type { PageContents } from '../contract/vm-page.ts';

declare const physical: unique symbol;
/** Number of a 4 KiB frame by its physical address; FrameNumber n is physical frame firstManaged + n. */
export type PhysicalFrame = number & { readonly [physical]: true };
/** A byte's place in RAM, counted from its begin. */
export type PhysicalAddress = number & { readonly [physical]: 'address' };

/** 32-bit words in a frame: entries of a page table or directory. */
export const WORDS_PER_FRAME = PAGE_SIZE / 4;

const DIRECTORY = 0x100 as PhysicalFrame;
const FIRST_TABLE = (DIRECTORY + 1) as PhysicalFrame;
/** Repeats a byte in all four places of a word. */
const EACH_BYTE = 0x0101_0101;
const FNV_OFFSET_BASIS = 2166136261;
const FNV_PRIME = 16777619;

function zeroWordFactors(): Int32Array {
  const factors = new Int32Array(WORDS_PER_FRAME + 1).fill(1);
  const square = Math.imul(FNV_PRIME, FNV_PRIME);
  const ofOne = Math.imul(square, square);
  for (let words = 1; words <= WORDS_PER_FRAME; words++)
    factors[words] = Math.imul(factors[words - 1] as number, ofOne);
  return factors;
}

/** What hashing n zero words multiplies a hash by: most bytes of written frames are zero. */
const AFTER_ZERO_WORDS = zeroWordFactors();

export class PhysicalMemory {
  readonly directory: PhysicalFrame = DIRECTORY;
  readonly firstTable: PhysicalFrame = FIRST_TABLE;
  readonly firstManaged: PhysicalFrame;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;

  constructor(config: MachineConfig) {
    const { first, end } = kernelSlots(config);
    this.firstManaged = (FIRST_TABLE + end - first) as PhysicalFrame;
    const frames = this.firstManaged - DIRECTORY + config.managedPages + config.deviceFrames;
    const buffer = new ArrayBuffer(frames * PAGE_SIZE);
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#words.fill(BOOT_FILL * EACH_BYTE, this.wordsOf(this.firstManaged));
  }

  /** Where a managed or device frame lies in RAM. */
  physical(frame: FrameNumber): PhysicalFrame {
    return (this.firstManaged + frame) as PhysicalFrame;
  }

  /** The managed or device frame at a physical frame that lies behind the page tables. */
  frameAt(frame: PhysicalFrame): FrameNumber {
    return frameNumber(frame - this.firstManaged);
  }

  /** Where a frame begins, as an index of words in RAM. */
  wordsOf(frame: number): number {
    return (frame - DIRECTORY) * WORDS_PER_FRAME;
  }

  /** All of RAM as it is now. */
  image(): MemoryImage {
    return { firstFrame: DIRECTORY, bytes: this.#bytes.slice() };
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
    return this.#bytes[at] as number;
  }

  setByte(at: PhysicalAddress, byte: number): void {
    this.#bytes[at] = byte;
  }

  /** Sets every byte of a managed or device frame. */
  fill(frame: FrameNumber, byte: number): void {
    const at = this.wordsOf(this.physical(frame));
    this.#words.fill(byte * EACH_BYTE, at, at + WORDS_PER_FRAME);
  }

  /** Copies a frame onto another (both managed or device frames). */
  copy(from: FrameNumber, to: FrameNumber): void {
    const source = this.wordsOf(this.physical(from));
    this.#words.copyWithin(this.wordsOf(this.physical(to)), source, source + WORDS_PER_FRAME);
  }

  /** What a managed or device frame holds, in the form that snapshots show. */
  contents(frame: FrameNumber): PageContents {
    const start = this.wordsOf(this.physical(frame)) * 4;
    const end = start + PAGE_SIZE;
    const first = this.#bytes[start] as number;
    const uniform = (first * EACH_BYTE) >>> 0;
    const words = this.#words;
    const endWord = end / 4;
    let word = start / 4;
    while (word < endWord && words[word] === uniform) word++;
    if (word === endWord) return first;
    let hash = FNV_OFFSET_BASIS;
    let zeroWords = 0;
    for (word = start / 4; word < endWord; word++)
      if (words[word] === 0) zeroWords++;
      else {
        if (zeroWords > 0) hash = Math.imul(hash, AFTER_ZERO_WORDS[zeroWords] as number);
        zeroWords = 0;
        for (let at = 4 * word; at < 4 * word + 4; at++)
          hash = Math.imul(hash ^ (this.#bytes[at] as number), FNV_PRIME);
      }
    hash = Math.imul(hash, AFTER_ZERO_WORDS[zeroWords] as number);
    return `fnv:${(hash >>> 0).toString(16).padStart(8, '0')}`;
  }
}
