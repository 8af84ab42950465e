import { expect, test } from 'vitest';
import { address, bytes, frameNumber, objectOffset, pages } from '../../contract/address.ts';
import { OPERATION_KINDS, type Operation } from '../../contract/operation.ts';
import type { CellName, Snapshot } from '../../contract/snapshot.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import {
  addressAt,
  alloc,
  allocPageable,
  allocWait,
  at,
  bench,
  free,
  insert,
  malloc,
  pagedaemon,
  resume,
  SMALL,
  suballoc,
} from './bench-machine.ts';

test('CONV-4: after a panic every operation is answered by it and changes nothing', () => {
  const { run, step, kernel } = bench();
  const text = 'kern_malloc_alloc: map != {kmem,mb}_map';
  expect(run(malloc(1, false, 'kernel'))).toEqual({ kind: 'panic', text });
  const before = kernel.snapshot({ contents: true });
  expect(step(alloc(1))).toEqual({ outcome: { kind: 'panic', text } });
  expect(step(resume(1))).toEqual({ outcome: { kind: 'panic', text } });
  expect(kernel.snapshot({ contents: true })).toEqual(before);
});

test('CONV-4: every operation on a map that does not exist is rejected', () => {
  const { run, kernel } = bench();
  const before = kernel.snapshot({ contents: true });
  const range = { map: 'ghost', start: at(0), end: at(1) };
  const ghosts: Operation[] = [
    alloc(1, 'ghost'),
    allocPageable(1, 'ghost'),
    allocWait(1, 'ghost'),
    malloc(1, true, 'ghost'),
    free(0, 1, 'ghost'),
    { kind: 'kmem_free_wakeup', map: 'ghost', address: at(0), size: bytes(1) },
    suballoc('sub', 1, 'ghost'),
    { kind: 'vm_map_deallocate', map: 'ghost' },
    insert(0, 1, 'anon', 'ghost'),
    { kind: 'vm_map_findspace', map: 'ghost', start: at(0), length: bytes(1) },
    {
      kind: 'vm_map_find',
      map: 'ghost',
      object: 'anon',
      offset: objectOffset(0),
      address: at(0),
      length: bytes(1),
      findSpace: true,
    },
    { kind: 'vm_map_lookup_entry', map: 'ghost', address: at(0) },
    { kind: 'vm_map_submap', ...range, submap: 'kernel' },
    { kind: 'vm_map_protect', ...range, protection: 1, setMax: false },
    { kind: 'vm_map_inherit', ...range, inheritance: 1 },
    { kind: 'vm_map_pageable', ...range, pageable: true },
    { kind: 'vm_map_remove', ...range },
    { kind: 'vm_map_delete', ...range },
    { kind: 'vm_map_check_protection', ...range, protection: 1 },
    { kind: 'vm_map_simplify', map: 'ghost', start: at(0) },
    { kind: 'vm_page_deactivate', map: 'ghost', address: at(0) },
    { kind: 'vm_fault', map: 'ghost', address: at(0), protection: 1 },
    { kind: 'checked_read', map: 'ghost', address: at(0) },
    { kind: 'checked_write', map: 'ghost', address: at(0), byte: 1 },
  ];
  for (const ghost of ghosts) expect(run(ghost)).toEqual({ kind: 'rejected', rule: 'CONV-4' });
  expect(kernel.snapshot({ contents: true })).toEqual(before);
});

test('CONV-5: an allocation that fails leaves the whole state as it was', () => {
  const { run, kernel } = bench();
  run(insert(0, 60));
  const before = kernel.snapshot({ contents: true });
  run(alloc(5));
  run(allocPageable(5));
  run(insert(59, 61, 'kernel'));
  expect(kernel.snapshot({ contents: true })).toEqual(before);
});

test('CONV-6, CONV-7: the same operations give the same machine, frame by frame', () => {
  const life = () => {
    const { run, kernel } = bench();
    run(alloc(3));
    run(free(1, 1));
    run(alloc(2));
    return kernel.snapshot({ contents: true });
  };
  expect(life()).toEqual(life());
});

