import fc from 'fast-check';
import { expect, test } from 'vitest';
import { objectOffset, PAGE_SIZE, pages, type VirtualAddress } from '../../contract/address.ts';
import { EntryTree } from '../../impl/entry-tree.ts';
import { VmMapEntry } from '../../impl/map-entry.ts';
import { auditMap } from '../../impl/self-check-maps.ts';
import { VmMap } from '../../impl/vm-map.ts';
import { at } from './machine.ts';

const LAST_PAGE = 40;

const entry = (from: number, to: number) => new VmMapEntry(at(from), at(to), null, objectOffset(0));

/** A tree that holds the given page ranges, inserted in the given order. */
function treeOf(...ranges: readonly (readonly [number, number])[]): EntryTree {
  const tree = new EntryTree(at(0), at(LAST_PAGE));
  for (const [from, to] of ranges) tree.insertAfter(tree.floor(at(from)), entry(from, to));
  return tree;
}

test('first fit ignores a gap one byte too small', () => {
  const tree = treeOf([0, 4], [6, 10], [13, 20]);
  expect(tree.firstFit(at(0), pages(2))).toBe(at(4));
  expect(tree.firstFit(at(0), (pages(2) + 1) as ReturnType<typeof pages>)).toBe(at(10));
});

test('first fit starts inside a gap when the start lies there', () => {
  const tree = treeOf([0, 4], [10, 12]);
  expect(tree.firstFit(at(5), pages(3))).toBe(at(5));
  expect(tree.firstFit(at(8), pages(3))).toBe(at(12));
});

test('first fit finds the gap in front of the first entry and the one behind the last', () => {
  const tree = treeOf([3, 5], [5, 38]);
  expect(tree.firstFit(at(0), pages(3))).toBe(at(0));
  expect(tree.firstFit(at(1), pages(3))).toBeUndefined();
  expect(tree.firstFit(at(1), pages(2))).toBe(at(1));
  expect(tree.firstFit(at(4), pages(2))).toBe(at(38));
});

test('an empty tree offers everything from the start on', () => {
  expect(treeOf().firstFit(at(7), pages(LAST_PAGE - 7))).toBe(at(7));
  expect(treeOf().firstFit(at(8), pages(LAST_PAGE - 7))).toBeUndefined();
});

test('the first byte of an entry is in it, the byte at its end is not', () => {
  const tree = treeOf([4, 6]);
  expect(tree.containing(at(4))).toBe(tree.first);
  expect(tree.containing((at(6) - 1) as VirtualAddress)).toBe(tree.first);
  expect(tree.containing(at(6))).toBeNull();
  expect(tree.floor(at(3))).toBeNull();
  expect(tree.atOrAbove(at(3))).toBe(tree.first);
  expect(tree.atOrAbove(at(6))).toBeNull();
});

interface NaiveEntry {
  from: number;
  to: number;
}

/** One random change of a tree: insert at a page if free, remove, split or grow whatever is there. */
const change = fc.record(
  {
    kind: fc.constantFrom('insert', 'insert', 'remove', 'split', 'grow', 'absorb'),
    page: fc.integer({ min: 0, max: LAST_PAGE - 1 }),
    length: fc.integer({ min: 1, max: 5 }),
  },
  { noNullPrototype: true },
);

const naiveFirstFit = (list: readonly NaiveEntry[], start: number, length: number): number | undefined => {
  for (let page = start; page + length <= LAST_PAGE; page++)
    if (list.every(({ from, to }) => to <= page || from >= page + length)) return page;
  return undefined;
};

const pageOf = (va: VirtualAddress | undefined) => (va === undefined ? undefined : (va - at(0)) / PAGE_SIZE);

/** Applies one change to the tree and to a plain sorted list alike. */
function applyChange(
  tree: EntryTree,
  list: NaiveEntry[],
  { kind, page, length }: { kind: string; page: number; length: number },
): void {
  const node = tree.containing(at(page));
  const index = list.findIndex(({ from, to }) => from <= page && page < to);
  const naive = list[index];
  const free = Math.min(
    LAST_PAGE,
    ...list.filter(({ from }) => from >= (naive?.to ?? page)).map(({ from }) => from),
  );
  if (node === null || naive === undefined) {
    const to = Math.min(page + length, free);
    if (kind !== 'insert') return;
    tree.insertAfter(tree.floor(at(page)), entry(page, to));
    list.push({ from: page, to });
  } else if (kind === 'remove') {
    tree.remove(node);
    list.splice(index, 1);
  } else if (kind === 'split' && naive.from < page) {
    tree.split(node, entry(page, naive.to));
    list.push({ from: page, to: naive.to });
    naive.to = page;
  } else if (kind === 'grow') {
    naive.to = Math.min(naive.to + length, free);
    tree.grow(node, at(naive.to));
  } else if (kind === 'absorb' && node.next !== null && node.next.start === node.end) {
    const nextIndex = list.findIndex(({ from }) => from === naive.to);
    naive.to = list[nextIndex]?.to ?? naive.to;
    list.splice(nextIndex, 1);
    tree.absorbNext(node, node.next);
  }
  list.sort((a, b) => a.from - b.from);
}

test('after any changes the tree is sound and searches like a plain list', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const map = new VmMap('m', { min: at(0), max: at(LAST_PAGE), pageable: true, fromPool: false });
      const list: NaiveEntry[] = [];
      for (const one of changes) {
        applyChange(map.entries, list, one);
        const start = one.page;
        expect(pageOf(map.entries.firstFit(at(start), pages(one.length)))).toBe(
          naiveFirstFit(list, start, one.length),
        );
      }
      expect(auditMap(map)).toEqual([]);
      const listed = [];
      for (let node = map.entries.first; node !== null; node = node.next)
        listed.push({ from: pageOf(node.start), to: pageOf(node.end) });
      expect(listed).toEqual(list);
    }),
    { numRuns: 300 },
  );
});

test('ten thousand ascending insertions leave a tree of logarithmic depth', () => {
  const tree = new EntryTree(at(0), at(60_000));
  for (let i = 0; i < 10_000; i++) tree.insertAfter(tree.last, entry(2 * i, 2 * i + 1));
  const depth = (node: VmMapEntry | null): number =>
    node === null ? 0 : 1 + Math.max(depth(node.left), depth(node.right));
  expect(depth(tree.root)).toBeLessThan(50);
});
