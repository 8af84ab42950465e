/** Parts of level `contract` on their own: steps, maximal runs, the renaming of objects. */
import { describe, expect, test } from 'vitest';
import { frameNumber, objectOffset } from '../../contract/address.ts';
import type { Show } from '../../contract/kernel-memory.ts';
import type { Operation } from '../../contract/operation.ts';
import type { EntrySnapshot } from '../../contract/vm-map.ts';
import { runLockstep } from '../../properties/lockstep.ts';
import { maximalRuns } from '../../properties/meaning.ts';
import { startRenaming } from '../../properties/renaming.ts';
import { at, BUSY, MACHINE, options, tampered } from './lockstep-fixtures.ts';

describe('steps at level contract', () => {
  const asking = (
    operation: Operation,
    change: Parameters<typeof tampered>[0]['step'],
    shows: readonly Show[],
  ) =>
    runLockstep(
      { machine: MACHINE, operations: [...BUSY, operation] },
      options(tampered({ declares: { shows }, ...(change === undefined ? {} : { step: change }) })),
    ).failure;
  const lookup: Operation = { kind: 'vm_map_lookup_entry', map: 'kernel', address: at(13) };
  test('where an entry starts is a matter of structure', () => {
    const moved: Parameters<typeof tampered>[0]['step'] = (step) =>
      step.outcome.kind === 'entry' ? { outcome: { ...step.outcome, start: at(1) } } : step;
    expect(asking(lookup, moved, ['outcomes'])).toBeNull();
    expect(asking(lookup, moved, ['outcomes', 'structure'])?.differences[0]?.path).toBe('outcome.start');
  });
  test('which managed frame an address has is a matter of structure', () => {
    const extract: Operation = { kind: 'pmap_extract', address: at(12) };
    const other =
      (frame: number): Parameters<typeof tampered>[0]['step'] =>
      (step) =>
        step.outcome.kind === 'frame' ? { outcome: { ...step.outcome, frame: frameNumber(frame) } } : step;
    expect(asking(extract, other(0), ['outcomes'])).toBeNull();
    expect(asking(extract, other(MACHINE.managedPages), ['outcomes'])?.differences[0]?.path).toBe(
      'outcome.frame',
    );
    expect(asking(extract, other(0), ['structure'])?.differences[0]?.path).toBe('outcome.frame');
  });
  test('bytes that the reference calls undefined equal anything', () => {
    const read: Operation = { kind: 'cpu_read', address: at(2), length: 2 };
    const other: Parameters<typeof tampered>[0]['step'] = (step) =>
      step.outcome.kind === 'bytes' ? { outcome: { kind: 'bytes', bytes: [1, 2] } } : step;
    expect(asking(read, other, ['outcomes'])).toBeNull();
    const zeroes: Operation = { kind: 'cpu_read', address: at(12), length: 2 };
    expect(asking(zeroes, other, ['outcomes'])?.differences[0]?.path).toBe('outcome.bytes');
  });
});

describe('maximal runs', () => {
  const entry = (start: number, end: number, more: Partial<EntrySnapshot> = {}): EntrySnapshot => ({
    start: at(start),
    end: at(end),
    backing: { object: 'kernel' },
    offset: objectOffset(start * 4096),
    protection: 7,
    maxProtection: 7,
    inheritance: 1,
    wiredCount: 0,
    copyOnWrite: false,
    needsCopy: false,
    ...more,
  });
  const shape = (entries: readonly EntrySnapshot[]) =>
    maximalRuns(entries).map(({ start, end }) => [(start - at(0)) / 4096, (end - at(0)) / 4096]);
  test('join what continues and nothing else', () => {
    expect(shape([entry(1, 2), entry(2, 4), entry(4, 5)])).toEqual([[1, 5]]);
    expect(shape([entry(1, 2), entry(3, 4)])).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(shape([entry(1, 2), entry(2, 4, { offset: objectOffset(0) })])).toEqual([
      [1, 2],
      [2, 4],
    ]);
    expect(shape([entry(1, 2), entry(2, 4, { wiredCount: 1 })])).toEqual([
      [1, 2],
      [2, 4],
    ]);
  });
  test('ignore offsets where there is no object', () => {
    const none = { backing: null, offset: objectOffset(0) };
    expect(shape([entry(1, 2, none), entry(2, 4, none)])).toEqual([[1, 4]]);
  });
});

describe('a renaming', () => {
  test('is one to one and leaves base objects alone', () => {
    const renaming = startRenaming();
    expect(renaming.pair('anon1', 'x')).toBe(true);
    expect(renaming.pair('anon1', 'x')).toBe(true);
    expect(renaming.pair('anon1', 'y')).toBe(false);
    expect(renaming.pair('anon2', 'x')).toBe(false);
    expect(renaming.pair('kernel', 'kernel')).toBe(true);
    expect(renaming.pair('kernel', 'y')).toBe(false);
    expect([renaming.actualOf('anon1'), renaming.expectedOf('x')]).toEqual(['x', 'anon1']);
    expect(renaming.actualOf('anon9')).not.toBe('anon9');
  });
});
