/** Guests that are kept from one state to the next: one for each place that the stub has to lie at. */
import { PAGE_SIZE, PDE_SPAN } from '../contract/address.ts';
import { InputError } from '../contract/input-error.ts';
import type { MemoryImage } from '../contract/pmap.ts';
import { Guest } from './guest.ts';
import { readStub } from './stub.ts';

/** RAM of a guest unless an image needs more, in directory slots: 64 MiB. */
const SLOTS = 16;
/** Room for images that are small, before the first slot that the stub may lie in. */
const LEAST = 8;
/** Most RAM that is given to a guest: 1 GiB. */
const MOST_SLOTS = 256;

/** Guests by the slot of their stub. */
export class GuestPool {
  readonly #stub: Uint8Array;
  readonly #guests = new Map<number, { readonly guest: Guest; readonly slots: number }>();

  /** Throws InputError where the stub is not whole. */
  constructor(stub: Uint8Array = readStub()) {
    this.#stub = stub;
  }

  /**
   * A guest whose stub lies behind the image, in the lowest slot that `free` allows of [least, end). Throws InputError
   * where the emulator is missing, or no slot is free.
   */
  async fitting(image: MemoryImage, free: (least: number, end: number) => readonly number[]): Promise<Guest> {
    const behind = Math.ceil((image.firstFrame * PAGE_SIZE + image.bytes.length) / PDE_SPAN);
    for (let slots = SLOTS; slots <= MOST_SLOTS; slots *= 2) {
      const [slot] = free(Math.max(LEAST, behind), slots);
      if (slot === undefined) continue;
      const kept = this.#guests.get(slot);
      if (kept !== undefined && kept.slots >= slots) return kept.guest;
      if (kept !== undefined) await this.drop(kept.guest);
      const guest = await Guest.boot(this.#stub, { base: slot * PDE_SPAN, memory: slots * PDE_SPAN });
      this.#guests.set(slot, { guest, slots });
      return guest;
    }
    throw new InputError(
      'mmu: the guest finds no 4 MiB below 1 GiB that nothing is mapped in; take a smaller machine, or map less',
    );
  }

  /** Ends a guest that broke. */
  async drop(guest: Guest): Promise<void> {
    this.#guests.delete(guest.base / PDE_SPAN);
    await guest.end();
  }

  /** Ends all guests. */
  async end(): Promise<void> {
    for (const { guest } of [...this.#guests.values()]) await this.drop(guest);
  }
}
