import { expect, test } from 'vitest';
import { frameNumber, objectOffset, PAGE_SIZE, pages, type VirtualAddress } from '../../contract/address.ts';
import { done, kern, PANIC } from '../../contract/outcome.ts';
import { bootKernel } from '../../impl/kernel.ts';
import { KernelPanic } from '../../impl/panic.ts';
import { vmObjectAllocate, vmObjectDeallocate, vmObjectPageRemove } from '../../impl/vm-object.ts';
import { vmPageAlloc } from '../../impl/vm-page.ts';
import { at, bootSmall, SMALL_MACHINE } from './machine.ts';

type Machine = ReturnType<typeof bootSmall>;

const insert = ({ run }: Machine, from: number, to: number, object: 'null' | 'anon' = 'null') =>
  run({
    kind: 'vm_map_insert',
    map: 'kernel',
    object,
    offset: objectOffset(0),
    start: at(from),
    end: at(to),
  });
const protect = ({ run }: Machine, from: number, to: number, protection: number, setMax = false) =>
  run({ kind: 'vm_map_protect', map: 'kernel', start: at(from), end: at(to), protection, setMax });
const write = ({ run }: Machine, page: number) => run({ kind: 'cpu_write', address: at(page), bytes: [1] });
const entries = (machine: Machine) => machine.cell('map:kernel')?.entries ?? [];

test('inheritance changes exactly inside the range, and only to what exists', () => {
  const machine = bootSmall();
  insert(machine, 20, 24);
  const inherit = (inheritance: number) =>
    machine.run({ kind: 'vm_map_inherit', map: 'kernel', start: at(21), end: at(22), inheritance });
  expect(inherit(3)).toEqual(kern(4));
  expect(entries(machine)).toHaveLength(2);
  expect(inherit(2)).toEqual(kern(0));
  expect(entries(machine).map(({ inheritance }) => inheritance)).toEqual([1, 1, 2, 1]);
});

test('protection beyond the maximum is refused, but the clip at the start stays', () => {
  const machine = bootSmall();
  insert(machine, 20, 24);
  expect(protect(machine, 22, 24, 1, true)).toEqual(kern(0));
  expect(protect(machine, 21, 24, 3)).toEqual(kern(2));
  expect(entries(machine).map(({ start }) => start)).toEqual([at(0), at(20), at(21), at(22)]);
  expect(entries(machine).at(-1)).toMatchObject({ protection: 1, maxProtection: 1 });
});

test('unaligned bounds are refused unless the clamp hides them', () => {
  const machine = bootSmall();
  const crooked = (page: number) => (at(page) + 5) as VirtualAddress;
  const range = { map: 'kernel', start: crooked(20), end: at(22) };
  expect(machine.run({ kind: 'vm_map_remove', ...range })).toEqual(kern(4));
  expect(machine.run({ kind: 'vm_map_inherit', ...range, inheritance: 1 })).toEqual(kern(4));
  expect(machine.run({ kind: 'vm_map_pageable', ...range, pageable: true })).toEqual(kern(4));
  expect(machine.run({ kind: 'vm_map_pageable', ...range, pageable: false })).toEqual(kern(4));
  expect(machine.run({ kind: 'vm_map_protect', ...range, protection: 1, setMax: false })).toEqual(kern(4));
  expect(machine.run({ kind: 'vm_map_remove', map: 'kernel', start: at(60), end: crooked(70) })).toEqual(
    kern(0),
  );
});

test('an empty protect strictly inside an entry splits it, an empty wire does not', () => {
  const machine = bootSmall();
  insert(machine, 20, 24);
  machine.run({ kind: 'vm_map_pageable', map: 'kernel', start: at(22), end: at(22), pageable: false });
  expect(entries(machine)).toHaveLength(2);
  protect(machine, 22, 22, 1);
  expect(entries(machine)).toHaveLength(3);
});

test('an empty range waits for a wiring range only where it would split an entry', () => {
  const machine = bootSmall({ managedPages: 9 });
  insert(machine, 20, 24);
  machine.run({ kind: 'vm_map_pageable', map: 'kernel', start: at(20), end: at(24), pageable: false });
  const remove = (page: number) =>
    machine.run({ kind: 'vm_map_remove', map: 'kernel', start: at(page), end: at(page) });
  expect(remove(20)).toEqual(kern(0));
  expect(remove(24)).toEqual(kern(0));
  expect(remove(22)).toEqual({ kind: 'sleep', event: 'trans:kernel' });
});

test('deletion with the lock held clips, skips holes and drops what it meets', () => {
  const machine = bootSmall();
  insert(machine, 20, 24);
  insert(machine, 26, 28);
  expect(machine.run({ kind: 'vm_map_delete', map: 'kernel', start: at(22), end: at(27) })).toEqual(kern(0));
  expect(entries(machine).slice(1)).toMatchObject([
    { start: at(20), end: at(22) },
    { start: at(27), end: at(28) },
  ]);
  expect(machine.cell('map:kernel')?.size).toBe(pages(16 + 3));
});

