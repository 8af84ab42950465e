/**
 * Operations with arbitrary arguments, caller obligations broken freely: what no generator emits, both kernels must
 * still answer alike.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { address, bytes, frameNumber, objectOffset, PAGE_SIZE } from '../contract/address.ts';
import { type MachineConfig, TRACE_KMEM_OBJECT_SIZE } from '../contract/machine.ts';
import {
  type FieldMeaning,
  OPERATION_FIELDS,
  OPERATION_KINDS,
  OPTIONAL_FIELDS,
  type Operation,
} from '../contract/operation.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { runLockstep } from '../properties/lockstep.ts';

const MIN = 0xfe000000;
const machine: MachineConfig = {
  managedPages: 10,
  deviceFrames: 2,
  kernelMin: address(MIN),
  kernelStart: address(MIN + 8 * PAGE_SIZE),
  kernelMax: address(MIN + 40 * PAGE_SIZE),
  mapEntries: 14,
  staticMaps: 4,
  kmemObjectSize: bytes(TRACE_KMEM_OBJECT_SIZE),
  freeMin: 2,
  freeTarget: 4,
  inactiveTarget: 1,
  reserved: [],
  scratchPages: 2,
  scratchWindow: { start: address(MIN + 2 * PAGE_SIZE), end: address(MIN + 8 * PAGE_SIZE) },
};

const page = fc.integer({ min: 0, max: 41 }).map((n) => MIN + n * PAGE_SIZE);
const va = fc.oneof(
  { weight: 12, arbitrary: page },
  { weight: 2, arbitrary: fc.tuple(page, fc.integer({ min: -2, max: 2 })).map(([at, by]) => at + by) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 0xffff_ffff, 0xffff_f000, 0xffbf_f000, 0xefc0_0000, 0xefff_fff8),
  },
);
const size = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: 1, max: 8 }).map((n) => n * PAGE_SIZE) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 4095, 4097, 0xffff_f000, 0xffff_f001, 0xffff_ffff) },
);
const map = fc.constantFrom('kernel', 'kernel', 'kmem', 'mb', 'sub0', 'sub1', 'nowhere');

const fields: { readonly [Meaning in FieldMeaning]: fc.Arbitrary<unknown> } = {
  map,
  'new-map': fc.constantFrom('kmem', 'mb', 'sub0', 'sub1', 'kernel'),
  address: va.map(address),
  size: size.map(bytes),
  offset: fc.oneof(page, fc.constantFrom(0, 4096, 1)).map(objectOffset),
  protection: fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 7, 7),
  inheritance: fc.constantFrom(0, 1, 2, 3, -1),
  flag: fc.boolean(),
  object: fc.constantFrom('null', 'kernel', 'kmem', 'anon'),
  byte: fc.nat({ max: 255 }),
  bytes: fc.array(fc.nat({ max: 255 }), { minLength: 0, maxLength: 17 }),
  length: fc.integer({ min: 0, max: 17 }),
  frame: fc.integer({ min: 0, max: 13 }).map(frameNumber),
  operation: fc.integer({ min: 1, max: 30 }),
  pmap: fc.constantFrom('kernel', 'null', 'u0', 'u0', 'u1'),
  'new-pmap': fc.constantFrom('u0', 'u1', 'kernel'),
  mode: fc.constant('user'),
};

const operation = fc.constantFrom(...OPERATION_KINDS).chain((kind) => {
  const shape: Record<string, fc.Arbitrary<unknown>> = { kind: fc.constant(kind) };
  for (const [name, meaning] of Object.entries(OPERATION_FIELDS[kind]) as [string, FieldMeaning][])
    shape[name] = fields[meaning];
  const optional: readonly string[] = OPTIONAL_FIELDS[kind] ?? [];
  const requiredKeys = Object.keys(shape).filter((name) => !optional.includes(name));
  return fc.record(shape, { noNullPrototype: true, requiredKeys });
});

/** The record has exactly the fields that the table lists for its kind. */
const asOperations = (records: readonly unknown[]): Operation[] => records as Operation[];

test('arbitrary operations, obligations broken or not, are answered alike by model and implementation', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 40 }), (records) => {
      const { failure, expected } = runLockstep(
        { machine, operations: asOperations(records) },
        {
          reference: referenceKernel,
          candidate: optimizedKernel,
          compare: true,
          invariants: [],
          fullEvery: 8,
        },
      );
      for (const { outcome } of expected) seen.set(outcome.kind, (seen.get(outcome.kind) ?? 0) + 1);
      expect(failure).toBeNull();
    }),
    { seed: 1887, numRuns: 2500 },
  );
  for (const kind of ['rejected', 'panic', 'sleep', 'kern', 'address', 'none', 'trap', 'bytes'])
    expect([kind, (seen.get(kind) ?? 0) > 0]).toEqual([kind, true]);
});
