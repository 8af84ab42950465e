/**
 * An i386 that is not ours: v86, with the stub in it as its only program. A batch of probes goes in, what each came to comes
 * out; a guest that breaks or runs on is ended and told.
 */
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { PAGE_SIZE, PDE_SPAN } from '../contract/address.ts';
import { InputError } from '../contract/input-error.ts';
import type { MemoryImage } from '../contract/pmap.ts';
import { stubAt } from './stub.ts';

/** The emulator that expectations were tried on. */
export const V86_VERSION = '0.5.462';

/** What the stub can be asked for, by the number that it knows it by (judge/stub.asm). */
export const OP = {
  read: 0,
  write: 1,
  userRead: 2,
  userWrite: 3,
  /** Loads CR3 with the address, and CR0.WP with bit 0 of the operand. Empties the TLB. */
  directory: 4,
  /** Reads as many words as the operand says, as the supervisor. */
  dump: 5,
} as const;
export type Op = (typeof OP)[keyof typeof OP];

/** One thing to do in the guest. */
export interface GuestProbe {
  readonly op: Op;
  readonly address: number;
  /** 32 bits: the word to write, CR0.WP, or how many words to read. */
  readonly operand: number;
}

/** What it came to: a word read or written, words, or a page fault. */
export type GuestResult =
  | { readonly kind: 'word'; readonly word: number }
  | { readonly kind: 'words'; readonly words: Uint32Array }
  | { readonly kind: 'fault'; readonly error: number; readonly cr2: number };

/** Results in the order of the probes; fewer where the guest gave no answer to the next one. */
export interface BatchEnd {
  readonly results: readonly GuestResult[];
  /** Why there are fewer, or null. */
  readonly broke: string | null;
}

/** The part of v86 that is used. */
interface Emulator {
  add_listener(event: string, listener: () => void): void;
  run(): Promise<void>;
  stop(): Promise<void>;
  destroy(): Promise<void>;
  get_instruction_counter(): number;
  read_memory(offset: number, length: number): Uint8Array;
  write_memory(bytes: Uint8Array, offset: number): void;
}

const MAILBOX = 0x1_0000;
const RECORDS = MAILBOX + 0x20;
const RECORD_BYTES = 32;
const BUFFER = 0x20_0000;
/** Most probes in a batch, and most words that its dumps may read. */
export const MOST_PROBES = (BUFFER - RECORDS) / RECORD_BYTES - 1;
export const MOST_WORDS = (PDE_SPAN - BUFFER) / 4;

const COMMAND = { go: 1, done: 2, broken: 3 } as const;
const PENDING = 0xeeee_eeee;
/** Instructions that a batch may take beside those of its probes and words. */
const SLACK = 20_000_000;
const INSTRUCTIONS_PER_PROBE = 2000;

type EmulatorClass = new (options: object) => Emulator;

/** The emulator's class and its code. Throws InputError where it is not installed. */
async function emulatorClass(): Promise<{ V86: EmulatorClass; wasm: string }> {
  const mend = `mmu: the emulator v86 is not installed, or not whole; npm install v86@${V86_VERSION}`;
  try {
    const find = createRequire(import.meta.url);
    const { V86 } = (await import(pathToFileURL(find.resolve('v86')).href)) as { V86: EmulatorClass };
    const wasm = find.resolve('v86/build/v86.wasm');
    if (typeof V86 === 'function' && statSync(wasm).size > 0) return { V86, wasm };
  } catch {
    // As where the class is missing.
  }
  throw new InputError(mend);
}

/** Throws what is none of our business again, where nobody of ours catches it. */
const rethrow = (error: Error): void =>
  queueMicrotask(() => {
    throw error;
  });

/** One emulator, whose stub lies at `base` and is mapped there by the directory slot of that address. */
export class Guest {
  readonly base: number;
  readonly #emulator: Emulator;
  /** Its loop has ended of itself: it answers nothing more, not even that it stops. */
  #gone = false;
  /** Physical address that the last image ended at. */
  #used = 0;

  private constructor(emulator: Emulator, base: number) {
    this.#emulator = emulator;
    this.base = base;
  }

