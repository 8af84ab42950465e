import { expect, test } from 'vitest';
import { frameNumber, PAGE_SIZE } from '../../contract/address.ts';
import { PhysicalMemory } from '../../impl/physical-memory.ts';
import { SMALL_MACHINE } from './machine.ts';

const at = (memory: PhysicalMemory, frame: number, offset: number) =>
  (memory.wordsOf(memory.physical(frameNumber(frame))) * 4 + offset) as Parameters<PhysicalMemory['byte']>[0];

test('every managed and device frame starts out filled with the boot byte', () => {
  const memory = new PhysicalMemory(SMALL_MACHINE);
  expect(memory.contents(frameNumber(0))).toBe(0xa5);
  expect(memory.contents(frameNumber(SMALL_MACHINE.managedPages))).toBe(0xa5);
  expect(memory.byte(at(memory, 3, 77))).toBe(0xa5);
});

test('one written byte changes that byte alone', () => {
  const memory = new PhysicalMemory(SMALL_MACHINE);
  memory.fill(frameNumber(2), 0);
  memory.setByte(at(memory, 2, 4095), 9);
  expect(memory.byte(at(memory, 2, 4095))).toBe(9);
  expect(memory.byte(at(memory, 2, 4094))).toBe(0);
  expect(memory.byte(at(memory, 3, 0))).toBe(0xa5);
  expect(memory.byte(at(memory, 1, 4095))).toBe(0xa5);
});

test('a frame written back to one value shows as that value again', () => {
  const memory = new PhysicalMemory(SMALL_MACHINE);
  memory.setByte(at(memory, 2, 5), 1);
  expect(memory.contents(frameNumber(2))).toMatch(/^fnv:[0-9a-f]{8}$/);
  memory.setByte(at(memory, 2, 5), 0xa5);
  expect(memory.contents(frameNumber(2))).toBe(0xa5);
});

test('the hash of varied contents is FNV-1a over all 4096 bytes', () => {
  const memory = new PhysicalMemory(SMALL_MACHINE);
  memory.fill(frameNumber(0), 0);
  memory.setByte(at(memory, 0, 0), 32);
  let hash = 2166136261n;
  for (let i = 0; i < PAGE_SIZE; i++) hash = ((hash ^ (i === 0 ? 32n : 0n)) * 16777619n) % 2n ** 32n;
  expect(memory.contents(frameNumber(0))).toBe(`fnv:${hash.toString(16).padStart(8, '0')}`);
});

test('a copy carries varied and uniform contents alike, and then the frames are independent', () => {
  const memory = new PhysicalMemory(SMALL_MACHINE);
  memory.setByte(at(memory, 1, 10), 7);
  memory.copy(frameNumber(1), frameNumber(2));
  memory.setByte(at(memory, 1, 10), 8);
  expect(memory.byte(at(memory, 2, 10))).toBe(7);
  memory.copy(frameNumber(5), frameNumber(2));
  expect(memory.contents(frameNumber(2))).toBe(0xa5);
});

test('the image is a copy of all frames, from the directory on', () => {
  const memory = new PhysicalMemory(SMALL_MACHINE);
  const { firstFrame, bytes } = memory.image();
  expect(firstFrame).toBe(memory.directory);
  expect(bytes.length / PAGE_SIZE).toBe(
    memory.firstManaged - memory.directory + SMALL_MACHINE.managedPages + SMALL_MACHINE.deviceFrames,
  );
  const at = (memory.physical(frameNumber(0)) - firstFrame) * PAGE_SIZE;
  expect(bytes[at]).toBe(0xa5);
  memory.fill(frameNumber(0), 1);
  expect(bytes[at]).toBe(0xa5);
  expect(memory.image().bytes[at]).toBe(1);
});
