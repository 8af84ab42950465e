import { expect, test } from 'vitest';
import { address, bytes, frameNumber, pages } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import type { CellName, Snapshot } from '../../contract/snapshot.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import {
  alloc,
  allocPageable,
  allocWait,
  at,
  insert,
  malloc,
  pagedaemon,
  resume,
  SMALL,
  suballoc,
} from './bench-machine.ts';

/** A fixed pseudo-random sequence of small numbers. */
function dice(seed: number): (sides: number) => number {
  let value = seed;
  return (sides) => {
    value = (Math.imul(value, 1103515245) + 12345) >>> 0;
    return Math.floor((value / 0x1_0000_0000) * sides);
  };
}

function randomOperation(roll: (sides: number) => number, last: number): Operation {
  const map = ['kernel', 'kernel', 'kmem', 'sub', 'extra'][roll(5)] ?? 'kernel';
  const start = at(roll(40));
  const end = at(roll(44));
  const size = pages(roll(5));
  const range = { map, start, end };
  const name = ['a', 'b'][roll(2)] ?? 'a';
  const user = { address: address((roll(3) << 22) + pages(roll(2))) };
  const rights = { protection: roll(8), wired: roll(2) === 0 };
  const choices: (() => Operation)[] = [
    () => alloc(roll(4), map),
    () => allocPageable(roll(6), map),
    () => allocWait(roll(6), map),
    () => malloc(roll(5), false),
    () => malloc(1, true),
    () => ({ kind: 'kmem_free', map, address: start, size }),
    () => ({ kind: 'kmem_free', map, address: start, size }),
    () => ({ kind: 'kmem_free_wakeup', map, address: start, size }),
    () => suballoc('sub', 6),
    () => ({ kind: 'vm_map_create', name: 'extra', min: at(30), max: at(40), pageable: true }),
    () => ({ kind: 'vm_map_submap', ...range, submap: 'extra' }),
    () => ({ kind: 'vm_map_deallocate', map }),
    () => insert(roll(40), roll(44), (['null', 'anon'] as const)[roll(2)] ?? 'null', map),
    () => ({ kind: 'vm_map_protect', ...range, protection: roll(8), setMax: roll(9) === 0 }),
    () => ({ kind: 'vm_map_inherit', ...range, inheritance: roll(3) }),
    () => ({ kind: 'vm_map_pageable', ...range, pageable: roll(2) === 0 }),
    () => ({ kind: 'vm_map_remove', ...range }),
    () => ({ kind: 'vm_map_delete', ...range }),
    () => ({ kind: 'vm_map_simplify', map, start }),
    () => ({ kind: 'vm_page_deactivate', map, address: start }),
    () => ({ kind: 'vm_fault', map, address: start, protection: roll(4) }),
    () => ({ kind: 'checked_write', map, address: start, byte: roll(256) }),
    () => ({ kind: 'cpu_write', address: address(start + 4090), bytes: [1, 2, 3, 4, 5, 6, 7, 8] }),
    () => ({ kind: 'cpu_read', address: start, length: 4 }),
    () => ({
      kind: 'pmap_enter',
      address: at(roll(4)),
      frame: frameNumber(roll(2)),
      protection: roll(8),
      wired: roll(2) === 0,
    }),
    () => ({ kind: 'pmap_create', name, size: bytes(0) }),
    () => ({ kind: 'pmap_destroy', pmap: name }),
    () => ({ kind: 'pmap_reference', pmap: roll(3) === 0 ? name : 'kernel' }),
    () => ({ kind: 'pmap_activate', pmap: roll(2) === 0 ? name : 'kernel' }),
    () => ({ kind: 'pmap_enter', pmap: name, ...user, frame: frameNumber(roll(2)), ...rights }),
    () => ({ kind: 'pmap_enter', pmap: name, ...user, frame: frameNumber(12), ...rights }),
    () => ({ kind: 'pmap_remove', pmap: name, start: address(0), end: user.address }),
    () => ({ kind: 'cpu_write', mode: 'user', address: user.address, bytes: [1] }),
    () => ({ kind: 'pmap_page_protect', frame: frameNumber(roll(14)), protection: roll(8) }),
    () => ({ kind: 'pmap_clear_modify', frame: frameNumber(roll(14)) }),
    () => pagedaemon,
    () => resume(1 + roll(last + 1)),
    () => resume(1 + roll(last + 1)),
  ];
  return (choices[roll(choices.length)] ?? (() => pagedaemon))();
}

