/** The guest and its code: the bytes are those of the source, and whatever goes wrong in it is told. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { PDE_SPAN } from '../../contract/address.ts';
import { InputError } from '../../contract/input-error.ts';
import { Guest, type GuestProbe, OP } from '../../judge/guest.ts';
import { GuestPool } from '../../judge/guest-pool.ts';
import { checkImage } from '../../judge/state.ts';
import { readStub, STUB_SHA256, stubPath } from '../../judge/stub.ts';
import { freshState } from './state.ts';

const scratch = mkdtempSync(join(tmpdir(), 'vmlockstep-judge-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const BASE = 8 * PDE_SPAN;
const DIRECTORY = 0x10_0000;
const boot = (stub: Uint8Array): Promise<Guest> => Guest.boot(stub, { base: BASE, memory: 16 * PDE_SPAN });
const load: GuestProbe = { op: OP.directory, address: DIRECTORY, operand: 0 };
const read: GuestProbe = { op: OP.read, address: 0xfff0_0000, operand: 0 };

/** A directory with nothing but the stub's own page. */
function imageWithStub(guest: Guest, word = BASE + 0xe7): void {
  const words = new Uint32Array(1024);
  words[8] = word;
  guest.load({ firstFrame: DIRECTORY / 4096, bytes: new Uint8Array(words.buffer) });
}

describe('the bytes of the stub', () => {
  const nasm = spawnSync('nasm', ['-v']).status === 0;
  if (!nasm)
    process.stderr.write('NOT RUN: nasm is not installed, so judge/stub.asm is not assembled again\n');
  test.skipIf(!nasm)('are what nasm makes of the source', () => {
    const source = resolve(import.meta.dirname, '..', '..', 'judge', 'stub.asm');
    const made = join(scratch, 'stub.bin');
    expect(spawnSync('nasm', ['-f', 'bin', '-o', made, source]).status).toBe(0);
    expect(Buffer.from(readStub()).equals(readFileSync(made))).toBe(true);
  });

  const fileWith = (name: string, text: string): string => {
    const path = join(scratch, name);
    writeFileSync(path, text);
    return path;
  };

  test.each([
    ['missing', () => join(scratch, 'no.hex'), /no\.hex: the code for the guest cannot be read; reinstall/],
    [
      'truncated',
      () => fileWith('short.hex', readFileSync(stubPath(), 'utf8').slice(0, 200)),
      /short\.hex: \d+ bytes/,
    ],
    [
      'others',
      () => fileWith('other.hex', readFileSync(stubPath(), 'utf8').replace('02b0ad1b', '02b0ad1c')),
      /not 1ece/,
    ],
    ['no digits at all', () => fileWith('words.hex', 'stub'), /words\.hex: 0 bytes/],
  ])('%s: refused in one line', (_, path, text) => {
    expect(() => readStub(path())).toThrow(InputError);
    expect(() => readStub(path())).toThrow(text);
  });

  test('the sum is recorded', () => expect(STUB_SHA256).toMatch(/^[0-9a-f]{64}$/));
});

describe('a guest that goes wrong', () => {
  test('a directory without the page of the stub is a fault within a fault, not a hang', async () => {
    const guest = await boot(readStub());
    imageWithStub(guest, 0);
    expect(await guest.run([load, read])).toEqual({
      results: [],
      broke: 'a fault while a fault was being handled',
    });
    await guest.end();
  });

  test('code that never answers is ended by a count of instructions', async () => {
    const endless = readStub().slice();
    endless.set([0xeb, 0xfe], 37);
    const guest = await boot(endless);
    imageWithStub(guest);
    const { results, broke } = await guest.run([load, read]);
    expect(broke).toMatch(/^no answer within \d+ instructions$/);
    expect(results).toEqual([]);
    await guest.end();
  });

  test('an exception that is no page fault is told, with what came before it', async () => {
    const broken = readStub().slice();
    // ud2 where the first supervisor read of a probe is.
    const at = Buffer.from(broken).indexOf(Buffer.from('8b08eb', 'hex'));
    broken.set([0x0f, 0x0b], at);
    const guest = await boot(broken);
    imageWithStub(guest);
    const { results, broke } = await guest.run([load, { ...read, op: OP.userRead }, read]);
    expect(broke).toBe('an exception that is no page fault');
    expect(results.map(({ kind }) => kind)).toEqual(['word', 'fault']);
    await guest.end();
  });

  test('a probe that is left out is told, though the guest says that it is done', async () => {
    const skipping = readStub().slice();
    // The next record but one, where the next one is due.
    const at = Buffer.from(skipping).indexOf(Buffer.from('83c620', 'hex'));
    skipping.set([0x83, 0xc6, 0x40], at);
    const guest = await boot(skipping);
    imageWithStub(guest);
    const { results, broke } = await guest.run([load, read, load, read]);
    expect(broke).toBe('it left a probe out');
    expect(results).toHaveLength(1);
    await guest.end();
  });

  test('and the next state gets a guest of its own', async () => {
    const guests = new GuestPool();
    const { image } = freshState();
    const first = await guests.fitting(image, (least) => [least]);
    await guests.drop(first);
    expect(await guests.fitting(image, (least) => [least])).not.toBe(first);
    await guests.end();
  });

  test('where no slot is free there is one line', async () => {
    await expect(new GuestPool().fitting(freshState().image, () => [])).rejects.toThrow(
      /finds no 4 MiB below 1 GiB/,
    );
  });
});

describe('RAM that cannot be what it says', () => {
  const state = freshState();
  const withBytes = (bytes: Uint8Array, firstFrame = state.image.firstFrame) => ({
    ...state,
    image: { firstFrame, bytes },
  });
  const { bytes } = state.image;
  test.each([
    [
      'no whole frames',
      withBytes(bytes.subarray(0, 4095)),
      /kernel x: memoryImage\(\): 4095 bytes are not whole frames/,
    ],
    ['empty', withBytes(bytes.subarray(0, 0)), /0 bytes are not whole frames of 4096/],
    [
      'truncated',
      withBytes(bytes.subarray(0, bytes.length - 4096)),
      /it ends at physical frame \d+, but the last/,
    ],
    ['of no frame', withBytes(bytes, -1), /firstFrame -1 is no frame/],
    [
      'without its directories',
      withBytes(bytes, state.image.firstFrame + 1),
      /the directory of kernel is physical frame 256/,
    ],
  ])('%s', (_, wrong, text) => {
    expect(() => checkImage(wrong, 'kernel x')).toThrow(text);
    expect(() => checkImage(wrong, 'kernel x')).toThrow(InputError);
  });

  test('as it is it holds', () => expect(() => checkImage(state, 'kernel x')).not.toThrow());
});
