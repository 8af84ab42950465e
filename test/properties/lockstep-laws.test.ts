/** Laws hold for model and implementation after arbitrary prefixes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytes, objectOffset, pages } from '../../contract/address.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { LAWS } from '../../properties/laws.ts';
import { at, MACHINE } from './lockstep-fixtures.ts';

const kernels = { model: referenceKernel, implementation: optimizedKernel };

/** Room for most prefixes to run to their end. */
const ROOMY: MachineConfig = { ...MACHINE, managedPages: 40, mapEntries: 200 };
const CRAMPED: MachineConfig = { ...MACHINE, managedPages: 6, kernelMax: at(32), mapEntries: 16 };

const map = fc.constantFrom('kernel', 'kernel', 'kmem', 'sub');
const page = fc.integer({ min: 2, max: 30 });
const count = fc.integer({ min: 1, max: 4 });
const size = fc.oneof(
  count.map((n) => pages(n)),
  fc.constantFrom(bytes(1), bytes(4097), bytes(0)),
);
const range = fc
  .record({ page, count })
  .map((drawn) => ({ start: at(drawn.page), end: at(drawn.page + drawn.count) }));
const protection = fc.constantFrom(0, 1, 3, 5, 7);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constantFrom('kmem_alloc', 'kmem_alloc_pageable', 'kmem_alloc_wait'), map, size }),
  fc.record({ kind: fc.constant('kmem_malloc'), map: fc.constant('kmem'), size, canWait: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('kmem_free', 'kmem_free_wakeup'), map, address: page.map(at), size }),
  fc.record({ drawn: range, map, protection, setMax: fc.boolean() }).map(
    ({ drawn, ...rest }): Operation => ({
      kind: 'vm_map_protect',
      ...rest,
      ...drawn,
    }),
  ),
  fc.record({ drawn: range, map, pageable: fc.boolean() }).map(
    ({ drawn, ...rest }): Operation => ({
      kind: 'vm_map_pageable',
      ...rest,
      ...drawn,
    }),
  ),
  fc.record({ drawn: range, map, inheritance: fc.nat({ max: 2 }) }).map(
    ({ drawn, ...rest }): Operation => ({
      kind: 'vm_map_inherit',
      ...rest,
      ...drawn,
    }),
  ),
  fc.record({ drawn: range, map }).map(
    ({ drawn, ...rest }): Operation => ({
      kind: 'vm_map_insert',
      object: 'null',
      offset: objectOffset(0),
      ...rest,
      ...drawn,
    }),
  ),
  fc.record({ kind: fc.constant('checked_write'), map, address: page.map(at), byte: fc.nat({ max: 255 }) }),
  fc.record({ kind: fc.constant('vm_page_deactivate'), map, address: page.map(at) }),
  fc.constant<Operation>({ kind: 'pagedaemon' }),
  fc.record({ kind: fc.constant('resume'), operation: fc.integer({ min: 3, max: 20 }) }),
);

const prefix: fc.Arbitrary<Operation[]> = fc
  .array(operation, { maxLength: 24 })
  .map((operations) => [
    { kind: 'kmem_suballoc', name: 'kmem', parent: 'kernel', size: pages(8), pageable: false },
    { kind: 'kmem_suballoc', name: 'sub', parent: 'kernel', size: pages(4), pageable: true },
    ...operations,
  ]);

describe.each(LAWS)('$id', (law) => {
  test.each(Object.entries(kernels))('holds for the %s', (_, kernel) => {
    fc.assert(
      fc.property(prefix, fc.constantFrom(ROOMY, CRAMPED), (operations, machine) => {
        expect(law.check(kernel, machine, operations)).toEqual([]);
      }),
      { numRuns: 80, seed: 11 },
    );
  });
  test('has nothing to say after a panic', () => {
    const panicking: Operation = { kind: 'kmem_malloc', map: 'sub', size: pages(1), canWait: false };
    expect(law.check(referenceKernel, MACHINE, [panicking])).toEqual([]);
  });
});
