import { expect, test } from 'vitest';
import { address, frameNumber, objectOffset, PAGE_SIZE } from '../../contract/address.ts';
import { done, none } from '../../contract/outcome.ts';
import { PG_D, PG_P, PG_RW, PG_U } from '../../contract/pmap.ts';
import { SUPERVISOR, translate } from '../../impl/cpu.ts';
import { bootKernel, type Kernel } from '../../impl/kernel.ts';
import type { VmMapEntry } from '../../impl/map-entry.ts';
import { QUEUE } from '../../impl/page-queues.ts';
import type { Pmap } from '../../impl/pmap.ts';
import { pmapPinit } from '../../impl/pmap-pinit.ts';
import { PLACES_PER_PMAP } from '../../impl/pv-table.ts';
import { audit } from '../../impl/self-check.ts';
import { vmMapInsert } from '../../impl/vm-map.ts';
import { PAGE_FLAG, vmPageAlloc } from '../../impl/vm-page.ts';
import { at, SMALL_MACHINE } from './machine.ts';

/** A kernel with a few entries, a page in kernel_object and a mapping. */
function busyKernel(): Kernel {
  const kernel = bootKernel(SMALL_MACHINE);
  const backing = { object: kernel.kernelObject, offset: objectOffset(20 * PAGE_SIZE) };
  kernel.kernelObject.references += 3;
  for (const page of [20, 24, 30]) vmMapInsert(kernel, kernel.kernelMap, backing, at(page), at(page + 2));
  for (const offset of [20, 21]) {
    const page = vmPageAlloc(kernel, kernel.kernelObject, objectOffset(offset * PAGE_SIZE));
    if (page === undefined) throw new Error('the machine has free pages');
    kernel.pages.clearFlag(page, PAGE_FLAG.busy);
    kernel.pmap.kenter(at(offset), page);
  }
  return kernel;
}

const FIRST_PAGE = frameNumber(8);

function lastEntry({ kernelMap }: Kernel): VmMapEntry {
  const { last } = kernelMap.entries;
  if (last === null) throw new Error('the map has entries');
  return last;
}

test('a sound kernel has nothing to report', () => {
  expect(audit(bootKernel(SMALL_MACHINE))).toEqual([]);
  expect(audit(busyKernel())).toEqual([]);
});

const DAMAGE: readonly (readonly [string, string, (kernel: Kernel) => void])[] = [
  ['a gap that is too wide', 'INV-MAP-INDEX', (kernel) => lastEntry(kernel).gap++],
  ['a widest gap that is too narrow', 'INV-MAP-INDEX', (kernel) => lastEntry(kernel).widestGap--],
  ['a count of entries that is off', 'INV-MAP-INDEX', (kernel) => kernel.kernelMap.entries.count++],
  [
    'an entry missing from the tree',
    'INV-MAP-INDEX',
    ({ kernelMap: { entries } }) => {
      if (entries.root !== null) entries.root.left = null;
    },
  ],
  [
    'a broken heap order',
    'INV-MAP-INDEX',
    ({ kernelMap: { entries } }) => {
      if (entries.root !== null) entries.root.priority = -(2 ** 31) - 1;
    },
  ],
  [
    'a wrong backward link',
    'INV-MAP-INDEX',
    (kernel) => {
      lastEntry(kernel).previous = null;
    },
  ],
  [
    'a wrong parent',
    'INV-MAP-INDEX',
    ({ kernelMap: { entries } }) => {
      if (entries.root !== null) entries.root.parent = entries.root;
    },
  ],
  [
    'a wrong last entry',
    'INV-MAP-INDEX',
    ({ kernelMap: { entries } }) => {
      entries.last = entries.first;
    },
  ],
  [
    'a tree search that misses an entry',
    'INV-MAP-LOOKUP',
    ({ kernelMap: { entries } }) => {
      entries.floor = () => null;
    },
  ],
  ['a resident count that is off', 'INV-OBJ-RESIDENT', ({ kernelObject }) => kernelObject.residentCount--],
  [
    'a page list that forgets its head',
    'INV-OBJ-RESIDENT',
    ({ kernelObject }) => {
      kernelObject.firstPage = undefined;
    },
  ],
  [
    'a page listed under a stranger',
    'INV-OBJ-RESIDENT',
    ({ kmemObject }) => {
      kmemObject.firstPage = FIRST_PAGE;
      kmemObject.residentCount = 1;
    },
  ],
  ['an owned page on FREE', 'INV-AUDIT', ({ pages }) => pages.queues.append(QUEUE.free, FIRST_PAGE)],
  ['a free page on no queue', 'INV-AUDIT', ({ pages }) => pages.queues.remove(frameNumber(20))],
  [
    'a page linked twice',
    'INV-PAGE-QUEUEEXCL',
    ({ pages }) => {
      pages.queues.append(QUEUE.active, FIRST_PAGE);
      pages.queues.append(QUEUE.inactive, FIRST_PAGE);
    },
  ],
  [
    'a scratch page marked FAKE',
    'INV-PAGE-FAKE',
    ({ pages }) => pages.setFlag(frameNumber(0), PAGE_FLAG.fake),
  ],
  ['a resident statistic that is off', 'INV-PMAP-STATS', ({ pmap }) => pmap.resident++],
  ['a wired statistic that is off', 'INV-PMAP-STATS', ({ pmap }) => pmap.wired--],
  ['a pv record without PTE', 'INV-PMAP-PV', ({ pv }) => pv.add(FIRST_PAGE, at(9))],
  ['a PTE without pv record', 'INV-PMAP-PV', ({ pv }) => pv.remove(FIRST_PAGE, at(20))],
  [
    'a PTE cleared behind the back of the counts',
    'INV-AUDIT',
    ({ memory, tables }) => memory.setWord(tables.indexOf(at(20)), 0),
  ],
  ['a PTE that is neither 0 nor valid', 'INV-PMAP-NOJUNK', ({ tables }) => tables.setPte(at(9), 0x40)],
];

