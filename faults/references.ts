/**
 * Faulty reference models: one-line slips in `model/`, which the golden traces alone must catch. They show that the
 * traces really bind the model.
 */
import type { FaultPatch } from './patch.ts';

export const FAULTY_REFERENCES: readonly FaultPatch[] = [
  {
    name: 'model-exact-hole-missed',
    source: 'vm_map_findspace: a hole of exactly the wanted length does not count',
    file: 'model/vm-map.ts',
    find: 'if (entry.start >= candidate + length) break;',
    replace: 'if (entry.start > candidate + length) break;',
    caughtBy: [],
  },
  {
    name: 'model-coalesces-wired',
    source: 'vm_map_insert: a wired predecessor grows',
    file: 'model/vm-map.ts',
    find: '    previous.wiredCount === 0;',
    replace: '    previous.wiredCount >= 0;',
    caughtBy: [],
  },
  {
    name: 'model-free-queue-is-a-stack',
    source: 'vm_page_free: last in, first out',
    file: 'model/vm-page.ts',
    find: '  state.queues.free.push(page.frame);',
    replace: '  state.queues.free.unshift(page.frame);',
    caughtBy: [],
  },
  {
    name: 'model-rolls-back-upwards',
    source: 'kmem_malloc(nowait): the pages of a failed request go back from the lowest offset up',
    file: 'model/vm-kern.ts',
    find: 'of pages.toReversed()) {',
    replace: 'of pages) {',
    caughtBy: [],
  },
  {
    name: 'model-coalesce-keeps-size',
    source: 'vm_object_coalesce: the object does not grow',
    file: 'model/vm-object.ts',
    find: 'Math.max(object.size, objectOffset(tail + more))',
    replace: 'object.size',
    caughtBy: [],
  },
  {
    name: 'model-clip-keeps-offset',
    source: 'vm_map_clip_start: the back half keeps the offset',
    file: 'model/vm-map-entry.ts',
    find: 'offset: offsetAt(entry, at)',
    replace: 'offset: entry.offset',
    caughtBy: [],
  },
  {
    name: 'model-simplify-across-wired-counts',
    source: 'vm_map_simplify: entries wired differently merge',
    file: 'model/vm-map-entry.ts',
    find: '  entry.wiredCount === next.wiredCount;\n',
    replace: '  entry.wiredCount >= 0;\n',
    caughtBy: [],
  },
  {
    name: 'model-hole-keeps-wired-counts',
    source: 'vm_map_pageable: a failed wiring leaves its counts raised',
    file: 'model/vm-map-range.ts',
    find: '    for (const undone of raised) undone.wiredCount -= 1;\n',
    replace: '',
    caughtBy: [],
  },
  {
    name: 'model-freed-frame-not-poisoned',
    source: 'vm_page_free: a freed frame keeps its bytes',
    file: 'model/vm-page.ts',
    find: '  fillFrame(state, page.frame, FREED_FILL);\n',
    replace: '',
    caughtBy: [],
  },
  {
    name: 'model-nowait-page-not-activated',
    source: 'vm_page_unwire: an unwired page joins no queue',
    file: 'model/vm-page.ts',
    find: "  if (page.wireCount === 0 && !queued) joinQueue(state, page, 'active');",
    replace: "  if (page.wireCount < 0 && !queued) joinQueue(state, page, 'active');",
    caughtBy: [],
  },
];