test('CONV-1, CONV-2, CONV-3: the last byte of the address space belongs to no map and can be asked for', () => {
  const { run } = bench();
  expect(run({ kind: 'vm_map_lookup_entry', map: 'kernel', address: address(0xffff_ffff) })).toEqual({
    kind: 'entry',
    found: false,
    start: null,
  });
  expect(
    run({ kind: 'kmem_free', map: 'kernel', address: address(0xffff_ffff), size: bytes(0xffff_ffff) }),
  ).toEqual({
    kind: 'done',
  });
});

test('it declares every operation and everything shown', () => {
  expect(referenceKernel.declares.operations).toEqual(OPERATION_KINDS);
  expect(referenceKernel.boot(SMALL).rules.get('BOOT-5')).toBe(1);
});

test('two machines share nothing', () => {
  const one = referenceKernel.boot(SMALL);
  const other = referenceKernel.boot(SMALL);
  one.apply(alloc(2), 1);
  expect(other.cell('counters').free).toBe(12);
});

test('rules are counted as they are exercised', () => {
  const { run, kernel } = bench();
  run(alloc(2));
  expect(kernel.rules.get('KM-ALLOC-1')).toBe(1);
  expect(kernel.rules.get('KM-ALLOC-3')).toBe(2);
  expect(kernel.rules.get('KM-WAKE-1')).toBeUndefined();
});

test('a legal placement is followed, an illegal one is ignored, and none is obeyed', () => {
  const { kernel } = bench();
  expect(kernel.applyPlaced(alloc(2), 1, { kind: 'address', address: at(10) }).outcome).toEqual(
    addressAt(10),
  );
  expect(kernel.applyPlaced(allocPageable(2), 2, { kind: 'address', address: at(11) }).outcome).toEqual(
    addressAt(0),
  );
  expect(
    kernel.applyPlaced(allocPageable(1), 3, { kind: 'address', address: address(at(20) + 1) }).outcome,
  ).toEqual(addressAt(2));
  expect(kernel.applyPlaced(allocPageable(1), 4, { kind: 'address', address: at(64) }).outcome).toEqual(
    addressAt(3),
  );
  expect(kernel.applyPlaced(allocPageable(1), 5, { kind: 'none' }).outcome).toEqual({ kind: 'none' });
  const submap = { kind: 'submap', map: 's', min: at(40), max: at(44) } as const;
  expect(kernel.applyPlaced(suballoc('s', 4), 6, submap).outcome).toEqual(submap);
  expect(kernel.apply(allocPageable(1), 7).outcome).toEqual(addressAt(4));
});

test('a candidate’s choice is followed in vm_map_find and obeyed where it finds no space', () => {
  const { kernel } = bench();
  const find: Operation = {
    kind: 'vm_map_find',
    map: 'kernel',
    object: 'null',
    offset: objectOffset(0),
    address: at(4),
    length: pages(2),
    findSpace: true,
  };
  const chosen = { kind: 'kern', code: 0, address: at(9) } as const;
  expect(kernel.applyPlaced(find, 1, chosen).outcome).toEqual(chosen);
  expect(kernel.applyPlaced(find, 2, { ...chosen, address: at(3) }).outcome).toEqual({
    ...chosen,
    address: at(4),
  });
  expect(kernel.applyPlaced(find, 3, { kind: 'kern', code: 3 }).outcome).toEqual({ kind: 'kern', code: 3 });
});

test('a candidate that goes to sleep or panics for want of room is followed there', () => {
  const { kernel } = bench();
  kernel.apply(suballoc('kmem', 4), 1);
  const asleep = { kind: 'sleep', event: 'map:kmem' } as const;
  expect(kernel.applyPlaced(allocWait(1, 'kmem'), 2, asleep).outcome).toEqual(asleep);
  const full = { kind: 'panic', text: 'kmem_malloc: map too small' } as const;
  expect(kernel.applyPlaced(malloc(1, true), 3, full).outcome).toEqual(full);
});

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
