import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes, frameNumber, objectOffset, PAGE_SIZE, type VirtualAddress } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import type { CellName, Snapshot } from '../../contract/snapshot.ts';
import { at, bootSmall } from './machine.ts';

const plain = { noNullPrototype: true } as const;
const map = fc.constantFrom('kernel', 'kernel', 'kmem', 's');
const page = fc.integer({ min: 8, max: 40 });
const va = page.map(at);
const size = fc.integer({ min: 1, max: 5 }).map((count) => bytes(count * PAGE_SIZE));
const frame = fc.integer({ min: 0, max: 25 }).map(frameNumber);
const protection = fc.constantFrom(0, 1, 3, 7, 7);
const range = fc.tuple(page, fc.integer({ min: 0, max: 4 })).map(([from, length]) => ({
  start: at(from),
  end: at(from + length),
}));
const flag = fc.boolean();
const byte = fc.integer({ min: 0, max: 255 });
const kind = <Kind extends string>(name: Kind) => fc.constant(name);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: kind('kmem_alloc'), map, size }, plain),
  fc.record({ kind: kind('kmem_alloc_pageable'), map, size }, plain),
  fc.record({ kind: kind('kmem_alloc_wait'), map, size }, plain),
  fc.record({ kind: kind('kmem_malloc'), map: kind('kmem'), size, canWait: flag }, plain),
  fc.record({ kind: kind('kmem_free'), map, address: va, size }, plain),
  fc.record({ kind: kind('kmem_free_wakeup'), map, address: va, size }, plain),
  fc.record(
    { kind: kind('cpu_write'), address: va, bytes: fc.array(byte, { minLength: 1, maxLength: 4 }) },
    plain,
  ),
  fc.record({ kind: kind('checked_write'), map, address: va, byte }, plain),
  fc.record({ kind: kind('vm_fault'), map, address: va, protection }, plain),
  fc.record({ kind: kind('vm_page_deactivate'), map, address: va }, plain),
  fc.record({ kind: kind('vm_map_simplify'), map, start: va }, plain),
  fc.record({ kind: kind('pmap_kenter'), address: va, frame }, plain),
  fc.record({ kind: kind('pmap_page_protect'), frame, protection }, plain),
  fc.record({ kind: kind('pmap_clear_modify'), frame }, plain),
  fc.record({ kind: kind('resume'), operation: fc.integer({ min: 1, max: 40 }) }, plain),
  kind('pagedaemon').map((name) => ({ kind: name })),
  fc.tuple(map, range, protection, flag).map(
    ([name, bounds, rights, setMax]): Operation => ({
      kind: 'vm_map_protect',
      map: name,
      ...bounds,
      protection: rights,
      setMax,
    }),
  ),
  fc.tuple(map, range, flag).map(
    ([name, bounds, pageable]): Operation => ({
      kind: 'vm_map_pageable',
      map: name,
      ...bounds,
      pageable,
    }),
  ),
  fc.tuple(map, range).map(([name, bounds]): Operation => ({ kind: 'vm_map_remove', map: name, ...bounds })),
  fc.tuple(map, range).map(
    ([name, bounds]): Operation => ({
      kind: 'vm_map_insert',
      map: name,
      object: 'anon',
      offset: objectOffset(0),
      ...bounds,
    }),
  ),
);

/** Every cell of a snapshot, as text. */
function cellsOf(snapshot: Snapshot): Map<CellName, string> {
  const cells = new Map<CellName, string>();
  const put = (name: CellName, value: unknown) => cells.set(name, JSON.stringify(value));
  for (const one of snapshot.maps) put(`map:${one.name}`, one);
  for (const one of snapshot.objects) put(`object:${one.name}`, one);
  for (const one of snapshot.mappings) put(`mapping:${one.address}`, one);
  for (const one of snapshot.pv) put(`pv:${one.frame}`, one.addresses);
  put('queue:free', snapshot.queues.free);
  put('queue:active', snapshot.queues.active);
  put('queue:inactive', snapshot.queues.inactive);
  put('counters', snapshot.counters);
  put('pools', snapshot.pools);
  put('pmap:kernel', snapshot.pmap);
  put('sched', snapshot.sched);
  put('transitions', snapshot.transitions);
  return cells;
}

const absent = (name: CellName) => (name.startsWith('pv:') ? '[]' : 'null');

test('after any operation, what changed was announced, cells equal the snapshot, and the audit is silent', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const machine = bootSmall({ managedPages: 18, mapEntries: 60 });
      for (const name of ['kmem', 's'])
        machine.run({
          kind: 'kmem_suballoc',
          name,
          parent: 'kernel',
          size: bytes(6 * PAGE_SIZE),
          pageable: true,
        });
      let before = cellsOf(machine.snapshot({ contents: false }));
      for (const one of operations) {
        if (machine.run(one).kind === 'panic') return;
        const after = cellsOf(machine.snapshot({ contents: false }));
        const announced = new Set(machine.touched());
        const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
          (name) => before.get(name) !== after.get(name),
        );
        expect(changed.filter((name) => !announced.has(name))).toEqual([]);
        for (const name of announced)
          expect(JSON.stringify(machine.cell(name))).toBe(after.get(name) ?? absent(name));
        expect(machine.audit()).toEqual([]);
        before = after;
      }
    }),
    { numRuns: 200 },
  );
});

test('cells of what does not exist are null, and device frames have no pv list', () => {
  const { cell } = bootSmall();
  expect(cell('map:nowhere')).toBeNull();
  expect(cell('object:anon1')).toBeNull();
  expect(cell(`mapping:${at(3)}`)).toBeNull();
  expect(cell(`mapping:${0x1000 as VirtualAddress}`)).toBeNull();
  expect(cell('pv:24')).toEqual([]);
});

test('two machines share nothing', () => {
  const [one, other] = [bootSmall(), bootSmall()];
  const before = other.snapshot({ contents: true });
  one.run({ kind: 'kmem_alloc', map: 'kernel', size: bytes(3 * PAGE_SIZE) });
  expect(other.snapshot({ contents: true })).toEqual(before);
});
