/** How a replay goes on and where it ends, with kernels made for the purpose. */
import { describe, expect, test } from 'vitest';
import type { KernelModule } from '../../contract/kernel-memory.ts';
import { done } from '../../contract/outcome.ts';
import { replayTrace, type Side } from '../../golden/replay.ts';
import type { Trace } from '../../golden/trace-file.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { type Line, P, record, replayOnModel, START } from './recording.ts';

const LINES: readonly Line[] = [
  ['alloc', 'kernel', 2 * P],
  ['read', 'kernel', START],
  ['alloc', 'kernel', 0],
  ['read', 'kernel', START],
];
const MODEL: Side = { name: 'model', module: 'reference' };

/** The reference model, but for operation 2. */
function brokenAt2(instead: () => void): Side {
  const module: KernelModule = {
    declares: referenceKernel.declares,
    boot: (machine) => {
      const kernel = referenceKernel.boot(machine);
      return {
        apply: (operation, number) => {
          if (number !== 2) return kernel.apply(operation, number);
          instead();
          return { outcome: done };
        },
        snapshot: (options) => kernel.snapshot(options),
      };
    },
  };
  return { name: 'broken', module };
}

describe('a side that fails', () => {
  test('is reported where it first differs, while the other goes on', () => {
    const { failures, compared, stop } = replayTrace(record(LINES), {
      sides: [brokenAt2(() => undefined), MODEL],
    });
    expect(failures).toMatchObject([{ side: 'broken', number: 2, operation: { op: 'read' } }]);
    expect(failures[0]?.differences.map(({ path }) => path)).toEqual([
      'result.kr',
      'result.byte',
      'result.ok',
    ]);
    expect({ compared, stop }).toEqual({ compared: 2, stop: { deviation: 'DEV-1', number: 3 } });
  });

  test('by an exception is reported with its message and place', () => {
    const throws = brokenAt2(() => {
      throw new TypeError('the cupboard is bare');
    });
    const { failures } = replayTrace(record(LINES), { sides: [throws] });
    expect(failures).toMatchObject([{ side: 'broken', number: 2, differences: [] }]);
    expect(failures[0]?.thrown).toMatch(/^the cupboard is bare \(at .*replay\.test\.ts:\d+:\d+\)?/);
  });

  test('is not hidden by a model that is not compared', () => {
    const wrong = record(LINES);
    const records = wrong.records.map((one) => (one.number === 2 ? { ...one, result: { ok: true } } : one));
    const trace: Trace = { ...wrong, records };
    expect(replayTrace(trace, { sides: [brokenAt2(() => undefined)] }).failures).toEqual([]);
    expect(replayTrace(trace, { sides: [MODEL] }).failures).toHaveLength(1);
  });
});

describe('an index', () => {
  test('may name any of the deviations that are due at once', () => {
    const two = record([
      ['suballoc', 'sub0', 'kernel', 2 * P, 1],
      ['alloc_pageable', 'sub0', P],
      ['free', 'kernel', START, 0xffff_ffff],
    ]);
    const disagreementsWith = (deviation: string) =>
      replayOnModel(two, { indexed: { operations: 3, compared: 2, stop: { deviation, number: 3 } } })
        .disagreements;
    expect(disagreementsWith('DEV-8')).toEqual([]);
    expect(disagreementsWith('DEV-12')).toEqual([]);
    expect(disagreementsWith('DEV-3')).toMatchObject([
      { number: 3, recorded: 'DEV-3', evaluated: ['DEV-8', 'DEV-12'] },
    ]);
  });

  test('that goes on past a trigger is obeyed, and contradicted', () => {
    const { compared, stop, disagreements } = replayOnModel(record(LINES), {
      indexed: { operations: 4, compared: 4, stop: null },
    });
    expect({ compared, stop }).toEqual({ compared: 4, stop: null });
    expect(disagreements).toMatchObject([{ number: 3, recorded: null, evaluated: ['DEV-1'] }]);
  });
});

describe('a trace of the contract', () => {
  const ofContract = (dev: string | undefined): Trace => {
    const made = record(LINES);
    const records = made.records.map((one) => (one.number === 3 ? { ...one, dev } : one));
    return { ...made, fromModel: true, records };
  };

  test('never stops, and its results bind even where a trigger holds', () => {
    const trace = ofContract('DEV-1');
    expect(replayOnModel(trace)).toMatchObject({ compared: 4, stop: null, failures: [], disagreements: [] });
    const records = trace.records.map((one) => (one.number === 3 ? { ...one, result: { addr: P } } : one));
    expect(replayOnModel({ ...trace, records }).failures).toMatchObject([{ number: 3 }]);
  });

  test('is contradicted where it leaves a deviation out', () => {
    expect(replayOnModel(ofContract(undefined)).disagreements).toMatchObject([
      { number: 3, recorded: null, evaluated: ['DEV-1'] },
    ]);
  });
});

test('dump calls nothing, but its number counts', () => {
  const lines: Line[] = [['dump'], ['alloc', 'kernel', 13 * P], ['pagedaemon'], ['resume', 2]];
  const trace = record(lines);
  expect(trace.records.map(({ result }) => result)).toEqual([
    { ok: true },
    { 'page-wait': true },
    { ok: true },
    { 'page-wait': true },
  ]);
  expect(replayOnModel(trace)).toMatchObject({ compared: 4, failures: [] });
});
