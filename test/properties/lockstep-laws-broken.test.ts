/** Each law is seen to be broken by a kernel that breaks it. */
import { describe, expect, test } from 'vitest';
import { address, pages } from '../../contract/address.ts';
import type { MachineConfig } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { LAWS } from '../../properties/laws.ts';
import { at, BUSY, MACHINE, type Tampering, tampered } from './lockstep-fixtures.ts';

const ROOMY: MachineConfig = { ...MACHINE, managedPages: 40, mapEntries: 200 };

/** The lie begins after the first operation for which `when` holds. */
function lyingAfter(when: (operation: Operation) => boolean, lie: (shown: Snapshot) => Snapshot): Tampering {
  let begun = false;
  return {
    step(step, number, operation) {
      if (number === 1) begun = false;
      begun ||= when(operation);
      return step;
    },
    snapshot: (shown) => (begun ? lie(shown) : shown),
  };
}

const settled: Operation[] = [...BUSY.slice(0, 6)];

describe('a kernel that breaks a law is caught by it', () => {
  const check = (id: string, tampering: Tampering, operations: readonly Operation[] = settled): string[] => {
    const law = LAWS.find((one) => one.id === id);
    if (law === undefined) throw new Error(`no law ${id}`);
    expect(law.check(referenceKernel, ROOMY, operations)).toEqual([]);
    return law.check(tampered(tampering), ROOMY, operations);
  };
  const leakPage = (shown: Snapshot): Snapshot => ({
    ...shown,
    counters: { ...shown.counters, free: shown.counters.free - 1 },
  });

  test('INV-ACC-ALLOCFREE: a page that does not come back', () => {
    let frees = 0;
    const leaking = (lie: (shown: Snapshot) => Snapshot): Tampering => ({
      step(step, number, { kind }) {
        frees = number === 1 ? 0 : frees + (kind === 'kmem_free' ? 1 : 0);
        return step;
      },
      snapshot: lie,
    });
    const counters = leaking((shown) => ({
      ...shown,
      counters: { ...shown.counters, free: shown.counters.free - frees },
    }));
    expect(check('INV-ACC-ALLOCFREE', counters)).toEqual([
      'kmem_alloc(kernel, 4096): counters.free 33 became 32',
    ]);
    const stats = leaking((shown) => ({
      ...shown,
      pmap: { ...shown.pmap, wired: shown.pmap.wired + frees },
    }));
    expect(check('INV-ACC-ALLOCFREE', stats)).toEqual(['kmem_alloc(kernel, 4096): pmap.wired 4 became 5']);
  });
  test('INV-ACC-ALLOCFREE: an allocator that refuses although there is room', () => {
    const refuses: Tampering = {
      step: (step, _, { kind }) => (kind === 'kmem_alloc_pageable' ? { outcome: { kind: 'none' } } : step),
    };
    expect(check('INV-ACC-ALLOCFREE', refuses)).toEqual([
      'kmem_alloc_pageable(kernel, 4096) had room but answered none',
    ]);
  });
  test('INV-ACC-FREEALL: a free page, a reference, a mapping or a wired page that is lost', () => {
    const removed = (operation: Operation) =>
      operation.kind === 'vm_map_remove' && operation.map === 'kernel';
    const lying = (lie: (shown: Snapshot) => Snapshot) => check('INV-ACC-FREEALL', lyingAfter(removed, lie));
    expect(lying(leakPage)).toEqual(['free pages: 39 at boot, now 38']);
    expect(lying((shown) => ({ ...shown, counters: { ...shown.counters, wired: 5 } }))).toEqual([
      'v_wire: 1 at boot, now 5',
    ]);
    expect(lying((shown) => ({ ...shown, pmap: { ...shown.pmap, wired: 2 } }))).toEqual([
      'wired mappings: 0 at boot, now 2',
    ]);
    const twice = (shown: Snapshot): Snapshot => ({
      ...shown,
      objects: shown.objects.map((object) => ({ ...object, references: object.references + 1 })),
    });
    expect(lying(twice)).toEqual([
      'kernel_object references: 1 at boot, now 2',
      'kmem_object references: 1 at boot, now 2',
    ]);
    const mapping = referenceKernel.boot(ROOMY);
    const wired = { address: at(9), frame: mapping.snapshot({ contents: false }).queues.free[0] };
    const mapped = (shown: Snapshot): Snapshot => ({
      ...shown,
      mappings:
        wired.frame === undefined
          ? []
          : [
              {
                address: wired.address,
                frame: wired.frame,
                writable: true,
                wired: false,
                accessed: false,
                dirty: false,
              },
            ],
    });
    expect(lying(mapped)).toEqual(['0xfe009000 is still mapped']);
    expect(lying((shown) => ({ ...shown, pools: { ...shown.pools, freeEntries: 3 } }))).toEqual([
      'free map entries: 199 at boot, now 3',
    ]);
  });
  test('INV-ACC-FREEALL: an entry that cannot be freed', () => {
    const removed = ({ kind }: Operation) => kind === 'vm_map_remove';
    const entry = referenceKernel.boot(ROOMY).snapshot({ contents: false }).maps[0]?.entries[0];
    const stuck = (shown: Snapshot): Snapshot => ({
      ...shown,
      maps: shown.maps.map((one) => ({
        ...one,
        entries: entry === undefined ? [] : [entry, { ...entry, start: at(30), end: at(31) }],
      })),
    });
    expect(check('INV-ACC-FREEALL', lyingAfter(removed, stuck))).toContain(
      'kernel still has 0xfe01e000-0xfe01f000',
    );
  });
  test('INV-ACC-SIZEZERO: an address for nothing, or a trace left behind', () => {
    const generous: Tampering = {
      step: (step, _, operation) =>
        operation.kind === 'kmem_alloc' && operation.size === 0
          ? { outcome: { kind: 'address', address: address(0x1000) } }
          : step,
    };
    expect(check('INV-ACC-SIZEZERO', generous)).toEqual(['kmem_alloc(kernel, 0) answered 0x00001000']);
    const asked = (operation: Operation) => operation.kind === 'kmem_free' && operation.size === 0;
    expect(check('INV-ACC-SIZEZERO', lyingAfter(asked, leakPage))).toEqual([
      'size zero: counters.free 34 became 33',
    ]);
  });
  test('INV-ACC-KMEMROLLBACK: pages for nobody, a frame lost, a reference kept', () => {
    const few: Operation[] = [...settled, { kind: 'kmem_alloc', map: 'kernel', size: pages(30) }];
    const nowait = (operation: Operation) => operation.kind === 'kmem_malloc' && operation.size > pages(1);
    const generous: Tampering = {
      step: (step, number, operation) =>
        nowait(operation) ? { outcome: { kind: 'address', address: at(number) } } : step,
    };
    expect(check('INV-ACC-KMEMROLLBACK', generous, few)[0]).toMatch(/^4 free pages gave 20480 bytes/);
    const lost = (shown: Snapshot): Snapshot => ({
      ...shown,
      queues: { ...shown.queues, free: shown.queues.free.slice(1) },
    });
    expect(check('INV-ACC-KMEMROLLBACK', lyingAfter(nowait, lost), few)[0]).toMatch(/^free frames /);
    expect(check('INV-ACC-KMEMROLLBACK', lyingAfter(nowait, leakPage), few)).toEqual([
      'failed kmem_malloc: counters.free 4 became 3',
    ]);
  });
  test('LAW-PROTECT-IDEMPOTENT: a second protect that answers or changes otherwise', () => {
    let calls = 0;
    const moody: Tampering = {
      step: (step, number, { kind }) => {
        if (number === 1) calls = 0;
        return kind === 'vm_map_protect' && ++calls === 2 ? { outcome: { kind: 'kern', code: 2 } } : step;
      },
    };
    expect(check('LAW-PROTECT-IDEMPOTENT', moody)).toEqual([
      'rwx again on kernel 0xfe002000: KERN_INVALID_ARGUMENT became KERN_PROTECTION_FAILURE',
    ]);
    let clips = 0;
    const clipping: Tampering = {
      step: (step, number, { kind }) => {
        clips = number === 1 ? 0 : clips + (kind === 'vm_map_protect' ? 1 : 0);
        return step;
      },
      snapshot: (shown) => ({ ...shown, pools: { ...shown.pools, freeEntries: clips } }),
    };
    expect(check('LAW-PROTECT-IDEMPOTENT', clipping)[0]).toMatch(/pools\.freeEntries 1 became 2/);
  });
  test('LAW-WIRE-INVERSE: a page, an entry or a statistic that stays wired, or an unwire that is refused', () => {
    const unwired = (operation: Operation) => operation.kind === 'vm_map_pageable' && operation.pageable;
    const lying = (lie: (shown: Snapshot) => Snapshot) => check('LAW-WIRE-INVERSE', lyingAfter(unwired, lie));
    expect(lying((shown) => ({ ...shown, counters: { ...shown.counters, wired: 77 } }))[0]).toMatch(
      /v_wire 3 became 77/,
    );
    const pinned = (shown: Snapshot): Snapshot => ({
      ...shown,
      objects: shown.objects.map((object) => ({
        ...object,
        pages: object.pages.map((one) => ({ ...one, wireCount: one.wireCount + 1 })),
      })),
    });
    expect(lying(pinned)[0]).toMatch(/wire count of kernel\+0x0000a000 1 became 2/);
    const counted = (shown: Snapshot): Snapshot => ({
      ...shown,
      maps: shown.maps.map((one) => ({
        ...one,
        entries: one.entries.map((entry) => ({ ...entry, wiredCount: entry.wiredCount + 1 })),
      })),
    });
    expect(lying(counted)[0]).toMatch(/wired ranges of kernel/);
    const refusing: Tampering = {
      step: (step, _, operation) => (unwired(operation) ? { outcome: { kind: 'kern', code: 4 } } : step),
    };
    expect(check('LAW-WIRE-INVERSE', refusing)[0]).toMatch(/unwiring answered KERN_INVALID_ARGUMENT/);
  });
  test('LAW-QUERIES-PURE: a search that changes something or changes its mind', () => {
    const searched = ({ kind }: Operation) => kind === 'vm_map_findspace';
    expect(check('LAW-QUERIES-PURE', lyingAfter(searched, leakPage))[0]).toMatch(/counters\.free/);
    let calls = 0;
    const moody: Tampering = {
      step: (step, number, { kind }) => {
        if (number === 1) calls = 0;
        return kind === 'vm_map_check_protection' ? { outcome: { kind: 'flag', value: ++calls > 3 } } : step;
      },
    };
    expect(check('LAW-QUERIES-PURE', moody, settled.slice(0, 3))[0]).toMatch(/answered false, then true/);
  });
  test('INV-SCHED-REPLAY: two machines that share something', () => {
    let answered = 0;
    const sharing: Tampering = {
      step: (step, _, { kind }) =>
        kind === 'kmem_alloc' && ++answered === 2 ? { outcome: { kind: 'none' } } : step,
    };
    expect(check('INV-SCHED-REPLAY', sharing)[0]).toMatch(/^operation 2: outcome/);
    let looks = 0;
    const drifting: Tampering = {
      snapshot: (shown) => ({ ...shown, counters: { ...shown.counters, free: ++looks } }),
    };
    expect(check('INV-SCHED-REPLAY', drifting)).toEqual(['replay: counters.free 1 became 2']);
  });
});
