/**
 * Changes to `impl/` that a comparison with the kernel before the change must tell of: changes of structure that no caller can
 * tell, and slips of refactoring that callers can. None of them belongs to the faulty kernels: those are held to the model,
 * these to the kernel that they were made from.
 */
import type { FaultPatch } from './patch.ts';

type Change = Pick<FaultPatch, 'name' | 'file' | 'find' | 'replace' | 'also'>;

const structural = (change: Change): FaultPatch => ({
  ...change,
  source: 'a change that no caller can tell',
  caughtBy: [],
});

const slip = (change: Change): FaultPatch => ({ ...change, source: 'a slip of refactoring', caughtBy: [] });

/** These differ, and no caller can tell. */
export const STRUCTURAL_CHANGES: readonly FaultPatch[] = [
  structural({
    name: 'newest-free-frame-first',
    file: 'impl/vm-page.ts',
    find: '    const page = this.queues.head(QUEUE.free);',
    replace:
      "    const page = object.name === 'scratch' ? this.queues.head(QUEUE.free) : this.queues.list(QUEUE.free).at(-1);",
  }),
  structural({
    name: 'active-pages-to-the-head',
    file: 'impl/page-queues.ts',
    find: '    const tail = this.#tail[queue] as number;\n    this.#queueOf[page] = queue;',
    replace: `    if (queue === QUEUE.active) {
      const head = this.#head[queue] as number;
      this.#queueOf[page] = queue;
      this.#next[page] = head;
      this.#previous[page] = END;
      if (head === END) this.#tail[queue] = page;
      else this.#previous[head] = page;
      this.#head[queue] = page;
      this.#count[queue] = this.count(queue) + 1;
      return;
    }
    const tail = this.#tail[queue] as number;
    this.#queueOf[page] = queue;`,
  }),
  structural({
    name: 'kernel-memory-keeps-its-splits',
    file: 'impl/vm-map.ts',
    find: '  if (previous === null || !continues(previous, entry)) return;',
    replace:
      '  if (previous === null || !continues(previous, entry)) return;\n  if (entry.object === kernel.kernelObject || entry.object === kernel.kmemObject) return;',
  }),
  structural({
    name: 'objects-numbered-from-two',
    file: 'impl/kernel.ts',
    find: '    anonymousObjects: 0,',
    replace: '    anonymousObjects: 1,',
  }),
  structural({
    name: 'boot-takes-an-entry-more',
    file: 'impl/kernel.ts',
    find: '    freeEntries: mapEntries,',
    replace: '    freeEntries: mapEntries === null ? null : mapEntries - 1,',
  }),
  structural({
    name: 'pages-in-front-of-their-object',
    file: 'impl/vm-page.ts',
    find: `    this.#previous[page] = last ?? END;
    this.#next[page] = END;
    if (last === undefined) object.firstPage = page;
    else this.#next[last] = page;
    object.lastPage = page;`,
    replace: `    const first = object.firstPage;
    this.#previous[page] = END;
    this.#next[page] = first ?? END;
    if (first === undefined) object.lastPage = page;
    else this.#previous[first] = page;
    object.firstPage = page;
    void last;`,
  }),
];

/** Callers can tell these. */
export const SLIPS: readonly FaultPatch[] = [
  slip({
    name: 'fit-must-leave-a-page',
    file: 'impl/entry-tree.ts',
    find: 'if (unwrappedEnd(candidate, length) <= above.start) return candidate;',
    replace: 'if (unwrappedEnd(candidate, length) < above.start) return candidate;',
  }),
  slip({
    name: 'wakes-one-sleeper',
    file: 'impl/sched.ts',
    find: '    for (const task of tasks) {\n      task.runnable = true;',
    replace: '    for (const task of tasks.slice(0, 1)) {\n      task.runnable = true;',
  }),
  slip({
    name: 'rights-unchecked-behind-the-first-entry',
    file: 'impl/vm-map-attributes.ts',
    find: '    if (!permits(entry.maxProtection, protection)) return KERN_PROTECTION_FAILURE;',
    replace:
      '    if (entry === first && !permits(entry.maxProtection, protection)) return KERN_PROTECTION_FAILURE;',
  }),
  slip({
    name: 'kernel-pages-not-zeroed-again',
    file: 'impl/vm-kern.ts',
    find: '  pages.zeroFill(page);\n  pages.clearFlag(page, PAGE_FLAG.busy);',
    replace:
      '  if (pages.hasFlag(page, PAGE_FLAG.busy)) pages.zeroFill(page);\n  pages.clearFlag(page, PAGE_FLAG.busy);',
  }),
  slip({
    name: 'clamp-forgets-the-minimum',
    file: 'impl/vm-map-attributes.ts',
    find: '  const lower = start < min ? min : start;',
    replace: '  const lower = start <= min + 4096 ? min : start;',
  }),
];