/** Every cell that exists in a snapshot, by name. */
function cellsOf(shown: Snapshot): Map<CellName, unknown> {
  const { queues } = shown;
  return new Map<CellName, unknown>([
    ...shown.maps.map((map) => [`map:${map.name}`, map] as const),
    ...shown.objects.map((object) => [`object:${object.name}`, object] as const),
    ...shown.mappings.map((mapping) => [`mapping:${mapping.address}`, mapping] as const),
    ...shown.pv.map(({ frame, addresses }) => [`pv:${frame}`, addresses] as const),
    ['queue:free', queues.free],
    ['queue:active', queues.active],
    ['queue:inactive', queues.inactive],
    ['counters', shown.counters],
    ['pools', shown.pools],
    ['pmap:kernel', shown.pmap],
    ['spaces', shown.spaces],
    ['sched', shown.sched],
    ['transitions', shown.transitions],
  ]);
}

/** What cannot be in a state: frames that are nowhere or twice, page tables that are not where the mappings are. */
function contradictions({ objects, queues, spaces }: Snapshot): string[] {
  const frames = [...queues.free, ...objects.flatMap((object) => object.pages.map(({ frame }) => frame))];
  const wrong = new Set(frames).size === 12 && frames.length === 12 ? [] : ['a frame is lost or used twice'];
  for (const { name, tables, mappings } of spaces.pmaps) {
    const lines = new Set(mappings.map((mapping) => (mapping.address >>> 22) * 4096));
    const held = objects.find((object) => object.name === `pte:${name}`)?.pages ?? [];
    const offsets = new Set<number>(held.map(({ offset }) => offset));
    const sound =
      tables === lines.size && tables === offsets.size && [...lines].every((at) => offsets.has(at));
    if (!sound) wrong.push(`${name} has the wrong page tables`);
  }
  return wrong;
}

/** Cells that differ between two states. */
function changed(before: Map<CellName, unknown>, after: Map<CellName, unknown>): CellName[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.filter((name) => JSON.stringify(before.get(name)) !== JSON.stringify(after.get(name)));
}

test.each([1, 2, 3, 4, 5, 6])(
  'what changes is touched, cells agree with the snapshot, and page tables with mappings (walk %i)',
  (seed) => {
    const roll = dice(seed * 7919);
    let kernel = referenceKernel.boot({ ...SMALL, scratchPages: 2, kernelStart: at(4) });
    let before = cellsOf(kernel.snapshot({ contents: false }));
    let number = 0;
    const wrong: string[] = [];
    for (let round = 0; round < 700; round += 1) {
      if (number === 0) kernel.apply(suballoc('kmem', 6), ++number);
      const operation = randomOperation(roll, number);
      const { outcome } = kernel.apply(operation, ++number);
      if (outcome.kind === 'panic') {
        kernel = referenceKernel.boot({ ...SMALL, scratchPages: 2, kernelStart: at(4) });
        number = 0;
        kernel.apply(suballoc('kmem', 6), ++number);
        before = cellsOf(kernel.snapshot({ contents: false }));
        continue;
      }
      const snapshot = kernel.snapshot({ contents: false });
      wrong.push(...contradictions(snapshot));
      const after = cellsOf(snapshot);
      const touched = kernel.touched();
      const names = round > 0 ? changed(before, after) : [];
      const refused = outcome.kind === 'rejected' && operation.kind.startsWith('pmap');
      for (const name of names) {
        if (!touched.includes(name)) wrong.push(`${operation.kind} changed ${name}`);
        if (refused) wrong.push(`${operation.kind} was rejected and changed ${name}`);
      }
      for (const name of touched)
        if (JSON.stringify(kernel.cell(name)) !== JSON.stringify(after.get(name) ?? emptyCell(name)))
          wrong.push(`${name} differs from the snapshot`);
      before = after;
    }
    expect(wrong).toEqual([]);
  },
);

const emptyCell = (name: CellName): unknown => (name.startsWith('pv:') ? [] : null);
