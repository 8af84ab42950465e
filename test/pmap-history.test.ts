/** What history knows of page tables and TLBs gone wrong: each bug is a faulty kernel, and falls to a claim about them. */
import { beforeAll, describe, expect, test } from 'vitest';
import { faultScenarios, firstSight } from '../cli/faults.ts';
import type { Scenario } from '../contract/scenario.ts';
import { PMAP_DEVIATION_FAULTS } from '../faults/deviations-pmap.ts';
import { FAULTY_KERNELS } from '../faults/kernels.ts';
import { FAULTY_SPACES } from '../faults/kernels-spaces.ts';
import { loadFaultyKernel } from '../faults/load.ts';
import { ALL_INVARIANTS } from '../properties/invariants/all.ts';

/** Bugs of other kernels, by the IDs of the list that they were gathered in, and deviations of pmap.c. */
const PMAP_HISTORY: { readonly [id: string]: readonly string[] } = {
  'PMAP-02': ['line-table-kept-across-lines'],
  'PMAP-03': ['next-line-wraps'],
  'PMAP-05': ['removal-flushes-for-managed-frames'],
  'PMAP-07': ['device-frames-keep-their-table', 'hold-count-of-device-frames'],
  'PMAP-08': ['protect-writable-for-users', 'protect-keeps-write'],
  'PMAP-10': ['kenter-not-counted-wired'],
  'PMAP-11': ['user-pv-records-outlive-ptes', 'pv-entry-outlives-pte'],
  'PMAP-12': ['neighbouring-table-freed'],
  'PMAP-14': ['removal-stops-at-no-residents'],
  'PMAP-16': ['directory-misses-empty-lines'],
  'PMAP-17': ['self-map-open-to-users', 'kernel-pages-open-to-users'],
  'PMAP-18': ['removal-by-page-keeps-wired'],
  'PMAP-20': ['clears-modify-of-another-frame'],
  'PMAP-21': ['removal-leaves-flush-to-update'],
  'PMAP-23': ['nowait-without-update'],
  'DEV-5': ['kenter-keeps-no-pv'],
  'DEV-7': ['kenter-not-counted-wired'],
  'DEV-19': ['enter-without-read'],
  'DEV-20': ['extract-answers-byte-offset'],
  'DEV-21': ['unwire-makes-junk-pte'],
  'DEV-22': ['device-frames-keep-their-table'],
  'DEV-23': ['replaced-mapping-in-a-freed-table'],
  'DEV-24': ['kenter-forgets-dirty'],
  'DEV-25': ['kenter-device-in-pv-table'],
  'DEV-26': ['no-record-when-none-is-left'],
  'DEV-27': ['tables-end-below-map'],
  'DEV-28': ['directory-without-room'],
  'DEV-29': ['zero-window-stays-mapped'],
  'DEV-30': ['alternate-slot-outlives-directory'],
};

const FAULTS = [...FAULTY_KERNELS, ...FAULTY_SPACES, ...PMAP_DEVIATION_FAULTS];
/** Claims about mappings and cached translations, and that no page is lost or counted twice. */
const JURY = ALL_INVARIANTS.filter(({ id }) => /^INV-(PMAP|TLB|PAGE)-/.test(id));

describe('bugs of page tables that history knows', () => {
  let list: Scenario[] = [];
  beforeAll(() => {
    list = faultScenarios(1994, 300, 'pmap');
  });

  test('nothing is seen where nothing is wrong', () => {
    expect(firstSight(loadFaultyKernel(null), list.slice(0, 40), false, JURY)).toBeNull();
  });

  test.each(Object.entries(PMAP_HISTORY).flatMap(([id, names]) => names.map((name) => [id, name] as const)))(
    '%s, as %s, falls to a claim about page tables alone',
    (id, name) => {
      const fault = FAULTS.find((one) => one.name === name);
      if (fault === undefined) throw new Error(`no fault is called ${name}`);
      expect(fault.source).toContain(id);
      expect(firstSight(loadFaultyKernel(fault), list, false, JURY)).not.toBeNull();
    },
  );
});
