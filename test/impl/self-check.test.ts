import { expect, test } from 'vitest';
import { frameNumber, objectOffset, PAGE_SIZE } from '../../contract/address.ts';
import { bootKernel, type Kernel } from '../../impl/kernel.ts';
import type { VmMapEntry } from '../../impl/map-entry.ts';
import { QUEUE } from '../../impl/page-queues.ts';
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
