import { expect, test } from 'vitest';
import { address, bytes, objectOffset, pages } from '../../contract/address.ts';
import { OPERATION_KINDS, type Operation } from '../../contract/operation.ts';
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