test.each(DAMAGE)('%s is reported as %s', (_, invariant, damage) => {
  const kernel = busyKernel();
  damage(kernel);
  expect(audit(kernel).map((finding) => finding.invariant)).toContain(invariant);
});

/** A kernel whose pmap `a` is current and maps scratch page 0 at 0x1000, cached by a write. */
function kernelWithPmap(): Kernel {
  const kernel = bootKernel(SMALL_MACHINE);
  const created = pmapPinit(kernel, 'a', 1, { created: done, noRoom: none });
  if (!('kind' in created)) kernel.sched.start(1, { kind: 'pmap_pinit', name: 'a' }, created);
  const pmap = pmapOf(kernel);
  pmap.enter(VA, frameNumber(0), { protection: 7, wired: false });
  kernel.tlb.load(pmap.tables.directoryBase);
  translate(kernel, VA, 'write', SUPERVISOR);
  return kernel;
}

const VA = address(0x1000);

function pmapOf({ spaces }: Kernel): Pmap {
  const pmap = spaces.live.get('a');
  if (pmap === undefined) throw new Error('the kernel has room for a directory');
  return pmap;
}

test('a sound kernel with user pmaps has nothing to report', () => {
  const kernel = kernelWithPmap();
  expect(kernel.tlb.entries()).toHaveLength(1);
  expect(audit(kernel)).toEqual([]);
});

/** Flips bits of the PTE at VA behind the back of the pmap. */
const flip = (kernel: Kernel, bits: number) => {
  const { tables } = pmapOf(kernel);
  tables.setPte(VA, tables.pte(VA) ^ bits);
};

const USER_DAMAGE: readonly (readonly [string, string, (kernel: Kernel) => void])[] = [
  [
    'a PTE cleared behind the back of the hold count',
    'INV-PMAP-PTHOLD',
    (kernel) => kernel.memory.setWord(pmapOf(kernel).tables.indexOf(VA), 0),
  ],
  ['a page table without a valid PTE', 'INV-PMAP-PTRECLAIM', (kernel) => pmapOf(kernel).tables.setPte(VA, 0)],
  ['a page table that is not named', 'INV-PMAP-PDEFRAME', (kernel) => pmapOf(kernel).tables.setPde(0, 0)],
  ['a word in a slot of nobody', 'INV-PMAP-PDEFRAME', (kernel) => pmapOf(kernel).tables.setPde(1023, 0x1000)],
  ['a page table that is not wired', 'INV-PMAP-PDEFRAME', ({ pages }) => pages.unwire(frameNumber(9))],
  [
    'a page table that is not counted',
    'INV-PMAP-PTRECLAIM',
    ({ objects }) => {
      const object = objects.get('pte:a');
      if (object !== undefined) object.residentCount = 0;
    },
  ],
  ['a kernel slot that differs', 'INV-PMAP-KSYNC', (kernel) => pmapOf(kernel).tables.setPde(960, 0)],
  ['a directory that names another', 'INV-PMAP-RECURSIVE', (kernel) => pmapOf(kernel).tables.setPde(959, 3)],
  ['a user PTE without U', 'INV-AUDIT', (kernel) => flip(kernel, PG_U)],
  ['a statistic of a user pmap', 'INV-PMAP-STATS', (kernel) => pmapOf(kernel).wired++],
  [
    'a user mapping without pv record',
    'INV-PMAP-PV',
    ({ pv }) => pv.remove(frameNumber(0), PLACES_PER_PMAP + VA),
  ],
  [
    'a pv record of the wrong pmap',
    'INV-PMAP-PV',
    ({ pv }) => pv.add(frameNumber(0), 2 * PLACES_PER_PMAP + VA),
  ],
  ['a cached translation whose PTE is gone', 'INV-TLB-NOSTALE', (kernel) => flip(kernel, PG_P)],
  ['one whose PTE names another frame', 'INV-TLB-NOSTALE', (kernel) => flip(kernel, PAGE_SIZE)],
  ['one that grants the user more', 'INV-TLB-NOSTALE', (kernel) => flip(kernel, PG_U)],
  ['one that is writable longer than its PTE', 'INV-TLB-NOSTALE', (kernel) => flip(kernel, PG_RW)],
  ['one that is dirty while its PTE is not', 'INV-TLB-NOSTALE', (kernel) => flip(kernel, PG_D)],
  [
    'one of a pmap that is no longer current',
    'INV-TLB-NOSTALE',
    (kernel) => {
      kernel.tlb.directoryBase = kernel.tables.directoryBase;
    },
  ],
];

test.each(USER_DAMAGE)('%s is reported as %s', (_, invariant, damage) => {
  const kernel = kernelWithPmap();
  damage(kernel);
  expect(audit(kernel).map((finding) => finding.invariant)).toContain(invariant);
});

test('without its flush, removing a mapping is found by the audit and by the next access', () => {
  const kernel = kernelWithPmap();
  kernel.tlb.flush = () => undefined;
  pmapOf(kernel).remove(address(0), PAGE_SIZE * 2);
  expect(audit(kernel).map((finding) => finding.invariant)).toEqual(['INV-TLB-NOSTALE']);
  expect(translate(kernel, VA, 'read', SUPERVISOR)).toBeGreaterThanOrEqual(0);
});