  /** Boots an emulator with `memory` bytes of RAM, a power of 2 above `base` + 4 MiB. Throws InputError where there is none. */
  static async boot(stub: Uint8Array, { base, memory }: { base: number; memory: number }): Promise<Guest> {
    const { V86, wasm } = await emulatorClass();
    const emulator = new V86({
      wasm_path: wasm,
      memory_size: memory,
      vga_memory_size: 1 << 20,
      multiboot: { buffer: stubAt(stub, base) },
      autostart: false,
      disable_speaker: true,
      disable_keyboard: true,
      disable_mouse: true,
    });
    await new Promise<void>((ready) => emulator.add_listener('emulator-ready', ready));
    return new Guest(emulator, base);
  }

  /** Puts the image where it belongs, and zeros over what a longer one left behind it. */
  load({ firstFrame, bytes }: MemoryImage): void {
    const begin = firstFrame * PAGE_SIZE;
    this.#emulator.write_memory(bytes, begin);
    const end = begin + bytes.length;
    if (this.#used > end) this.#emulator.write_memory(new Uint8Array(this.#used - end), end);
    this.#used = end;
  }

  /** What lies there now, as words. */
  words(at: number, count: number): Uint32Array {
    return new Uint32Array(this.#emulator.read_memory(at, count * 4).slice().buffer);
  }

  /** Stores a word at a physical address. */
  store(at: number, word: number): void {
    this.#emulator.write_memory(new Uint8Array(Uint32Array.of(word).buffer), at);
  }

  /** Runs a batch of at most MOST_PROBES probes and MOST_WORDS words. Its first probe loads a directory. */
  async run(probes: readonly GuestProbe[]): Promise<BatchEnd> {
    const records = new Uint32Array((probes.length * RECORD_BYTES) / 4);
    let words = 0;
    probes.forEach(({ op, address, operand }, i) => {
      records.set([address, op, operand, PENDING, 0, 0, 0, this.base + BUFFER + 4 * words], 8 * i);
      if (op === OP.dump) words += operand;
    });
    this.#emulator.write_memory(new Uint8Array(records.buffer), this.base + RECORDS);
    this.store(this.base + MAILBOX + 4, probes.length);
    this.store(this.base + MAILBOX, COMMAND.go);
    const limit = SLACK + INSTRUCTIONS_PER_PROBE * probes.length + 16 * words;
    const broke = await this.#untilDone(limit);
    const results = this.#results(probes, words);
    const lost = results.length < probes.length ? 'it left a probe out' : null;
    return { results, broke: broke ?? lost };
  }

  /** An exception within an exception makes v86 throw where nobody can catch it. */
  async #untilDone(limit: number): Promise<string | null> {
    const emulator = this.#emulator;
    const thrown: Error[] = [];
    const foreign: Error[] = [];
    const began = emulator.get_instruction_counter();
    process.setUncaughtExceptionCaptureCallback((error) => {
      if (/\bv86\b/.test(error.stack ?? '')) thrown.push(error);
      else foreign.push(error);
    });
    try {
      await emulator.run();
      for (;;) {
        await setImmediate();
        if (thrown.length > 0) return 'a fault while a fault was being handled';
        const command = this.words(this.base + MAILBOX, 1)[0];
        if (command === COMMAND.done) return null;
        if (command === COMMAND.broken) return 'an exception that is no page fault';
        if (((emulator.get_instruction_counter() - began) | 0) >>> 0 > limit)
          return `no answer within ${limit} instructions`;
      }
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
      for (const error of foreign) rethrow(error);
      this.#gone = thrown.length > 0;
      if (!this.#gone) await emulator.stop();
    }
  }

  #results(probes: readonly GuestProbe[], count: number): GuestResult[] {
    const records = this.words(this.base + RECORDS, probes.length * 8);
    const dumped = count === 0 ? new Uint32Array() : this.words(this.base + BUFFER, count);
    const results: GuestResult[] = [];
    let words = 0;
    for (const [i, { op, operand }] of probes.entries()) {
      const status = records[8 * i + 3];
      if (status === PENDING) break;
      if (status === 1)
        results.push({
          kind: 'fault',
          error: records[8 * i + 4] as number,
          cr2: records[8 * i + 5] as number,
        });
      else if (op === OP.dump)
        results.push({ kind: 'words', words: dumped.subarray(words, words + operand) });
      else results.push({ kind: 'word', word: records[8 * i + 6] as number });
      if (op === OP.dump) words += operand;
    }
    return results;
  }

  /** Ends the emulator. */
  async end(): Promise<void> {
    if (!this.#gone) await this.#emulator.destroy();
  }
}
