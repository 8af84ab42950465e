import { describe, expect, test } from 'vitest';
import type { Operation } from '../../contract/operation.ts';
import { failureLines } from '../../report/failure.ts';
import { failingReport } from './failing-report.ts';

const context = {
  origin: 'seed 1994, scenario 17, shrunk from 63 to 4 operations',
  again: 'npx vmlockstep check --seed 1994',
  stored: 'stored in out/INV-ACC-MODEL-1994.scn.json',
  replay: 'npx vmlockstep replay out/INV-ACC-MODEL-1994.scn.json',
};

test('a disagreement reads as program, marker, expected beside actual, sentence and replay line', () => {
  expect(`\n${failureLines(failingReport, context).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    FAILED INV-ACC-MODEL after operation 3
      seed 1994, scenario 17, shrunk from 63 to 4 operations
      again: npx vmlockstep check --seed 1994

        machine: 16 frames, 2 of them scratch, 1 device frame, kernel map [0xfe000000, 0xfe040000), boot
        entry to 0xfe002000, 32 entries, 4 maps, kmemObjectSize 0x20000
        1  a = kmem_alloc(kernel, 0x2000)                             → 0xfe002000
        2  vm_map_pageable(kernel, a + 0x1000, a + 0x2000, pageable)  → KERN_SUCCESS
      > 3  kmem_free(kernel, a, 0x2000)                               → done; wakes 1, 2
        4  pagedaemon()

                                expected  actual
        counters.wired          2         3
        maps.kernel.entries[1]  absent    [0xfe003000, 0xfe004000) kernel_object

      INV-ACC-MODEL: The implementation and the reference model agree after every step.
      stored in out/INV-ACC-MODEL-1994.scn.json
      npx vmlockstep replay out/INV-ACC-MODEL-1994.scn.json
    "
  `);
});

test('an invariant broken by the model is blamed on the model, with its witnesses', () => {
  const { failure } = failingReport;
  if (failure === null) throw new Error('the report must fail');
  const report = {
    ...failingReport,
    failure: {
      ...failure,
      property: 'INV-MAP-SIZE',
      sentence: 'size is the sum of entry lengths.',
      side: 'reference' as const,
      witnesses: ['kernel: size 0x4000, entries cover 0x3000'],
      differences: [],
    },
  };
  expect(
    `\n${failureLines(report, { ...context, again: null, replay: null }).join('\n')}\n`,
  ).toMatchInlineSnapshot(`
    "
    FAILED INV-MAP-SIZE in the reference model after operation 3
      seed 1994, scenario 17, shrunk from 63 to 4 operations

        machine: 16 frames, 2 of them scratch, 1 device frame, kernel map [0xfe000000, 0xfe040000), boot
        entry to 0xfe002000, 32 entries, 4 maps, kmemObjectSize 0x20000
        1  a = kmem_alloc(kernel, 0x2000)                             → 0xfe002000
        2  vm_map_pageable(kernel, a + 0x1000, a + 0x2000, pageable)  → KERN_SUCCESS
      > 3  kmem_free(kernel, a, 0x2000)                               → done; wakes 1, 2
        4  pagedaemon()

        kernel: size 0x4000, entries cover 0x3000
      INV-MAP-SIZE: size is the sum of entry lengths.
      stored in out/INV-ACC-MODEL-1994.scn.json
    "
  `);
});

test('a run that did not fail has nothing to report', () => {
  expect(failureLines({ ...failingReport, failure: null }, context)).toEqual([]);
});

describe('however much went wrong', () => {
  const operation: Operation = { kind: 'pagedaemon' };
  const operations = Array.from({ length: 500 }, () => operation);
  const { failure } = failingReport;
  if (failure === null) throw new Error('the report must fail');
  const huge = {
    scenario: { ...failingReport.scenario, operations },
    failure: {
      ...failure,
      number: 250,
      sentence: 'Every word of a very long sentence is kept. '.repeat(5).trim(),
      witnesses: Array.from({ length: 8 }, (_, i) => `witness ${i} ${'x'.repeat(300)}`),
      differences: Array.from({ length: 90 }, (_, i) => ({
        path: `objects.kernel.pages[${i}].frame`,
        expected: 'e'.repeat(200),
        actual: 'a'.repeat(200),
      })),
    },
    expected: Array.from({ length: 250 }, () => ({ outcome: { kind: 'done' as const } })),
    actual: [],
  };
  const lines = failureLines(huge, context);

  test('the report fits on forty lines', () => {
    expect(lines.length).toBeLessThanOrEqual(40);
  });
  test('the failing operation is shown and marked', () => {
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}> 250 {2}pagedaemon\(\)/));
  });
  test('what is left out is counted', () => {
    expect(lines.join('\n')).toMatch(/… \d+ operations not shown …/);
    expect(lines).toContainEqual('    … and 83 more differences');
  });
  test('the last line is the replay command', () => {
    expect(lines.at(-1)).toBe(`  ${context.replay}`);
  });
});
