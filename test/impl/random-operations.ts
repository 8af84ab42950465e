/** Random operations on the small machine, and what can be seen of it cell by cell. */
import fc from 'fast-check';
import { address, bytes, frameNumber, objectOffset, PAGE_SIZE, PDE_SPAN } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import type { CellName, Snapshot } from '../../contract/snapshot.ts';
import { at } from './machine.ts';

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

/** Operations on kernel memory alone; up to 40 of them belong together. */
export const operation: fc.Arbitrary<Operation> = fc.oneof(
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

const pmap = fc.constantFrom('a', 'a', 'b', 'kernel');
const name = fc.constantFrom('a', 'b');
/** Few pages in few 4 MiB lines, so that page tables come and go. */
const userPage = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }));
const userVa = userPage.map(([line, index]) => address(line * PDE_SPAN + index * PAGE_SIZE));
const anyVa = fc.oneof(userVa, userVa, va);
const anyRange = fc
  .tuple(anyVa, fc.constantFrom(0, PAGE_SIZE, 2 * PAGE_SIZE, 2 * PDE_SPAN))
  .map(([start, length]) => ({ start, end: address(start + length) }));
const ownFrame = fc.constantFrom(...[0, 1, 2, 18, 24].map(frameNumber));
const access = fc.tuple(anyVa, fc.constantFrom(0, PAGE_SIZE - 2), flag).map(([from, offset, user]) => ({
  address: address(from + offset),
  ...(user ? { mode: 'user' as const } : {}),
}));

/** Operations on several pmaps and on the TLB. */
export const userOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: kind('pmap_create'), name, size: fc.constant(bytes(0)) }, plain),
  fc.record({ kind: kind('pmap_pinit'), name }, plain),
  fc.record({ kind: kind('pmap_activate'), pmap }, plain),
  fc.record({ kind: kind('pmap_reference'), pmap }, plain),
  fc.record({ kind: kind('pmap_destroy'), pmap }, plain),
  fc.record({ kind: kind('pmap_release'), pmap }, plain),
  fc.record({ kind: kind('pmap_enter'), pmap, address: va, frame: ownFrame, protection, wired: flag }, plain),
  fc.record(
    { kind: kind('pmap_enter'), pmap: name, address: userVa, frame: ownFrame, protection, wired: flag },
    plain,
  ),
  fc.record({ kind: kind('pmap_change_wiring'), pmap, address: anyVa, wired: flag }, plain),
  fc.record({ kind: kind('pmap_clear_reference'), frame: ownFrame }, plain),
  fc.record({ kind: kind('pmap_page_protect'), frame: ownFrame, protection }, plain),
  fc.tuple(pmap, anyRange).map(([one, bounds]): Operation => ({ kind: 'pmap_remove', pmap: one, ...bounds })),
  fc.tuple(pmap, anyRange, protection).map(
    ([one, bounds, rights]): Operation => ({
      kind: 'pmap_protect',
      pmap: one,
      ...bounds,
      protection: rights,
    }),
  ),
  fc
    .tuple(access, fc.integer({ min: 1, max: 4 }))
    .map(([one, length]): Operation => ({ kind: 'cpu_read', ...one, length })),
  fc
    .tuple(access, fc.array(byte, { minLength: 1, maxLength: 4 }))
    .map(([one, values]): Operation => ({ kind: 'cpu_write', ...one, bytes: values })),
);

/** Every cell of a snapshot, as text. */
export function cellsOf(snapshot: Snapshot): Map<CellName, string> {
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
  put('spaces', snapshot.spaces);
  put('sched', snapshot.sched);
  put('transitions', snapshot.transitions);
  return cells;
}
