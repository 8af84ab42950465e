import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameNumber, objectOffset, PAGE_SIZE } from '../../contract/address.ts';
import { PageIndex } from '../../impl/page-index.ts';
import { PageQueues, QUEUE, type Queue } from '../../impl/page-queues.ts';
import { PvTable } from '../../impl/pv-table.ts';
import { at } from './machine.ts';

const PAGES = 12;
const page = fc.integer({ min: 0, max: PAGES - 1 }).map(frameNumber);
const plain = { noNullPrototype: true } as const;

test('queues behave like arrays, in both directions, under any moves', () => {
  const move = fc.record(
    { page, queue: fc.constantFrom<Queue>(QUEUE.free, QUEUE.active, QUEUE.inactive) },
    plain,
  );
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80 }), (moves) => {
      const queues = new PageQueues(PAGES);
      const expected: Record<Queue, number[]> = { 0: [], 1: [], 2: [], 3: [] };
      for (const { page: moved, queue } of moves) {
        const old = queues.queueOf(moved);
        if (old !== QUEUE.none) {
          queues.remove(moved);
          expected[old] = expected[old].filter((member) => member !== moved);
        }
        if (old === queue) continue;
        queues.append(queue, moved);
        expected[queue].push(moved);
      }
      for (const queue of [QUEUE.free, QUEUE.active, QUEUE.inactive]) {
        expect([...queues.pages(queue)]).toEqual(expected[queue]);
        expect([...queues.backwards(queue)].reverse()).toEqual(expected[queue]);
        expect(queues.count(queue)).toBe(expected[queue].length);
        expect(queues.head(queue)).toBe(expected[queue][0]);
      }
    }),
  );
});

test('pv lists behave like sets of addresses, each frame its own, beyond their first capacity', () => {
  const flip = fc.record({ page, slot: fc.integer({ min: 0, max: 30 }) }, plain);
  fc.assert(
    fc.property(fc.array(flip, { maxLength: 300 }), (flips) => {
      const pv = new PvTable(PAGES);
      const expected = Array.from({ length: PAGES }, () => new Set<number>());
      for (const { page: frame, slot } of flips) {
        const known = expected[frame];
        const older = expected.findIndex((addresses) => addresses.has(at(slot)));
        // A place maps one frame: what is there gives way.
        if (older >= 0) {
          pv.remove(frameNumber(older), at(slot));
          expected[older]?.delete(at(slot));
        }
        if (older === frame) continue;
        pv.add(frame, at(slot));
        known?.add(at(slot));
      }
      for (const [frame, addresses] of expected.entries()) {
        expect(new Set(pv.addresses(frameNumber(frame)))).toEqual(addresses);
      }
    }),
  );
});

test('removing a pv record that is not there changes nothing', () => {
  const pv = new PvTable(PAGES);
  pv.remove(frameNumber(3), at(1));
  expect(pv.addresses(frameNumber(3))).toEqual([]);
  pv.add(frameNumber(3), at(2));
  pv.remove(frameNumber(3), at(1));
  pv.remove(frameNumber(4), at(2));
  expect(pv.addresses(frameNumber(3))).toEqual([at(2)]);
});

test('the page index finds every page under its own object and offset only', () => {
  const index = new PageIndex(64);
  for (let i = 0; i < 64; i++) index.insert(frameNumber(i), i % 5, objectOffset(i * PAGE_SIZE));
  for (let i = 0; i < 64; i++) {
    expect(index.lookup(i % 5, objectOffset(i * PAGE_SIZE))).toBe(i);
    expect(index.lookup(6, objectOffset(i * PAGE_SIZE))).toBeUndefined();
  }
  for (let i = 0; i < 64; i += 2) index.remove(frameNumber(i));
  for (let i = 0; i < 64; i++)
    expect(index.lookup(i % 5, objectOffset(i * PAGE_SIZE))).toBe(i % 2 === 0 ? undefined : i);
});

test('removing a page that the index does not hold is reported, not looped over', () => {
  const index = new PageIndex(4);
  expect(() => index.remove(frameNumber(2))).toThrow('page 2 is not in the index');
});