test('unwiring refuses holes and unwired entries, and nests with wiring', () => {
  const machine = bootSmall();
  const pageable = (from: number, to: number, value: boolean) =>
    machine.run({ kind: 'vm_map_pageable', map: 'kernel', start: at(from), end: at(to), pageable: value });
  insert(machine, 20, 22);
  expect(pageable(19, 22, true)).toEqual(kern(1));
  expect(pageable(19, 22, false)).toEqual(kern(1));
  expect(pageable(20, 22, true)).toEqual(kern(4));
  pageable(20, 22, false);
  pageable(20, 22, false);
  expect(pageable(20, 23, true)).toEqual(kern(4));
  expect(pageable(20, 22, true)).toEqual(kern(0));
  expect(machine.cell('counters').wired).toBe(10);
  expect(pageable(20, 22, true)).toEqual(kern(0));
  expect(machine.cell('counters')).toMatchObject({ wired: 8, active: 2 });
});

test('wiring over a submap is refused before anything is clipped', () => {
  const machine = bootSmall();
  machine.run({ kind: 'kmem_suballoc', name: 's', parent: 'kernel', size: pages(2), pageable: true });
  insert(machine, 18, 20);
  const wire = {
    kind: 'vm_map_pageable',
    map: 'kernel',
    start: at(15),
    end: at(19),
    pageable: false,
  } as const;
  expect(machine.run(wire)).toEqual(kern(4));
  expect(protect(machine, 17, 19, 1)).toEqual(kern(4));
  expect(entries(machine).map(({ start }) => start)).toEqual([at(0), at(16), at(17), at(18)]);
  expect(machine.cell('map:s')?.references).toBe(3);
});

test('a null insertion behind an anonymous range extends its object and drops stale pages', () => {
  const machine = bootSmall();
  insert(machine, 20, 22, 'anon');
  write(machine, 20);
  write(machine, 21);
  machine.run({ kind: 'vm_map_remove', map: 'kernel', start: at(21), end: at(22) });
  expect(machine.cell('object:anon1')?.pages).toHaveLength(2);
  insert(machine, 21, 25);
  expect(machine.cell('object:anon1')).toMatchObject({ size: pages(5), pages: [{ offset: 0 }] });
  expect(machine.run({ kind: 'checked_read', map: 'kernel', address: at(21) })).toMatchObject({ bytes: [0] });
});

test('a null insertion does not extend a shared object', () => {
  const machine = bootSmall();
  insert(machine, 20, 22, 'anon');
  protect(machine, 21, 21, 7);
  insert(machine, 22, 23);
  expect(entries(machine)).toHaveLength(4);
});

test('merging needs a seamless continuation', () => {
  const machine = bootSmall();
  insert(machine, 20, 24);
  write(machine, 20);
  protect(machine, 22, 24, 3);
  const simplify = (page: number) => machine.run({ kind: 'vm_map_simplify', map: 'kernel', start: at(page) });
  for (const page of [20, 22, 23, 30]) expect(simplify(page)).toEqual(done);
  expect(entries(machine)).toHaveLength(3);
  protect(machine, 22, 24, 7);
  simplify(22);
  expect(entries(machine)).toHaveLength(2);
  expect(machine.cell('object:anon1')?.references).toBe(1);
});

/** A kernel with one anonymous object whose pages were inserted in the order of `offsets` (in pages). */
function objectWithPages(...offsets: readonly number[]) {
  const kernel = bootKernel(SMALL_MACHINE);
  const object = vmObjectAllocate(kernel, pages(16));
  for (const offset of offsets) vmPageAlloc(kernel, object, objectOffset(offset * PAGE_SIZE));
  const freed = () =>
    [...kernel.pages.queues.pages(1)].slice(SMALL_MACHINE.managedPages - 8 - offsets.length);
  return { kernel, object, freed };
}

test.each([
  ['few offsets, by probing', 3],
  ['more offsets than pages, along the list', 16],
])('pages leave an object in the order they entered it: %s', (_, count) => {
  const { kernel, object, freed } = objectWithPages(2, 0, 1, 9);
  vmObjectPageRemove(kernel, object, objectOffset(0), count * PAGE_SIZE);
  expect(freed()).toEqual(count === 3 ? [8, 9, 10] : [8, 9, 10, 11]);
});

test('a range of offsets may wrap around 2^32', () => {
  const { kernel, object, freed } = objectWithPages(0xf_ffff, 0, 5);
  vmObjectPageRemove(kernel, object, objectOffset(-PAGE_SIZE), 2 * PAGE_SIZE);
  expect(freed()).toEqual([8, 9]);
});

test('the last reference frees the pages in insertion order and the object is gone', () => {
  const { kernel, object, freed } = objectWithPages(4, 2, 3);
  vmObjectDeallocate(kernel, object);
  expect(freed()).toEqual([8, 9, 10]);
  expect(kernel.objects.has(object.name)).toBe(false);
});

test('a page cannot be inserted twice, nor activated twice, nor freed without an object', () => {
  const { kernel, object } = objectWithPages(0);
  const page = frameNumber(8);
  const caught = (act: () => void) => {
    try {
      act();
    } catch (stop) {
      return stop instanceof KernelPanic ? stop.text : stop;
    }
    return undefined;
  };
  expect(caught(() => kernel.pages.insert(page, object, objectOffset(PAGE_SIZE)))).toBe(
    PANIC.pageAlreadyInserted,
  );
  kernel.pages.activate(page);
  expect(caught(() => kernel.pages.activate(page))).toBe(PANIC.pageAlreadyActive);
  expect(caught(() => kernel.pages.free(frameNumber(20)))).toBeInstanceOf(Error);
});
