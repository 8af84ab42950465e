/** Symbolic addresses: what they stand for, where they are refused, and that writing them loses nothing. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseScenario, scenarioText } from '../../cli/scenario-file.ts';
import { InputError } from '../../contract/input-error.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { scenarios } from '../../properties/scenarios.ts';
import { WORKLOAD_NAMES } from '../../properties/workloads.ts';
import { MACHINE } from '../deviations/example.ts';

const START = 0xfe00_0000;
const SIZE = 0x3000;

const file = (...operations: readonly object[]): string =>
  JSON.stringify({ version: 2, machine: MACHINE, operations });
const alloc = { kind: 'kmem_alloc', map: 'kernel', size: SIZE, as: 'buf' };
const free = (at: unknown): object => ({ kind: 'kmem_free', map: 'kernel', address: at, size: 4096 });

/** The number that a handle becomes in the operation after an allocation. */
function addressOf(handle: unknown): unknown {
  const operation = parseScenario('x', file(alloc, free(handle))).scenario.operations[1];
  return operation?.kind === 'kmem_free' ? operation.address : undefined;
}

function complaint(text: string): string {
  try {
    parseScenario('x', text);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a handle', () => {
  test.each<[unknown, number]>([
    ['buf', START],
    ['buf+0x1000', START + 0x1000],
    ['buf + 4096', START + 0x1000],
    ['buf-1', START - 1],
    ['buf.end', START + SIZE],
    ['buf.end-4096', START + SIZE - 4096],
    ['kernel.min', MACHINE.kernelMin],
    ['kernel.max-0x1000', MACHINE.kernelMax - 4096],
    ['0xfe001000', START + 0x1000],
    [START, START],
  ])('%s is what it says', (handle, value) => {
    expect(addressOf(handle)).toBe(value);
  });

  test('ends with the last page of its allocation', () => {
    const { scenario } = parseScenario('x', file({ ...alloc, size: 1 }, free('buf.end')));
    expect(scenario.operations[1]).toMatchObject({ address: START + 4096 });
  });

  test('is no part of the scenario that runs', () => {
    expect(parseScenario('x', file(alloc)).scenario.operations[0]).toStrictEqual({
      kind: 'kmem_alloc',
      map: 'kernel',
      size: SIZE,
    });
  });

  test('names submaps and created maps by their bounds', () => {
    const sub = { kind: 'kmem_suballoc', name: 'sub-0.x', parent: 'kernel', size: 8192, pageable: false };
    const create = { kind: 'vm_map_create', name: 'm', min: 4096, max: '0x9000', pageable: true };
    const find = (at: string): object => ({ kind: 'vm_map_findspace', map: 'm', start: at, length: 1 });
    const { scenario } = parseScenario('x', file(sub, create, find('sub-0.x.max'), find('m.max')));
    expect(scenario.operations.slice(2)).toMatchObject([{ start: START + 8192 }, { start: 0x9000 }]);
  });

  test('of an operation that slept belongs to its resumption', () => {
    const machine = { ...MACHINE, managedPages: 1 };
    const operations = [
      { kind: 'kmem_alloc', map: 'kernel', size: 4096, as: 'a' },
      { kind: 'kmem_alloc', map: 'kernel', size: 4096 },
      { kind: 'kmem_free', map: 'kernel', address: 'a', size: 4096 },
      { kind: 'pagedaemon' },
      { kind: 'resume', operation: 2, as: 'b' },
      { kind: 'kmem_free', map: 'kernel', address: 'b.end-0x1000', size: 4096 },
    ];
    const { scenario } = parseScenario('x', JSON.stringify({ version: 2, machine, operations }));
    expect(scenario.operations[5]).toMatchObject({ address: START + 4096 });
  });
});

describe('a handle is refused with its place', () => {
  test.each<[string, string, RegExp]>([
    [
      'of nothing',
      file(alloc, free('bux')),
      /^x: operations\[1\]\.address: no earlier operation has "as": "bux"$/,
    ],
    [
      'of a later operation',
      file(free('buf'), alloc),
      /operations\[0\]\.address: .*; operations\[1\] comes later$/,
    ],
    [
      'of its own operation',
      file({ kind: 'vm_map_findspace', map: 'kernel', start: 'h', length: 1, as: 'h' }),
      /operations\[0\]\.start: .*; an operation cannot name its own result$/,
    ],
    [
      'of an operation that failed',
      file({ ...alloc, size: 0xffff_f000 }, free('buf')),
      /operations\[1\]\.address: operations\[0\] \(kmem_alloc\) returned no address, but "none"; change one/,
    ],
    ['below 0', file(alloc, free('buf-4294967295')), /operations\[1\]\.address: .* is no 32-bit address/],
    ['above 2^32', file(alloc, free('buf+0xffffffff')), /operations\[1\]\.address: .* is no 32-bit address/],
    [
      'of an unknown map',
      file(free('kernle.min')),
      /no map is called "kernle" here; did you mean 'kernel'\?$/,
    ],
    [
      'that is a sum of two',
      file(alloc, free('buf+buf')),
      /operations\[1\]\.address: must be a whole number/,
    ],
    ['that is a program', file(alloc, free('buf;')), /operations\[1\]\.address: must be a whole number/],
    ['in a size', file({ ...alloc, size: 'buf' }), /operations\[0\]\.size: must be a whole number/],
    ['given twice', file(alloc, alloc), /operations\[1\]\.as: "buf" is the name of operations\[0\] already/],
    ['with an odd name', file({ ...alloc, as: 'a b' }), /operations\[0\]\.as: must be a name/],
    ['called __proto__', file({ ...alloc, as: '__proto__' }), /operations\[0\]\.as: must not be __proto__/],
    ['of what returns none', file({ ...free(1), as: 'a' }), /operations\[0\]: has the unknown field "as"/],
    [
      'on a machine too large to resolve it',
      file(alloc).replace('"managedPages":8', '"managedPages":5000'),
      /machine\.managedPages: handles are resolved on machines of at most 4096 frames/,
    ],
  ])('%s', (_, text, says) => {
    expect(complaint(text)).toMatch(says);
  });
});

describe('writing', () => {
  test('uses handles where an address lies in what was returned', () => {
    const { scenario } = parseScenario('x', file(alloc, free('buf+0x1000'), free('buf.end'), free(0x1000)));
    const lines = scenarioText({ scenario }).split('\n');
    expect(lines.filter((line) => line.includes('"kind"')).map((line) => line.trim())).toEqual([
      '{"kind":"kmem_alloc","map":"kernel","size":12288,"as":"a"},',
      '{"kind":"kmem_free","map":"kernel","address":"a+0x1000","size":4096},',
      '{"kind":"kmem_free","map":"kernel","address":"a.end","size":4096},',
      '{"kind":"kmem_free","map":"kernel","address":"0x00001000","size":4096}',
    ]);
  });

  test.each(WORKLOAD_NAMES)('and reading gives the same scenario, same bytes: %s', (workload) => {
    let named = 0;
    fc.assert(
      fc.property(scenarios({ reference: referenceKernel, workload }), (scenario) => {
        const text = scenarioText({ scenario });
        const stored = parseScenario('x', text);
        expect(stored.scenario).toEqual(scenario);
        expect(scenarioText(stored)).toBe(text);
        if (text.includes('"as":')) named += 1;
      }),
      { seed: 1994, numRuns: 40 },
    );
    expect(named).toBeGreaterThan(10);
  });
});
