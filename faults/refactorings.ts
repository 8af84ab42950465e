/**
 * Refactorings of `impl/` that change nothing: a comparison with the kernel before them must not tell of any (slips.ts has
 * those of which it must).
 */
import type { FaultPatch } from './patch.ts';

type Change = Pick<FaultPatch, 'name' | 'file' | 'find' | 'replace' | 'also'>;

const refactoring = (change: Change): FaultPatch => ({
  ...change,
  source: 'a refactoring that changes nothing',
  caughtBy: [],
});

/** Nothing is to be found in these. */
export const REFACTORINGS: readonly FaultPatch[] = [
  refactoring({
    name: 'function-renamed',
    file: 'impl/transitions.ts',
    find: 'start === end && clipsAt(map, start)',
    replace: 'start === end && wouldSplit(map, start)',
    also: [
      {
        file: 'impl/transitions.ts',
        find: 'function clipsAt(map: VmMap, at: VirtualAddress)',
        replace: 'function wouldSplit(map: VmMap, at: VirtualAddress)',
      },
    ],
  }),
  refactoring({
    name: 'sorted-array-for-the-treap',
    file: 'impl/entry-tree.ts',
    find: `    let best: VmMapEntry | null = null;
    let node = this.root;
    while (node !== null) {
      if (node.start <= address) {
        best = node;
        node = node.right;
      } else {
        node = node.left;
      }
    }
    return best;`,
    replace: `    const sorted = this.#inOrder();
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    return sorted[low - 1] ?? null;
  }

  #inOrder(): VmMapEntry[] {
    if (this.#sorted === null) {
      this.#sorted = [];
      for (let entry = this.first; entry !== null; entry = entry.next) this.#sorted.push(entry);
    }
    return this.#sorted;`,
    also: [
      {
        file: 'impl/entry-tree.ts',
        find: '  #random = PRIORITY_SEED | 0;',
        replace: '  #random = PRIORITY_SEED | 0;\n  #sorted: VmMapEntry[] | null = null;',
      },
      {
        file: 'impl/entry-tree.ts',
        find: '    this.count++;\n',
        replace: '    this.count++;\n    this.#sorted = null;\n',
      },
      {
        file: 'impl/entry-tree.ts',
        find: '    this.count--;\n',
        replace: '    this.count--;\n    this.#sorted = null;\n',
      },
      {
        file: 'impl/entry-tree.ts',
        find: '    const fit = nextWithGap(above, length);',
        replace:
          '    const fit = this.#inOrder().find((entry) => entry.start > above.start && entry.gap >= length) ?? null;',
      },
    ],
  }),
  refactoring({
    name: 'tree-never-rotated',
    file: 'impl/entry-tree.ts',
    find: 'while (entry.parent !== null && entry.parent.priority < entry.priority)\n      this.#rotateUp(entry, entry.parent);',
    replace: 'refreshFrom(entry);',
  }),
  refactoring({
    name: 'queues-as-arrays',
    file: 'impl/vm-page.ts',
    find: "import { PageQueues, QUEUE, type Queue } from './page-queues.ts';",
    replace: `import { QUEUE, type Queue } from './page-queues.ts';

class PageQueues {
  readonly #lists: FrameNumber[][] = [[], [], [], []];
  queueOf(page: FrameNumber): Queue {
    const at = this.#lists.findIndex((list) => list.includes(page));
    return (at < 0 ? QUEUE.none : at) as Queue;
  }
  count(queue: Queue): number {
    return this.#lists[queue]!.length;
  }
  head(queue: Queue): FrameNumber | undefined {
    return this.#lists[queue]![0];
  }
  append(queue: Queue, page: FrameNumber): void {
    this.#lists[queue]!.push(page);
  }
  remove(page: FrameNumber): void {
    const list = this.#lists[this.queueOf(page)]!;
    list.splice(list.indexOf(page), 1);
  }
  *pages(queue: Queue) {
    yield* this.#lists[queue]!;
  }
  list(queue: Queue): FrameNumber[] {
    return [...this.#lists[queue]!];
  }
  *backwards(queue: Queue) {
    yield* this.#lists[queue]!.toReversed();
  }
}`,
  }),
  refactoring({
    name: 'reverse-map-of-sets',
    file: 'impl/pv-table.ts',
    find: '    this.#next[record] = second;\n    this.#previous[record] = END;\n    if (second !== END) this.#previous[second] = record;\n    this.#first[frame] = record;\n',
    replace: `    let last = second;
    while (last !== END && this.#next[last] !== END) last = this.#next[last] as number;
    this.#next[record] = END;
    this.#previous[record] = last;
    if (last === END) this.#first[frame] = record;
    else this.#next[last] = record;
`,
  }),
  refactoring({
    name: 'page-index-hashes-otherwise',
    file: 'impl/page-index.ts',
    find: '((Math.imul(offset / PAGE_SIZE, OFFSET_FACTOR) ^ Math.imul(serial, OBJECT_FACTOR)) >>> 0) >>>\n      this.#shift',
    replace: '((offset / PAGE_SIZE + 31 * serial) * 4) % this.#bucket.length >>> 0',
    also: [
      {
        file: 'impl/page-index.ts',
        find: '  #hash(serial: number, offset: number): number {',
        replace:
          '  #hash(given: number, offset: number): number {\n    const serial = given < 0 ? 7 - given : given;',
      },
    ],
  }),
  refactoring({
    name: 'sleepers-found-among-all-tasks',
    file: 'impl/sched.ts',
    find: `    const tasks = this.#sleepers.get(event);
    if (tasks === undefined) return;
    this.#sleepers.delete(event);
    for (const task of tasks) {`,
    replace: `    const tasks = [...this.#tasks.values()].filter((task) => !task.runnable && task.event === event);
    if (tasks.length === 0) return;
    for (const task of tasks) {`,
  }),
  refactoring({
    name: 'pages-of-a-range-by-walking',
    file: 'impl/vm-object.ts',
    find: 'if (length / PAGE_SIZE > object.residentCount) {',
    replace: 'if (length >= 0) {',
  }),
  refactoring({
    name: 'protection-checked-by-recursion',
    file: 'impl/vm-map-attributes.ts',
    find: `  let covered: number = start;
  while (covered < end) {
    if (entry === null || entry.start > covered) return false;
    if (!permits(entry.submap === null ? entry.protection : VM_PROT_ALL, protection)) return false;
    covered = entry.end;
    entry = entry.next;
  }
  return true;`,
    replace: `  const covers = (from: number, at: typeof entry): boolean => {
    if (from >= end) return true;
    if (at === null || at.start > from) return false;
    const rights = at.submap === null ? at.protection : VM_PROT_ALL;
    return permits(rights, protection) && covers(at.end, at.next);
  };
  entry = entry ?? null;
  return covers(start, entry);`,
  }),
  refactoring({
    name: 'nowait-pages-entered-at-once',
    file: 'impl/vm-kern.ts',
    find: '    pages.clearFlag(page, PAGE_FLAG.busy);\n  }\n  const entry = map.entries.containing(start);',
    replace:
      '    pages.clearFlag(page, PAGE_FLAG.busy);\n    pmap.kenter(advance(start, at), page);\n  }\n  const entry = map.entries.containing(start);',
    also: [
      {
        file: 'impl/vm-kern.ts',
        find: `  for (let at = 0; at < length; at += PAGE_SIZE) {
    const page = pages.lookup(kmemObject, advanceOffset(offset, at));
    if (page !== undefined) pmap.kenter(advance(start, at), page);
  }
`,
        replace: '',
      },
    ],
  }),
];
