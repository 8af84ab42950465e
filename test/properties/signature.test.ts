import { describe, expect, it } from 'vitest';
import { bytes } from '../../contract/address.ts';
import { sameSignature, signatureOf } from '../../properties/signature.ts';
import type { LockstepReport } from '../../properties/verdict.ts';
import { smallMachine } from './generated.ts';

const reportWith = (path: string): LockstepReport => ({
  scenario: { machine: smallMachine, operations: [{ kind: 'kmem_alloc', map: 'kernel', size: bytes(1) }] },
  failure: {
    property: 'INV-ACC-MODEL',
    sentence: 'The kernels agree.',
    side: 'candidate',
    number: 1,
    witnesses: ['1 difference'],
    differences: [{ path, expected: '0', actual: '1' }],
  },
  expected: [],
  actual: [],
});

describe('the signature of a failure', () => {
  it.each([
    ['maps.kernel.entries[2].wiredCount', 'maps.entries.wiredCount'],
    ['objects.anon3.pages[0x1000].queue', 'objects.pages.queue'],
    ['mappings.0xfe001000.wired', 'mappings.wired'],
    ['pv.7', 'pv'],
    ['outcome.code', 'outcome.code'],
    ['queues.free', 'queues.free'],
  ])('calls %s the field %s', (path, field) => {
    expect(signatureOf(reportWith(path))).toEqual({
      property: 'INV-ACC-MODEL',
      side: 'candidate',
      operation: 'kmem_alloc',
      field,
    });
  });

  it('tells fields apart, and is null where nothing failed', () => {
    const one = signatureOf(reportWith('maps.kernel.size'));
    const other = signatureOf(reportWith('maps.kernel.references'));
    expect(one && other && sameSignature(one, other)).toBe(false);
    expect(one && sameSignature(one, { ...one })).toBe(true);
    expect(signatureOf({ ...reportWith('maps.kernel.size'), failure: null })).toBeNull();
  });
});
