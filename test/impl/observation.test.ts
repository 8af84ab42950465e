import fc from 'fast-check';
import { expect, test } from 'vitest';
import { address, bytes, frameNumber, PAGE_SIZE, type VirtualAddress } from '../../contract/address.ts';
import type { CellName } from '../../contract/snapshot.ts';
import { at, bootSmall } from './machine.ts';
import { cellsOf, operation, userOperation } from './random-operations.ts';

const absent = (name: CellName) => (name.startsWith('pv:') ? '[]' : 'null');

/** A machine with submaps, whose pmap `a` is current and maps scratch page 0 twice. */
function bootBusy() {
  const machine = bootSmall({ managedPages: 18, mapEntries: 60 });
  const { run } = machine;
  for (const name of ['kmem', 's'])
    run({ kind: 'kmem_suballoc', name, parent: 'kernel', size: bytes(6 * PAGE_SIZE), pageable: true });
  run({ kind: 'pmap_create', name: 'a', size: bytes(0) });
  for (const va of [0, PAGE_SIZE].map(address))
    run({ kind: 'pmap_enter', pmap: 'a', address: va, frame: frameNumber(0), protection: 7, wired: false });
  run({ kind: 'pmap_activate', pmap: 'a' });
  return machine;
}

test('after any operation, what changed was announced, cells equal the snapshot, and the audit is silent', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(operation, userOperation), { maxLength: 40, size: 'max' }),
      (operations) => {
        const machine = bootBusy();
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
      },
    ),
    { numRuns: 200 },
  );
});

test('a TLB that is emptied after each operation makes no difference', () => {
  fc.assert(
    fc.property(fc.array(userOperation, { maxLength: 60, size: 'max' }), (operations) => {
      const [kept, emptied] = [bootBusy(), bootBusy()];
      operations.forEach((one, i) => {
        expect(emptied.apply(one, 2 * i + 11)).toEqual(kept.apply(one, 2 * i + 11));
        emptied.apply({ kind: 'tlb_evict', start: address(0), end: address(0xffff_f000) }, 2 * i + 12);
        expect(emptied.tlb()).toEqual([]);
      });
      expect(emptied.snapshot({ contents: true })).toEqual(kept.snapshot({ contents: true }));
      expect(emptied.pageTables()).toEqual(kept.pageTables());
    }),
    { numRuns: 300 },
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
